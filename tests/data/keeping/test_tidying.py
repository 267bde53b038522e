"""Datasets stay in order, whatever a kernel died of."""

from __future__ import annotations

import errno
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from nbtrain.core.errors import DataError, DatasetNotFoundError, WorkspaceError
from nbtrain.core.tasks import Progress
from nbtrain.data.keeping.library import Library
from nbtrain.data.keeping.tidying import ABANDONED_SECONDS, KEPT_DAYS, purge
from nbtrain.store import workspace as workspaces
from nbtrain.store.lock import RunLock


def age(folder):
    """As if nothing had happened in it for long."""
    os.utime(folder, (1, time.time() - ABANDONED_SECONDS - 60))


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
from nbtrain.data.keeping.library import Library
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
