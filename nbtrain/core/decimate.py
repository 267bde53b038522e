"""Fewer points that draw the same line: minimum and maximum of each bucket."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from nbtrain.core.history import Series, Steps, Values


def minmax(series: Series, limit: int) -> Series:
    """At most `limit` points of `series` that keep every peak and dip, first and last point included.

    Each of at most ``limit // 2 - 1`` equal buckets gives its lowest and its highest point, in their order. A value
    that is not finite is never the lowest or highest of a bucket that also holds finite ones.
    """
    steps, values = series
    size = len(values)
    if size <= limit:
        return series
    if limit < 4:
        raise ValueError(f"limit is {limit}; at least 4 points are needed to keep ends and extremes.")
    width = -(-size // (limit // 2 - 1))
    finite = np.isfinite(values)
    low = high = values
    if not finite.all():
        low, high = np.where(finite, values, np.inf), np.where(finite, values, -np.inf)
    index = np.unique(np.concatenate([[0, size - 1], _places(low, width, np.argmin), _places(high, width, np.argmax)]))
    return Series(steps[index], values[index])


def _places(values: Values, width: int, best: Callable[..., Any]) -> Steps:
    """Index of the `best` value of each bucket of `width` values; the last bucket may be shorter."""
    whole = len(values) // width * width
    places: Steps = best(values[:whole].reshape(-1, width), axis=1) + np.arange(0, whole, width)
    return places if whole == len(values) else np.append(places, whole + best(values[whole:]))
