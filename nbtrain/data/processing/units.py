"""The units that a column had before steps scaled it, so that what a model says is told as its user counts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from nbtrain.data.processing.scaling import Scale
from nbtrain.data.processing.windows import Windows

if TYPE_CHECKING:
    from torch import Tensor

    from nbtrain.data.processing.step import Step

V = TypeVar("V", "float", "Tensor")


@dataclass(frozen=True, slots=True)
class Units:
    """A scaled amount is `scale` · amount + `center` of these."""

    center: float
    scale: float
    width: int = 1
    """Amounts of a row: more than one where a row is told what lies several steps ahead."""

    def own(self, values: V) -> V:
        """Scaled amounts in these units."""
        return values * self.scale + self.center


def units_of(steps: Iterable[Step], column: str | None) -> Units | None:
    """Those of a column that came out of these fitted steps; None where none of them scaled it.

    The column of which windows took what lies ahead is meant by ``<column>_ahead``, too.
    """
    if column is None:
        return None
    name, center, scale, width, scaled = column, 0.0, 1.0, 1, False
    for step in reversed(list(steps)):
        if isinstance(step, Windows) and name == f"{step.target}_ahead":
            name, width = step.target, step.horizon
        elif isinstance(step, Windows) and name in step.columns:
            width = step.window
        elif isinstance(step, Scale) and name in step.columns:
            learned = step.learned()[name]
            center, scale = center * learned["scale"] + learned["center"], scale * learned["scale"]
            scaled = True
    return Units(center, scale, width) if scaled else None
