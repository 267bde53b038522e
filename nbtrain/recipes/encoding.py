"""Columns of a table as numbers and categories, by what was learnt from the training part alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from nbtrain.core.errors import DataError
from nbtrain.data.columns import Column, Kind, quoted
from nbtrain.data.derived import scan
from nbtrain.data.table import Table
from nbtrain.recipes.cells import NUMBERS, as_in_training, as_number, check, no_infinity
from nbtrain.recipes.telling import listed

#: The place of a value that the training part did not have, and of a gap; the known ones follow.
UNKNOWN, MISSING, FIRST = 0, 1, 2
#: So many values of a column have a place of their own, the most frequent.
MOST_VALUES = 1000
#: A text of which more than this share of the rows has one of its own is no category, unless it was asked for.
TOO_MANY = 0.5
#: Columns that one query is asked about.
_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Number:
    """A column of numbers: brought to mean 0 and deviation 1."""

    name: str
    mean: float
    deviation: float
    gaps: bool
    """Whether the training part had gaps: then a column of its own says where."""
    kind: str | None = None
    """What the cells of the training part were, a `Kind`, as which others are read; None of older runs."""


@dataclass(frozen=True, slots=True)
class Category:
    """A column of texts, each of which has a number."""

    name: str
    values: tuple[str, ...]
    """Those that are known, the most frequent first; the number of ``values[i]`` is ``FIRST + i``."""
    gaps: bool = True
    """Whether the training part had gaps; where it had none, nothing was learnt of one, and it counts as unknown."""

    @property
    def size(self) -> int:
        """How many numbers there are."""
        return FIRST + len(self.values)


@dataclass(frozen=True, slots=True)
class Encoding:
    """How rows become what a model takes."""

    numbers: tuple[Number, ...]
    categories: tuple[Category, ...] = ()

    @property
    def features(self) -> tuple[str, ...]:
        """The columns it takes."""
        return (*(each.name for each in self.numbers), *(each.name for each in self.categories))

    @property
    def width(self) -> int:
        """Columns of `filled`: numbers, and where some are missing."""
        return len(self.numbers) + sum(each.gaps for each in self.numbers)

    def to_json(self) -> dict[str, Any]:
        return {"numbers": [asdict(each) for each in self.numbers],
                "categories": [{**asdict(each), "values": list(each.values)} for each in self.categories]}

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> Self:
        return cls(tuple(Number(**each) for each in given["numbers"]),
                   tuple(Category(**{**each, "values": tuple(each["values"])}) for each in given["categories"]))

    def read(self, table: Table) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
        """Numbers (rows, numbers) with NaN in gaps, and categories (rows, categories), in the order of the table.

        Raises:
            DataError: a column is missing, or its cells do not fit: rows named.
        """
        for number in self.numbers:
            check(table, table.column(number.name), number.kind)
        count = table.rows()
        numbers = np.empty((count, len(self.numbers)), np.float32)
        categories = np.empty((count, len(self.categories)), np.int64)
        known = [pa.array(each.values, pa.string()) for each in self.categories]
        wanted = {f"n{place}": as_in_training(table.column(each.name), each.kind)
                  for place, each in enumerate(self.numbers)}
        wanted |= {f"c{place}": f"{quoted(table.column(text.name).name)}::VARCHAR"
                   for place, text in enumerate(self.categories)}
        done = 0
        for batch in scan(table, wanted or {"n": "0"}):
            end = done + batch.num_rows
            for place, each in enumerate(self.numbers):
                cells = batch[f"n{place}"].to_numpy(zero_copy_only=False).astype(np.float64)
                numbers[done:end, place] = (cells - each.mean) / (each.deviation or 1.0)
            for place, values in enumerate(known):
                cells = batch[f"c{place}"]
                found_at = pc.fill_null(pc.add(pc.index_in(cells, values).cast(pa.int64()), FIRST), UNKNOWN)
                gap = MISSING if self.categories[place].gaps else UNKNOWN
                categories[done:end, place] = pc.if_else(pc.is_null(cells), gap, found_at).to_numpy(
                    zero_copy_only=False)
            done = end
        return numbers, categories

    def filled(
        self, numbers: npt.NDArray[np.float32], gaps: npt.NDArray[np.bool_] | None = None,
    ) -> npt.NDArray[np.float32]:
        """Gaps become 0, the mean; and columns of 0 and 1 say where they were, (rows, `width`).

        Args:
            numbers: (rows, numbers) with NaN in gaps.
            gaps: where there were gaps, if some were filled since; None takes those there are.
        """
        there = [place for place, each in enumerate(self.numbers) if each.gaps]
        marks = (np.isnan(numbers) if gaps is None else gaps)[:, there].astype(np.float32)
        return np.concatenate([np.nan_to_num(numbers, nan=0.0), marks], 1)


def choose(
    table: Table, names: Sequence[str] | None, besides: Mapping[str | None, str], *, texts: bool,
) -> tuple[list[Column], list[str]]:
    """The columns to learn from, and a sentence about those that are left out.

    Args:
        table: the data.
        names: those that were asked for; None for all that can be.
        besides: those that are something else, and what: ``{"price": "the target"}``.
        texts: whether texts can be learnt from, as categories.

    Raises:
        DataError: one that was asked for cannot be, or there is none.
    """
    kinds = NUMBERS | ({Kind.TEXT} if texts else set())
    if names is not None:
        chosen = [table.column(name) for name in names]
        for column in chosen:
            if column.name in besides:
                raise DataError(
                    f"{column.name!r} cannot be learnt from: it is {besides[column.name]}; leave it out of features.")
            if column.kind not in kinds:
                raise DataError(
                    f"Column {column.name!r} of {table.name} holds {_WORDS.get(column.kind, column.kind)}, which this "
                    f"recipe cannot learn from; leave it out of features, or encode it with dataset.process(…).")
        return chosen, []
    others = [column for column in table.columns if column.name not in besides]
    chosen = [column for column in others if column.kind in kinds]
    if not chosen:
        raise DataError(f"{table.name} has no column to learn from beside {listed([each for each in besides if each])}"
                        f": numbers{' or texts' if texts else ''} are needed.")
    left = [column.name for column in others if column.kind not in kinds]
    return chosen, [f"Not learnt from, for what they hold: {listed(left)}."] if left else []


def learn(table: Table, columns: Sequence[Column], *, asked: bool) -> tuple[Encoding, list[str]]:
    """What the training part says about these columns, and a sentence about those that it says nothing of.

    Args:
        table: the training part.
        columns: to learn from.
        asked: whether they were named: then one of gaps alone is an error, else it is left out.

    Raises:
        DataError: no column can be used, or one that was asked for holds nothing; infinite cells, rows named.
    """
    useless: dict[str, list[str]] = {}
    numbers: list[Number] = []
    categories: list[Category] = []
    notes = []
    for number, filled in _numbers(table, [column for column in columns if column.kind in NUMBERS]):
        if filled and (number.deviation or number.gaps):  # that there is a value, or none, may tell something
            numbers.append(number)
        else:
            useless.setdefault("constant" if filled else "empty", []).append(number.name)
    for category, filled, distinct in (_category(table, each) for each in columns if each.kind is Kind.TEXT):
        if not distinct or (distinct < 2 and not category.gaps):
            useless.setdefault("constant" if distinct else "empty", []).append(category.name)
        elif not asked and distinct > max(TOO_MANY * filled, 50):
            useless.setdefault("texts", []).append(category.name)
        else:
            categories.append(category)
            if distinct > MOST_VALUES:
                notes.append(
                    f"{category.name!r} has {distinct:,} different texts; the {MOST_VALUES:,} most frequent are told "
                    "apart, and the others count as unknown.")
    for why, names in useless.items():
        if asked and why == "empty":
            raise DataError(f"{table.name} cannot be learnt from by {listed(names)}: {_USELESS[why]}; leave "
                            f"{'them' if len(names) > 1 else 'it'} out of features.")
        notes.append(f"Not learnt from: {listed(names)}: {_USELESS[why]}.")
    if not numbers and not categories:
        raise DataError(f"{table.name} has no column to learn from. {' '.join(notes)}".rstrip())
    return Encoding(tuple(numbers), tuple(categories)), notes


_USELESS = {
    "empty": "nothing but gaps in the training part",
    "constant": "one value in all rows of the training part",
    "texts": "nearly every row has a text of its own",
}
_WORDS = {
    Kind.TEXT: "text", Kind.BINARY: "bytes", Kind.NESTED: "lists or structs", Kind.IMAGE: "images",
    Kind.AUDIO: "sounds",
}


def _numbers(table: Table, columns: Sequence[Column]) -> list[tuple[Number, int]]:
    """Mean, deviation and gaps of each, and how many cells are filled. Raises DataError for infinite cells."""
    made: list[tuple[Number, int]] = []
    for start in range(0, len(columns), _AT_ONCE):
        some = columns[start:start + _AT_ONCE]
        asked = ", ".join(
            f"count(x{i}) AS c{i}, bool_or(isinf(x{i})) AS i{i}, min(x{i}) AS l{i}, max(x{i}) AS h{i}, "
            f"avg(x{i}) FILTER (NOT isinf(x{i})) AS m{i}, stddev_pop(x{i}) FILTER (NOT isinf(x{i})) AS d{i}"
            for i in range(len(some)))
        cells = ", ".join(f"{as_number(column)} AS x{i}" for i, column in enumerate(some))
        [told] = table.sql(f"SELECT count(*) AS n, {asked} FROM (SELECT {cells} FROM {table.source})").to_pylist()  # noqa: S608 - names are quoted
        for i, column in enumerate(some):
            if told[f"i{i}"]:
                no_infinity(table, column, as_number(column))
            same = told[f"l{i}"] == told[f"h{i}"]  # rounding may leave a deviation that is not quite 0
            made.append((Number(
                column.name, told[f"m{i}"] or 0.0, 0.0 if same else told[f"d{i}"] or 0.0,
                told[f"c{i}"] < told["n"], column.kind), told[f"c{i}"]))
    return made


def _category(table: Table, column: Column) -> tuple[Category, int, int]:
    """The most frequent texts, how many cells are filled, and how many different texts there are."""
    name = quoted(column.name)
    told = table.sql(
        f"SELECT {name}::VARCHAR AS value, count(*) AS n, sum(count(*)) OVER () AS filled, "  # noqa: S608 - as above
        f"count(*) OVER () AS different FROM {table.source} WHERE {name} IS NOT NULL GROUP BY 1 "
        f"ORDER BY 2 DESC, 1 LIMIT {MOST_VALUES}")
    values = told["value"].to_pylist()
    if not values:
        return Category(column.name, ()), 0, 0
    filled, different = int(told["filled"][0].as_py()), int(told["different"][0].as_py())
    return Category(column.name, tuple(values), filled < table.rows()), filled, different
