"""What the columns of a table hold, in the few kinds that a person and a training tell apart."""

from __future__ import annotations

import glob
import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class Kind(StrEnum):
    """What a column holds."""

    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    TEXT = "text"
    DATE = "date"
    """Dates, and points in time with or without a zone."""
    TIME = "time"
    DURATION = "duration"
    BINARY = "binary"
    NESTED = "nested"
    """Lists, structs and maps."""
    IMAGE = "image"
    """A struct of ``bytes`` (an encoded file) and ``path``."""
    AUDIO = "audio"
    """As an image."""

    @property
    def is_numeric(self) -> bool:
        return self in {Kind.INTEGER, Kind.NUMBER}

    @property
    def is_ordered(self) -> bool:
        """Whether smaller and larger, mean and histogram, mean something."""
        return self in {Kind.INTEGER, Kind.NUMBER, Kind.DATE, Kind.TIME, Kind.DURATION}


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table."""

    name: str
    kind: Kind
    type: str
    """DuckDB's type, e.g. ``BIGINT`` or ``STRUCT(a INTEGER)``."""


_KINDS = (
    (r"U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|BIGNUM", Kind.INTEGER),
    (r"FLOAT|DOUBLE|DECIMAL\(\d+,\s*\d+\)", Kind.NUMBER),
    (r"BOOLEAN", Kind.BOOLEAN),
    (r"VARCHAR|UUID|ENUM\(.*\)|JSON", Kind.TEXT),
    (r"DATE|TIMESTAMP(_S|_MS|_NS)?( WITH TIME ZONE)?", Kind.DATE),
    (r"TIME(_NS)?( WITH TIME ZONE)?", Kind.TIME),
    (r"INTERVAL", Kind.DURATION),
    (r"BLOB|BIT", Kind.BINARY),
)


def kind_of(sql_type: str) -> Kind:
    """The kind of a column of this DuckDB type. Lists, structs, maps, unions and the like are nested."""
    if sql_type.endswith("]"):
        return Kind.NESTED
    return next((kind for pattern, kind in _KINDS if re.fullmatch(pattern, sql_type, re.DOTALL)), Kind.NESTED)


def quoted(name: str) -> str:
    """A name as SQL takes it, whatever is in it."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text as SQL takes it, whatever is in it."""
    return "'" + text.replace("'", "''") + "'"


def path_literal(path: Path) -> str:
    """The path of one file as DuckDB's readers take it: they look for a pattern, and would read ``a1`` for ``a[1]``."""
    return literal(glob.escape(str(path)))
