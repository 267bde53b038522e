"""Processor, memory, disk and GPUs, now and over the last minutes."""

from __future__ import annotations

from typing import Any, ClassVar

from nbtrain.core.ports import HardwareSource
from nbtrain.widgets.base import COMMON, Panel
from nbtrain.widgets.feed import Feed


class HardwareMonitor(Panel):
    """The machine at work. It is sampled only while somebody looks."""

    name: ClassVar[str] = "hardware_monitor"
    said: ClassVar[tuple[str, ...]] = (*COMMON, "hardware.")
    has_twin: ClassVar[bool] = False

    def __init__(self, source: HardwareSource, **services: Any) -> None:
        self._source = source
        self._looking = False
        super().__init__(Feed(hardware=source), **services)

    def looked_at(self, *, on: bool) -> None:
        """Sample the machine while somebody looks. Only the pump calls this."""
        if on == self._looking:
            return
        self._looking = on
        if on:
            self._source.start()
        else:
            self._source.stop()
