"""Figures of a column's numbers, each exact, read from the numbers in ascending order."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from nbtrain.data.looking import bars
from nbtrain.data.looking.facts import QUANTILES, TOP
from nbtrain.data.looking.tally import Block, Numbers, Tally

#: The middle 98 %, outside of which a histogram may see outliers.
_CORE = (0.01, 0.99)
_PIECE = 1 << 18

Scalar = int | float


@dataclass(slots=True)
class Figures:
    """What the finite numbers of a column are like."""

    cells: int = 0
    distinct: int = 0
    """Infinities are values too, each one."""
    zeros: int = 0
    minimum: Scalar | None = None
    maximum: Scalar | None = None
    mean: float | None = None
    std: float | None = None
    """Of a sample (n − 1)."""
    quantiles: list[Scalar] = field(default_factory=list)
    """At `QUANTILES`; `middle` has those at `_CORE`."""
    middle: list[Scalar] = field(default_factory=list)
    top: list[tuple[Scalar, int]] = field(default_factory=list)
    """Numbers that are there more than once, most frequent first; equally frequent ones ascending."""


def measured(tally: Tally, *, moments: bool = True, top: int = TOP) -> Figures:
    """The figures of what `tally` holds; without `moments` no mean and quantiles, for numbers that only tell apart."""
    found = Figures()
    ranks: list[int] | None = None
    places: dict[int, Scalar] = {}
    sums = _Sums()
    candidates: list[tuple[Scalar, int]] = []
    for block in tally.blocks():
        if ranks is None:  # how many cells there are is known with the first block
            ranks = sorted({rank for share in (*QUANTILES, *_CORE) for rank in _around(share, tally.cells)})
            found.minimum = block.values[0].item()
        found.maximum = block.values[-1].item()
        ends = None if block.counts is None else np.cumsum(block.counts)
        cells = block.cells
        if moments:
            for rank in ranks:
                if found.cells <= rank < found.cells + cells:
                    places[rank] = _at(block, ends, rank - found.cells)
            sums.add(block)
            found.zeros += _below(block, ends, 0, "right") - _below(block, ends, 0, "left")
        different, frequent = _frequent(block, top)
        found.distinct += different
        candidates = sorted(candidates + frequent, key=lambda pair: (-pair[1], pair[0]))[:top]
        found.cells += cells
    found.distinct += sum(count > 0 for count in tally.infinite)
    found.top = candidates
    if moments and found.cells:
        found.mean, found.std = sums.mean(), sums.std()
        found.quantiles = [_between(places, share, found.cells) for share in QUANTILES]
        found.middle = [_between(places, share, found.cells) for share in _CORE]
    return found


def histogram(
    tally: Tally, figures: Figures, edges: Callable[[Any, Any], list[Any]],
) -> tuple[list[Any], list[int]]:
    """Edges and counts of the bars; `edges` is asked with what the bars of one width are to span."""
    if figures.minimum is None or figures.maximum is None:
        return [], []
    low, high = bars.core(figures.minimum, figures.maximum, *figures.middle)
    dtype = tally.dtype
    whole = dtype.kind != "f"
    placed = bars.fitting(edges(math.floor(low), math.ceil(high)) if whole else edges(low, high), dtype) or [low]
    inner = [edge for edge in placed[1:-1] if figures.minimum < edge <= figures.maximum]
    last = placed[-1]
    if last <= figures.maximum:
        with np.errstate(over="ignore"):
            above = np.nextafter(dtype.type(figures.maximum), dtype.type(np.inf)) if not whole else None
        last = figures.maximum + 1 if above is None else float(above)
    before = np.zeros(len(inner), np.int64)
    for block in tally.blocks():
        found = np.searchsorted(block.values, np.array(inner, dtype), side="left")
        before += found if block.counts is None else np.concatenate(([0], np.cumsum(block.counts)))[found]
    return (
        [min(placed[0], figures.minimum), *inner, figures.maximum if last == math.inf else last],
        np.diff(before, prepend=0, append=figures.cells).tolist())


class _Sums:
    """Mean and deviation, summed about a number among the data so that nothing is lost to large offsets."""

    def __init__(self) -> None:
        self._about: float | None = None
        self._cells, self._sum, self._squares = 0, 0.0, 0.0

    def add(self, block: Block) -> None:
        if self._about is None:
            self._about = float(block.values[len(block.values) // 2])
        with np.errstate(over="ignore", invalid="ignore"):
            for start in range(0, len(block.values), _PIECE):
                away = block.values[start:start + _PIECE].astype(np.float64) - self._about
                weighted = away if block.counts is None else away * block.counts[start:start + _PIECE]
                self._sum += float(weighted.sum())
                self._squares += float(weighted @ away)
        self._cells += block.cells

    def mean(self) -> float | None:
        return _finite((self._about or 0.0) + self._sum / self._cells)

    def std(self) -> float | None:
        if self._cells < 2 or not math.isfinite(self._squares):
            return None
        return math.sqrt(max(0.0, self._squares - self._sum / self._cells * self._sum) / (self._cells - 1))


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _around(share: float, cells: int) -> tuple[int, int]:
    """The two ranks that a quantile lies between."""
    low = math.floor(share * (cells - 1))
    return low, min(low + 1, cells - 1)


def _between(places: dict[int, Scalar], share: float, cells: int) -> Scalar:
    low, high = (places[rank] for rank in _around(share, cells))
    part = share * (cells - 1) - math.floor(share * (cells - 1))
    return low if part == 0 or low == high else low * (1 - part) + high * part


def _at(block: Block, ends: Any, rank: int) -> Scalar:
    place = rank if ends is None else int(np.searchsorted(ends, rank, side="right"))
    found: Scalar = block.values[place].item()
    return found


def _below(block: Block, ends: Any, value: Scalar, side: Any) -> int:
    place = int(np.searchsorted(block.values, block.values.dtype.type(value), side=side))
    return place if ends is None or place == 0 else int(ends[place - 1])


def _frequent(block: Block, top: int) -> tuple[int, list[tuple[Scalar, int]]]:
    """How many different numbers there are, and the most frequent of those that are there more than once."""
    if block.counts is not None:
        return len(block.values), _most(block.values, block.counts, top)
    values, different = block.values, 0
    begun = 0
    found: list[tuple[Scalar, int]] = []
    for start in range(0, len(values), _PIECE):  # in pieces: places take eight bytes each
        stop = min(start + _PIECE, len(values))
        last = stop == len(values)
        ends = np.flatnonzero(values[start + 1:stop + (not last)] != values[start:stop - last]) + start + 1
        ends = np.append(ends, stop) if last else ends
        if not len(ends):
            continue
        starts = np.concatenate(([begun], ends[:-1]))
        different += len(ends)
        begun = int(ends[-1])
        if len(ends) < begun - starts[0]:
            found += _most(values[starts], ends - starts, top)
    return different, sorted(found, key=lambda pair: (-pair[1], pair[0]))[:top]


def _most(values: Numbers, counts: Numbers, top: int) -> list[tuple[Scalar, int]]:
    """The most frequent of these, of those that are there more than once; of equally frequent ones the smallest."""
    least = 2 if len(counts) <= top else max(2, int(np.partition(counts, -top)[-top]))
    more = np.flatnonzero(counts > least)
    equal = np.flatnonzero(counts == least)[:max(0, top - len(more))]
    chosen = np.concatenate((more, equal))
    return list(zip(values[chosen].tolist(), counts[chosen].tolist(), strict=True))
