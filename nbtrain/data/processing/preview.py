"""What a step does to the user's own rows: some before, and the same after."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from nbtrain.data.processing.randomness import generator
from nbtrain.data.processing.step import PART, ROW, Step

#: Rows among which those are sought that a step changes.
LOOKED_AT = 2000


@dataclass(frozen=True, slots=True)
class Preview:
    """Rows before and after a step, with their number in the table as ``__row__``.

    A row that was left out is in `before` alone. Of windows, `before` has the first rows, `after` the first windows.
    """

    before: pa.Table
    after: pa.Table
    looked_at: int
    """Rows that were looked at."""
    changed: int
    """How many of them the step changed or left out."""


def compare(step: Step, before: pa.Table, rows: int) -> Preview:
    """What a fitted step does to rows numbered by `ROW`; those that it changes are shown first."""
    if step.augments:
        after = _augmented(step, before.slice(0, rows))
        return Preview(_shown(before.slice(0, rows)), _shown(after), len(before), len(before))
    after = pa.Table.from_batches(list(step.stream(before.to_batches() or [_empty(before)])))
    if step.group == "series":
        return Preview(_shown(before.slice(0, rows)), _shown(after.slice(0, rows)), len(before), len(before))
    changed = _changed(before, after)
    order = np.concatenate([np.flatnonzero(changed), np.flatnonzero(~changed)])[:rows]
    before_shown = before.take(pa.array(np.sort(order), pa.int64()))
    after_shown = after.filter(pc.is_in(after[ROW], before_shown[ROW]))
    return Preview(_shown(before_shown), _shown(after_shown), len(before), int(changed.sum()))


def _changed(before: pa.Table, after: pa.Table) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Which rows of `before` are not in `after`, or not the same there."""
    if set(before.schema.names) != set(after.schema.names):
        return np.ones(len(before), np.bool_)
    place = pc.index_in(before[ROW], after[ROW])
    changed: np.ndarray[Any, np.dtype[np.bool_]] = pc.is_null(place).to_numpy().copy()
    kept = np.flatnonzero(~changed)
    for name in before.schema.names:
        old = before[name].take(pa.array(kept, pa.int64())).to_pylist()
        new = after[name].take(place.drop_null()).to_pylist()
        changed[kept] |= np.array([not _same(one, other) for one, other in zip(old, new, strict=True)], np.bool_)
    return changed


def _same(one: Any, other: Any) -> bool:
    return bool(one == other or (one != one and other != other))  # noqa: PLR0124 - NaN is unlike itself


def _augmented(step: Step, table: pa.Table) -> pa.Table:
    """The rows as the first epoch of a training with seed 0 would see them."""
    seen = [
        step.augment(row, generator(0, 0, number)) for number, row in zip(table[ROW].to_pylist(), table.to_pylist(),
                                                                           strict=True)]
    return pa.Table.from_pydict({name: [row[name] for row in seen] for name in table.schema.names})


def _empty(table: pa.Table) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist([], schema=table.schema)


def _shown(table: pa.Table) -> pa.Table:
    return table.drop_columns([PART]) if PART in table.schema.names else table
