"""Filters, search and order, held against pandas on random tables."""

import datetime as dt
import math

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbtrain.core.errors import ConfigError
from nbtrain.data.columns import Column, Kind
from nbtrain.data.query import Filter, Op, Query, Sort
from nbtrain.data.table import ROW
from tests.data import tables as some

COLUMNS = (
    Column("n", Kind.INTEGER, "INTEGER"), Column("x", Kind.NUMBER, "DOUBLE"), Column("t", Kind.TEXT, "VARCHAR"),
    Column("b", Kind.BOOLEAN, "BOOLEAN"), Column("d", Kind.DATE, "DATE"), Column("p", Kind.IMAGE, "BLOB"),
    Column("s", Kind.DURATION, "INTERVAL"),
)
COMPARED = {
    Op.EQUAL: lambda cell, value: cell == value, Op.LESS: lambda cell, value: cell < value,
    Op.AT_MOST: lambda cell, value: cell <= value, Op.GREATER: lambda cell, value: cell > value,
    Op.AT_LEAST: lambda cell, value: cell >= value,
}


def missing(cell):
    return cell is None or (isinstance(cell, float) and math.isnan(cell))


def found(table, query):
    """Numbers of the rows that the query finds, in its order."""
    return table.page(query, limit=1000)[ROW].to_pylist()


@settings(deadline=None, max_examples=60)
@given(data=st.data(), table=some.tables())
def test_comparisons_find_what_python_finds(data, table):
    name = data.draw(st.sampled_from([n for n in some.COLUMNS if n != "half"]))
    cells = table[name].to_pylist()
    value = data.draw((st.sampled_from(cells) if cells else st.nothing()) | some.COLUMNS[name][1])
    op = data.draw(st.sampled_from([*COMPARED, Op.UNEQUAL]))
    if missing(value):
        return
    if op is Op.UNEQUAL:
        expected = [i for i, cell in enumerate(cells) if missing(cell) or cell != value]
    else:
        expected = [i for i, cell in enumerate(cells) if not missing(cell) and COMPARED[op](cell, value)]
    with some.on_disk(table) as read:
        query = Query((Filter(name, op, value),))
        assert found(read, query) == expected
        assert read.rows(query) == len(expected)


@pytest.mark.parametrize("op", [*COMPARED, Op.UNEQUAL])
def test_whole_numbers_are_compared_with_any_number_exactly(tmp_path, op):
    cells = [None, -(2**63), -2, -1, 0, 1, 2, 2**53 + 1, 2**63 - 1]
    table = some.parquet(tmp_path, pa.table({"n": pa.array(cells, pa.int64())}))
    for value in (-1.5, -0.5, 0.5, 1.5, 1.0, 2**53 + 1, 2.0**53, 1e30, -1e30, math.inf, -math.inf, 10**40):
        expected = [i for i, cell in enumerate(cells) if (
            cell is None or cell != value if op is Op.UNEQUAL else cell is not None and COMPARED[op](cell, value))]
        assert found(table, Query((Filter("n", op, value),))) == expected, value


@pytest.mark.parametrize(("op", "value", "expected"), [
    (Op.EQUAL, 0.1, [0]), (Op.EQUAL, "0.1", [0]), (Op.IN, [0.1, 2], [0, 2]), (Op.UNEQUAL, 0.1, [1, 2, 3, 4]),
    (Op.AT_MOST, 0.1, [0]), (Op.GREATER, 0.1, [1, 2, 3]), (Op.GREATER, 1e300, [3]), (Op.EQUAL, math.inf, [3]),
    (Op.BETWEEN, [0.1, 0.3], [0, 1]),
])
def test_numbers_of_32_bits_are_found_as_they_are_written(tmp_path, op, value, expected):
    table = some.parquet(tmp_path, pa.table({"x": pa.array([0.1, 0.2, 2, math.inf, None], pa.float32())}))
    assert found(table, Query((Filter("x", op, value),))) == expected


@settings(deadline=None, max_examples=40)
@given(table=some.tables(), data=st.data())
def test_between_in_missing_and_present(table, data):
    name = data.draw(st.sampled_from(["whole", "number", "text", "moment"]))
    cells = table[name].to_pylist()
    values = data.draw(st.lists(some.COLUMNS[name][1], min_size=2, max_size=2))
    if any(map(missing, values)):
        return
    low, high = sorted(values)
    with some.on_disk(table) as read:
        assert found(read, Query((Filter(name, Op.BETWEEN, (low, high)),))) == [
            i for i, cell in enumerate(cells) if not missing(cell) and low <= cell < high]
        assert found(read, Query((Filter(name, Op.IN, values),))) == [
            i for i, cell in enumerate(cells) if not missing(cell) and cell in values]
        absent = [i for i, cell in enumerate(cells) if missing(cell)]
        assert found(read, Query((Filter(name, Op.MISSING),))) == absent
        assert found(read, Query((Filter(name, Op.PRESENT),))) == sorted(set(range(len(cells))) - set(absent))


@settings(deadline=None, max_examples=60)
@given(table=some.tables(), names=st.lists(st.sampled_from(list(some.COLUMNS)), min_size=1, max_size=2, unique=True),
       descending=st.booleans())
def test_sorted_as_pandas_sorts_with_missing_cells_last(table, names, descending):
    frame = table.to_pandas(types_mapper=pd.ArrowDtype).reset_index(names=ROW)
    for name in ("number", "half"):
        frame[name] = [None if missing(cell) else cell for cell in table[name].to_pylist()]
    keys = [sorted({cell for cell in table[name].to_pylist() if not missing(cell)},
                   key=lambda cell: cell.encode() if isinstance(cell, str) else cell) for name in names]
    ranks = pd.DataFrame({
        name: [None if missing(cell) else key.index(cell) for cell in table[name].to_pylist()]
        for name, key in zip(names, keys, strict=True)}, dtype="float")
    expected = ranks.sort_values(names, ascending=not descending, na_position="last", kind="stable").index.to_list()
    if len(names) == 2:  # pandas sorts several columns by none but a stable rule when the row decides last
        ranks[ROW] = range(len(ranks))
        expected = ranks.sort_values(
            [*names, ROW], ascending=[not descending, not descending, True], na_position="last").index.to_list()
    with some.on_disk(table) as read:
        assert found(read, Query(sort=tuple(Sort(name, descending) for name in names))) == expected


def test_nan_is_missing_and_comes_last_either_way(tmp_path):
    table = some.parquet(tmp_path, pa.table({"x": [None, 2.0, math.nan, 1.0, math.inf]}))
    assert found(table, Query(sort=(Sort("x"),))) == [3, 1, 4, 0, 2]
    assert found(table, Query(sort=(Sort("x", descending=True),))) == [4, 1, 3, 0, 2]
    assert found(table, Query((Filter("x", Op.GREATER, 1),))) == [1, 4]


@settings(deadline=None, max_examples=60)
@given(table=some.tables(), data=st.data())
def test_search_finds_cells_as_they_are_written_in_any_case(table, data):
    cells = data.draw(st.sampled_from([
        "123", "-1", "1", "tru", "als", "ПРИВ", "прив", "%", "_", "9", "19", "-0", "e+", "nan", "0.", "007", "', 'x",
        "inf"]) | st.text("abcпрÀ%_-10.", min_size=1, max_size=3))
    with some.on_disk(table) as read:
        shown = read.sql(f"FROM {read.source} SELECT COLUMNS(* EXCLUDE file_row_number)::VARCHAR")
        expected = [i for i, row in enumerate(zip(*shown.columns, strict=True)) if any(
            cell.is_valid and cells.lower() in cell.as_py().lower() for cell in row)]
        assert found(read, Query(search=cells)) == expected


def test_search_does_not_tell_persian_letters_from_their_arabic_forms(tmp_path):
    table = some.parquet(tmp_path, pa.table({"t": ["كيف حالك", "کیف حالک", "other", None]}))
    assert found(table, Query(search="کیف")) == found(table, Query(search="كيف")) == [0, 1]
    assert found(table, Query((Filter("t", Op.CONTAINS, "كي"),))) == [0, 1]


@pytest.mark.parametrize(("column", "op", "value", "told"), [
    ("n", "eq", "five", "'n' holds INTEGER and was filtered with 'five'; give a number."),
    ("n", "gt", True, "give a number"),
    ("n", "eq", None, "give a number"),
    ("x", "lt", "nan", "give a number"),
    ("x", "lt", 10**400, "a number beyond 1.8e+308; give a smaller one"),
    ("x", "in", [1, "9" * 400], "a number beyond 1.8e+308"),
    ("s", "lt", 10**400, "a number beyond 1.8e+308"),
    ("s", "lt", math.inf, "give at most 9.2e+12 seconds"),
    ("s", "lt", 1e300, "give at most 9.2e+12 seconds"),
    ("x", "lt", {"a": 1}, "give a number"),
    ("b", "eq", 7, "give true or false"),
    ("b", "eq", [1], "give true or false"),
    ("d", "ge", "yesterday", "give a date such as 2026-01-31"),
    ("d", "ge", 5, "give a date"),
    ("d", "between", ["2026-01-01"], "needs two values"),
    ("n", "between", [1, "b"], "'b'; give a number"),
    ("n", "in", [], "needs a list"),
    ("n", "in", 5, "needs a list"),
    ("t", "eq", ["x"], "give text"),
    ("t", "contains", "\ud800", "give text without halves"),
    ("p", "eq", "x", "missing and present alone"),
    ("zz", "eq", 1, "names no column"),
    ("n", "like", 1, "there are: eq, ne"),
    (None, "eq", 1, "names no column"),
])
def test_a_filter_that_does_not_fit_is_one_sentence(column, op, value, told):
    with pytest.raises(ConfigError) as raised:
        Query.parse({"filters": [{"column": column, "op": op, "value": value}]}, COLUMNS)
    assert told in str(raised.value)
    assert len(str(raised.value).splitlines()) == len(raised.value.problems) == 1


def test_all_problems_are_told_at_once():
    with pytest.raises(ConfigError) as raised:
        Query.parse({"filters": 5, "sort": [{"column": 3}], "search": 7}, COLUMNS)
    assert [problem.field for problem in raised.value.problems] == ["filters", "sort", "search"]
    with pytest.raises(ConfigError, match="'zz'; it has no such column"):
        Query.parse({"sort": [{"column": "zz"}]}, COLUMNS)


def test_what_comes_as_json_is_taken():
    query = Query.parse({
        "filters": [{"column": "n", "op": "in", "value": [1, 2]}, {"column": "x", "op": "lt", "value": "۱۲.۵"},
                    {"column": "d", "op": "ge", "value": "2026-01-31T12:00:00+02:00"}],
        "search": "a", "sort": [{"column": "t", "descending": True}]}, COLUMNS)
    assert query.filters[0] == Filter("n", Op.IN, (1, 2))
    assert query.sort == (Sort("t", descending=True),)
    assert query.where(COLUMNS)[1][2:4] == [12.5, "2026-01-31T10:00:00"]
    assert Query.parse({}, COLUMNS) == Query()


def test_times_and_zones_and_durations(tmp_path):
    day = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    table = some.parquet(tmp_path, pa.table({
        "zoned": pa.array([day, day + dt.timedelta(hours=5)], pa.timestamp("us", "UTC")),
        "exact": pa.array([1_000_000_001, 1_000_000_002], pa.timestamp("ns")),
        "clock": pa.array([dt.time(5), dt.time(23)]),
    }))
    assert found(table, Query((Filter("zoned", Op.GREATER, "2026-01-01T06:00:00+03:00"),))) == [1]
    assert found(table, Query((Filter("zoned", Op.LESS, day + dt.timedelta(hours=1)),))) == [0]
    assert found(table, Query((Filter("exact", Op.EQUAL, "1970-01-01T00:00:01.000000002"),))) == [1]
    assert found(table, Query((Filter("clock", Op.BETWEEN, ("12:00", "24:00:00")),))) == [1]
