"""Files of the user's, read where they lie: one, several, a folder or a pattern, in any format there is."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Container, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import duckdb
import pyarrow as pa

from nbtrain.core.errors import DataError, DataFileError, NbtrainError
from nbtrain.core.tasks import Progress
from nbtrain.data.reading.complaints import as_said
from nbtrain.data.reading.csv_dates import orders_read
from nbtrain.data.reading.files import Given, files_of, watch
from nbtrain.data.reading.formats import Format, recognised
from nbtrain.data.reading.left_out import keep_left_out
from nbtrain.data.reading.parts import csv_part
from nbtrain.data.reading.pool import Pool
from nbtrain.data.reading.read_options import ReadOptions
from nbtrain.data.reading.rejects import Reject, Rejects
from nbtrain.data.table import Table

__all__ = [
    "DEFAULT", "FileTable", "ReadOptions", "Reject", "Rejects", "begun_again", "open_source", "read_whole",
]

T = TypeVar("T")
DEFAULT = ReadOptions()
#: Times that reading begins anew for each file, each for another fault.
_ATTEMPTS = 16
_ANEW = "{} is not throughout as its beginning is; read it again."


class FileTable(Table):
    """The rows of files, read where they lie; made by `open_source`.

    What a file's beginning did not show (a number that is text further down, a line that is not UTF-8) changes how it
    is read when it is met: `source`, `columns` and `notes` are then others.

    Args:
        pool: the files.
        whole: whether it is for `read_whole`, which begins anew.
        rejects: where the rows that are left out go, when all rows are streamed.
    """

    def __init__(self, pool: Pool, *, whole: bool = False, rejects: Rejects | None = None) -> None:
        self.pool = pool
        self.files: tuple[Path, ...] = tuple(file.path for file in pool.files)
        self.options = pool.options
        self.begun_anew = False
        """Whether rows that were handed out are to be read again."""
        self._whole = whole
        self._rejects = rejects
        self._former: list[str] = []
        first, more = self.files[0], len(self.files) - 1
        name = f"{first.name} and {more} more" if more else first.name
        # No method of the table: that would keep it, and its copies on the disk, alive until Python tidies up.
        super().__init__(self._current, name=name, row="file_row_number" if pool.has_row_numbers else None,
                         explain=lambda _: DataError(_ANEW.format(name)))

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences on what was decided for the user: columns renamed or left out, an encoding that was guessed."""
        return self.pool.notes

    @property
    def date_orders(self) -> dict[str, str]:
        """Columns whose dates could be read in another order → the order in which they are read."""
        return {
            name: order for part in self.pool.parts if part.dialect is not None
            for name, order in orders_read(part.dialect).items()}

    def spelled(self, names: Container[str]) -> Table:
        """Read these columns of CSVs as text, spelled as they stand there, whatever they look like."""
        for number, part in enumerate(self.pool.parts):
            if part.dialect is not None:
                dialect = part.dialect.with_types({name: "VARCHAR" for name in part.dialect.names if name in names})
                self.pool.parts[number] = csv_part(part, dialect, skip=self.options.on_error == "skip")
        self.take_up()
        return self

    def sql(self, statement: str, parameters: Sequence[Any] = (), progress: Progress | None = None) -> pa.Table:
        """As of every table; where a file must be read in another way, that is done and the statement run again."""
        for _ in range(_ATTEMPTS * len(self.files)):
            try:
                with self._in_our_words():
                    return super().sql(statement, parameters, progress)
            except DataError as error:
                statement = self._mended(statement, error, progress)
        return super().sql(statement, parameters, progress)

    def stream(
        self, statement: str, parameters: Sequence[Any] = (), *, size: int = 65_536, progress: Progress | None = None,
        on_share: Callable[[float], None] | None = None,
    ) -> Iterator[pa.RecordBatch]:
        """As of every table. Rows that were handed out cannot be taken back: see `read_whole`.

        Raises:
            DataError: also when a value far down shows that the file must be read in another way. The next time it is.
        """
        begun = False
        for _ in range(_ATTEMPTS * len(self.files)):
            try:
                with self._in_our_words():
                    for batch in super().stream(statement, parameters, size=size, progress=progress, on_share=on_share):
                        begun = True
                        yield batch
            except DataError as error:
                statement = self._mended(statement, error, progress)
                if begun or self._whole:  # who reads all has columns in mind that are now others
                    self.begun_anew = True
                    raise
            else:
                return

    def take_up(self) -> None:
        """Read the files as they are read now, after one was found to need another way."""
        self._former.append(self.source)
        self.source = self._current
        self.columns = self._describe()

    @contextlib.contextmanager
    def _in_our_words(self) -> Iterator[None]:
        """An error of DuckDB that quotes bytes which are not UTF-8 does not even become an error of its own."""
        try:
            yield
        except UnicodeDecodeError as error:
            raise self._explain(as_said(error)) from error

    def _streamed(self, connection: duckdb.DuckDBPyConnection, progress: Progress | None) -> None:
        if self._rejects is None:
            return
        for number, fault in keep_left_out(connection, self.pool.parts, self._rejects):
            self.begun_anew |= self.pool.mend_part(number, fault, progress)
        if self.begun_anew:
            raise DataError(_ANEW.format(self.name))

    def _mended(self, statement: str, error: DataError, progress: Progress | None) -> str:
        """The statement for the files as they are read now, after what `error` says was put right.

        Raises:
            NbtrainError: what is wrong, where nothing helps.
        """
        cause = error.__cause__
        if not isinstance(cause, duckdb.Error | OSError | UnicodeDecodeError):
            raise error
        if self._updated(statement) == statement:  # else another thread has put it right meanwhile
            said = as_said(cause)
            mended = self.pool.mend(said, progress)
            if self.source != self._current:
                self.take_up()
            elif not mended and self._updated(statement) == statement:
                raise self.pool.explain(said) from cause
        return self._updated(statement)

    def _updated(self, statement: str) -> str:
        for source in self._former:
            if source != self.source:
                statement = statement.replace(source, self.source)
        return statement

    @property
    def _current(self) -> str:
        return self.pool.source(rejects=self._rejects is not None)


def open_source(given: Given, options: ReadOptions = DEFAULT, *, progress: Progress | None = None) -> FileTable:
    """The table in a file, a folder, a glob, or a list of files; nothing is read but what tells its columns.

    CSV, TSV, JSON, JSONL, text, Parquet and Arrow, each also in gzip and zstd; format, dialect, encoding and types
    are found out unless `options` say them. A page can be had at once. To read every row (to import), use
    `read_whole`: only it sees to types that change late, to rows left out, and to a file that changes meanwhile.

    Raises:
        DataFileError: a file is missing, may not be read, is empty, broken, or of no known format; a folder holds
            files of several formats or with different columns.
        DataError: a temporary copy is needed (of Arrow, of text that is not UTF-8) and the disk is full.
        CancelledError: `progress` was called off.
    """
    wanted = None if options.format is None else Format(options.format)
    files = [recognised(path, wanted) for path in files_of(given)]
    kinds = {Format.CSV if file.format is Format.TSV else file.format for file in files}
    if len(kinds) > 1:
        told = ", ".join(sorted({f"{file.format} ({file.name})" for file in files})[:6])
        raise DataFileError(f"The files are of several formats: {told}; read those of one format together.",
                            file=str(files[0].path.parent))
    return FileTable(Pool(files, options, progress=progress))


def begun_again(table: Table, work: Callable[[], T]) -> T:
    """What `work` makes of the table's rows, which it streams; again, where a file must be read in another way.

    It begins anew each time, and leaves nothing of the attempt before. Unlike `read_whole` it takes files as they
    come: rows that are left out are not kept, and nobody looks whether a file changed meanwhile.

    Raises:
        DataError: a row cannot be read in any way; and what `work` raises.
    """
    for _ in range(_ATTEMPTS * len(table.files)):
        try:
            return work()
        except DataError:
            if not (isinstance(table, FileTable) and table.begun_anew):
                raise
            table.begun_anew = False
    return work()


def read_whole(
    table: Table, use: Callable[[Table], T], *, progress: Progress | None = None,
) -> tuple[T, Rejects | None]:
    """What `use` makes of every row of the table, and the rows left out (None unless ``on_error="skip"``).

    `use` gets a table and reads all of its rows, once, by `batches` or `stream`. When a value far into a file does not
    fit its column's type, or a line is not UTF-8, `use` is called again, with a table that is read in another way: it
    must begin anew and leave nothing of the attempt before. For a table that is not of files this is
    ``use(table), None``.

    Raises:
        DataFileError: a row cannot be read (with ``on_error="raise"``), or a file changed while it was read.
        CancelledError: `progress` was called off.
    """
    if not isinstance(table, FileTable):
        return use(table), None
    skip = table.options.on_error == "skip"
    with watch(table.files):
        for _ in range(_ATTEMPTS * len(table.files)):
            table.pool.prove(progress)  # again, when a file is now read from a copy
            rejects = Rejects() if skip else None
            view = FileTable(table.pool, whole=True, rejects=rejects)
            try:
                result = use(view)
            except NbtrainError:
                if not view.begun_anew:
                    raise
                continue
            table.pool.verify()
            table.take_up()
            if rejects is not None:
                rejects.add(table.pool.left_out())
            return result, rejects
    raise DataFileError(f"{table.name} cannot be read: each reading finds another fault.", file=str(table.files[0]))
