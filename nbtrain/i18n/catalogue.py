"""Looking words up: flat catalogues, one JSON file a language, with English behind the others.

A word may take arguments in braces (``"{step} of {total}"``). Where a key has the forms ``x.one``,
``x.few``, ``x.many`` and ``x.other``, the argument ``count`` picks one by the language's plural rule.
The browser's twin is `frontend/src/shared/i18n.ts`.
"""

from __future__ import annotations

import json
import math
import os
import re
from functools import cache
from importlib.resources import files
from typing import Literal

from nbtrain.core.errors import ConfigError, Problem
from nbtrain.i18n.languages import LANGUAGES

_FALLBACK = next(iter(LANGUAGES))
_ARGUMENT = re.compile(r"\{(\w+)\}")
_chosen: str | None = None


def languages() -> dict[str, str]:
    """Code of each language and its own name for itself, in the order they are offered."""
    return {code: language.name for code, language in LANGUAGES.items()}


def current() -> str:
    """The code of the language in use: the one last set, else ``NBTRAIN_LANGUAGE``, else ``en``.

    Raises:
        ConfigError: ``NBTRAIN_LANGUAGE`` names a language there is not.
    """
    if _chosen is not None:
        return _chosen
    return _known(os.environ.get("NBTRAIN_LANGUAGE") or _FALLBACK, "NBTRAIN_LANGUAGE")


def set_current(language: str) -> None:
    """Use `language` from now on, in this process.

    Raises:
        ConfigError: there is no such language.
    """
    global _chosen  # noqa: PLW0603 - one interface, one language
    _chosen = _known(language)


def direction(language: str | None = None) -> Literal["ltr", "rtl"]:
    """Which way the language reads. Raises ConfigError."""
    return LANGUAGES[_known(language)].direction


def words(language: str | None = None) -> dict[str, str]:
    """The whole catalogue of a language; what it lacks is there in English. Raises ConfigError."""
    return {**_catalogue(_FALLBACK), **_catalogue(_known(language))}


def text(key: str, language: str | None = None, **args: object) -> str:
    """The words of `key`, with ``{name}`` replaced by the argument of that name.

    Numbers are written the language's way; give what will be typed or copied as a str. A key without words
    comes back as it is: wrong to look at, and not lost.

    Raises:
        ConfigError: there is no such language.
    """
    code = _known(language)
    template = _template(key, code, args.get("count"))

    def fill(match: re.Match[str]) -> str:
        value = args.get(match[1], match[0])
        if isinstance(value, int | float) and not isinstance(value, bool):
            return number(value, code)
        return str(value)

    return _ARGUMENT.sub(fill, template)


def printed(words: str, language: str | None = None) -> str:
    """A line of `words` for a place that reads left to right, such as a cell's printed output or a terminal.

    Right-to-left words are put in an isolate; without it, Latin names and numbers among them change their order.
    """
    if direction(language) == "ltr" or not words:
        return words
    return f"\N{RIGHT-TO-LEFT ISOLATE}{words}\N{POP DIRECTIONAL ISOLATE}"


def number(value: float, language: str | None = None) -> str:
    """A number as the language writes it, grouped, a float in six significant digits. Raises ConfigError."""
    if not math.isfinite(value):
        plain = "NaN" if math.isnan(value) else "∞" if value > 0 else "-∞"
    elif isinstance(value, int):
        plain = f"{value:,}"
    elif value and not 1e-4 <= abs(value) < 1e15:
        mantissa, exponent = f"{value:.5e}".split("e")
        plain = f"{mantissa.rstrip('0').rstrip('.')}E{int(exponent)}"
    else:
        digits = max(0, 5 - math.floor(math.log10(abs(value)))) if value else 0
        plain = f"{value:,.{digits}f}"
        plain = plain.rstrip("0").rstrip(".") if digits else plain
    written = plain.translate(LANGUAGES[_known(language)].symbols)
    if "E" in plain and direction(language) == "rtl":
        return f"\N{LEFT-TO-RIGHT ISOLATE}{written}\N{POP DIRECTIONAL ISOLATE}"  # formulas read left to right
    return written


def _template(key: str, language: str, count: object) -> str:
    own, fallback = _catalogue(language), _catalogue(_FALLBACK)
    keys = [key]
    if isinstance(count, int | float):
        keys = [f"{key}.{LANGUAGES[language].plural(count)}", f"{key}.other", key]
    return next((book[k] for book in (own, fallback) for k in keys if k in book), key)


def _known(language: str | None, source: str = "language") -> str:
    if language is None:
        return current()
    if language not in LANGUAGES:
        offered = ", ".join(f"{code} ({known.name})" for code, known in LANGUAGES.items())
        raise ConfigError([Problem("language", f"{source} is {language!r}; it must be one of {offered}.")])
    return language


@cache
def _catalogue(language: str) -> dict[str, str]:
    read: dict[str, str] = json.loads(files("nbtrain.i18n").joinpath(f"{language}.json").read_text("utf-8"))
    return read
