"""Types of a CSV's columns that hold for every row, found when those of its first rows did not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import duckdb

from nbtrain.core.tasks import Progress
from nbtrain.data.columns import literal, quoted
from nbtrain.data.duck import cursor
from nbtrain.data.reading import cells
from nbtrain.data.reading.csv_dialect import Dialect

_NUMBERS = {"BIGINT", "DOUBLE"}
#: What a number does not keep, with the sentence on it.
_LOST = {
    "[+-]?0[0-9]+|[+][0-9]+": "some of its numbers begin with 0 or +",
    cells.LONG: cells.TOO_LONG,
}


def with_spelling_kept(dialect: Dialect, *, progress: Progress | None = None) -> tuple[Dialect, list[str]]:
    """The dialect with text for columns of which DuckDB would read a cell, anywhere, otherwise than it is spelled.

    Also sentences on that. Reads the columns with types once. Raises duckdb.Error, CancelledError.
    """
    typed = [(name, kind) for name, kind in dialect.columns.items() if kind in cells.LOOKED_AT]
    if not typed or dialect.proven:
        return dialect, []
    found = _counted(dialect, [part for name, kind in typed for part in (
        _misread(dialect, name, kind), *_lost(name))], progress)
    wider, notes = [], []
    for number, (name, kind) in enumerate(typed):
        misread, *lost = found[number * (1 + len(_LOST)):][:1 + len(_LOST)]
        if misread:
            wider.append(name)
            notes.append(_note(name, kind, misread, lost))
    return replace(dialect.with_types(dict.fromkeys(wider, "VARCHAR")), empty=dialect.empty - set(wider)), notes


def proven(dialect: Dialect, *, progress: Progress | None = None) -> tuple[Dialect, list[str]]:
    """The dialect with types that all rows fit: reads all of them once. Also sentences on what changed.

    An integer column becomes one of numbers where all are numbers; any other becomes text, and so do numbers, dates
    and the like that do not all fit.
    Raises duckdb.Error, CancelledError.
    """
    typed = [(name, kind) for name, kind in dialect.columns.items() if kind != "VARCHAR"]
    if not typed:
        return replace(dialect, proven=True), []
    each_asks = 2 + len(_LOST)
    counted = _counted(dialect, [part for name, kind in typed for part in (
        _misfits(dialect, name, kind), _misfits(dialect, name, "DOUBLE"), *_lost(name))], progress)
    wider, notes = {}, []
    for number, (name, kind) in enumerate(typed):
        misfits, no_numbers, *lost = counted[number * each_asks:][:each_asks]
        if not misfits:
            continue
        wider[name] = "DOUBLE" if kind == "BIGINT" and not no_numbers else "VARCHAR"
        if wider[name] == "VARCHAR":
            notes.append(_note(name, kind, min(misfits, no_numbers) if kind in _NUMBERS else misfits, lost))
    found = replace(
        dialect.with_types(wider), proven=True, empty=dialect.empty - set(wider), dates={
            name: each for name, each in dialect.dates.items() if name not in wider})
    if not wider and not found.quoted_missing and not _reads(found, progress):
        found = replace(found, quoted_missing=True)  # every value fits, so what did not was a missing one in quotes
    return found, notes


def of_one_type(dialects: Sequence[Dialect], files: Sequence[str]) -> tuple[list[Dialect], dict[str, str]]:
    """The dialects of a table's files with types that go together, and a sentence for each column that is now text.

    Whole numbers and others are numbers; what is text in one file, or of another sort than in the others, is text in
    all, so that it is spelled as it stands there. A column with nothing in it goes with those of the other files.
    """
    notes: dict[str, str] = {}
    types: dict[str, str] = {}
    for name in dict.fromkeys(name for dialect in dialects for name in dialect.columns):
        kinds: dict[str, str] = {}
        for dialect, file in zip(dialects, files, strict=True):
            if name in dialect.columns and name not in dialect.empty:
                kinds.setdefault(dialect.columns[name], file)
        types[name] = _joined(set(kinds))
        if types[name] == "VARCHAR" and len(kinds) > 1:
            told = " and ".join(f"{'text' if kind == 'VARCHAR' else kind} in {file}" for kind, file in kinds.items())
            notes[name] = f"The column {name!r:.60} was read as text: it holds {told}."
    return [_of_types(dialect, types, dialects) for dialect in dialects], notes


def _joined(kinds: set[str]) -> str:
    """The type that takes values of all these types as they are spelled."""
    if len(kinds) == 1:
        return next(iter(kinds))
    if kinds == _NUMBERS:
        return "DOUBLE"
    return "TIMESTAMP" if kinds == {"DATE", "TIMESTAMP"} else "VARCHAR"


def _of_types(dialect: Dialect, types: Mapping[str, str], others: Sequence[Dialect]) -> Dialect:
    wider = {
        name: types[name] for name, kind in dialect.columns.items()
        if types[name] != kind and (kind, types[name]) != ("DATE", "TIMESTAMP")}  # DuckDB puts these together
    if not wider:
        return dialect
    found = dialect.with_types(wider)
    if "DATE" in wider.values() and "DATE" not in dialect.types:
        found = replace(found, date_format=_form("DATE", others))
    if "TIMESTAMP" in wider.values() and "TIMESTAMP" not in dialect.types:
        found = replace(found, time_format=_form("TIMESTAMP", others))
    return replace(found, proven=dialect.proven and set(wider.values()) == {"VARCHAR"})


def _form(kind: str, dialects: Sequence[Dialect]) -> str | None:
    return next((form for each in dialects if kind in each.types and (form := each.form(kind))), None)


def _counted(dialect: Dialect, asked: list[str], progress: Progress | None) -> list[int]:
    """What these expressions count in the texts of all rows."""
    texts = replace(dialect, types=("VARCHAR",) * len(dialect.types), quoted_missing=True, proven=True)
    with cursor(progress) as connection:
        found = connection.execute(f"SELECT {', '.join(asked)} FROM {texts.sql(skip_errors=True)}").fetchone()
    return list(found or [0] * len(asked))


def _note(name: str, kind: str, misfits: int, lost: list[int]) -> str:
    """Why a column is text: what a number would lose, where that is all."""
    said = f"{misfits} of its values are no {kind}"
    if kind in _NUMBERS and misfits == sum(lost):
        said = " and ".join(each for each, count in zip(_LOST.values(), lost, strict=True) if count)
    return f"The column {name!r:.60} was read as text: {said}."


def _lost(name: str) -> list[str]:
    """How many numbers would lose something, by what, in SQL."""
    return [f"count(*) FILTER (regexp_full_match(trim({quoted(name)}), {literal(pattern)}))" for pattern in _LOST]


def _reads(dialect: Dialect, progress: Progress | None) -> bool:
    """Whether all rows can be read as it says; a whole number beyond 2⁵³ can, and a missing one in quotes cannot."""
    with cursor(progress) as connection:
        try:
            connection.execute(f"SELECT count(COLUMNS(*)) FROM {dialect.sql(skip_errors=False)}").fetchall()
        except duckdb.ConversionException:
            return False
    return True


def _misfits(dialect: Dialect, name: str, kind: str) -> str:
    """How many cells are no values of this type, in SQL."""
    column = quoted(name)
    return f"count(*) FILTER ({column} IS NOT NULL AND ({cells.value(column, kind, dialect.form(kind))}) IS NULL)"


def _misread(dialect: Dialect, name: str, kind: str) -> str:
    """How many cells are none and are read by DuckDB all the same, in SQL."""
    column = quoted(name)
    form = dialect.form(kind)
    read = f"try_strptime({column}, {literal(form)})" if form else f"TRY_CAST({column} AS {kind})"
    asked = [f"({cells.value(column, kind, form)}) IS NULL"]
    if kind == "BIGINT":  # read as DOUBLE, and looked at
        read = f"TRY_CAST({column} AS DOUBLE)"
        asked.append(f"({cells.value(column, 'DOUBLE')}) IS NULL")
    return f"count(*) FILTER ({read} IS NOT NULL AND {' AND '.join(asked)})"
