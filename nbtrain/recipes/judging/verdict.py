"""What a judge is: it is shown batches and outputs one after the other, and says in the end how well they agree."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from torch import nn

from nbtrain.core.outcomes import MOST_POINTS, Group, Measure, Worst
from nbtrain.data.processing.units import Units
from nbtrain.engine.batch import Batch
from nbtrain.i18n import text

#: Rows that are called the worst, at most.
MOST_WORST = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """How outputs and truth agree. See `nbtrain.core.outcomes.Outcome` for what is not told here."""

    rows: int
    classes: tuple[str, ...] = ()
    confusion: tuple[tuple[int, int, int], ...] = ()
    groups: tuple[Group, ...] = ()
    points: tuple[tuple[float, float], ...] = ()
    measure: Measure = "loss"
    worst: tuple[Worst, ...] = ()
    notes: tuple[str, ...] = ()
    units: Units | None = None
    """Those of the amounts, where the run learnt scaled ones."""
    figures: Mapping[str, float] = field(default_factory=dict)
    """Of the task, over all rows."""
    predictions: Mapping[str, Any] = field(default_factory=dict)
    """Columns with an entry each row, in the order of the rows."""


class Judge(Protocol):
    """Is shown every row once, in order."""

    def see(self, model: nn.Module, batch: Batch, output: Any) -> None:
        """One batch, and what the model gave for it; the model is in evaluation mode, and draws no gradients."""

    def verdict(self, worst: int) -> Verdict:
        """Over all that was seen, with so many of the worst rows."""


class Silent:
    """A judge of outputs that nobody knows the meaning of."""

    def __init__(self) -> None:
        self._rows = 0

    def see(self, model: nn.Module, batch: Batch, output: Any) -> None:  # noqa: ARG002 - as of any judge
        """Counts rows."""
        self._rows += batch.size

    def verdict(self, worst: int) -> Verdict:  # noqa: ARG002 - as of any judge
        """That there is nothing to say."""
        return Verdict(rows=self._rows, notes=(text("results.note.figures_alone"),))


def beside(own: Mapping[str, Any], others: Mapping[str, Any]) -> dict[str, Any]:
    """Columns of a judge, with those of the data behind the first, which is the row. The judge's keep their names."""
    first, *rest = own
    return {first: own[first], **{free(name, own): each for name, each in others.items()},
            **{name: own[name] for name in rest}}


def free(name: str, taken: Collection[str]) -> str:
    """The name of a column of the data beside others that are there."""
    while name in taken:
        name = f"{name} (data)"
    return name


def highest(measures: npt.NDArray[np.floating[Any]], count: int) -> list[int]:
    """Places of the highest, the highest first; of equal ones the first. What is no number counts as the highest."""
    order = np.argsort(-np.where(np.isnan(measures), np.inf, measures), kind="stable")
    return [int(place) for place in order[:count]]


def thinned(truth: npt.NDArray[Any], predicted: npt.NDArray[Any]) -> tuple[tuple[float, float], ...]:
    """Pairs of rows spread evenly, `MOST_POINTS` at most; those that are not finite cannot be drawn."""
    there = np.flatnonzero(np.isfinite(truth) & np.isfinite(predicted))
    if len(there) > MOST_POINTS:
        there = there[np.linspace(0, len(there) - 1, MOST_POINTS).round().astype(np.int64)]
    return tuple(zip(truth[there].tolist(), predicted[there].tolist(), strict=True))
