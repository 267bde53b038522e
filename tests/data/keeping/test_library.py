"""The workspace's datasets, on real files."""

from __future__ import annotations

import errno
import os
import sys
import threading
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from nbtrain.core.errors import CancelledError, ConfigError, DataError, DatasetNotFoundError, WorkspaceError
from nbtrain.core.tasks import Progress
from nbtrain.data.importing import parquet as importing
from nbtrain.data.importing import sources
from nbtrain.data.reading.read_options import ReadOptions
from nbtrain.store.workspace import is_id


def everything(folder):
    """Every file and folder below, but for the database."""
    found = (path for path in folder.rglob("*") if not path.name.startswith("workspace.db"))
    return sorted(str(path.relative_to(folder)) for path in found)


def never(*_, **__):
    pytest.fail("read again")


def test_an_import_is_a_folder_and_a_row(library, reviews):
    done = library.add(reviews)
    record = done.dataset
    assert done.new
    assert (record.name, record.rows, record.columns, record.rejected) == ("reviews", 3, 2, 0)
    assert is_id(record.id)
    assert record.source == str(reviews)
    assert library.list() == [record]
    assert library.find("reviews") == library.find("REVIEWS") == library.find(record.id) == record
    folder = library.folder(record.id)
    assert sorted(path.name for path in folder.iterdir()) == ["data.parquet", "dataset.json"]
    assert record.bytes == (folder / "data.parquet").stat().st_size
    facts = library.facts(record.id)
    assert facts["fingerprint"] == record.fingerprint == importing.facts_of(folder / "data.parquet")[1]
    assert [column["name"] for column in facts["columns"]] == ["label", "text"]
    assert library.table("reviews").page()["text"].to_pylist() == ["fine", "poor", "well, yes"]
    assert library.size(record.id) > record.bytes


def test_a_source_that_is_as_it_was_is_not_read_again(library, reviews, monkeypatch):
    first = library.add(reviews).dataset
    monkeypatch.setattr(sources, "open_any", never)
    again = library.add(str(reviews))
    assert (again.dataset, again.new) == (first, False)


def test_a_source_is_told_with_its_whole_path(library, reviews, monkeypatch):
    monkeypatch.chdir(reviews.parent)
    assert library.add("reviews.csv").dataset.source == str(reviews)


def test_other_options_make_another_dataset(library, reviews):
    first = library.add(reviews).dataset
    other = library.add(reviews, options=ReadOptions(header=False)).dataset
    assert (other.name, other.rows) == ("reviews 2", 4)
    assert other.fingerprint != first.fingerprint


def test_a_table_of_labels_that_changed_makes_another_dataset(library, tmp_path, monkeypatch):
    folder, table = tmp_path / "pets", tmp_path / "labels.csv"
    folder.mkdir()
    for name in ("a", "b"):
        Image.new("RGB", (4, 4)).save(folder / f"{name}.png")
    table.write_text("file_name,label\na.png,cat\nb.png,dog\n")
    first = library.add(folder, labels=table)
    monkeypatch.setenv("HOME", str(tmp_path))
    again = library.add(folder, labels="~/labels.csv")
    assert (again.dataset, again.new) == (first.dataset, False)
    table.write_text("file_name,label\na.png,cat\nb.png,bird\n")
    changed = library.add(folder, labels=str(table))
    assert changed.new
    assert library.table(changed.dataset.id).page()["label"].to_pylist() == ["cat", "bird"]
    with pytest.raises(DataError, match=r"labels is a list; give the path"):
        library.add(folder, labels=["cat", "dog"])


def test_a_source_that_changed_makes_another_dataset(library, reviews):
    first = library.add(reviews).dataset
    reviews.write_text(reviews.read_text("utf-8") + "bad,worse\n", "utf-8")
    second = library.add(reviews).dataset
    assert (first.rows, second.rows, second.name) == (3, 4, "reviews 2")


def test_the_same_content_under_the_same_name_is_the_same_dataset(library, reviews, monkeypatch):
    first = library.add(reviews).dataset
    os.utime(reviews, (1, 1))
    touched = library.add(reviews)
    assert (touched.dataset.id, touched.new) == (first.id, False)
    monkeypatch.setattr(sources, "open_any", never)
    assert library.add(reviews).dataset.id == first.id
    assert [path.name for path in library.workspace.datasets_folder.iterdir() if is_id(path.name)] == [first.id]


def test_the_same_content_under_another_name_is_allowed_and_said(library, reviews):
    library.add(reviews)
    second = library.add(reviews, name="copy")
    assert second.new
    assert second.same_as == ("reviews",)
    assert library.add(reviews, name="COPY").dataset == second.dataset


def test_a_name_that_is_taken_is_refused_before_anything_is_read(library, reviews, tmp_path):
    library.add(reviews)
    with pytest.raises(ConfigError, match="There is a dataset 'Reviews' already"):
        library.write(never, name="Reviews", else_name="x", source="elsewhere")
    assert len(library.list()) == 1


def test_a_name_whose_source_has_changed_is_refused_and_nothing_is_left(library, reviews):
    library.add(reviews, name="mine")
    reviews.write_text(reviews.read_text("utf-8") + "bad,worse\n", "utf-8")
    before = everything(library.workspace.home)
    with pytest.raises(ConfigError, match="'mine' already"):
        library.add(reviews, name="mine")
    assert everything(library.workspace.home) == before


def test_a_source_that_cannot_be_read_leaves_nothing(library, tmp_path):
    broken = tmp_path / "broken.parquet"
    pq.write_table(pa.table({"n": range(1000)}), broken)
    broken.write_bytes(broken.read_bytes()[:-100])
    with pytest.raises(DataError):
        library.add(broken)
    assert library.list() == []
    assert set(everything(library.workspace.home)) <= {"runs", "datasets", "datasets/.trash"}


def test_what_is_called_off_leaves_nothing(library, reviews):
    progress = Progress()
    progress.cancel()
    with pytest.raises(CancelledError):
        library.add(reviews, progress=progress)
    assert library.list() == []
    assert not [name for name in everything(library.workspace.home) if "unfinished" in name]


@pytest.mark.parametrize("name", [None, "both"])
def test_two_imports_of_the_same_at_once_are_one_dataset(library, reviews, name):
    opened = sources.open_any(reviews)
    meet = threading.Barrier(2)

    def fill(folder):
        imported = opened.import_to(folder)
        meet.wait(60)
        return imported

    def work():
        found.append(library.write(fill, name=name, else_name="both", source="twice"))

    found: list[Any] = []
    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found[0].dataset.id == found[1].dataset.id == library.find("both").id
    assert sorted(each.new for each in found) == [False, True]
    assert len(library.list()) == 1


@pytest.mark.parametrize("name", [None, "both"])
def test_of_two_with_the_same_name_at_once_the_second_gets_a_number_or_is_refused(library, name):
    meet = threading.Barrier(2)

    def work(number):
        def fill(folder):
            imported = sources.open_any({"n": [number]}).import_to(folder)
            meet.wait(60)
            return imported
        try:
            found.append(library.write(fill, name=name, else_name="both", source="twice").dataset.name)
        except ConfigError:
            found.append("refused")

    found: list[Any] = []
    threads = [threading.Thread(target=work, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == ["both", "both 2" if name is None else "refused"]
    assert len(library.list()) == (2 if name is None else 1)
    assert not [path for path in library.workspace.datasets_folder.iterdir() if "unfinished" in path.name]


def test_a_full_disk_leaves_nothing(library):
    def fill(folder):
        (folder / "data.parquet").write_bytes(b"half")
        raise WorkspaceError(errno.ENOSPC, "The disk is full.")

    with pytest.raises(WorkspaceError):
        library.write(fill, name="x", else_name="x", source="x")
    assert everything(library.workspace.datasets_folder) == [".trash"]


def test_what_happens_is_in_the_diary(library, reviews):
    record = library.add(reviews).dataset
    library.rename(record.id, "better")
    library.delete(record.id)
    library.restore()
    told = [(line.kind, line.text) for line in library.workspace.database.activity()]
    assert told == [("dataset restored", "better"), ("dataset deleted", "better"),
                    ("dataset renamed", "reviews → better"), ("dataset imported", "reviews")]


def test_an_unknown_dataset_is_told_with_the_nearest(library, reviews):
    with pytest.raises(DatasetNotFoundError, match="has none yet"):
        library.find("x")
    library.add(reviews)
    with pytest.raises(DatasetNotFoundError, match="did you mean 'reviews'"):
        library.find("review")


@pytest.mark.parametrize("dataset_id", ["..", "../x", "a/b", "/etc", "a\x00b", "con", "", ".trash", "x" * 300])
def test_a_hostile_id_leads_nowhere(library, dataset_id):
    with pytest.raises(DatasetNotFoundError):
        library.folder(dataset_id)
    for act in (library.delete, library.restore, library.find, library.verify):
        with pytest.raises(DatasetNotFoundError):
            act(dataset_id)
    with pytest.raises(DatasetNotFoundError):
        library.rename(dataset_id, "x")


@pytest.mark.skipif(sys.platform == "win32", reason="Links need rights there.")
def test_a_link_out_of_the_workspace_is_not_followed(library, reviews, tmp_path):
    record = library.add(reviews).dataset
    folder = library.folder(record.id)
    outside = tmp_path / "outside"
    folder.rename(outside)
    folder.symlink_to(outside)
    with pytest.raises(DatasetNotFoundError):
        library.table(record.id)
    with pytest.raises(DatasetNotFoundError):
        library.delete(record.id)
    assert sorted(path.name for path in outside.iterdir()) == ["data.parquet", "dataset.json"]
