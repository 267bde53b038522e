"""White space: one space between words, none at the ends."""

from __future__ import annotations

from typing import ClassVar

import pyarrow as pa
import pyarrow.compute as pc

from nbtrain.data.processing.arrow import where
from nbtrain.data.processing.step import option
from nbtrain.data.processing.text_step import TextStep

#: Every space and separator of Unicode, control characters, the byte order mark and the zero width space. Of the second
#: set of control characters, the line break alone: the others are quotes and dashes of Windows-1252 that were misread.
_OTHERS = (
    r"\x{0000}-\x{001F}\x{007F}\x{0085}\x{00A0}\x{1680}\x{2000}-\x{200B}\x{2028}\x{2029}\x{202F}\x{205F}\x{3000}\x{FEFF}")
BLANK = " " + _OTHERS


class Whitespace(TextStep):
    """Runs of white space become one space; those at the ends go. A zero width non-joiner is no white space."""

    name: ClassVar[str] = "whitespace"
    line_breaks: bool = option(False)
    """Keep line breaks, at most one empty line between paragraphs."""

    def clean(self, column: pa.Array) -> pa.Array:
        # A blank that is no plain space, two together, or one at an end: other cells are as they should be.
        return where(column, f"[{_OTHERS}]|  |^ | $", self._changed)

    def _changed(self, column: pa.Array) -> pa.Array:
        if not self.line_breaks:
            column = pc.replace_substring_regex(column, f"[{_OTHERS}]+", " ")
            return _trimmed(pc.replace_substring_regex(column, "  +", " "))
        column = pc.replace_substring_regex(column, r"\r\n|[\r\x{0085}\x{2028}\x{2029}\x{000B}\x{000C}]", "\n")
        # RE2 has no class difference: what is blank and no line feed is written out.
        blank = BLANK.replace(r"\x{0000}-\x{001F}", r"\x{0000}-\x{0009}\x{000B}-\x{001F}")
        column = pc.replace_substring_regex(column, rf"(?:[{blank}]*\n[{blank}]*){{3,}}", "\n\n")
        column = pc.replace_substring_regex(column, rf"[{blank}]*\n[{blank}]*", "\n")
        return _trimmed(pc.replace_substring_regex(column, f"[{blank}]+", " "))


def _trimmed(column: pa.Array) -> pa.Array:
    return pc.utf8_trim(column, characters=" \n")
