"""What was typed or chosen as values: text, numbers, series, files. What cannot be used is said with its field."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from nbtrain.core.errors import ConfigError, Problem

#: Characters of a pasted series, and bytes of a file.
LONGEST, LARGEST = 20_000_000, 200 * 2**20
_TRUE, _FALSE = {"true", "1", "yes", "on"}, {"false", "0", "no", "off"}
_BETWEEN = re.compile(r"[\s,;\t\[\]()]+")
#: The decimal sign of Persian and Arabic; float() knows their digits.
_SIGNS = str.maketrans({"\u066b": ".", "\u066c": "", "\u2212": "-"})


def wrong(name: str, message: str) -> ConfigError:
    """The error that says what is wrong with one field."""
    return ConfigError([Problem(name, message)])


def given(values: Mapping[str, Any], name: str) -> Any:
    """What was answered. Raises ConfigError where it is missing."""
    value = values.get(name)
    if value is None or (isinstance(value, str) and not value.strip()):
        raise wrong(name, f"{name!r} is empty; fill it in.")
    return value


def text(values: Mapping[str, Any], name: str) -> str:
    """A text. Raises ConfigError."""
    value = given(values, name)
    if not isinstance(value, str):
        raise wrong(name, f"{name!r} is a {type(value).__name__}; it must be a text.")
    return value


def number(values: Mapping[str, Any], name: str) -> float:
    """A finite number. Raises ConfigError."""
    value = given(values, name)
    try:
        found = float(value.strip().translate(_SIGNS) if isinstance(value, str) else value)
    except (TypeError, ValueError):
        raise wrong(name, f"{name!r} is {value!r:.60}; it must be a number, such as 3.5.") from None
    if not math.isfinite(found):
        raise wrong(name, f"{name!r} is {value!r:.60}; it must be a finite number.")
    return found


def switch(values: Mapping[str, Any], name: str) -> bool:
    """Yes or no; off where nothing was said. Raises ConfigError."""
    value = values.get(name, False)
    said = str(value).strip().casefold()
    if said not in _TRUE | _FALSE:
        raise wrong(name, f"{name!r} is {value!r:.60}; it must be true or false.")
    return said in _TRUE


def series(values: Mapping[str, Any], name: str) -> list[list[float]]:
    """Numbers, row by row: a text with a row on each line, a list, or a list of lists. Raises ConfigError."""
    value = given(values, name)
    if isinstance(value, Path):
        value = contents(value, name).decode(errors="replace")
    if isinstance(value, str):
        if len(value) > LONGEST:
            raise wrong(name, f"{name!r} has {len(value):,} characters; paste at most {LONGEST:,}.")
        rows: Sequence[Any] = [[part for part in _BETWEEN.split(line) if part] for line in value.splitlines()]
    else:
        rows = value.tolist() if hasattr(value, "tolist") else value
        if not isinstance(rows, list | tuple):
            raise wrong(name, f"{name!r} is a {type(value).__name__}; it must be numbers, one row on each line.")
    lines = [row if isinstance(row, list | tuple) else [row] for row in rows]
    found = [[_one(cell, name) for cell in line] for line in lines if line]
    if not found or not found[0]:
        raise wrong(name, f"{name!r} holds no numbers; paste some, one row on each line.")
    return found


def file(values: Mapping[str, Any], name: str) -> Path:
    """The path of a file that is there. Raises ConfigError."""
    value = given(values, name)
    path = Path(value).expanduser() if isinstance(value, str | Path) else None
    try:
        there = path is not None and path.is_file()
    except (OSError, ValueError):  # too long for a path, say
        there = False
    if path is None or not there:
        raise wrong(name, f"{name!r} is {str(value)!r:.200}; it must be a file that is there.")
    return path


def contents(path: Path, name: str) -> bytes:
    """All of a file. Raises ConfigError when it is too large, or cannot be read."""
    try:
        size = path.stat().st_size
        if size > LARGEST:
            raise wrong(name, f"{name!r} has {size:,} bytes; at most {LARGEST:,} can be tried.")
        return path.read_bytes()
    except OSError as error:
        raise wrong(name, f"{path.name} cannot be read: {error.strerror}.") from None


def _one(cell: Any, name: str) -> float:
    try:
        found = float(cell.translate(_SIGNS) if isinstance(cell, str) else cell)
    except (TypeError, ValueError):
        raise wrong(name, (
            f"{name!r} holds {cell!r:.40}, which is no number; numbers look like 3.5, with a space or a comma between "
            "them.")) from None
    if not math.isfinite(found):
        raise wrong(name, f"{name!r} holds {cell!r:.40}; all numbers must be finite.")
    return found
