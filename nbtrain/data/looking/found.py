"""Which rows a query found, in its order: their numbers, kept on the disk, so that any page of them is at hand."""

from __future__ import annotations

import tempfile
import threading
import weakref
from collections import OrderedDict
from pathlib import Path
from typing import IO

import numpy as np

from nbtrain.core.tasks import Progress
from nbtrain.data.query import Query
from nbtrain.data.table import ROW, Table

#: Queries whose rows are kept.
_KEPT = 4
_NUMBER = np.dtype(np.int64)
#: A query by what is written of it: 1, 1.0 and True are equal, and ask for different texts.
_Key = tuple[int, str]


class Found:
    """The numbers of the rows that a query found. Any thread may ask."""

    def __init__(self, file: IO[bytes], rows: int) -> None:
        self.rows = rows
        self._file = file
        self._lock = threading.Lock()
        weakref.finalize(self, file.close)

    @classmethod
    def of(cls, table: Table, query: Query, folder: Path, progress: Progress | None = None) -> Found:
        """Look for them. Raises DataError, ConfigError where the query does not fit, and CancelledError."""
        where, parameters = query.where(table.columns)
        order = query.order(ROW, table.columns)
        rows, file = 0, tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - it lives as long as what was found
        try:
            for batch in table.stream(
                f"SELECT {ROW} FROM ({table.numbered}) {where} {order}", parameters, size=131_072, progress=progress,
            ):
                if progress is not None:
                    progress.check()
                file.write(batch.column(0).to_numpy().astype(_NUMBER, copy=False).data)
                rows += batch.num_rows
        except BaseException:
            file.close()
            raise
        return cls(file, rows)

    def page(self, offset: int, limit: int) -> list[int]:
        """The numbers of some of the rows, fewer at the end."""
        with self._lock:
            self._file.seek(offset * _NUMBER.itemsize)
            read = self._file.read(limit * _NUMBER.itemsize)
        numbers: list[int] = np.frombuffer(read, _NUMBER).tolist()
        return numbers


class Finder:
    """What the last few queries found. Two that ask the same wait for one answer."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._found: OrderedDict[_Key, Found] = OrderedDict()
        self._busy: dict[_Key, threading.Event] = {}
        self._lock = threading.Lock()

    def known(self, table: Table, query: Query) -> Found | None:
        """What is known already."""
        with self._lock:
            return self._looked_up((id(table), repr(query)))

    def find(self, table: Table, query: Query, progress: Progress | None = None) -> Found:
        """What the query finds in the table. Raises as `Found.of`."""
        key = (id(table), repr(query))
        while True:
            with self._lock:
                found = self._looked_up(key)
                if found is not None:
                    return found
                other = self._busy.get(key)
                if other is None:
                    mine = self._busy[key] = threading.Event()
                    break
            wait(other, progress)  # when the other was called off, or failed, it is looked for here
        try:
            found = Found.of(table, query, self._folder, progress)
            with self._lock:
                self._found[key] = found
                if len(self._found) > _KEPT:
                    self._found.popitem(last=False)
            return found
        finally:
            with self._lock:
                del self._busy[key]
            mine.set()

    def forget(self) -> None:
        """Forget everything."""
        with self._lock:
            self._found.clear()

    def _looked_up(self, key: _Key) -> Found | None:
        found = self._found.get(key)
        if found is not None:
            self._found.move_to_end(key)
        return found


def wait(event: threading.Event, progress: Progress | None) -> None:
    """Until the event, unless called off. Raises CancelledError."""
    if progress is None:
        event.wait()
        return
    while not event.wait(0.05):
        progress.check()
