"""One SHA-256 for the content of a table: its column names, types and values, in order, and nothing else.

The same rows give the same fingerprint whatever they were read from (CSV, Parquet, a data frame), however they were
cut into batches or row groups, however they were compressed, and whichever version of DuckDB or Arrow read them.

How it is computed, so that it can be computed elsewhere:

- A column is a few streams of bytes, each with a SHA-256 of its own; all integers are little-endian.
- ``missing``: the row numbers (uint64) of the missing values. For values inside a list, the rows are counted over
  all lists of the column, one after the other; values of a missing list do not count. What a missing struct holds is
  missing.
- ``values``, numbers, dates and times: the values as they lie in memory, missing ones as zero bytes, any NaN as the
  quiet one (0x7ff8…, 0x7fc0…); booleans a byte each; decimals 16 bytes; dates int32 days, times and points in time
  int64.
- ``lengths`` (uint32) and ``values``, texts (UTF-8) and bytes: all values one after the other; missing ones have
  length 0.
- ``lengths`` (uint32), lists and maps: how many values each list has; the values are a column of their own. A map is a
  list of structs of ``key`` and ``value``. A struct is its columns.
- The fingerprint is the SHA-256 of this, as JSON without spaces: ``[rows, [[name, column], …]]``, where a column is
  ``[type, {stream: hex digest}, [[name, column], …]]``.

SHA-256 and no faster one: processors compute it at 1.4 GB/s, several times what a table is read with.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

_FLOATS = {4: np.float32, 8: np.float64}
_FIXED = (
    pa.types.is_integer, pa.types.is_float32, pa.types.is_float64, pa.types.is_boolean, pa.types.is_date32,
    pa.types.is_time64, pa.types.is_decimal128,
)


class Fingerprint:
    """The fingerprint of rows that come in batches.

    Args:
        schema: the columns; every batch must have it.

    Raises:
        TypeError: a column has a type that no canonical table has (`nbtrain.data.importing.plain` says which it may).
    """

    def __init__(self, schema: pa.Schema) -> None:
        self._rows = 0
        self._columns = [(field.name, _column(field.type)) for field in schema]

    def update(self, batch: pa.RecordBatch) -> None:
        """Add the next rows."""
        self._rows += batch.num_rows
        for (_, column), array in zip(self._columns, batch.columns, strict=True):
            column.update(array)

    def hexdigest(self) -> str:
        """The fingerprint of all rows so far, 64 hexadecimal digits."""
        said = [self._rows, [[name, column.said()] for name, column in self._columns]]
        return hashlib.sha256(json.dumps(said, separators=(",", ":"), ensure_ascii=False).encode()).hexdigest()


class _Column:
    """Values of a fixed width, and what all columns have in common."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._count = 0
        self._streams = {"missing": hashlib.sha256(), "values": hashlib.sha256()}

    def update(self, array: pa.Array) -> None:
        missing = self._missing(array)
        self._streams["values"].update(_fixed(array, missing).data)

    def said(self) -> list[Any]:
        """Type, streams and inner columns, as the fingerprint takes them."""
        return [self._name, {name: stream.hexdigest() for name, stream in self._streams.items()}, []]

    def _missing(self, array: pa.Array) -> NDArray[np.bool_] | None:
        """Which values are missing, None when none is; their row numbers go into the fingerprint."""
        missing = None
        if array.null_count:
            missing = array.is_null().to_numpy(zero_copy_only=False)
            self._streams["missing"].update((np.flatnonzero(missing) + self._count).astype("<u8").data)
        self._count += len(array)
        return missing


class _Lengths(_Column):
    """Texts and bytes."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._streams["lengths"] = hashlib.sha256()

    def update(self, array: pa.Array) -> None:
        missing = self._missing(array)
        offsets = _offsets(array)
        lengths = np.diff(offsets).astype("<u4")
        if missing is not None and lengths[missing].any():  # Arrow allows a missing text to have letters
            lengths[missing] = 0
            array = array.drop_null()
            offsets = _offsets(array)
        self._streams["lengths"].update(lengths.data)
        if len(offsets) and offsets[-1] > offsets[0]:
            self._streams["values"].update(memoryview(array.buffers()[2])[int(offsets[0]):int(offsets[-1])])


class _List(_Column):
    """Lists, and maps as lists."""

    def __init__(self, name: str, values: _Column, rows: pa.DataType) -> None:
        super().__init__(name)
        self._streams = {"missing": hashlib.sha256(), "lengths": hashlib.sha256()}
        self._values = values
        self._rows = rows

    def update(self, array: pa.Array) -> None:
        self._missing(array)
        array = array.cast(self._rows)
        lengths = pc.fill_null(pc.list_value_length(array), 0)
        self._streams["lengths"].update(lengths.to_numpy(zero_copy_only=False).astype("<u4").data)
        self._values.update(_plain(array.flatten()))

    def said(self) -> list[Any]:
        return [*super().said()[:2], [["", self._values.said()]]]


class _Struct(_Column):
    """Structs."""

    def __init__(self, name: str, columns: list[tuple[str, _Column]]) -> None:
        super().__init__(name)
        del self._streams["values"]
        self._columns = columns

    def update(self, array: pa.Array) -> None:
        self._missing(array)
        for (_, column), values in zip(self._columns, array.flatten(), strict=True):
            column.update(values)

    def said(self) -> list[Any]:
        return [*super().said()[:2], [[name, column.said()] for name, column in self._columns]]


def _column(kind: pa.DataType) -> _Column:  # noqa: PLR0911 - a table of types
    if pa.types.is_struct(kind):
        return _Struct("struct", [(field.name, _column(field.type)) for field in kind.fields])
    if pa.types.is_map(kind):
        pairs = pa.struct([pa.field("key", kind.key_type, nullable=False), pa.field("value", kind.item_type)])
        return _List("map", _column(pairs), pa.list_(pairs))
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return _List("list", _column(kind.value_type), kind)
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return _Lengths("text")
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return _Lengths("bytes")
    if pa.types.is_timestamp(kind):
        return _Column(f"timestamp[{kind.unit}{', UTC' if kind.tz else ''}]")
    if any(is_kind(kind) for is_kind in _FIXED):
        return _Column(str(kind))
    raise TypeError(f"A canonical table has no column of type {kind}; cast it first.")


def _fixed(array: pa.Array, missing: NDArray[np.bool_] | None) -> NDArray[Any]:
    """The values as they lie in memory, missing ones zero."""
    truths = pa.types.is_boolean(array.type)
    width, buffer = 1 if truths else array.type.bit_width // 8, array.buffers()[1]
    values: NDArray[Any]
    if buffer is None:  # nothing but missing values may come without any
        values = np.zeros(len(array) * width, np.uint8)
    elif truths:
        first, last = array.offset, array.offset + len(array)
        bits = np.frombuffer(buffer, np.uint8, -(-last // 8) - first // 8, first // 8)
        values = np.unpackbits(bits, bitorder="little")[first % 8:][:len(array)]
    else:
        values = np.frombuffer(buffer, np.uint8, len(array) * width, array.offset * width)
    if missing is not None:
        values = values.copy()
        values.reshape(-1, width)[missing] = 0
    if pa.types.is_floating(array.type):
        floats = values.view(_FLOATS[width])
        unclear = np.isnan(floats)
        if unclear.any():
            values = np.where(unclear, floats.dtype.type(np.nan), floats)
    return values


def _offsets(array: pa.Array) -> NDArray[Any]:
    large = pa.types.is_large_string(array.type) or pa.types.is_large_binary(array.type)
    kind = np.dtype(np.int64 if large else np.int32)
    buffer = array.buffers()[1]
    if buffer is None or not len(array):
        return np.zeros(len(array) + 1, kind)
    return np.frombuffer(buffer, kind, len(array) + 1, array.offset * kind.itemsize)


def _plain(values: Any) -> pa.Array:
    """What `flatten` gives may be in pieces."""
    return values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
