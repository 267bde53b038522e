"""What was typed or chosen as values: text, numbers, series, files. What cannot be used is said with its field."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from numbers import Number
from pathlib import Path
from typing import Any

from nbtrain.core.errors import ConfigError, Problem

#: Characters of a pasted series, and bytes of a file.
LONGEST, LARGEST = 20_000_000, 200 * 2**20
_TRUE, _FALSE = {"true", "1", "yes", "on"}, {"false", "0", "no", "off"}
#: What stands between the numbers of a row, and between steps on one line: there a comma may be within a number.
_BETWEEN, _APART = re.compile(r"[\s,،;\[\]()]+"), re.compile(r"[\s;،\[\]()]+|,(?:\s+|$)")
_AROUND = " \t,،;[]()"


def wrong(name: str, message: str) -> ConfigError:
    """The error that says what is wrong with one field."""
    return ConfigError([Problem(name, message)])


def named(values: Any) -> Mapping[str, Any]:
    """Values by their names. Raises ConfigError for what is none."""
    if not isinstance(values, Mapping):
        raise wrong("values", f"The values are {values!r:.60}; give a dict with a value for each field.")
    return values


def is_missing(value: Any) -> bool:
    """Whether it says nothing: None, NaN, NaT or an empty text."""
    if isinstance(value, str):
        return not value.strip()
    return value is None or bool(is_scalar(value) and value != value)  # noqa: PLR0124 - NaN and NaT are not themselves


def is_scalar(value: Any) -> bool:
    """Whether it is one number, truth, date or time."""
    return isinstance(value, Number | dt.date | dt.time | dt.timedelta) or getattr(value, "shape", None) == ()


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
    return _numbers([value], name)[0]


def switch(values: Mapping[str, Any], name: str) -> bool:
    """Yes or no. Raises ConfigError."""
    value = given(values, name)
    said = str(value).strip().casefold().removesuffix(".0")
    if said not in _TRUE | _FALSE:
        raise wrong(name, f"{name!r} is {value!r:.60}; it must be true or false.")
    return said in _TRUE


def series(values: Mapping[str, Any], name: str) -> list[list[float]]:
    """Numbers, row by row: a text with a row on each line, a list, or a list of lists. Raises ConfigError."""
    rows = _rows(values, name, lambda lines: [_parts(_BETWEEN, line) for line in lines])
    found = iter(_numbers([cell for row in rows for cell in row], name))
    return [list(islice(found, len(row))) for row in rows]


def steps(values: Mapping[str, Any], name: str) -> list[float]:
    """Numbers of one column: one on each line, or all on one line with spaces between. Raises ConfigError."""
    rows = _rows(values, name, _one_column)
    wide = next((row for row in rows if len(row) > 1), None)
    if wide is not None and len(rows) > 1:
        raise wrong(name, (
            f"{name!r} has {len(wide)} numbers in one line ({', '.join(map(str, wide))[:60]}); each step is one "
            "number, so give one on each line."))
    return _numbers([cell for row in rows for cell in row], name)


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


def _rows(
    values: Mapping[str, Any], name: str, split: Callable[[list[str]], list[list[str]]],
) -> list[Sequence[Any]]:
    """The cells of each row that has any, of a text as `split` makes them. Raises ConfigError where there are none."""
    value = given(values, name)
    if isinstance(value, Path):
        value = contents(value, name).decode("utf-8-sig", errors="replace")
    if isinstance(value, str):
        if len(value) > LONGEST:
            raise wrong(name, f"{name!r} has {len(value):,} characters; paste at most {LONGEST:,}.")
        rows: Sequence[Any] = split([line for line in value.splitlines() if line.strip(_AROUND)])
    else:
        rows = value.tolist() if hasattr(value, "tolist") else value
        if not isinstance(rows, list | tuple):
            raise wrong(name, f"{name!r} is a {type(value).__name__}; it must be numbers, one row on each line.")
    lists = (row if isinstance(row, list | tuple) else [row] for row in rows)
    found: list[Sequence[Any]] = [row for row in lists if row]
    if not found:
        raise wrong(name, f"{name!r} holds no numbers; paste some, one row on each line.")
    return found


def _one_column(lines: list[str]) -> list[list[str]]:
    """The numbers of each line, of which several lines have one each, with its sign of thousands, if any."""
    if len(lines) == 1:
        return [_parts(_APART, lines[0])]
    from nbtrain.data.spelled_numbers import MARKS  # noqa: PLC0415 - loads Arrow

    whole = [line.strip(_AROUND) for line in lines]
    read = [_read(whole, mark) for mark in MARKS]
    return [
        [cell] if any(found[at] is not None for found in read) else _parts(_APART, cell)
        for at, cell in enumerate(whole)]


def _parts(between: re.Pattern[str], line: str) -> list[str]:
    return [part for part in between.split(line) if part]


def _numbers(cells: Sequence[Any], name: str) -> list[float]:
    """The cells as finite numbers; all texts with the same sign before the fraction. Raises ConfigError."""
    texts = iter(_spelled([cell for cell in cells if isinstance(cell, str)], name))
    found = [next(texts) if isinstance(cell, str) else _plain(cell, name) for cell in cells]
    for cell, value in zip(cells, found, strict=True):
        if not math.isfinite(value):
            raise wrong(name, f"{name!r} holds {cell!r:.40}; all numbers must be finite.")
    return found


def _spelled(cells: list[str], name: str) -> list[float]:
    """Texts as datasets read them: a point or a comma is before the fraction, whichever fits all of them."""
    if not cells:
        return []
    point, comma = _read(cells, "point"), _read(cells, "comma")
    commas = any("," in cell for cell in cells)
    if None in point and (None in comma or not commas):
        wrongs = [cell for cell, one, other in zip(cells, point, comma, strict=True) if one is None and other is None]
        cell = wrongs[0] if wrongs else cells[point.index(None)]
        raise wrong(name, f"{name!r} holds {cell!r:.40}, which is no number; numbers look like 3.5.")
    if commas and None not in point and None not in comma and point != comma:
        at = next(at for at, cell in enumerate(cells) if point[at] != comma[at])
        raise wrong(name, (
            f"{name!r} holds {cells[at]!r:.40}, which may be {point[at]:.10g} or {comma[at]:.10g}; write numbers "
            "without signs between thousands, and with a point before the fraction."))
    return [value for value in (comma if None in point else point) if value is not None]


def _read(cells: list[str], mark: str) -> list[float | None]:
    """What each text says, with this mark before the fraction; None where it is no number."""
    import pyarrow as pa  # noqa: PLC0415 - a form needs none

    from nbtrain.data.spelled_numbers import latin, numbers  # noqa: PLC0415 - as above

    plain = [cell.encode(errors="replace").decode() for cell in cells]  # half a character is none that Arrow takes
    found: list[float | None] = numbers(latin(pa.array(plain, pa.string())), mark).to_pylist()
    return found


def _plain(cell: Any, name: str) -> float:
    try:
        return float(cell)
    except (TypeError, ValueError):
        raise wrong(name, f"{name!r} holds {cell!r:.40}, which is no number; numbers look like 3.5.") from None
