"""Rows in the order of groups and time, out of core, and where one series ends and the next begins."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from nbtrain.data.columns import quoted
from nbtrain.data.duck import cursor
from nbtrain.data.processing.step import PART

DAY = 86_400_000_000
"""Microseconds."""
BATCH = 16_384


def in_order(
    batches: Iterable[pa.RecordBatch], columns: Sequence[str], keys: Sequence[str],
) -> Iterator[pa.RecordBatch]:
    """The columns that are there of every row, sorted by those `keys` that are there; DuckDB sorts, on the disk too."""
    source = iter(batches)
    first = next(source, None)
    if first is None:
        return
    there = [name for name in columns if name in first.schema.names]
    schema = first.select(there).schema
    failed: list[BaseException] = []

    def read() -> Iterator[pa.RecordBatch]:
        try:
            yield first.select(there)
            for batch in source:
                yield batch.select(there)
        except BaseException as error:
            failed.append(error)  # DuckDB would only pass on its text
            raise

    order = ", ".join(f"{quoted(key)} NULLS LAST" for key in keys if key in there)
    with cursor() as connection:
        try:
            relation = connection.from_arrow(pa.RecordBatchReader.from_batches(schema, read()))
            found = relation.order(order) if order else relation
            nothing = True
            for batch in found.to_arrow_reader(BATCH):
                nothing = False
                yield batch
            if nothing:
                yield first.select(there).slice(0, 0)
        except duckdb.Error:
            if failed:
                raise failed[0] from None
            raise


class Runs:
    """Marks rows that come in order with the number of their run and their place in it.

    A run is rows of one group and one part without a gap; it may go on in the next batch.

    Args:
        groups: columns whose change begins a run.
        time: the column in whose order the rows are; a missing time is a run by itself.
        gap: the greatest distance within a run: days, or units of a column of numbers.
    """

    def __init__(self, groups: Sequence[str], time: str, gap: float | None) -> None:
        self._groups, self._time, self._gap = groups, time, gap
        self._last: pa.RecordBatch | None = None
        self._run, self._place = -1, -1

    def mark(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The batch with the columns ``__run__`` and ``__place__``, int64."""
        count = batch.num_rows
        breaks = self._breaks(batch)
        rows = np.arange(count)
        begun = np.maximum.accumulate(np.where(breaks, rows, -1)) if count else rows
        place = np.where(begun >= 0, rows - begun, rows + self._place + 1)
        run = self._run + np.cumsum(breaks)
        if count:
            self._run, self._place, self._last = int(run[-1]), int(place[-1]), batch.slice(count - 1)
        return pa.RecordBatch.from_arrays(
            [*batch.columns, pa.array(run, pa.int64()), pa.array(place, pa.int64())],
            names=[*batch.schema.names, "__run__", "__place__"])

    def _breaks(self, batch: pa.RecordBatch) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Whether each row begins a run."""
        lead = 0 if self._last is None else 1
        breaks = np.zeros(batch.num_rows + lead, np.bool_)
        if len(breaks):
            breaks[0] = True
        names = [*self._groups, *([PART] if PART in batch.schema.names else [])]
        for name in names:
            column = self._joined(batch, name)
            same = pc.equal(column.slice(1), column.slice(0, max(len(column) - 1, 0)))
            both = pc.and_(pc.is_null(column.slice(1)), pc.is_null(column.slice(0, max(len(column) - 1, 0))))
            breaks[1:] |= ~pc.if_else(both, True, same.fill_null(False)).to_numpy(zero_copy_only=False)
        if self._time and self._gap is not None:
            times = _numbers(self._joined(batch, self._time))
            breaks[1:] |= ~(np.diff(times) <= self._gap)  # what is no number is beyond every gap
        elif self._time:
            breaks[1:] |= np.isnan(_numbers(self._joined(batch, self._time)))[1:]
        return breaks[lead:]

    def _joined(self, batch: pa.RecordBatch, name: str) -> pa.Array:
        column = batch.column(name)
        found = column if self._last is None else pa.concat_arrays([self._last.column(name), column])
        return found.dictionary_decode() if pa.types.is_dictionary(found.type) else found


def _numbers(column: pa.Array) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Numbers as they are, dates and points in time as days."""
    unit = 1
    if pa.types.is_date(column.type) or pa.types.is_timestamp(column.type):
        zone = getattr(column.type, "tz", None)
        column, unit = column.cast(pa.timestamp("us", zone), safe=False).cast(pa.int64()), DAY
    found: np.ndarray[Any, np.dtype[np.float64]] = column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    return found / unit
