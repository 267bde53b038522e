"""Missing values: filled, marked, or the row left out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, Literal, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from nbtrain.core.errors import DataError
from nbtrain.data.columns import Kind
from nbtrain.data.processing.arrow import NUMERIC, extended, is_text, kind_of_arrow, numbers, replaced, texts
from nbtrain.data.processing.statistics import counts, moments, quantiles
from nbtrain.data.processing.step import Group, Step, option

PLAIN = NUMERIC | {Kind.TEXT, Kind.BOOLEAN, Kind.DATE}


class Missing(Step):
    """Missing cells (NaN too) get the mean, the median, the most frequent value of the training rows, or a constant.

    With the mean or the median, whole numbers become float64. With drop, rows of the dataset go; new rows at
    prediction time stay as they are.
    """

    name: ClassVar[str] = "missing"
    group: ClassVar[Group] = "rows"
    kinds: ClassVar[frozenset[Kind]] = frozenset(PLAIN)
    learns: ClassVar[bool] = True
    method: Literal["mean", "median", "most_frequent", "constant", "drop"] = option("median")
    value: str = option("0", longest=1000, needs={"method": ["constant"]})
    """What is put in, written as text; it must fit the type of the column."""
    indicator: bool = option(False)
    """A column ``<name>_missing`` beside: 1 where the value was missing, else 0."""

    def takes(self) -> frozenset[Kind]:
        return NUMERIC if self.method in {"mean", "median"} else self.kinds

    @property
    def leaves_out(self) -> bool:
        return self.method == "drop"

    def fit(self, batches: Iterable[pa.RecordBatch]) -> Self:
        fills: dict[str, Any] = {}
        match self.method:
            case "mean":
                fills = {name: found.mean for name, found in moments(batches, self.columns).items()}
            case "median":
                fills = {name: found[0] for name, found in quantiles(batches, self.columns, (0.5,)).items()}
            case "most_frequent":
                as_text = (_as_text(batch.select(list(self.columns))) for batch in batches)
                for name, found in counts(as_text, self.columns).items():
                    if not found:
                        raise DataError(
                            f"Column {name!r} has no value in the training rows; leave it out, or fill in a constant.")
                    most = max(found.values())
                    fills[name] = min(value for value, count in found.items() if count == most)
            case "constant":
                fills = dict.fromkeys(self.columns, self.value)
        return self.with_state(fills)

    def apply(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        found = self.apply_new(batch)
        if self.method != "drop":
            return found
        keep = pa.array(np.ones(batch.num_rows, np.bool_))
        for name in self.columns:
            keep = pc.and_not(keep, _lacking(batch.column(name)))
        return found.filter(keep)

    def apply_new(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        learned = self.learned()
        changed: dict[str, pa.Array] = {}
        marks: dict[str, pa.Array] = {}
        for name in self.chosen(batch.schema):
            column = batch.column(name)
            lacking = _lacking(column)
            if self.indicator:
                marks[f"{name}_missing"] = lacking.cast(pa.int8())
            if self.method != "drop":
                changed[name] = self._filled(name, column, lacking, learned[name])
        return extended(replaced(batch, changed), marks)

    def _filled(self, name: str, column: pa.Array, lacking: pa.Array, value: Any) -> pa.Array:
        if self.method in {"mean", "median"}:
            values = numbers(column)
            return pa.array(np.where(np.isnan(values), value, values))
        if pa.types.is_dictionary(column.type) or is_text(column.type):
            column = texts(column)
        try:
            fill = pa.scalar(value).cast(column.type)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise DataError(
                f"Step missing cannot put {value!r} into column {name!r}, which holds {column.type}; give another "
                "value.") from error
        return pc.if_else(lacking, fill, column)


def _lacking(column: pa.Array) -> pa.Array:
    return pc.is_null(column, nan_is_null=kind_of_arrow(column.type) is Kind.NUMBER)


def _as_text(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Every value as text that can be cast back: JSON keeps it, whatever its type."""
    arrays = []
    for column in batch.columns:
        if pa.types.is_floating(column.type):
            column = pc.if_else(pc.is_nan(column), None, column)  # noqa: PLW2901 - NaN is missing
        arrays.append(column.cast(pa.string()))
    return pa.RecordBatch.from_arrays(arrays, names=batch.schema.names)
