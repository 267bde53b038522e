"""The judge that fits: of a recipe's goal, or of outputs and targets that nobody told the meaning of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from nbtrain.data.processing.units import Units
from nbtrain.engine.batch import Batch
from nbtrain.engine.tasks import infer_task
from nbtrain.recipes.goals import Goal
from nbtrain.recipes.judging.amounts import Amounts
from nbtrain.recipes.judging.classes import Classes
from nbtrain.recipes.judging.labels import Labels
from nbtrain.recipes.judging.showing import Show
from nbtrain.recipes.judging.verdict import Judge, Silent, Verdict


def of_goal(
    goal: Goal, show: Show, *, threshold: float | None = None, beside: Mapping[str, Any] | None = None,
) -> Judge:
    """Classes by their names, or amounts in the target's own units, before processing scaled it.

    Args:
        goal: what was learnt.
        show: what is to be seen of a row.
        threshold: see `Classes`.
        beside: columns that stand beside each row's prediction.
    """
    if goal.classes is None:
        return Amounts(goal.own, show, others=beside, units=goal.units)
    return Classes(goal.names, show, threshold=threshold, others=beside)


class Guessing:
    """A judge that looks at the first batch before it says what it judges.

    Args:
        task: as `nbtrain.engine.tasks` names it; ``custom`` where it is to be told by the shapes.
        names: of the classes; none: their numbers.
        show: what is to be seen of a row.
        units: of amounts, before processing scaled them; None where it did not.
    """

    def __init__(self, task: str, names: Sequence[str], show: Show, units: Units | None = None) -> None:
        self._task, self._names, self._show, self._units = task, names, show, units
        self._judge: Judge | None = None

    def see(self, model: nn.Module, batch: Batch, output: Any) -> None:
        """As `Judge.see`."""
        if self._judge is None:
            self._judge = self._fitting(batch.target, output)
        self._judge.see(model, batch, output)

    def verdict(self, worst: int) -> Verdict:
        """As `Judge.verdict`."""
        return (self._judge or Silent()).verdict(worst)

    def _fitting(self, target: Any, output: Any) -> Judge:
        task = infer_task(target, output) if self._task == "custom" else self._task
        if task in {"classification", "binary"}:
            return Classes(self._names or None, self._show)
        if task == "multilabel":
            return Labels(self._show)
        if task == "regression" and isinstance(target, Tensor) and isinstance(output, Tensor) and (
                len(target) == len(output) and target.numel() == output.numel() and not output.is_complex()):
            return Amounts(None, self._show, units=self._units)
        return Silent()
