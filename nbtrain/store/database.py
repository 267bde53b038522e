"""The workspace's database: every run, and what happened. Datasets are in `store.datasets`, models in `store.models`.

Changes are queued and written by the process's one writer thread, many in a transaction, so the trainer
never waits for the disk; `flush` waits. Several kernels may use one workspace at the same time.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

from nbtrain.config.problems import unknown
from nbtrain.core.control import State
from nbtrain.core.errors import RunNotFoundError, WorkspaceError
from nbtrain.core.ports import Resumption
from nbtrain.store import sqlite, writer

_MIGRATIONS = (
    """
    CREATE TABLE runs (
        id TEXT PRIMARY KEY, name TEXT NOT NULL, state TEXT NOT NULL, reason TEXT NOT NULL,
        created REAL NOT NULL, updated REAL NOT NULL, seconds REAL NOT NULL,
        step INTEGER NOT NULL, total_steps INTEGER, epoch INTEGER NOT NULL,
        metrics TEXT NOT NULL, options TEXT NOT NULL, parent TEXT, error TEXT, resumed TEXT
    );
    CREATE INDEX runs_by_age ON runs (created);
    CREATE TABLE activity (
        id INTEGER PRIMARY KEY, time REAL NOT NULL, kind TEXT NOT NULL, run TEXT, text TEXT NOT NULL
    )
    """,
    """
    CREATE TABLE datasets (
        id TEXT PRIMARY KEY, name TEXT NOT NULL, name_key TEXT NOT NULL, created REAL NOT NULL, deleted REAL,
        source TEXT NOT NULL, stamp TEXT, fingerprint TEXT NOT NULL,
        rows INTEGER NOT NULL, columns INTEGER NOT NULL, bytes INTEGER NOT NULL,
        rejected INTEGER NOT NULL
    );
    CREATE UNIQUE INDEX datasets_by_name ON datasets (name_key) WHERE deleted IS NULL;
    CREATE INDEX datasets_by_stamp ON datasets (stamp)
    """,
    """
    CREATE TABLE models (
        id TEXT PRIMARY KEY, name TEXT NOT NULL, name_key TEXT NOT NULL, created REAL NOT NULL, updated REAL NOT NULL,
        deleted REAL, category TEXT NOT NULL, tags TEXT NOT NULL, versions INTEGER NOT NULL, stage TEXT NOT NULL,
        architecture TEXT NOT NULL, format TEXT NOT NULL, task TEXT NOT NULL, parameters INTEGER,
        bytes INTEGER NOT NULL, metric_name TEXT, metric_value REAL, source TEXT NOT NULL, source_args TEXT NOT NULL,
        search TEXT NOT NULL, stage_rank INTEGER NOT NULL, tag_keys TEXT NOT NULL, category_key TEXT NOT NULL
    );
    CREATE UNIQUE INDEX models_by_name ON models (name_key) WHERE deleted IS NULL;
    CREATE INDEX models_by_label ON models (category, tags) WHERE deleted IS NULL;
    CREATE TABLE model_versions (
        model TEXT NOT NULL, number INTEGER NOT NULL, created REAL NOT NULL, deleted REAL, stage TEXT NOT NULL,
        note TEXT NOT NULL, about TEXT NOT NULL, files TEXT NOT NULL,
        PRIMARY KEY (model, number)
    );
    CREATE INDEX model_versions_deleted ON model_versions (deleted) WHERE deleted IS NOT NULL;
    CREATE UNIQUE INDEX models_in_production ON model_versions (model) WHERE stage = 'production' AND deleted IS NULL
    """,
    """
    ALTER TABLE models ADD COLUMN highest INTEGER NOT NULL DEFAULT 0;
    UPDATE models SET highest =
        coalesce((SELECT max(number) FROM model_versions WHERE model_versions.model = models.id), 0)
    """,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """What the workspace knows of a run without opening its folder. Times in seconds since 1970."""

    id: str
    name: str
    state: State = State.PREPARING
    #: Why it is in this state, a sentence or empty.
    reason: str = ""
    created: float = field(default_factory=time.time)
    updated: float = field(default_factory=time.time)
    #: Spent training, pauses left out.
    seconds: float = 0.0
    step: int = 0
    total_steps: int | None = None
    epoch: int = 0
    #: The newest value of each metric.
    metrics: Mapping[str, float] = field(default_factory=dict)
    #: Every option by its flat name.
    options: Mapping[str, Any] = field(default_factory=dict)
    #: The run this one was forked from.
    parent: str | None = None
    #: What ended it, a sentence.
    error: str | None = None
    resumed: Resumption | None = None


@dataclass(frozen=True, slots=True)
class Activity:
    """A line of the workspace's diary."""

    time: float
    kind: str
    run: str | None
    text: str


_COLUMNS = tuple(f.name for f in fields(RunRecord))
_JSON = frozenset({"metrics", "options", "resumed"})
_CHANGEABLE = frozenset(_COLUMNS) - {"id", "created", "updated"}

_Change = tuple[str, tuple[Any, ...]]
T = TypeVar("T")


class Database:
    """The database file at `path`. Safe to use from any thread.

    Raises:
        WorkspaceError: the file cannot be used; also from every reading method and from `flush`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._connection = sqlite.connect(path, _MIGRATIONS)
        self._reading = threading.Lock()
        self._reader = sqlite.connect(path, _MIGRATIONS)
        self._lock = threading.Lock()
        self._queue: list[_Change] = []
        self._errors: list[WorkspaceError] = []
        self._listeners: list[Callable[[WorkspaceError], None]] = []

    # -- runs -------------------------------------------------------------------------------------

    def add_run(self, record: RunRecord) -> None:
        """Make a run known; it is on the disk when this returns."""
        marks = ", ".join("?" * len(_COLUMNS))
        self._write(f"INSERT INTO runs ({', '.join(_COLUMNS)}) VALUES ({marks})",  # noqa: S608 - names of our own
                    tuple(_encode(name, getattr(record, name)) for name in _COLUMNS))
        self.flush()

    def update_run(self, run_id: str, **changes: Any) -> None:
        """Change fields of a run's record; returns at once, and is written within moments.

        Raises:
            TypeError: a field that does not exist, or that does not change.
        """
        if wrong := set(changes) - _CHANGEABLE:
            raise TypeError(f"A run's record has no {sorted(wrong)} to change; there are: {sorted(_CHANGEABLE)}.")
        changes["updated"] = time.time()
        marks = ", ".join(f"{name} = ?" for name in changes)
        values = tuple(_encode(name, value) for name, value in changes.items())
        self._write(f"UPDATE runs SET {marks} WHERE id = ?", (*values, run_id))  # noqa: S608 - names of our own

    def run(self, run_id: str) -> RunRecord:
        """One run. Raises RunNotFoundError, naming the nearest there is."""
        rows = self._read("SELECT * FROM runs WHERE id = ?", (run_id,))
        if not rows:
            known = [row["id"] for row in self._read("SELECT id FROM runs ORDER BY created DESC")]
            if not known:
                raise RunNotFoundError(f"There is no run {run_id!r}; the workspace {self.path.parent} has none yet.")
            raise RunNotFoundError(unknown("run", run_id, known))
        return _record(rows[0])

    def runs(self, limit: int | None = None) -> list[RunRecord]:
        """All runs, or the newest `limit`, newest first."""
        count = -1 if limit is None else limit  # as SQL says “all”
        rows = self._read("SELECT * FROM runs ORDER BY created DESC, id DESC LIMIT ?", (count,))
        return [_record(row) for row in rows]

    # -- activity ---------------------------------------------------------------------------------

    def add_activity(self, kind: str, run: str | None, text: str) -> None:
        """A line for the diary; returns at once, and is written within moments."""
        self._write("INSERT INTO activity (time, kind, run, text) VALUES (?, ?, ?, ?)", (time.time(), kind, run, text))

    def activity(self, limit: int = 100) -> list[Activity]:
        """The newest `limit` lines, newest first."""
        rows = self._read("SELECT time, kind, run, text FROM activity ORDER BY id DESC LIMIT ?", (limit,))
        return [Activity(*row) for row in rows]

    # -- both -------------------------------------------------------------------------------------

    def transact(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """What `work` gives, done in the writer thread as one transaction that no other kernel can come between.

        It sees every change made before, and is on the disk when this returns. Raises what `work` raises; then
        nothing is written.
        """
        results: list[T] = []

        def task() -> None:
            self._commit()
            with sqlite.told(self.path), sqlite.transaction(self._connection):
                results.append(work(self._connection))

        writer.shared().run(task)
        return results[0]

    def select(self, statement: str, values: tuple[Any, ...] = ()) -> list[sqlite3.Row]:
        """Rows as they are after every change made before in this process."""
        return self._read(statement, values)

    # -- writing ----------------------------------------------------------------------------------

    def listen(self, listener: Callable[[WorkspaceError], None]) -> Callable[[], None]:
        """Call `listener` (in the writer thread) when a change could not be written; gives the way to end it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def flush(self) -> None:
        """Wait until every change made before is on the disk. Raises the first error since the last `flush`."""
        writer.shared().run(self._commit)
        with self._lock:
            errors, self._errors = self._errors, []
        if errors:
            raise errors[0]

    def close(self) -> None:
        """Write what is left and close the file. Raises as `flush`."""
        try:
            self.flush()
        finally:
            writer.shared().run(self._connection.close)
            with self._reading:
                self._reader.close()

    def _write(self, statement: str, values: tuple[Any, ...]) -> None:
        with self._lock:
            self._queue.append((statement, values))
            first = len(self._queue) == 1
        if first:
            writer.shared().submit(self._commit)

    def _commit(self) -> None:
        """In the writer thread: everything queued, in one transaction; one by one if that fails."""
        with self._lock:
            changes, self._queue = self._queue, []
        if not changes:
            return
        try:
            self._execute(changes)
        except WorkspaceError:
            for change in changes:
                try:
                    self._execute([change])
                except WorkspaceError as error:
                    with self._lock:
                        self._errors.append(error)
                    for listener in list(self._listeners):
                        listener(error)

    def _execute(self, changes: list[_Change]) -> None:
        with sqlite.told(self.path), sqlite.transaction(self._connection):
            for statement, values in changes:
                self._connection.execute(statement, values)

    def _read(self, statement: str, values: tuple[Any, ...] = ()) -> list[sqlite3.Row]:
        """Rows as they are after every change made before in this process."""
        writer.shared().run(self._commit)
        with sqlite.told(self.path), self._reading:
            cursor = self._reader.cursor()
            cursor.row_factory = sqlite3.Row
            return cursor.execute(statement, values).fetchall()


def _encode(name: str, value: Any) -> Any:
    if name in _JSON and value is not None:
        return json.dumps(dict(value))
    return str(value) if name == "state" else value


def _record(row: sqlite3.Row) -> RunRecord:
    values = {name: row[name] for name in _COLUMNS}
    for name in _JSON:
        if values[name] is not None:
            values[name] = json.loads(values[name])
    values["state"] = State(values["state"])
    return RunRecord(**values)
