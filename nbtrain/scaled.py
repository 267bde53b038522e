"""Runs of a dataset whose target was scaled when it was processed: what they say is told in the units it had before.

A run learns the scaled amounts, and what it measures as it learns is of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nbtrain.data.processing import Recipe
    from nbtrain.data.processing.units import Units

#: What `Evaluation.task` calls runs that may learn amounts.
_OF_AMOUNTS = {"regression", "custom"}


def told(recipe: Recipe | None, target: str | None) -> dict[str, Any] | None:
    """The units of a target before this recipe of processing, as plain JSON; None where it scaled nothing."""
    from nbtrain.data.processing.units import units_of  # noqa: PLC0415 - loads Arrow

    units = None if recipe is None else units_of(recipe.steps, target)
    return None if units is None else asdict(units)


def units_of_run(origin: Mapping[str, Any] | None) -> Units | None:
    """Those of a run without a recipe of training, from the `origin` of its data."""
    from nbtrain.data.processing.units import Units  # noqa: PLC0415 - as above

    kept = None if origin is None else origin.get("units")
    return None if kept is None else Units(**kept)


def unscaled(outputs: Any, units: Units | None, task: str) -> Any:
    """What a run gives for each row, in the units before; what is no such amount, and of as many, stays as it is.

    Amounts come back as float64: those far from 0 would lose their digits in the type that the model computes in.
    """
    from torch import Tensor  # noqa: PLC0415 - torch is there once a run is

    if units is None or task not in _OF_AMOUNTS or not isinstance(outputs, Tensor) or not outputs.is_floating_point():
        return outputs
    return units.own(outputs.double()) if outputs.ndim and outputs.numel() == len(outputs) * units.width else outputs
