"""A table as a file of the user's: CSV, TSV, JSON, JSONL, Parquet or Arrow, out of core, whole or not at all."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa

from nbtrain.core.errors import DataError
from nbtrain.core.tasks import Progress
from nbtrain.data.columns import Column, Kind, literal, quoted
from nbtrain.data.importing.parquet import batch_rows, write_parquet
from nbtrain.data.table import Table
from nbtrain.store import atomic

_PARQUET = {".parquet", ".pq"}
_ARROW = {".arrow", ".feather", ".ipc"}
_COMPRESSIONS = {".gz": "gzip", ".zst": "zstd"}
#: Formats of text, which may be compressed as a whole and cannot hold a file in a cell.
_TEXTS = {".csv", ".tsv", ".json", ".jsonl", ".ndjson"}
#: What stands between cells, in formats that have but rows and cells.
_FLAT = {".csv": ",", ".tsv": "\t"}
#: Kinds whose cells are in quotes there.
_QUOTED = {Kind.TEXT, Kind.NESTED}
#: What stands before the rows of an array in JSON, between two, and behind them.
_ARRAY = ("[\n\t", ",\n\t", "\n]\n")

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
            beside.touch(exist_ok=False)  # else it would be told as of an import
            if ending in _ARROW:
                _write_arrow(table, beside, progress)
            elif ending in _PARQUET:
                write_parquet(table, beside, progress)
            else:
                with _opened(beside, compression) as file:
                    if ending in _FLAT:
                        _write_cells(table, file, _FLAT[ending], progress, escape=formulas == "escape")
                    else:
                        _write_json(table, file, progress, array=ending == ".json")
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


@contextlib.contextmanager
def _opened(beside: Path, compression: str | None) -> Iterator[pa.NativeFile]:
    with pa.OSFile(str(beside), "wb") as file:
        if compression is None:
            yield file
            return
        with pa.CompressedOutputStream(file, compression) as packed:
            yield packed


def _write_cells(table: Table, file: pa.NativeFile, between: str, progress: Progress | None, *, escape: bool) -> None:
    """CSV and TSV."""
    file.write((between.join(_header(column, between) for column in table.columns) + "\n").encode())
    cells = f", {literal(between)}, ".join(_cell(column, escape=escape) for column in table.columns)
    for lines in _texts(table, f"concat({cells}, chr(10))", progress):  # to concat, NULL is an empty text
        file.write(lines)


def _write_json(table: Table, file: pa.NativeFile, progress: Progress | None, *, array: bool) -> None:
    """JSON, as an array or with one object in a line."""
    row = f"to_json(struct_pack({', '.join(f'{quoted(c.name)} := {quoted(c.name)}' for c in table.columns)}))"
    if not array:
        for lines in _texts(table, f"concat({row}, chr(10))", progress):
            file.write(lines)
        return
    before, between, behind = _ARRAY
    file.write(before.encode())
    begun = False
    for rows in _texts(table, f"concat({literal(between)}, {row})", progress):
        file.write(rows if begun else rows.slice(len(between)))
        begun = True
    file.write(behind.encode())


def _texts(table: Table, text: str, progress: Progress | None) -> Iterator[pa.Buffer]:
    """A text for each row, one behind the other, as they lie in memory; `text` is SQL that is never NULL."""
    for batch in _told(table, f"SELECT {text} FROM {table.source}", progress):
        _, ends, content = batch.column(0).buffers()
        places = np.frombuffer(ends, np.int32)[batch.column(0).offset:][:batch.num_rows + 1]
        yield content.slice(places[0], places[-1] - places[0])


def _told(table: Table, statement: str, progress: Progress | None) -> Iterator[pa.RecordBatch]:
    """What a statement finds for all rows, in batches that fit into memory; `progress` hears of each."""
    done, total = 0, table.rows(progress=progress) if table.columnar else None
    for batch in table.stream(statement, size=batch_rows(table, progress, least=1), progress=progress):
        if batch.num_rows:
            yield batch
        done += batch.num_rows
        if progress is not None:
            progress.report(done, total, "rows")


def _header(column: Column, between: str) -> str:
    """The name of a column of CSV, in quotes where its cells are, or must be."""
    must = column.kind in _QUOTED or any(mark in column.name for mark in (between, '"', "\n", "\r", "#"))
    return quoted(column.name) if must else column.name


def _cell(column: Column, *, escape: bool) -> str:
    """A cell of CSV as SQL; NULL where it is missing. Only text can have in it what needs quotes."""
    name = quoted(column.name)
    text = f"to_json({name})::VARCHAR" if column.kind is Kind.NESTED else f"{name}::VARCHAR"
    if column.kind not in _QUOTED:
        return text
    if column.kind is Kind.TEXT and escape:
        text = f"CASE WHEN regexp_matches({text}, {literal(_FORMULA)}) THEN '''' || {text} ELSE {text} END"
    return f"""'"' || replace({text}, '"', '""') || '"'"""


def _write_arrow(table: Table, beside: Path, progress: Progress | None) -> None:
    statement = f"SELECT {', '.join(quoted(column.name) for column in table.columns)} FROM {table.source}"
    schema = table.sql(f"{statement} LIMIT 0", progress=progress).schema
    with pa.OSFile(str(beside), "wb") as file, pa.ipc.new_file(file, schema) as writer:
        for batch in _told(table, statement, progress):
            writer.write_batch(batch)
