"""A table as a file of the user's: CSV, TSV, JSON, JSONL, Parquet or Arrow, out of core, whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
from pathlib import Path
from typing import Literal

import duckdb
import pyarrow as pa

from nbtrain.core.errors import DataError
from nbtrain.core.tasks import Progress
from nbtrain.data.columns import Column, Kind, literal, quoted
from nbtrain.data.duck import cursor
from nbtrain.data.importing.parquet import write_parquet
from nbtrain.data.table import Table
from nbtrain.store import atomic

#: How DuckDB writes each format of text, by the ending of the file.
_COPIES = {
    ".csv": "FORMAT csv, HEADER true",
    ".tsv": "FORMAT csv, HEADER true, DELIMITER '\t'",
    ".json": "FORMAT json, ARRAY true",
    ".jsonl": "FORMAT json",
    ".ndjson": "FORMAT json",
}
_PARQUET = {".parquet", ".pq"}
_ARROW = {".arrow", ".feather", ".ipc"}
_COMPRESSIONS = {".gz": "gzip", ".zst": "zstd"}
#: Formats of text, which may be compressed as a whole and cannot hold a file in a cell.
_TEXTS = {".csv", ".tsv", ".json", ".jsonl", ".ndjson"}
_FLAT = {".csv", ".tsv"}


#: With these a cell is a formula to a spreadsheet.
_FORMULA = "^[=+\\-@\\t\\r]"


def export(
    table: Table, path: Path, *, overwrite: bool = False, formulas: Literal["keep", "escape"] = "keep",
    progress: Progress | None = None,
) -> None:
    """Write all rows of `table`, in their order, to `path`; its ending says the format.

    What is read back is what was written: Parquet and Arrow keep every type. In CSV and TSV all text is in quotes, so
    that an empty text, or ``NA``, is no missing value; lists and structs are JSON. In JSON, NaN and infinity are
    written as ``NaN`` and ``Infinity``, as Python does.

    Args:
        table: what to write.
        path: ends in .csv .tsv .json .jsonl (each also with .gz or .zst behind), .parquet or .arrow.
        overwrite: replace a file that is there.
        formulas: what becomes of texts in CSV and TSV that a spreadsheet would compute, those that begin with
            ``= + - @``, a tab or a carriage return: they are kept as they are, for the file is data and may be read
            back; or escaped by a ``'`` before them, for a file that is opened in a spreadsheet.
        progress: cancelling it ends the work and leaves nothing.

    Raises:
        DataError: the ending is unknown, the file is there already, or the format cannot hold the columns.
        WorkspaceError: the file cannot be written: its folder is missing, the disk is full…
        CancelledError: it was called off.
    """
    ending, compression = _format(path)
    if path.exists() and not overwrite:
        raise DataError(f"{path} is there already; choose another name, or say that it may be overwritten.")
    media = [column.name for column in table.columns if column.kind in {Kind.IMAGE, Kind.AUDIO, Kind.BINARY}]
    if media and ending in _TEXTS:
        raise DataError(
            f"The column {media[0]!r} holds bytes, which {ending[1:].upper()} cannot; export as .parquet or .arrow.")
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}.unfinished")
    try:
        with atomic.told("write", path):
            beside.touch(exist_ok=False)  # DuckDB tells of a missing folder in its own words
            if ending in _ARROW:
                _write_arrow(table, beside, progress)
            elif ending in _PARQUET:
                write_parquet(table, beside, progress)
            else:
                how = _COPIES[ending] + (f", COMPRESSION {compression}" if compression else "")
                _copy(table, beside, how, progress, flat=ending in _FLAT, escape=formulas == "escape")
            beside.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):  # the first error is the one to tell
            beside.unlink()
        raise


def _format(path: Path) -> tuple[str, str | None]:
    """Ending of the format, and compression."""
    endings = [ending.lower() for ending in path.suffixes]
    compression = _COMPRESSIONS.get(endings[-1]) if endings else None
    ending = endings[-2] if compression and len(endings) > 1 else endings[-1] if endings and not compression else ""
    if ending in _TEXTS or (compression is None and ending in _PARQUET | _ARROW):
        return ending, compression
    raise DataError(
        f"{path.name} does not say a format to export to; let it end in .csv, .tsv, .json or .jsonl (each also with "
        ".gz or .zst behind), .parquet or .arrow.")


def _copy(table: Table, beside: Path, how: str, progress: Progress | None, *, flat: bool, escape: bool) -> None:
    listed = ", ".join(_cell(column, escape=escape) if flat else quoted(column.name) for column in table.columns)
    texts = [quoted(column.name) for column in table.columns if column.kind in {Kind.TEXT, Kind.NESTED}]
    if flat and texts:
        how += f", FORCE_QUOTE ({', '.join(texts)})"
    with cursor(progress) as connection:
        try:
            connection.execute(f"COPY (SELECT {listed} FROM {table.source}) TO {literal(str(beside))} ({how})")
        except duckdb.InterruptException:
            raise
        except duckdb.Error as error:
            if os.strerror(errno.ENOSPC) in str(error):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from error
            raise DataError(f"{table.name} cannot be exported: {str(error).splitlines()[0]}") from error


def _cell(column: Column, *, escape: bool) -> str:
    """A column of CSV as SQL."""
    name = quoted(column.name)
    if column.kind is Kind.NESTED:
        return f"to_json({name})::VARCHAR AS {name}"
    if column.kind is Kind.TEXT and escape:
        text = f"{name}::VARCHAR"
        return f"CASE WHEN regexp_matches({text}, {literal(_FORMULA)}) THEN '''' || {text} ELSE {text} END AS {name}"
    return name


def _write_arrow(table: Table, beside: Path, progress: Progress | None) -> None:
    batches = table.batches(progress=progress)
    first = next(batches, None)
    schema = table.page(limit=0).drop_columns(["__row__"]).schema if first is None else first.schema
    done, total = 0, table.rows()
    with pa.OSFile(str(beside), "wb") as file, pa.ipc.new_file(file, schema) as writer:
        while first is not None:
            writer.write_batch(first)
            done += first.num_rows
            if progress is not None:
                progress.report(done, total, "rows")
            first = next(batches, None)
