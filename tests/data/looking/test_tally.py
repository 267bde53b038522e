"""Numbers in ascending order, in memory and out of core."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from nbtrain.data.looking import tally
from nbtrain.data.looking.tally import Tally

DTYPES = ("i1", "i4", "i8", "u1", "u8", "f4", "f8")


@settings(deadline=None, max_examples=150)
@given(data=st.data(), name=st.sampled_from(DTYPES), chunk=st.sampled_from([4, 16, 1 << 22]),
       step=st.sampled_from([1, 2, 64]))
def test_all_numbers_come_back_ascending_equal_ones_together(data, name, chunk, step, tmp_path_factory):
    dtype = np.dtype(name)
    few = st.integers(0, 3).map(dtype.type)
    parts = data.draw(st.lists(arrays.arrays(dtype, st.integers(0, 30), elements=st.one_of(
        few, arrays.from_dtype(dtype))), max_size=5))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tally, "CHUNK", chunk)
        patch.setattr(tally, "_STEP", step)
        mine = Tally(dtype, tmp_path_factory.getbasetemp(), capacity=chunk)
        for part in parts:
            mine.append(part)
        for _ in range(2):
            blocks = list(mine.blocks())
    everything = np.sort(np.concatenate([np.empty(0, dtype), *parts]))
    finite = everything[np.isfinite(everything)]
    values = [np.repeat(b.values, 1 if b.counts is None else b.counts) for b in blocks]
    np.testing.assert_array_equal(np.concatenate([np.empty(0, dtype), *values]), finite)
    assert all(one.values[-1] < other.values[0] for one, other in itertools.pairwise(blocks))
    assert all(len(np.unique(b.values)) == len(b.values) for b in blocks if b.counts is not None)
    assert [b.cells for b in blocks] == [len(v) for v in values]
    assert mine.cells == len(finite)
    assert mine.nan == int(np.isnan(everything).sum())
    assert mine.infinite == [int((everything == -np.inf).sum()), int((everything == np.inf).sum())]


def test_integers_that_stand_for_infinity(tmp_path):
    mine = Tally(np.dtype("i4"), tmp_path, infinities=(-9, 9))
    mine.append(np.array([3, 9, -9, 9, 1], "i4"))
    assert [b.values.tolist() for b in mine.blocks()] == [[1, 3]]
    assert mine.infinite == [1, 2]


def test_memory_and_files_are_given_back(tmp_path, monkeypatch):
    monkeypatch.setattr(tally, "CHUNK", 1000)
    monkeypatch.setattr(tally, "_STEP", 10)
    mine = Tally(np.dtype("i8"), tmp_path, capacity=1000)
    mine.append(np.arange(5000)[::-1])
    assert [b.cells for b in mine.blocks()]
    assert mine.cells == 5000
    assert len(mine._runs) == 5
    mine.free()
    assert list(mine.blocks()) == []
    assert mine.cells == 5000
