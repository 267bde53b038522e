"""A run's history on disk: each series as a row of chunks of some thousand points, not a row per value.

The history in memory is the truth; the recorder brings the file up to it twice a second, and at once when
asked. A chunk holds its steps as first step and stride where they are evenly spaced, and its values
as float32 where that loses nothing, which for losses it never does: 4 to 16 bytes a point.
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
        first INTEGER NOT NULL, last INTEGER NOT NULL, stride INTEGER, steps BLOB, "values" BLOB NOT NULL,
        PRIMARY KEY (series, start)
    )
    """,
)


@dataclass(slots=True)
class _Written:
    """How much of a column is in the file."""

    series: int
    count: int
    version: int


class Recorder:
    """Keeps the file in `folder` equal to `history`, until `close`.

    What the file holds beyond or beside the history (after a resume from an older step) is replaced.
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
        self._connection = sqlite.connect(self._path, _MIGRATIONS)
        self._written = self._compare()
        self._closed = False
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
        if self._closed:
            return
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
        changed: dict[str, _Written] = {}
        with sqlite.told(self._path), sqlite.transaction(self._connection):
            for name in self._history.names:
                column = self._history.column(name)
                written = self._written.get(name)
                if written is None or written.version != column.version or written.count < len(column):
                    changed[name] = self._bring_up(name, column, written)
        self._written.update(changed)

    def _bring_up(self, name: str, column: Column, written: _Written | None) -> _Written:
        version = column.version
        if written is None:
            self._connection.execute("INSERT OR IGNORE INTO series (name) VALUES (?)", (name,))
            (series,) = self._connection.execute("SELECT id FROM series WHERE name = ?", (name,)).fetchone()
            count = 0
        else:
            series, count = written.series, written.count if written.version == version else 0
        start = count - count % _CHUNK
        self._connection.execute("DELETE FROM chunks WHERE series = ? AND start >= ?", (series, start))
        points = column.since(start)
        for offset in range(0, len(points.steps), _CHUNK):
            part = Series(points.steps[offset:offset + _CHUNK], points.values[offset:offset + _CHUNK])
            self._connection.execute(
                'INSERT INTO chunks (series, start, count, first, last, stride, steps, "values") '
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (series, start + offset, *_packed(part)))
        return _Written(series, start + len(points.steps), version)

    def _compare(self) -> dict[str, _Written]:
        """What the file has of the history already; a series of which it has something else counts as unwritten."""
        same = {}
        with sqlite.told(self._path):
            rows = self._connection.execute(
                "SELECT name, id, sum(count), max(last) FROM series JOIN chunks ON series = id GROUP BY id").fetchall()
            with sqlite.transaction(self._connection):
                for name, series, count, last in rows:
                    points = self._history[name] if name in self._history else None
                    if points is not None and len(points.steps) == count and points.steps[-1] == last:
                        same[name] = _Written(series, count, self._history.column(name).version)
                    else:
                        self._connection.execute("DELETE FROM chunks WHERE series = ?", (series,))
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
        with sqlite.told(path):
            rows = connection.execute(
                'SELECT name, count, first, stride, steps, "values" FROM series JOIN chunks ON series = id '
                "ORDER BY id, start")
            for name, count, first, stride, steps, values in rows:
                history.column(name).extend(*_unpacked(count, first, stride, steps, values))
    finally:
        connection.close()
    return history


def _packed(points: Series) -> tuple[int, int, int, int | None, bytes | None, bytes]:
    """Count, first step, last step, stride or None, steps where there is no stride, values."""
    steps, values = points
    count = len(steps)
    strides = np.diff(steps)
    even = count < 2 or bool((strides == strides[0]).all())
    stride = int(strides[0]) if even and count > 1 else 1
    with np.errstate(over="ignore", invalid="ignore"):
        short = values.astype(np.float32)
    exact = np.array_equal(short.astype(np.float64), values, equal_nan=True)
    return (
        count, int(steps[0]), int(steps[-1]), stride if even else None, None if even else steps.astype("<i8").tobytes(),
        (short.astype("<f4") if exact else values.astype("<f8")).tobytes(),
    )


def _unpacked(count: int, first: int, stride: int | None, steps: bytes | None, values: bytes) -> Series:
    return Series(
        np.arange(count, dtype=np.int64) * stride + first if stride is not None else np.frombuffer(steps or b"", "<i8"),
        np.frombuffer(values, "<f4" if len(values) == 4 * count else "<f8").astype(np.float64))


