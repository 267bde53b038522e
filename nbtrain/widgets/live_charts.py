"""Curves of one run or several, while they grow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from nbtrain.core.ports import Launcher, RunView
from nbtrain.widgets.base import COMMON
from nbtrain.widgets.feed import Feed
from nbtrain.widgets.run_panel import RunPanel

#: More lines than this cannot be told apart.
MOST = 6


class LiveCharts(RunPanel):
    """Loss, learning rate, throughput and metrics. Without runs it follows those that are active."""

    name: ClassVar[str] = "live_charts"
    said: ClassVar[tuple[str, ...]] = (*COMMON, "charts.", "state.")

    def __init__(self, launcher: Launcher, *runs: RunView, **services: Any) -> None:
        super().__init__(launcher, feed=Feed(runs, follow=None if runs else self._active), **services)

    def _active(self) -> Sequence[RunView]:
        """The active runs, beside those on show as long as one of these is active too."""
        active = list(self.launcher.active())
        going = {run.id for run in active}
        on_show = [run for run in self.runs if run.id not in going]
        together = len(on_show) < len(self.runs)
        return [*on_show, *active][-MOST:] if together else active[-MOST:]
