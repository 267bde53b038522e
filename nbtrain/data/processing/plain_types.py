"""Text that says a number or yes and no, as numbers."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from nbtrain.data.columns import Kind
from nbtrain.data.processing.arrow import NUMERIC, is_text, kind_of_arrow, replaced, texts
from nbtrain.data.processing.step import Group, Step, option
from nbtrain.data.spelled_numbers import latin, numbers

YES = ("true", "t", "yes", "y", "1", "on", "بله", "آری", "بلی", "درست", "да", "истина")
NO = ("false", "f", "no", "n", "0", "off", "خیر", "نه", "نادرست", "нет", "ложь")


class Booleans(Step):
    """True and false, or words for them in English, Persian and Russian, as 1 and 0 (int8); other text is missing."""

    name: ClassVar[str] = "booleans"
    group: ClassVar[Group] = "encoding"
    kinds: ClassVar[frozenset[Kind]] = frozenset({Kind.BOOLEAN, Kind.TEXT})

    def takes(self) -> frozenset[Kind]:
        """Of all that fit, the columns of true and false are meant; a column given by name may be text."""
        return self.kinds if self.columns else frozenset({Kind.BOOLEAN})

    def apply(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        return replaced(batch, {name: _truth(batch.column(name)) for name in self.chosen(batch.schema)})


class ToNumber(Step):
    """Text that says a number, in Latin, Persian or Arabic digits, as float64; other text becomes missing.

    New rows at prediction time may hold the numbers themselves.
    """

    name: ClassVar[str] = "to_number"
    group: ClassVar[Group] = "numbers"
    kinds: ClassVar[frozenset[Kind]] = frozenset({Kind.TEXT})
    named: ClassVar[bool] = True
    decimal: Literal["point", "comma"] = option("point")
    """What stands before the fraction; the other one, and spaces, may separate thousands: groups of three digits."""

    def takes(self) -> frozenset[Kind]:
        return self.kinds | NUMERIC

    def apply(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        return replaced(batch, {name: self._numbers(batch.column(name)) for name in self.chosen(batch.schema)})

    def _numbers(self, column: pa.Array) -> pa.Array:
        if kind_of_arrow(column.type) in NUMERIC:
            return column.cast(pa.float64(), safe=False)
        return numbers(latin(texts(column)), self.decimal)


def _truth(column: pa.Array) -> pa.Array:
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if not is_text(column.type):
        return column.cast(pa.int8())
    said = pc.utf8_lower(pc.utf8_trim_whitespace(texts(column)))
    known = pa.array([*YES, *NO])
    values = pa.array(np.repeat(np.array([1, 0], np.int8), [len(YES), len(NO)]))
    return values.take(pc.index_in(said, known, skip_nulls=True))
