"""The workspace's datasets, on real files."""

from __future__ import annotations

import errno
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbtrain.core.errors import CancelledError, ConfigError, DataError, DatasetNotFoundError, WorkspaceError
from nbtrain.core.tasks import Progress
from nbtrain.data import importing, sources
from nbtrain.data.library import Library
from nbtrain.data.names import LONGEST, checked_name, free_name, made_up
from nbtrain.data.read_options import ReadOptions
from nbtrain.data.tidying import ABANDONED_SECONDS, KEPT_DAYS, purge
from nbtrain.store import workspace as workspaces
from nbtrain.store.lock import RunLock
from nbtrain.store.workspace import is_id

REVIEWS = 'label,text\ngood,fine\nbad,poor\ngood,"well, yes"\n'


@pytest.fixture
def library():
    return Library()


@pytest.fixture
def reviews(tmp_path):
    path = tmp_path / "reviews.csv"
    path.write_text(REVIEWS, "utf-8")
    return path


def everything(folder):
    """Every file and folder below, but for the database."""
    found = (path for path in folder.rglob("*") if not path.name.startswith("workspace.db"))
    return sorted(str(path.relative_to(folder)) for path in found)


def never(*_, **__):
    pytest.fail("read again")


def age(folder):
    """As if nothing had happened in it for long."""
    os.utime(folder, (1, time.time() - ABANDONED_SECONDS - 60))


# -- importing ----------------------------------------------------------------------------------


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


def test_a_source_that_changed_makes_another_dataset(library, reviews):
    first = library.add(reviews).dataset
    reviews.write_text(REVIEWS + "bad,worse\n", "utf-8")
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
    reviews.write_text(REVIEWS + "bad,worse\n", "utf-8")
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
        meet.wait(20)
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
            meet.wait(20)
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


# -- names --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [
    "", "  ", ".", "..", "a/b", "..\\b", "../../etc/passwd", "a\x00b", "a\nb", "\x1b[31m", "abc\u202egnp", "\ufeffa",
    "con", "NUL", "lpt1.csv", "x" * (LONGEST + 1), "20261122-0931-k3f9",
])
def test_a_name_that_cannot_be_used_is_refused_and_touches_nothing(library, reviews, name):
    record = library.add(reviews).dataset
    before = everything(library.workspace.home.parent)
    with pytest.raises(ConfigError, match="cannot be used for a dataset") as caught:
        library.rename(record.id, name)
    assert caught.value.problems[0].field == "name"
    with pytest.raises(ConfigError):
        library.add(reviews, name=name)
    assert everything(library.workspace.home.parent) == before
    assert library.find(record.id) == record


@pytest.mark.parametrize("name", [
    "مجموعه‌داده", "Отзывы 2025", "<img src=x onerror=alert(1)>", "=1+1", "a'; DROP TABLE datasets", "%2e%2e", "~", "é",
])
def test_any_other_name_is_only_text(library, reviews, name):
    record = library.add(reviews).dataset
    before = everything(library.workspace.home)
    assert library.rename(record.id, f" {name} ").name == name
    assert library.find(name).id == record.id
    assert library.list()[0].name == name
    assert everything(library.workspace.home) == before


def test_names_are_unique_whatever_their_case(library, reviews):
    one = library.add(reviews, name="Straße").dataset
    two = library.add(reviews, name="other").dataset
    with pytest.raises(ConfigError, match="unique whatever their case"):
        library.rename(two.id, "STRASSE")
    assert library.rename(one.id, "STRASSE").name == "STRASSE"
    library.delete(one.id)
    assert library.rename(two.id, "strasse").name == "strasse"


@given(st.text(max_size=130))
def test_a_name_made_up_from_anything_may_be_used(text):
    name = made_up(text)
    assert checked_name(name) == name


@given(st.text(min_size=1, max_size=LONGEST), st.integers(0, 12))
def test_a_free_name_is_free_and_not_too_long(name, count):
    taken = {name, *(free_name(name, set(range(n)).__contains__) for n in range(1))}
    for _ in range(count):
        found = free_name(name, taken.__contains__)
        assert found not in taken
        assert len(found) <= LONGEST
        taken.add(found)


# -- finding ------------------------------------------------------------------------------------


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


# -- deleting -----------------------------------------------------------------------------------


def test_what_is_deleted_comes_back_as_it_was(library, reviews):
    record = library.add(reviews).dataset
    library.delete(record.id)
    assert library.list() == []
    assert [each.id for each in library.list(deleted=True)] == [record.id]
    assert library.folder(record.id) == library.workspace.trash_folder / record.id
    with pytest.raises(DatasetNotFoundError, match="was deleted"):
        library.find(record.id)
    with pytest.raises(DatasetNotFoundError):
        library.delete(record.id)
    assert library.restore() == record
    assert library.table("reviews").rows() == 3
    assert not list(library.workspace.trash_folder.iterdir())


def test_what_opens_a_deleted_dataset_is_told(library, reviews):
    table = library.table(library.add(reviews).dataset.id)
    library.delete(library.list()[0].id)
    with pytest.raises(DatasetNotFoundError, match=r"'reviews' .* was deleted; %nbtrain data undo"):
        table.rows()
    with pytest.raises(DatasetNotFoundError):
        list(table.batches())
    library.restore()
    assert table.rows() == 3
    with pytest.raises(DataError, match="reviews cannot be read"):
        table.sql("SELECT nothing FROM nowhere")


def test_a_name_that_was_given_away_meanwhile_gets_a_number(library, reviews):
    first = library.add(reviews).dataset
    library.delete(first.id)
    library.add(reviews)
    assert library.restore(first.id).name == "reviews 2"


def test_there_may_be_nothing_to_bring_back(library, reviews):
    with pytest.raises(DatasetNotFoundError, match="no dataset to bring back"):
        library.restore()
    record = library.add(reviews).dataset
    with pytest.raises(DatasetNotFoundError, match="no deleted dataset"):
        library.restore(record.id)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps what is open where it is.")
def test_what_is_being_read_is_read_to_its_end(library, tmp_path):
    big = tmp_path / "big.parquet"
    pq.write_table(pa.table({"n": range(1_000_000)}), big)
    record = library.add(big).dataset
    with pq.ParquetFile(library.folder(record.id) / "data.parquet") as reading:
        batches = reading.iter_batches(1000)
        rows = next(batches).num_rows
        library.delete(record.id)
        assert purge(library.workspace, Library()._records, older_than_days=-1) == 1
        assert rows + sum(batch.num_rows for batch in batches) == 1_000_000


def test_what_was_deleted_long_ago_is_removed(library, reviews):
    old, young = library.add(reviews).dataset, library.add(reviews, name="young").dataset
    for record in (old, young):
        library.delete(record.id)
    long_ago = time.time() - (KEPT_DAYS + 1) * 86_400
    library.workspace.database.transact(
        lambda connection: connection.execute("UPDATE datasets SET deleted = ? WHERE id = ?", (long_ago, old.id)))
    library.tidy()
    assert [path.name for path in library.workspace.trash_folder.iterdir()] == [young.id]
    assert [each.id for each in library.list(deleted=True)] == [young.id]
    assert library.restore().id == young.id


def test_a_folder_that_cannot_be_moved_is_not_deleted(library, reviews, monkeypatch):
    record = library.add(reviews).dataset

    def refuse(path, target):
        raise PermissionError(errno.EACCES, "in use")

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(WorkspaceError):
        library.delete(record.id)
    monkeypatch.undo()
    assert Library(workspaces.current(library.workspace.home)).find("reviews").id == record.id


# -- in order -----------------------------------------------------------------------------------


def test_a_dataset_is_verified(library, reviews):
    record = library.add(reviews).dataset
    progress = Progress()
    library.verify(record.id, progress=progress)
    assert (progress.done, progress.unit) == (3, "rows")
    path = library.folder(record.id) / "data.parquet"
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])
    with pytest.raises(DataError, match="damaged or missing"):
        library.verify(record.id)
    pq.write_table(pa.table({"label": ["good", "bad", "good"], "text": ["fine", "poor", "well, yes!"]}), path)
    with pytest.raises(DataError, match="not what was imported"):
        library.verify(record.id)
    path.unlink()
    with pytest.raises(DataError, match="missing"):
        library.verify(record.id)
    with pytest.raises(DataError, match="is missing"):
        library.table("reviews")


def test_datasets_are_known_again_when_the_database_was_made_anew(library, reviews, workspace):
    one, two = library.add(reviews).dataset, library.add(reviews, name="two").dataset
    library.rename(two.id, "renamed")
    workspaces.close_all()
    for path in workspace.glob("workspace.db*"):
        path.unlink()
    again = Library()
    assert {(each.id, each.name) for each in again.list()} == {(one.id, "reviews"), (two.id, "two")}
    assert again.list()[-1] == one
    assert again.table("reviews").rows() == 3


def test_a_folder_that_tells_nothing_is_left_alone(library, reviews):
    record = library.add(reviews).dataset
    strange = library.workspace.datasets_folder / "20261122-0931-k3f9"
    for content in (None, "{", "{}", json.dumps({**library.facts(record.id)})):
        shutil.rmtree(strange, ignore_errors=True)
        strange.mkdir()
        if content is not None:
            (strange / "dataset.json").write_text(content, "utf-8")
        assert library.list() == [record]
        assert strange.is_dir()


def test_what_a_kernel_that_died_left_is_swept(library, reviews):
    library.add(reviews)
    left = library.workspace.datasets_folder / ".20261122-0931-k3f9.0123abcd.unfinished"
    left.mkdir()
    (left / "data.parquet").write_bytes(b"half")
    library.tidy()
    assert left.is_dir()  # perhaps it was made this very moment
    with RunLock(left):
        age(left)
        library.tidy()
        assert left.is_dir()
    library.tidy()
    assert not left.exists()


KERNEL = """
import sys
from nbtrain.data.library import Library
print("ready", flush=True)
def fill(folder):
    (folder / "data.parquet").write_bytes(b"half")
    print("half", flush=True)
    sys.stdin.read()
Library().write(fill, name="x", else_name="x", source="x")
"""


def test_an_import_of_a_living_kernel_is_not_swept_and_that_of_a_dead_one_is(library, reviews):
    kernel = subprocess.Popen([sys.executable, "-c", KERNEL], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert kernel.stdout is not None
    assert [kernel.stdout.readline() for _ in range(2)] == ["ready\n", "half\n"]
    (unfinished,) = library.workspace.datasets_folder.glob(".*.unfinished")
    age(unfinished)
    library.add(reviews)
    assert unfinished.is_dir()
    kernel.kill()
    kernel.communicate()
    library.add(reviews, name="another")
    assert not unfinished.exists()
    assert {each.name for each in library.list()} == {"reviews", "another"}


def test_the_table_of_datasets_holds_what_it_promises(library, reviews, workspace):
    library.add(reviews)
    with sqlite3.connect(workspace / "workspace.db") as connection:
        rows = connection.execute("SELECT name, name_key, deleted FROM datasets").fetchall()
    assert rows == [("reviews", "reviews", None)]
    connection.close()
