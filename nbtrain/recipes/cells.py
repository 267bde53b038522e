"""A cell as a number, by what the column was in training."""

from __future__ import annotations

from nbtrain.core.errors import DataError
from nbtrain.data.columns import Column, Kind, literal, quoted
from nbtrain.data.reading.csv_dialect import MISSING as SPELLED_MISSING
from nbtrain.data.table import Table
from nbtrain.recipes.telling import found, rows

#: What becomes a number; text becomes a category.
NUMBERS = {Kind.INTEGER, Kind.NUMBER, Kind.BOOLEAN, Kind.DATE, Kind.TIME, Kind.DURATION}
_WORDS = {
    Kind.BOOLEAN: "true or false", Kind.DATE: "dates such as 2026-01-31 or 2026-01-31 12:00:00",
    Kind.TIME: "times of day such as 12:30:00", Kind.DURATION: "durations such as 1 day 02:30:00",
}


def as_number(column: Column) -> str:
    """SQL of a cell as a number; NULL in a gap. Of dates and times it is seconds."""
    name = quoted(column.name)
    if column.kind is Kind.DATE:
        return f"epoch_us({name if column.type.endswith('TIME ZONE') else f'{name}::TIMESTAMP'}) / 1e6"
    if column.kind in {Kind.TIME, Kind.DURATION}:
        return f"date_part('epoch', {name})::DOUBLE"
    cell = f"try_cast({name} AS DOUBLE)"
    return f"CASE WHEN isnan({cell}) THEN NULL ELSE {cell} END"


def as_in_training(column: Column, kind: str | None) -> str:
    """SQL of a cell as the number that one of this kind would be: texts are read, and NULL is what is none.

    Args:
        column: of other rows than those of the training part.
        kind: that the column had there; None of a run in which that was not kept.
    """
    if kind is None or _alike(column.kind, kind):
        return as_number(column)
    if column.kind is not Kind.TEXT:
        cell = as_number(column) if column.kind in {Kind.INTEGER, Kind.NUMBER} and kind == Kind.BOOLEAN else "NULL"
        return f"CASE WHEN {cell} IN (0, 1) THEN ({cell})::DOUBLE END"
    text = f"trim({quoted(column.name)}::VARCHAR)"
    return {
        Kind.BOOLEAN: f"try_cast({text} AS BOOLEAN)::DOUBLE",
        Kind.DATE: f"epoch_us(try_cast({text} AS TIMESTAMPTZ)) / 1e6",
        Kind.TIME: f"date_part('epoch', try_cast({text} AS TIME))::DOUBLE",
        Kind.DURATION: f"date_part('epoch', try_cast({text} AS INTERVAL))::DOUBLE",
    }.get(Kind(kind), as_number(column))


def check(table: Table, column: Column, kind: str | None) -> None:
    """Raises DataError where a column of other rows holds what is not of this kind, or is infinite; rows named."""
    number = as_in_training(column, kind)
    if not (_alike(column.kind, kind) if kind is not None else column.kind in NUMBERS):
        text = f"{quoted(column.name)}::VARCHAR"
        gaps = ", ".join(literal(each) for each in (*SPELLED_MISSING, "NaT"))
        count, numbers = found(
            table, f"{text} IS NOT NULL AND trim({text}) NOT IN ({gaps}) AND ({number}) IS NULL")
        if count:
            wanted = "numbers" if kind is None else _WORDS.get(Kind(kind), "numbers")
            raise DataError(
                f"Column {column.name!r} of {table.name} must hold {wanted}, as in training, and holds others in "
                f"{rows(count, numbers)}.")
    if column.kind in {Kind.NUMBER, Kind.TEXT}:
        no_infinity(table, column, number)


def no_infinity(table: Table, column: Column, number: str) -> None:
    """Raises DataError where a column is infinite, rows named; `number` is SQL of its cells."""
    count, numbers = found(table, f"isinf({number})")
    if count:
        raise DataError(
            f"Column {column.name!r} of {table.name} is infinite in {rows(count, numbers)}; drop these rows, or empty "
            "these cells: gaps can be learnt from.")


def _alike(kind: Kind, wanted: str) -> bool:
    """Whether cells of one kind are numbers as those of the other are; yes and no count as 1 and 0."""
    plain = {Kind.INTEGER, Kind.NUMBER}
    return kind == wanted or (wanted in plain and kind in {*plain, Kind.BOOLEAN})
