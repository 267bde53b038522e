"""Windows of series, cut when a batch is gathered: the rows lie in memory once, however much windows overlap."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from nbtrain.engine.arrays import Arrays
from nbtrain.engine.fingerprint import fingerprint
from nbtrain.recipes.series import Timeline

#: How much windows are stretched by chance, feature by feature: a factor of mean 1 and this deviation, after Um et al.,
#: Data Augmentation of Wearable Sensor Data (2017).
STRETCH = 0.1


class Windows:
    """`engine.rows.Rows`: each row is a window, from the last of its steps back.

    Args:
        values: of all series, one after another, (steps, features).
        ends: number of the last step of each window, int64.
        targets: what each window is to give: class numbers, or amounts.
        window: steps of each.
        classes: names of the classes.
        stretch: whether windows are stretched by chance while they are trained on.
        steps: the last step of each window, as columns by their names: its series, its time.
    """

    def __init__(
        self, values: Tensor, ends: Tensor, targets: Tensor | None, window: int, *,
        classes: Sequence[str] | None = None, stretch: bool = False,
        steps: Mapping[str, Any] | None = None,
    ) -> None:
        self.values, self.ends, self.window = values, ends, window
        self.targets = targets
        self.classes = None if classes is None else list(classes)
        self.lengths: Tensor | None = None
        self.bucketed = False
        self.steps = dict(steps or {})
        self._stretch = stretch
        # Every window there could be, as a view: a batch is one copy of rows that lie together.
        features = values.shape[1]
        count = max(len(values) - window + 1, 0)
        self._all = values.as_strided((count, window * features), (features, 1)) if count else values[:0]

    def __len__(self) -> int:
        return len(self.ends)

    def take(self, rows: Tensor, seed: int | None) -> tuple[Tensor, Tensor | None]:
        """Windows (m, window, features), and their targets (m,)."""
        first = self.ends[rows] - (self.window - 1)
        found = self._all.index_select(0, first).view(len(rows), self.window, -1)
        if seed is not None and self._stretch:
            draw = torch.Generator().manual_seed(seed)
            found = found * (1 + STRETCH * torch.randn(len(rows), 1, found.shape[2], generator=draw))
        return found, None if self.targets is None else self.targets[rows]

    def fingerprint(self) -> str:
        """Of the steps, and of where the windows lie."""
        inputs = {"values": self.values, "window": torch.tensor([self.window])}
        target = {"ends": self.ends} | ({} if self.targets is None else {"targets": self.targets})
        return fingerprint(Arrays(inputs, target, len(self.values), self.classes))


def ends_of(timeline: Timeline, *, window: int, horizon: int, stride: int) -> npt.NDArray[np.int64]:
    """Where windows end: in each series every `stride` steps back from the last, whose target is `horizon` later.

    A window lies in one series whole, and so does its target.
    """
    lasts = timeline.starts[1:] - 1 - horizon
    counts = np.maximum((lasts - timeline.starts[:-1] - (window - 1)) // stride + 1, 0)
    series = np.repeat(np.arange(len(counts)), counts)
    place = np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts)
    found: npt.NDArray[np.int64] = lasts[series] - stride * (counts[series] - 1 - place)
    return found


def steps_of(
    timeline: Timeline, ends: npt.NDArray[np.int64], time: str, group: str | None,
) -> dict[str, Any]:
    """The steps at which windows end, by the names of their columns, in which cells are as those of the data."""
    times: Any = timeline.times[ends]
    if timeline.microseconds:
        times = times.astype(np.int64).astype("datetime64[us]")
    if timeline.zoned:
        import pandas as pd  # noqa: PLC0415 - loaded when something is predicted

        times = pd.DatetimeIndex(times, tz="UTC")
    found: dict[str, Any] = {time: times}
    if group is None:
        return found
    plain = len({type(each) for each in timeline.cells}) == 1 and not isinstance(timeline.cells[0], str)
    return {group: np.array(timeline.cells, None if plain else object)[timeline.series[ends]], **found}


def filled_forward(cells: npt.NDArray[np.float32], timeline: Timeline) -> npt.NDArray[np.float32]:
    """Gaps become what was seen last in the series; those before the first stay gaps. In the order of time.

    Args:
        cells: (rows, features) with NaN in gaps, in the order of the timeline.
        timeline: where each series begins.
    """
    if not np.isnan(cells).any():
        return cells
    place = np.arange(len(cells))[:, None]
    begin = np.repeat(timeline.starts[:-1], timeline.lengths)[:, None]
    last = np.maximum.accumulate(np.where(np.isnan(cells), begin, place), axis=0)
    return np.take_along_axis(cells, np.maximum(last, begin), axis=0)
