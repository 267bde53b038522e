"""Measuring what a table holds: exactly, out of core, both cores at work.

Where columns lie apart (Parquet), each is read and sorted by itself, two at a time. Where they lie in rows (CSV, JSON),
all are read in one pass, and wait as plain numbers on the disk for their turn. Texts are told apart by 64-bit hashes.
"""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import replace
from pathlib import Path
from typing import IO, Any, TypeVar

import numpy as np

from nbtrain.core.tasks import Progress
from nbtrain.data.columns import Kind
from nbtrain.data.importing.image_sizes import pictures
from nbtrain.data.looking.facts import ColumnProfile, Count, Histogram, Lengths, Pictures, Profile
from nbtrain.data.looking.lengths import counter, token_lengths
from nbtrain.data.looking.measures import Figures, measured
from nbtrain.data.looking.probes import Probe, Seen, Stream, described, probe
from nbtrain.data.looking.tally import CHUNK, Numbers, Tally
from nbtrain.data.looking.values import classes, texts
from nbtrain.data.table import Table

__all__ = ["ColumnProfile", "Count", "Histogram", "Lengths", "Pictures", "Profile", "profile"]

#: Rows at a time from DuckDB.
_BATCH = 131_072
#: Cells of a table that is read in one go, its columns side by side.
_SMALL = 1 << 20
#: Columns of one pass over rows; each has up to two files open.
_WIDTH = 200
_WORKERS = 2
#: Numbers that are read back from the disk at a time.
_PART = 1 << 19

T = TypeVar("T")
#: The profile of a column, and hashes of frequent texts with their counts.
_Result = tuple[ColumnProfile, dict[int, int]]


def profile(
    table: Table, *, target: str | None = None, tokenizer: Any = None, progress: Progress | None = None,
) -> Profile:
    """What each column of `table` holds.

    Args:
        table: what to look at.
        target: the column whose values are counted as classes.
        tokenizer: what counts the tokens of texts: anything with ``encode_batch`` or ``encode``, or a callable that
            gives ``input_ids``: a `tokenizers.Tokenizer`, a tokenizer of transformers, a function.
        progress: told what share of the cells is done, or how many rows where their number is not known; cancelling it
            ends the work at once.

    Raises:
        ConfigError: `tokenizer` is none.
        DataError: the table cannot be read, or has no column `target`.
        CancelledError: it was called off.
    """
    chosen = None if target is None else table.column(target)
    if tokenizer is not None:
        counter(tokenizer)  # before anything is read
    with tempfile.TemporaryDirectory(prefix="nbtrain-profile-") as folder:
        work = _Work(table, Path(folder), progress)
        found = work.columns()
    columns = texts(table, found, progress)
    for name, column in columns.items():
        if column.kind is Kind.IMAGE:
            sizes = pictures(table, table.column(name), column.rows - column.missing, progress)
            columns[name] = replace(column, pictures=sizes)
        elif column.characters is not None and tokenizer is not None:
            tokens = token_lengths(table, table.column(name), tokenizer, column.characters, progress)
            columns[name] = replace(column, tokens=tokens)
    rows = next((column.rows for column in columns.values()), 0)
    counted, others = ((), 0) if chosen is None else classes(table, chosen, columns[chosen.name], progress)
    return Profile(rows, table.bytes, columns, target, counted, others)


class _Work:
    """The columns of one table, being profiled."""

    def __init__(self, table: Table, folder: Path, progress: Progress | None) -> None:
        self._table = table
        self._folder = folder
        self._progress = progress
        self._probes = [probe(column) for column in table.columns]
        self._rows = table.rows(progress=progress) if table.columnar else None
        self._done = 0
        self._lock = threading.Lock()
        self._stop = threading.Event()

    def columns(self) -> dict[str, _Result]:
        """By name, in the order of the table."""
        if self._rows is None:
            passes = [self._probes[i:i + _WIDTH] for i in range(0, len(self._probes), _WIDTH)]
            done = [result for probes in passes for result in self._from_rows(probes)]
        elif self._rows * len(self._probes) <= _SMALL:
            done = self._together(self._probes)
        else:
            done = self._in_parallel(lambda probe: self._together([probe])[0], self._probes)
        return {probe.column.name: result for probe, result in zip(self._probes, done, strict=True)}

    def _together(self, probes: Sequence[Probe]) -> list[_Result]:
        """Columns that are small enough, or few enough, to be tallied while they are read."""
        capacity = min(self._rows or CHUNK, CHUNK)
        tallies = [[self._tally(stream, capacity) for stream in probe.streams] for probe in probes]
        seen = self._read(probes, [[tally.append for tally in each] for each in tallies])
        return [_finished(*each) for each in zip(probes, tallies, seen, strict=True)]

    def _from_rows(self, probes: Sequence[Probe]) -> list[_Result]:
        """Columns of rows: read in one pass, tallied afterwards."""
        heaps = [[_Heap(stream.dtype, self._folder) for stream in probe.streams] for probe in probes]
        try:
            seen = self._read(probes, [[heap.append for heap in each] for each in heaps])

            return self._in_parallel(lambda each: self._tallied(*each), list(zip(probes, heaps, seen, strict=True)))
        finally:
            for heap in (heap for each in heaps for heap in each):
                heap.close()

    def _tallied(self, probe: Probe, heaps: Sequence[_Heap], seen: Seen) -> _Result:
        hashed = None
        if probe.hashes is not None:
            hashed = _told_apart(self._filled(probe.hashes, heaps[1]))
        return described(probe, self._filled(probe.numbers, heaps[0]), hashed, seen)

    def _filled(self, stream: Stream, heap: _Heap) -> Tally:
        tally = self._tally(stream, heap.cells)
        for numbers in heap:
            self._check()
            tally.append(numbers)
        return tally

    def _in_parallel(self, work: Callable[[T], _Result], items: Sequence[T]) -> list[_Result]:
        """All results; the first exception ends the others."""
        with ThreadPoolExecutor(_WORKERS, thread_name_prefix="nbtrain-profile") as pool:
            futures = [pool.submit(work, item) for item in items]
            done, waiting = wait(futures, return_when=FIRST_EXCEPTION)
            failed = [error for future in done if (error := future.exception())]
            if failed:
                self._stop.set()
                for future in waiting:
                    future.cancel()
                raise next((error for error in failed if not isinstance(error, _StoppedError)), failed[0])
        return [future.result() for future in futures]

    def _read(self, probes: Sequence[Probe], takers: Sequence[Sequence[Callable[[Numbers], None]]]) -> list[Seen]:
        """Read the streams of several columns at once, and hand their numbers on."""
        seen = [Seen() for _ in probes]
        listed = ", ".join(
            f"{stream.sql} AS s{i}" for i, stream in enumerate(stream for probe in probes for stream in probe.streams))
        for batch in self._table.stream(
            f"SELECT {listed} FROM {self._table.source}", size=_BATCH, progress=self._progress,
        ):
            place = 0
            for each, asked, takes in zip(seen, probes, takers, strict=True):
                cells = batch.column(place)
                numbers = asked.numbers.numbers(cells)
                each.rows += len(cells)
                each.missing += cells.null_count
                if asked.column.kind is Kind.TEXT:
                    each.right_to_left += int(np.count_nonzero(numbers < 0))
                    numbers = np.abs(numbers)
                takes[0](numbers)
                if asked.hashes is not None:
                    hashes = batch.column(place + 1)
                    # A missing cell has a hash too.
                    takes[1](asked.hashes.numbers(hashes.filter(cells.is_valid()) if cells.null_count else hashes))
                place += len(asked.streams)
            self._report(batch.num_rows * len(probes))
        return seen

    def _tally(self, stream: Stream, capacity: int) -> Tally:
        return Tally(stream.dtype, self._folder, capacity=capacity, infinities=stream.infinities)

    def _report(self, cells: int) -> None:
        self._check()
        with self._lock:
            self._done += cells
            if self._progress is None:
                return
            if self._rows is None:
                self._progress.report(self._done / max(1, len(self._probes)), None, "rows")
            else:
                self._progress.report(self._done, self._rows * len(self._probes))

    def _check(self) -> None:
        if self._progress is not None:
            self._progress.check()
        if self._stop.is_set():
            raise _StoppedError


class _Heap:
    """Numbers as they come, in a file once they are many."""

    def __init__(self, dtype: np.dtype[Any], folder: Path) -> None:
        self.cells = 0
        self._dtype = dtype
        self._file: IO[bytes] = tempfile.SpooledTemporaryFile(  # noqa: SIM115 - see close
            max_size=1 << 18, dir=str(folder))

    def append(self, numbers: Numbers) -> None:
        self._file.write(np.ascontiguousarray(numbers, self._dtype).data)
        self.cells += len(numbers)

    def __iter__(self) -> Iterator[Numbers]:
        self._file.seek(0)
        while part := self._file.read(_PART * self._dtype.itemsize):
            yield np.frombuffer(part, self._dtype)

    def close(self) -> None:
        self._file.close()


class _StoppedError(Exception):
    """Another column failed; this one need not go on."""


def _finished(probe: Probe, tallies: Sequence[Tally], seen: Seen) -> _Result:
    return described(probe, tallies[0], _told_apart(tallies[1]) if len(tallies) > 1 else None, seen)


def _told_apart(hashes: Tally) -> Figures:
    """How many values there are, and the most frequent hashes; the others are forgotten."""
    found = measured(hashes, moments=False)
    hashes.free()
    return found
