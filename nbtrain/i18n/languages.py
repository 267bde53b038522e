"""What a language is besides its words: name, direction, plural forms and the shapes of its numbers.

Plural rules and number symbols are those of Unicode CLDR 45, which browsers follow too, so that a sentence
reads the same whether Python or a panel puts it together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

Form = Literal["one", "few", "many", "other"]


@dataclass(frozen=True, slots=True)
class Language:
    """A language of the interface. `name` is the language's own name for itself."""

    name: str
    plural: Callable[[float], Form]
    """The plural form a count takes."""
    forms: tuple[Form, ...]
    """Every form `plural` can give, as the catalogue must have them."""
    direction: Literal["ltr", "rtl"] = "ltr"
    symbols: Mapping[int, str] = field(default_factory=dict)
    """From the characters of ``-1,234.5E-7`` to the language's own, as `str.translate` takes them."""


def _english(count: float) -> Form:
    return "one" if count == 1 else "other"


def _persian(count: float) -> Form:
    return "one" if 0 <= count <= 1 else "other"


def _russian(count: float) -> Form:
    if count != int(count):
        return "other"
    last, last_two = int(count) % 10, int(count) % 100
    if last == 1 and last_two != 11:
        return "one"
    if 2 <= last <= 4 and not 12 <= last_two <= 14:
        return "few"
    return "many"


#: In the order they are offered. The first is what a missing word falls back to.
LANGUAGES: Mapping[str, Language] = {
    "en": Language("English", _english, ("one", "other")),
    "fa": Language(
        "فارسی", _persian, ("one", "other"), direction="rtl",
        symbols=str.maketrans({
            **{str(digit): chr(ord("\N{EXTENDED ARABIC-INDIC DIGIT ZERO}") + digit) for digit in range(10)},
            ",": "\N{ARABIC THOUSANDS SEPARATOR}", ".": "\N{ARABIC DECIMAL SEPARATOR}",
            # The mark keeps the sign on the left of its number in a right-to-left sentence.
            "-": "\N{LEFT-TO-RIGHT MARK}\N{MINUS SIGN}",
            "E": "×\N{EXTENDED ARABIC-INDIC DIGIT ONE}\N{EXTENDED ARABIC-INDIC DIGIT ZERO}^",
        })),
    "ru": Language(
        "Русский", _russian, ("one", "few", "many", "other"),
        symbols=str.maketrans({",": "\N{NO-BREAK SPACE}", ".": ","})),
}
