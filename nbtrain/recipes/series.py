"""Rows in the order of time, series by series; and what is wrong with their time stamps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from nbtrain.core.errors import DataError
from nbtrain.data.columns import Kind, quoted
from nbtrain.data.derived import scan
from nbtrain.data.splits.moments import clock
from nbtrain.data.table import ROW, Table
from nbtrain.recipes.telling import listed, rows

#: Names that a column of times has, where none is of dates.
TIMES = ("time", "timestamp", "datetime", "date", "ts", "step")


@dataclass(frozen=True, slots=True)
class Timeline:
    """Where each row of a table belongs.

    Attributes:
        order: places of the rows in the table, series by series, each in the order of time.
        starts: where each series begins in that order, and the end of the last.
        names: of the series; one that is None where all rows are one.
        times: of the rows in that order, growing within a series.
        microseconds: whether times are so many since 1970; else they are plain numbers.
        zoned: whether the times came with a zone; they are those of UTC then.
        reversed: whether the table has the newest rows first.
        cells: the names as the cells of their column are: numbers where that holds numbers.
    """

    order: npt.NDArray[np.int64]
    starts: npt.NDArray[np.int64]
    names: tuple[str | None, ...]
    times: npt.NDArray[np.float64]
    microseconds: bool
    reversed: bool
    zoned: bool = False
    cells: tuple[Any, ...] = (None,)

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        """Rows of each series."""
        return np.diff(self.starts)

    @property
    def series(self) -> npt.NDArray[np.int64]:
        """Number of the series of each row, in that order."""
        return np.repeat(np.arange(len(self.names)), self.lengths)


def time_of(table: Table, name: str | None) -> str:
    """The column of times: the one that is named, else the only one of dates, else one with a usual name.

    Raises:
        DataError: there is none, or several would do.
    """
    if name is not None:
        return table.column(name).name
    dates = [column.name for column in table.columns if column.kind is Kind.DATE]
    found = dates or [column.name for column in table.columns if column.name.lower() in TIMES]
    if len(found) == 1:
        return found[0]
    which = f"several columns hold dates ({listed(found)})" if found else "no column holds dates"
    raise DataError(
        f"The order of the rows of {table.name} is not known: {which}; name the column of times, or of step numbers: "
        "time=….")


def timeline(table: Table, time: str, group: str | None) -> Timeline:
    """The rows of a table in order.

    Args:
        table: the rows: in each series the oldest first, or in each the newest first.
        time: the column of times, or of step numbers.
        group: the column that tells series apart; None where all rows are one.

    Raises:
        DataError: rows without a time, a time that comes twice in a series or goes backwards, rows named.
    """
    expression, microseconds = clock(table, time)
    wanted = {"time": f"({expression})::DOUBLE"}
    if group is not None:
        wanted["group"] = f"{quoted(table.column(group).name)}::VARCHAR"
    batches = list(scan(table, wanted))
    if not batches:
        raise DataError(f"{table.name} has no rows.")
    times = np.concatenate([batch["time"].to_numpy(zero_copy_only=False).astype(np.float64) for batch in batches])
    codes, names = _series(batches, len(times), group)
    if np.isnan(times).any():
        at = np.flatnonzero(np.isnan(times))
        raise DataError(f"{table.name} has no {time!r} in {_named(table, at)}; fill it in, or drop these rows.")
    if group is not None and (codes < 0).any():
        raise DataError(
            f"{table.name} has no {group!r} in {_named(table, np.flatnonzero(codes < 0))}, so it is not known which "
            "series they belong to; fill it in, or drop these rows.")
    order = np.argsort(codes, kind="stable")  # as the rows lie, series by series
    starts = np.searchsorted(codes[order], np.arange(len(names) + 1))
    inner = np.ones(max(len(order) - 1, 0), bool)
    inner[starts[1:-1] - 1] = False
    steps = np.where(inner, np.diff(times[order]), 0.0)
    _no_repeats(table, time, group, times, codes)
    newest_first = not (steps > 0).any() and bool((steps < 0).any())
    if newest_first:
        order = np.lexsort((times, codes))
    elif (steps < 0).any():
        back = np.flatnonzero(steps < 0) + 1
        series = f" of {group} {names[codes[order[back[0]]]]!r:.60}" if group is not None else ""
        raise DataError(
            f"{time!r} of {table.name} goes backwards at {_named(table, order[back])}, the first time from "
            f"{_shown(table, time, order[back[0] - 1])} to {_shown(table, time, order[back[0]])}{series}; mend these "
            "times, or sort the rows by time before they are imported, if the times are right.")
    zoned = table.column(time).type.endswith("TIME ZONE")
    return Timeline(
        order, starts, names, times[order], microseconds, newest_first, zoned, _as_cells(table, group, names))


def _series(
    batches: list[pa.RecordBatch], count: int, group: str | None,
) -> tuple[npt.NDArray[np.int64], tuple[str | None, ...]]:
    """Number of each row's series, -1 without one, and their names in the order they first come."""
    if group is None:
        return np.zeros(count, np.int64), (None,)
    cells = pa.chunked_array([batch["group"] for batch in batches])
    known = pc.drop_null(pc.unique(cells))
    codes = pc.fill_null(pc.index_in(cells, known), -1).to_numpy().astype(np.int64)
    return codes, tuple(known.to_pylist())


def _as_cells(table: Table, group: str | None, names: tuple[str | None, ...]) -> tuple[Any, ...]:
    made: Mapping[Kind, Callable[[str], Any]] = {Kind.INTEGER: int, Kind.NUMBER: float, Kind.BOOLEAN: "true".__eq__}
    cell = str if group is None else made.get(table.column(group).kind, str)
    return tuple(None if name is None else cell(name) for name in names)


def _no_repeats(
    table: Table, time: str, group: str | None, times: npt.NDArray[np.float64], codes: npt.NDArray[np.int64],
) -> None:
    """Raises DataError where a series has two rows of one time."""
    order = np.lexsort((times, codes))
    same = (np.diff(times[order]) == 0) & (np.diff(codes[order]) == 0)
    if not same.any():
        return
    at = np.flatnonzero(same)
    pairs = np.unique(order[np.concatenate([at, at + 1])])
    series = "one series" if group is not None else "the data"
    advice = (
        "drop or mend these rows" if group is not None else
        "drop or mend these rows, or name the column that tells the series apart, if there are several: group=…")
    raise DataError(
        f"{time!r} of {table.name} comes more than once in {series}: {_shown(table, time, order[at[0]])} in "
        f"{_named(table, np.flatnonzero((times == times[order[at[0]]]) & (codes == codes[order[at[0]]])))}; in all, "
        f"{len(pairs):,} rows share their time with another; {advice}.")


def _named(table: Table, places: npt.NDArray[np.int64]) -> str:
    """Rows by their numbers in the dataset, of which `places` are those in this table."""
    first = np.sort(places)[:5]
    numbers = [_cell(table, ROW, place) for place in first.tolist()]
    return rows(len(places), [int(number) for number in numbers])


def _shown(table: Table, time: str, place: np.int64) -> str:
    return str(_cell(table, f"{quoted(time)}::VARCHAR", int(place)))


def _cell(table: Table, expression: str, place: int) -> Any:
    """What an expression gives for the row at this place of the table."""
    return table.sql(f"SELECT {expression} AS x FROM ({table.numbered}) LIMIT 1 OFFSET {place}")["x"][0].as_py()  # noqa: S608 - names are quoted
