"""What may be a rule for promotion."""

from __future__ import annotations

from typing import Any

import pytest

from nbtrain.core.errors import ConfigError
from nbtrain.engine.metric_names import LOWER
from nbtrain.models.promotion import Rule, checked


@pytest.mark.parametrize("name", [*LOWER, "val_loss", "my error"])
def test_what_is_better_when_smaller_needs_a_limit_below(name):
    with pytest.raises(ConfigError, match=r"is better when it is smaller, so a Rule for it needs below: Rule\("):
        checked(Rule(name))
    rule = checked(Rule(name, below=0.5))
    assert rule is not None
    assert [rule.judge({name: value})[0] for value in (0.4, 0.6)] == [True, False]


@pytest.mark.parametrize(("given", "said"), [
    (("accuracy", "high"), "above of a Rule is 'high'; give a number"),
    (("accuracy", True), "above of a Rule is True"),
    (("accuracy", float("nan")), "above of a Rule is nan"),
    (("loss", None, "low"), "below of a Rule is 'low'"),
    (("accuracy", None, None), "either above or below"),
    (("accuracy", 0.5, 0.9), "either above or below"),
    ((3, 0.5), "The metric of a Rule is 3"),
])
def test_what_is_no_rule_is_told_in_a_sentence(given: tuple[Any, ...], said):
    with pytest.raises(ConfigError, match=said):
        checked(Rule(*given))


def test_a_number_is_a_limit_for_the_accuracy():
    assert checked(0.5) == Rule(above=0.5)
    assert (checked(True), checked(False)) == (Rule(), None)
