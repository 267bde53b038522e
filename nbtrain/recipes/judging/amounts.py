"""Amounts: truth beside prediction, and how far off each is."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from nbtrain.core.outcomes import Worst
from nbtrain.data.processing.units import Units
from nbtrain.engine.batch import Batch
from nbtrain.i18n import text
from nbtrain.recipes.judging.showing import Places, Show, as_text, known_beside
from nbtrain.recipes.judging.verdict import Verdict, beside, highest, thinned

#: Amounts of a row that are told one by one.
MOST_COLUMNS = 16
#: Of rows with many amounts each, such as images, so many of a batch are kept to be drawn.
_DRAWN = 64

Values = npt.NDArray[np.float64]


class Amounts:
    """A judge of one amount a row, or of several, which are then all alike.

    The measure of a row is |predicted − truth|, the mean where it has several.

    Args:
        own: brings what the model gives, and the target as it learns it, into the units of the target's cells.
        show: what is to be seen of a row.
        others: columns that stand beside each row's prediction, such as its time.
        units: which the cells had before processing scaled them; None where it did not.
    """

    def __init__(
        self, own: Callable[[Tensor], Tensor] | None = None, show: Show | None = None, *,
        others: Mapping[str, Any] | None = None, units: Units | None = None,
    ) -> None:
        self._own, self._show, self._beside = own or _as_it_is, show or Places(), dict(others or {})
        self._units = units
        self._truth: list[Tensor] = []
        self._said: list[Tensor] = []
        self._errors: list[Tensor] = []
        self._sums = _Sums()
        self._width = 0

    def see(self, model: nn.Module, batch: Batch, output: Any) -> None:  # noqa: ARG002 - as of any judge
        """Keeps two numbers an amount; of rows with many, a few of each batch."""
        rows = len(output)
        said, truth = (self._own(each.cpu().double()).reshape(rows, -1) for each in (output, batch.target))
        if self._units is not None:
            said, truth = self._units.own(said), self._units.own(truth)
        self._width = said.shape[1] if self._width in {0, said.shape[1]} else MOST_COLUMNS + 1
        self._sums.add(truth, said)
        self._errors.append((said - truth).abs().mean(1))
        if self._width > MOST_COLUMNS and truth.numel() > _DRAWN:
            places = torch.linspace(0, truth.numel() - 1, _DRAWN).round().long()
            truth, said = truth.reshape(-1)[places], said.reshape(-1)[places]
        self._truth.append(truth.reshape(-1))
        self._said.append(said.reshape(-1))

    def verdict(self, worst: int) -> Verdict:
        """See `Judge.verdict`."""
        errors = _joined(self._errors)
        shape = (-1, self._width) if self._width <= MOST_COLUMNS else (-1,)
        truth, said = (_joined(each).reshape(shape) for each in (self._truth, self._said))
        places = highest(errors, worst)
        found = []
        for place, shown in zip(places, self._show(places), strict=True):
            both = self._both(truth, said, place)
            found.append(Worst(
                row=shown.row, truth=both[0], predicted=both[1], measure=float(errors[place]), text=shown.text,
                cells=(*known_beside(self._beside, place), *shown.cells), image=shown.image, mime=shown.mime))
        predictions: dict[str, Any] = {}
        notes: tuple[str, ...] = ()
        if len(errors) and self._width <= MOST_COLUMNS:
            predictions = beside({"row": self._show.numbers(len(errors)), **_columns(truth, said)}, self._beside)
        elif len(errors):
            notes = (text("results.note.many_amounts", most=MOST_COLUMNS),)
        return Verdict(
            rows=len(errors), points=thinned(truth.reshape(-1), said.reshape(-1)), measure="error", worst=tuple(found),
            figures=self._sums.figures(), predictions=predictions, notes=notes, units=self._units)

    def _both(self, truth: Values, said: Values, place: int) -> tuple[str, str]:
        """What one reads of a row that was judged, where it has few amounts."""
        if self._width > MOST_COLUMNS:
            return "", ""
        of_truth, of_said = (", ".join(as_text(float(value)) for value in each[place]) for each in (truth, said))
        return of_truth, of_said


def _columns(truth: Values, said: Values) -> dict[str, Values]:
    """Of one amount a row, or of several by their places; arrays (rows, amounts)."""
    if truth.shape[1] == 1:
        return {"truth": truth[:, 0], "predicted": said[:, 0], "error": (said - truth)[:, 0]}
    both = {"truth": truth, "predicted": said, "error": said - truth}
    return {f"{name}_{place}": each[:, place] for place in range(truth.shape[1]) for name, each in both.items()}


class _Sums:
    """R², mean absolute error and root mean squared error over all that was added.

    Sums of squares are taken about the first batch's mean: about 0 they would lose the digits of amounts far from it.
    """

    def __init__(self) -> None:
        self._about: float | None = None
        self._count, self._truth, self._squares, self._absolute, self._residual = 0, 0.0, 0.0, 0.0, 0.0

    def add(self, truth: Tensor, said: Tensor) -> None:
        if self._about is None:
            self._about = float(truth.mean())
        apart, error = truth - self._about, said - truth
        self._count += truth.numel()
        self._truth += float(apart.sum())
        self._squares += float(apart.square().sum())
        self._absolute += float(error.abs().sum())
        self._residual += float(error.square().sum())

    def figures(self) -> dict[str, float]:
        if not self._count:
            return {}
        spread = self._squares - self._truth**2 / self._count
        return {
            "r2": 1 - self._residual / spread if spread > 0 else math.nan, "mae": self._absolute / self._count,
            "rmse": math.sqrt(self._residual / self._count)}


def _as_it_is(values: Tensor) -> Tensor:
    return values


def _joined(parts: list[Tensor]) -> Values:
    return np.asarray(torch.cat(parts).numpy() if parts else np.zeros(0), np.float64)
