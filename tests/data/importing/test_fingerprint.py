"""A fingerprint is of the content: of all of it, and of nothing else."""

from __future__ import annotations

import hashlib
import itertools
import json
import struct
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbtrain.data.importing.fingerprint import Fingerprint

ROWS = st.lists(st.fixed_dictionaries({
    "whole": st.none() | st.integers(-2**63, 2**63 - 1),
    "float": st.none() | st.floats(),
    "truth": st.none() | st.booleans(),
    "text": st.none() | st.text(),
    "raw": st.none() | st.binary(),
    "list": st.none() | st.lists(st.none() | st.text(max_size=3), max_size=3),
    "struct": st.none() | st.fixed_dictionaries({"a": st.none() | st.integers(0, 255), "b": st.lists(st.booleans())}),
    "map": st.none() | st.lists(st.tuples(st.text(max_size=2), st.none() | st.integers(0, 9)), max_size=2),
}), max_size=12)
SCHEMA = pa.schema([
    ("whole", pa.int64()), ("float", pa.float64()), ("truth", pa.bool_()), ("text", pa.string()), ("raw", pa.binary()),
    ("list", pa.list_(pa.string())), ("struct", pa.struct([("a", pa.uint8()), ("b", pa.list_(pa.bool_()))])),
    ("map", pa.map_(pa.string(), pa.int32())),
])


def of(*batches: pa.RecordBatch, schema: pa.Schema | None = None) -> str:
    fingerprint = Fingerprint(schema or batches[0].schema)
    for batch in batches:
        fingerprint.update(batch)
    return fingerprint.hexdigest()


def one(values: list[object], type_: pa.DataType, name: str = "x") -> str:
    return of(pa.record_batch([pa.array(values, type_)], [name]))


@given(rows=ROWS, cuts=st.lists(st.integers(0, 12)))
def test_it_does_not_depend_on_how_the_rows_are_cut(rows, cuts):
    whole = pa.RecordBatch.from_pylist(rows, SCHEMA)
    edges = sorted({0, len(rows), *(min(cut, len(rows)) for cut in cuts)})
    parts = [whole.slice(start, end - start) for start, end in itertools.pairwise(edges)]
    assert of(*parts, schema=SCHEMA) == of(whole)


@given(rows=ROWS)
def test_it_survives_parquet(rows, tmp_path_factory):
    table = pa.Table.from_pylist(rows, SCHEMA)
    path = tmp_path_factory.mktemp("parquet") / "a.parquet"
    pq.write_table(table, path, compression="snappy", row_group_size=3)
    assert of(*pq.ParquetFile(path).iter_batches(2), schema=SCHEMA) == of(*table.to_batches(), schema=SCHEMA)


@given(one_way=ROWS, another=ROWS)
def test_other_rows_have_another_fingerprint(one_way, another):
    first, second = (pa.RecordBatch.from_pylist(rows, SCHEMA) for rows in (one_way, another))
    # As JSON, because NaN is not equal to itself.
    same = json.dumps(first.to_pylist(), default=repr) == json.dumps(second.to_pylist(), default=repr)
    assert (of(first) == of(second)) is same


def test_it_is_computed_as_documented():
    """Written down anew from the documentation: in no version of anything may it become another."""
    def sha(data: bytes) -> str:
        return hashlib.sha256(data).hexdigest()

    number = ["int32", {"missing": sha(struct.pack("<Q", 1)), "values": sha(struct.pack("<iii", 7, 0, -1))}, []]
    text = ["text", {
        "missing": sha(struct.pack("<Q", 2)), "values": sha("یکa".encode()),
        "lengths": sha(struct.pack("<III", 4, 1, 0)),
    }, []]
    items = ["double", {"missing": sha(b""), "values": sha(struct.pack("<dd", 0.5, float("nan")))}, []]
    streams = {"missing": sha(struct.pack("<Q", 0)), "lengths": sha(struct.pack("<III", 0, 2, 0))}
    lists = ["list", streams, [["", items]]]
    said = [3, [["n", number], ["t", text], ["l", lists]]]
    wanted = sha(json.dumps(said, separators=(",", ":"), ensure_ascii=False).encode())
    batch = pa.record_batch([
        pa.array([7, None, -1], pa.int32()), pa.array(["یک", "a", None]),
        pa.array([None, [0.5, float("nan")], []], pa.list_(pa.float64()))], ["n", "t", "l"])
    assert of(batch) == wanted


def test_what_lies_under_a_missing_value_does_not_count():
    mask = pa.array([False, True, False])
    numbers = pa.Array.from_buffers(pa.int64(), 3, [one_bits(0b101), pa.array([1, 99, 3]).buffers()[1]])
    texts = pa.array(["a", "hidden", "c"])
    hidden = pa.Array.from_buffers(pa.string(), 3, [one_bits(0b101), *texts.buffers()[1:]])
    assert hidden.to_pylist() == ["a", None, "c"]
    assert of(pa.record_batch([numbers, hidden], ["n", "t"])) == of(
        pa.record_batch([pc.if_else(mask, None, pa.array([1, 5, 3])), pa.array(["a", None, "c"])], ["n", "t"]))


def one_bits(bits: int) -> pa.Buffer:
    return pa.py_buffer(bytes([bits]))


def test_any_nan_is_the_same():
    odd = pa.Array.from_buffers(pa.float64(), 1, [None, pa.py_buffer(struct.pack("<Q", 0xFFF8000000000001))])
    assert of(pa.record_batch([odd], ["x"])) == one([float("nan")], pa.float64())
    assert one([float("nan")], pa.float64()) != one([None], pa.float64())


@pytest.mark.parametrize(("one_way", "another"), [
    ((["ab", "c"], pa.string()), (["a", "bc"], pa.string())),
    (([""], pa.string()), ([None], pa.string())),
    (([0], pa.int64()), ([None], pa.int64())),
    (([0], pa.int64()), ([0], pa.int32())),
    (([0], pa.int64()), ([0], pa.uint64())),
    ((["a"], pa.string()), ([b"a"], pa.binary())),
    (([[]], pa.list_(pa.int8())), ([None], pa.list_(pa.int8()))),
    (([[1], [2]], pa.list_(pa.int8())), ([[1, 2], []], pa.list_(pa.int8()))),
    (([[None]], pa.list_(pa.int8())), ([[0]], pa.list_(pa.int8()))),
    (([{"a": None}], pa.struct([("a", pa.int8())])), ([None], pa.struct([("a", pa.int8())]))),
    (([{"a": 1}], pa.struct([("a", pa.int8())])), ([{"b": 1}], pa.struct([("b", pa.int8())]))),
    (([0.0], pa.float64()), ([-0.0], pa.float64())),
    (([1], pa.timestamp("us")), ([1], pa.timestamp("us", "UTC"))),
    (([1], pa.timestamp("us")), ([1], pa.timestamp("ns"))),
    (([Decimal("1.0")], pa.decimal128(9, 1)), ([Decimal("1.0")], pa.decimal128(9, 2))),
    (([], pa.int64()), ([], pa.string())),
])
def test_what_differs_has_another_fingerprint(one_way, another):
    assert one(*one_way) != one(*another)


def test_names_and_order_count():
    assert one([1], pa.int64(), "a") != one([1], pa.int64(), "b")
    assert one([1, 2], pa.int64()) != one([2, 1], pa.int64())
    two = pa.record_batch([pa.array([1]), pa.array([2])], ["a", "b"])
    assert of(two) != of(two.select(["b", "a"]))


def test_offsets_of_32_and_64_bits_are_the_same():
    assert one(["a", None, "b"], pa.string()) == one(["a", None, "b"], pa.large_string())
    assert one([[1], None], pa.list_(pa.int8())) == one([[1], None], pa.large_list(pa.int8()))


def test_a_type_that_no_dataset_has_is_refused():
    with pytest.raises(TypeError, match="month_day_nano_interval"):
        Fingerprint(pa.schema([("x", pa.month_day_nano_interval())]))


def test_all_rows_are_missing(tmp_path: Path):
    nothing = pa.record_batch([pa.nulls(3, pa.string()), pa.nulls(3, pa.float64())], ["a", "b"])
    pq.write_table(pa.Table.from_batches([nothing]), tmp_path / "a.parquet")
    assert of(*pq.ParquetFile(tmp_path / "a.parquet").iter_batches()) == of(nothing)
