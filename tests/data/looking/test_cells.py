from __future__ import annotations

import datetime as dt
import decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from nbtrain.data.columns import Kind
from nbtrain.data.looking import cells
from nbtrain.data.query import Query, Sort
from nbtrain.data.table import ROW, Table

COLUMNS = {
    "whole": pa.array([2**62, None, -3]),
    "real": pa.array([0.1, float("nan"), None]),
    "exact": pa.array([decimal.Decimal("1.50"), None, decimal.Decimal("2.25")]),
    "text": ["سلام " * 100, None, ""],
    "when": pa.array([dt.datetime(2020, 1, 1, tzinfo=dt.UTC), None, None]),
    "flag": [True, None, False],
    "nested": [{"a": [1, 2**60], "b": "<b>"}, None, {"a": [], "b": "x" * 500}],
    "bytes": [b"abc", None, b""],
    "photo": [{"bytes": b"1234", "path": "a.png"}, None, {"bytes": None, "path": "b.png"}],
    'a "quoted"; name': ["x", "y", "z"],
    "nul \x00 bell \x07": [1, 2, 3],
}


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "table.parquet"
    pq.write_table(pa.table(COLUMNS), path)
    return Table.of_parquet(path, name="table", media={"photo": Kind.IMAGE})


def read(stream):
    return pa.ipc.open_stream(stream).read_all()


def page(table, cut=20, query=None):
    shown = {column.name: cells.shown(column, cut) for column in table.columns}
    return read(cells.as_stream(table.page(query or Query(), shown=shown), table.columns))


def test_numbers_stay_numbers_and_large_integers_lose_no_digit(table):
    found = page(table)
    assert found["row"].to_pylist() == [0, 1, 2]
    assert found["c0"].to_pylist() == ["4611686018427387904", None, "-3"]
    assert found["c1"].type == pa.float64()
    assert found["c1"].to_pylist()[0] == 0.1
    assert found["c2"].to_pylist() == [1.5, None, 2.25]
    assert found["c4"].to_pylist() == ["2020-01-01 00:00:00+00", None, None]
    assert found["c5"].to_pylist() == ["true", None, "false"]


def test_long_cells_are_cut_and_tell_how_long_they_are(table):
    found = page(table)
    assert found["c3"].to_pylist() == ["سلام " * 4, None, ""]
    assert found["n3"].to_pylist() == [500, None, None]
    assert found["c6"].to_pylist()[0] == '{"a":[1,11529215046068469'[:20]
    assert page(table, cut=1000)["c6"].to_pylist()[0] == '{"a":[1,1152921504606846976],"b":"<b>"}'
    assert found["n6"].to_pylist()[1] is None


def test_files_are_shown_by_path_and_size(table):
    found = page(table)
    assert (found["c7"].to_pylist(), found["n7"].to_pylist()) == ([None] * 3, [3, None, 0])
    assert found["c8"].to_pylist() == ["a.png", None, "b.png"]
    assert found["n8"].to_pylist() == [4, None, 0]


def test_names_of_columns_do_not_travel(table):
    names = page(table).column_names
    assert sorted(names) == sorted([
        "row", *(f"c{place}" for place in range(len(COLUMNS))), "n3", "n6", "n7", "n8", "n9"])


def test_rows_are_sorted_by_the_cells_and_not_by_what_is_shown_of_them(tmp_path):
    path = tmp_path / "long.parquet"
    pq.write_table(pa.table({"text": ["same beginning b", "same beginning a"]}), path)
    table = Table.of_parquet(path, name="long")
    found = page(table, cut=4, query=Query(sort=(Sort("text"),)))
    assert found["row"].to_pylist() == [1, 0]


def test_only_some_rows_keep_their_numbers(table):
    some = cells.only(table, [2, 0])
    assert [column.name for column in some.columns] == list(COLUMNS)
    assert some.column("photo").kind is Kind.IMAGE
    assert some.page(Query(sort=(Sort("whole"),)))[ROW].to_pylist() == [2, 0]
    assert some.rows() == 2
    assert cells.only(table, []).rows() == 0
