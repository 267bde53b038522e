"""How a cell must be spelled to be a value of its column's type, so that nothing in it is lost or made up.

DuckDB takes more for such a value, without a word: ``1.5`` for the whole number 2, ``007`` for 7 and ``1_000`` for
1000, ``1e400`` for infinity, ``t`` for true, ``infinity`` for a date and ``3-1-2`` for one of the year 3, and a time
without its offset from UTC.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from nbtrain.data.columns import literal, quoted

#: What an error begins with when a cell turns out to be no value of its column's type.
NO_VALUE = "nbtrain: no value of the column: "
#: Whole numbers that a DOUBLE keeps, or nearly all of them: up to 2⁵³.
_KEPT = "0|[1-9][0-9]{0,14}|[1-8][0-9]{15}|900[0-6][0-9]{12}"
#: And those that it may not keep, with what is said then.
LONG = "-?(?:[1-9][0-9]{16,}|9[1-9][0-9]{14}|90[1-9][0-9]{13}|900[7-9][0-9]{12})"
TOO_LARGE = "some of its numbers are larger than a number can be"
TOO_LONG = "some of its whole numbers have more digits than a number keeps"
#: A day with a year of four digits, and of two where a format says so: by whether that begins with the year.
_DAY = "(?:[0-9]{4}[-/.][0-9]{1,2}[-/.][0-9]{1,2}|[0-9]{1,2}[-/.][0-9]{1,2}[-/.][0-9]{4})"
_SHORT = {True: "[0-9]{2}[-/.][0-9]{1,2}[-/.][0-9]{1,2}", False: "[0-9]{1,2}[-/.][0-9]{1,2}[-/.][0-9]{2}"}
_CLOCK = "[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.][0-9]+)?)?(?: ?[AaPp][Mm])?"
#: Of each type, for DuckDB's and Python's patterns alike.
_SPELLED = {
    "BIGINT": "-?(?:0|[1-9][0-9]*)",
    "DOUBLE": f"-?(?:{_KEPT})|[+-]?(?:[0-9]+[.][0-9]*|[.][0-9]+)(?:[eE][+-]?[0-9]+)?|[+-]?[0-9]+[eE][+-]?[0-9]+"
              "|[+-]?(?i:inf(?:inity)?)|(?i:nan)",
    "BOOLEAN": "(?i:true|false)",
    "DATE": _DAY,
    "TIMESTAMP": f"{_DAY}(?:[ T]{_CLOCK}(?: UTC)?)?",
    "TIMESTAMP WITH TIME ZONE": f"{_DAY}[ T]{_CLOCK} ?[A-Za-z+-][A-Za-z0-9_/:+-]*",
    "TIME": "(?:[01]?[0-9]|2[0-3]):[0-9]{2}(?::[0-9]{2}(?:[.][0-9]+)?)?",
}
#: How dates and points in time are mostly written.
_ISO = {"DATE": "'%Y-%m-%d'", "TIMESTAMP": "['%Y-%m-%d %H:%M:%S', '%Y-%m-%dT%H:%M:%S']"}
#: A date whose year is of the Solar Hijri calendar in our time, and of the Middle Ages in the other one.
_YEAR = r"[1\u06f1][2-4\u06f2-\u06f4]\d\d"
_JALALI = re.compile(rf"\s*(?:{_YEAR}([-/.])\d{{1,2}}\1\d{{1,2}}|\d{{1,2}}([-/.])\d{{1,2}}\2{_YEAR})(?:[ T]\d.*)?\s*")
JALALI = ("The column {!r:.60} was read as text: its years are 1200 to 1499, so it looks like Jalali dates; if it has "
          "Gregorian ones, give date_order.")
#: Types of which not all that DuckDB reads is right.
LOOKED_AT = frozenset(_SPELLED)


def is_value(cell: str, kind: str, form: str | None = None) -> bool:
    """Whether a cell looks like a value of this type; `form` is how dates are written."""
    return kind not in _SPELLED or re.fullmatch(_spelling(kind, form), cell) is not None


def are_jalali(found: Sequence[str]) -> bool:
    """Whether these look like dates of the Solar Hijri calendar, in digits of any script."""
    return bool(found) and all(_JALALI.fullmatch(cell) for cell in found)


def is_beyond(column: str) -> str:
    """Whether a text says a number that is beyond all, and would be infinity, in SQL."""
    return f"isinf(TRY_CAST({column} AS DOUBLE)) AND regexp_matches({column}, '[0-9]')"


def as_read(column: str, kind: str, form: str | None = None) -> str:
    """What DuckDB makes of a column of texts, in SQL; `value` says whether it is right."""
    if form or kind in _ISO:  # a format takes half as long as a pattern
        moment = f"try_strptime({column}, {literal(form) if form else _ISO[kind]})"
        return f"{moment}::DATE" if kind == "DATE" else moment
    return f"TRY_CAST({column} AS {kind})"


def value(column: str, kind: str, form: str | None = None, read: str | None = None) -> str:
    """The value in a column of texts, NULL for a cell that is none, in SQL.

    Args:
        column: SQL of the texts.
        kind: DuckDB's type.
        form: how dates are written.
        read: SQL of `as_read`, where that is a column already: it is asked for several times. What tells nearly all
            cells comes first, for a pattern takes twice as long as reading a number.
    """
    read = read or as_read(column, kind, form)
    if kind not in _SPELLED:
        return read
    is_spelled = f"regexp_full_match({column}, {literal(_spelling(kind, form))})"
    if kind == "BIGINT":
        return f"CASE WHEN {read}::VARCHAR = {column} THEN {read} WHEN {is_spelled} THEN {read} END"
    if kind == "DOUBLE":  # 1e400 is beyond all numbers of this type; what is spelled inf has no digit
        plain = f"NOT contains({column}, '_')"
        dotted = f"contains({column}, '.') AND {plain} AND isfinite({read})"
        kept = f"{is_spelled} AND NOT ({is_beyond(column)})"
        return (f"CASE WHEN {read} <> trunc({read}) AND {plain} THEN {read} "  # neither whole nor infinite
                f"WHEN {dotted} THEN {read} WHEN {kept} THEN {read} END")
    if kind == "BOOLEAN":  # what else it takes is shorter: t, yes, 1
        return (f"CASE WHEN {column} = 'true' THEN true WHEN {column} = 'false' THEN false "
                f"WHEN strlen({column}) >= 4 THEN {read} END")
    if kind in _ISO and not _is_short(form):
        whole = f"{read} >= '1000-01-01' AND {column} BETWEEN '0' AND ':'"  # a year of four digits, and no infinity
        other = read if form else f"TRY_CAST({column} AS {kind})"
        return f"CASE WHEN {whole} THEN {read} WHEN {is_spelled} THEN {other} END"
    return f"CASE WHEN {is_spelled} THEN {read} END"


def _is_short(form: str | None) -> bool:
    """Whether years have two digits."""
    return form is not None and "%y" in form


def _spelling(kind: str, form: str | None) -> str:
    """The pattern of a type's values."""
    day = _SHORT[form.startswith("%y")] if form is not None and _is_short(form) else _DAY
    return f" *(?:{_SPELLED[kind].replace(_DAY, day)}) *"


def values_or_errors(
    read: str, names: Sequence[str], typed: Mapping[str, tuple[str, str | None]], path: Path,
) -> tuple[str, dict[str, str]]:
    """Values of columns that are read as text, in SQL: what follows FROM, and what gives each of them there.

    As `value`; a cell that is none ends the query with `NO_VALUE` and the file.

    Args:
        read: what follows FROM for the texts.
        names: all columns there.
        typed: of the columns in question type and form.
        path: the file.
    """
    mark = "read"
    while any(name.lower().startswith(mark) for name in names):
        mark += "_"
    more, values = [], {}
    for number, (name, (kind, form)) in enumerate(typed.items()):
        text, made = f"{mark}{number}t", f"{mark}{number}"
        column = f"{quoted(name)}::VARCHAR"
        more.append(f"{column} AS {text}, {as_read(column, kind, form)} AS {made}")
        said = f"error({literal(NO_VALUE)} || {text} || {literal(f' in {path}')})"
        values[name] = f"coalesce({value(text, kind, form, made)}, CASE WHEN {text} IS NOT NULL THEN {said} END)"
    return f"(SELECT *, {', '.join(more)} FROM {read})", values


def whole_number(name: str, path: Path) -> str:
    """A column of numbers as integers, in SQL; a number that is none, or a large one, ends the query likewise."""
    column = quoted(name)
    said = f"error({literal(NO_VALUE)} || {column}::VARCHAR || {literal(f' in {path}')})"
    return (f"CASE WHEN {column} = trunc({column}) AND abs({column}) < 9007199254740992 THEN {column}::BIGINT "
            f"WHEN {column} IS NULL THEN NULL ELSE {said} END")
