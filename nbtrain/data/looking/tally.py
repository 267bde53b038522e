"""Numbers in ascending order, however many there are: what exact quantiles, counts and histograms are read from.

Up to `CHUNK` numbers are sorted where they are. Beyond, each chunk is sorted and its equal numbers are counted; such
runs go to the disk when they are large, and are merged piece by piece, so memory stays bounded.
"""

from __future__ import annotations

import tempfile
import weakref
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

#: Numbers that are sorted at a time; 32 MB of the longest.
CHUNK = 1 << 22
#: Every so many numbers of a run, one is kept in memory to find the others by.
_STEP = 1 << 15

Numbers = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Block:
    """Some of the numbers, ascending. With `counts` each is there once, and stands for so many."""

    values: Numbers
    counts: NDArray[np.int64] | None = None

    @property
    def cells(self) -> int:
        return len(self.values) if self.counts is None else int(self.counts.sum())


class Tally:
    """Numbers that come in any order and are given back in ascending order.

    NaN and the two infinities are only counted.

    Args:
        dtype: of the numbers.
        folder: where what does not fit into memory is written; it must outlive the tally.
        capacity: how many numbers are expected, as far as that is known.
        infinities: the two numbers that stand for minus and plus infinity, where an integer type has such.
    """

    def __init__(
        self, dtype: np.dtype[Any], folder: Path, *, capacity: int = CHUNK, infinities: tuple[int, int] | None = None,
    ) -> None:
        self.nan = 0
        self.infinite = [0, 0]
        """How often minus and plus infinity are there."""
        self.cells = 0
        """How many finite numbers there are, once `blocks` was called."""
        self.dtype = dtype
        self._folder = folder
        self._ends: tuple[Any, Any] | None = (
            infinities or (-np.inf, np.inf) if dtype.kind == "f" or infinities else None)
        self._buffer = np.empty(max(1, min(capacity, CHUNK)), dtype)
        self._filled = 0
        self._runs: list[_Run] = []
        self._closed: Numbers | None = None

    def append(self, values: Numbers) -> None:
        """Take some more."""
        while len(values):
            if self._filled == len(self._buffer):
                self._make_room(len(values))
            taken = min(len(self._buffer) - self._filled, len(values))
            self._buffer[self._filled:self._filled + taken] = values[:taken]
            self._filled += taken
            values = values[taken:]

    def blocks(self) -> Iterator[Block]:
        """All finite numbers, ascending; equal ones are in one block. May be called again; nothing is added after."""
        if self._closed is None:
            self._closed = self._sorted()
            if self._runs and len(self._closed):
                self._runs.append(_Run(self._closed, self._folder))
            self._buffer = np.empty(0, self.dtype)
        if self._runs:
            yield from _merged(self._runs)
        elif len(self._closed):
            yield Block(self._closed)

    def free(self) -> None:
        """Forget the numbers; what was counted stays."""
        self._buffer = self._closed = np.empty(0, self.dtype)
        self._runs = []

    def _make_room(self, more: int) -> None:
        size = len(self._buffer)
        if size < CHUNK:
            grown = np.empty(min(CHUNK, max(2 * size, size + more)), self.dtype)
            grown[:size] = self._buffer
            self._buffer = grown
        else:
            found = self._sorted()
            if len(found):
                self._runs.append(_Run(found, self._folder))
            self._filled = 0

    def _sorted(self) -> Numbers:
        """What is in the buffer, ascending, without NaN and infinities, which are counted."""
        values = self._buffer[:self._filled]
        values.sort()
        if self.dtype.kind == "f":
            end = int(np.searchsorted(values, np.nan))
            self.nan += len(values) - end
            values = values[:end]
        if self._ends is not None:
            low, high = self._ends
            first = int(np.searchsorted(values, low, side="right"))
            last = int(np.searchsorted(values, high, side="left"))
            self.infinite[0] += first
            self.infinite[1] += len(values) - last
            values = values[first:max(first, last)]
        self.cells += len(values)
        return values


class _Run:
    """One sorted chunk, equal numbers counted; in memory when it is small."""

    def __init__(self, ascending: Numbers, folder: Path) -> None:
        starts = np.concatenate(([0], np.flatnonzero(ascending[1:] != ascending[:-1]) + 1))
        values, counts = ascending[starts], np.diff(starts, append=len(ascending)).astype(np.int32)
        self.size = len(values)
        self.marks = values[_STEP - 1::_STEP].copy()
        self._parts: tuple[Numbers, Numbers] | None = (values, counts) if self.size <= _STEP else None
        self._files: list[IO[bytes]] = []
        self.dtypes = (values.dtype, counts.dtype)
        if self._parts is None:
            for part in (values, counts):
                file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - it lives as long as the run
                weakref.finalize(self, file.close)
                file.write(part.data)
                self._files.append(file)

    def upto(self, start: int, limit: Any | None) -> tuple[Numbers, Numbers]:
        """Numbers and counts from place `start` on, as far as they are less than `limit`."""
        stop = self.size
        if limit is not None:
            stop = min(stop, (int(np.searchsorted(self.marks, limit, side="left")) + 1) * _STEP)
        values, counts = self._read(start, max(start, stop))
        end = len(values) if limit is None else int(np.searchsorted(values, limit, side="left"))
        return values[:end], counts[:end]

    def _read(self, start: int, stop: int) -> tuple[Numbers, Numbers]:
        if self._parts is not None:
            return self._parts[0][start:stop], self._parts[1][start:stop]
        found = []
        for file, dtype in zip(self._files, self.dtypes, strict=True):
            file.seek(start * dtype.itemsize)
            found.append(np.frombuffer(file.read((stop - start) * dtype.itemsize), dtype))
        return found[0], found[1]


def _merged(runs: Sequence[_Run]) -> Iterator[Block]:
    """The runs as one, in blocks of about `CHUNK` / 2 different numbers."""
    marks = np.sort(np.concatenate([run.marks for run in runs]))
    step = max(1, CHUNK // 2 // _STEP)
    limits: list[Any] = [*np.unique(marks[step::step]), None]
    places = [0] * len(runs)
    for limit in limits:
        parts = [run.upto(place, limit) for run, place in zip(runs, places, strict=True)]
        places = [place + len(values) for place, (values, _) in zip(places, parts, strict=True)]
        values = np.concatenate([values for values, _ in parts])
        counts = np.concatenate([counts for _, counts in parts])
        if not len(values):
            continue
        order = np.argsort(values, kind="stable")
        values, counts = values[order], counts[order].astype(np.int64)
        starts = np.concatenate(([0], np.flatnonzero(values[1:] != values[:-1]) + 1))
        yield Block(values[starts], np.add.reduceat(counts, starts))
