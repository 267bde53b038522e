"""Rows however they are given (Arrow, pandas, dictionaries) as one Arrow batch of the types that were trained on."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol, TypeAlias

import numpy as np
import pandas as pd
import pyarrow as pa

from nbtrain.core.errors import DataError
from nbtrain.core.tasks import Progress
from nbtrain.data.processing.step import PART, ROW
from nbtrain.data.table import Table

#: Rows of one batch while a dataset is processed: large enough for vectors, small enough for long texts.
BATCH = 16_384
#: Of rows that hold encoded files.
HEAVY_BATCH = 32
Rows: TypeAlias = Table | pa.Table | pa.RecordBatch | pd.DataFrame | Mapping[str, Any] | Sequence[Mapping[str, Any]]


class HasParts(Protocol):
    """A split: the part of each row of the table, 0 for training."""

    @property
    def parts(self) -> np.ndarray[Any, np.dtype[np.uint8]]: ...


def as_batch(given: Rows) -> pa.RecordBatch:
    """The rows in one batch; a mapping is one row.

    Raises:
        DataError: it is none of these, or its cells have no common type.
    """
    if isinstance(given, Table):
        given = pa.Table.from_batches(given.batches(size=BATCH), schema=schema_of(given))
    try:
        if isinstance(given, pd.DataFrame):
            given = pa.Table.from_pandas(given, preserve_index=False).replace_schema_metadata()
        if isinstance(given, pa.RecordBatch):
            return given
        if isinstance(given, pa.Table):
            return one_batch(given)
        if isinstance(given, Mapping):
            given = [given]
        if isinstance(given, Sequence) and not isinstance(given, str) and all(isinstance(r, Mapping) for r in given):
            names = list(dict.fromkeys(name for row in given for name in row))
            return pa.RecordBatch.from_arrays([_column(name, given) for name in names], names=names)
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise DataError(f"The rows cannot be read: {error}.") from error
    raise DataError(
        f"Rows are given as {type(given).__name__}; give a dict, a list of dicts, a pandas data frame or an Arrow "
        "table.")


def one_batch(table: pa.Table) -> pa.RecordBatch:
    """A table as one batch; the batch of an empty table has its columns too."""
    arrays = [column.combine_chunks() for column in table.columns]
    flat = [a.combine_chunks() if isinstance(a, pa.ChunkedArray) else a for a in arrays]
    return pa.RecordBatch.from_arrays(flat, schema=table.schema)


def numbered(
    table: Rows, split: HasParts | None = None, *, columns: Sequence[str] | None = None,
    progress: Progress | None = None, told: tuple[int, int] = (0, 1),
) -> Iterator[pa.RecordBatch]:
    """All rows in order, with their number as the column `ROW` and, where there is a split, their part as `PART`.

    Args:
        table: the rows.
        split: the part of each.
        columns: those to read of a `Table`; all when not given.
        progress: hears how many rows are done.
        told: which pass over the rows this is, of how many: what `progress` is told.

    Raises:
        DataError: the split is of a table with another number of rows.
    """
    parts = None if split is None else split.parts
    done = 0
    for batch in _plain(table, columns, progress):
        count = batch.num_rows
        arrays = [*batch.columns, pa.array(np.arange(done, done + count))]
        names = [*batch.schema.names, ROW]
        if parts is not None:
            arrays.append(pa.array(_of(parts, done, count), pa.uint8()))
            names.append(PART)
        done += count
        if progress is not None:
            total = None if parts is None else len(parts) * told[1]
            progress.report(done + told[0] * (done if parts is None else len(parts)), total, "rows")
        yield pa.RecordBatch.from_arrays(arrays, names=names)
    if parts is not None and done != len(parts):
        raise DataError(f"The split is of {len(parts):,} rows, the table has {done:,}; split it anew.")


def schema_of(table: Rows) -> pa.Schema:
    """The columns of the rows with their Arrow types."""
    return table.page(limit=0).drop_columns([ROW]).schema if isinstance(table, Table) else as_batch(table).schema


def first_rows(table: Rows, count: int) -> pa.Table:
    """At most so many rows from the beginning."""
    if isinstance(table, Table):
        return table.page(limit=count).drop_columns([ROW])
    return pa.Table.from_batches([as_batch(table).slice(0, count)])


def cast(batch: pa.RecordBatch, types: Mapping[str, str]) -> pa.RecordBatch:
    """The columns in the types that were trained on, where those have a name; e.g. a date that came as text.

    Raises:
        DataError: a cell cannot be taken so.
    """
    arrays = []
    for field, array in zip(batch.schema, batch.columns, strict=True):
        wanted = _type(types.get(field.name, ""))
        if wanted is None or field.type == wanted:
            arrays.append(array)
            continue
        if pa.types.is_integer(wanted) and pa.types.is_floating(field.type):
            arrays.append(array)  # 5.5 where all training rows held whole numbers: steps for numbers take either
            continue
        try:
            arrays.append(array.cast(wanted))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise DataError(
                f"Column {field.name!r} holds {field.type}; the recipe was fitted on {wanted}: {error}.") from error
    return pa.RecordBatch.from_arrays(arrays, names=batch.schema.names)


def _plain(table: Rows, columns: Sequence[str] | None, progress: Progress | None) -> Iterator[pa.RecordBatch]:
    """At least one batch, so that who comes after knows the columns of an empty table too."""
    if isinstance(table, Table):
        heavy = bool(table.media) and (columns is None or not set(table.media).isdisjoint(columns))
        batches = table.batches(columns, size=HEAVY_BATCH if heavy else BATCH, progress=progress)
        first = next(batches, None)
        yield pa.RecordBatch.from_pylist([], schema=schema_of(table)) if first is None else first
        yield from batches
        return
    batch = as_batch(table)
    for start in range(0, max(batch.num_rows, 1), BATCH):
        yield batch.slice(start, BATCH)


def _column(name: str, rows: Sequence[Mapping[str, Any]]) -> pa.Array:
    try:
        return pa.array([row.get(name) for row in rows])
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise DataError(f"The cells of column {name!r} have no common type: {error}.") from error


def _of(parts: np.ndarray[Any, np.dtype[np.uint8]], start: int, count: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    if start + count > len(parts):
        raise DataError(f"The split is of {len(parts):,} rows, the table has more; split it anew.")
    return parts[start:start + count]


def _type(name: str) -> pa.DataType | None:
    """A type that Arrow knows by this name; None for the others: nested ones, decimals."""
    if zoned := re.fullmatch(r"timestamp\[(\w+), tz=(.+)\]", name):
        return pa.timestamp(zoned[1], zoned[2])
    try:
        return pa.type_for_alias(name)
    except ValueError:
        return None
