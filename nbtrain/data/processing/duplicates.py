"""Rows that are equal to an earlier one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa

from nbtrain.data.columns import quoted
from nbtrain.data.duck import cursor
from nbtrain.data.processing.step import Group, Step

Words = np.ndarray[Any, np.dtype[np.uint64]]


class DropDuplicates(Step):
    """Rows of the dataset that are equal to an earlier one in the columns given, or in all, are left out.

    Rows are compared by 128 bits of a hash, of which 16 bytes a row are held in memory: among 10^9 rows, one is taken
    for another with a probability of 10^-21. Missing cells are equal to each other.
    """

    name: ClassVar[str] = "drop_duplicates"
    group: ClassVar[Group] = "rows"
    all_columns: ClassVar[bool] = True

    @property
    def leaves_out(self) -> bool:
        return True

    def apply(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        return next(self.stream([batch]))

    def stream(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        seen = Seen()
        for batch in batches:
            low, high = _hashes(batch.select(self.chosen(batch.schema)))
            yield batch.filter(pa.array(seen.new(low, high)))


class Seen:
    """A set of 128-bit hashes in sorted runs, each at least twice as long as the next, so that merging stays cheap."""

    def __init__(self) -> None:
        self._runs: list[tuple[Words, Words]] = []

    def new(self, low: Words, high: Words) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Which hashes were in no earlier call, nor earlier in this one; from now on they are in the set.

        Where two hashes share their low half alone, the second one counts as new: a duplicate may stay, no row that
        is unlike all others goes.
        """
        fresh = np.ones(len(low), np.bool_)
        for known_low, known_high in self._runs:
            at = np.minimum(np.searchsorted(known_low, low), len(known_low) - 1)
            fresh &= (known_low[at] != low) | (known_high[at] != high)
        _, first, belongs = np.unique(low, return_index=True, return_inverse=True)
        leader = first[belongs]
        fresh &= (leader == np.arange(len(low))) | (high[leader] != high)
        self._add(low[fresh], high[fresh])
        return fresh

    def _add(self, low: Words, high: Words) -> None:
        while self._runs and len(self._runs[-1][0]) < 2 * len(low):
            earlier_low, earlier_high = self._runs.pop()
            low, high = np.concatenate([earlier_low, low]), np.concatenate([earlier_high, high])
        if len(low):
            order = np.argsort(low, kind="stable")
            self._runs.append((low[order], high[order]))


def _hashes(batch: pa.RecordBatch) -> tuple[Words, Words]:
    """MD5 of each row's cells as text, each with its length before it, so that no two rows read alike."""
    if not batch.num_rows or not batch.num_columns:
        return np.zeros(batch.num_rows, np.uint64), np.zeros(batch.num_rows, np.uint64)
    names = [f"c{position}" for position in range(batch.num_columns)]
    table = pa.Table.from_batches([batch.rename_columns(names)])
    said = " || ".join(
        f"coalesce(length({quoted(n)}::VARCHAR) || ':' || {quoted(n)}::VARCHAR, '-')" for n in names)
    with cursor() as connection:
        found = connection.from_arrow(table).project(f"unhex(md5({said})) AS h").to_arrow_table()["h"]
    whole = pa.concat_arrays([chunk.cast(pa.binary(16)) for chunk in found.chunks])
    words = np.frombuffer(whole.buffers()[1], np.uint64).reshape(-1, 2)[whole.offset:whole.offset + len(whole)]
    return words[:, 0], words[:, 1]
