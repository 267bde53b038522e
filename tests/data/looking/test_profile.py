"""Every figure of a profile is exact: held against pandas and NumPy on random tables."""

import collections
import datetime as dt
import io
import json
import math
import threading
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from nbtrain.core.errors import CancelledError, ConfigError, DataError
from nbtrain.core.tasks import Progress
from nbtrain.data.columns import Kind
from nbtrain.data.looking import measures, tally, values
from nbtrain.data.looking import profile as measuring
from nbtrain.data.looking.facts import QUANTILES, TOP, Count, Pictures, Profile
from nbtrain.data.query import Filter, Op, Query
from nbtrain.data.table import Table
from tests.data import tables as some
from tests.data.tables import profile

PERSIAN = "سلامكيفکی"
EPOCH = dt.datetime(1970, 1, 1)  # noqa: DTZ001 - columns without a zone


def missing(cell):
    return cell is None or (isinstance(cell, float) and math.isnan(cell))


def as_number(cell):
    """Dates in microseconds."""
    if isinstance(cell, dt.datetime):
        return (cell - EPOCH) // dt.timedelta(microseconds=1)
    if isinstance(cell, dt.date):
        return (cell - EPOCH.date()).days * 86_400_000_000
    return cell


def read_back(value):
    return as_number(dt.datetime.fromisoformat(value)) if isinstance(value, str) else value


def close(found, expected, unit=0):
    return math.isclose(read_back(found), expected, rel_tol=1e-9, abs_tol=1e-9 + unit)


@settings(deadline=None, max_examples=30)
@given(table=some.tables(most=60), rows=st.booleans(), chunk=st.sampled_from([5, 1 << 22]))
def test_ordered_columns_are_as_numpy_finds_them(table, rows, chunk):
    with some.on_disk(table) as read, pytest.MonkeyPatch.context() as patch:
        patch.setattr(tally, "CHUNK", chunk)
        patch.setattr(tally, "_STEP", 2)
        patch.setattr(measures, "_PIECE", 7)
        patch.setattr(measuring, "CHUNK", chunk)
        found = profile(some.in_rows(read) if rows else read)
    assert found.rows == table.num_rows
    for name in ("whole", "tiny", "unsigned", "number", "half", "day", "moment"):
        column, cells = found.columns[name], table[name].to_pylist()
        present = [cell for cell in cells if not missing(cell)]
        numbers = [as_number(cell) for cell in present]
        finite = [n for n in numbers if not math.isinf(n)]
        unit = {"day": 86_400_000_000, "moment": 1}.get(name, 0)  # rounded to what the type can hold
        assert column.missing == len(cells) - len(present)
        assert column.distinct == len(set(numbers))
        assert column.infinite == len(numbers) - len(finite)
        assert column.zeros == (None if unit else sum(n == 0 for n in numbers))
        if not finite:
            assert (column.minimum, column.mean, column.quantiles, column.histogram) == (None, None, (), None)
            continue
        assert read_back(column.minimum) == min(finite)
        assert read_back(column.maximum) == max(finite)
        with np.errstate(all="ignore"):
            floats = np.array(finite, "f8")
            mean, std = floats.mean(), floats.std(ddof=1) if len(finite) > 1 else None
        scale = max(abs(floats).max(), 1e-300)
        if scale < 1e150:
            assert abs(read_back(column.mean) - mean) <= 1e-9 * scale + unit
            if std is None:
                assert column.std is None
            else:
                assert abs(column.std * (1e6 if unit else 1) - std) <= 1e-6 * scale
            for mine, theirs in zip(column.quantiles, np.quantile(floats, QUANTILES), strict=True):
                assert abs(read_back(mine) - theirs) <= 1e-9 * scale + unit
        counts = collections.Counter(n for n in numbers if not math.isinf(n))
        most = sorted((n for n in counts.values() if n > 1), reverse=True)[:TOP]
        assert [each.count for each in column.top] == most
        assert all(counts[read_back(each.value)] == each.count for each in column.top)


@settings(deadline=None, max_examples=30)
@given(table=some.tables(most=60, columns=("whole", "unsigned", "number", "half", "day", "moment")),
       chunk=st.sampled_from([5, 1 << 22]), first=st.integers(0, 4))
def test_a_bar_holds_what_a_filter_between_its_edges_finds(table, chunk, first):
    with some.on_disk(table) as read, pytest.MonkeyPatch.context() as patch:
        patch.setattr(tally, "CHUNK", chunk)
        found = profile(read)
        for name, column in found.columns.items():
            if column.histogram is None:
                continue
            edges, counts = column.histogram.edges, column.histogram.counts
            assert len(edges) == len(counts) + 1 <= 31
            assert sum(counts) == column.rows - column.missing - column.infinite
            if name in {"number", "half"} and abs(edges[-1]) > (1.7e308 if name == "number" else 3.4e38):
                continue  # past the largest number there is none that could be the last edge
            bars = list(zip(edges, edges[1:], counts, strict=False))
            for low, high, count in {*bars[first::5], bars[-1]}:  # each example others: a question costs 10 ms
                query = Query.parse(json.loads(json.dumps(
                    {"filters": [{"column": name, "op": "between", "value": [low, high]}]})), read.columns)
                assert read.rows(query) == count, (name, low, high)


@settings(deadline=None, max_examples=30)
@given(table=some.tables(most=60, columns=("text", "truth")), rows=st.booleans(), chunk=st.sampled_from([5, 1 << 22]))
def test_texts_and_truths_are_as_pandas_finds_them(table, rows, chunk):
    with some.on_disk(table) as read, pytest.MonkeyPatch.context() as patch:
        patch.setattr(tally, "CHUNK", chunk)
        found = profile(some.in_rows(read) if rows else read, target="text", tokenizer=list)
    texts = pd.Series([cell for cell in table["text"].to_pylist() if cell is not None], dtype=object)
    column, counts = found.columns["text"], texts.value_counts()
    assert column.missing == table["text"].null_count
    assert column.distinct == len(counts)
    assert [each.count for each in column.top] == [n for n in counts if n > 1][:TOP]
    assert all(counts[each.value] == each.count for each in column.top)
    assert [each.count for each in found.classes] == list(counts)
    assert {each.value: each.count for each in found.classes} == counts.to_dict()
    if len(texts):
        lengths = texts.map(len).to_numpy()
        for mine in (column.characters, column.tokens):
            assert (mine.minimum, mine.maximum, mine.cells) == (lengths.min(), lengths.max(), len(lengths))
            assert mine.mean == pytest.approx(lengths.mean())
            assert mine.quantiles == pytest.approx(np.quantile(lengths, QUANTILES))
            assert sum(mine.histogram.counts) == len(lengths)
            assert not mine.sampled
        turned = [next((letter in PERSIAN for letter in text if letter.isalpha()), False) for text in texts]
        if all(letter < "\u0590" or letter in PERSIAN for text in texts for letter in text):
            assert column.right_to_left == pytest.approx(sum(turned) / len(texts))
    else:
        assert (column.characters, column.tokens, column.right_to_left) == (None, None, None)
    truths = collections.Counter(cell for cell in table["truth"].to_pylist() if cell is not None)
    assert {each.value: each.count for each in found.columns["truth"].top} == truths


@settings(deadline=None, max_examples=25)
@given(table=some.tables())
def test_a_profile_is_the_same_from_rows_and_after_json(table):
    with some.on_disk(table) as read:
        whole = profile(read, target="whole")
        rows = profile(some.in_rows(read), target="whole")
    assert whole.columns == rows.columns
    assert whole.classes == rows.classes
    assert Profile.from_json(json.loads(json.dumps(whole.to_json(), allow_nan=False))) == whole


def test_large_tables_are_read_column_by_column(tmp_path, monkeypatch):
    numbers = np.random.default_rng(0).integers(0, 50_000, 300_000)
    table = some.parquet(tmp_path, pa.table({"n": numbers, "t": [f"t{n}" for n in numbers], "x": numbers / 7}))
    whole = profile(table)
    monkeypatch.setattr(measuring, "_SMALL", 0)
    monkeypatch.setattr(tally, "CHUNK", 20_000)
    monkeypatch.setattr(tally, "_STEP", 512)
    monkeypatch.setattr(measuring, "CHUNK", 20_000)
    parts = profile(table)
    assert parts.rows == 300_000
    assert parts.columns["n"].distinct == len(np.unique(numbers)) == parts.columns["t"].distinct
    for name, column in whole.columns.items():
        other = parts.columns[name]
        assert other.histogram == column.histogram
        assert other.quantiles == pytest.approx(column.quantiles)
        assert [c.count for c in other.top] == [c.count for c in column.top]
        if column.mean is not None:
            assert (other.mean, other.std) == pytest.approx((column.mean, column.std))
    assert parts.columns["t"].characters == whole.columns["t"].characters


def test_types_beyond_the_common(tmp_path):
    table = Table("""(SELECT i::HUGEINT * 100000000000000000000 + i % 3 AS huge, i::DECIMAL(20, 3) / 7 AS exact,
        [i, i][:(i % 3)::INTEGER] AS list, {'a': i % 4} AS struct, MAP {'k': i} AS map, 'b'::BLOB AS blob,
        to_seconds(i) AS span, TIME '10:00' + to_minutes(i) AS clock, (i % 2)::VARCHAR::ENUM('0', '1') AS enumerated,
        TIMESTAMPTZ '2026-01-01 00:00:00+00' + to_hours(i) AS zoned, 'infinity'::DATE AS endless,
        CASE WHEN i < 2 THEN NULL ELSE '٫' || i END AS digits FROM range(60) AS numbers(i))""", name="made")
    found = profile(table, target="enumerated").columns
    assert found["huge"].distinct == 60
    assert found["exact"].maximum == pytest.approx(59 / 7)
    assert (found["list"].elements.maximum, found["list"].distinct) == (2, 41)
    assert (found["struct"].elements, found["struct"].distinct) == (None, 4)
    assert found["map"].elements.quantiles == (1.0,) * 5
    assert (found["blob"].elements.mean, found["blob"].distinct) == (1.0, None)
    assert (found["span"].maximum, found["span"].kind) == (59.0, Kind.DURATION)
    assert (found["clock"].maximum, found["clock"].std) == ("10:59:00", pytest.approx(np.arange(60).std(ddof=1) * 60))
    assert found["enumerated"].top == (Count("0", 30), Count("1", 30))
    assert found["zoned"].maximum == "2026-01-03T11:00:00"
    assert (found["endless"].infinite, found["endless"].minimum, found["endless"].missing) == (60, None, 0)
    assert (found["digits"].right_to_left, found["digits"].missing) == (0.0, 2)


def test_images_are_told_by_size_and_what_is_none_is_counted(tmp_path):
    def encoded(width):
        file = io.BytesIO()
        Image.new("L", (width, 2)).save(file, "png")
        return file.getvalue()

    cells = [{"bytes": content, "path": "p"} for content in (encoded(3), encoded(3), encoded(4), b"none", None)]
    table = some.parquet(tmp_path, pa.table({"p": pa.array([*cells, None], pa.struct(
        {"bytes": pa.binary(), "path": pa.string()}))}))
    table = Table.of_parquet(tmp_path / "table.parquet", name="p", media={"p": Kind.IMAGE})
    column = profile(table).columns["p"]
    assert (column.missing, column.distinct) == (1, None)
    assert column.pictures == Pictures(((3, 2, 2), (4, 2, 1)), 2, 5)
    assert Profile.from_json(json.loads(json.dumps(profile(table).to_json()))).columns["p"] == column


def test_long_texts_are_cut_and_hostile_ones_are_text(tmp_path):
    long, hostile = "x" * 5000, "'; DROP TABLE x; <script>"
    table = some.parquet(tmp_path, pa.table({"t'\"": [long, long, long, hostile, hostile, "once"]}))
    found = profile(table, target="t'\"")
    assert found.columns["t'\""].top == (Count("x" * 1000, 3, cut=True), Count(hostile, 2))
    assert found.classes == (Count("x" * 1000, 3, cut=True), Count(hostile, 2), Count("once", 1))


def test_classes_beyond_a_thousand_are_counted(tmp_path):
    table = some.parquet(tmp_path, pa.table({"n": [*range(1500), 7]}))
    found = profile(table, target="n")
    assert (len(found.classes), found.other_classes, found.classes[0]) == (1000, 500, Count(7, 2))


@settings(deadline=None, max_examples=25)
@given(table=some.tables(most=12), twice=st.booleans(), target=st.sampled_from(list(some.COLUMNS)))
def test_classes_are_counted_alike_whether_all_values_are_known_or_not(table, twice, target):
    with some.on_disk(pa.concat_tables([table, table]) if twice else table) as read:
        found = profile(read, target=target)
        known = found.columns[target]
        counted, others = values.classes(read, read.column(target), replace(known, top=()))
        assert [(str(each.value), each.count) for each in found.classes] == [
            (str(each.value), each.count) for each in counted]
        assert found.other_classes == others


@settings(deadline=None, max_examples=25)
@given(table=some.tables(columns=("text",)), first=st.integers(0, 4))
def test_texts_are_found_wherever_they_are(table, first):
    with some.on_disk(table) as read, pytest.MonkeyPatch.context() as patch:
        whole = profile(read).columns["text"].top
        patch.setattr(values, "_FIRST", first)
        assert profile(read).columns["text"].top == profile(some.in_rows(read)).columns["text"].top == whole


def test_a_table_without_rows(tmp_path):
    found = profile(some.parquet(tmp_path, pa.table({"n": pa.array([], pa.int64()), "t": pa.array([], pa.string())})),
                    target="t", tokenizer=list)
    assert (found.rows, found.columns["n"].distinct, found.columns["t"].characters, found.classes) == (0, 0, None, ())
    assert found.columns["n"].missing_share == 0.0


def test_the_plain_figures_as_a_frame(tmp_path):
    frame = profile(some.parquet(tmp_path, pa.table({"n": [1, 2, 3], "t": ["a", None, "bbb"]}))).frame()
    assert frame.loc["n", ["minimum", "mean", "50%", "missing"]].to_list() == [1, 2.0, 2, 0]
    assert frame.loc["t", ["mean length", "distinct", "missing"]].to_list() == [2.0, 2, 1]


@pytest.mark.parametrize("rows", [False, True])
@pytest.mark.parametrize("small", [False, True])
def test_progress_is_told_and_calling_off_ends_it(tmp_path, monkeypatch, rows, small):
    if not small:
        monkeypatch.setattr(measuring, "_SMALL", 0)
    monkeypatch.setattr(measuring, "_BATCH", 1_000)
    table = some.parquet(tmp_path, pa.table({"n": range(20_000), "t": ["x"] * 20_000}), row_group_size=2_000)
    table = some.in_rows(table) if rows else table
    heard = []
    profile(table, progress=Progress(lambda progress: heard.append((progress.done, progress.total, progress.unit))))
    assert heard[-1] == ((20_000, None, "rows") if rows else (40_000, 40_000, ""))
    assert heard == sorted(heard, key=lambda each: each[0])

    off = Progress(lambda progress: progress.cancel())
    with pytest.raises(CancelledError):
        profile(table, progress=off)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("nbtrain-profile")]


def test_what_cannot_be_is_told_before_anything_is_read(tmp_path):
    table = some.parquet(tmp_path, pa.table({"n": [1]}))
    with pytest.raises(DataError, match="no column 'z'"):
        profile(table, target="z")
    with pytest.raises(ConfigError, match="tokenizer is 5; give a tokenizer"):
        profile(table, tokenizer=5)


def test_a_filter_finds_the_missing_that_the_profile_counts(tmp_path):
    table = some.parquet(tmp_path, pa.table({"x": [1.0, None, math.nan, math.inf]}))
    column = profile(table).columns["x"]
    assert column.missing == table.rows(Query((Filter("x", Op.MISSING),))) == 2
    assert column.infinite == 1
