"""Metrics that know what the outputs of a run mean: its threshold, the units of its target."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor

from nbtrain.engine import metric_names
from nbtrain.engine.metric_names import KNOWN
from nbtrain.recipes.goals import Goal

#: Of two classes: those that a threshold decides, and those that look at probabilities alone.
BY_THRESHOLD = ("accuracy", "macro_f1", "precision", "recall", "f1")
OF_TWO = (*BY_THRESHOLD, "auroc")
OF_AMOUNTS = ("r2", "mae", "rmse")

Given = str | Callable[[Any, Any], Any]


def of_two(given: Sequence[Given] | None, threshold: float) -> list[Given]:
    """The metrics of a run with two classes; precision, recall and F1 are of the second."""
    return [
        OfTwo(each, threshold) if each in OF_TWO else each
        for each in (OF_TWO if given is None else given)]


def of_amounts(given: Sequence[Given] | None, goal: Goal) -> list[Given]:
    """The metrics of a run whose target was standardised, in the target's own units."""
    return [
        InUnits(each, goal) if not isinstance(each, str) or each in KNOWN else each
        for each in (OF_AMOUNTS if given is None else given)]


class OfTwo:
    """One metric of two classes, where the second is predicted from a probability on.

    Outputs are logits (rows, 2), or (rows,) and (rows, 1) of the second class.
    """

    def __init__(self, name: str, threshold: float) -> None:
        self.__name__ = name
        self._threshold = threshold
        self.reset()

    def reset(self) -> None:
        """Forget all batches."""
        self._yes: list[Tensor] = []
        self._truth: list[Tensor] = []

    def update(self, output: Tensor, target: Tensor) -> None:
        """Take in one batch."""
        two = output.ndim == 2 and output.shape[1] == 2
        self._yes.append(output.softmax(1)[:, 1] if two else output.flatten().sigmoid())
        self._truth.append(target.flatten() > 0.5)

    def __call__(self, output: Tensor, target: Tensor) -> float:
        """Of one batch alone."""
        alone = OfTwo(self.__name__, self._threshold)
        alone.update(output, target)
        return alone.compute()

    def compute(self) -> float:
        """Over all batches."""
        yes, truth = torch.cat(self._yes).cpu(), torch.cat(self._truth).cpu()  # not every device has doubles
        if self.__name__ == "auroc":
            return _auroc(yes, truth)
        said = yes >= self._threshold
        both, only_said, only_true = (int(each.sum()) for each in (said & truth, said & ~truth, ~said & truth))
        neither = len(truth) - both - only_said - only_true
        return {
            "accuracy": (both + neither) / len(truth),
            "precision": _share(both, both + only_said),
            "recall": _share(both, both + only_true),
            "f1": _share(2 * both, 2 * both + only_said + only_true),
            "macro_f1": (_share(2 * both, 2 * both + only_said + only_true)
                         + _share(2 * neither, 2 * neither + only_said + only_true)) / 2,
        }[self.__name__]


#: Metrics that are measured where the mean is 0, since sums of squares far from it lose their digits; and the power of
#: the target's deviation that brings each into the target's units.
_POWERS: Mapping[Any, int] = MappingProxyType({"r2": 0, "mae": 1, "rmse": 1, "mse": 2})


class InUnits:
    """A metric of amounts, by its name or as the user's own, in the units of the target.

    Outputs and targets of the run have mean 0 and deviation 1.
    """

    def __init__(self, given: Given, goal: Goal) -> None:
        self.__name__ = given if isinstance(given, str) else getattr(given, "__name__", type(given).__name__)
        self.higher_is_better = getattr(given, "higher_is_better", None)
        self._given, self._goal = given, goal
        self._metric: Any = None
        self._total, self._rows = 0.0, 0

    def reset(self) -> None:
        """Forget all batches."""
        self._total, self._rows = 0.0, 0
        if self._metric is not None:
            self._metric.reset()

    def update(self, output: Tensor, target: Tensor) -> None:
        """Take in one batch."""
        output, target = output.flatten(), target.flatten()
        if self._given not in _POWERS:
            output, target = self._goal.own(output), self._goal.own(target)
        if self._metric is None:
            self._metric = self._made(output, target)
        if self._metric is not None:
            self._metric.update(output, target)
            return
        assert not isinstance(self._given, str)  # noqa: S101 - one with a name has a class
        self._total += float(self._given(output, target)) * len(target)
        self._rows += len(target)

    def __call__(self, output: Tensor, target: Tensor) -> float:
        """Of one batch alone."""
        alone = InUnits(self._given, self._goal)
        alone.update(output, target)
        return alone.compute()

    def compute(self) -> float:
        """Over all batches."""
        if self._metric is not None:
            scale = self._goal.deviation or 1.0
            return float(self._metric.compute()) * scale ** _POWERS.get(self._given, 0)
        return self._total / self._rows if self._rows else float("nan")

    def _made(self, output: Tensor, target: Tensor) -> Any:
        if isinstance(self._given, str):
            metric, _ = metric_names.make(self._given, "regression", output, target)
            return metric.to(output.device)
        kept = all(hasattr(self._given, name) for name in ("update", "compute", "reset"))
        return self._given if kept else None


def _share(part: int, of: int) -> float:
    return part / of if of else 0.0


def _auroc(yes: Tensor, truth: Tensor) -> float:
    """How often a row of the second class has a higher probability than one of the first; ties count half.

    From the sum of ranks (Mann and Whitney 1947); 0.5 where there is one class alone.
    """
    many = int(truth.sum())
    if not many or many == len(truth):
        return 0.5
    _, place, counts = yes.unique(return_inverse=True, return_counts=True)
    last = counts.cumsum(0).double()
    ranks = (last - (counts.double() - 1) / 2)[place]
    above = float(ranks[truth].sum()) - many * (many + 1) / 2
    return above / (many * (len(truth) - many))
