"""The types a canonical table has: those that Parquet keeps, so that what is read back is what was written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from nbtrain.core.errors import DataError
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


def plain_batches(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Batches of Arrow in the types a canonical table has, as `plain_columns` gives them, under names that are unique.

    Raises:
        DataError: a column has a type that no canonical table can hold, values that do not fit, or a batch has other
            columns than the first.
    """
    schema: pa.Schema | None = None
    for batch in batches:
        if schema is None:
            given = batch.schema
            names = unique_names(given.names)
            schema = pa.schema([
                (name, _plain_type(column.type, column.name)) for name, column in zip(names, given, strict=True)])
        if batch.schema.names != given.names:
            raise DataError(f"A batch has the columns {batch.schema.names}; the first one has {given.names}.")
        columns = [_cast(column, wanted) for column, wanted in zip(batch.columns, schema, strict=True)]
        yield pa.RecordBatch.from_arrays(columns, schema=schema)


def unique_names(names: Sequence[str]) -> list[str]:
    """Names that differ in more than case, are not empty and not reserved: ``a``, ``A_1``, ``column_3``."""
    taken = {name.lower() for name in RESERVED}
    found = []
    for number, name in enumerate(names):
        base = name or f"column_{number}"
        unique, suffix = base, 0
        while unique.lower() in taken:
            suffix += 1
            unique = f"{base}_{suffix}"
        taken.add(unique.lower())
        found.append(unique)
    return found


def _cast(column: pa.Array, wanted: pa.Field) -> pa.Array:
    if column.type == wanted.type:
        return column
    try:
        if pa.types.is_duration(column.type):
            return pc.divide(column.cast(pa.duration("ns")).cast(pa.int64()).cast(pa.float64(), safe=False), 1e9)
        return column.cast(wanted.type)
    except pa.ArrowException as error:
        raise DataError(
            f"The column {wanted.name!r} has values of type {column.type} that do not fit into {wanted.type}: {error}"
        ) from error


def _plain_type(kind: pa.DataType, name: str) -> pa.DataType:  # noqa: C901, PLR0911, PLR0912 - a table of types
    """The type of a canonical table that takes the values of an Arrow type. Raises DataError."""
    types = pa.types
    if isinstance(kind, pa.BaseExtensionType):
        return pa.string() if kind.extension_name == "arrow.uuid" else _plain_type(kind.storage_type, name)
    if types.is_dictionary(kind) or types.is_run_end_encoded(kind):
        return _plain_type(kind.value_type, name)
    if types.is_null(kind) or types.is_string_view(kind):
        return pa.string()
    if types.is_binary_view(kind) or types.is_fixed_size_binary(kind):
        return pa.binary()
    if types.is_date64(kind):
        return pa.date32()
    if types.is_time(kind):
        return pa.time64("us")
    if types.is_timestamp(kind):
        return pa.timestamp("ns" if kind.unit == "ns" else "us", "UTC" if kind.tz else None)
    if types.is_float16(kind):
        return pa.float32()
    if types.is_duration(kind):
        return pa.float64()
    if types.is_decimal(kind) and not types.is_decimal128(kind):
        return pa.decimal128(min(38, kind.precision), kind.scale)
    if types.is_struct(kind):
        return pa.struct([(field.name, _plain_type(field.type, name)) for field in kind.fields])
    if types.is_map(kind):
        return pa.map_(_plain_type(kind.key_type, name), _plain_type(kind.item_type, name))
    if types.is_nested(kind) and hasattr(kind, "value_type"):
        made = pa.large_list if types.is_large_list(kind) or types.is_large_list_view(kind) else pa.list_
        return made(_plain_type(kind.value_type, name))
    if types.is_primitive(kind) or types.is_decimal(kind) or _is_sequence(kind):
        return kind
    raise DataError(f"The column {name!r} has the Arrow type {kind}, which no dataset can hold; convert it first.")


def _is_sequence(kind: pa.DataType) -> bool:
    """Texts and bytes."""
    types = pa.types
    return bool(
        types.is_string(kind) or types.is_large_string(kind) or types.is_binary(kind) or types.is_large_binary(kind))
