"""Dates as numbers."""

from __future__ import annotations

import datetime as dt
from typing import ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import field_validator

from nbtrain.core.errors import ConfigError, Problem
from nbtrain.data.columns import Kind
from nbtrain.data.processing.arrow import dropped, extended, floats, numbers
from nbtrain.data.processing.step import Group, Step, option

DAY = 86_400_000_000
"""Microseconds."""


class Dates(Step):
    """A date, or a point in time, as columns ``<name>_year`` and so on; a missing date gives missing numbers.

    Cycles are two columns each, sin and cos of the share of the round that is over, so that December is beside
    January. A point in time with a zone is read in its zone.
    """

    name: ClassVar[str] = "dates"
    group: ClassVar[Group] = "encoding"
    kinds: ClassVar[frozenset[Kind]] = frozenset({Kind.DATE})
    year: bool = option(True)
    month: bool = option(True)
    """1 to 12."""
    day: bool = option(True)
    """Of the month, from 1."""
    weekday: bool = option(True)
    """0 for Monday to 6 for Sunday (ISO 8601, less one)."""
    hour: bool = option(False)
    """0 to 23."""
    cycles: bool = option(True)
    """``_month_sin``, ``_month_cos``, ``_weekday_sin`` … for those of month, weekday and hour that are wanted."""
    since: str = option("", longest=10)
    """A date as 2020-01-31: a column ``<name>_days``, the days since then as float64; empty for none."""
    keep: bool = option(False)
    """Keep the date itself too."""

    @field_validator("since")
    @classmethod
    def _is_a_date(cls, given: str) -> str:
        try:
            return dt.date.fromisoformat(given).isoformat() if given else ""
        except ValueError:
            raise ConfigError([Problem(
                "since", f"Step dates: since is {given!r}; it must be a date such as 2020-01-31, or empty.")]) from None

    def apply(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        names, changed = self.chosen(batch.schema), {}
        for name in names:
            for part, column in self._parts(batch.column(name)).items():
                changed[f"{name}_{part}"] = column
        return extended(dropped(batch, set() if self.keep else set(names)), changed)

    def _parts(self, column: pa.Array) -> dict[str, pa.Array]:
        if pa.types.is_date(column.type) or pa.types.is_null(column.type):
            column = column.cast(pa.timestamp("us"))
        found: dict[str, pa.Array] = {}
        rounds = {
            "month": (pc.month, 1, 12), "weekday": (pc.day_of_week, 0, 7), "hour": (pc.hour, 0, 24),
        }
        for part, take in (("year", pc.year), ("month", pc.month), ("day", pc.day), ("weekday", pc.day_of_week),
                           ("hour", pc.hour)):
            if getattr(self, part):
                found[part] = take(column)
                if self.cycles and part in rounds:
                    _, first, length = rounds[part]
                    angle = 2 * np.pi * (numbers(found[part]) - first) / length
                    found |= {f"{part}_sin": floats(np.sin(angle)), f"{part}_cos": floats(np.cos(angle))}
        if self.since:
            start = dt.date.fromisoformat(self.since).toordinal() - dt.date(1970, 1, 1).toordinal()
            zone = column.type.tz
            local = pc.local_timestamp(column) if zone else column
            elapsed = numbers(local.cast(pa.timestamp("us"), safe=False).cast(pa.int64()))
            found["days"] = floats(elapsed / DAY - start)
        return found
