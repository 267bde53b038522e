"""Types of a CSV's columns that hold for every row, found when those of its first rows did not."""

from __future__ import annotations

from dataclasses import replace

import duckdb

from nbtrain.core.tasks import Progress
from nbtrain.data.columns import literal, quoted
from nbtrain.data.duck import cursor
from nbtrain.data.reading.csv_dialect import Dialect

#: Digits that a number does not keep: those of a postcode, or the plus of a telephone number.
_ZEROS = "[+-]?0[0-9]+"
_MARKED = f"{_ZEROS}|[+][0-9]+"
#: What a number among whole ones would lose as a DOUBLE: those, and the last of 17 digits or more.
_LOST = f"{_MARKED}|-?[0-9]{{17,}}"
_MARKS = "The column {!r:.60} was read as text: some of its numbers begin with 0 or +."


def with_marks_kept(dialect: Dialect, *, progress: Progress | None = None) -> tuple[Dialect, list[str]]:
    """The dialect with text for whole numbers of which some, anywhere, begin with 0 or +. Also sentences on that.

    Reads the columns of whole numbers once. Raises duckdb.Error, CancelledError.
    """
    whole = [name for name, kind in dialect.columns.items() if kind == "BIGINT"]
    if not whole or dialect.proven:
        return dialect, []
    asked = ", ".join(f"bool_or({_is_marked(name)})" for name in whole)
    texts = replace(dialect, types=("VARCHAR",) * len(dialect.types), quoted_missing=True, proven=True)
    with cursor(progress) as connection:
        found = connection.execute(f"SELECT {asked} FROM {texts.sql(skip_errors=True)}").fetchone() or ()
    marked = [name for name, has in zip(whole, found, strict=True) if has]
    return dialect.with_types(dict.fromkeys(marked, "VARCHAR")), [_MARKS.format(name) for name in marked]


def proven(dialect: Dialect, *, progress: Progress | None = None) -> tuple[Dialect, list[str]]:
    """The dialect with types that all rows fit: reads all of them once. Also sentences on what changed.

    An integer column becomes one of numbers where all are numbers; any other becomes text, and so do numbers, dates
    and the like that do not all fit.
    Raises duckdb.Error, CancelledError.
    """
    typed = [(name, kind) for name, kind in dialect.columns.items() if kind != "VARCHAR"]
    texts = replace(dialect, types=("VARCHAR",) * len(dialect.types), quoted_missing=True, proven=True)
    asked = ", ".join(
        part for name, kind in typed for part in (
            _misfits(dialect, name, kind), _misfits(dialect, name, "DOUBLE", whole=kind == "BIGINT"),
            f"count(*) FILTER ({_is_marked(name)})"))
    if not typed:
        return replace(dialect, proven=True), []
    with cursor(progress) as connection:
        counted = connection.execute(f"SELECT {asked} FROM {texts.sql(skip_errors=True)}").fetchone() or ()
    wider, notes = {}, []
    for (name, kind), misfits, no_numbers, marked in zip(
            typed, counted[::3], counted[1::3], counted[2::3], strict=True):
        if misfits:
            wider[name] = "DOUBLE" if kind == "BIGINT" and not no_numbers else "VARCHAR"
            if kind == "BIGINT" and marked and marked == no_numbers:
                notes.append(_MARKS.format(name))
            elif wider[name] == "VARCHAR":
                notes.append(f"The column {name!r:.60} was read as text: {misfits} of its values are no {kind}.")
    found = replace(dialect.with_types(wider), proven=True, dates={
        name: each for name, each in dialect.dates.items() if name not in wider})
    if not wider and not found.quoted_missing and not _reads(found, progress):
        found = replace(found, quoted_missing=True)  # every value fits, so what did not was a missing one in quotes
    return found, notes


def _is_marked(name: str) -> str:
    """Whether a text is such a number, in SQL."""
    return f"regexp_full_match(trim({quoted(name)}), {literal(_MARKED)})"


def _reads(dialect: Dialect, progress: Progress | None) -> bool:
    """Whether all rows can be read as it says; a whole number beyond 2⁵³ can, and a missing one in quotes cannot."""
    with cursor(progress) as connection:
        try:
            connection.execute(f"SELECT count(COLUMNS(*)) FROM {dialect.sql(skip_errors=False)}").fetchall()
        except duckdb.ConversionException:
            return False
    return True


def _misfits(dialect: Dialect, name: str, kind: str, *, whole: bool = False) -> str:
    """How many values are not of this kind; `whole`: they were taken for whole numbers."""
    column = quoted(name)
    fits = f"TRY_CAST({column} AS {kind}) IS NOT NULL"
    if kind == "BIGINT":  # the cast would round
        fits += f" AND regexp_full_match(trim({column}), '-?(0|[1-9][0-9]*)')"
    elif kind == "DOUBLE":
        fits += f" AND NOT regexp_full_match(trim({column}), {literal(_LOST if whole else _ZEROS)})"
    elif kind == "DATE" and dialect.date_format:
        fits = f"try_strptime({column}, {literal(dialect.date_format)}) IS NOT NULL"
    elif kind.startswith("TIMESTAMP") and dialect.time_format:
        fits = f"try_strptime({column}, {literal(dialect.time_format)}) IS NOT NULL"
    return f"count(*) FILTER ({column} IS NOT NULL AND NOT ({fits}))"
