"""The rows that DuckDB left out of a CSV while it was read, with their lines, as `Rejects`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import duckdb

from nbtrain.data.lines import lines_at
from nbtrain.data.parts import Part
from nbtrain.data.rejects import KEPT_TEXT, Reject, Rejects

#: Rows that are taken from DuckDB at a time.
_AT_ONCE = 10_000


def keep_left_out(
    connection: duckdb.DuckDBPyConnection, parts: Sequence[Part], rejects: Rejects,
) -> list[int]:
    """Add what the query before, on this connection, left out of each part (see `Pool.source`).

    Gives the numbers of parts with lines that are not UTF-8: they are to be decoded, and read again.
    """
    undecoded = []
    for number, part in enumerate(parts):
        if part.dialect is None:
            continue
        table = f"nbtrain_{number}_errors"
        wrong = connection.execute(
            f"SELECT count(*) FROM {table} WHERE error_type = 'INVALID ENCODING'").fetchone() or (0,)
        if wrong[0]:
            undecoded.append(number)
        for rows in _rows(connection, table):
            rejects.add(_rejects(part, rows))
    return undecoded


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
        line = max(int(row), lines.get(max(0, (position or 1) - 1), 0))
        yield Reject(str(part.file.path), line, column if kind == "CAST" else "", _why(kind, message), text or "")


def _why(kind: str, message: str) -> str:
    said = {"UNQUOTED VALUE": "A quote is opened and not closed as it must be.",
            "LINE SIZE OVER MAXIMUM": "The row is too long."}
    return said.get(kind, " ".join((message or kind).split()))
