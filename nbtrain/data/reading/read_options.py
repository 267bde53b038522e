"""How files of data are to be read, as a call, a form, a command line or a saved recipe says it."""

from __future__ import annotations

import codecs
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, get_args

from nbtrain.core.errors import ConfigError, Problem
from nbtrain.data.reading.formats import Format

OnError = Literal["raise", "skip"]
Lines = Literal["lines", "paragraphs"]
DateOrder = Literal["dmy", "mdy", "ymd"]


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How files are read; None means that it is found out.

    Raises:
        ConfigError: an option is not what is allowed; all of them in one message.
    """

    format: str | None = None
    """One of `Format`: against a file's wrong or missing extension."""
    delimiter: str | None = None
    """Of a CSV: one to four characters, e.g. ``";"``."""
    header: bool | None = None
    """Whether the first row of a CSV holds the names of the columns."""
    quote: str | None = None
    """Of a CSV: one character, or empty where quotes are plain text."""
    encoding: str | None = None
    """A name that Python knows, e.g. ``"cp1256"``. Lines that are not UTF-8 are else found and guessed."""
    date_order: DateOrder | None = None
    """Of dates such as ``03/04/2020`` in a CSV: day, month, year; month, day, year; or, with years of two digits, year
    first. Where none of a column's dates tells, and it is not said, they are read as text."""
    lines: Lines = "lines"
    """Of a text file: a row is a line, or a paragraph (lines up to an empty one)."""
    on_error: OnError = "raise"
    """What a row that cannot be read does: ends the reading, or is left out and kept in the `Rejects`."""

    def __post_init__(self) -> None:
        problems = [Problem(name, said) for name, said in _misfits(self)]
        if problems:
            raise ConfigError(problems)

    def to_json(self) -> dict[str, Any]:
        """Only what differs from the default."""
        plain = ReadOptions()
        return {name: value for name, value in asdict(self).items() if value != getattr(plain, name)}

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> ReadOptions:
        """The options of `to_json`, a form or a command line. Raises ConfigError, for unknown names too."""
        known = [field.name for field in fields(cls)]
        unknown = [name for name in given if name not in known]
        if unknown:
            raise ConfigError([
                Problem(str(name), f"There is no reading option {str(name)!r:.60}; there are: {', '.join(known)}.")
                for name in unknown])
        return cls(**given)


def _misfits(options: ReadOptions) -> list[tuple[str, str]]:
    """What is wrong with the options: names and sentences."""
    found = []
    if options.format is not None and options.format not in set(Format):
        found.append(("format", f"format is {options.format!r:.40}; it must be one of: {', '.join(Format)}."))
    if options.delimiter is not None and not (_is_text(options.delimiter) and 1 <= len(options.delimiter) <= 4):
        found.append(("delimiter", f"delimiter is {options.delimiter!r:.40}; it must be 1 to 4 characters, as ';'."))
    if options.header is not None and not isinstance(options.header, bool):
        found.append(("header", f"header is {options.header!r:.40}; it must be true or false."))
    if options.quote is not None and not (_is_text(options.quote) and len(options.quote) <= 1):
        found.append(("quote", f"quote is {options.quote!r:.40}; it must be one character, or empty for no quotes."))
    if options.encoding is not None and not _is_encoding(options.encoding):
        found.append(("encoding", f"encoding is {options.encoding!r:.40}; use a name such as utf-8 or cp1256."))
    if options.date_order is not None and options.date_order not in get_args(DateOrder):
        found.append(("date_order", f"date_order is {options.date_order!r:.40}; it must be dmy, mdy or ymd."))
    if options.lines not in get_args(Lines):
        found.append(("lines", f"lines is {options.lines!r:.40}; it must be lines or paragraphs."))
    if options.on_error not in get_args(OnError):
        found.append(("on_error", f"on_error is {options.on_error!r:.40}; it must be raise or skip."))
    return found


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_encoding(name: object) -> bool:
    if not isinstance(name, str):
        return False
    try:
        return codecs.lookup(name)._is_text_encoding  # noqa: SLF001 - nothing else tells encodings from rot13 and zip
    except (LookupError, ValueError):  # a null character in the name
        return False
