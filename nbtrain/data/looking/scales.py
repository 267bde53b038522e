"""How the cells of an ordered column become numbers, where the bars of such numbers begin, and how they are said."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from nbtrain.data.columns import Column, Kind, quoted
from nbtrain.data.looking import bars

Scalar = int | float

_SIZES = {
    "TINYINT": "i1", "SMALLINT": "i2", "INTEGER": "i4", "BIGINT": "i8",
    "UTINYINT": "u1", "USMALLINT": "u2", "UINTEGER": "u4", "UBIGINT": "u8", "FLOAT": "f4", "DOUBLE": "f8",
}
_UNITS = {"DATE": "D", "TIMESTAMP_S": "s", "TIMESTAMP_MS": "ms", "TIMESTAMP_NS": "ns"}
_PER_UNIT = {"D": 86_400_000_000, "s": 1_000_000, "ms": 1_000, "us": 1, "ns": 0.001}
"""Microseconds."""
_DAY = 86_400_000_000


@dataclass(frozen=True, slots=True)
class Scale:
    """The numbers of a column."""

    sql: str
    """Gives them."""
    dtype: np.dtype[Any]
    edges: Callable[[Any, Any], list[Any]]
    """Edges of bars that span from one number to another."""
    say: Callable[[Scalar], Scalar | str]
    """A number as JSON has it."""
    second: float | None = None
    """How many of its units a second has; None for plain numbers."""
    infinities: tuple[int, int] | None = None
    """The numbers that stand for minus and plus infinity."""

    def spread(self, width: float | None) -> float | None:
        """A difference: in seconds, where the numbers are points in time."""
        return width if width is None or self.second is None else width / self.second


def scale_of(column: Column) -> Scale:
    """The scale of an ordered column."""
    name = quoted(column.name)
    if column.kind is Kind.DATE:
        return _dates(name, _UNITS.get(column.type, "us"))
    if column.kind is Kind.TIME:
        return Scale(
            name if column.type == "TIME" else f"{name}::TIME", np.dtype("i8"),
            lambda low, high: sorted({min(edge, _DAY) for edge in bars.of_moments(low, high)}), _clock, second=1e6)
    if column.kind is Kind.DURATION:
        return Scale(f"epoch({name})", np.dtype("f8"), bars.of_numbers, _same)
    if column.kind is Kind.INTEGER and column.type in _SIZES:
        return Scale(name, np.dtype(_SIZES[column.type]), bars.of_integers, _same)
    small = column.type == "FLOAT"
    return Scale(
        name if column.type in _SIZES else f"{name}::DOUBLE", np.dtype("f4" if small else "f8"), bars.of_numbers, _same)


def _dates(name: str, unit: str) -> Scale:
    per_unit = _PER_UNIT[unit]
    smallest = max(1, int(per_unit))

    def edges(low: int, high: int) -> list[int]:
        first, last = (int(value * per_unit) if unit != "ns" else value // 1000 for value in (low, high))
        found = bars.of_moments(first, last, smallest)
        return [edge * 1000 if unit == "ns" else edge // smallest for edge in found]

    def say(value: Scalar) -> str:
        text = str(np.datetime64(round(value), unit))  # type: ignore[call-overload]  # the units are numpy's
        return text.rstrip("0").rstrip(".") if "." in text else text

    dtype = np.dtype("i4" if unit == "D" else "i8")
    largest = int(np.iinfo(dtype).max)
    return Scale(name, dtype, edges, say, second=1e6 / per_unit, infinities=(-largest, largest))


def _clock(value: Scalar) -> str:
    seconds, micro = divmod(round(value), 1_000_000)
    text = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return f"{text}.{micro:06}" if micro else text


def _same(value: Scalar) -> Scalar:
    return value
