"""Persian and Arabic writing: letter forms, marks, the zero width non-joiner, and digits."""

from __future__ import annotations

from typing import ClassVar, Literal

import pyarrow as pa
import pyarrow.compute as pc

from nbtrain.data.processing.arrow import each, where
from nbtrain.data.processing.step import option
from nbtrain.data.processing.text_step import TextStep

#: Fathatan to sukun, the marks of the Quran, and the superscript alef. The hamzas above and below are letters.
MARKS = r"\x{064B}-\x{0652}\x{0656}-\x{065F}\x{0670}\x{06D6}-\x{06DC}\x{06DF}-\x{06E4}\x{06E7}\x{06E8}\x{06EA}-\x{06ED}"
ZWNJ = r"\x{200C}"
#: Letters that may change: teh marbuta, tatweel, kaf, heh, alef maksura, yeh, and the forms of heh elsewhere.
_CHANGED = r"\x{0629}\x{0640}\x{0643}\x{0647}\x{0649}\x{064A}\x{06C0}-\x{06C3}\x{06D5}"
_WORD = r"\p{L}\p{M}\p{N}"

_LATIN, _PERSIAN, _ARABIC = "0123456789", "۰۱۲۳۴۵۶۷۸۹", "٠١٢٣٤٥٦٧٨٩"
_DIGITS = {"latin": _LATIN, "persian": _PERSIAN, "arabic": _ARABIC}


class Persian(TextStep):
    """Arabic letters as Persian writes them: ي and ى become ی, ك becomes ک."""

    name: ClassVar[str] = "persian"
    letters: bool = option(True)
    """ي and ى become ی, ك becomes ک."""
    heh: bool = option(False)
    """Teh marbuta, and heh with a yeh or hamza above, become a plain heh."""
    tatweel: bool = option(True)
    """Leave out the stroke that lengthens words."""
    marks: bool = option(True)
    """Leave out vowel signs."""
    zwnj: Literal["keep", "tidy", "space", "remove"] = option("tidy")
    """Zero width non-joiners: tidy keeps one where it stands between two letters."""

    def clean(self, column: pa.Array) -> pa.Array:
        return where(column, rf"[{MARKS}{ZWNJ}{_CHANGED}]", self._changed)

    def _changed(self, column: pa.Array) -> pa.Array:
        rules = []
        if self.tatweel:
            rules.append((r"\x{0640}+", ""))
        if self.marks:
            rules.append((f"[{MARKS}]+", ""))
        if self.letters:
            rules += [(r"[\x{064A}\x{0649}]", "\u06cc"), (r"\x{0643}", "\u06a9")]
        if self.heh:
            rules += [
                (r"[\x{0629}\x{06C0}\x{06C2}\x{06C3}]", "\u0647"), (r"[\x{0647}\x{06C1}\x{06D5}]\x{0654}+", "\u0647")]
        rules += {
            "keep": [], "space": [(f"{ZWNJ}+", " ")], "remove": [(f"{ZWNJ}+", "")],
            "tidy": [(f"{ZWNJ}+", "\u200c"), (f"(^|[^{_WORD}]){ZWNJ}", r"\1"), (f"{ZWNJ}([^{_WORD}]|$)", r"\1")],
        }[self.zwnj]
        for pattern, replacement in rules:
            column = pc.replace_substring_regex(column, pattern, replacement)
        return column


class Digits(TextStep):
    """All decimal digits in one script; separators stay as they are."""

    name: ClassVar[str] = "digits"
    to: Literal["latin", "persian", "arabic"] = option("latin")

    def clean(self, column: pa.Array) -> pa.Array:
        others = [digits for name, digits in _DIGITS.items() if name != self.to]
        table = str.maketrans("".join(others), _DIGITS[self.to] * len(others))
        return where(column, f"[{''.join(others)}]", each(lambda cell: cell.translate(table)))
