"""Columns that hold nothing, or always the same; missing and empty cells; outliers."""

from __future__ import annotations

from collections.abc import Iterator
from math import exp, log
from typing import Any

from nbtrain.data.columns import Column, Kind, literal, quoted
from nbtrain.data.quality.report import Finding, Remedy, Severity
from nbtrain.data.quality.subject import Figures, Subject, blank, missing

#: A value that fills more of a column than this leaves too little to learn from: 1 row in 200.
NEARLY_ALL = 0.995
#: A column that is missing more often than this is better left out than filled with guesses.
MOSTLY_MISSING = 0.8
#: From this share on, missing cells are worth a word of warning; below it, of notice.
OFTEN_MISSING = 0.05
#: Texts shorter than this, in a column of prose, say nothing.
SHORT = 3
#: Tukey's fences (1977) at four times the quartile range, on the logarithm too where all is positive. At his three,
#: clean sets (breast cancer of Wisconsin) still have one.
FAR_OUT = 4.0
#: The same for columns with both signs, whose tails cannot be tamed by a logarithm.
FAR_OUT_SIGNED = 10.0
#: More outliers than this are no outliers but the column's way.
HEAVY_TAIL = 0.02


def empty_and_constant(subject: Subject) -> Iterator[Finding]:
    """Columns without any value, with one value, and with one value nearly everywhere."""
    for each in subject.figures:
        column = each.column
        if column.name == subject.target or column.kind in {Kind.NESTED, Kind.BINARY, Kind.IMAGE, Kind.AUDIO}:
            continue
        if each.present - each.blank <= 0:
            yield Finding("empty_column", "medium", subject.rows, 1.0, (column.name,), remedy=_dropped(column))
        elif each.is_constant:
            yield Finding(
                "constant", "low", subject.rows, 1.0, (column.name,), args={"value": _shown(each.low)},
                remedy=_dropped(column))
        elif each.distinct <= 0.01 * subject.rows + 2:
            yield from _nearly_constant(subject, column)


def _nearly_constant(subject: Subject, column: Column) -> Iterator[Finding]:
    name = quoted(column.name)
    top = subject.sql(
        f"SELECT {name}::VARCHAR AS value, count(*) AS n FROM {subject.table.source} WHERE NOT {missing(column)} "
        "GROUP BY 1 ORDER BY n DESC, 1 LIMIT 1")[0]
    others = subject.rows - top["n"]
    if others > 0 and top["n"] >= NEARLY_ALL * subject.rows:
        condition = f"{name}::VARCHAR IS DISTINCT FROM {literal(top['value'])}"
        rows = subject.examples({"other": condition})["other"]
        yield Finding(
            "nearly_constant", "low", others, others / subject.rows, (column.name,), rows,
            {"value": _shown(top["value"])}, _dropped(column))


def missing_cells(subject: Subject) -> Iterator[Finding]:
    """Columns with missing cells, empty texts, and texts too short to say anything."""
    wanted: dict[str, str] = {}
    drafts: list[tuple[str, str, Severity, int, Column, Remedy | None]] = []
    for each in subject.figures:
        column, name = each.column, each.column.name
        if 0 < each.missing < subject.rows:
            share = each.missing / subject.rows
            label = name == subject.target
            severity: Severity = "high" if label else "medium" if share >= OFTEN_MISSING else "low"
            drafts.append((f"m{len(drafts)}", "missing_label" if label else "missing", severity, each.missing, column,
                           _filled(column, share, label=label)))
            wanted[drafts[-1][0]] = missing(column)
        if each.present > each.blank > 0:
            drafts.append((f"m{len(drafts)}", "empty_text", "medium", each.blank, column, Remedy(
                "steps", "drop_empty", ({"step": "drop_empty", "columns": [name]},))))
            wanted[drafts[-1][0]] = blank(column)
    for each in (each for each in subject.figures if each.is_prose):
        condition = f"(length(trim({quoted(each.column.name)}::VARCHAR)) < {SHORT} AND NOT {blank(each.column)})"
        count = subject.sql(f"SELECT count(*) FILTER ({condition}) AS n FROM {subject.table.source}")[0]["n"]
        if count:
            drafts.append((f"m{len(drafts)}", "short_text", "low", count, each.column, None))
            wanted[drafts[-1][0]] = condition
    rows = subject.examples(wanted)
    for key, kind, severity, count, column, remedy in drafts:
        yield Finding(kind, severity, count, count / subject.rows, (column.name,), rows[key], remedy=remedy)


def outliers(subject: Subject) -> Iterator[Finding]:
    """Numbers far beyond where all others lie."""
    conditions: dict[str, tuple[Figures, str]] = {}
    for i, each in enumerate(subject.figures):
        if each.column.kind.is_numeric and each.column.name != subject.target and not subject.numbers_rows(each):
            condition = _far_out(each)
            if condition:
                conditions[f"o{i}"] = each, condition
    if not conditions:
        return
    listed = ", ".join(f"count(*) FILTER ({condition}) AS {key}" for key, (_, condition) in conditions.items())
    counts = subject.sql(f"SELECT {listed} FROM {subject.table.source}")[0]
    found = {key: each for key, (each, _) in conditions.items() if 0 < counts[key] <= HEAVY_TAIL * each.present}
    rows = subject.examples({key: conditions[key][1] for key in found})
    for key, each in found.items():
        name = each.column.name
        yield Finding(
            "outliers", "low", counts[key], counts[key] / subject.rows, (name,), rows[key],
            {"low": _shown(each.low), "high": _shown(each.high), "median": _shown((each.quartiles or (0, 0, 0))[1])},
            Remedy("steps", "clip", ({"step": "clip", "columns": [name], "by": "iqr", "reach": FAR_OUT},)))


def _far_out(each: Figures) -> str:
    """SQL of whether a cell is an outlier; empty where there is no scale to say so."""
    if each.quartiles is None or each.quartiles[2] <= each.quartiles[0]:
        return ""
    low, _, high = each.quartiles
    value = f"{quoted(each.column.name)}::DOUBLE"
    spread = high - low
    if float(each.low) < 0 or low <= 0:
        least, most, above = low - FAR_OUT_SIGNED * spread, high + FAR_OUT_SIGNED * spread, ""
    else:  # on both scales: a long tail is far out on the plain one, a narrow column on the logarithm
        ratio = exp(min(FAR_OUT * log(high / low), 200.0))
        least, most = min(low / ratio, low - FAR_OUT * spread), max(high * ratio, high + FAR_OUT * spread)
        above = f"{value} > 0 AND "
    return f"(isfinite({value}) AND (({above}{value} < {least!r}) OR {value} > {min(most, 1e308)!r}))"


def _dropped(column: Column) -> Remedy:
    return Remedy("steps", "drop_columns", ({"step": "drop_columns", "columns": [column.name]},))


def _filled(column: Column, share: float, *, label: bool) -> Remedy | None:
    if label:
        return Remedy("steps", "drop_missing", ({"step": "missing", "columns": [column.name], "method": "drop"},))
    if share > MOSTLY_MISSING:
        return _dropped(column)
    if column.kind.is_numeric:
        return Remedy("steps", "fill_median", ({"step": "missing", "columns": [column.name], "method": "median"},))
    if column.kind in {Kind.TEXT, Kind.BOOLEAN, Kind.DATE}:
        return Remedy(
            "steps", "fill_frequent", ({"step": "missing", "columns": [column.name], "method": "most_frequent"},))
    return None


def _shown(value: Any) -> str:
    """A value as words hold it: short."""
    text = f"{value:.6g}" if isinstance(value, float) else str(value)
    return text if len(text) <= 40 else text[:39] + "…"
