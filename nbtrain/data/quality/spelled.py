"""Columns of text whose cells are numbers, or dates written in several ways."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from nbtrain.data.columns import Kind, literal, quoted
from nbtrain.data.derived import scan
from nbtrain.data.quality.report import EXAMPLES, Finding, Remedy
from nbtrain.data.quality.subject import Figures, Subject
from nbtrain.data.spelled import Readings
from nbtrain.data.spelled_dates import dates
from nbtrain.data.spelled_numbers import MARKS, codes, latin, numbers

#: Column of text whose cells are numbers for at least this share: the others are the odd ones.
MOSTLY = 0.5
#: The same for dates.
MOSTLY_DATES = 0.9
#: Texts of more characters than this on average are neither numbers nor dates.
LONG = 60
#: How many cells show what is not clear.
SHOWN = 3

_FOREIGN, _LATIN = "۰۱۲۳۴۵۶۷۸۹٠١٢٣٤٥٦٧٨٩", "01234567890123456789"
#: What may be a number, whatever its marks mean.
_NUMBER = r"[+\-\x{2212}]?[.,\x{066B}]?\d[\d.,\x{066B}\x{066C}\p{Z}''’]*([eE][+-]?\d+)?"
_FORMS = {
    "number": _NUMBER,
    "2026-01-31": r"\d{4}-\d{1,2}-\d{1,2}([T ].*)?",
    "2026/01/31": r"\d{4}/\d{1,2}/\d{1,2}([T ].*)?",
    "31.01.2026": r"\d{1,2}\.\d{1,2}\.(\d{2}|\d{4})( .*)?",
    "01/31/2026": r"\d{1,2}/\d{1,2}/(\d{2}|\d{4})( .*)?",
    "31 January 2026": r"\d{1,2}[ -]\p{L}{3,}\.?,?[ -]\d{2,4}|\p{L}{3,}\.? \d{1,2},? \d{4}",
}


def spelled(subject: Subject) -> Iterator[Finding]:
    """Columns of text whose cells are all or mostly numbers, or dates written in several ways."""
    for each in subject.figures:
        if each.column.kind is not Kind.TEXT or each.length > LONG or each.column.name == subject.target:
            continue
        cell = f"translate(trim({quoted(each.column.name)}::VARCHAR), '{_FOREIGN}', '{_LATIN}')"
        looks = {form: f"regexp_full_match({cell}, {literal(pattern)})" for form, pattern in _FORMS.items()}
        listed = ", ".join(f"count(*) FILTER ({condition}) AS {quoted(form)}" for form, condition in looks.items())
        counts = subject.sql(f"SELECT {listed} FROM {subject.table.source}")[0]
        if counts.pop("number") >= MOSTLY * (each.present - each.blank) > 0:
            yield from _numbers(subject, each, cell)
        yield from _mixed_dates(subject, each, cell, looks, counts)


def _numbers(subject: Subject, each: Figures, cell: str) -> Iterator[Finding]:
    name, said = each.column.name, each.present - each.blank
    readings, coded = Readings(), 0
    for column in _cells(subject, cell):
        readings.add(_read(column))
        coded += codes(column)
    odd, decimal = said - readings.some, readings.meant
    if readings.some < MOSTLY * said or coded >= MOSTLY * said or (coded and not odd):
        return  # what is written as a code is text with good reason
    if decimal is None and not coded:
        rows, examples = _where(subject, cell, _differ)
        yield Finding(
            "unclear_numbers", "medium", readings.some, readings.some / subject.rows, (name,), rows,
            {"examples": ", ".join(dict.fromkeys(examples[:SHOWN]))})
        return
    remedy = None if coded else Remedy(
        "steps", "make_numbers", ({"step": "to_number", "columns": [name], "decimal": decimal},))
    args = {"lost": said - readings.counts[decimal]} if decimal else {}
    if odd:
        rows, _ = _where(subject, cell, _no_number)
        yield Finding("mixed_numbers", "medium", odd, odd / subject.rows, (name,), rows, args, remedy)
    else:
        yield Finding("numbers_as_text", "medium", said, said / subject.rows, (name,), (), args, remedy)


def _mixed_dates(
    subject: Subject, each: Figures, cell: str, looks: Mapping[str, str], counts: Mapping[str, int],
) -> Iterator[Finding]:
    used = sorted(((n, form) for form, n in counts.items() if n), reverse=True)
    said = each.present - each.blank
    if len(used) < 2 or sum(counts.values()) < MOSTLY_DATES * said:
        return
    odd = sum(n for n, _ in used[1:])
    others = " OR ".join(looks[form] for _, form in used[1:])
    rows = subject.examples({"odd": f"({others}) AND NOT {looks[used[0][1]]}"})["odd"]
    readings = Readings()
    for column in _cells(subject, cell):
        readings.add(dates(column))
    args: dict[str, Any] = {"forms": ", ".join(form for _, form in used)}
    remedy = None
    if (way := readings.meant) is not None:
        step = {"step": "to_date", "columns": [each.column.name], "order": way.split()[0]}
        remedy = Remedy("steps", "make_dates", (step,))
        args["lost"] = said - readings.counts[way]
    yield Finding("mixed_dates", "medium", odd, odd / subject.rows, (each.column.name,), rows, args, remedy)


def _read(column: pa.Array) -> dict[str, pa.Array]:
    """The numbers of a column with each mark before the fraction."""
    return {decimal: numbers(column, decimal) for decimal in MARKS}


def _no_number(column: pa.Array) -> pa.Array:
    """Which cells are no number, whatever the marks mean."""
    return pc.and_(pc.is_null(pc.coalesce(*_read(column).values())), pc.not_equal(column, ""))


def _differ(column: pa.Array) -> pa.Array:
    """Which cells are a number, and another one with the other mark, or none."""
    point, comma = _read(column).values()
    same = pc.fill_null(pc.equal(point, comma), False)
    return pc.and_(pc.invert(same), pc.is_valid(pc.coalesce(point, comma)))


def _cells(subject: Subject, cell: str) -> Iterator[pa.Array]:
    for batch in scan(subject.table, {"v": cell}, progress=subject.progress):
        yield latin(batch["v"].cast(pa.string()))


def _where(
    subject: Subject, cell: str, meets: Callable[[pa.Array], pa.Array],
) -> tuple[tuple[int, ...], list[str]]:
    """Numbers and cells of the first rows that meet a condition."""
    rows: list[int] = []
    found: list[str] = []
    at = 0
    for column in _cells(subject, cell):
        hits = pc.indices_nonzero(pc.fill_null(meets(column), False))[:EXAMPLES - len(rows)]
        rows += [at + hit for hit in hits.to_pylist()]
        found += column.take(hits).to_pylist()
        if len(rows) == EXAMPLES:
            break
        at += len(column)
    return tuple(rows), found
