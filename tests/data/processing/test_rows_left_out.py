from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbtrain.core.errors import DataError
from nbtrain.data.processing import DropColumns, DropDuplicates, DropEmpty
from nbtrain.data.processing.duplicates import Seen

CELLS = st.none() | st.sampled_from(["", "a", "-", "1:a", "a1:", "ab"])
ROWS = st.lists(st.tuples(CELLS, CELLS, st.none() | st.integers(0, 2)), max_size=30)
SCHEMA = pa.schema([("a", pa.string()), ("b", pa.string()), ("n", pa.int64())])


def batch(rows):
    return pa.RecordBatch.from_pylist([dict(zip("abn", row, strict=True)) for row in rows], schema=SCHEMA)


@given(st.lists(ROWS, min_size=1, max_size=4), st.sampled_from([(), ("a",), ("b", "n")]))
def test_of_equal_rows_the_first_stays_across_batches(parts, columns):
    found = [row for each in DropDuplicates(columns=columns).stream(map(batch, parts)) for row in each.to_pylist()]
    seen, expected = set(), []
    for row in (row for part in parts for row in batch(part).to_pylist()):
        key = tuple(row[name] for name in columns or ("a", "b", "n"))
        if key not in seen:
            expected.append(row)
        seen.add(key)
    assert found == expected


@given(st.lists(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 2)), max_size=20), max_size=8))
def test_no_new_hash_is_taken_for_a_known_one(calls):
    """Many hashes share their low half here: one that is new must never be refused."""
    seen, known = Seen(), set()
    for call in calls:
        low, high = (np.array([pair[half] for pair in call], np.uint64) for half in (0, 1))
        for pair, new in zip(call, seen.new(low, high), strict=True):
            assert new or pair in known
            known.add(pair)


def test_many_hashes_are_found_again():
    rng = np.random.default_rng(0)
    low, high = rng.integers(0, 2**63, (2, 50_000), np.uint64)
    seen = Seen()
    for start in range(0, 50_000, 1000):
        assert seen.new(low[start:start + 1000], high[start:start + 1000]).all()
    assert not seen.new(low, high).any()
    assert seen.new(low, high + np.uint64(1)).all()


def test_nested_cells_and_bytes_are_compared_too():
    rows = [{"l": [1, None], "s": {"x": "a"}, "b": b"\x00"}, {"l": [1, None], "s": {"x": "a"}, "b": b"\x00"},
            {"l": [1], "s": {"x": "a"}, "b": b"\x00"}]
    assert DropDuplicates().apply(pa.RecordBatch.from_pylist(rows)).num_rows == 2


def test_new_rows_are_all_kept():
    given = batch([("a", "b", 1), ("a", "b", 1), (" ", "", None)])
    assert DropDuplicates().apply_new(given) == given
    assert DropEmpty(columns=["a"]).apply_new(given) == given


@pytest.mark.parametrize(("every", "left"), [(False, ["x"]), (True, ["x", " \u200b", "y"])])
def test_blank_rows_are_left_out(every, left):
    given = batch([("x", "x", 1), (" \u200b", "x", 1), ("y", None, 1), (None, "\t", 1)])
    assert DropEmpty(columns=["a", "b"], every=every).apply(given).column("a").to_pylist() == left


def test_columns_are_left_out_and_new_rows_need_not_have_them():
    given = batch([("x", "y", 1)])
    step = DropColumns(columns=["b", "n"]).settled(given.schema)
    assert step.apply(given).schema.names == ["a"]
    assert step.apply_new(given.select(["a", "b"])).schema.names == ["a"]
    assert DropColumns().settled(given.schema).apply(given) == given
    with pytest.raises(DataError, match="'q', which is not there"):
        DropColumns(columns="q").settled(given.schema)
