"""The rows that DuckDB left out of a CSV while it was read, with their lines, as `Rejects`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import duckdb

from nbtrain.data.reading.complaints import Fault
from nbtrain.data.reading.lines import lines_at
from nbtrain.data.reading.parts import Part
from nbtrain.data.reading.rejects import KEPT_TEXT, Reject, Rejects

#: Rows that are taken from DuckDB at a time.
_AT_ONCE = 10_000


def keep_left_out(
    connection: duckdb.DuckDBPyConnection, parts: Sequence[Part], rejects: Rejects,
) -> list[tuple[int, Fault]]:
    """Add what the query before, on this connection, left out of each part (see `Pool.source`).

    Gives the parts, by number, that are to be read again in another way: they have lines that are not UTF-8, or a
    quote that is never closed, at which DuckDB leaves out more than the row.
    """
    again = []
    for number, part in enumerate(parts):
        if part.dialect is None:
            continue
        table = f"nbtrain_{number}_errors"
        kinds = {kind for kind, in connection.execute(f"SELECT DISTINCT error_type FROM {table}").fetchall()}
        if "INVALID ENCODING" in kinds:
            again.append((number, Fault.ENCODING))
        elif kinds & {"UNQUOTED VALUE", "LINE SIZE OVER MAXIMUM"}:
            again.append((number, Fault.QUOTE))
        for rows in _rows(connection, table):
            rejects.add(_rejects(part, rows))
    return again


def _rows(connection: duckdb.DuckDBPyConnection, table: str) -> Iterator[list[tuple[Any, ...]]]:
    """One for each row left out, in their order: the first of its faults."""
    found = connection.execute(
        f"SELECT line, min(byte_position), first(column_name), first(error_type), left(first(csv_line), {KEPT_TEXT}), "
        f"first(error_message) FROM {table} GROUP BY line ORDER BY line")
    while rows := found.fetchmany(_AT_ONCE):
        yield rows


def _rejects(part: Part, rows: Sequence[tuple[Any, ...]]) -> Iterator[Reject]:
    places = sorted({max(0, (position or 1) - 1) for _, position, *_ in rows})
    lines = dict(zip(places, lines_at(part.file, places), strict=False))
    for row, position, column, kind, text, message in rows:
        # The byte tells the line where cells have lines of their own; of an open quote it is the row before.
        line = _in_file(part, max(int(row), lines.get(max(0, (position or 1) - 1), 0)))
        yield Reject(str(part.file.path), line, column if kind == "CAST" else "", _why(kind, message), text or "")


def _in_file(part: Part, line: int) -> int:
    """A line of the copy as a line of the file."""
    for gone in part.lines_left_out:
        if gone > line:
            break
        line += 1
    return line


def _why(kind: str, message: str) -> str:
    said = {"UNQUOTED VALUE": "A quote is opened and not closed as it must be.",
            "LINE SIZE OVER MAXIMUM": "The row is too long."}
    return said.get(kind, " ".join((message or kind).split()))
