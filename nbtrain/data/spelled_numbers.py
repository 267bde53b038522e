"""Numbers as texts spell them: Latin, Persian or Arabic digits, a point or a comma before the fraction."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

#: What stands before the fraction, by its name; the other one may separate thousands.
MARKS = {"point": ".", "comma": ","}

_DIGITS = str.maketrans("۰۱۲۳۴۵۶۷۸۹٠١٢٣٤٥٦٧٨٩", "01234567890123456789")
#: Persian and Arabic have marks of their own for fraction and thousands; no one mistakes them.
_FRACTION, _THOUSANDS = r"\x{066B}", r"\x{066C}"
#: What numbers a thing, and would lose by becoming a number: zeros in front, a telephone's plus, more digits than a
#: float64 keeps; and letters before digits, which are not even one.
_CODE = r"^(\+?0\d+|\+\d{7,}|[+-]?\d{16,}|\p{L}+[-_/.]?\d[\p{L}\d_/.-]*)$"


def latin(column: pa.Array) -> pa.Array:
    """A column of text, trimmed, with Latin digits and a plain minus."""
    column = pc.replace_substring_regex(pc.utf8_trim_whitespace(column), "\u2212", "-")
    foreign = pc.match_substring_regex(column, r"[\x{06F0}-\x{06F9}\x{0660}-\x{0669}]")
    if not foreign.true_count:
        return column
    return pc.replace_with_mask(
        column, foreign.fill_null(False),
        pa.array([cell.translate(_DIGITS) for cell in column.filter(foreign).to_pylist()], pa.string()))


def numbers(column: pa.Array, decimal: str) -> pa.Array:
    """What a column of `latin` says, as float64; missing where it is no number.

    Thousands are groups of exactly three digits behind one to three others, all with the same sign between; what is
    grouped in another way is no number, for it may well have a fraction.
    """
    mark = MARKS[decimal]
    signs = [f"[{other}]" for other in MARKS.values() if other != mark] + [_THOUSANDS, r"\p{Z}", "['’]"]
    grouped = "|".join(rf"[1-9]\d{{0,2}}(?:{sign}\d{{3}})+" for sign in signs)
    fraction = rf"[{mark}{_FRACTION}]"
    said = pc.match_substring_regex(
        column, rf"^[+-]?(?:(?:\d+|{grouped})(?:{fraction}\d*)?|{fraction}\d+)(?:[eE][+-]?\d+)?$")
    kept = pc.if_else(said, column, None)
    kept = pc.replace_substring_regex(kept, rf"^\+|{'|'.join(signs)}", "")
    found = pc.replace_substring_regex(kept, fraction, ".").cast(pa.float64())
    return pc.if_else(pc.is_finite(found), found, None)  # 1e999 is none that a float64 can hold


def codes(column: pa.Array) -> int:
    """How many cells of a column of `latin` are written as codes are."""
    return int(pc.match_substring_regex(column, _CODE).true_count)
