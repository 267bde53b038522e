"""Rows however they are given (Arrow, pandas, dictionaries) as one Arrow batch of the types that were trained on."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Protocol, TypeAlias

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from nbtrain.core.errors import DataError
from nbtrain.core.tasks import Progress
from nbtrain.data.columns import Kind
from nbtrain.data.processing.arrow import kind_of_arrow, texts
from nbtrain.data.processing.step import PART, ROW
from nbtrain.data.reading.csv_dialect import MISSING
from nbtrain.data.spelled import Readings
from nbtrain.data.spelled_dates import WAYS
from nbtrain.data.spelled_dates import dates as dates_of
from nbtrain.data.table import Table

#: Rows of one batch while a dataset is processed: large enough for vectors, small enough for long texts.
BATCH = 16_384
#: Of rows that hold encoded files.
HEAVY_BATCH = 32
#: What Arrow takes for a date, and a date for: the days or moments since 1970.
_NO_DATES = {Kind.INTEGER, Kind.NUMBER, Kind.BOOLEAN}
Rows: TypeAlias = Table | pa.Table | pa.RecordBatch | pd.DataFrame | Mapping[str, Any] | Sequence[Mapping[str, Any]]


class HasParts(Protocol):
    """A split: the part of each row of the table, 0 for training."""

    @property
    def parts(self) -> np.ndarray[Any, np.dtype[np.uint8]]: ...


def as_batch(given: Rows, names: Collection[str] | None = None) -> pa.RecordBatch:
    """The rows in one batch; a mapping is one row.

    Args:
        given: the rows.
        names: the columns that are wanted, of those there are; the others are not looked at. None: all are.

    Raises:
        DataError: it is none of these, its cells have no common type, or two columns have one name.
    """
    if isinstance(given, Table):
        given = pa.Table.from_batches(given.batches(_there(given, names), size=BATCH), schema=schema_of(given, names))
    if isinstance(given, pd.DataFrame):
        given = _with_index(given)
        wanted = [(at, str(name)) for at, name in enumerate(given.columns) if names is None or str(name) in names]
        return _batch([(name, given.iloc[:, at]) for at, name in wanted])
    if isinstance(given, pa.RecordBatch):
        given = pa.Table.from_batches([given])
    if isinstance(given, pa.Table):
        wanted = [(at, name) for at, name in enumerate(given.schema.names) if names is None or name in names]
        _must_differ([name for _, name in wanted])
        return one_batch(given.select([at for at, _ in wanted]))
    if isinstance(given, Mapping):
        given = [given]
    if isinstance(given, Sequence) and not isinstance(given, str) and all(isinstance(r, Mapping) for r in given):
        found = dict.fromkeys(name for row in given for name in row if names is None or name in names)
        return _batch([(str(name), [row.get(name) for row in given]) for name in found], len(given))
    raise DataError(
        f"Rows are given as {type(given).__name__}; give a dict, a list of dicts, a pandas data frame or an Arrow "
        "table.")


def one_batch(table: pa.Table) -> pa.RecordBatch:
    """A table as one batch; the batch of an empty table has its columns too."""
    arrays = [column.combine_chunks() for column in table.columns]
    flat = [a.combine_chunks() if isinstance(a, pa.ChunkedArray) else a for a in arrays]
    return pa.RecordBatch.from_arrays(flat, schema=table.schema)


def names_of(given: Rows) -> list[str]:
    """The columns there are."""
    if isinstance(given, Table):
        return [column.name for column in given.columns]
    if isinstance(given, pd.DataFrame):
        return [str(name) for name in _with_index(given).columns]
    if isinstance(given, pa.Table | pa.RecordBatch):
        return list(given.schema.names)
    return list(dict.fromkeys(str(name) for row in ([given] if isinstance(given, Mapping) else given) for name in row))


def numbered(
    table: Rows, split: HasParts | None = None, *, columns: Collection[str] | None = None,
    progress: Progress | None = None, told: tuple[int, int] = (0, 1),
) -> Iterator[pa.RecordBatch]:
    """All rows in order, with their number as the column `ROW` and, where there is a split, their part as `PART`.

    Args:
        table: the rows.
        split: the part of each.
        columns: those to read, of those there are; all when not given.
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


def schema_of(table: Rows, names: Collection[str] | None = None) -> pa.Schema:
    """The columns of the rows, or those wanted of them, with their Arrow types."""
    if not isinstance(table, Table):
        return as_batch(table, names).schema
    return table.page(limit=0, columns=_there(table, names)).drop_columns([ROW]).schema


def first_rows(table: Rows, count: int) -> pa.Table:
    """At most so many rows from the beginning."""
    if isinstance(table, Table):
        return table.page(limit=count).drop_columns([ROW])
    return pa.Table.from_batches([as_batch(table).slice(0, count)])


def cast(
    batch: pa.RecordBatch, types: Mapping[str, str], dates: Mapping[str, str] | None = None,
) -> pa.RecordBatch:
    """The columns in the types that were trained on, where those have a name; e.g. a date that came as text.

    Args:
        batch: new rows.
        types: Arrow types by column.
        dates: in which order dates were read, by column, where that was open.

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
        if array.null_count == len(array):  # NaN, which Arrow takes for no date
            arrays.append(pa.nulls(len(array), wanted))
            continue
        kinds = {kind_of_arrow(wanted), kind_of_arrow(field.type)}
        if Kind.DATE in kinds and kinds & _NO_DATES:  # 5 would be a day of 1970
            raise DataError(
                f"Column {field.name!r} holds {array.drop_null()[0].as_py()!r:.60}, of type {field.type}; the recipe "
                f"was fitted on {wanted}. Write it as that, a date as year-month-day.")
        try:
            if kind_of_arrow(wanted) is Kind.DATE and kind_of_arrow(field.type) is Kind.TEXT:
                said = _dates(field.name, texts(array), wanted, (dates or {}).get(field.name))
                arrays.append(said.cast(wanted))
            else:
                arrays.append(array.cast(wanted))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise DataError(
                f"Column {field.name!r} holds {field.type}; the recipe was fitted on {wanted}: {error}.") from error
    return pa.RecordBatch.from_arrays(arrays, names=batch.schema.names)


def _dates(name: str, column: pa.Array, wanted: pa.DataType, order: str | None) -> pa.Array:
    """Texts as the dates they say, in this order of day, month and year; None: in the one that fits all.

    Raises:
        DataError: a text is no date, may be several, or looks like one of the Persian calendar.
    """
    said = pc.utf8_trim_whitespace(column)
    said = pc.if_else(pc.is_in(said, pa.array(MISSING)), None, said)
    if order is None:  # in these years, as for a file: text there, unless its order is told
        persian = said.filter(pc.is_valid(pc.coalesce(*dates_of(said, WAYS[3:]).values())))
        if len(persian):
            raise DataError(
                f"Column {name!r} holds {persian[0].as_py()!r:.60}, which looks like a Jalali date; the dataset's "
                "are Gregorian: write it as one, year-month-day.")
    if pa.types.is_timestamp(wanted) and wanted.tz:
        return said  # with its zone, as Arrow reads it
    readings = Readings()
    found = dates_of(said, WAYS[:3] if order is None else [f"{order} gregorian"], told=True)
    readings.add(found)
    if readings.some < len(said) - said.null_count:
        wrong = said.filter(pc.and_(pc.is_valid(said), pc.is_null(pc.coalesce(*found.values()))))[0]
        order_said = f" in the order {order}, as the dataset's are" if order else ""
        raise DataError(f"Column {name!r} holds {wrong.as_py()!r:.60}, which is no date{order_said}.")
    if readings.meant is None:
        raise DataError(
            f"Column {name!r} holds dates as text, such as {said.drop_null()[0].as_py()!r:.60}, that may be day first "
            "or month first; write them as year-month-day.")
    return found[readings.meant]


def _there(table: Table, names: Collection[str] | None) -> list[str] | None:
    """The columns of a table that are wanted; None for all."""
    return None if names is None else [column.name for column in table.columns if column.name in names]


def _plain(table: Rows, columns: Collection[str] | None, progress: Progress | None) -> Iterator[pa.RecordBatch]:
    """At least one batch, so that who comes after knows the columns of an empty table too."""
    if isinstance(table, Table):
        heavy = bool(table.media) and (columns is None or not set(table.media).isdisjoint(columns))
        batches = table.batches(_there(table, columns), size=HEAVY_BATCH if heavy else BATCH, progress=progress)
        first = next(batches, None)
        yield pa.RecordBatch.from_pylist([], schema=schema_of(table, columns)) if first is None else first
        yield from batches
        return
    batch = as_batch(table, columns)
    for start in range(0, max(batch.num_rows, 1), BATCH):
        yield batch.slice(start, BATCH)


def _batch(columns: Sequence[tuple[str, Any]], rows: int = 0) -> pa.RecordBatch:
    """Columns by name as one batch; so many rows where there is no column. Raises DataError."""
    names = [name for name, _ in columns]
    _must_differ(names)
    if not columns:
        return pa.RecordBatch.from_pylist([{}] * rows)
    return pa.RecordBatch.from_arrays([_column(name, cells) for name, cells in columns], names=names)


def _with_index(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with its index as columns where that has names, as frames are imported."""
    names = frame.index.names
    return frame if None in names or not set(names).isdisjoint(frame.columns) else frame.reset_index()


def _must_differ(names: Sequence[str]) -> None:
    if doubled := [name for name, count in Counter(names).items() if count > 1]:
        raise DataError(f"There are two columns {doubled[0]!r}; leave one of them out, or rename it.")


def _column(name: str, cells: Any) -> pa.Array:
    try:
        made = pa.array(cells, from_pandas=True)
        return made.combine_chunks() if isinstance(made, pa.ChunkedArray) else made  # of frames put one after another
    except (pa.ArrowException, OverflowError, TypeError, ValueError) as error:
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
