"""Windows of a time series: what a model sees, and what lies ahead of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa

from nbtrain.core.errors import DataError
from nbtrain.data.columns import Kind
from nbtrain.data.processing.arrow import NUMERIC, kind_of_arrow
from nbtrain.data.processing.ordering import Runs, in_order
from nbtrain.data.processing.step import HIDDEN, PART, ROW, Group, Step, option

#: Most bytes of windows in one batch.
BUDGET = 32 * 2**20
TIMES = NUMERIC | {Kind.DATE}


class Windows(Step):
    """Rows of each group in the order of time, cut into windows; each window becomes one row.

    A feature becomes a list of `window` float32 values, missing ones NaN. What lies ahead is ``<target>_ahead``: the
    value `horizon` = 1 row later, or a list of the next `horizon` values. Beside it are the group, and the time of the
    window's last row. A window never reaches over a gap, into another group, or, with what lies ahead of it, into
    another part of the split.

    New rows at prediction time give every window there is without what lies ahead, counted from the newest row back.
    """

    name: ClassVar[str] = "windows"
    group: ClassVar[Group] = "series"
    kinds: ClassVar[frozenset[Kind]] = NUMERIC | {Kind.BOOLEAN}
    together: ClassVar[bool] = True
    target: str = option("", columns=NUMERIC | {Kind.BOOLEAN})
    """What is to be predicted; empty for the recipe's target."""
    time: str = option("", columns=TIMES)
    """Orders the rows; empty for the order of the table."""
    groups: tuple[str, ...] = option((), columns=frozenset(Kind))
    """Rows that are equal in these columns are one series."""
    window: int = option(32, ge=1, le=100_000)
    """Rows."""
    stride: int = option(1, ge=1, le=100_000)
    """Rows from one window to the next."""
    horizon: int = option(1, ge=1, le=10_000)
    """Rows ahead that are to be predicted."""
    gap: float | None = option(None, ge=0.0)
    """The greatest time between two rows: days, or units of a column of numbers; None for any."""

    def settled(self, schema: pa.Schema, *, target: Collection[str] = ()) -> Windows:
        ahead = self.target or (next(iter(target)) if len(target) == 1 else "")
        for name, kinds in ((ahead, self.kinds), (self.time, TIMES)):
            if name:
                Step.chosen(self.model_copy(update={"columns": (name,)}), schema) if kinds is self.kinds else (
                    _must_be_time(schema, name))
        for name in self.groups:
            _must_be_there(schema, name)
        columns = self.columns or tuple(
            field.name for field in schema
            if kind_of_arrow(field.type) in self.kinds and field.name not in {*HIDDEN, *self.groups, self.time})
        found = self.model_copy(update={"columns": columns, "target": ahead})
        found.chosen(schema)
        return found

    def apply(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The windows of one batch by itself, with what lies ahead."""
        found = list(self.stream([batch]))
        return pa.Table.from_batches(found).combine_chunks().to_batches()[0] if found[0].num_rows else found[0]

    def stream(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        span = self.window + self.horizon
        runs = Runs(self.groups, self.time, self.gap)
        held: pa.Table | None = None
        made = False
        for batch in in_order(batches, self._read, (*self.groups, self.time, ROW)):
            table = pa.Table.from_batches([runs.mark(batch)])
            held = table if held is None else pa.concat_tables([held, table]).combine_chunks()
            starts = _starts(held, span, self.stride)
            for part in np.array_split(starts, 1 + len(starts) * self._bytes // BUDGET):
                if len(part):
                    made = True
                    yield self._cut(held, part, ahead=True)
            held = held.slice(max(0, held.num_rows - span + 1))
        if held is not None and not made:
            yield self._cut(held, np.empty(0, np.int64), ahead=True)

    def apply_new(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        runs = Runs(self.groups, self.time, self.gap)
        keys = (*self.groups, self.time) if self.time else self.groups
        there = batch.select([name for name in self._read if name in batch.schema.names])
        if keys:
            there = there.sort_by([(key, "ascending") for key in keys])
        marked = pa.Table.from_batches([runs.mark(there)])
        starts = _starts(marked, self.window, self.stride, newest=True)
        return self._cut(marked, starts, ahead=False)

    def without(self, lacking: Collection[str]) -> Step:
        needed = sorted({*self.columns, *self.groups, self.time} & set(lacking))
        if needed:
            raise DataError(
                f"The new rows have no column {', '.join(map(repr, needed))}, from which windows are made; their past "
                "is needed even where it is the target's.")
        return self

    def reads(self) -> set[str]:
        return {*self.columns, *self.groups, *([self.time] if self.time else []),
                *([self.target] if self.target else [])}

    @property
    def _read(self) -> tuple[str, ...]:
        """Columns that are needed, each once."""
        wanted = (*self.columns, self.target, *self.groups, self.time, ROW, PART)
        return tuple(dict.fromkeys(name for name in wanted if name))

    @property
    def _bytes(self) -> int:
        return 4 * self.window * len(self.columns)

    def _cut(self, table: pa.Table, starts: np.ndarray[Any, np.dtype[np.int64]], *, ahead: bool) -> pa.RecordBatch:
        columns: dict[str, pa.Array] = {}
        last = starts + self.window - 1
        kept = [name for name in (*self.groups, self.time, ROW, PART) if name in table.schema.names]
        for name in kept:
            columns[name] = _whole(table[name]).take(pa.array(last))
        for name in self.columns:
            title = name if name not in columns else f"{name}_window"
            columns[title] = _lists(_values(table[name]), starts, self.window)
        if ahead and self.target:
            future = _values(table[self.target])
            columns[f"{self.target}_ahead"] = (
                pa.array(future[last + 1]) if self.horizon == 1 else _lists(future, last + 1, self.horizon))
        return pa.RecordBatch.from_arrays(list(columns.values()), names=list(columns))


def _starts(table: pa.Table, span: int, stride: int, *, newest: bool = False) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Rows at which a window of `span` rows begins that stays within its run."""
    run, place = table["__run__"].to_numpy(), table["__place__"].to_numpy()
    count = len(run) - span + 1
    if count <= 0:
        return np.empty(0, np.int64)
    inside = run[:count] == run[span - 1:]
    if newest:
        ends = np.append(np.flatnonzero(np.diff(run)), len(run) - 1)
        back = ends[np.searchsorted(ends, np.arange(span - 1, len(run)))] - np.arange(span - 1, len(run))
        return np.flatnonzero(inside & (back % stride == 0))
    return np.flatnonzero(inside & (place[:count] % stride == 0))


def _lists(values: np.ndarray[Any, Any], starts: np.ndarray[Any, Any], length: int) -> pa.Array:
    if len(values) < length or not len(starts):
        return pa.FixedSizeListArray.from_arrays(pa.array([], pa.float32()), length)
    cut = np.lib.stride_tricks.sliding_window_view(values, length)[starts]
    return pa.FixedSizeListArray.from_arrays(pa.array(cut.reshape(-1)), length)


def _values(column: pa.ChunkedArray) -> np.ndarray[Any, np.dtype[np.float32]]:
    found: np.ndarray[Any, np.dtype[np.float32]] = column.cast(pa.float32(), safe=False).to_numpy()
    return found


def _whole(column: pa.ChunkedArray) -> pa.Array:
    found = column.combine_chunks()
    return found.combine_chunks() if isinstance(found, pa.ChunkedArray) else found


def _must_be_there(schema: pa.Schema, name: str) -> None:
    if name not in schema.names:
        raise DataError(f"Step windows needs column {name!r}, which is not there.")


def _must_be_time(schema: pa.Schema, name: str) -> None:
    _must_be_there(schema, name)
    kind = kind_of_arrow(schema.field(name).type)
    if kind not in TIMES:
        raise DataError(
            f"Step windows cannot order rows by column {name!r}, which holds {kind}; take a date or a "
            "number.")
