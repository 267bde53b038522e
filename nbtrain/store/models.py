"""What the workspace's database knows of its models and their versions.

Two indexes decide what two kernels may not both do: names are unique whatever their case, and one version of a model at
most is in production. What is listed of a model is what its newest version is; it stands in the model's own row, so
that ten thousand are searched and sorted without looking into any version.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from nbtrain.config.problems import unknown
from nbtrain.core.errors import ConfigError, ModelNotFoundError, Problem
from nbtrain.core.model_views import Stage
from nbtrain.store import model_listing as listing
from nbtrain.store import model_rows as rows
from nbtrain.store import sqlite
from nbtrain.store.database import Database
from nbtrain.store.datasets import name_key
from nbtrain.store.model_rows import MODEL, PRODUCTION, VERSION, ModelRecord, VersionRecord, missing_version

__all__ = ["ModelRecord", "ModelRecords", "VersionRecord", "missing_version", "taken"]


class ModelRecords:
    """The tables of models in `database`. Safe to use from any thread and from several kernels."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # -- looking ----------------------------------------------------------------------------------

    def page(
        self, query: Mapping[str, Any] | None = None, offset: int = 0, limit: int | None = None,
    ) -> tuple[list[ModelRecord], int]:
        """The models that `query` finds, from `offset` on at most `limit` of them, and how many it finds in all.

        See `nbtrain.store.model_listing` for what a query may hold. Raises ConfigError for what is unknown in it.
        """
        asked, (skipped, most) = listing.parsed(query or {}), listing.paged(offset, limit)
        total = f"SELECT count(*) FROM models WHERE {asked.where}"  # noqa: S608 - names of our own
        found = self._database.select(  # one statement: each has to wait for the writer's thread
            f"SELECT {', '.join(MODEL)}, ({total}) AS total FROM models WHERE {asked.where} ORDER BY {asked.order} "  # noqa: S608 - our names
            "LIMIT ? OFFSET ?", (*asked.values, *asked.values, most, skipped))
        count = found[0]["total"] if found else self._database.select(total, asked.values)[0][0]
        return [rows.as_model(row) for row in found], int(count)

    def deleted(self) -> list[ModelRecord]:
        """Those that can be brought back, last deleted first."""
        return self._models("WHERE deleted IS NOT NULL ORDER BY deleted DESC, id DESC")

    def get(self, model_id: str) -> ModelRecord | None:
        """One by id, also a deleted one; None when there is none."""
        return next(iter(self._models("WHERE id = ?", model_id)), None)

    def named(self, name: str) -> ModelRecord | None:
        """The one of this name, whatever its case; None when there is none."""
        return next(iter(self._models("WHERE deleted IS NULL AND name_key = ?", name_key(name))), None)

    def of_repository(self, repository: str) -> ModelRecord | None:
        """The one whose newest version came from this repository of the Hub, the last that was changed; else None."""
        return next(iter(self._models(
            "WHERE deleted IS NULL AND source = 'hub' AND json_extract(source_args, '$.repository') = ? "
            "ORDER BY updated DESC LIMIT 1", repository)), None)

    def find(self, given: str) -> ModelRecord:
        """One that is there, by id or by name. Raises ModelNotFoundError, with the nearest name."""
        found = self.named(given) or self.get(given)
        if found is None:
            known = [row["name"] for row in self._database.select(
                "SELECT name FROM models WHERE deleted IS NULL ORDER BY updated DESC")]
            raise ModelNotFoundError(
                unknown("model", given, known) if known else
                f"There is no model {given!r}; this workspace has none yet.")
        if found.deleted is not None:
            raise ModelNotFoundError(
                f"The model {found.name!r} ({found.id}) was deleted; nbtrain.models.undo() brings it back for 30 days.")
        return found

    def ids(self) -> set[str]:
        """Of all of them, deleted ones too."""
        return {row["id"] for row in self._database.select("SELECT id FROM models")}

    def versions(self, model_id: str, *, deleted: bool = False) -> list[VersionRecord]:
        """Versions of a model that are there, or those that are `deleted`; newest first."""
        condition = "NOT NULL" if deleted else "NULL"
        found = self._database.select(
            f"SELECT {', '.join(VERSION)} FROM model_versions WHERE model = ? AND deleted IS {condition} "  # noqa: S608 - our names
            "ORDER BY number DESC", (model_id,))
        return [rows.as_version(row) for row in found]

    def numbers(self, model_id: str) -> set[int]:
        """Of all versions of a model, deleted ones too."""
        return {row["number"] for row in self._database.select(
            "SELECT number FROM model_versions WHERE model = ?", (model_id,))}

    def deleted_versions(self) -> list[VersionRecord]:
        """Versions that were deleted by themselves, of models that are there; last deleted first."""
        found = self._database.select(
            f"SELECT {', '.join('v.' + name for name in VERSION)} FROM model_versions v "  # noqa: S608 - our names
            "JOIN models m ON m.id = v.model WHERE v.deleted IS NOT NULL AND m.deleted IS NULL ORDER BY v.deleted DESC")
        return [rows.as_version(row) for row in found]

    def labels(self) -> tuple[int, list[str], list[str]]:
        """How many models there are, and all of their categories and tags, sorted."""
        found = self._database.select(
            "SELECT 0 AS kind, count(*) AS value FROM models WHERE deleted IS NULL UNION ALL "
            "SELECT DISTINCT 1, category FROM models WHERE deleted IS NULL AND category != '' UNION ALL "
            "SELECT DISTINCT 2, value FROM (SELECT tags FROM models WHERE deleted IS NULL GROUP BY tags), "
            "json_each(tags) ORDER BY 1, 2")
        one, categories, tags = ([row["value"] for row in found if row["kind"] == kind] for kind in range(3))
        return int(one[0]), categories, tags

    # -- adding -----------------------------------------------------------------------------------

    def add(
        self, record: ModelRecord, versions: Sequence[VersionRecord], there: Callable[[], bool] = lambda: True,
    ) -> None:
        """Make a model known whose folder is `there`; nothing happens when it is known, or has gone meanwhile.

        Raises ConfigError when its name is taken.
        """
        def work(connection: sqlite3.Connection) -> None:
            known = connection.execute("SELECT 1 FROM models WHERE id = ?", (record.id,)).fetchone()
            if known is not None or not there():
                return
            connection.execute(
                f"INSERT INTO models ({', '.join(MODEL)}, name_key, search, stage_rank, tag_keys, category_key) "  # noqa: S608 - our names
                f"VALUES ({rows.marks(MODEL)}, ?, '', 0, '', '')", (*rows.values(record, MODEL), name_key(record.name)))
            for version in versions:
                rows.insert(connection, version)
            rows.refresh(connection, record.id)

        with sqlite.unique(taken(record.name)):
            self._database.transact(work)

    def add_version(self, version: VersionRecord, there: Callable[[], bool] = lambda: True) -> None:
        """Make a version known whose folder is `there`; nothing happens when it is known, or has gone meanwhile.

        Raises ModelNotFoundError when its model is not there.
        """
        def work(connection: sqlite3.Connection) -> None:
            rows.present(connection, version.model)
            if there():
                rows.insert(connection, version)
                rows.refresh(connection, version.model, time.time())

        self._database.transact(work)

    def append_version(
        self, model_id: str, there: Callable[[], Iterable[int]], place: Callable[[int], VersionRecord],
    ) -> VersionRecord:
        """Make a new version known under a number that none ever had, nor one of those that lie `there`.

        `place` puts it where versions of that number lie, while no other kernel can choose one. Raises
        ModelNotFoundError when its model is not there.
        """
        def work(connection: sqlite3.Connection) -> VersionRecord:
            rows.present(connection, model_id)
            (highest,) = connection.execute("SELECT highest FROM models WHERE id = ?", (model_id,)).fetchone()
            version = place(max({highest, *there()}) + 1)
            rows.insert(connection, version)
            rows.refresh(connection, model_id, time.time())
            return version

        return self._database.transact(work)

    def give_up(self, model_id: str, remove: Callable[[], None]) -> None:
        """`remove` the folder of a model that could not get its name, also where another kernel found it meanwhile."""
        def work(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM models WHERE id = ?", (model_id,))
            connection.execute("DELETE FROM model_versions WHERE model = ?", (model_id,))
            remove()

        self._database.transact(work)

    # -- changing ---------------------------------------------------------------------------------

    def rename(self, model_id: str, name: str) -> None:
        """Give another name. Raises ConfigError when it is taken, ModelNotFoundError when the model is gone."""
        with sqlite.unique(taken(name)):
            self._change(model_id, "name = ?, name_key = ?", name, name_key(name))

    def tag(self, model_id: str, tags: Sequence[str]) -> None:
        """These tags in place of those it had. Raises ModelNotFoundError."""
        self._change(model_id, "tags = ?", json.dumps(list(tags), ensure_ascii=False))

    def categorise(self, model_id: str, category: str) -> None:
        """Put it into a category; empty takes it out. Raises ModelNotFoundError."""
        self._change(model_id, "category = ?", category)

    def note(self, model_id: str, number: int, note: str) -> None:
        """Another note for a version. Raises ModelNotFoundError."""
        self._change_version(model_id, number, "note = ?", note)

    def measure(self, model_id: str, number: int, about: Mapping[str, Any]) -> None:
        """What is known of a version now: other metrics. Raises ModelNotFoundError."""
        self._change_version(model_id, number, "about = ?", rows.dumped(about))

    def move(self, model_id: str, number: int, stage: Stage) -> list[int]:
        """Move a version to a stage; gives the versions that were in production before and are archived now.

        Raises ModelNotFoundError.
        """
        def work(connection: sqlite3.Connection) -> list[int]:
            rows.present(connection, model_id)
            before = rows.archive_others(connection, model_id, number) if stage == PRODUCTION else []
            rows.one(model_id, number, connection.execute(
                "UPDATE model_versions SET stage = ? WHERE model = ? AND number = ? AND deleted IS NULL",
                (stage, model_id, number)))
            rows.refresh(connection, model_id, time.time())
            return before

        return self._database.transact(work)

    # -- deleting ---------------------------------------------------------------------------------

    def mark_deleted(self, model_id: str, move: Callable[[], None]) -> None:
        """Mark as deleted and `move` its folder, both or neither. Raises ModelNotFoundError when it is gone."""
        def work(connection: sqlite3.Connection) -> None:
            rows.one(model_id, None, connection.execute(
                "UPDATE models SET deleted = ? WHERE id = ? AND deleted IS NULL", (time.time(), model_id)))
            move()

        self._database.transact(work)

    def mark_restored(self, model_id: str, name: str, move: Callable[[], None]) -> None:
        """Take the mark off, give `name`, and `move` the folder back. Raises as `rename`."""
        def work(connection: sqlite3.Connection) -> None:
            rows.one(model_id, None, connection.execute(
                "UPDATE models SET deleted = NULL, name = ?, name_key = ? WHERE id = ? AND deleted IS NOT NULL",
                (name, name_key(name), model_id)))
            rows.refresh(connection, model_id, time.time())
            move()

        with sqlite.unique(taken(name)):
            self._database.transact(work)

    def mark_version_deleted(self, model_id: str, number: int, move: Callable[[], None]) -> None:
        """As `mark_deleted`, of one version. Raises ConfigError when it is the only one."""
        def work(connection: sqlite3.Connection) -> None:
            rows.present(connection, model_id)
            rows.one(model_id, number, connection.execute(
                "UPDATE model_versions SET deleted = ? WHERE model = ? AND number = ? AND deleted IS NULL",
                (time.time(), model_id, number)))
            if not rows.refresh(connection, model_id, time.time()):
                raise ConfigError([Problem("version", (
                    f"Version {number} is the only one of its model; delete the model instead."))])
            move()

        self._database.transact(work)

    def mark_version_restored(self, model_id: str, number: int, move: Callable[[], None]) -> None:
        """Take the mark off; it is archived where another version is in production by now."""
        def work(connection: sqlite3.Connection) -> None:
            rows.present(connection, model_id)
            other = connection.execute(
                "SELECT 1 FROM model_versions WHERE model = ? AND stage = ? AND deleted IS NULL",
                (model_id, PRODUCTION)).fetchone()
            if other is not None:
                connection.execute(
                    "UPDATE model_versions SET stage = 'archived' WHERE model = ? AND number = ? AND stage = ?",
                    (model_id, number, PRODUCTION))
            rows.one(model_id, number, connection.execute(
                "UPDATE model_versions SET deleted = NULL WHERE model = ? AND number = ? AND deleted IS NOT NULL",
                (model_id, number)))
            rows.refresh(connection, model_id, time.time())
            move()

        self._database.transact(work)

    def forget(self, model_id: str, number: int | None, remove: Callable[[], None]) -> bool:
        """Take a deleted model, or one version of it, off the list after `remove` took its files.

        False when another kernel was faster.
        """
        def work(connection: sqlite3.Connection) -> bool:
            if number is None:
                done = connection.execute("DELETE FROM models WHERE id = ? AND deleted IS NOT NULL", (model_id,))
                if done.rowcount:
                    connection.execute("DELETE FROM model_versions WHERE model = ?", (model_id,))
            else:
                done = connection.execute(
                    "DELETE FROM model_versions WHERE model = ? AND number = ? AND deleted IS NOT NULL",
                    (model_id, number))
            if done.rowcount:
                remove()
            return bool(done.rowcount)

        return self._database.transact(work)

    # -- inside -----------------------------------------------------------------------------------

    def _models(self, condition: str, *values: str) -> list[ModelRecord]:
        found = self._database.select(f"SELECT {', '.join(MODEL)} FROM models {condition}", values)  # noqa: S608 - our names
        return [rows.as_model(row) for row in found]

    def _change(self, model_id: str, assignments: str, *values: str) -> None:
        def work(connection: sqlite3.Connection) -> None:
            rows.one(model_id, None, connection.execute(
                f"UPDATE models SET {assignments} WHERE id = ? AND deleted IS NULL", (*values, model_id)))  # noqa: S608 - our names
            rows.refresh(connection, model_id, time.time())

        self._database.transact(work)

    def _change_version(self, model_id: str, number: int, assignments: str, *values: str) -> None:
        def work(connection: sqlite3.Connection) -> None:
            rows.present(connection, model_id)
            rows.one(model_id, number, connection.execute(
                f"UPDATE model_versions SET {assignments} WHERE model = ? AND number = ? AND deleted IS NULL",  # noqa: S608 - our names
                (*values, model_id, number)))
            rows.refresh(connection, model_id, time.time())

        self._database.transact(work)


def taken(name: str) -> ConfigError:
    """What is said when another model has this name."""
    return ConfigError([Problem("name", (
        f"There is a model {name!r} already, and names are unique whatever their case; choose another name, add a "
        "version to that model, or rename or delete it."))])
