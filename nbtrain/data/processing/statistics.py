"""What steps learn about columns of numbers, batch by batch. Missing and infinite values do not count."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from nbtrain.core.errors import DataError
from nbtrain.data.processing.arrow import numbers

Floats = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(slots=True)
class Moments:
    """Count, mean, sum of squared deviations, least and greatest, merged batch by batch.

    The merge is that of Chan, Golub and LeVeque (1979), which does not lose digits as the sum of squares does.
    """

    count: int = 0
    mean: float = 0.0
    squares: float = 0.0
    low: float = np.inf
    high: float = -np.inf

    def add(self, values: Floats) -> None:
        if not len(values):
            return
        count, mean = len(values), float(values.mean())
        squares = float(np.square(values - mean).sum())
        apart, total = mean - self.mean, self.count + count
        self.squares += squares + apart * apart * self.count * count / total
        self.mean += apart * count / total
        self.count = total
        self.low, self.high = min(self.low, float(values.min())), max(self.high, float(values.max()))

    @property
    def deviation(self) -> float:
        """The standard deviation of the rows as a population, as scikit-learn takes it."""
        return float(np.sqrt(self.squares / self.count)) if self.count else 0.0


def moments(batches: Iterable[pa.RecordBatch], names: Sequence[str]) -> dict[str, Moments]:
    """The moments of each column. Raises DataError when one has no value at all."""
    found = {name: Moments() for name in names}
    for batch in batches:
        for name in names:
            found[name].add(finite(batch.column(name)))
    for name, each in found.items():
        if not each.count:
            raise _nothing(name)
    return found


def quantiles(
    batches: Iterable[pa.RecordBatch], names: Sequence[str], shares: Sequence[float],
) -> dict[str, list[float]]:
    """Exact quantiles of each column, linear between neighbours; 8 bytes a value are held in memory meanwhile.

    Raises:
        DataError: a column has no value at all.
    """
    held: dict[str, list[Floats]] = {name: [] for name in names}
    for batch in batches:
        for name in names:
            held[name].append(finite(batch.column(name)))
    found = {}
    for name in names:
        values = np.concatenate(held.pop(name) or [np.empty(0)])
        if not len(values):
            raise _nothing(name)
        found[name] = [float(value) for value in np.quantile(values, shares, overwrite_input=True)]
    return found


def counts(batches: Iterable[pa.RecordBatch], names: Sequence[str]) -> dict[str, Counter[Any]]:
    """How often each value of each column occurs; missing ones do not count."""
    found: dict[str, Counter[Any]] = {name: Counter() for name in names}
    for batch in batches:
        for name in names:
            column = batch.column(name)
            counted = pc.value_counts(column.dictionary_decode() if pa.types.is_dictionary(column.type) else column)
            values, times = counted.field("values").to_pylist(), counted.field("counts").to_pylist()
            found[name].update({
                value: count for value, count in zip(values, times, strict=True)
                if value is not None and value == value})  # noqa: PLR0124 - NaN is unlike itself
    return found


def finite(column: pa.Array) -> Floats:
    """The values that are numbers."""
    values = numbers(column)
    found: Floats = values[np.isfinite(values)]
    return found


def _nothing(name: str) -> DataError:
    return DataError(
        f"Column {name!r} has no number in the training rows, so there is nothing to learn from it; leave the column "
        "out.")
