"""What is asked of each column to profile it, as SQL that gives numbers, and what its profile says of them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from nbtrain.data.columns import Column, Kind, quoted
from nbtrain.data.conditions import as_text
from nbtrain.data.looking import bars
from nbtrain.data.looking.facts import ColumnProfile, Count, Histogram, Lengths
from nbtrain.data.looking.measures import Figures, Scalar, histogram, measured
from nbtrain.data.looking.scales import Scale, scale_of
from nbtrain.data.looking.tally import Numbers, Tally

#: A first letter of Hebrew, Arabic, Syriac, Thaana, N'Ko and their kin: a letter that is in none of the other ranges.
_RIGHT_TO_LEFT = (
    r"^\P{L}*[^\P{L}\x{0000}-\x{058F}\x{0900}-\x{FB1C}\x{FE00}-\x{FE6F}\x{FF00}-\x{107FF}"
    r"\x{11000}-\x{1E7FF}\x{1F000}-\x{10FFFF}]")
_EXACT_DIGITS = 15
_WIDE = {"HUGEINT", "UHUGEINT", "BIGNUM"}


@dataclass(frozen=True, slots=True)
class Stream:
    """One expression of a column that gives a number for each cell, NULL where the cell is."""

    sql: str
    dtype: np.dtype[Any]
    infinities: tuple[int, int] | None = None

    def numbers(self, cells: pa.Array) -> Numbers:
        """The cells as numbers, without NULL."""
        present = cells.drop_null() if cells.null_count else cells
        if pa.types.is_temporal(present.type):
            present = present.view(pa.int32() if self.dtype.itemsize == 4 else pa.int64())
        found: Numbers = present.to_numpy(zero_copy_only=False)
        return found


@dataclass(frozen=True, slots=True)
class Probe:
    """The streams of one column: its numbers or lengths, and hashes that tell its values apart where those do not."""

    column: Column
    numbers: Stream
    hashes: Stream | None = None
    scale: Scale | None = None
    """Of an ordered column."""

    @property
    def streams(self) -> tuple[Stream, ...]:
        return (self.numbers,) if self.hashes is None else (self.numbers, self.hashes)


def probe(column: Column) -> Probe:
    """What to ask of a column."""
    name = quoted(column.name)
    if column.kind.is_ordered:
        scale = scale_of(column)
        digits = re.match(r"DECIMAL\((\d+)", column.type)
        wide = column.type in _WIDE or (digits is not None and int(digits[1]) > _EXACT_DIGITS)
        return Probe(column, Stream(scale.sql, scale.dtype, scale.infinities), _hash(name) if wide else None, scale)
    if column.kind is Kind.BOOLEAN:
        return Probe(column, Stream(f"{name}::TINYINT", np.dtype("i1")))
    if column.kind is Kind.TEXT:
        text = as_text(column)
        turned = f"strlen({text}) > length({text}) AND regexp_matches({text}, '{_RIGHT_TO_LEFT}')"
        # A text that is read from right to left has a length below zero: one number less for each cell to carry.
        return Probe(column, Stream(
            f"(CASE WHEN {turned} THEN -length({text}) ELSE length({text}) END)::INTEGER", np.dtype("i4")), _hash(text))
    if column.kind is Kind.NESTED:
        return Probe(column, Stream(_elements(column, name), np.dtype("i8")), _hash(name))
    if column.type == "BLOB":
        return Probe(column, Stream(f"octet_length({name})", np.dtype("i8")))
    return Probe(column, Stream(f"CASE WHEN {name} IS NOT NULL THEN 0::BIGINT END", np.dtype("i8")))


@dataclass(slots=True)
class Seen:
    """What was seen of a column while its cells went by."""

    rows: int = 0
    missing: int = 0
    """NULL alone."""
    right_to_left: int = 0


def described(
    probe: Probe, numbers: Tally, hashed: Figures | None, seen: Seen,
) -> tuple[ColumnProfile, dict[int, int]]:
    """The profile of a column, without its most frequent texts: of those, hashes and how often they are there."""
    column, figures = probe.column, measured(numbers)
    missing = seen.missing + numbers.nan
    common: dict[str, Any] = {
        "name": column.name, "kind": column.kind, "type": column.type, "rows": seen.rows, "missing": missing,
        "distinct": (hashed or figures).distinct}
    if probe.scale is not None:
        return ColumnProfile(**common, **_ordered(probe.scale, numbers, figures)), {}
    if column.kind is Kind.BOOLEAN:
        counts = {False: figures.zeros, True: seen.rows - missing - figures.zeros}
        top = sorted((Count(value, count) for value, count in counts.items() if count), key=lambda each: -each.count)
        return ColumnProfile(**common, top=tuple(top)), {}
    lengths = _lengths(numbers, figures)
    if column.kind is Kind.TEXT:
        share = seen.right_to_left / (seen.rows - missing) if seen.rows > missing else None
        return (
            ColumnProfile(**common, characters=lengths, right_to_left=share),
            {int(value): count for value, count in hashed.top} if hashed else {})
    if column.kind is Kind.NESTED:
        return ColumnProfile(**common, elements=lengths if _countable(column) else None), {}
    common["distinct"] = None
    return ColumnProfile(**common, elements=lengths if column.type == "BLOB" else None), {}


def _ordered(scale: Scale, tally: Tally, figures: Figures) -> dict[str, Any]:
    edges, counts = histogram(tally, figures, scale.edges)

    def said(value: Scalar | None) -> Scalar | str | None:
        return None if value is None else scale.say(value)

    return {
        "minimum": said(figures.minimum), "maximum": said(figures.maximum), "mean": said(figures.mean),
        "std": scale.spread(figures.std), "quantiles": tuple(map(scale.say, figures.quantiles)),
        "zeros": figures.zeros if scale.second is None else None, "infinite": sum(tally.infinite),
        "histogram": Histogram(tuple(map(scale.say, edges)), tuple(counts)) if edges else None,
        "top": tuple(Count(scale.say(value), count) for value, count in figures.top),
    }


def lengths_of(counts: Numbers, folder: Path, *, sampled: bool = False) -> Lengths | None:
    """What these lengths are like; None when there are none."""
    tally = Tally(np.dtype("i8"), folder, capacity=len(counts))
    tally.append(counts)
    return _lengths(tally, measured(tally), sampled=sampled)


def _lengths(tally: Tally, figures: Figures, *, sampled: bool = False) -> Lengths | None:
    if figures.minimum is None or figures.maximum is None or figures.mean is None:
        return None
    edges, counts = histogram(tally, figures, bars.of_integers)
    return Lengths(
        int(figures.minimum), int(figures.maximum), figures.mean, tuple(map(float, figures.quantiles)),
        Histogram(tuple(edges), tuple(counts)), figures.cells, sampled)


def _hash(expression: str) -> Stream:
    """Numbers that tell values apart: of n different values two have the same one with a chance of n² / 2⁶⁵."""
    return Stream(f"hash({expression})", np.dtype("u8"))


def _countable(column: Column) -> bool:
    return column.type.endswith("]") or column.type.startswith("MAP(")


def _elements(column: Column, name: str) -> str:
    if column.type.endswith("[]"):
        return f"len({name})"
    if column.type.endswith("]"):
        return f"array_length({name})"
    if column.type.startswith("MAP("):
        return f"cardinality({name})::BIGINT"
    return f"CASE WHEN {name} IS NOT NULL THEN 0::BIGINT END"
