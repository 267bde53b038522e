from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbtrain.core.errors import ConfigError, DatasetNotFoundError, WorkspaceError
from nbtrain.store import database as databases
from nbtrain.store import sqlite
from nbtrain.store.database import Database, RunRecord
from nbtrain.store.datasets import DatasetRecord, DatasetRecords, name_key

ONE = DatasetRecord(
    id="20261122-0931-k3f9", name="</script>'; DROP TABLE datasets; --", created=100.0, source="/a.csv", stamp="s",
    fingerprint="f", rows=3, columns=2, bytes=1000, rejected=1)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(tmp_path / "workspace.db")
    yield database
    database.close()


@pytest.fixture
def records(database: Database) -> DatasetRecords:
    return DatasetRecords(database)


def named(name: str, number: int) -> DatasetRecord:
    return replace(ONE, id=f"id-{number}", name=name, created=float(number))


def nothing() -> None:
    pass


def test_a_dataset_comes_back_as_it_was(records: DatasetRecords) -> None:
    records.add(ONE)
    assert records.get(ONE.id) == records.named(ONE.name) == records.find(ONE.id) == ONE
    assert records.all() == records.stamped("s") == [ONE]
    assert records.ids() == {ONE.id}
    assert records.get("x") is records.named("x") is None
    records.add(replace(ONE, name="the same id"))  # another kernel had found its folder
    assert records.all() == [ONE]


def test_newest_first(records: DatasetRecords) -> None:
    for number in (2, 3, 1):
        records.add(named(f"n{number}", number))
    assert [record.name for record in records.all()] == ["n3", "n2", "n1"]


def test_a_name_is_given_once(records: DatasetRecords) -> None:
    records.add(named("Straße", 1))
    records.add(named("other", 2))
    with pytest.raises(ConfigError, match="'STRASSE' already") as caught:
        records.add(named("STRASSE", 3))
    assert caught.value.problems[0].field == "name"
    with pytest.raises(ConfigError):
        records.rename("id-2", "strasse")
    records.rename("id-1", "STRASSE")
    assert [record.name for record in records.all()] == ["other", "STRASSE"]


def test_a_name_is_free_again_when_its_dataset_was_deleted(records: DatasetRecords) -> None:
    records.add(named("a", 1))
    records.mark_deleted("id-1", nothing)
    records.add(named("A", 2))
    with pytest.raises(ConfigError):
        records.mark_restored("id-1", "a", nothing)
    assert [record.id for record in records.all(deleted=True)] == ["id-1"]
    records.mark_restored("id-1", "a 2", nothing)
    assert {record.name for record in records.all()} == {"A", "a 2"}


def test_what_was_done_already_is_told(records: DatasetRecords) -> None:
    records.add(named("a", 1))
    records.mark_deleted("id-1", nothing)
    for act in (lambda: records.mark_deleted("id-1", nothing), lambda: records.rename("id-1", "b"),
                lambda: records.mark_restored("id-2", "b", nothing)):
        with pytest.raises(DatasetNotFoundError, match="another kernel was faster"):
            act()
    assert records.forget("id-1", nothing)
    assert not records.forget("id-1", lambda: pytest.fail("removed twice"))
    records.add(named("a", 1))
    assert not records.forget("id-1", lambda: pytest.fail("it is not deleted"))


def test_a_folder_is_adopted_or_given_up_but_not_both(records: DatasetRecords) -> None:
    records.add(named("a", 1), lambda: False)
    assert records.all() == []
    removed: list[str] = []
    assert records.give_up("id-1", lambda: removed.append("id-1"))
    records.add(named("a", 1), lambda: True)
    assert not records.give_up("id-1", lambda: removed.append("again"))
    assert removed == ["id-1"]


def test_a_folder_that_cannot_be_moved_leaves_the_record(records: DatasetRecords) -> None:
    records.add(named("a", 1))

    def fail() -> None:
        raise WorkspaceError("no")

    with pytest.raises(WorkspaceError, match="no"):
        records.mark_deleted("id-1", fail)
    assert [record.id for record in records.all()] == ["id-1"]
    records.mark_deleted("id-1", nothing)
    with pytest.raises(WorkspaceError):
        records.mark_restored("id-1", "a", fail)
    with pytest.raises(WorkspaceError):
        records.forget("id-1", fail)
    assert [record.id for record in records.all(deleted=True)] == ["id-1"]


def test_of_many_that_want_a_name_one_gets_it(tmp_path: Path) -> None:
    """Threads here, each with a database of its own; `tests/faults` does it with kernels."""
    databases = [Database(tmp_path / "workspace.db") for _ in range(4)]
    told: list[str] = []

    def take(number: int) -> None:
        try:
            DatasetRecords(databases[number]).add(named("wanted", number))
            told.append("got")
        except ConfigError:
            told.append("taken")

    threads = [threading.Thread(target=take, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(told) == ["got", "taken", "taken", "taken"]
    for database in databases:
        assert len(DatasetRecords(database).all()) == 1
        database.close()


@given(st.text(), st.text())
def test_names_that_differ_in_case_alone_have_one_key(one: str, two: str) -> None:
    assert name_key(name_key(one)) == name_key(one)
    if one.casefold() == two.casefold():
        assert name_key(one) == name_key(two)


def test_a_workspace_of_the_first_version_gets_its_table_of_datasets(tmp_path: Path) -> None:
    path = tmp_path / "workspace.db"
    sqlite.connect(path, databases._MIGRATIONS[:1]).close()
    with sqlite3.connect(path) as connection:
        connection.execute(
            "INSERT INTO runs VALUES ('r', 'old', 'finished', '', 1, 1, 1, 1, 1, 1, '{}', '{}', NULL, NULL, NULL)")
    connection.close()
    database = Database(path)
    assert [record.name for record in database.runs()] == ["old"]
    DatasetRecords(database).add(ONE)
    assert DatasetRecords(database).all() == [ONE]
    database.close()


def test_a_transaction_is_whole_and_sees_what_was_queued(database: Database) -> None:
    database.add_run(RunRecord(id="a", name="n"))
    database.update_run("a", step=7)

    def work(connection: sqlite3.Connection) -> int:
        connection.execute("UPDATE runs SET name = 'changed'")
        (step,) = connection.execute("SELECT step FROM runs").fetchone()
        if step != 7:
            pytest.fail("the change before is not there")
        return int(step)

    assert database.transact(work) == 7
    assert database.run("a").name == "changed"

    def fail(connection: sqlite3.Connection) -> None:
        connection.execute("UPDATE runs SET name = 'half'")
        raise LookupError

    with pytest.raises(LookupError):
        database.transact(fail)
    assert database.run("a").name == "changed"
    assert [row["name"] for row in database.select("SELECT name FROM runs WHERE id = ?", ("a",))] == ["changed"]
