"""The types a canonical table has: those that Parquet keeps, so that what is read back is what was written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import duckdb

from nbtrain.data.columns import Column, quoted

#: Names that Table and DuckDB need for themselves.
RESERVED = frozenset({"__row__", "file_row_number"})

#: Types that are kept as they are.
_KEPT = frozenset({
    "boolean", "tinyint", "smallint", "integer", "bigint", "utinyint", "usmallint", "uinteger", "ubigint", "float",
    "double", "varchar", "blob", "date", "time", "timestamp", "timestamp_ns", "timestamp with time zone",
})
#: Types of which Parquet knows another shape.
_CHANGED = {
    "timestamp_s": "TIMESTAMP", "timestamp_ms": "TIMESTAMP",
    "hugeint": "DECIMAL(38, 0)", "uhugeint": "DECIMAL(38, 0)",
    "time_ns": "TIME", "time with time zone": "VARCHAR",
}


def plain_columns(columns: Sequence[Column]) -> str:
    """The columns as SQL after ``SELECT``, in the types a canonical table has, under names that are not reserved.

    Integers, floats, decimals, booleans, texts, bytes, dates, times, points in time, lists, structs and maps keep
    their types. A point in time has microseconds (or nanoseconds, if it had); a list of fixed length is a list;
    a whole number of 128 bits a decimal; a duration the number of its seconds, where a month has 30 days; and what
    is left (categories, UUIDs, unions, JSON, …) is text.
    """
    taken = {column.name.lower() for column in columns}
    return ", ".join(_selected(column, taken) for column in columns)


def _selected(column: Column, taken: set[str]) -> str:
    name = column.name
    if name in RESERVED:
        while name.lower() in taken:
            name += "_"
        taken.add(name.lower())
    source, target = quoted(column.name), _plain(duckdb.sqltype(column.type))
    if column.type == "INTERVAL":
        return f"epoch({source}) AS {quoted(name)}"
    return f"{source} AS {quoted(name)}" if target == column.type else f"CAST({source} AS {target}) AS {quoted(name)}"


def _plain(kind: Any) -> str:
    """The type of a canonical table that takes the values of a DuckDB type."""
    if kind.id in _KEPT or kind.id == "decimal":
        return str(kind)
    if kind.id in {"list", "array"}:
        return f"{_plain(dict(kind.children)['child'])}[]"
    if kind.id == "map":
        return "MAP({key}, {value})".format(**{name: _plain(child) for name, child in kind.children})
    if kind.id == "struct":
        return f"STRUCT({', '.join(f'{quoted(name)} {_plain(child)}' for name, child in kind.children)})"
    return _CHANGED.get(kind.id, "VARCHAR")
