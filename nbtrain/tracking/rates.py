"""The learning rate and weight decay of the user's optimizers: read at every step, and changed so that it lasts."""

from __future__ import annotations

import gc
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from nbtrain.core.errors import ConfigError, Problem

#: What of a group follows its learning rate: schedulers set out from these.
_RATES = ("lr", "initial_lr", "max_lr", "min_lr")
#: The same of a scheduler.
_BASES = ("base_lrs", "max_lrs")


class Rates:
    """What the optimizers' groups of parameters go by.

    Groups keep their proportions: a rate that is edited is the first group's, and the others change by the same factor.

    Args:
        optimizers: anything with ``param_groups``, or several of them, or none in an empty list.

    Raises:
        ConfigError: that is none.
    """

    def __init__(self, optimizers: Any) -> None:
        self._optimizers = list(optimizers) if isinstance(optimizers, list | tuple) else [optimizers]
        for optimizer in self._optimizers:
            if not getattr(optimizer, "param_groups", None):
                raise ConfigError([Problem(
                    "optimizer", f"optimizer is a {type(optimizer).__name__}; hand in the torch.optim optimizer of the "
                                 "loop, or several in a list.")])

    def __bool__(self) -> bool:
        return bool(self._optimizers)

    @property
    def learning_rate(self) -> float:
        """As it is now, of the first group."""
        return float(self._first["lr"])

    def options(self) -> dict[str, float]:
        """What may be edited: the rate that a scheduler sets out from, and the largest weight decay."""
        if not self._optimizers:
            return {}
        first = self._first
        rate = first.get("max_lr", first.get("initial_lr", first["lr"]))
        found = {"learning_rate": float(rate)}
        if "weight_decay" in first:
            found["weight_decay"] = self._decay
        return found

    def set(self, changes: Mapping[str, float]) -> None:
        """From the next step on."""
        if "learning_rate" in changes:
            self._scale_rates(changes["learning_rate"])
        if "weight_decay" in changes:
            self._scale_decay(changes["weight_decay"])

    @property
    def _first(self) -> dict[str, Any]:
        first: dict[str, Any] = self._optimizers[0].param_groups[0]  # asked anew: loading a state replaces the groups
        return first

    @property
    def _groups(self) -> list[dict[str, Any]]:
        return [group for optimizer in self._optimizers for group in optimizer.param_groups]

    @property
    def _decay(self) -> float:
        return max(float(group.get("weight_decay", 0.0)) for group in self._groups)

    def _scale_rates(self, wanted: float) -> None:
        before = self.options()["learning_rate"]
        for group in self._groups:
            for name in _RATES:
                if name in group:
                    _put(group, name, group[name] * (wanted / before) if before else wanted)
        for scheduler in schedulers_of(self._optimizers):
            for name in _BASES:
                rates = getattr(scheduler, name, None)
                if isinstance(rates, list):
                    rates[:] = [rate * (wanted / before) if before else wanted for rate in rates]

    def _scale_decay(self, wanted: float) -> None:
        before = self._decay
        for group in self._groups:
            if "weight_decay" in group:
                _put(group, "weight_decay", group["weight_decay"] * (wanted / before) if before else wanted)


def schedulers_of(optimizers: Sequence[Any]) -> list[Any]:
    """Every scheduler of torch's that moves the rate of one of these optimizers.

    An optimizer does not know its schedulers, and a rate that only the optimizer is told of lasts until their next
    step. So they are looked for among all objects: some milliseconds, at an edit.
    """
    torch = sys.modules.get("torch")
    if torch is None:
        return []
    kind = torch.optim.lr_scheduler.LRScheduler
    return [
        found for found in gc.get_objects()
        if issubclass(type(found), kind) and any(getattr(found, "optimizer", None) is one for one in optimizers)]


def _put(group: dict[str, Any], name: str, value: Any) -> None:
    """A rate may be a tensor, which a captured graph reads where it lies."""
    if hasattr(group[name], "fill_"):
        group[name].fill_(value)
    else:
        group[name] = float(value)
