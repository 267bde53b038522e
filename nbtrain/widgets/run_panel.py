"""A panel that shows runs, and what such panels can be asked."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from nbtrain.core.decimate import minmax
from nbtrain.core.errors import CommandError
from nbtrain.core.history import Series
from nbtrain.core.ports import Launcher, RunView
from nbtrain.widgets.base import Panel
from nbtrain.widgets.commands import Answer, Handler, number, text, texts
from nbtrain.widgets.feed import SNAPSHOT_POINTS
from nbtrain.widgets.story import brief
from nbtrain.widgets.wire import Request, RunRow, SampleView


class RunPanel(Panel):
    """Knows the requests `runs`, `watch` and `range`. `feed` and `services` as for `Panel`."""

    def __init__(self, launcher: Launcher, **services: Any) -> None:
        self.launcher = launcher
        super().__init__(**services)

    def handlers(self) -> dict[str, Handler]:
        return {
            **super().handlers(),
            "runs": Handler(self._runs, slow=True),
            "watch": Handler(self._watch_some, slow=True),
            "range": Handler(self._range, slow=True),
            "samples": Handler(self._samples, slow=True),
        }

    def view(self, run_id: str) -> RunView:
        """A run by its id: the one on show, else one of this kernel or the workspace. Raises RunNotFoundError."""
        return next((run for run in self.runs if run.id == run_id), None) or self.launcher.view(run_id)

    def _runs(self, request: Request) -> dict[str, list[RunRow]]:  # noqa: ARG002
        return {"rows": [plain(row) for row in self.launcher.runs()]}

    def _watch_some(self, request: Request) -> None:
        self.watch(*[self.view(run_id) for run_id in texts(request, "runs")])

    def _samples(self, request: Request) -> Answer:
        """What the model made after an epoch: a buffer each."""
        epoch = number(request, "epoch")
        found = self.view(text(request, "run")).samples(epoch)
        views = [SampleView(title=brief(each.title), kind=each.kind, mime=each.mime) for each in found]
        return Answer({"epoch": epoch, "samples": views}, [each.content for each in found])

    def _range(self, request: Request) -> Answer:
        """The points of a series between two steps, both included, in at most `points` points."""
        name, first, last = text(request, "name"), number(request, "first"), number(request, "last")
        points = min(max(number(request, "points"), 4), SNAPSHOT_POINTS)
        history = self.view(text(request, "run")).history
        if name not in history:
            raise CommandError(f"This run has no series {name!r}; there are: {', '.join(history.names) or 'none yet'}.")
        series = minmax(between(history[name], first, last), points)
        with np.errstate(over="ignore"):
            buffers = [series.steps.astype("<i4").tobytes(), series.values.astype("<f4").tobytes()]
        return Answer({"name": name, "first": first, "last": last, "count": len(series.values)}, buffers)


def between(series: Series, first: int, last: int) -> Series:
    """The part of a series whose steps are `first` to `last`."""
    start, end = np.searchsorted(series.steps, [first, last + 1]).tolist()
    return Series(series.steps[start:end], series.values[start:end])


def plain(row: RunRow) -> RunRow:
    """A row as JSON has it: figures that are not finite are left out."""
    return RunRow(**{**row, "metrics": {k: v for k, v in row["metrics"].items() if math.isfinite(v)}})


def newest(runs: Sequence[RunView]) -> Sequence[RunView]:
    """The last of several runs, for a panel that shows one."""
    return runs[-1:]
