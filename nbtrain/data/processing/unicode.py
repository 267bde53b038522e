"""Unicode: one way to write each letter, and lower case."""

from __future__ import annotations

from typing import ClassVar, Literal

import pyarrow as pa
import pyarrow.compute as pc

from nbtrain.data.processing.step import option
from nbtrain.data.processing.text_step import TextStep


class Unicode(TextStep):
    """Normal forms of Unicode (UAX #15).

    NFC composes letters and marks; NFKC also replaces letters that differ in their look alone: ligatures, full width,
    Arabic presentation forms.
    """

    name: ClassVar[str] = "unicode"
    form: Literal["NFC", "NFKC"] = option("NFC")

    def clean(self, column: pa.Array) -> pa.Array:
        return pc.utf8_normalize(column, form=self.form)


class Lowercase(TextStep):
    """Small letters throughout."""

    name: ClassVar[str] = "lowercase"

    def clean(self, column: pa.Array) -> pa.Array:
        return pc.utf8_lower(column)
