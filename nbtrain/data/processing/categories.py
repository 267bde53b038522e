"""Categories as numbers; which there are is learned from the training rows alone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, Literal, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from nbtrain.core.errors import DataError
from nbtrain.data.columns import Kind
from nbtrain.data.processing.arrow import dropped, extended, replaced
from nbtrain.data.processing.statistics import counts
from nbtrain.data.processing.step import Group, Step, option

#: Most columns that one column of categories may become.
WIDEST = 10_000


class Categories(Step):
    """Text, whole numbers or booleans as numbers.

    ordinal: 0 … K−1 in the order of the values, as int64; one_hot: a column ``<name>=<value>`` for each value, 0 or 1
    as int8; frequency: the share of the training rows with that value, as float64. Values that are unknown, missing
    or rare are one class of their own, the last: K, or the column ``<name>=other``; its frequency is their share.
    """

    name: ClassVar[str] = "categories"
    group: ClassVar[Group] = "encoding"
    kinds: ClassVar[frozenset[Kind]] = frozenset({Kind.TEXT, Kind.INTEGER, Kind.BOOLEAN})
    learns: ClassVar[bool] = True
    method: Literal["ordinal", "one_hot", "frequency"] = option("ordinal")
    rare: int = option(1, ge=1, le=1_000_000)
    """Values with fewer training rows than this are rare."""
    most: int | None = option(None, ge=1, le=1_000_000, advanced=True)
    """At most so many values are kept, the most frequent ones; the others are rare."""
    unknown: Literal["class", "missing"] = option("class", advanced=True, needs={"method": ["ordinal"]})
    """Whether unknown, missing and rare values are the last class, or missing: so for a target."""

    def takes(self) -> frozenset[Kind]:
        """Of all that fit, those are meant that are not numbers already; a column given by name may be."""
        return self.kinds if self.columns else self.kinds - {Kind.INTEGER}

    def fit(self, batches: Iterable[pa.RecordBatch]) -> Self:
        learned = {}
        plain = (_keys(batch.select(list(self.columns))) for batch in batches)
        for name, found in counts(plain, self.columns).items():
            frequent = sorted(found, key=lambda value: (-found[value], value))
            kept = sorted(value for value in frequent[: self.most] if found[value] >= self.rare)
            if self.method == "one_hot" and len(kept) > WIDEST:
                raise DataError(
                    f"Column {name!r} has {len(kept):,} values, too many for a column each; take the most frequent "
                    "ones (most=100, say), or the method ordinal or frequency.")
            total = sum(found.values())
            state: dict[str, Any] = {"classes": kept}
            if self.method == "frequency":
                shares = [found[value] / total for value in kept]
                state |= {"shares": shares, "other": (total - sum(found[v] for v in kept)) / total if total else 0.0}
            learned[name] = state
        return self.with_state(learned)

    def apply(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        learned, changed = self.learned(), {}
        names = self.chosen(batch.schema)
        for name in names:
            classes = learned[name]["classes"]
            keys = _key(batch.column(name))
            known = pa.array(classes, keys.type)
            codes = pc.index_in(keys, known, skip_nulls=True)
            place = codes.fill_null(len(classes)).to_numpy(zero_copy_only=False).astype(np.int64)
            match self.method:
                case "ordinal":
                    changed[name] = codes.cast(pa.int64()) if self.unknown == "missing" else pa.array(place)
                case "frequency":
                    changed[name] = pa.array(np.array([*learned[name]["shares"], learned[name]["other"]])[place])
                case "one_hot":
                    for code, title in enumerate(self._titles(name)):
                        changed[title] = pa.array((place == code).astype(np.int8))
        if self.method == "one_hot":
            return extended(dropped(batch, set(names)), changed)
        return replaced(batch, changed)

    def classes(self, name: str) -> list[Any]:
        """The values of a column in the order of their codes. Raises DataError when the step is not fitted."""
        return list(self.learned()[name]["classes"])

    def other(self, name: str) -> str:
        """How the class of unknown, missing and rare values of a column is called."""
        classes, other = [str(value) for value in self.classes(name)], "other"
        while other in classes:
            other += "_"
        return other

    def inverse(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Ordinal codes back as values, unknown ones missing; columns that are not there are left alone."""
        changed = {}
        for name in self.columns:
            if name in batch.schema.names and self.method == "ordinal":
                classes = pa.array(self.classes(name))
                codes = batch.column(name)
                inside = pc.and_(pc.greater_equal(codes, 0), pc.less(codes, len(classes)))
                changed[name] = classes.take(pc.if_else(inside, codes, None))
        return replaced(batch, changed)

    def _titles(self, name: str) -> list[str]:
        return [f"{name}={value}" for value in [*self.classes(name), self.other(name)]]


def _keys(batch: pa.RecordBatch) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([_key(column) for column in batch.columns], names=batch.schema.names)


def _key(column: pa.Array) -> pa.Array:
    """A column in one of two types, which JSON keeps: int64, or text, so for booleans too."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    small = pa.types.is_integer(column.type) and not pa.types.is_uint64(column.type)
    return column.cast(pa.int64() if small else pa.string())
