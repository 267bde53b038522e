"""What a target is taken for: classes or amounts."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from nbtrain.core.errors import DataError
from nbtrain.recipes.goals import Goal
from tests.recipes.test_tabular import prepared


@pytest.mark.parametrize(("values", "loss", "classes"), [
    ([0, 1, 2] * 20, None, (0, 1, 2)),
    ([0.0, 1.0, None] * 20, "cross_entropy", None),
    ([0.5, 1.0, 2.5] * 20, None, None),
    ([0, 1, 2] * 20, "mse", None),
    (list(range(30)) * 2, None, None),
    (list(range(12)) * 5, None, tuple(range(12))),
    (list(range(15)) * 4, None, None),  # fewer than five rows each: counted things, rather than kinds
    ([1e15, 2e15] * 30, None, (10**15, 2 * 10**15)),
    ([1e16, 2e16, 5e18] * 20, None, None),
    (list(range(30)) * 2, "cross_entropy", tuple(range(30))),
    ([True, False, True] * 20, None, (False, True)),
    (["ب", "a", "b"] * 20, None, ("a", "b", "ب")),
])
def test_what_a_target_is_follows_from_its_values_or_from_the_loss(values, loss, classes):
    data = pd.DataFrame({"x": np.arange(60.0), "y": values})
    if None in values:
        with pytest.raises(DataError, match=r"The target 'y' of .* is missing in 20 rows \(2, 5, 8, 11, 14, …\)"):
            prepared(data, loss=loss)
        return
    goal = Goal.from_json(prepared(data, loss=loss).fitted["goal"])
    assert goal.classes == classes


def test_what_whole_numbers_were_taken_for_is_told():
    data = pd.DataFrame({"x": np.arange(60.0), "y": [0, 1, 2] * 20})
    assert ("The target 'y' is taken for 3 classes, as it has 3 different whole numbers; where they are amounts, say "
            "loss='mse'.") in prepared(data).notes
    assert prepared(data, loss="cross_entropy").notes == prepared(data.assign(y=[0, 1] * 30)).notes == []
    assert any("is taken as an amount, as it has 15 different" in said
               for said in prepared(data.assign(y=list(range(15)) * 4)).notes)
