"""Addresses and pictograms in text: taken out, or replaced by a word."""

from __future__ import annotations

from functools import partial
from typing import ClassVar

import pyarrow as pa
import pyarrow.compute as pc

from nbtrain.data.processing.arrow import where
from nbtrain.data.processing.step import option
from nbtrain.data.processing.text_step import TextStep

#: A scheme or ``www.``, up to white space or quotes, without the punctuation that ends the sentence around it.
URL = r"""(?i)\b(?:(?:https?|ftp)://|www\.)[^\s\p{Z}<>"«»“”]*[^\s\p{Z}<>"«»“”.,;:!?'(){}\[\]،؛؟…]"""
EMAIL = r"(?i)\b[\p{L}\p{N}_.+-]*[\p{L}\p{N}_+-]@[\p{L}\p{N}-]+(?:\.[\p{L}\p{N}-]+)+"

_BASE = (
    "[\\x{231A}\\x{231B}\\x{23E9}-\\x{23F3}\\x{23F8}-\\x{23FA}\\x{25FD}\\x{25FE}\\x{2600}-\\x{27BF}\\x{2B1B}\\x{2B1C}"
    "\\x{2B50}\\x{2B55}\\x{1F000}-\\x{1F1E5}\\x{1F200}-\\x{1FAFF}]")
_ONE = f"(?:{_BASE}|[\\x{{00A9}}\\x{{00AE}}\\x{{203C}}-\\x{{3299}}]\\x{{FE0F}})[\\x{{FE0F}}\\x{{1F3FB}}-\\x{{1F3FF}}]*"
#: Sequences of UTS #51: keycaps, flags, pictograms with their modifiers, and those joined by U+200D.
EMOJI = (
    f"[#*0-9]\\x{{FE0F}}?\\x{{20E3}}|[\\x{{1F1E6}}-\\x{{1F1FF}}]{{1,2}}|{_ONE}(?:\\x{{200D}}{_ONE})*"
    "[\\x{E0020}-\\x{E007F}]*|[\\x{FE0F}\\x{20E3}]")


class Links(TextStep):
    """Web and e-mail addresses are replaced, by nothing or by a word."""

    name: ClassVar[str] = "links"
    urls: bool = option(True)
    url_token: str = option("", longest=100, needs={"urls": [True]})
    """What stands in the place of a web address; empty to take it out."""
    emails: bool = option(True)
    email_token: str = option("", longest=100, needs={"emails": [True]})
    """As `url_token`, for e-mail addresses."""

    def clean(self, column: pa.Array) -> pa.Array:
        if self.urls:
            column = where(column, "(?i)://|www", partial(
                pc.replace_substring_regex, pattern=URL, replacement=_plain(self.url_token)))
        if self.emails:
            column = where(column, "@", partial(
                pc.replace_substring_regex, pattern=EMAIL, replacement=_plain(self.email_token)))
        return column


class Emoji(TextStep):
    """Emoji are replaced, by nothing or by a word."""

    name: ClassVar[str] = "emoji"
    token: str = option("", longest=100)
    """What stands in the place of each; empty to take it out."""

    def clean(self, column: pa.Array) -> pa.Array:
        return pc.replace_substring_regex(column, EMOJI, _plain(self.token))


def _plain(token: str) -> str:
    """A backslash in a replacement would be read as a reference to a group."""
    return token.replace("\\", "\\\\")
