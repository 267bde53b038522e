"""Pages of a table of any size, in any order: what a view that is scrolled, sorted and searched asks for.

What lies in rows (CSV, JSON) can only be read from its beginning. Once the first page of such a file is on show, a
Parquet copy of it is made beside, in the background, and everything else is asked of the copy.
"""

from __future__ import annotations

import logging
import shutil
import tempfile
import threading
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

import pyarrow as pa

from nbtrain.core.errors import CancelledError, NbtrainError
from nbtrain.core.tasks import Progress, in_background
from nbtrain.data.looking.copying import write_copy
from nbtrain.data.looking.found import Finder, wait
from nbtrain.data.query import Query
from nbtrain.data.table import EVERYTHING, ROW, Table

#: Files smaller than this, in bytes, are read anew each time.
COPIED = 8 << 20
#: So much of the free disk a copy may be expected to take.
_SHARE = 0.25
#: Rows from the beginning of what a query finds that are looked for without finding out about the others.
_NEAR = 1_000

log = logging.getLogger(__name__)


class Pager:
    """The pages of one table. What a query found is remembered, so that its next page comes at once.

    Any thread may ask, several at a time; `progress` calls a question off. Close it when nobody looks any more.

    Args:
        table: what to look at; a file in rows must not change until `settled`.
    """

    def __init__(self, table: Table) -> None:
        self.error: NbtrainError | None = None
        """Why no copy could be made: as a rule, where the file is broken. Pages before that place are still given."""
        self._source = table
        self._copy: Table | None = None
        self._rows: dict[str, int] = {}
        self._lock = threading.Lock()
        self._folder = Path(tempfile.mkdtemp(prefix="nbtrain-pages-"))
        self._removed = weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        self._finder = Finder(self._folder)
        self._copying: Progress | None = None
        self._settled = threading.Event()
        if table.columnar or (table.bytes or 0) < COPIED or not self._has_room():
            self._settled.set()

    @property
    def table(self) -> Table:
        """What is asked at present: the table, or its copy once there is one.

        The copy may have other types: a column of numbers is of text when there is text in it far down in the file.
        """
        return self._copy or self._source

    def page(
        self, query: Query = EVERYTHING, *, offset: int = 0, limit: int = 100, columns: Sequence[str] | None = None,
        shown: Mapping[str, str] | None = None, progress: Progress | None = None,
    ) -> pa.Table:
        """Rows `offset` to `offset + limit` of what the query finds, with their numbers as the column `ROW`.

        Past the end there are none. `shown` is as in `Table.page`.

        Raises:
            ConfigError: the query does not fit the table.
            DataError: the table cannot be read, or has no such column.
            CancelledError: it was called off.
        """
        near = offset + limit <= _NEAR
        try:
            table = self.table if near and query == EVERYTHING else self.settled(progress)
            if query == EVERYTHING:
                return table.page(offset=offset, limit=limit, columns=columns, shown=shown, progress=progress)
            _check(query, table)
            found = self._finder.known(table, query)
            if found is None and near:
                return table.page(query, offset=offset, limit=limit, columns=columns, shown=shown, progress=progress)
            found = found or self._finder.find(table, query, progress)
            return table.at(found.page(offset, limit), columns=columns, shown=shown, progress=progress)
        finally:
            self._begin()

    def rows(self, query: Query = EVERYTHING, *, progress: Progress | None = None) -> int:
        """How many rows the query finds; remembered. Raises as `page`."""
        table = self.settled(progress)
        _check(query, table)
        known = self.known_rows(query)
        if known is not None:
            return known
        rows = table.rows(query, progress=progress)
        with self._lock:
            self._rows[_unsorted(query)] = rows
        return rows

    def known_rows(self, query: Query = EVERYTHING) -> int | None:
        """How many rows the query finds, if that is known already; it never waits."""
        found = self._finder.known(self.table, query)
        with self._lock:
            return found.rows if found else self._rows.get(_unsorted(query))

    def settled(self, progress: Progress | None = None) -> Table:
        """The table that is quickest to read from; it waits for the copy, where one is made. Raises CancelledError."""
        if not self._settled.is_set():
            self._begin()
            wait(self._settled, progress)
        return self.table

    def close(self) -> None:
        """Forget everything, and remove what was written beside; nothing can be asked any more."""
        with self._lock:
            copying, self._rows = self._copying, {}
        if copying is not None:
            copying.cancel()
            self._settled.wait()
        self._finder.forget()
        self._removed()

    def _has_room(self) -> bool:
        return (self._source.bytes or 0) <= _SHARE * shutil.disk_usage(self._folder).free

    def _begin(self) -> None:
        """Begin to copy, unless that is done, or need not be."""
        with self._lock:
            if self._settled.is_set() or self._copying is not None:
                return
            progress = self._copying = Progress()
        in_background(lambda: self._make_copy(progress), progress, name="nbtrain-pages")

    def _make_copy(self, progress: Progress) -> None:
        path = self._folder / "copy.parquet"
        try:
            write_copy(self._source, path, progress=progress)
            self._copy = Table.of_parquet(path, name=self._source.name, media=self._source.media)
        except CancelledError:
            log.debug("The copy of %s was called off.", self._source.name)
        except NbtrainError as error:
            self.error = error
        except Exception:
            log.exception("%s could not be copied; it is read where it lies.", self._source.name)
        finally:
            self._settled.set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _check(query: Query, table: Table) -> None:
    """Raises ConfigError where the query does not fit: before anything is waited for."""
    query.where(table.columns)
    query.order(ROW, table.columns)


def _unsorted(query: Query) -> str:
    return repr(Query(query.filters, query.search))
