"""Splitting in time order: the oldest rows train, the newest test, and a gap before each border is left out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nbtrain.core.errors import DataError
from nbtrain.core.tasks import Progress
from nbtrain.data.columns import Column, Kind, quoted
from nbtrain.data.splits.assign import by_rank
from nbtrain.data.splits.spec import Part, SplitSpec
from nbtrain.data.table import Table


def clock(table: Table, name: str, *, progress: Progress | None = None) -> tuple[str, bool]:
    """SQL of a column's cells as numbers that grow with time, and whether they are microseconds.

    Raises:
        DataError: the column is not there, has no order in time, or is text of which a cell is no date.
    """
    column = table.column(name)
    if column.kind in {Kind.INTEGER, Kind.NUMBER}:
        return f"{quoted(name)}::DOUBLE", False
    if column.kind is Kind.DATE:
        zoned = column.type.endswith("TIME ZONE")
        return f"epoch_us({quoted(name) if zoned else f'{quoted(name)}::TIMESTAMP'})", True
    if column.kind is Kind.TEXT:
        return _parsed(table, column, progress), True
    raise DataError(f"{name!r} of {table.name} holds {column.kind} values; an order in time needs dates or numbers.")


def _parsed(table: Table, column: Column, progress: Progress | None) -> str:
    cell = f"{quoted(column.name)}::VARCHAR"
    moment = f"try_cast(trim({cell}) AS TIMESTAMPTZ)"
    bad = table.sql(
        f"SELECT {cell} AS cell FROM {table.source} WHERE trim({cell}) <> '' AND {moment} IS NULL LIMIT 1",
        progress=progress)["cell"].to_pylist()
    if bad:
        raise DataError(
            f"{column.name!r} of {table.name} holds {bad[0]!r:.60}, which is no date such as 2026-01-31 or "
            "2026-01-31 12:00:00; convert the column first.")
    return f"epoch_us({moment})"


@dataclass(frozen=True)
class InTime:
    """What came out: the part of each row, groups that had too few moments, and groups whose parts overlap."""

    parts: np.ndarray
    rare: int
    overlap: bool


@dataclass(frozen=True)
class _Moments:
    """What is not cut: the rows of one group at one time, in the order of groups, and of time within them."""

    strata: np.ndarray
    """Number of the group, from 0."""
    starts: np.ndarray
    """Where its rows begin in that order."""
    weights: np.ndarray
    """How many they are."""
    times: np.ndarray


def in_time(spec: SplitSpec, times: np.ndarray, groups: np.ndarray | None, *, microseconds: bool) -> InTime:
    """Divide rows by their time, each group on its own; equal times of a group stay together.

    Args:
        spec: its shares and gap.
        times: of each row; NaN where there is none, and such rows are left out.
        groups: uint64 of each row; None where all rows are one series.
        microseconds: what the times are in; else they are numbers without a unit.

    Raises:
        DataError: a gap in time where the times have no unit, or too few moments for the parts, or for the gap.
    """
    if spec.gap_seconds is not None and not microseconds:
        raise DataError(
            f"gap is {spec.gap!r}, but {spec.time!r} holds plain numbers; give the gap as a number of rows.")
    order = np.lexsort((times, groups)) if groups is not None else np.argsort(times, kind="stable")
    order = order[~np.isnan(times[order])]
    if not len(order):
        raise DataError(f"No row has a time in {spec.time!r}; choose another column.")
    time = times[order]
    new_group = np.arange(len(order)) == 0 if groups is None else _changes(groups[order])
    new_moment = new_group | _changes(time)
    starts = np.flatnonzero(new_moment).astype(np.int32)
    strata = (np.cumsum(new_group, dtype=np.int32) - 1)[starts]
    moments = _Moments(strata, starts, np.diff(np.append(starts, np.int32(len(order)))), time[starts])
    given, rare = by_rank(strata, moments.weights, spec.shares, np.full(strata[-1] + 1, 0.5), small=(0, 1, 2))
    left = _without_gap(spec, given, moments)
    for part, share in zip(Part, spec.shares, strict=False):
        if share and not (left == part).any():
            why = (f"the gap of {spec.gap!r} leaves none; take a shorter gap" if (given == part).any() else
                   f"{spec.time!r} has {len(starts):,} different times; take fewer parts (a share of 0)")
            raise DataError(f"No row is left for {part.name.lower()}: {why}.")
    parts = np.full(len(times), Part.LEFT_OUT, np.uint8)
    parts[order] = left[np.cumsum(new_moment, dtype=np.int32) - 1]
    return InTime(parts, int(rare.sum()), _overlap(left, moments.times))


def _changes(values: np.ndarray) -> np.ndarray:
    """Whether each value is another than the one before it; the first is."""
    return np.append(True, values[1:] != values[:-1])


def _without_gap(spec: SplitSpec, given: np.ndarray, moments: _Moments) -> np.ndarray:
    """The parts, less what is within the gap before a later part begins, in each group."""
    left = given.copy()
    for border in (Part.VALIDATION, Part.TEST):
        first = _firsts(given, border, moments.strata)
        begin = np.full(moments.strata[-1] + 1, -1)
        begin[moments.strata[first]] = first
        at = begin[moments.strata]
        if spec.gap_seconds is None:
            near = moments.starts + moments.weights > moments.starts[at] - int(spec.gap)
        else:
            near = moments.times > moments.times[at] - spec.gap_seconds * 1e6
        left[(at >= 0) & (given < border) & near] = Part.LEFT_OUT
    return left


def _firsts(parts: np.ndarray, part: Part, strata: np.ndarray) -> np.ndarray:
    """The first unit of a part in each group that has it."""
    found = np.flatnonzero(parts == part)
    new = np.append(True, np.diff(strata[found]) != 0)
    return np.asarray(found[new[:len(found)]])


def _overlap(of_unit: np.ndarray, moments: np.ndarray) -> bool:
    """Whether a row of an earlier part is as late as one of a later part, of another group."""
    latest = -np.inf
    for part in (Part.TRAIN, Part.VALIDATION, Part.TEST):
        mine = moments[of_unit == part]
        if len(mine):
            if mine.min() <= latest:
                return True
            latest = max(latest, float(mine.max()))
    return False
