"""Processor, memory, disk and GPUs, now and over the last minutes."""

from __future__ import annotations

from typing import Any, ClassVar

from nbtrain.core.ports import HardwareSource
from nbtrain.widgets.base import Panel
from nbtrain.widgets.feed import Feed
from nbtrain.widgets.wire import Request


class HardwareMonitor(Panel):
    """The machine at work. It is sampled only while somebody looks."""

    name: ClassVar[str] = "hardware_monitor"
    has_twin: ClassVar[bool] = False

    def __init__(self, source: HardwareSource, **services: Any) -> None:
        self._source = source
        self._looking = False
        super().__init__(Feed(hardware=source), **services)

    def close(self) -> None:
        self._look(on=False)
        super().close()

    def _hello(self, request: Request) -> None:
        self._look(on=True)
        super()._hello(request)

    def _bye(self, request: Request) -> None:
        self._look(on=False)
        super()._bye(request)

    def _look(self, *, on: bool) -> None:
        if on == self._looking:
            return
        self._looking = on
        if on:
            self._source.start()
        else:
            self._source.stop()
