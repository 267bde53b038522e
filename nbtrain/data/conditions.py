"""Filters and searches as SQL, after a look at whether their values fit the columns they are compared with.

A cell is missing when it is NULL or NaN. A missing cell is found by ``missing`` and by ``ne``, and by nothing else:
it is not smaller or larger than anything, nor equal to it.
"""

from __future__ import annotations

import datetime as dt
import math
import re
import struct
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from nbtrain.data.columns import Column, Kind, quoted


class Op(StrEnum):
    """How a cell is compared with the value of a filter."""

    EQUAL = "eq"
    UNEQUAL = "ne"
    LESS = "lt"
    AT_MOST = "le"
    GREATER = "gt"
    AT_LEAST = "ge"
    BETWEEN = "between"
    """From the first of two values up to, and without, the second: a bar of a histogram."""
    IN = "in"
    CONTAINS = "contains"
    """Text, without regard to upper and lower case."""
    MISSING = "missing"
    PRESENT = "present"


@dataclass(frozen=True, slots=True)
class Filter:
    """Rows whose cell in `column` compares so with `value`; a list of values for ``in``, of two for ``between``."""

    column: str
    op: Op
    value: Any = None


class MisfitError(ValueError):
    """A filter that cannot be; its text is the sentence that says why."""


Condition = tuple[str, list[Any]]
"""An expression in SQL, and its parameters."""

_COMPARISONS = {
    Op.EQUAL: "=", Op.UNEQUAL: "IS DISTINCT FROM", Op.LESS: "<", Op.AT_MOST: "<=", Op.GREATER: ">", Op.AT_LEAST: ">=",
}
_SIGHTLESS = {Kind.BINARY, Kind.IMAGE, Kind.AUDIO}
#: DuckDB has no numbers beyond.
_LARGEST = 2**127 - 1
#: Microseconds.
_LONGEST = 2**63
#: Letters that are one in Persian and written with either sign, by whoever typed on an Arabic keyboard.
_ALIKE = str.maketrans("يىك", "ییک")
#: What the text of such cells is made of; a search for anything else need not look at them.
_SIGNS = {
    Kind.INTEGER: re.compile(r"-|-?\d+"),
    Kind.NUMBER: re.compile(r"[-+.\deinfa]+"),
    # No more than six digits are side by side in a date: the microseconds.
    Kind.DATE: re.compile(r"(?!.*\d{7})[-+.:\d ]+"),
    Kind.TIME: re.compile(r"(?!.*\d{7})[-+.:\d]+"),
}


def condition(given: Filter, column: Column) -> Condition:
    """A filter as SQL. Raises MisfitError."""
    name = quoted(column.name)
    if given.op in {Op.MISSING, Op.PRESENT}:
        missing = f"({name} IS NULL OR isnan({name}))" if can_be_nan(column) else f"({name} IS NULL)"
        return (missing if given.op is Op.MISSING else f"(NOT {missing})"), []
    if column.kind in _SIGHTLESS:
        raise MisfitError(
            f"{column.name!r} holds {column.kind} cells; they can be filtered by missing and present alone.")
    if given.op is Op.CONTAINS:
        return contains(column, _text(given.value, column))
    if given.op is Op.BETWEEN:
        low, high = _two(given, column)
        above, first = _compared(Op.AT_LEAST, low, column, exact=True)
        below, second = _compared(Op.LESS, high, column, exact=True)
        return f"({above} AND {below})", first + second
    if given.op is Op.IN:
        found = [_compared(Op.EQUAL, value, column) for value in _several(given, column)]
        return "(" + " OR ".join(part for part, _ in found) + ")", [value for _, values in found for value in values]
    return _compared(given.op, given.value, column)


def search(text: str, columns: Sequence[Column]) -> Condition:
    """Rows with `text` in any column, without regard to upper and lower case."""
    found = [each for column in columns if (each := _searched(column, text)) is not None]
    return "(" + (" OR ".join(part for part, _ in found) or "FALSE") + ")", [value for _, v in found for value in v]


def contains(column: Column, text: str) -> Condition:
    """Cells with `text` in them as they are shown; signs such as ``%`` are what they are."""
    cell, wanted = f"lower({as_text(column)})", text.lower()
    alike = wanted.translate(_ALIKE)
    if set(alike) & set("یک"):
        return f"contains(translate({cell}, 'يىك', 'ییک'), ?)", [alike]
    return f"contains({cell}, lower(?))", [text]


def can_be_nan(column: Column) -> bool:
    """Whether cells can be NaN, which no comparison of SQL's treats as missing."""
    return column.type in {"FLOAT", "DOUBLE"}


def as_text(column: Column) -> str:
    """The cells of a column as text, in SQL."""
    name = quoted(column.name)
    return name if column.type == "VARCHAR" else f"{name}::VARCHAR"


def _searched(column: Column, text: str) -> Condition | None:
    """Cells with `text` in them; None where there can be none. Numbers become texts only where they must."""
    wanted, name = text.lower(), quoted(column.name)
    if column.kind in _SIGHTLESS:
        return None
    if column.kind is Kind.BOOLEAN:
        found = [cell for cell, said in ((name, "true"), (f"NOT {name}", "false")) if wanted in said]
        return (f"({' OR '.join(found)})", []) if found else None
    signs = _SIGNS.get(column.kind)
    if signs is None:
        return contains(column, text)
    if not signs.fullmatch(wanted) or not wanted.isascii():
        return None
    part = f"contains({as_text(column)}, ?)"
    if column.kind is Kind.INTEGER and len(wanted) > 1:
        least = min(10 ** (len(wanted.removeprefix("-")) - 1), _LARGEST)
        part = f"(({name} >= {least} OR {name} <= -{least}) AND {part})"
    return part, [wanted]


def _compared(op: Op, value: Any, column: Column, *, exact: bool = False) -> Condition:
    """As SQL; unless `exact`, a FLOAT is compared with what the value would be in its place: 0.1 is 0.1."""
    name = quoted(column.name)
    if column.kind is Kind.INTEGER:
        return _whole(op, _number(value, column), name)
    place, parameter = "?", value
    if column.kind is Kind.NUMBER:
        parameter = _real(value, column)
        if column.type == "FLOAT" and not exact:
            parameter = _single(parameter)
    elif column.kind is Kind.BOOLEAN:
        parameter = _truth(value, column)
    elif column.kind is Kind.DATE:
        place, parameter = f"CAST(? AS {'TIMESTAMP_NS' if column.type == 'TIMESTAMP_NS' else _zoned(column)})", _moment(
            value, column)
    elif column.kind is Kind.TIME:
        place, parameter = f"CAST(? AS {column.type})", _clock(value, column)
    elif column.kind is Kind.DURATION:
        place, parameter = "to_microseconds(CAST(? AS BIGINT))", _microseconds(value, column)
    else:
        name, parameter = as_text(column), _text(value, column)
    part = f"{name} {_COMPARISONS[op]} {place}"
    if can_be_nan(column) and op in {Op.GREATER, Op.AT_LEAST}:
        part = f"({part} AND NOT isnan({name}))"  # in DuckDB NaN is larger than everything
    return part, [parameter]


def _whole(op: Op, value: float, name: str) -> Condition:
    """Whole numbers compared with any number, none of which is rounded."""
    if isinstance(value, int):
        whole = value
    elif math.isinf(value):
        whole = _LARGEST if value > 0 else -_LARGEST
    elif value.is_integer():
        whole = int(value)
    elif op in {Op.EQUAL, Op.UNEQUAL}:
        return ("FALSE" if op is Op.EQUAL else "TRUE"), []
    else:
        whole = math.ceil(value) if op in {Op.LESS, Op.AT_LEAST} else math.floor(value)
    return f"{name} {_COMPARISONS[op]} ?", [max(-_LARGEST, min(whole, _LARGEST))]


def _zoned(column: Column) -> str:
    return "TIMESTAMP WITH TIME ZONE" if column.type.endswith("ZONE") else "TIMESTAMP"


def _number(value: Any, column: Column) -> float:
    """A number as it is, or what a text says, in any digits."""
    found: float | None = None
    if isinstance(value, int | float) and not isinstance(value, bool):
        found = value
    elif isinstance(value, str):
        try:
            found = int(value)
        except ValueError:
            try:
                found = float(value)
            except ValueError:
                found = None
    if found is None or found != found:  # noqa: PLR0124 - NaN
        raise _misfit(value, column, "a number")
    return found


def _real(value: Any, column: Column) -> float:
    try:
        return float(_number(value, column))
    except OverflowError:
        raise MisfitError(
            f"{column.name!r} holds {column.type} and was filtered with a number beyond {sys.float_info.max:.2g}; "
            "give a smaller one.") from None


def _single(value: float) -> float:
    """The nearest number of 32 bits; one that is beyond them all as it is."""
    try:
        return float(struct.unpack("<f", struct.pack("<f", value))[0])
    except OverflowError:
        return value


def _microseconds(value: Any, column: Column) -> int:
    found = _real(value, column) * 1e6
    if not abs(found) < _LONGEST:
        raise _misfit(value, column, f"at most {_LONGEST / 1e6:.1e} seconds")
    return round(found)


def _truth(value: Any, column: Column) -> bool:
    known = {True: True, False: False, "true": True, "false": False}
    lowered = value.lower() if isinstance(value, str) else value
    if not isinstance(lowered, str | int | float) or lowered not in known:
        raise _misfit(value, column, "true or false")
    return known[lowered]


def _moment(value: Any, column: Column) -> str:
    """A date or a point in time as ISO text: of UTC, where it came with a zone."""
    text = _iso(value, column, dt.datetime.fromisoformat)
    moment = dt.datetime.fromisoformat(text)
    if moment.tzinfo is None:
        return text
    try:
        return moment.astimezone(dt.UTC).replace(tzinfo=None).isoformat()
    except OverflowError as error:
        raise _misfit(value, column, "a date such as 2026-01-31 or 2026-01-31T12:00:00") from error


def _clock(value: Any, column: Column) -> str:
    return value if value == "24:00:00" else _iso(value, column, dt.time.fromisoformat)  # the end of the last bar


def _iso(value: Any, column: Column, parse: Callable[[str], object]) -> str:
    text = value.isoformat() if isinstance(value, dt.date | dt.time) else value
    example = "a date such as 2026-01-31 or 2026-01-31T12:00:00" if column.kind is Kind.DATE else "a time such as 12:00"
    if not isinstance(text, str):
        raise _misfit(value, column, example)
    try:
        parse(text)
    except ValueError as error:
        raise _misfit(value, column, example) from error
    return text


def _text(value: Any, column: Column) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise _misfit(value, column, "text")
    text = str(value)
    if not text.isprintable() and any("\ud800" <= sign <= "\udfff" for sign in text):
        raise _misfit(value, column, "text without halves of characters")
    return text


def _two(given: Filter, column: Column) -> tuple[Any, Any]:
    if not isinstance(given.value, list | tuple) or len(given.value) != 2:
        raise MisfitError(f"The filter between on {column.name!r} needs two values; it came with {given.value!r:.80}.")
    return given.value[0], given.value[1]


def _several(given: Filter, column: Column) -> Sequence[Any]:
    if not isinstance(given.value, list | tuple) or not given.value:
        raise MisfitError(f"The filter in on {column.name!r} needs a list of values; it came with {given.value!r:.80}.")
    return given.value


def _misfit(value: Any, column: Column, wanted: str) -> MisfitError:
    return MisfitError(
        f"{column.name!r} holds {column.type} and was filtered with {value!r:.80}; give {wanted}.")
