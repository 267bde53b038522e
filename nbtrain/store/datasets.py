"""What the workspace's database knows of its datasets: who is called what, what is new, what was deleted.

Names are unique whatever their case, among all kernels of a workspace: an index of the database decides, so of two
that give the same name at the same moment one succeeds and the other is told.
"""

from __future__ import annotations

import sqlite3
import time
import unicodedata
from collections.abc import Callable
from dataclasses import astuple, dataclass, field, fields

from nbtrain.config.problems import unknown
from nbtrain.core.errors import ConfigError, DatasetNotFoundError, Problem
from nbtrain.store import sqlite
from nbtrain.store.database import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetRecord:
    """What is known of a dataset without opening its folder. Times in seconds since 1970."""

    id: str
    name: str
    created: float = field(default_factory=time.time)
    deleted: float | None = None
    """When it was deleted; None while it is there."""
    source: str
    """Where it came from, as a person reads it: a path, ``pandas.DataFrame``, ``hf://datasets/…``."""
    stamp: str | None
    """Tells whether the source is still as it was; None where that cannot be known without reading it."""
    fingerprint: str
    """Of the content: two datasets with the same rows and columns have the same one."""
    rows: int
    columns: int
    bytes: int
    """On the disk."""
    rejected: int = 0
    """Rows of the source that could not be read and were left out."""


_COLUMNS = tuple(f.name for f in fields(DatasetRecord))
_LISTED = ", ".join(_COLUMNS)


class DatasetRecords:
    """The table of datasets in `database`. Safe to use from any thread and from several kernels."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self, *, deleted: bool = False) -> list[DatasetRecord]:
        """Those that are there, or those that are `deleted`; newest first (last deleted first)."""
        condition = "NOT NULL ORDER BY deleted DESC" if deleted else "NULL ORDER BY created DESC"
        return self._select(f"WHERE deleted IS {condition}, id DESC")

    def get(self, dataset_id: str) -> DatasetRecord | None:
        """One by id, also a deleted one; None when there is none."""
        return next(iter(self._select("WHERE id = ?", dataset_id)), None)

    def named(self, name: str) -> DatasetRecord | None:
        """The one of this name, whatever its case; None when there is none."""
        return next(iter(self._select("WHERE deleted IS NULL AND name_key = ?", name_key(name))), None)

    def stamped(self, stamp: str) -> list[DatasetRecord]:
        """Those made from this very state of a source, newest first."""
        return self._select("WHERE deleted IS NULL AND stamp = ? ORDER BY created DESC", stamp)

    def ids(self) -> set[str]:
        """Of all of them, deleted ones too."""
        return {row["id"] for row in self._database.select("SELECT id FROM datasets")}

    def find(self, given: str) -> DatasetRecord:
        """One that is there, by id or by name. Raises DatasetNotFoundError, with the nearest names."""
        found = self.named(given) or self.get(given)
        if found is not None and found.deleted is None:
            return found
        known = [record.name for record in self.all()]
        if found is not None:
            raise deleted(found)
        if not known:
            raise DatasetNotFoundError(f"There is no dataset {given!r}; this workspace has none yet.")
        raise DatasetNotFoundError(unknown("dataset", given, known))

    def add(self, record: DatasetRecord, there: Callable[[], bool] = lambda: True) -> None:
        """Make a dataset known whose folder is `there`; nothing happens when it is known, or has gone meanwhile.

        Raises ConfigError when its name is taken.
        """
        marks = ", ".join("?" * len(_COLUMNS))

        def work(connection: sqlite3.Connection) -> None:
            if there():
                connection.execute(
                    f"INSERT OR ABORT INTO datasets ({_LISTED}, name_key) VALUES ({marks}, ?) "  # noqa: S608 - own names
                    "ON CONFLICT (id) DO NOTHING", (*astuple(record), name_key(record.name)))

        with sqlite.unique(taken(record.name)):
            self._database.transact(work)

    def give_up(self, dataset_id: str, remove: Callable[[], None]) -> bool:
        """`remove` the folder of a dataset that is not known; False when another kernel made it known meanwhile."""
        def work(connection: sqlite3.Connection) -> bool:
            known = connection.execute("SELECT 1 FROM datasets WHERE id = ?", (dataset_id,)).fetchone()
            if known is None:
                remove()
            return known is None

        return self._database.transact(work)

    def rename(self, dataset_id: str, name: str) -> None:
        """Give another name. Raises ConfigError when it is taken, DatasetNotFoundError when the dataset is gone."""
        with sqlite.unique(taken(name)):
            self._database.transact(lambda connection: _one(dataset_id, connection.execute(
                "UPDATE datasets SET name = ?, name_key = ? WHERE id = ? AND deleted IS NULL",
                (name, name_key(name), dataset_id))))

    def stamp(self, dataset_id: str, stamp: str | None) -> None:
        """Its source was seen in another state that gives the same content."""
        self._database.transact(lambda connection: connection.execute(
            "UPDATE datasets SET stamp = ? WHERE id = ?", (stamp, dataset_id)))

    def mark_deleted(self, dataset_id: str, move: Callable[[], None]) -> None:
        """Mark as deleted and `move` its folder, both or neither. Raises DatasetNotFoundError when it is gone."""
        def work(connection: sqlite3.Connection) -> None:
            _one(dataset_id, connection.execute(
                "UPDATE datasets SET deleted = ? WHERE id = ? AND deleted IS NULL", (time.time(), dataset_id)))
            move()

        self._database.transact(work)

    def mark_restored(self, dataset_id: str, name: str, move: Callable[[], None]) -> None:
        """Take the mark off, give `name`, and `move` the folder back. Raises as `rename`."""
        def work(connection: sqlite3.Connection) -> None:
            _one(dataset_id, connection.execute(
                "UPDATE datasets SET deleted = NULL, name = ?, name_key = ? WHERE id = ? AND deleted IS NOT NULL",
                (name, name_key(name), dataset_id)))
            move()

        with sqlite.unique(taken(name)):
            self._database.transact(work)

    def forget(self, dataset_id: str, remove: Callable[[], None]) -> bool:
        """Take a deleted one off the list after `remove` took its files; False when another kernel was faster."""
        def work(connection: sqlite3.Connection) -> bool:
            done = connection.execute("DELETE FROM datasets WHERE id = ? AND deleted IS NOT NULL", (dataset_id,))
            if done.rowcount:
                remove()
            return bool(done.rowcount)

        return self._database.transact(work)

    def _select(self, condition: str, *values: str) -> list[DatasetRecord]:
        rows = self._database.select(f"SELECT {_LISTED} FROM datasets {condition}", values)  # noqa: S608 - own names
        return [DatasetRecord(**dict(zip(_COLUMNS, row, strict=True))) for row in rows]


def name_key(name: str) -> str:
    """What is compared: the same for names that differ in case or in how their letters are composed."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def deleted(record: DatasetRecord) -> DatasetNotFoundError:
    """What is said when a dataset is asked for after it was deleted."""
    return DatasetNotFoundError(
        f"The dataset {record.name!r} ({record.id}) was deleted; %nbtrain data undo brings it back for 30 days.")


def taken(name: str) -> ConfigError:
    """What is said when another dataset has this name."""
    return ConfigError([Problem("name", (
        f"There is a dataset {name!r} already, and names are unique whatever their case; choose another name, or "
        "rename or delete that one."))])


def _one(dataset_id: str, done: sqlite3.Cursor) -> None:
    if done.rowcount != 1:
        raise DatasetNotFoundError(f"The dataset {dataset_id} is not there any more; another kernel was faster.")
