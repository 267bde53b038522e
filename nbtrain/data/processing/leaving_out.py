"""Rows and columns that are left out."""

from __future__ import annotations

from collections.abc import Collection
from typing import ClassVar

import pyarrow as pa
import pyarrow.compute as pc

from nbtrain.data.columns import Kind
from nbtrain.data.processing.arrow import TEXTS, dropped, texts
from nbtrain.data.processing.step import Group, Step, option
from nbtrain.data.processing.whitespace import BLANK


class DropEmpty(Step):
    """Rows of the dataset whose text is missing, empty or blank are left out."""

    name: ClassVar[str] = "drop_empty"
    group: ClassVar[Group] = "rows"
    kinds: ClassVar[frozenset[Kind]] = TEXTS
    every: bool = option(False)
    """Only when all of several columns are empty; else when one is."""

    @property
    def leaves_out(self) -> bool:
        return True

    def apply(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        keep = None
        for name in self.chosen(batch.schema):
            said = pc.match_substring_regex(texts(batch.column(name)), f"[^{BLANK}]").fill_null(False)
            keep = said if keep is None else (pc.or_ if self.every else pc.and_)(keep, said)
        return batch if keep is None else batch.filter(keep)


class DropColumns(Step):
    """Columns that are no use to a model, or that give the label away, are left out."""

    name: ClassVar[str] = "drop_columns"
    group: ClassVar[Group] = "rows"

    def settled(self, schema: pa.Schema, *, target: Collection[str] = ()) -> DropColumns:  # noqa: ARG002 - as given
        self.chosen(schema)
        return self

    def chosen(self, schema: pa.Schema) -> list[str]:
        return super().chosen(schema) if self.columns else []

    def apply(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        return dropped(batch, set(self.chosen(batch.schema)))

    def apply_new(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        return dropped(batch, set(self.columns))

    def reads(self) -> set[str]:
        return set()
