"""The public `Dataset`, on real files: what it finds out is kept, and found again by another kernel."""

from __future__ import annotations

import json
from datetime import datetime

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tokenizers
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import feather
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

import nbtrain
from nbtrain.core.errors import CancelledError, ConfigError, DataError, DatasetNotFoundError, WorkspaceError
from nbtrain.core.tasks import Progress
from nbtrain.data import quality as checking
from nbtrain.data.looking import profile as profiling
from nbtrain.data.query import Query, Sort
from nbtrain.data.splits import splitting
from nbtrain.dataset import binary

ROWS = 400


@pytest.fixture
def people(tmp_path):
    """A dataset with a label, numbers with gaps, and text."""
    chance = np.random.default_rng(0)
    ages = chance.integers(18, 90, ROWS).astype(float)
    ages[::10] = np.nan
    path = tmp_path / "people.csv"
    pd.DataFrame({
        "id": range(ROWS), "age": ages, "city": chance.choice(["تهران", "Москва", "Oslo"], ROWS),
        "note": [f"  note   {n}  " for n in range(ROWS)], "label": np.where(chance.random(ROWS) < 0.3, "yes", "no"),
    }).to_csv(path, index=False)
    return nbtrain.load_dataset(path)


def never(*_, **__):
    pytest.fail("done again")


def test_what_is_known_of_it(people, tmp_path):
    assert (people.name, people.rows, len(people), people.rejected) == ("people", ROWS, ROWS, 0)
    assert [column.name for column in people.columns] == ["id", "age", "city", "note", "label"]
    assert [str(column.kind) for column in people.columns] == ["integer", "number", "text", "text", "text"]
    assert people.source == str(tmp_path / "people.csv")
    assert len(people.fingerprint) == 64
    assert people.bytes == (people.folder / "data.parquet").stat().st_size
    assert people.parent is None
    assert people.recipe is None
    assert people == nbtrain.datasets()[0]
    assert len({people, nbtrain.datasets()[0]}) == 1
    assert people != nbtrain.load_dataset(tmp_path / "people.csv", name="again")


def test_it_shows_itself_as_text(people, tmp_path):
    shown = repr(people)
    assert shown.startswith(f"Dataset 'people' ({people.id}): 400 rows, 5 columns, ")
    assert "\n  label  text\n" in shown
    assert shown.endswith(f"from {tmp_path / 'people.csv'}")
    assert not hasattr(people, "_repr_html_")
    nbtrain.load_dataset(tmp_path / "people.csv", name="again")
    assert repr(people).endswith("It has the same content as 'again'.")
    people.delete()
    assert repr(people).endswith("It was deleted; its restore() brings it back.")
    wide = nbtrain.load_dataset({f"column {n} " + "x" * 50: [1] for n in range(30)}, name="wide")
    assert "… and 10 more" in repr(wide)
    assert max(map(len, repr(wide).splitlines()[1:-1])) < 60


def test_pages(people):
    page = people.page(offset=10, limit=3, columns=["id", "city"])
    assert page.column_names == ["__row__", "id", "city"]
    assert page["id"].to_pylist() == [10, 11, 12]
    found = people.page({"filters": [{"column": "label", "op": "eq", "value": "yes"}],
                         "sort": [{"column": "id", "descending": True}]}, limit=2)
    assert set(found["label"].to_pylist()) == {"yes"}
    assert found["id"].to_pylist() == sorted(found["id"].to_pylist(), reverse=True)
    assert people.page(Query(sort=(Sort("id", descending=True),)), limit=1)["id"].to_pylist() == [ROWS - 1]
    with pytest.raises(ConfigError, match="no such column"):
        people.page({"sort": [{"column": "nothing"}]})


def test_in_memory(people):
    frame = people.frame()
    assert list(frame.columns) == ["id", "age", "city", "note", "label"]
    assert frame["id"].tolist() == list(range(ROWS))
    assert people.arrow(["city"]).column_names == ["city"]
    empty = nbtrain.load_dataset(pa.table({"a": pa.array([], pa.int64())}), name="empty")
    assert empty.arrow().schema.names == ["a"]
    assert len(empty.frame()) == 0


# -- kept results -------------------------------------------------------------------------------


def test_a_profile_is_kept_by_what_was_asked(people, monkeypatch):
    plain, labelled = people.profile(), people.profile("label")
    assert plain.classes == ()
    assert {each.value for each in labelled.classes} == {"yes", "no"}
    assert plain.columns["age"].missing == ROWS // 10
    monkeypatch.setattr(profiling, "profile", never)
    again = nbtrain.datasets()[0]
    assert again.profile() == plain
    assert again.profile(target="label") == labelled
    with pytest.raises(pytest.fail.Exception):
        again.profile("city")


def test_a_profile_with_a_tokenizer_is_kept_where_the_tokenizer_can_be_told(people, monkeypatch):
    words = tokenizers.Tokenizer(WordLevel({"note": 0, "[UNK]": 1}, unk_token="[UNK]"))  # noqa: S106 - no password
    words.pre_tokenizer = Whitespace()
    found = people.profile(tokenizer=words)
    assert found.columns["note"].tokens is not None
    assert found.columns["note"].tokens.mean == 2
    monkeypatch.setattr(profiling, "profile", never)
    assert people.profile(tokenizer=tokenizers.Tokenizer.from_str(words.to_str())) == found
    other = tokenizers.Tokenizer(WordLevel({"[UNK]": 0}, unk_token="[UNK]"))  # noqa: S106 - no password
    with pytest.raises(pytest.fail.Exception):
        people.profile(tokenizer=other)
    with pytest.raises(pytest.fail.Exception):
        people.profile(tokenizer=lambda texts: [text.split() for text in texts])


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"{\\"target\\": null, \\"tokenizer\\": null}": {}}'])
def test_a_damaged_result_is_found_anew(people, damage):
    before = people.profile()
    (people.folder / "profile.json").write_text(damage, "utf-8")
    assert people.profile() == before
    assert people.profile() == before


def test_not_more_results_are_kept_than_are_useful(people):
    for n in range(18):
        (people.folder / "quality.json").touch()
        people.profile(people.columns[n % 5].name)
    assert len(json.loads((people.folder / "profile.json").read_text("utf-8"))) <= 16


def test_a_split_is_kept_and_used(people, monkeypatch):
    assert people.kept_split() is None
    made = people.split("stratified", target="label", train=0.8, validation=0.1, test=0.1)
    assert sum(made.counts) == ROWS
    monkeypatch.setattr(splitting, "split", never)
    again = nbtrain.datasets()[0]
    for found in (again.split(), again.kept_split(), again.split(made.spec),
                  again.split("stratified", target="label", train=0.8, validation=0.1, test=0.1)):
        assert found is not None
        assert found.spec == made.spec
        assert found.parts.tolist() == made.parts.tolist()
    train = again.part("train")
    assert train.rows() == made.counts[0]
    monkeypatch.undo()
    other = again.split("random", seed=3)
    assert again.split().spec == other.spec


def test_a_split_that_was_damaged_is_made_anew(people):
    made = people.split()
    (people.folder / "split.parquet").write_bytes(b"PAR1")
    assert people.kept_split() is None
    assert people.split().parts.tolist() == made.parts.tolist()


def test_a_wrong_split_is_refused_in_one_message_and_the_kept_one_stays(people):
    made = people.split()
    with pytest.raises(ConfigError) as caught:
        people.split("random", train=2, sead=1)
    assert {problem.field for problem in caught.value.problems} == {"train", "sead"}
    with pytest.raises(DataError):
        people.split("stratified", target="nothing")
    assert people.split().spec == made.spec


def test_a_report_is_kept_for_the_split_it_was_made_of(people, monkeypatch):
    people.split("stratified", target="label")
    report = people.quality()
    assert report.rows == ROWS
    monkeypatch.setattr(checking, "quality", never)
    assert nbtrain.datasets()[0].quality().to_json() == report.to_json()
    people.split("random", seed=5)
    with pytest.raises(pytest.fail.Exception):
        people.quality()


# -- processing ---------------------------------------------------------------------------------


def test_processing_makes_a_dataset_that_learned_from_the_training_part_alone(people):
    split = people.split("stratified", target="label")
    steps = [{"step": "missing", "columns": ["age"], "method": "mean"},
             {"step": "scale", "columns": ["age"], "method": "standard"}]
    made = people.process(*steps)
    assert (made.name, made.rows, made.parent) == ("people · processed", ROWS, people)
    ages = people.frame()["age"].to_numpy()
    train = split.parts == 0
    mean = np.nanmean(ages[train])
    filled = np.where(np.isnan(ages), mean, ages)
    wanted = (filled - filled[train].mean()) / filled[train].std()
    np.testing.assert_allclose(made.frame()["age"], wanted, rtol=1e-5, atol=1e-6)
    assert made.split().parts.tolist() == split.parts.tolist()
    recipe = made.recipe
    assert recipe is not None
    new = recipe.apply([{"age": mean, "id": 1, "city": "Oslo", "note": "x"}])
    assert new["age"].to_pylist() == pytest.approx([0], abs=1e-6)
    assert people.process(*steps) == made
    assert people.process(steps) == made
    assert [each.name for each in nbtrain.datasets()] == ["people · processed", "people"]


@pytest.mark.parametrize("steps", ["scale", 5, None, [["scale"]]])
def test_what_is_no_step_is_said(people, steps):
    with pytest.raises(ConfigError, match="is no step; give one of nbtrain"):
        people.process(steps)


def test_rows_that_are_left_out_take_their_parts_with_them(tmp_path):
    parts = ["train" if n % 7 else "test" for n in range(100)]
    texts = ["" if n % 3 else "x" for n in range(100)]
    data = nbtrain.load_dataset({"n": list(range(100)), "text": texts, "part": parts})
    split = data.split("column", column="part")
    made = data.process({"step": "drop_empty", "columns": ["text"]}, name="whole")
    left = made.frame()["n"].tolist()
    assert 0 < len(left) < 100
    assert made.split().parts.tolist() == split.parts[left].tolist()
    kept = made.kept_split()
    assert kept is not None
    assert sum(kept.counts) == made.rows


def test_a_recipe_of_what_was_processed_twice_takes_raw_rows(people):
    first = people.process({"step": "missing", "columns": ["age"]})
    second = first.process({"step": "scale", "columns": ["age"]})
    assert (second.name, second.parent) == ("people · processed 2", first)
    recipe = second.recipe
    assert recipe is not None
    raw = people.frame().head(5)
    np.testing.assert_allclose(recipe.apply(raw)["age"].to_numpy(), second.frame()["age"].head(5), rtol=1e-5, atol=1e-6)


def test_another_split_makes_another_dataset(people):
    people.split("random", seed=1)
    one = people.process({"step": "scale", "columns": ["age"]})
    people.split("random", seed=2)
    two = people.process({"step": "scale", "columns": ["age"]})
    assert one != two
    assert one.split().spec.seed == 1
    assert two.split().spec.seed == 2


def test_wrong_steps_leave_nothing(people):
    with pytest.raises(ConfigError):
        people.process({"step": "nothing"})
    with pytest.raises(DataError):
        people.process({"step": "scale", "columns": ["nothing"]})
    assert len(nbtrain.datasets()) == 1
    assert not [path for path in people.folder.parent.iterdir() if "unfinished" in path.name]


# -- changing -----------------------------------------------------------------------------------


def test_rename_delete_restore(people):
    people.rename("folk")
    assert nbtrain.datasets()[0].name == people.name == "folk"
    people.profile()
    people.delete()
    with pytest.raises(DatasetNotFoundError, match="was deleted"):
        people.frame()
    people.restore()
    assert len(people.frame()) == ROWS
    people.verify()
    (people.folder / "data.parquet").write_bytes(b"PAR1PAR1")
    with pytest.raises(DataError):
        people.verify()


def test_preview_is_a_panel(people):
    assert type(people.preview()).__name__ == "DatasetPreview"


# -- export -------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", [
    ".csv", ".tsv", ".json", ".jsonl", ".csv.gz", ".jsonl.zst", ".parquet", ".arrow", ".feather",
])
def test_what_is_exported_is_imported_again_alike(people, tmp_path, ending):
    path = people.export(tmp_path / f"out{ending}")
    again = nbtrain.load_dataset(path)
    pd.testing.assert_frame_equal(again.frame(), people.frame())
    assert again.fingerprint == people.fingerprint


def test_export_is_whole_or_not_at_all(people, tmp_path):
    path = tmp_path / "out.csv"
    path.write_text("mine", "utf-8")
    with pytest.raises(DataError, match="there already"):
        people.export(path)
    assert path.read_text("utf-8") == "mine"
    people.export(path, overwrite=True)
    assert path.read_text("utf-8").startswith("id,age")
    for name in ("out", "out.xlsx", "out.parquet.gz", "out.gz"):
        with pytest.raises(DataError, match="does not say a format"):
            people.export(tmp_path / name)
    with pytest.raises(WorkspaceError, match="not there"):
        people.export(tmp_path / "nowhere" / "out.csv")
    cancelled = Progress()
    cancelled.cancel()
    for ending in ("csv", "arrow"):
        with pytest.raises(CancelledError):
            people.export(tmp_path / f"cancelled.{ending}", progress=cancelled)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["out.csv", "people.csv", "workspace"]


def test_files_in_cells_are_not_exported_as_text(tmp_path):
    folder = tmp_path / "images"
    folder.mkdir()
    from PIL import Image  # noqa: PLC0415 - only here

    for n in range(2):
        Image.new("RGB", (4, 4), (n, 0, 0)).save(folder / f"{n}.png")
    images = nbtrain.load_dataset(folder)
    with pytest.raises(DataError, match="holds bytes, which CSV cannot"):
        images.export(tmp_path / "out.csv")
    again = nbtrain.load_dataset(images.export(tmp_path / "out.parquet"))
    assert again.frame().equals(images.frame()) or again.rows == images.rows


CELLS = {
    "n": st.one_of(st.none(), st.integers(-2**63, 2**63 - 1)),
    "x": st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False)),
    "b": st.one_of(st.none(), st.booleans()),
    "t": st.one_of(st.none(), st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))),
    "d": st.one_of(st.none(), st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1))),  # noqa: DTZ001 - without a zone
}
SCHEMA = pa.schema({"n": pa.int64(), "x": pa.float64(), "b": pa.bool_(), "t": pa.string(), "d": pa.timestamp("us")})


# An Arrow file is read by a process of its own, which takes as long as many examples of Parquet.
@pytest.mark.parametrize(("ending", "read", "examples", "fewest"), [
    (".parquet", pq.read_table, 30, 0), (".arrow", feather.read_table, 4, 6)])
def test_import_and_export_give_the_same_table(tmp_path, ending, read, examples, fewest):
    @settings(max_examples=examples)
    @given(st.lists(st.fixed_dictionaries(CELLS), min_size=fewest, max_size=12))
    def check(rows):
        table = pa.Table.from_pylist(rows, SCHEMA)
        data = nbtrain.load_dataset(table)
        assert data.arrow().cast(SCHEMA).equals(table)
        path = data.export(tmp_path / f"out{ending}", overwrite=True)
        assert read(path).cast(SCHEMA).equals(table)
        again = nbtrain.load_dataset(path, name=f"{data.name} {data.id[-4:]}{ending}")
        assert again.fingerprint == data.fingerprint
        again.delete()

    check()


@pytest.mark.parametrize(("size", "said"), [
    (0, "0 bytes"), (1023, "1023 bytes"), (1536, "1.5 KiB"), (5 * 2**20, "5 MiB"), (3.2 * 2**40, "3.2 TiB"),
])
def test_bytes_as_people_read_them(size, said):
    assert binary(size) == said
