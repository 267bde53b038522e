from __future__ import annotations

import datetime as dt
import json
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbtrain.core.errors import CancelledError, ConfigError, DataError, WorkspaceError
from nbtrain.core.tasks import Progress
from nbtrain.data.columns import Kind
from nbtrain.data.processing import (
    PART,
    ROW,
    AugmentImage,
    AugmentText,
    Categories,
    Clip,
    Dates,
    DropColumns,
    DropDuplicates,
    DropEmpty,
    Html,
    Missing,
    Recipe,
    Scale,
    Tokenize,
    Whitespace,
    Windows,
    cached,
    rows,
)
from nbtrain.data.table import Table

DAY = dt.date(2024, 1, 31)
TABLE = pa.table({
    "text": ["<b>Hi</b>  there", "what's up", "  ", "hi", "hi"] * 4,
    "age": pa.array([1, None, 3, 4, 5] * 4, pa.int64()),
    "city": ["a", "b", "a", None, "c"] * 4,
    "born": pa.array([DAY] * 20, pa.date32()),
    "label": ["ham", "spam", "ham", "spam", "ham"] * 4,
})
STEPS = (
    Html(), Whitespace(), Missing(columns="age", indicator=True), Scale(columns="age"),
    Categories(columns="city", method="one_hot"), Categories(columns="label", unknown="missing"), Dates(),
    Tokenize(columns="text", vocabulary=300, max_length=8),
)
#: Everything that learns, on every column it can learn from.
LEARNING = (
    Missing(columns="x", method="mean"), Scale(columns="x", method="robust"), Clip(columns="x"),
    Categories(columns="c", rare=2), Tokenize(columns="t", vocabulary=300, algorithm="bpe"),
)


def split_of(parts):
    return SimpleNamespace(parts=np.array(parts, np.uint8))


def whole(recipe, table, split=None):
    return pa.Table.from_batches(recipe.stream(table, split))


@pytest.fixture(scope="module")
def fitted():
    return Recipe(STEPS, target="label").fit(TABLE, split_of([0] * 15 + [1] * 5))


@given(st.data())
def test_rows_outside_the_training_part_cannot_influence_what_is_learned(data):
    """Whatever validation, test and left out rows hold, and wherever they are, the state is the same to the bit."""
    parts = data.draw(st.lists(st.integers(0, 3), min_size=4, max_size=20).filter(lambda p: p.count(0) > 3))
    cell = st.tuples(st.floats(-100, 100), st.sampled_from("abc"), st.text("xyz ", max_size=5))
    training = iter(data.draw(st.lists(cell, min_size=parts.count(0), max_size=parts.count(0))))
    others = st.tuples(st.floats(allow_nan=True), st.text(max_size=5), st.text(max_size=5))
    base = [next(training) if part == 0 else None for part in parts]

    def learned():
        filled = [row or data.draw(others) for row in base]
        table = pa.table({name: [row[i] for row in filled] for i, name in enumerate("xct")})
        return Recipe(LEARNING).fit(table, split_of(parts)).to_json()

    assert learned() == learned()


def test_the_dataset_and_new_rows_get_the_same_values(fitted):
    """One row, however it is given, with and without its target."""
    table = whole(fitted, TABLE).drop_columns([ROW])
    new = TABLE.drop_columns(["label"])
    frame = new.to_pandas()
    expected = table.drop_columns(["label"])
    forms = [new, new.combine_chunks().to_batches()[0], new.to_pylist(), frame, frame.astype({"age": "Int64"})]
    for form in forms:
        assert fitted.apply(form).to_pylist() == expected.to_pylist()
    assert fitted.apply(TABLE).to_pylist() == table.to_pylist()
    for position, row in enumerate(new.to_pylist()):
        assert fitted.apply(row).to_pylist() == expected.slice(position, 1).to_pylist()


def test_a_file_of_new_rows_gets_the_same_values(fitted, tmp_path):
    pq.write_table(TABLE, tmp_path / "new.parquet")
    table = Table.of_parquet(tmp_path / "new.parquet", name="new")
    assert fitted.apply(table).to_pylist() == fitted.apply(TABLE).to_pylist()
    assert Recipe(STEPS, "label").fit(table, split_of([0] * 15 + [1] * 5)) == fitted
    assert whole(fitted, table).to_pylist() == whole(fitted, TABLE).to_pylist()


def test_cells_come_in_the_type_that_was_trained_on(fitted):
    as_text = {"text": "hi", "age": "3", "city": "a", "born": "2024-01-31"}
    plain = {"text": "hi", "age": 3.0, "city": "a", "born": DAY}
    assert fitted.apply(as_text) == fitted.apply(plain)
    with pytest.raises(DataError, match="Column 'age' holds string; the recipe was fitted on int64"):
        fitted.apply({**plain, "age": "many"})
    with pytest.raises(DataError, match="cells of column 'age' have no common type"):
        fitted.apply([plain, {**plain, "age": "3"}])
    with pytest.raises(DataError, match="have no column 'born', 'city', which the recipe works on"):
        fitted.apply({"text": "hi", "age": 3})
    with pytest.raises(DataError, match="Rows are given as int"):
        fitted.apply(5)


@pytest.mark.parametrize("cell", [5, 20260503, 5.0, True])
def test_a_number_is_no_date_and_a_date_no_number(fitted, cell):
    plain = {"text": "hi", "age": 3.0, "city": "a", "born": DAY}
    with pytest.raises(DataError, match=f"'born' holds {cell!r}, .* Write it as that, a date as year-month-day"):
        fitted.apply({**plain, "born": cell})
    with pytest.raises(DataError, match=r"'age' holds datetime\.date"):
        fitted.apply({**plain, "age": DAY})
    assert fitted.apply(pd.DataFrame([{**plain, "born": np.nan}])) == fitted.apply({**plain, "born": None})


def test_new_numbers_are_not_read_as_texts_of_numbers():
    table = pa.table({"n": ["1,5", "2,25"]})
    recipe = Recipe([{"step": "to_number", "columns": ["n"], "decimal": "comma"}]).fit(table)
    for cell, number in (("1,234", 1.234), (1.234, 1.234), (1234, 1234.0), ("1.234", 1234.0), ("x", None)):
        assert recipe.apply({"n": cell}).to_pylist() == [{"n": number}]


def test_an_unknown_class_and_an_unused_column_are_no_trouble(fitted):
    found = fitted.apply({"text": None, "age": None, "city": "new", "born": None, "more": 1}).to_pylist()[0]
    assert (found["city=a"], found["city=other"], found["age_missing"], found["more"]) == (0, 1, 1, 1)


def test_rows_go_from_the_dataset_alone_and_keep_their_number_and_part():
    recipe = Recipe([Html(columns="text"), DropEmpty(columns="text"), DropDuplicates(columns="text")]).fit(TABLE)
    found = whole(recipe, TABLE, split_of([0, 1] * 10))
    assert found[ROW].to_pylist() == [0, 1, 3]
    assert found[PART].to_pylist() == [0, 1, 1]
    assert recipe.apply(TABLE).num_rows == 20


def test_batches_do_not_matter(fitted, monkeypatch):
    monkeypatch.setattr(rows, "BATCH", 3)
    assert whole(fitted, TABLE) == whole(fitted, TABLE)
    assert Recipe(STEPS, "label").fit(TABLE, split_of([0] * 15 + [1] * 5)).to_json()["steps"][0] == (
        fitted.to_json()["steps"][0])
    assert len(list(fitted.stream(TABLE))) == 7


@pytest.mark.parametrize("form", ["table", "frame", "file", "no rows"])
def test_new_rows_come_batch_by_batch_and_are_the_same(fitted, form, tmp_path, monkeypatch):
    new = TABLE.slice(0, 0 if form == "no rows" else None).drop_columns(["label"])
    pq.write_table(new, tmp_path / "new.parquet")
    given = {
        "table": new, "no rows": new, "frame": new.to_pandas(),
        "file": Table.of_parquet(tmp_path / "new.parquet", name="new")}[form]
    expected = fitted.apply(given)
    monkeypatch.setattr(rows, "BATCH", 3)
    found = list(fitted.stream_new(given))
    assert pa.Table.from_batches(found) == expected
    assert form == "file" or len(found) == (1 if form == "no rows" else 7)


def test_windows_of_new_rows_are_cut_from_all_of_them(monkeypatch):
    series = pa.table({"t": range(20), "x": [float(i) for i in range(20)]})
    recipe = Recipe([Windows(columns="x", time="t", window=5)], target="x").fit(series)
    expected = recipe.apply(series)
    monkeypatch.setattr(rows, "BATCH", 3)
    assert pa.Table.from_batches(recipe.stream_new(series)) == expected
    assert len(expected) == 16


def test_the_target_is_left_alone_unless_it_is_named():
    given = pa.table({"x": [1.0, 3.0], "y": [10.0, 30.0]})
    recipe = Recipe([Scale()], target="y").fit(given)
    assert recipe.apply(given).to_pydict() == {"x": [-1.0, 1.0], "y": [10.0, 30.0]}
    assert Recipe([Scale(columns=["x", "y"])], "y").fit(given).apply({"x": 3.0}).to_pydict() == {"x": [1.0]}
    with pytest.raises(DataError, match="finds no column to work on"):
        Recipe([Whitespace()]).fit(given)


def test_a_recipe_is_kept_as_json_and_files(fitted, tmp_path):
    fitted.save(tmp_path)
    again = Recipe.load(tmp_path)
    assert again == fitted
    assert again.fingerprint() == fitted.fingerprint()
    assert again.apply(TABLE) == fitted.apply(TABLE)
    assert Recipe.from_json(json.loads(json.dumps(fitted.to_json())), fitted.files()) == fitted
    (tmp_path / "recipe.json").unlink()
    with pytest.raises(WorkspaceError):
        Recipe.load(tmp_path)


def test_what_was_learned_before_is_forgotten(fitted):
    other = TABLE.set_column(1, "age", pa.array([100.0] * 20))
    again = fitted.fit(other)
    assert again == Recipe(STEPS, "label").fit(other)
    assert again.fingerprint() != fitted.fingerprint()


def test_all_problems_of_all_steps_come_at_once():
    with pytest.raises(ConfigError) as caught:
        Recipe([{"step": "scale", "method": "huge", "size": 3}, {"step": "scal"}, {"step": "clip", "reach": -1}])
    assert str(caught.value).splitlines() == [
        "Step scale: method is 'huge'; it must be one of standard, min_max or robust.",
        "Step scale: There is no option 'size'; there are: columns, method.",
        "There is no step 'scal'; did you mean 'scale'?",
        "Step clip: reach is -1; it must be at least 0.",
    ]
    for wrong in ({}, {"version": 2, "steps": []}, {"steps": 5}):
        with pytest.raises(ConfigError, match="is no recipe"):
            Recipe.from_json(wrong)


def test_an_unfitted_recipe_is_not_applied():
    with pytest.raises(DataError, match="fit it first"):
        Recipe(STEPS).apply(TABLE)
    with pytest.raises(DataError, match="fit it first"):
        Recipe(STEPS).stream(TABLE)


@pytest.mark.parametrize("count", [19, 21])
def test_the_split_of_another_table_is_refused(count):
    with pytest.raises(DataError, match=rf"The split is of {count} rows, the table has (20|more); split it anew"):
        Recipe(STEPS).fit(TABLE, split_of([0] * count))


@pytest.mark.parametrize("form", ["arrow", "file"])
def test_an_empty_table_keeps_its_columns(fitted, form, tmp_path):
    empty = TABLE.slice(0, 0)
    pq.write_table(empty, tmp_path / "e.parquet")
    given = empty if form == "arrow" else Table.of_parquet(tmp_path / "e.parquet", name="e")
    assert whole(fitted, given).schema == whole(fitted, TABLE).schema
    assert fitted.apply(given).num_rows == 0


def test_progress_is_told_over_all_passes_and_heard():
    told = []
    progress = Progress(lambda p: told.append((p.done, p.total)))
    Recipe(LEARNING[:2]).fit(pa.table({"x": [1.0, None]}), split_of([0, 0]), progress)
    assert told == [(2, 4), (4, 4)]
    progress.cancel()
    with pytest.raises(CancelledError):
        Recipe(LEARNING[:2]).fit(pa.table({"x": [1.0]}), None, progress)


def test_a_preview_shows_rows_that_change(tmp_path):
    texts = ["plain"] * 30
    texts[17], texts[25] = "<b>x</b>", " "
    given = pa.table({"text": texts, "n": range(30)})
    pq.write_table(given, tmp_path / "t.parquet")
    table = Table.of_parquet(tmp_path / "t.parquet", name="t")
    recipe = Recipe([Html(), DropEmpty(), Scale(), Tokenize(vocabulary=300), DropColumns(columns="n")])
    seen = recipe.preview(table, 0, rows=2)
    assert (seen.before["text"].to_pylist(), seen.after["text"].to_pylist()) == (["plain", "<b>x</b>"], ["plain", "x"])
    assert (seen.changed, seen.looked_at) == (1, 30)
    assert seen.before[ROW].to_pylist() == [0, 17]
    gone = recipe.preview(table, 1, rows=1)
    assert (gone.before[ROW].to_pylist(), gone.after.num_rows, gone.changed) == ([25], 0, 1)
    assert recipe.preview(table, 2, rows=3).before["text"].to_pylist() == ["plain"] * 3
    assert recipe.preview(given, 3).after["length"].to_pylist()[0] > 2
    assert "n" not in recipe.preview(given, -1).after.schema.names
    assert recipe.fit(table).preview(table, 2).after["n"][0].as_py() == recipe.preview(table, 2).after["n"][0].as_py()
    with pytest.raises(IndexError):
        recipe.preview(table, 5)


def test_a_preview_learns_from_training_rows_alone():
    given = pa.table({"x": [0.0, 2.0, 1000.0]})
    seen = Recipe([Scale()]).preview(given, 0, split=split_of([0, 0, 1]))
    assert seen.after["x"].to_pylist() == [-1.0, 1.0, 999.0]
    assert PART not in seen.after.schema.names


def test_a_preview_of_augmentation_shows_a_first_epoch():
    seen = Recipe([AugmentText(mask=1.0)]).preview(pa.table({"t": ["a b", None]}), 0)
    assert seen.after["t"].to_pylist() == ["[MASK] [MASK]", None]


def test_a_processed_dataset_is_made_once_and_mapped(fitted, tmp_path, monkeypatch):
    split = split_of([0] * 15 + [1] * 5)
    found = cached(fitted, TABLE, tmp_path, "abc", split=split)
    [file] = tmp_path.glob("*/rows.arrow")
    if sys.platform == "linux":
        assert str(file) in Path("/proc/self/maps").read_text(encoding="utf-8")
    assert found.to_pylist() == whole(fitted, TABLE, split).to_pylist()
    monkeypatch.setattr(Recipe, "stream", None)
    assert cached(fitted, TABLE, tmp_path, "abc", split=split) == found


def test_the_cache_knows_data_recipe_and_split_apart(fitted, tmp_path):
    split = split_of([0] * 15 + [1] * 5)
    other = Recipe(STEPS[:-1], "label").fit(TABLE, split)
    for recipe, name, parts in ((fitted, "abc", split), (fitted, "abd", split), (other, "abc", split),
                                (fitted, "abc", None), (fitted, "abc", split_of([0] * 20))):
        cached(recipe, TABLE, tmp_path, name, split=parts)
    assert len(list(tmp_path.iterdir())) == 5


def test_a_cache_that_is_called_off_leaves_nothing(fitted, tmp_path, monkeypatch):
    monkeypatch.setattr(rows, "BATCH", 3)
    progress = Progress(lambda told: told.cancel() if told.done > 10 else None)
    with pytest.raises(CancelledError):
        cached(fitted, TABLE, tmp_path, "abc", progress=progress)
    assert list(tmp_path.iterdir()) == []


def test_pandas_cells_that_are_none_are_missing(fitted):
    frame = pd.DataFrame({"text": ["a"], "age": [np.nan], "city": [None], "born": [pd.NaT]})
    assert fitted.apply(frame)["age_missing"].to_pylist() == [1]


def test_a_time_with_a_zone_may_come_as_text():
    moments = pa.array([dt.datetime(2024, 1, 2, 3, tzinfo=dt.UTC)], pa.timestamp("us", "UTC"))
    recipe = Recipe([Dates(hour=True, cycles=False)]).fit(pa.table({"d": moments}))
    assert recipe.apply({"d": "2024-01-02T03:00:00Z"}) == recipe.apply(pa.table({"d": moments}))


@pytest.mark.parametrize(("step", "made"), [
    (Missing(columns="age", indicator=True), "age_missing"), (Dates(), "born_year"), (STEPS[-1], "length"),
    (Categories(columns="city", method="one_hot"), "city=other"),
])
def test_a_new_column_does_not_take_the_place_of_one_that_is_there(step, made):
    with pytest.raises(DataError, match=f"would make a column '{made}', and there is one already"):
        Recipe([step], "label").fit(TABLE.append_column(made, TABLE["age"]))


def test_whole_numbers_of_any_size():
    given = pa.table({"n": pa.array([2**60 + 1, 0], pa.int64()), "u": pa.array([2**64 - 1, 0], pa.uint64())})
    found = Recipe([Categories(columns="u"), Scale(columns="n", method="min_max")]).fit(given).apply(given)
    assert found.to_pydict() == {"n": [1.0, 0.0], "u": [1, 0]}


def test_pictures_are_not_read_for_what_does_not_need_them(tmp_path, monkeypatch):
    given = TABLE.append_column("picture", pa.array([{"bytes": b"x", "path": "x"}] * 20))
    pq.write_table(given, tmp_path / "p.parquet")
    table = Table.of_parquet(tmp_path / "p.parquet", name="p", media={"picture": Kind.IMAGE})
    asked = []
    batches = table.batches

    def watched(columns=None, **rest):
        asked.append(columns)
        return batches(columns, **rest)

    monkeypatch.setattr(table, "batches", watched)
    recipe = Recipe([Scale(columns="age"), AugmentImage()], "label").fit(table)
    assert recipe.steps[1].columns == ("picture",)
    assert "picture" in whole(recipe, table).schema.names
    Recipe([DropDuplicates(), Scale(columns="age")]).fit(table)
    assert asked == [["text", "age", "city", "born", "label"], None, None]
