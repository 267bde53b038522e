"""Classes: what was taken for what, how sure the model was, and where it was surest of what is not so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from nbtrain.core.outcomes import Group, Worst
from nbtrain.engine.batch import Batch
from nbtrain.engine.tasks import IGNORED, class_dimension
from nbtrain.i18n import text
from nbtrain.recipes.judging.showing import Places, Show, known_beside
from nbtrain.recipes.judging.verdict import Verdict, beside, highest

#: Classes of which each pair is counted; of more, the model's vocabulary say, nobody reads a table.
MOST_CLASSES = 1000

Counts = npt.NDArray[np.int64]


class Classes:
    """A judge of one class a row, or one at each place of it (of each word, of each pixel).

    Outputs are logits or shares (rows, classes), (rows, …, classes) or (rows, classes, …); (rows,) or (rows, 1) of two
    classes. The measure of a row is −ln p of its true class, the mean over its places.

    Args:
        names: of the classes; None: their numbers.
        show: what is to be seen of a row.
        threshold: of two classes, from which probability on the second is predicted; None takes the likelier one.
        others: columns that stand beside each row's prediction, such as its time.
    """

    def __init__(
        self, names: Sequence[str] | None = None, show: Show | None = None, *, threshold: float | None = None,
        others: Mapping[str, Any] | None = None,
    ) -> None:
        self._names, self._show = names, show or Places()
        self._beside = dict(others or {})
        self._logits, self._shares = _Tally(threshold), _Tally(threshold)
        self._are_shares = True
        """As far as one has seen; the first row that is none decides it for all."""

    def see(self, model: nn.Module, batch: Batch, output: Any) -> None:  # noqa: ARG002 - as of any judge
        """Keeps a few numbers a row."""
        values, truth, single = told(output, batch.target)
        self._are_shares = self._are_shares and _are_shares(values)
        if self._are_shares:
            self._shares.add(values.clamp(min=torch.finfo(values.dtype).tiny).log(), truth, single=single)
        self._logits.add(functional.log_softmax(values, -1), truth, single=single)

    def verdict(self, worst: int) -> Verdict:
        """See `Judge.verdict`."""
        tally = self._shares if self._are_shares else self._logits
        losses, classes = tally.losses(), tally.classes
        names = tuple(map(str, self._names)) if self._names else tuple(map(str, range(classes)))
        names = (*names, *map(str, range(len(names), classes)))
        known = Verdict(
            rows=len(losses), worst=self._worst(tally, names, worst),
            predictions=self._predictions(tally, names) if tally.single else {})
        if tally.counts is None:
            return replace(known, notes=(text("results.note.many_classes", classes=classes),))
        return replace(
            known, classes=names, confusion=pairs_of(tally.counts), groups=groups_of(tally.counts, names),
            figures=figures_of(tally.counts))

    def _predictions(self, tally: _Tally, names: Sequence[str]) -> dict[str, Any]:
        table = tally.table()
        truth, chosen = table[:, 0].astype(np.int64), table[:, 1].astype(np.int64)
        true = [names[each] if each >= 0 else None for each in truth]
        return beside({
            "row": self._show.numbers(len(table)), "truth": true, "predicted": [names[each] for each in chosen],
            "chance": table[:, 2], "loss": tally.losses()}, self._beside)

    def _worst(self, tally: _Tally, names: Sequence[str], count: int) -> tuple[Worst, ...]:
        losses = tally.losses()
        places = highest(losses, count)
        table = tally.table() if tally.single else None
        found = []
        for place, shown in zip(places, self._show(places), strict=True):
            truth = predicted = ""
            chance: float | None = None
            if table is not None:
                number, said, chance = int(table[place, 0]), int(table[place, 1]), float(table[place, 2])
                truth, predicted = names[number] if number >= 0 else "", names[said]
            found.append(Worst(
                row=shown.row, truth=truth, predicted=predicted, measure=float(losses[place]), chance=chance,
                text=shown.text, cells=(*known_beside(self._beside, place), *shown.cells), image=shown.image,
                mime=shown.mime))
        return tuple(found)


class _Tally:
    """What is kept of rows, by the logarithms of the chances of their classes."""

    def __init__(self, threshold: float | None) -> None:
        self._threshold = threshold
        self._losses: list[Tensor] = []
        self._rows: list[Tensor] = []
        self.single = True
        self.counts: Counts | None = None
        self.classes = 0

    def add(self, logs: Tensor, truth: Tensor, *, single: bool) -> None:
        """A batch, as `told` gives it."""
        self.classes, self.single = logs.shape[-1], self.single and single
        chosen = logs.argmax(-1)
        if self._threshold is not None and self.classes == 2:
            chosen = (logs[..., 1].exp() >= self._threshold).long()
        counted = truth != IGNORED
        true = truth.clamp(min=0)
        losses = -logs.gather(-1, true[..., None])[..., 0].masked_fill(~counted, 0.0)
        per_row = losses.reshape(len(losses), -1).sum(1) / counted.reshape(len(losses), -1).sum(1).clamp(min=1)
        self._losses.append(per_row.cpu())
        if single:
            likely = logs.gather(-1, chosen[..., None])[..., 0].exp()
            self._rows.append(torch.stack([truth.double(), chosen.double(), likely], -1).reshape(-1, 3).cpu())
        if self.classes <= MOST_CLASSES:
            if self.counts is None:
                self.counts = np.zeros((self.classes, self.classes), np.int64)
            np.add.at(self.counts, (true[counted].cpu().numpy(), chosen[counted].cpu().numpy()), 1)

    def losses(self) -> npt.NDArray[np.float64]:
        """Of each row."""
        return np.asarray(torch.cat(self._losses).double().numpy() if self._losses else np.zeros(0), np.float64)

    def table(self) -> npt.NDArray[np.float64]:
        """(rows, 3): the true class, the one that was predicted, and its chance; of rows that have one class alone."""
        return np.asarray(torch.cat(self._rows).numpy() if self._rows else np.zeros((0, 3)), np.float64)


def told(output: Tensor, target: Tensor) -> tuple[Tensor, Tensor, bool]:
    """Logits of classes or their shares (…, classes), numbers of the true ones (…), and whether a row has one alone.

    Of two classes told by one number, and of targets that are shares of classes, both come out in this form.
    """
    if output.ndim <= 2:
        output, target = output.cpu(), target.cpu()  # not every device has doubles
    if output.ndim == 2 and output.shape == target.shape and output.shape[1] > 1:  # each class has its share
        return _exact(output), target.argmax(1), True
    if output.numel() == len(output) == target.numel():  # one number tells of two classes
        yes = output.double().reshape(-1)
        return functional.logsigmoid(torch.stack([-yes, yes], -1)), (target.reshape(-1) > 0.5).long(), True
    if target.ndim == 2 and target.shape[1] == 1 and output.ndim == 2:
        target = target[:, 0]
    dimension = class_dimension(output, target)
    assert dimension is not None  # noqa: S101 - the task was told by these shapes
    return _exact(output.movedim(dimension, -1)), target.long(), target.ndim == 1


def pairs_of(counts: Counts) -> tuple[tuple[int, int, int], ...]:
    """(true, predicted, how many), of all there are."""
    there = np.argwhere(counts)
    return tuple((int(truth), int(said), int(counts[truth, said])) for truth, said in there)


def groups_of(counts: Counts, names: Sequence[str]) -> tuple[Group, ...]:
    """How many rows each class has, its precision, recall and F1; 0 where there is nothing to divide by."""
    right, there, found = counts.diagonal(), counts.sum(1), counts.sum(0)
    return tuple(
        Group(name=name, rows=int(there[place]), figures=scores(right[place], found[place], there[place]))
        for place, name in enumerate(names))


def scores(right: int, found: int, there: int) -> dict[str, float]:
    """Precision, recall and F1 (harmonic mean of the two)."""
    return {
        "precision": float(right / found) if found else 0.0, "recall": float(right / there) if there else 0.0,
        "f1": float(2 * right / (found + there)) if found + there else 0.0}


def figures_of(counts: Counts) -> dict[str, float]:
    """Accuracy, and the mean F1 of the classes that are there or were predicted."""
    there = counts.sum(1) + counts.sum(0)
    each = 2 * counts.diagonal()[there > 0] / there[there > 0]
    return {} if not len(each) else {
        "accuracy": float(counts.trace() / counts.sum()), "macro_f1": float(each.mean())}


def _exact(output: Tensor) -> Tensor:
    return output.double() if output.ndim == 2 else output.float()  # of a whole vocabulary, doubles would be many


def _are_shares(values: Tensor) -> bool:
    """Whether they could be chances that the model gives itself; the classes lie last."""
    sums = values.sum(-1)
    return bool((values >= 0).all()) and bool(torch.isclose(sums, torch.ones_like(sums), atol=1e-4).all())
