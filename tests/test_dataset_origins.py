"""Where data comes from: said in every language, and imported from its preview."""

from __future__ import annotations

import gc
import weakref
from pathlib import Path

import datasets
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from PIL import Image

import nbtrain
from nbtrain import dataset_facts
from nbtrain.core.errors import CommandError, DataError
from nbtrain.data.keeping.library import Library
from nbtrain.dataset_desk import OriginImport, WorkspaceDatasets
from nbtrain.desk import preview_desk
from nbtrain.i18n import text

SECONDS = 60


@pytest.mark.parametrize(("given", "kind", "args"), [
    (pd.DataFrame({"a": [1]}), "data_frame", {"library": "pandas"}),
    (pa.table({"a": [1]}), "table", {"library": "pyarrow"}),
    (pa.RecordBatch.from_pydict({"a": [1]}), "table", {"library": "pyarrow"}),
    (pa.table({"a": [1]}).to_reader(), "table", {"library": "pyarrow"}),
    (datasets.Dataset.from_dict({"a": [1]}), "table", {"library": "datasets"}),
    (np.zeros((2, 2)), "array", {"library": "NumPy"}),
    ({"a": [1]}, "columns", {}), ([{"a": 1}], "rows", {}), ([[1, 2]], "rows", {}),
])
def test_an_object_is_said_in_every_language(given, kind, args):
    row = dataset_facts.row(Library(), Library().add(given).dataset)
    assert row["origin"] == {"kind": kind, "args": args}
    said = {code: text(f"datasets.source.{kind}", code, **args) for code in ("en", "fa", "ru")}
    assert len({*said.values(), f"datasets.source.{kind}"}) == 4


@pytest.mark.parametrize(("source", "kind", "args"), [
    ("someone/reviews on the Hub", "hub", {"name": "someone/reviews", "part": "", "split": ""}),
    ("someone/reviews on the Hub (en), train", "hub", {"name": "someone/reviews", "part": " (en)", "split": ", train"}),
    ("data/a.csv and 12 more", "several", {"path": "data/a.csv", "number": 12}),
])
def test_the_hub_and_several_files_are_said_in_every_language(source, kind, args):
    assert dataset_facts.origin(source) == {"kind": kind, "args": args}


@pytest.mark.parametrize("source", ["/data/a.csv", "reviews", "a good set", "data/*.csv"])
def test_a_path_and_a_name_are_themselves(source):
    assert dataset_facts.origin(source) is None


def test_the_sample_says_where_it_is_from():
    desk = WorkspaceDatasets()
    task = desk.tasks.find(desk.sample())
    assert task is not None
    task.wait(SECONDS)
    (row,) = desk.rows()
    assert row["origin"] == {"kind": "iris", "args": {"library": "scikit-learn"}}
    made_up = "drawn at random by nbtrain, to try things on"
    assert dataset_facts.origin(made_up) == {"kind": "made_up", "args": {}}


@pytest.fixture
def desk():
    return WorkspaceDatasets()


@pytest.fixture
def shown(desk):
    """Previews of whatever it is called with, and what imports it."""
    previews = []

    def show(given, **options):
        preview = preview_desk(given, **options)
        assert preview.origin is not None
        previews.append(preview)
        return preview, OriginImport(desk, preview.origin, preview.tasks, preview.name)

    yield show
    for preview in previews:
        preview.close()


def test_what_a_preview_shows_is_imported_as_it_was_read(desk, shown, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("odd.csv").write_text("a;b\n1;2\n3;4\n")
    preview, importer = shown("odd.csv", delimiter=";", header=False)
    assert (importer.task(), importer.name()) == (None, None)
    monkeypatch.chdir("/")  # as a later cell may
    task = importer.begin()
    assert preview.tasks.find(task.id) is desk.tasks.find(task.id) is task, "both panels tell of it"
    task.wait(SECONDS)
    assert importer.name() == "odd"
    (row,) = desk.rows()
    assert (row["rows"], row["columns"], row["source"]) == (3, 2, str(tmp_path / "odd.csv"))
    importer.begin().wait(SECONDS)
    assert len(desk.rows()) == 1, "it is there already"
    desk.delete(row["id"])
    assert importer.name() is None


def test_a_preview_with_a_name_is_imported_under_it(shown, tmp_path):
    (tmp_path / "odd.csv").write_text("a,b\n1,2\n")
    for given in (tmp_path / "odd.csv", pd.DataFrame({"a": [1]})):
        preview, importer = shown(given, name=f"my {type(given).__name__}")
        importer.begin().wait(SECONDS)
        assert importer.name() == preview.name == f"my {type(given).__name__}"


def test_patterns_and_labels_are_of_the_folder_where_they_were_shown(shown, tmp_path, monkeypatch):
    for place, value in (("here", 1), ("there", 999)):
        (tmp_path / place / "photos").mkdir(parents=True)
        (tmp_path / place / "one.csv").write_text(f"x\n{value}\n")
        (tmp_path / place / "labels.csv").write_text(f"file_name,label\na.png,{place}\n")
        Image.new("RGB", (2, 2)).save(tmp_path / place / "photos" / "a.png")
    monkeypatch.chdir(tmp_path / "here")
    importers = shown("o*.csv")[1], shown(["o*.csv"])[1], shown(tmp_path / "here" / "photos", labels="labels.csv")[1]
    monkeypatch.chdir(tmp_path / "there")
    for importer, column, cell in zip(importers, ("x", "x", "label"), (1, 1, "here"), strict=True):
        importer.begin().wait(SECONDS)
        assert Library().table(str(importer.name())).page()[column].to_pylist() == [cell]


def test_labels_that_are_no_path_are_refused_in_a_sentence(tmp_path):
    Image.new("RGB", (2, 2)).save(tmp_path / "a.png")
    with pytest.raises(DataError, match="labels is a DataFrame; give the path of a table of labels"):
        preview_desk(tmp_path, labels=pd.DataFrame({"file_name": ["a.png"], "label": ["x"]}))


def test_a_data_frame_on_show_is_imported_and_not_kept_alive(desk, shown):
    frame = pd.DataFrame({"n": [1, 2, 3], "text": ["a", "b", None]})
    _, importer = shown(frame)
    gone = weakref.ref(frame)
    del frame
    gc.collect()
    assert gone() is None
    importer.begin().wait(SECONDS)
    (row,) = desk.rows()
    assert (row["name"], row["rows"], row["source"]) == ("data", 3, "a pandas data frame")


def test_an_import_of_a_preview_that_fails_can_be_begun_again(desk, shown, tmp_path):
    path = tmp_path / "broken.csv"
    path.write_text("a,b\n1,2\n3,4\n")
    _, importer = shown(path)
    path.unlink()
    failed = importer.begin()
    with pytest.raises(DataError):
        failed.wait(SECONDS)
    assert importer.name() is None
    path.write_text("a,b\n1,2\n3,4\n")
    importer.begin().wait(SECONDS)
    assert importer.name() == "broken"
    with pytest.raises(CommandError, match="no longer known"):
        desk.import_again(failed.id, {})


def test_what_is_in_the_workspace_or_a_part_is_not_offered(tmp_path):
    path = tmp_path / "reviews.csv"
    path.write_text("a,b\n1,2\n3,4\n5,6\n")
    for given, rows in ((nbtrain.load_dataset(path), None), ("reviews", None), (path, [1, 2])):
        preview = preview_desk(given, rows)
        assert preview.origin is None
        preview.close()
