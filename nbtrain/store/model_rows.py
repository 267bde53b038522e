"""Models and versions as rows of the database, and what every transaction on them takes care of."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from nbtrain.core.errors import ModelNotFoundError
from nbtrain.core.model_views import Format, Stage
from nbtrain.store import model_listing as listing

PRODUCTION: Stage = "production"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRecord:
    """What is known of a model without opening its folder. Times in seconds since 1970."""

    id: str
    name: str
    created: float = field(default_factory=time.time)
    updated: float = 0.0
    deleted: float | None = None
    """When it was deleted; None while it is there."""
    category: str = ""
    tags: tuple[str, ...] = ()
    versions: int = 0
    stage: Stage = "none"
    """The highest that any version is in."""
    architecture: str = ""
    """This and all that follows is of the newest version."""
    format: Format = "module"
    task: str = ""
    parameters: int | None = None
    bytes: int = 0
    metric_name: str | None = None
    metric_value: float | None = None
    source: str = "file"
    source_args: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionRecord:
    """One version of a model. `about` and `files` are `nbtrain.models.package.About` and its files, as JSON."""

    model: str
    number: int
    created: float = field(default_factory=time.time)
    deleted: float | None = None
    stage: Stage = "none"
    note: str = ""
    about: Mapping[str, Any]
    files: Mapping[str, Mapping[str, Any]]


#: Columns of the table `models` that a record holds, and of `model_versions`.
MODEL = tuple(f.name for f in fields(ModelRecord))
VERSION = tuple(f.name for f in fields(VersionRecord))
_JSON = frozenset({"tags", "source_args", "about", "files"})


# -- in a transaction -----------------------------------------------------------------------------


def insert(connection: sqlite3.Connection, version: VersionRecord) -> None:
    """A version, unless it is known already; one that comes into production archives the one before."""
    if connection.execute("SELECT 1 FROM model_versions WHERE model = ? AND number = ?",
                          (version.model, version.number)).fetchone() is not None:
        return
    if version.stage == PRODUCTION and version.deleted is None:
        archive_others(connection, version.model, version.number)
    connection.execute(
        f"INSERT INTO model_versions ({', '.join(VERSION)}) VALUES ({marks(VERSION)})", values(version, VERSION))  # noqa: S608 - our names
    connection.execute(
        "UPDATE models SET highest = max(highest, ?) WHERE id = ?", (version.number, version.model))


def archive_others(connection: sqlite3.Connection, model_id: str, number: int) -> list[int]:
    """Whatever else is in production is archived; gives its numbers."""
    others = (model_id, number, PRODUCTION)
    which = "model = ? AND number != ? AND stage = ? AND deleted IS NULL"
    found = connection.execute(f"SELECT number FROM model_versions WHERE {which}", others).fetchall()  # noqa: S608 - our names
    connection.execute(f"UPDATE model_versions SET stage = 'archived' WHERE {which}", others)  # noqa: S608 - our names
    return [row[0] for row in found]


def refresh(connection: sqlite3.Connection, model_id: str, updated: float | None = None) -> bool:
    """Bring the row of a model up to what its versions are; False when it has none."""
    cursor = connection.cursor()
    cursor.row_factory = sqlite3.Row
    rows = cursor.execute(
        f"SELECT {', '.join(VERSION)} FROM model_versions WHERE model = ? AND deleted IS NULL ORDER BY number DESC",  # noqa: S608 - our names
        (model_id,)).fetchall()
    if not rows:
        return False
    versions = [as_version(row) for row in rows]
    row = cursor.execute("SELECT name, category, tags FROM models WHERE id = ?", (model_id,)).fetchone()
    shown = listing.shown(row["name"], row["category"], json.loads(row["tags"]), versions[0].about, versions[0].files)
    shown |= listing.staged([version.stage for version in versions])
    shown["versions"] = len(versions)
    if updated is not None:
        shown["updated"] = updated
    connection.execute(
        f"UPDATE models SET {', '.join(f'{name} = ?' for name in shown)} WHERE id = ?", (*shown.values(), model_id))  # noqa: S608 - our names
    return True


def present(connection: sqlite3.Connection, model_id: str) -> None:
    """Raises ModelNotFoundError when the model is not there, or deleted."""
    if connection.execute("SELECT 1 FROM models WHERE id = ? AND deleted IS NULL", (model_id,)).fetchone() is None:
        raise ModelNotFoundError(f"The model {model_id} is not there any more; another kernel was faster.")


def one(model_id: str, number: int | None, done: sqlite3.Cursor) -> None:
    """Raises ModelNotFoundError unless exactly one row was changed."""
    if done.rowcount == 1:
        return
    if number is not None:
        raise missing_version(model_id, number)
    raise ModelNotFoundError(f"The model {model_id} is not there any more; another kernel was faster.")


def missing_version(model_id: str, number: int) -> ModelNotFoundError:
    """What is said when a version is asked for that is not there."""
    return ModelNotFoundError(f"There is no version {number} of the model {model_id} (any more).")


# -- rows -----------------------------------------------------------------------------------------


def marks(names: Sequence[str]) -> str:
    """A place for each value of a statement."""
    return ", ".join("?" * len(names))


def dumped(value: Any) -> str:
    """As JSON, letters of every script as they are."""
    return json.dumps(value, ensure_ascii=False)


def values(record: ModelRecord | VersionRecord, names: Sequence[str]) -> tuple[Any, ...]:
    """What stands in these columns."""
    return tuple(dumped(getattr(record, name)) if name in _JSON else getattr(record, name) for name in names)


def as_model(row: sqlite3.Row) -> ModelRecord:
    """The record of a row with the columns `MODEL`."""
    values = {name: json.loads(row[name]) if name in _JSON else row[name] for name in MODEL}
    return ModelRecord(**values | {"tags": tuple(values["tags"])})


def as_version(row: sqlite3.Row) -> VersionRecord:
    """The record of a row with the columns `VERSION`."""
    return VersionRecord(**{name: json.loads(row[name]) if name in _JSON else row[name] for name in VERSION})
