"""What DuckDB says when it cannot read a file, in one sentence with the place in the file and what to do."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum

import duckdb

from nbtrain.core.errors import DataError, DataFileError, NbtrainError
from nbtrain.data.columns import quoted
from nbtrain.data.duck import cursor
from nbtrain.data.reading.cells import NO_VALUE
from nbtrain.data.reading.csv_dialect import LONGEST
from nbtrain.data.reading.formats import Compression, DataFile, Format
from nbtrain.data.reading.json_rows import broken_line
from nbtrain.data.reading.json_shape import rows_of
from nbtrain.data.reading.lines import line_chunks, lines_at, verify
from nbtrain.data.reading.parts import Part

_NO_NUMBER = re.compile(r"""converting column "(.*?)"\. Could not convert string "(.*?)" to '(.*?)'""", re.DOTALL)
_SKIP = "mend the line, or skip such rows"


class Fault(StrEnum):
    """What went wrong, as far as it matters for trying again."""

    ENCODING = "encoding"
    TYPE = "type"
    """A cell does not fit the type of its column."""
    JSON = "json"
    """A row of JSON is broken, or has names that cannot be told apart."""
    QUOTE = "quote"
    """A quote is never closed, or a row never ends."""
    NEWLINES = "newlines"
    """Its lines do not all end alike."""
    OTHER = "other"


def fault_of(error: duckdb.Error) -> Fault:
    """The kind of an error, by its text: on the way through Arrow it loses its class."""
    text = str(error)
    if "nvalid unicode" in text or "not utf-8 encoded" in text or "invalid UTF-8" in text:
        return Fault.ENCODING
    misfit = "JSON transform error" in text and "duplicate key" not in text
    if misfit or NO_VALUE in text or "Error when converting column" in text:
        return Fault.TYPE
    if any(said in text for said in ("Malformed JSON", "recursion depth", "duplicate key", "maximum_object_size")):
        return Fault.JSON
    if "reached an invalid state" in text:
        return Fault.NEWLINES
    endless = ("unterminated quote", "does not support a full read", "Maximum line size")
    return Fault.QUOTE if any(said in text for said in endless) else Fault.OTHER


def as_said(error: Exception) -> duckdb.Error:
    """An error of DuckDB as one, also where it came through Arrow, or quotes bytes of the file that are not UTF-8."""
    if isinstance(error, UnicodeDecodeError):
        return duckdb.Error(error.object.decode(errors="replace"))
    return error if isinstance(error, duckdb.Error) else duckdb.Error(str(error))


def part_at_fault(error: duckdb.Error, parts: Sequence[Part]) -> Part:
    """The file that an error is about; the first where it does not say."""
    text = str(error)
    named = [part for part in parts if str(part.file.source) in text]
    return max(named, key=lambda part: len(str(part.file.source)), default=parts[0])


def explained(error: duckdb.Error, parts: Sequence[Part]) -> NbtrainError:
    """The error in our words. It may read the file again to find the line."""
    part, text = part_at_fault(error, parts), str(error)
    file = part.file
    broken = _broken_packing(file) or _of_two_sorts(text, parts)
    if broken is not None:
        return broken
    if "Out of Memory" in text and (not file.format.is_text or _long_line(part).line is None):
        return DataError(f"{file.name} needs more memory than is allowed ({_first(text):.200}); read fewer columns.")
    if "Out of Memory" in text:
        return _long_line(part)
    if "No space left" in text:
        return DataError("The disk for temporary files is full; free some space, or set TMPDIR to a larger disk.")
    if not file.format.is_text:
        return file.wrong(f"it is no good {file.format} file, damaged or cut short ({_first(text):.150}); get it again")
    return _json(part, text) if file.format in {Format.JSON, Format.JSONL} else _lines(part, text)


def _of_two_sorts(text: str, parts: Sequence[Part]) -> DataFileError | None:
    """What is wrong where a column of JSON or Parquet has types in two files that do not go together."""
    match = re.search(r"nimplemented type for cast .* casting from source column (.+?)\)?$", text, re.MULTILINE)
    kinds = {part.columns[match[1]]: part.file for part in reversed(parts) if match[1] in part.columns} if match else {}
    if match is None or len(kinds) < 2:
        return None
    told = " and ".join(f"{kind} in {file.name}" for kind, file in kinds.items())
    return DataFileError(f"The column {match[1]!r:.60} is {told}; read files with the same columns together.",
                         file=str(next(iter(kinds.values())).path))


def _broken_packing(file: DataFile) -> DataFileError | None:
    try:
        if file.packing is not Compression.NONE:
            verify(file)
    except DataFileError as error:
        return error
    return None


def _lines(part: Part, text: str) -> NbtrainError:
    if (found := re.search(r"CSV Error on Line: (\d+)", text)) is not None:
        return _csv(part, text, int(found[1]))
    if "does not support a full read" in text or "Maximum line size" in text:
        return _long_line(part)
    if "sniffing" in text or "detect" in text:
        return part.file.wrong("no delimiter fits its lines; give delimiter, quote and header", line=1)
    return part.file.wrong(f"it cannot be read ({_first(text):.200}); look at the file")


def _csv(part: Part, text: str, row: int) -> NbtrainError:
    line, column = _line_of(part, row), None
    if (found := re.search(r"Expected Number of Columns: (\d+) Found: (\d+)", text)) is not None:
        wanted, has = int(found[1]), int(found[2])
        said = f"it has {has} cells where {wanted} are wanted; {_SKIP}"
        column = min(has, wanted) + 1
    elif (found := _NO_NUMBER.search(text)) is not None:
        said = f"{found[2]!r:.60} in the column {found[1]!r:.60} is no {found[3]}; {_SKIP}"
        column = list(part.columns).index(found[1]) + 1 if found[1] in part.columns else None
    elif "unterminated quote" in text:
        said = "a quote is opened and not closed as it must be; mend the line, skip such rows, or read with quote=''"
    elif "Maximum line size" in text:
        return _long_line(part)
    elif "unicode" in text:
        said = "it is not UTF-8; give the encoding"
    else:
        lines = [each for each in text.splitlines() if each.strip()]
        said = f"{(lines[2] if len(lines) > 2 else lines[0]).strip().rstrip('.'):.120}; {_SKIP}"
    return part.file.wrong(said, line=line, column=column)


def _line_of(part: Part, row: int) -> int:
    """The line of the file that DuckDB's row is in: cells before it may have lines of their own."""
    if part.dialect is None or not part.columns:
        return row
    every = ", ".join(f"count({quoted(name)})" for name in part.columns)
    try:
        with cursor() as connection:
            connection.execute(f"SELECT {every} FROM {part.dialect.sql(rejects='nbtrain_place')}").fetchall()
            found = connection.execute(
                f"SELECT min(byte_position) FROM nbtrain_place_errors WHERE line = {int(row)}").fetchone()
    except duckdb.Error:  # another fault; then lines and rows are taken to be the same
        return row
    if found is None or found[0] is None:
        return row
    return max(row, *lines_at(part.file, [max(0, found[0] - 1)]))


def _json(part: Part, text: str) -> NbtrainError:
    file = part.file
    if part.lines or file.format is Format.JSONL:
        broken = broken_line(file)
        if broken is not None:
            line, column, said = broken
            return file.wrong(f"{said}; {_SKIP}", line=line, column=column)
    else:
        try:
            for _ in rows_of(file):
                pass
        except DataError as error:
            return error
    found = re.search(r"in (?:line|record/value) (\d+): (.*)", text)
    if found is not None:
        return file.wrong(f"{found[2].rstrip('. '):.150}; {_SKIP}", line=int(found[1]) if part.lines else None)
    return file.wrong(f"it cannot be read as JSON ({_first(text):.150}); look at the file")


def _long_line(part: Part) -> DataFileError:
    try:
        for _ in line_chunks(part.file):
            pass
    except DataFileError as error:
        return error
    return part.file.wrong(
        f"a row is longer than {LONGEST // 2**20} MiB, or a quote is never closed; mend it, or read with quote=''")


def _first(text: str) -> str:
    return (text.splitlines() or [""])[0]
