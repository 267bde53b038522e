"""Tables: pages, rows by number, batches and counts, held against pyarrow on random tables."""

import threading

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbtrain.core.errors import CancelledError, DataError
from nbtrain.core.tasks import Progress
from nbtrain.data.columns import Kind
from nbtrain.data.query import Filter, Op, Query, Sort
from nbtrain.data.table import ROW, Table
from tests.data import tables as some

NO_NAN = tuple(name for name in some.COLUMNS if name not in {"number", "half"})


@settings(deadline=None, max_examples=40)
@given(table=some.tables(columns=NO_NAN), offset=st.integers(0, 40), limit=st.integers(0, 40), rows=st.booleans(),
       groups=st.integers(1, 7))
def test_a_page_is_a_slice_with_row_numbers(table, offset, limit, rows, groups):
    with some.on_disk(table, row_group_size=groups) as read:
        page = (some.in_rows(read) if rows else read).page(offset=offset, limit=limit)
        assert page[ROW].to_pylist() == list(range(len(table)))[offset:offset + limit]
        assert page.drop_columns(ROW).to_pylist() == table.slice(offset, limit).to_pylist()


@settings(deadline=None, max_examples=40)
@given(table=some.tables(columns=NO_NAN), numbers=st.lists(st.integers(0, 40), unique=True), rows=st.booleans())
def test_rows_by_their_numbers_come_in_the_order_asked_for(table, numbers, rows):
    with some.on_disk(table, row_group_size=5) as read:
        page = (some.in_rows(read) if rows else read).at(numbers)
        known = [number for number in numbers if number < len(table)]
        assert page[ROW].to_pylist() == known
        assert page.drop_columns(ROW).to_pylist() == [table.slice(number, 1).to_pylist()[0] for number in known]


@settings(deadline=None, max_examples=30)
@given(table=some.tables(columns=NO_NAN), descending=st.booleans(), size=st.integers(1, 50))
def test_batches_hold_every_row_of_the_query_in_its_order(table, descending, size):
    query = Query((Filter("tiny", Op.PRESENT),), sort=(Sort("text", descending),))
    with some.on_disk(table) as read:
        found = [row for batch in read.batches(["text", "tiny"], query, size=size) for row in batch.to_pylist()]
        assert found == read.page(query, limit=100, columns=["text", "tiny"]).drop_columns(ROW).to_pylist()
        assert len(found) == read.rows(query) == table["tiny"].drop_null().length()
        everything = [row for batch in read.batches(size=size) for row in batch.to_pylist()]
        assert everything == table.to_pylist()


def test_columns_and_what_is_said_of_those_that_are_not_there(tmp_path):
    table = some.parquet(tmp_path, pa.table({"a": [1], 'b"': ["x"], "c": [b"\x89PNG"]}))
    assert [(c.name, c.kind, c.type) for c in table.columns] == [
        ("a", Kind.INTEGER, "BIGINT"), ('b"', Kind.TEXT, "VARCHAR"), ("c", Kind.BINARY, "BLOB")]
    assert table.page(columns=['b"']).to_pylist() == [{ROW: 0, 'b"': "x"}]
    with pytest.raises(DataError, match=r"table.parquet has no column 'z'; it has: 'a', 'b\"', 'c'\."):
        table.page(columns=["z"])
    assert table.bytes == (tmp_path / "table.parquet").stat().st_size
    pictures = Table.of_parquet(tmp_path / "table.parquet", name="p", media={"c": Kind.IMAGE})
    assert pictures.column("c").kind is Kind.IMAGE


def test_other_expressions_stand_in_the_place_of_columns(tmp_path):
    table = some.parquet(tmp_path, pa.table({"a": ["long text", "b"], "n": [1, 2]}))
    shown = {"a": "left(a, 4)"}
    by_name = Query(sort=(Sort("a", descending=True),))
    assert table.page(by_name, shown=shown).to_pylist() == [
        {ROW: 0, "a": "long", "n": 1}, {ROW: 1, "a": "b", "n": 2}]
    assert table.at([1, 0], shown=shown, columns=["a"]).to_pylist() == [{ROW: 1, "a": "b"}, {ROW: 0, "a": "long"}]


def test_a_file_that_cannot_be_read_is_a_data_error(tmp_path):
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 nothing")
    with pytest.raises(DataError, match=r"broken\.parquet cannot be read"):
        Table.of_parquet(tmp_path / "broken.parquet", name="broken.parquet")
    table = some.parquet(tmp_path, pa.table({"a": [1]}))
    (tmp_path / "table.parquet").unlink()
    assert table.bytes is None
    with pytest.raises(DataError):
        table.page()


def test_reading_in_batches_can_be_called_off():
    table, progress = Table("range(1_000_000_000)", name="numbers"), Progress()
    batches = table.batches(progress=progress)
    next(batches)
    progress.cancel()
    with pytest.raises(CancelledError):
        for _ in batches:
            pass


def test_a_count_can_be_called_off():
    progress = Progress()
    threading.Timer(0.2, progress.cancel).start()
    with pytest.raises(CancelledError):
        Table("range(100_000_000_000) AS a(i)", name="numbers").rows(Query(search="77"), progress=progress)
