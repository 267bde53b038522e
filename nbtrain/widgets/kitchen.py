"""A run told as cooking: stove, pot, flame, thermometer, timer and chef."""

from __future__ import annotations

from typing import Any, ClassVar

from nbtrain.core.ports import Launcher, RunView
from nbtrain.widgets.base import COMMON
from nbtrain.widgets.feed import Feed
from nbtrain.widgets.run_panel import RunPanel, newest


class Kitchen(RunPanel):
    """One run in the pot. Without a run it follows the one that was started last."""

    name: ClassVar[str] = "kitchen"
    said: ClassVar[tuple[str, ...]] = (*COMMON, "chef.", "kitchen.")

    def __init__(self, launcher: Launcher, run: RunView | None = None, **services: Any) -> None:
        follow = None if run else (lambda: newest(launcher.active()))
        super().__init__(launcher, feed=Feed([run] if run else [], follow=follow, curves=False), **services)
