"""The classes of a target: its values, or ten ranges of equal size where it is a measure."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from nbtrain.core.errors import DataError
from nbtrain.core.tasks import Progress
from nbtrain.data.columns import Kind, quoted
from nbtrain.data.splits.result import ClassCounts
from nbtrain.data.splits.spec import Part
from nbtrain.data.table import Table

#: More different values than this are no classes.
MOST_CLASSES = 10_000
#: Numbers with a fraction, of more different values than this, are a measure, which is cut into ranges.
MEASURE_FROM = 20
#: So are whole numbers when there are fewer rows of each than this, on average.
ROWS_OF_A_CLASS = 10
RANGES = 10
#: Of so many classes it is kept how they fell.
COUNTED = 1000
#: Code of a row without a label.
MISSING = -1


@dataclass(frozen=True)
class Labels:
    """How the label of a row becomes a class number.

    Attributes:
        expression: SQL of the cell that `codes` takes.
        names: of the classes by number, the most frequent first; ranges in ascending order.
        edges: inner borders of the ranges; None where values are classes.
    """

    expression: str
    names: tuple[str, ...]
    edges: np.ndarray | None = None

    def codes(self, cells: pa.Array) -> np.ndarray:
        """Class number of each cell, int16; `MISSING` without a label."""
        if self.edges is not None:
            values = cells.to_numpy(zero_copy_only=False)
            found: np.ndarray = np.searchsorted(self.edges, values, side="right").astype(np.int16)
            found[np.isnan(values)] = MISSING
            return found
        places = pc.index_in(cells, value_set=pa.array(self.names, pa.string()))
        return np.asarray(pc.fill_null(places, MISSING).to_numpy(zero_copy_only=False), np.int16)


def labels_of(table: Table, target: str, *, progress: Progress | None = None) -> Labels:
    """The classes of a column.

    Raises:
        DataError: the column is not there, holds files or nested values, or has too many values to be classes.
    """
    column, name = table.column(target), quoted(target)
    if column.kind in {Kind.BINARY, Kind.NESTED, Kind.IMAGE, Kind.AUDIO}:
        raise DataError(f"The target {target!r} holds {column.kind} values; classes need text, numbers or dates.")
    found = table.sql(
        f"SELECT {name}::VARCHAR AS value, count(*) AS n FROM {table.source} WHERE {name} IS NOT NULL "
        f"GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT {MOST_CLASSES + 1}", progress=progress)
    if column.kind.is_numeric and found.num_rows > MEASURE_FROM:
        each = sum(found["n"].to_pylist()) / found.num_rows
        if column.kind is Kind.NUMBER or each < ROWS_OF_A_CLASS or found.num_rows > MOST_CLASSES:
            return _ranges(table, target, progress)
    if found.num_rows > MOST_CLASSES:
        raise DataError(
            f"The target {target!r} of {table.name} has more than {MOST_CLASSES:,} different values, too many for "
            "classes; choose another column, or split without a target.")
    return Labels(f"{name}::VARCHAR", tuple(found["value"].to_pylist()))


def _ranges(table: Table, target: str, progress: Progress | None) -> Labels:
    expression = f"{quoted(target)}::DOUBLE"
    steps = ", ".join(str(i / RANGES) for i in range(1, RANGES))
    found = table.sql(
        f"SELECT quantile_cont(v, [{steps}]) AS edges, min(v) AS low, max(v) AS high "
        f"FROM (SELECT {expression} AS v FROM {table.source}) WHERE isfinite(v)", progress=progress)
    row = found.to_pylist()[0]
    edges = np.unique(np.array(row["edges"], np.float64))
    ends = [row["low"], *edges.tolist(), row["high"]]
    names = tuple(f"[{low:.6g}, {high:.6g})" for low, high in pairwise(ends))
    return Labels(expression, names, edges)


def class_counts(labels: Labels, codes: np.ndarray, parts: np.ndarray) -> tuple[ClassCounts, ...]:
    """How the most frequent classes fell, `COUNTED` of them at most; rows without a label come last."""
    classes = len(labels.names) + 1
    counted = np.bincount((codes.astype(np.int64) + 1) * len(Part) + parts, minlength=classes * len(Part))
    table = counted.reshape(classes, len(Part)).tolist()
    found = [ClassCounts(name, (a, b, c, d)) for name, (a, b, c, d) in zip((None, *labels.names), table, strict=True)]
    return (*found[1:COUNTED + 1], *(found[:1] if any(found[0].counts) else []))
