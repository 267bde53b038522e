"""Rows that something is wrong with, found and named."""

from __future__ import annotations

from collections.abc import Sequence

from nbtrain.data.table import ROW, Table

#: So many rows are named; of more it is told how many they are.
NAMED = 5


def found(table: Table, condition: str) -> tuple[int, list[int]]:
    """How many rows an SQL condition holds for, and the numbers of the first `NAMED`, from 0 as in the preview."""
    asked = table.sql(
        f"SELECT count(*) OVER () AS n, {ROW} AS number FROM ({table.numbered}) WHERE {condition} "  # noqa: S608 - our conditions
        f"ORDER BY 2 LIMIT {NAMED}")
    numbers = [int(each) for each in asked["number"].to_pylist()]
    return (int(asked["n"][0].as_py()) if numbers else 0), numbers


def rows(count: int, numbers: Sequence[int]) -> str:
    """``row 7``, ``3 rows (1, 4, 9)``, ``812 rows (1, 4, 9, 11, 12, …)``."""
    named = numbers[:NAMED]
    if count == 1:
        return f"row {named[0]}"
    return f"{count:,} rows ({', '.join(map(str, named))}{', …' if count > len(named) else ''})"


def listed(names: Sequence[str], most: int = 8) -> str:
    """``'a', 'b'``, with … where there are more."""
    shown = ", ".join(f"{name!r:.60}" for name in names[:most])
    return f"{shown}, …" if len(names) > most else shown
