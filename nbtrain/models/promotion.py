"""Which new versions go into production by themselves."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any

from nbtrain.core.errors import ConfigError, Problem


@dataclass(frozen=True, slots=True)
class Rule:
    """A version whose `metric` is over `above` goes into production; the one that was there before is archived.

    Where the run was validated, the figure of the validation data counts: ``val_accuracy`` for ``accuracy``. For what
    is better when it is smaller, give `below` instead.
    """

    metric: str = "accuracy"
    above: float | None = 0.80
    below: float | None = None

    def judge(self, metrics: Mapping[str, float]) -> tuple[bool, str]:
        """Whether a version with these figures is promoted, and why, in words."""
        name = next((name for name in (f"val_{self.metric}", self.metric) if name in metrics), None)
        if name is None:
            return False, f"It was not promoted: {self.metric} was not measured."
        value = metrics[name]
        over = self.below is None
        limit = self.below if self.below is not None else self.above
        assert limit is not None  # noqa: S101 - `checked` sees to it
        met = isfinite(value) and (value > limit if over else value < limit)
        compared = f"{name} is {value:.4g}, {'' if met else 'not '}{'over' if over else 'below'} {limit:.4g}"
        return met, f"{'It was promoted to production' if met else 'It was not promoted'}: {compared}."


#: Parts of the names of metrics for which less is better, as the engine knows them.
_LOWER = {"loss", "error", "perplexity", "mse", "rmse", "mae", "mape"}


def checked(given: bool | float | Rule) -> Rule | None:  # noqa: FBT001 - as the user gave it
    """The rule that an argument means: True the usual one, False none, a number another limit. Raises ConfigError."""
    if isinstance(given, bool):
        return Rule() if given else None
    if isinstance(given, int | float) and isfinite(given):
        return Rule(above=float(given))
    if isinstance(given, Rule):
        return _checked_rule(given)
    raise _wrong(
        f"promote is {given!r:.100}; it must be True, False, a number that the accuracy must be over, or a Rule.")


def _checked_rule(given: Rule) -> Rule:
    metric: Any = given.metric  # as the user gave it
    if not isinstance(metric, str) or not metric:
        raise _wrong(f"The metric of a Rule is {given.metric!r:.100}; give the name of one, such as 'accuracy'.")
    limits: dict[str, Any] = {"above": given.above, "below": given.below}
    for name, limit in limits.items():
        if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int | float) or not isfinite(limit)):
            raise _wrong(f"{name} of a Rule is {limit!r:.100}; give a number, such as 0.8.")
    if given.below is not None and given == Rule(given.metric, below=given.below):
        return Rule(given.metric, above=None, below=given.below)  # the default of `above` was left in place
    if (given.above is None) == (given.below is None):
        raise _wrong(f"promote is {given!r:.100}; a Rule has either above or below.")
    if given.below is None and not _LOWER.isdisjoint(re.split(r"[_\W]+", given.metric.lower())):
        raise _wrong(
            f"{given.metric!r:.100} is better when it is smaller, so a Rule for it needs below: "
            f"Rule({given.metric!r:.100}, below=…).")
    return given


def _wrong(said: str) -> ConfigError:
    return ConfigError([Problem("promote", said)])
