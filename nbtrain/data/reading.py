"""Files of the user's, read where they lie: one, several, a folder or a pattern, in any format there is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from nbtrain.core.tasks import Progress
from nbtrain.data.columns import literal
from nbtrain.data.read_options import ReadOptions
from nbtrain.data.rejects import Reject, Rejects
from nbtrain.data.table import Table

__all__ = ["DEFAULT", "FileTable", "ReadOptions", "Reject", "Rejects", "open_source", "read_whole"]

T = TypeVar("T")
DEFAULT = ReadOptions()


class FileTable(Table):
    """The rows of files, read where they lie.

    `files` are the paths, `options` how they are read as asked for, `notes` sentences on what was decided for the
    user (columns renamed or left out, an encoding that was guessed). Temporary copies live as long as the table.
    """

    files: tuple[Path, ...]
    options: ReadOptions
    notes: tuple[str, ...] = ()


def open_source(
    given: str | Path | Sequence[str | Path], options: ReadOptions = DEFAULT, *, progress: Progress | None = None,
) -> FileTable:
    """The table in a file, a folder, a glob, or a list of files; nothing is read but what tells its columns.

    CSV, TSV, JSON, JSONL, text, Parquet and Arrow, each also in gzip and zstd; format, dialect, encoding and types
    are found out unless `options` say them. A page can be had at once. To read every row (to import), use
    `read_whole`: only it sees to types that change late, to rows left out, and to a file that changes meanwhile.

    Raises:
        DataFileError: a file is missing, may not be read, is empty, broken, or of no known format; a folder holds
            files of several formats or with different columns.
        CancelledError: `progress` was called off.
    """
    del progress
    files = (Path(given),) if isinstance(given, str | Path) else tuple(map(Path, given))
    table = FileTable(literal(str(files[0])), name=files[0].name)
    table.files, table.options = files, options
    return table


def read_whole(
    table: Table, use: Callable[[Table], T], *, progress: Progress | None = None,
) -> tuple[T, Rejects | None]:
    """What `use` makes of every row of the table, and the rows left out (None unless ``on_error="skip"``).

    `use` gets a table and reads all of its `batches`, once. When a value far into a file does not fit its column's
    type, or a line is not UTF-8, `use` is called again, with a table that has wider types: it must begin anew and leave
    nothing of the attempt before. For a table that is not of files this is ``use(table), None``.

    Raises:
        DataFileError: a row cannot be read (with ``on_error="raise"``), or a file changed while it was read.
    """
    del progress
    return use(table), None
