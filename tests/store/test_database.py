from __future__ import annotations

import errno
import math
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from nbtrain.core.control import State
from nbtrain.core.errors import RunNotFoundError, WorkspaceError
from nbtrain.store import sqlite, writer
from nbtrain.store.database import Database, RunRecord


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(tmp_path / "workspace.db")
    yield database
    database.close()


def test_a_run_comes_back_as_it_was(database: Database) -> None:
    record = RunRecord(
        id="20261122-0931-k3f9", name="</script>'; DROP TABLE runs; --", state=State.PAUSED, reason="Disk full.",
        seconds=1.5, step=7, total_steps=None, epoch=2, metrics={"loss": 1 / 3, "val_loss": math.inf}, parent="p",
        options={"epochs": 5, "monitor": "val_loss", "dropout": None}, error="شکست",
        resumed={"exact": False, "reasons": ["the device was cpu and is cuda"]})
    database.add_run(record)
    assert database.run(record.id) == record
    assert database.runs() == [record]


def test_changes_are_seen_by_whoever_made_them_at_once(database: Database) -> None:
    database.add_run(RunRecord(id="a", name="a"))
    for step in range(200):
        database.update_run("a", step=step, state=State.RUNNING, metrics={"loss": step / 7})
    record = database.run("a")
    assert (record.step, record.state, record.metrics) == (199, State.RUNNING, {"loss": 199 / 7})
    assert record.updated >= record.created


def test_runs_are_listed_newest_first(database: Database) -> None:
    for number in range(5):
        database.add_run(RunRecord(id=f"r{number}", name="n", created=float(100 - number)))
    assert [record.id for record in database.runs()] == ["r0", "r1", "r2", "r3", "r4"]
    assert [record.id for record in database.runs(2)] == ["r0", "r1"]
    assert database.runs(0) == []


def test_an_unknown_run_is_told_with_the_nearest(database: Database) -> None:
    with pytest.raises(RunNotFoundError, match="has none yet"):
        database.run("x")
    database.add_run(RunRecord(id="20261122-0931-k3f9", name="n"))
    with pytest.raises(RunNotFoundError, match="did you mean '20261122-0931-k3f9'"):
        database.run("20261122-0931-k3f8")


def test_a_field_that_does_not_exist_or_change_is_refused_at_once(database: Database) -> None:
    with pytest.raises(TypeError, match="stpe"):
        database.update_run("a", stpe=3)
    with pytest.raises(TypeError, match="created"):
        database.update_run("a", created=3.0)


def test_activity_newest_first(database: Database) -> None:
    for number in range(4):
        database.add_activity("run", None if number else "a", f"line {number}")
    assert [line.text for line in database.activity(3)] == ["line 3", "line 2", "line 1"]
    assert database.activity()[-1].run == "a"


def test_one_change_that_fails_does_not_take_others_with_it(database: Database) -> None:
    told: list[WorkspaceError] = []
    end = database.listen(told.append)
    database.add_run(RunRecord(id="a", name="n"))

    def together() -> None:
        database.update_run("a", step=3)
        database._write("INSERT INTO nowhere VALUES (1)", ())
        database.update_run("a", epoch=4)

    writer.shared().run(together)  # in the writer's thread, so that they are written in one go
    with pytest.raises(WorkspaceError, match="nowhere"):
        database.flush()
    assert len(told) == 1
    record = database.run("a")
    assert (record.step, record.epoch) == (3, 4)
    database.flush()  # told once
    end()
    database._write("INSERT INTO nowhere VALUES (1)", ())
    with pytest.raises(WorkspaceError):
        database.flush()
    assert len(told) == 1


def test_a_full_disk_is_told_and_what_was_there_stays(database: Database) -> None:
    database.add_run(RunRecord(id="a", name="n"))
    (pages,) = database._connection.execute("PRAGMA page_count").fetchone()
    database._connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(WorkspaceError, match="disk is full; free some space") as caught:
        database.add_run(RunRecord(id="b", name="x" * 100_000))
    assert caught.value.errno == errno.ENOSPC
    assert [record.id for record in database.runs()] == ["a"]
    database._connection.execute(f"PRAGMA max_page_count = {pages + 1000}")
    database.add_run(RunRecord(id="b", name="x" * 100_000))
    assert len(database.runs()) == 2


def test_a_commit_is_on_the_disk_and_readers_are_not_in_its_way(database: Database) -> None:
    assert database._connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert database._connection.execute("PRAGMA synchronous").fetchone() == (2,)


def test_a_network_disk_gets_no_write_ahead_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "on_network", lambda path: True)
    database = Database(tmp_path / "workspace.db")
    assert database._connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    database.add_run(RunRecord(id="a", name="n"))
    assert database.run("a").name == "n"
    database.close()


@pytest.mark.parametrize(("kind", "network"), [
    ("ext4", False), ("nfs4", True), ("fuse.sshfs", True), ("9p", True), ("apfs", False), ("overlay", False),
])
def test_network_disks_are_known_by_their_file_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, network: bool
) -> None:
    class Partition:
        def __init__(self, mountpoint: str, fstype: str) -> None:
            self.mountpoint, self.fstype = mountpoint, fstype

    disks = [Partition(str(tmp_path), kind), Partition(tmp_path.anchor, "nfs" if not network else "ext4")]
    monkeypatch.setattr(psutil, "disk_partitions", lambda all: disks)  # noqa: A006 - psutil's name
    assert sqlite.on_network(tmp_path / "workspace.db") is network


def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    (tmp_path / "workspace.db").write_bytes(b"not a database at all" * 100)
    with pytest.raises(WorkspaceError, match=r"workspace\.db: the file is damaged or not a database; move it aside"):
        Database(tmp_path / "workspace.db")


def test_a_database_of_a_newer_nbtrain_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "workspace.db"
    Database(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("INSERT INTO migrations VALUES (99, 0)")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(WorkspaceError, match="version 99, made by a newer nbtrain"):
        Database(path)
    assert path.read_bytes() == before


def test_an_older_database_is_brought_up_to_date_once(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    sqlite.connect(path, ["CREATE TABLE one (a)"]).close()
    for _ in range(2):
        connection = sqlite.connect(path, ["CREATE TABLE one (a)", "CREATE TABLE two (b); INSERT INTO two VALUES (5)"])
        assert connection.execute("SELECT b FROM two").fetchall() == [(5,)]
        assert connection.execute("SELECT version FROM migrations").fetchall() == [(1,), (2,)]
        connection.close()


def test_a_migration_that_fails_leaves_the_old_version(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with pytest.raises(WorkspaceError, match="syntax error"):
        sqlite.connect(path, ["CREATE TABLE one (a)", "CREATE TABLE two (b); NONSENSE"])
    connection = sqlite.connect(path, ["CREATE TABLE one (a)"])
    assert connection.execute("SELECT version FROM migrations").fetchall() == [(1,)]
    connection.close()


def test_a_locked_database_is_told_after_patience(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "BUSY_SECONDS", 0.05)
    database = Database(tmp_path / "workspace.db")
    other = sqlite3.connect(database.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(WorkspaceError, match="another kernel kept it locked") as caught:
        database.add_run(RunRecord(id="a", name="n"))
    assert caught.value.errno == errno.EBUSY
    other.execute("ROLLBACK")
    other.close()
    database.add_run(RunRecord(id="a", name="n"))
    database.close()
