"""Where bars begin and end."""

import datetime as dt
import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbtrain.data.looking import bars
from nbtrain.data.looking.facts import BARS

finite = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-100, 100).map(float)
US = 1_000_000


def spans(edges, low, high):
    assert edges == sorted(set(edges))
    assert 2 <= len(edges) <= BARS + 1
    assert edges[0] <= low
    assert edges[-1] > high or edges[-1] == float("inf")


@given(a=finite, b=finite)
def test_bars_of_numbers_span_them(a, b):
    low, high = sorted((a, b))
    spans(bars.of_numbers(low, high), low, high)


@given(a=st.integers(-(2**63), 2**64), b=st.integers(-(2**63), 2**64) | st.integers(-40, 40))
def test_bars_of_whole_numbers_span_them_and_are_of_one_width(a, b):
    low, high = sorted((a, b))
    edges = bars.of_integers(low, high)
    spans(edges, low, high)
    assert len({one - other for other, one in itertools.pairwise(edges)}) == 1


@given(a=st.integers(-(2**63), 2**63 - 1), b=st.integers(-(2**63), 2**63 - 1) | st.integers(0, 10**9),
       smallest=st.sampled_from([1, 1_000, US, 86_400 * US]))
def test_bars_of_moments_span_them(a, b, smallest):
    low, high = sorted((a // smallest * smallest, b // smallest * smallest))
    edges = bars.of_moments(low, high, smallest)
    spans(edges, low, high)
    if max(-low, high) < 2**62:
        assert all(edge % smallest == 0 for edge in edges)


def test_edges_are_round():
    assert bars.of_numbers(0.03, 2.7) == [k / 10 for k in range(29)]
    assert bars.of_integers(1, 1000)[:3] == [0, 50, 100]
    assert bars.of_integers(3, 5) == [3, 4, 5, 6]
    ends = [int(dt.datetime(year, 2, 15, tzinfo=dt.UTC).timestamp() * US) for year in (2024, 2026)]
    months = np.array(bars.of_moments(*ends), "datetime64[us]").astype(str).tolist()
    assert months[:2] == ["2024-02-01T00:00:00.000000", "2024-03-01T00:00:00.000000"]
    assert months[-1] == "2026-03-01T00:00:00.000000"


@pytest.mark.parametrize(("ends", "middle", "found"), [
    ((0, 100), (1, 99), (0, 100)), ((0, 1e9), (1, 9), (0, 11)), ((-1e9, 10), (1, 9), (-1, 10)),
    ((0, 50), (3, 3), (0, 50)),
])
def test_few_outliers_do_not_widen_the_bars(ends, middle, found):
    assert bars.core(*ends, *middle) == found
