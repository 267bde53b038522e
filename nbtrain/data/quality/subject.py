"""What is checked: the table, its split, its label, and the figures of each column that several checks look at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from nbtrain.core.tasks import Progress
from nbtrain.data.columns import Column, Kind, literal, quoted
from nbtrain.data.derived import scan
from nbtrain.data.quality.report import EXAMPLES
from nbtrain.data.splits.labels import Labels
from nbtrain.data.splits.spec import Part, SplitSpec
from nbtrain.data.table import Table

#: Texts of more characters than this on average are prose: two that are alike by chance are rare.
PROSE = 20
#: Columns looked at in one query, which bounds its memory.
AT_ONCE = 40
#: Up to so many rows quartiles are exact; beyond, they come from a t-digest, which needs no memory.
EXACT_QUARTILES = 200_000
#: White space as the step `drop_empty` has it, but for NUL, which no SQL text can hold.
_BLANKS = "".join(map(chr, (
    *range(0x01, 0x21), 0x7F, 0x85, 0xA0, 0x1680, *range(0x2000, 0x200C), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000,
    0xFEFF)))


@dataclass(frozen=True, slots=True)
class Figures:
    """What is known of one column. Missing cells (NULL and NaN) count in `missing` alone."""

    column: Column
    present: int
    missing: int
    distinct: int
    """About how many different values; exact up to a hundred or so."""
    low: Any
    high: Any
    quartiles: tuple[float, float, float] | None
    """Of the finite numbers."""
    length: float
    """Characters on average, of text."""
    blank: int
    """Texts with nothing but white space."""

    @property
    def is_prose(self) -> bool:
        return self.column.kind is Kind.TEXT and self.length >= PROSE

    @property
    def is_constant(self) -> bool:
        return self.present > 0 and not self.missing and self.low == self.high


@dataclass(frozen=True)
class Subject:
    """What is checked.

    Attributes:
        table: the rows.
        rows: how many.
        parts: the part of each row, uint8; None without a split.
        spec: how they were divided.
        target: column of the label.
        labels: its classes, and `codes` the class of each row; None without a target that can be one.
        group: column whose equal values belong together.
        time: column of the time.
        progress: is asked whether to go on.
    """

    table: Table
    rows: int
    parts: np.ndarray | None
    spec: SplitSpec | None
    target: str | None
    labels: Labels | None
    codes: np.ndarray | None
    group: str | None
    time: str | None
    progress: Progress | None

    @property
    def classes(self) -> Labels | None:
        """The labels where they are classes and no ranges of a measure."""
        return self.labels if self.labels is not None and self.labels.edges is None else None

    @cached_property
    def features(self) -> tuple[Column, ...]:
        """All columns but the target and what numbers the rows."""
        numbering = {each.column.name for each in self.figures if self.numbers_rows(each)}
        return tuple(c for c in self.table.columns if c.name != self.target and c.name not in numbering)

    @cached_property
    def is_rich(self) -> bool:
        """Whether equal rows are hardly there by chance: a column of prose, or of many different numbers."""
        return any(
            each.is_prose or each.column.kind in {Kind.IMAGE, Kind.AUDIO, Kind.BINARY}
            or (each.column.kind is Kind.NUMBER and each.distinct > 0.2 * self.rows)
            for each in self.figures if each.column.name != self.target)

    @cached_property
    def figures(self) -> tuple[Figures, ...]:
        """Of each column, in its order."""
        found: list[Figures] = []
        columns = self.table.columns
        for start in range(0, len(columns), AT_ONCE):
            some = columns[start:start + AT_ONCE]
            listed = ", ".join(f"{sql} AS {quoted(name)}" for i, c in enumerate(some)
                               for name, sql in _aggregates(c, i, exact=self.rows <= EXACT_QUARTILES))
            row = self.sql(f"SELECT {listed} FROM {self.table.source}")[0]
            found += [_figures(column, i, row, self.rows) for i, column in enumerate(some)]
        return tuple(found)

    def numbers_rows(self, figures: Figures) -> bool:
        """Whether a column counts the rows: whole numbers in a row, each once."""
        return (
            figures.column.kind is Kind.INTEGER and figures.present == self.rows > 1
            and int(figures.high) - int(figures.low) == self.rows - 1
            and figures.distinct > 0.8 * self.rows)

    def sql(self, statement: str, parameters: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """What a statement finds. Raises DataError and CancelledError."""
        found: list[dict[str, Any]] = self.table.sql(statement, parameters, self.progress).to_pylist()
        return found

    def arrays(self, expressions: Mapping[str, str], dtype: type[np.generic]) -> dict[str, np.ndarray]:
        """What SQL expressions give for each row, by name, in one pass; NULL becomes NaN in floats."""
        found = {name: np.empty(self.rows, dtype) for name in expressions}
        at = 0
        for batch in scan(self.table, expressions, progress=self.progress):
            for name, values in found.items():
                values[at:at + batch.num_rows] = batch[name].to_numpy(zero_copy_only=False)
            at += batch.num_rows
        return found

    def examples(self, conditions: Mapping[str, str]) -> dict[str, tuple[int, ...]]:
        """Numbers of the first rows that meet each SQL condition, in one pass that ends when all have enough."""
        found: dict[str, list[int]] = {name: [] for name in conditions}
        if not conditions:
            return {}
        at = 0
        wanted = {name: f"coalesce({condition}, false)" for name, condition in conditions.items()}
        for batch in scan(self.table, wanted, progress=self.progress):
            for name, rows in found.items():
                hits = np.flatnonzero(batch[name].to_numpy(zero_copy_only=False))
                rows.extend((hits[:EXAMPLES - len(rows)] + at).tolist())
            at += batch.num_rows
            if all(len(rows) == EXAMPLES for rows in found.values()):
                break
        return {name: tuple(rows) for name, rows in found.items()}

    def in_training(self) -> np.ndarray:
        """Which rows train; all without a split."""
        return np.ones(self.rows, bool) if self.parts is None else self.parts == Part.TRAIN


def missing(column: Column) -> str:
    """SQL of whether a cell is missing: NaN is, too."""
    name = quoted(column.name)
    return f"({name} IS NULL OR isnan({name}::DOUBLE))" if column.kind is Kind.NUMBER else f"({name} IS NULL)"


def blank(column: Column) -> str:
    """SQL of whether a text is nothing but white space."""
    return f"(trim({quoted(column.name)}::VARCHAR, {literal(_BLANKS)}) = '')"


def first(rows: Iterable[int] | np.ndarray) -> tuple[int, ...]:
    """The first examples of many rows."""
    return tuple(int(row) for row in np.asarray(rows)[:EXAMPLES])


def _aggregates(column: Column, i: int, *, exact: bool) -> list[tuple[str, str]]:
    name, gone = quoted(column.name), missing(column)
    found = [(f"missing{i}", f"count(*) FILTER ({gone})")]
    if column.kind in {Kind.NESTED, Kind.BINARY, Kind.IMAGE, Kind.AUDIO}:
        return found
    ends = "::VARCHAR" if column.kind in {Kind.DATE, Kind.TIME} else ""  # Python knows no infinity, and no year 10,000
    found += [
        (f"distinct{i}", f"approx_count_distinct({name}) FILTER (NOT {gone})"),
        (f"low{i}", f"(min({name}) FILTER (NOT {gone})){ends}"),
        (f"high{i}", f"(max({name}) FILTER (NOT {gone})){ends}")]
    if column.kind.is_numeric:
        value = f"{name}::DOUBLE"
        quantile = "quantile_cont" if exact else "approx_quantile"
        found.append((f"quartiles{i}", f"{quantile}({value}, [0.25, 0.5, 0.75]) FILTER (isfinite({value}))"))
    if column.kind is Kind.TEXT:
        found += [(f"length{i}", f"avg(length({name}::VARCHAR))"), (f"blank{i}", f"count(*) FILTER ({blank(column)})")]
    return found


def _figures(column: Column, i: int, row: Mapping[str, Any], rows: int) -> Figures:
    quartiles = row.get(f"quartiles{i}")
    gone = row[f"missing{i}"]
    return Figures(
        column, rows - gone, gone, row.get(f"distinct{i}") or 0, row.get(f"low{i}"), row.get(f"high{i}"),
        tuple(quartiles) if quartiles else None, row.get(f"length{i}") or 0.0, row.get(f"blank{i}") or 0)
