"""What the steps that clean text have in common: a function on a column of strings."""

from __future__ import annotations

from typing import ClassVar

import pyarrow as pa

from nbtrain.data.columns import Kind
from nbtrain.data.processing.arrow import TEXTS, replaced, texts
from nbtrain.data.processing.step import Group, Step


class TextStep(Step):
    """A step that changes each text by itself; missing cells stay missing."""

    group: ClassVar[Group] = "cleaning"
    kinds: ClassVar[frozenset[Kind]] = TEXTS

    def apply(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        names = self.chosen(batch.schema)
        return replaced(batch, {name: self.clean(texts(batch.column(name))) for name in names})

    def clean(self, column: pa.Array) -> pa.Array:
        """A column of strings, changed."""
        raise NotImplementedError
