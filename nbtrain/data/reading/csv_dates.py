"""Dates of a CSV whose day and month could be either: told by all files of a table together, never guessed.

``03/04/2020`` is a day in April or in March. Where no value of a column tells, in any file, the column stays text, and
a note says so. The first rows of each file are looked at when it is opened; what they cannot tell, all rows do when
the table is read whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from nbtrain.core.tasks import Progress
from nbtrain.data.columns import literal, quoted
from nbtrain.data.duck import cursor
from nbtrain.data.reading.csv_dialect import MISSING, SNIFFED, Dates, Dialect

_FORMAT = re.compile(r"%[dmy](.)%[dm]\1(?:(%Y)|%[dy])(.*)")
_CELL = re.compile(r"\d{1,2}([/.-])\d{1,2}\1\d{4}(?:([ T])\d{1,2}:\d\d(:\d\d)?( ?)([AaPp][Mm])?)?")
_WORDS = {"dmy": "day first", "mdy": "month first", "ymd": "year first"}


def with_dates(dialect: Dialect, rows: Sequence[Sequence[str]]) -> Dialect:
    """The dialect with what is known of its dates from its first rows; `rows` are some of them. Raises duckdb.Error."""
    asked = {}
    for i, (name, kind) in enumerate(zip(dialect.names, dialect.types, strict=True)):
        if name in dialect.kept and name not in dialect.jalali and kind in {"VARCHAR", "DATE", "TIMESTAMP"}:
            cell = next((row[i] for row in rows if len(row) > i and row[i] not in MISSING), "")
            found = _formats(dialect, kind, cell)
            if found:
                asked[name] = Dates("TIMESTAMP" if ":" in found["dmy"] else "DATE", found, (), cell)
    judged = _judged(dialect, asked, SNIFFED)
    return replace(dialect, dates={
        name: each for name, each in judged.items() if not each.misfits or dialect.columns[name] != "VARCHAR"})


def with_dates_of_all_rows(dialect: Dialect, names: Iterable[str], progress: Progress | None = None) -> Dialect:
    """The dialect with what all rows tell of the dates in these columns. Raises duckdb.Error, CancelledError."""
    asked = {name: dialect.dates[name] for name in names if name in dialect.dates}
    judged = _judged(dialect, asked, None, progress)
    return replace(dialect, dates={**dialect.dates, **judged})


def agreed(
    dialects: Sequence[Dialect], order: str | None, *, skip: bool,
) -> tuple[list[Dialect], list[str]]:
    """The dialects of a table's files with one order of its dates for each column, and notes on that.

    Args:
        dialects: of the files.
        order: of dates, as the user says it.
        skip: rows that cannot be read are left out, so that a value that is no date does not make all dates text.
    """
    notes, orders = [], {}
    for name in dict.fromkeys(name for dialect in dialects for name in dialect.dates):
        found = [dialect.dates[name] for dialect in dialects if name in dialect.dates]
        orders[name], note = _told(name, found, order, skip=skip)
        if note:
            notes.append(note)
    for dialect in dialects:
        for name in _spelled_otherwise(dialect, orders):
            orders[name] = None
            notes.append(f"The column {name!r:.60} was read as text: its dates are written in another way than those "
                         "of another column.")
    return [_in_order(dialect, orders) for dialect in dialects], notes


def orders_read(dialect: Dialect) -> dict[str, str]:
    """The order in which each column of dates is read."""
    forms = {"DATE": dialect.date_format, "TIMESTAMP": dialect.time_format}
    return {
        name: order for name, each in dialect.dates.items() if dialect.columns.get(name) == each.kind
        for order, form in each.formats.items() if form == forms[each.kind]}


def undecided(dialects: Sequence[Dialect], order: str | None) -> set[str]:
    """The columns of dates whose order the rows that were looked at do not tell."""
    names = {name for dialect in dialects for name in dialect.dates}
    return {name for name in names if order is None and len(
        _common([dialect.dates[name] for dialect in dialects if name in dialect.dates])) > 1}


def _formats(dialect: Dialect, kind: str, cell: str) -> dict[str, str]:
    """How dates like these may be read, by the order of day, month and year; empty where there is but one way."""
    given = {"DATE": dialect.date_format, "TIMESTAMP": dialect.time_format}.get(kind)
    if given is not None:
        match = _FORMAT.fullmatch(given)
        if match is None:
            return {}
        between, full_year, rest = match.groups()
    elif kind == "VARCHAR" and (match := _CELL.fullmatch(cell)) is not None:
        between, before, seconds, space, half = match.groups()
        full_year, rest = "%Y", ""
        if before:
            rest = f"{before}{'%I' if half else '%H'}:%M{':%S' if seconds else ''}{f'{space}%p' if half else ''}"
    else:
        return {}
    year = full_year or "%y"
    orders = {"dmy": ("%d", "%m", year), "mdy": ("%m", "%d", year)}
    if not full_year:
        orders["ymd"] = ("%y", "%m", "%d")
    return {name: between.join(order) + rest for name, order in orders.items()}


def _judged(
    dialect: Dialect, asked: Mapping[str, Dates], rows: int | None, progress: Progress | None = None,
) -> dict[str, Dates]:
    """The columns with the orders in which each of the first rows, or of all, is a date."""
    if not asked:
        return {}
    counts = []
    for name, each in asked.items():
        dates = [f"try_strptime({quoted(name)}, {literal(form)})" for form in each.formats.values()]
        counts += [f"count({date})" for date in [*dates, f"coalesce({', '.join(dates)})", quoted(name)]]
    texts = replace(dialect, types=("VARCHAR",) * len(dialect.types), quoted_missing=True, proven=True)
    listed = ", ".join(map(quoted, asked))
    source = f"(SELECT {listed} FROM {texts.sql(skip_errors=True)}{f' LIMIT {rows}' if rows else ''})"
    with cursor(progress) as connection:
        found = iter(connection.execute(f"SELECT count(*), {', '.join(counts)} FROM {source}").fetchone() or ())
    seen, judged = next(found), {}
    for name, each in asked.items():
        fitting = {order: next(found) for order in each.formats}
        dates, values = next(found), next(found)
        judged[name] = replace(
            each, fitting=tuple(order for order, count in fitting.items() if count == dates),
            misfits=values - dates, all_seen=rows is None or seen < rows)
    return judged


def _common(found: Sequence[Dates]) -> list[str]:
    """The orders that fit all files."""
    return [order for order in found[0].formats if all(order in each.fitting for each in found)]


def _told(name: str, found: Sequence[Dates], order: str | None, *, skip: bool) -> tuple[str | None, str]:
    """The order of the dates of a column, None where they are to be text, and then a sentence on it."""
    text = f"The column {name!r:.60} was read as text: "
    common = _common(found)
    misfits = sum(each.misfits for each in found)
    if misfits and not skip:
        return None, f"{text}{misfits} of its values are no dates."
    if not common:
        return None, f"{text}its dates are not all in the same order; some are day first, say, and others month first."
    if order is not None:
        return (order, "") if order in common else (
            None, f"{text}not all of its dates can be read {_WORDS[order]}, as date_order says.")
    if len(common) == 1:
        return common[0], ""
    ways = " and ".join(_WORDS[each] for each in common)
    example = next((f", such as {each.example!r:.40}," for each in found if each.example), "")
    if all(each.all_seen for each in found):
        return None, f"{text}all of its dates{example} can be read {ways}; say which with date_order."
    return None, (f"{text}the first of its dates{example} can be read {ways}; importing looks at all of them, or say "
                  "which with date_order.")


def _spelled_otherwise(dialect: Dialect, orders: Mapping[str, str | None]) -> list[str]:
    """The columns of dates that DuckDB cannot read beside others of the same kind: it knows one format for each."""
    chosen = {
        kind: form for name, kind in dialect.columns.items()
        for form in [{"DATE": dialect.date_format, "TIMESTAMP": dialect.time_format}.get(kind, "")]
        if name not in dialect.dates and form != ""}
    found = []
    for name, each in dialect.dates.items():
        if (order := orders[name]) is not None and chosen.setdefault(each.kind, each.formats[order]) != (
                each.formats[order]):
            found.append(name)
    return found


def _in_order(dialect: Dialect, orders: Mapping[str, str | None]) -> Dialect:
    """The dialect with its dates in these orders, and those without as text."""
    types = {name: each.kind if orders[name] else "VARCHAR" for name, each in dialect.dates.items()}
    formats = {
        each.kind: each.formats[order] for name, each in dialect.dates.items() if (order := orders[name]) is not None}
    return replace(
        dialect.with_types(types), date_format=formats.get("DATE", dialect.date_format),
        time_format=formats.get("TIMESTAMP", dialect.time_format))
