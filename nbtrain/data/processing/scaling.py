"""Numbers brought to a common scale, and clipped; what for is learned from the training rows alone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, Literal, Self

import numpy as np
import pyarrow as pa
from pydantic import model_validator

from nbtrain.core.errors import ConfigError, Problem
from nbtrain.data.columns import Kind
from nbtrain.data.processing.arrow import NUMERIC, floats, numbers, replaced
from nbtrain.data.processing.statistics import moments, quantiles
from nbtrain.data.processing.step import Group, Step, option


class Scale(Step):
    """(x − center) / scale, as float64.

    standard: mean and standard deviation; min_max: the least value becomes 0 and the greatest 1; robust: median and
    interquartile range. A column that never changes is only centred. Missing values stay missing.
    """

    name: ClassVar[str] = "scale"
    group: ClassVar[Group] = "numbers"
    kinds: ClassVar[frozenset[Kind]] = NUMERIC
    learns: ClassVar[bool] = True
    method: Literal["standard", "min_max", "robust"] = option("standard")

    def fit(self, batches: Iterable[pa.RecordBatch]) -> Self:
        if self.method == "robust":
            found = {
                name: (middle, high - low)
                for name, (low, middle, high) in quantiles(batches, self.columns, (0.25, 0.5, 0.75)).items()}
        else:
            found = {
                name: (m.mean, m.deviation) if self.method == "standard" else (m.low, m.high - m.low)
                for name, m in moments(batches, self.columns).items()}
        return self.with_state({
            name: {"center": center, "scale": scale or 1.0} for name, (center, scale) in found.items()})

    def apply(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        learned = self.learned()
        return replaced(batch, {
            name: floats((numbers(batch.column(name)) - learned[name]["center"]) / learned[name]["scale"])
            for name in self.chosen(batch.schema)})

    def inverse(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Scaled numbers back in their own units; columns that are not there are left alone."""
        learned = self.learned()
        return replaced(batch, {
            name: floats(numbers(batch.column(name)) * learned[name]["scale"] + learned[name]["center"])
            for name in self.columns if name in batch.schema.names})


class Clip(Step):
    """Numbers beyond a limit become the limit, as float64.

    quantile: limits are the quantiles `low` and `high` of the training rows; iqr: `reach` interquartile ranges beyond
    the quartiles (Tukey's fences); value: `low` and `high` themselves, of which None is no limit.
    """

    name: ClassVar[str] = "clip"
    group: ClassVar[Group] = "numbers"
    kinds: ClassVar[frozenset[Kind]] = NUMERIC
    learns: ClassVar[bool] = True
    by: Literal["quantile", "iqr", "value"] = option("iqr")
    low: float | None = option(None, needs={"by": ["quantile", "value"]})
    high: float | None = option(None, needs={"by": ["quantile", "value"]})
    reach: float = option(1.5, ge=0.0, le=100.0, needs={"by": ["iqr"]})

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        problems = []
        if self.low is not None and self.high is not None and self.low > self.high:
            problems.append(Problem("low", f"Step clip: low is {self.low}, above high, {self.high}."))
        if self.by == "quantile":
            problems += [
                Problem(name, f"Step clip: {name} is {value}; a quantile is from 0 to 1.")
                for name, value in (("low", self.low), ("high", self.high))
                if value is not None and not 0 <= value <= 1]
        if problems:
            raise ConfigError(problems)
        return self

    def fit(self, batches: Iterable[pa.RecordBatch]) -> Self:
        limits: dict[str, Any] = {}
        if self.by == "value":
            limits = {name: [self.low, self.high] for name in self.columns}
        elif self.by == "quantile":
            shares = (0.01 if self.low is None else self.low, 0.99 if self.high is None else self.high)
            limits = quantiles(batches, self.columns, shares)
        else:
            for name, (low, high) in quantiles(batches, self.columns, (0.25, 0.75)).items():
                limits[name] = [low - self.reach * (high - low), high + self.reach * (high - low)]
        return self.with_state(limits)

    def apply(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        learned, changed = self.learned(), {}
        for name in self.chosen(batch.schema):
            low, high = learned[name]
            changed[name] = floats(np.clip(
                numbers(batch.column(name)), -np.inf if low is None else low, np.inf if high is None else high))
        return replaced(batch, changed)
