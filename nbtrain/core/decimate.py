"""Fewer points that draw the same line: minimum and maximum of each bucket."""

from __future__ import annotations

import numpy as np

from nbtrain.core.history import Series


def minmax(series: Series, limit: int) -> Series:
    """At most `limit` points of `series` that keep every peak and dip, first and last point included.

    Each of ``limit // 2`` equal buckets gives its lowest and its highest point, in their order. A value
    that is not finite is never the lowest or highest of a bucket that also holds finite ones.
    """
    steps, values = series
    size = len(values)
    if size <= limit:
        return series
    if limit < 4:
        raise ValueError(f"limit is {limit}; at least 4 points are needed to keep ends and extremes.")
    buckets = limit // 2 - 1
    edges = np.linspace(0, size, buckets + 1).astype(np.int64)
    finite = np.isfinite(values)
    low = np.where(finite, values, np.inf)
    high = np.where(finite, values, -np.inf)
    keep = {0, size - 1}
    for start, end in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        keep.add(start + int(np.argmin(low[start:end])))
        keep.add(start + int(np.argmax(high[start:end])))
    index = np.fromiter(sorted(keep), dtype=np.int64)
    return Series(steps[index], values[index])
