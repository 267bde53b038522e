"""Sentences as a speech model reads them: characters of any script in one spelling, by their numbers.

Numbers stay digits, of one script: how a year or a price is said is for who wrote the transcript to tell.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from nbtrain.data.processing.persian import Digits, Persian
from nbtrain.data.processing.unicode import Unicode
from nbtrain.models.architectures.text_to_mel import END

#: Number of the first character: below are the marks of the architecture.
FIRST = END + 1
#: What may be between words, beside letters, their marks and digits.
_BETWEEN = set(" .,!?;:'\"()-%\u2026\u060c\u061b\u061f\u200c")
#: Signs that sound alike, by the one that is kept.
_ALIKE = str.maketrans({
    **dict.fromkeys("\u2018\u2019\u02bc`", "'"), **dict.fromkeys("\u201c\u201d\u201e\u00ab\u00bb", '"'),
    **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014", "-"), "[": "(", "]": ")", "\u066a": "%",
    **dict.fromkeys("\u00ad\u200d\u200e\u200f\ufeff"),  # seen by nobody, so left out
})
#: Vowel signs of Persian tell how a word is said, so they stay.
_STEPS = (Unicode(), Persian(marks=False), Digits())


def normalised(texts: Sequence[str | None]) -> list[str]:
    """Each text in NFC and small letters, with Persian letter forms, Latin digits and single spaces; "" for a gap."""
    column = pa.array(texts, pa.string()).fill_null("")
    for step in _STEPS:
        column = step.clean(column)
    return [" ".join(cell.lower().translate(_ALIKE).replace("...", "…").split()) for cell in column.to_pylist()]


def alphabet(texts: Iterable[str]) -> str:
    """Every character of normalised texts, in the order of their numbers."""
    return "".join(sorted({character for text in texts for character in text}))


def strange(text: str) -> list[str]:
    """Characters of a normalised text that nobody could say: signs, pictures, what cannot be seen."""
    return [
        character for character in dict.fromkeys(text)
        if character not in _BETWEEN and unicodedata.category(character)[0] not in "LM"
        and unicodedata.category(character) != "Nd"]


def unknown(texts: Iterable[str], known: str) -> list[str]:
    """Characters that are not in the alphabet, the frequent ones first."""
    counts = Counter(character for text in texts for character in text)
    return [character for character, _ in counts.most_common() if character not in known]


def said(characters: Sequence[str], most: int = 6) -> str:
    """Characters as a message names them: ``'€' (U+20AC)``."""
    shown = ", ".join(f"{each!r} (U+{ord(each):04X})" for each in characters[:most])
    return f"{shown}, …" if len(characters) > most else shown


def numbers(text: str, known: str) -> npt.NDArray[np.int64]:
    """The characters of a normalised text by their place in the alphabet, with the mark of the end."""
    places = {character: FIRST + place for place, character in enumerate(known)}
    return np.array([*(places[character] for character in text), END], np.int64)
