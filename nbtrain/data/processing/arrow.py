"""Small tools for Arrow columns that the steps share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from nbtrain.core.errors import DataError
from nbtrain.data.columns import Kind

NUMERIC = frozenset({Kind.INTEGER, Kind.NUMBER})
TEXTS = frozenset({Kind.TEXT})


def kind_of_arrow(given: pa.DataType) -> Kind | None:
    """The kind of a column of this Arrow type; None for a column that holds nothing but missing values."""
    types = pa.types
    if types.is_dictionary(given):
        return kind_of_arrow(given.value_type)
    for matches, kind in (
        (types.is_null, None), (types.is_boolean, Kind.BOOLEAN), (types.is_integer, Kind.INTEGER),
        (types.is_floating, Kind.NUMBER), (types.is_decimal, Kind.NUMBER), (is_text, Kind.TEXT),
        (types.is_date, Kind.DATE), (types.is_timestamp, Kind.DATE), (types.is_time, Kind.TIME),
        (types.is_duration, Kind.DURATION), (types.is_interval, Kind.DURATION), (is_bytes, Kind.BINARY),
    ):
        if matches(given):
            return kind
    return Kind.NESTED


def is_text(given: pa.DataType) -> bool:
    """Whether a column of this type holds strings, whatever their layout."""
    return bool(pa.types.is_string(given) or pa.types.is_large_string(given) or pa.types.is_string_view(given))


def is_bytes(given: pa.DataType) -> bool:
    """Whether a column of this type holds bytes, whatever their layout."""
    return bool(
        pa.types.is_binary(given) or pa.types.is_large_binary(given) or pa.types.is_fixed_size_binary(given)
        or pa.types.is_binary_view(given))


def texts(column: pa.Array) -> pa.Array:
    """A column of text as plain strings, whatever its encoding in memory."""
    return column if pa.types.is_string(column.type) else column.cast(pa.string())


def numbers(column: pa.Array) -> np.ndarray[Any, np.dtype[np.float64]]:
    """A column of numbers or booleans as float64, missing values as NaN; whole numbers beyond 2^53 are rounded."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    found: np.ndarray[Any, np.dtype[np.float64]] = column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    return found


def floats(values: np.ndarray[Any, Any]) -> pa.Array:
    """float64 with NaN as missing."""
    return pa.array(values, pa.float64(), mask=np.isnan(values))


def replaced(batch: pa.RecordBatch, columns: Mapping[str, pa.Array]) -> pa.RecordBatch:
    """The batch with these columns in the place of those of the same name, new ones at the end."""
    arrays = {name: batch.column(position) for position, name in enumerate(batch.schema.names)} | dict(columns)
    return pa.RecordBatch.from_arrays(list(arrays.values()), names=list(arrays))


def extended(batch: pa.RecordBatch, columns: Mapping[str, pa.Array]) -> pa.RecordBatch:
    """The batch with new columns at its end. Raises DataError when it has one of that name: it would be lost."""
    for name in columns:
        if name in batch.schema.names:
            raise DataError(
                f"A processing step would make a column {name!r}, and there is one already; rename it, or leave it out "
                "before.")
    return replaced(batch, columns)


def dropped(batch: pa.RecordBatch, names: set[str]) -> pa.RecordBatch:
    """The batch without these columns; those it does not have are no error."""
    return batch.select([name for name in batch.schema.names if name not in names])


def where(column: pa.Array, pattern: str, change: Callable[[pa.Array], pa.Array]) -> pa.Array:
    """`change` applied to the cells in which the regular expression finds something; the others stay untouched.

    Looking is many times faster than replacing, and most cells need no change.
    """
    found = pc.match_substring_regex(column, pattern).fill_null(False)
    count = found.true_count
    if not count:
        return column
    return change(column) if count == len(column) else pc.replace_with_mask(column, found, change(column.filter(found)))


def each(change: Callable[[str], str]) -> Callable[[pa.Array], pa.Array]:
    """A change of one text as a change of a column without missing cells."""
    return lambda column: pa.array([change(cell) for cell in column.to_pylist()], pa.string())
