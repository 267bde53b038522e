"""A run's history on disk: each series as a row of chunks of some thousand points, not a row per value.

The history in memory is the truth; the recorder brings the file up to it twice a second, and at once when
asked. A chunk holds its steps as first step and stride where they are evenly spaced, and its values
as float32 where that loses nothing, as with losses and metrics: 4 to 16 bytes a point.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nbtrain.core.errors import WorkspaceError
from nbtrain.core.history import Column, History, Series
from nbtrain.store import sqlite, writer

_FILE = "metrics.sqlite"
_SECONDS = 0.5
#: Points in a chunk. The newest chunk of a series is written anew until it is full.
_CHUNK = 2048

_MIGRATIONS = (
    """
    CREATE TABLE series (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
    CREATE TABLE chunks (
        series INTEGER NOT NULL, start INTEGER NOT NULL, count INTEGER NOT NULL,
        first INTEGER NOT NULL, last INTEGER NOT NULL, stride INTEGER, steps BLOB, points BLOB NOT NULL,
        PRIMARY KEY (series, start)
    )
    """,
)


@dataclass(frozen=True, slots=True)
class _Written:
    """How much of a column is in the file."""

    series: int
    count: int
    version: int

    def covers(self, column: Column) -> bool:
        return self.version == column.version and self.count >= len(column)


class Recorder:
    """Keeps the file in `folder` equal to `history`, until `close`.

    What the file holds that the history does not (after a resume from an older step) is replaced.
    `on_error` is called in the writer thread when writing begins to fail; it is tried again at each turn.

    Raises:
        WorkspaceError: the file cannot be used.
    """

    def __init__(
        self, folder: Path, history: History, on_error: Callable[[WorkspaceError], None] | None = None
    ) -> None:
        self._path = folder / _FILE
        self._history = history
        self._on_error = on_error
        self._failing = False
        self._closed = False
        self._connection = sqlite.connect(self._path, _MIGRATIONS)
        self._stale: list[int] = []
        self._written = self._compare()
        writer.shared().every(_SECONDS, self._turn)

    def flush(self) -> None:
        """Return when every point the history had at the call is on the disk. Raises WorkspaceError."""
        if not self._closed:
            writer.shared().run(self._write)

    def truncate(self, step: int) -> None:
        """Forget every point after `step`, in the history and on the disk. Raises WorkspaceError."""
        self._history.truncate(step)
        self.flush()

    def close(self) -> None:
        """Write what is left and close the file. Raises WorkspaceError; the file is closed all the same."""
        if self._closed:
            return
        writer.shared().cancel(self._turn)
        try:
            self.flush()
        finally:
            self._closed = True
            writer.shared().run(self._connection.close)

    # -- in the writer thread ---------------------------------------------------------------------

    def _turn(self) -> None:
        try:
            self._write()
        except WorkspaceError as error:
            if not self._failing and self._on_error is not None:
                self._on_error(error)
            self._failing = True
        else:
            self._failing = False

    def _write(self) -> None:
        """One transaction; what is remembered as written changes only after it is committed."""
        behind = [name for name in self._history.names if not self._covers(name)]
        if self._closed or not (behind or self._stale):
            return
        with sqlite.told(self._path), sqlite.transaction(self._connection):
            self._connection.executemany("DELETE FROM chunks WHERE series = ?", [(series,) for series in self._stale])
            now = {name: self._bring_up(name) for name in behind}
        self._written.update(now)
        self._stale.clear()

    def _covers(self, name: str) -> bool:
        written = self._written.get(name)
        return written is not None and written.covers(self._history.column(name))

    def _bring_up(self, name: str) -> _Written:
        """Write a series from its newest chunk on, or from its start if the history was cut meanwhile."""
        column, written = self._history.column(name), self._written.get(name)
        version = column.version
        if written is None:
            self._connection.execute("INSERT OR IGNORE INTO series (name) VALUES (?)", (name,))
            (series,) = self._connection.execute("SELECT id FROM series WHERE name = ?", (name,)).fetchone()
            written = _Written(series, 0, version)
        count = written.count if written.version == version else 0
        start = count - count % _CHUNK
        steps, values = column.since(start)
        self._connection.execute("DELETE FROM chunks WHERE series = ? AND start >= ?", (written.series, start))
        for offset in range(0, len(steps), _CHUNK):
            part = Series(steps[offset:offset + _CHUNK], values[offset:offset + _CHUNK])
            self._connection.execute(
                "INSERT INTO chunks (series, start, count, first, last, stride, steps, points) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (written.series, start + offset, *_packed(part)))
        return _Written(written.series, start + len(steps), version)

    # -- at the start -----------------------------------------------------------------------------

    def _compare(self) -> dict[str, _Written]:
        """What the file has of the history already; a series of which it has something else is replaced.

        Not here, but by the first write: a kill between a removal and the write after it would lose both.
        """
        same = {}
        with sqlite.told(self._path):
            rows = self._connection.execute(
                "SELECT name, id, sum(count), max(last) FROM series JOIN chunks ON series = id GROUP BY id").fetchall()
            for name, series, count, last in rows:
                column = self._history.column(name) if name in self._history else Column()
                if len(column) == count and column.since(count - 1).steps[0] == last:
                    same[name] = _Written(series, count, column.version)
                else:
                    self._stale.append(series)
        return same


def load(folder: Path) -> History:
    """The history in a run's folder; empty when none was written yet. A run that is being trained may be read too.

    Raises:
        WorkspaceError: the file cannot be read.
    """
    history = History()
    path = folder / _FILE
    if not path.exists():
        return history
    connection = sqlite.connect(path, _MIGRATIONS)
    try:
        with sqlite.told(path), sqlite.transaction(connection):
            names = connection.execute("SELECT id, name FROM series ORDER BY id").fetchall()
            for series, name in names:
                rows = connection.execute(
                    "SELECT count, first, stride, steps, points FROM chunks WHERE series = ? ORDER BY start", (series,))
                parts = [_unpacked(*row) for row in rows]
                if parts:
                    history.column(name).extend(*(np.concatenate(column) for column in zip(*parts, strict=True)))
    finally:
        connection.close()
    return history


def _packed(points: Series) -> tuple[int, int, int, int | None, bytes | None, bytes]:
    """Count, first step, last step, stride (or None, and the steps), values."""
    steps, values = points
    strides = np.diff(steps)
    even = not strides.size or bool((strides == strides[0]).all())
    with np.errstate(over="ignore", invalid="ignore"):
        short = values.astype("<f4")
    exact = np.array_equal(short.astype(np.float64), values, equal_nan=True)
    return (
        len(steps), int(steps[0]), int(steps[-1]),
        (int(strides[0]) if strides.size else 1) if even else None,
        None if even else steps.astype("<i8").tobytes(),
        (short if exact else values.astype("<f8")).tobytes(),
    )


def _unpacked(count: int, first: int, stride: int | None, steps: bytes | None, points: bytes) -> Series:
    """The inverse of `_packed`. The values' width follows from their size."""
    return Series(
        first + np.arange(count, dtype=np.int64) * stride if stride is not None else np.frombuffer(steps or b"", "<i8"),
        np.frombuffer(points, "<f4" if len(points) == 4 * count else "<f8").astype(np.float64))
