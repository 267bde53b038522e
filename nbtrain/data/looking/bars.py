"""Where the bars of a histogram begin and end: at round numbers, and not bent by a few outliers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from nbtrain.data.looking.facts import BARS

#: How many times the width of the middle 98 % a column may span before its ends count as outliers.
_SPAN = 3
_SECOND = 1_000_000
_MINUTE, _HOUR, _DAY = 60 * _SECOND, 3_600 * _SECOND, 86_400 * _SECOND
#: Widths of bars in microseconds, up to a fortnight; wider ones are of whole months.
_WIDTHS = (
    1, 10, 100, 1_000, 10_000, 100_000, *(k * _SECOND for k in (1, 2, 5, 10, 15, 30)),
    *(k * _MINUTE for k in (1, 2, 5, 10, 15, 30)), *(k * _HOUR for k in (1, 2, 3, 6, 12)),
    *(k * _DAY for k in (1, 2, 7, 14)))
#: In microseconds, 146,000 years: the calendar of NumPy ends at twice that.
_FAR = 2**62
_MONTHS = (1, 2, 3, 6, *(12 * 10**e * k for e in range(7) for k in (1, 2, 5)))


def core(minimum: float, maximum: float, low: float, high: float) -> tuple[float, float]:
    """What the bars of one width span, when the middle 98 % lie from `low` to `high`."""
    width = high - low
    if width <= 0 or maximum - minimum <= _SPAN * width:
        return minimum, maximum
    return max(minimum, low - width / 4), min(maximum, high + width / 4)


def of_numbers(low: float, high: float) -> list[float]:
    """Round numbers, ascending, from at most `low` to more than `high`: the edges of at most `BARS` bars."""
    raw = high / (BARS - 2) - low / (BARS - 2)
    if not 1e-300 < raw < 1e300:
        return [low, math.nextafter(high, math.inf)]
    exponent = math.floor(math.log10(raw))
    factor, exponent = next(
        (factor, e) for e in (exponent - 1, exponent, exponent + 1) for factor in (1, 2, 5) if factor * 10.0**e >= raw)
    first, last = math.floor(low / factor / 10.0**exponent), math.floor(high / factor / 10.0**exponent) + 1
    edges = [float(k * factor * 10**exponent) if exponent >= 0 else k * factor / 10**-exponent
             for k in range(first, last + 1)]
    return sorted({edge for edge in edges if low < edge <= high} | {min(edges[0], low), _above(edges[-1], high)})


def of_integers(low: int, high: int) -> list[int]:
    """As `of_numbers`, of whole numbers."""
    raw, step = (high - low) / (BARS - 2), 1
    while step < raw:
        step = step * 5 // 2 if str(step)[0] == "2" else step * 2
    first = low // step
    return [k * step for k in range(first, high // step + 2)]


def of_moments(low: int, high: int, smallest: int = 1) -> list[int]:
    """As `of_numbers`, in microseconds since 1970: round seconds, minutes, hours, days, months or years.

    No bar is narrower than `smallest` microseconds.
    """
    raw = (high - low) / (BARS - 2)
    for width in _WIDTHS:
        if width >= max(raw, smallest):
            first = low // width
            return [k * width for k in range(first, high // width + 2)]
    if max(-low, high) >= _FAR:
        return [low, high + smallest]
    month = np.array([low, high], "datetime64[us]").astype("datetime64[M]").astype(np.int64)
    for months in _MONTHS:
        first, last = int(month[0]) // months, int(month[1]) // months + 1
        if last - first <= BARS:
            edges = np.arange(first, last + 1) * months
            return [int(edge) for edge in edges.astype("datetime64[M]").astype("datetime64[us]").astype(np.int64)]
    return [low, high + smallest]


def fitting(edges: list[Any], dtype: np.dtype[Any]) -> list[Any]:
    """Edges as numbers of this type, which a search in an array of it takes as they are."""
    if dtype.kind != "f":
        return edges
    with np.errstate(over="ignore"):
        return [edge for edge in np.unique(np.array(edges).astype(dtype)).tolist() if math.isfinite(edge)]


def _above(edge: float, high: float) -> float:
    return edge if edge > high else math.nextafter(high, math.inf)
