"""Text that says a date, as a point in time."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Literal, Self

import pyarrow as pa

from nbtrain.core.errors import DataError
from nbtrain.data.columns import Kind
from nbtrain.data.processing.arrow import replaced, texts
from nbtrain.data.processing.step import Group, Step, option
from nbtrain.data.spelled import Readings
from nbtrain.data.spelled_dates import WAYS, dates


class ToDate(Step):
    """Text that says a date, in Latin, Persian or Arabic digits, as a point in time; other text becomes missing.

    Understood are 2026-01-31, 31.01.2026, 01/31/2026, 31/01/26, 31 January 2026 and Jan 31, 2026, with a time behind
    or without. A time with a zone becomes that of UTC. Persian dates become the Gregorian ones of the same days.
    """

    name: ClassVar[str] = "to_date"
    group: ClassVar[Group] = "encoding"
    kinds: ClassVar[frozenset[Kind]] = frozenset({Kind.TEXT})
    learns: ClassVar[bool] = True
    named: ClassVar[bool] = True
    order: Literal["auto", "dmy", "mdy", "ymd"] = option("auto")
    """Of dates such as 03/04/2026: day, month, year; month, day, year; with years of two digits also year, month,
    day. auto takes the one in which all dates of the training rows can be read. A year of four digits that comes
    first is always followed by the month."""
    calendar: Literal["auto", "gregorian", "persian"] = option("auto")
    """auto takes the Persian one where all years are from 1200 to 1499."""

    def fit(self, batches: Iterable[pa.RecordBatch]) -> Self:
        wanted, told = self._ways(), self.calendar != "auto"
        found = {name: Readings() for name in self.columns}
        for batch in batches:
            for name, readings in found.items():
                readings.add(dates(texts(batch.column(name)), wanted, told=told))
        return self.with_state({name: _meant(name, readings) for name, readings in found.items()})

    def apply(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        way, told = self.learned(), self.calendar != "auto"
        return replaced(batch, {
            name: dates(texts(batch.column(name)), [way[name]], told=told)[way[name]]
            for name in self.chosen(batch.schema)})

    def _ways(self) -> list[str]:
        """Those that the options leave."""
        return [way for way in WAYS for order, calendar in [way.split()]
                if self.order in {"auto", order} and self.calendar in {"auto", calendar}]


def _meant(name: str, readings: Readings) -> str:
    """How the dates of a column are read. Raises DataError where there is none, or that is not clear."""
    if not readings.some:
        raise DataError(f"Step to_date finds no date in the training rows of column {name!r}; leave the column out.")
    if readings.meant is not None:
        return readings.meant
    if fitting := readings.fitting:
        orders = " or ".join(each.split()[0] for each in fitting)
        raise DataError(
            f"Step to_date: all dates of column {name!r} can be read {orders}, and these are different days; say which "
            "with order.")
    raise DataError(
        f"Step to_date: no order and calendar fits all dates of column {name!r}; say order and calendar (dates that "
        "do not fit become missing), or write them all in one way at the source.")
