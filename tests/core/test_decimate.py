from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbtrain.core.decimate import minmax
from nbtrain.core.history import Series

VALUES = st.lists(st.floats(), min_size=1, max_size=400)


def series(values):
    return Series(np.arange(len(values), dtype=np.int64) * 3, np.array(values, dtype=np.float64))


@given(VALUES, st.integers(4, 60))
def test_at_most_the_limit_and_the_ends_and_extremes_stay(values, limit):
    whole = series(values)
    steps, kept = minmax(whole, limit)
    assert len(steps) == len(kept) == len(set(steps.tolist())) <= max(limit, min(len(values), limit))
    assert (steps[0], steps[-1]) == (whole.steps[0], whole.steps[-1])
    assert (np.diff(steps) > 0).all()
    assert all(np.array_equal(whole.values[s // 3], v, equal_nan=True) for s, v in zip(steps, kept, strict=True))
    finite = whole.values[np.isfinite(whole.values)]
    if len(finite):
        assert {finite.min(), finite.max()} <= set(kept.tolist())


@given(VALUES)
def test_short_series_is_left_whole(values):
    whole = series(values)
    assert minmax(whole, max(4, len(values))) is whole


def test_every_peak_and_dip_stays_where_buckets_are_wide():
    values = np.zeros(100_000)
    values[[12_345, 50_000, 99_998]] = 5.0
    values[70_000] = -5.0
    kept = minmax(series(values), 1000).values.tolist()
    assert kept.count(5.0) == 3
    assert kept.count(-5.0) == 1


def test_too_few_points_are_refused():
    with pytest.raises(ValueError, match="at least 4"):
        minmax(series([0.0] * 10), 3)
