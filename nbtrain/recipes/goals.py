"""What a column has to be learnt as: classes, or an amount."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from nbtrain.config.problems import unknown
from nbtrain.core.errors import ConfigError, DataError, Problem
from nbtrain.data.columns import Column, Kind, literal, quoted
from nbtrain.data.derived import scan
from nbtrain.data.examples import TARGETS, target_of
from nbtrain.data.processing.units import Units, units_of
from nbtrain.data.table import Table
from nbtrain.recipes.cells import as_number
from nbtrain.recipes.telling import found, listed, rows

if TYPE_CHECKING:
    import pandas as pd
    from torch import Tensor

    from nbtrain.data.processing import Recipe as Processing

#: Whole numbers with at most so many different values are classes, where the loss does not say otherwise,
FEW = 20
#: and where so many rows have each of them on average; two values always are.
ROWS_EACH = 5
#: From here on not every whole number can be told from its neighbours, or counted as one.
_TOO_LARGE = 9e15
MOST_CLASSES = 1000
#: What a column of groups is said to be.
GROUP = "the group, which says what rows belong together"
#: Class number of a row without a label.
NONE = -1
_OF_AMOUNTS, _OF_CLASSES = {"mse", "mae", "huber"}, {"cross_entropy", "bce"}
_KINDS = {Kind.TEXT, Kind.BOOLEAN, Kind.INTEGER, Kind.NUMBER}


@dataclass(frozen=True, slots=True)
class Goal:
    """The target of a run: `classes` in the order of their numbers, or an amount of this mean and deviation."""

    column: str
    classes: tuple[str | int | bool, ...] | None = None
    """As the cells have them."""
    mean: float = 0.0
    deviation: float = 1.0
    """Of the training part, by which amounts are brought to mean 0 and deviation 1."""
    units: Units | None = None
    """Which the cells had before processing scaled them; None where it did not."""

    @property
    def names(self) -> list[str] | None:
        """Of the classes, as texts."""
        return None if self.classes is None else [str(each) for each in self.classes]

    @property
    def outputs(self) -> int:
        """Of a model."""
        return 1 if self.classes is None else len(self.classes)

    def outputs_for(self, loss: Any) -> int:
        """Of a model that learns by this loss: ``bce`` tells two classes by one."""
        return 1 if loss == "bce" and self.outputs == 2 else self.outputs

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "classes": None if self.classes is None else list(self.classes)}

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> Self:
        classes, units = given["classes"], given.get("units")
        return cls(**{
            **given, "classes": None if classes is None else tuple(classes),
            "units": None if units is None else Units(**units)})

    def read(self, table: Table, *, gaps: bool = False) -> npt.NDArray[Any]:
        """Class numbers as int64, or amounts brought to mean 0 and deviation 1 as float32, in the order of the table.

        Args:
            table: the rows.
            gaps: whether a row may have none: then `NONE`, or NaN.

        Raises:
            DataError: the column is missing, has gaps, or holds what is no class and no number; rows named.
        """
        column = table.column(self.column)
        if not gaps:
            check_filled(table, column)
        if self.classes is None:
            check_amounts(table, column)
            cells = _all(table, as_number(column)).to_numpy(zero_copy_only=False).astype(np.float64)
            return np.asarray((cells - self.mean) / (self.deviation or 1.0), np.float32)
        yes_or_no = column.kind is Kind.TEXT and all(isinstance(each, bool) for each in self.classes)
        spelled = _as_switch(column) if yes_or_no else _as_text(column)
        texts = _all(table, spelled)
        places = pc.fill_null(pc.index_in(texts, pa.array(_spelled(self.classes), pa.string())).cast(pa.int64()), NONE)
        numbers = np.array(places.to_numpy(zero_copy_only=False), np.int64)  # its own: Arrow's cannot be written to
        strange = (numbers == NONE) & ~pc.is_null(texts).to_numpy(zero_copy_only=False)
        if strange.any():
            first = texts[int(np.flatnonzero(strange)[0])].as_py()
            at = found(table, f"{spelled} = {literal(first)}")
            raise DataError(
                f"The target {self.column!r} of {table.name} is {first!r:.60} in {rows(*at)}, which is none of the "
                f"classes that were learnt ({listed([*map(str, self.classes)])}).")
        return numbers

    def answers(self, outputs: Tensor, threshold: float | None = None) -> pd.DataFrame:
        """A model's outputs as what they mean, a row each.

        Of classes: ``prediction``, its ``probability``, and ``p(<class>)`` of each; of an amount: ``prediction`` in its
        own units, before processing scaled it.

        Args:
            outputs: (rows, classes); (rows,) or (rows, 1) of two classes, or of an amount.
            threshold: of two classes, from which probability on the second is predicted; None takes the likelier one.
        """
        import pandas as pd  # noqa: PLC0415 - loaded when something is predicted
        import torch  # noqa: PLC0415

        outputs = outputs.double().reshape(len(outputs), -1)
        if self.classes is None:
            found = self.own(outputs[:, 0])
            return pd.DataFrame({"prediction": (found if self.units is None else self.units.own(found)).numpy()})
        shares = outputs.softmax(1)
        if outputs.shape[1] == 1:
            shares = torch.cat([1 - outputs.sigmoid(), outputs.sigmoid()], 1)
        chosen = shares.argmax(1)
        if threshold is not None and len(self.classes) == 2:
            chosen = (shares[:, 1] >= threshold).long()
        predicted = pd.Series([self.classes[place] for place in chosen.tolist()])
        likely = shares.gather(1, chosen[:, None])[:, 0].numpy()
        each = {f"p({name})": shares[:, place].numpy() for place, name in enumerate(self.classes)}
        return pd.DataFrame({"prediction": predicted, "probability": likely, **each})

    def own(self, values: Tensor) -> Tensor:
        """Amounts of mean 0 and deviation 1 in the units of the cells."""
        return values * (self.deviation or 1.0) + self.mean


def find(table: Table, name: str | None) -> Column:
    """The column to learn. Raises DataError where there is none of this name, or none of a usual one."""
    name = target_of(table) if name is None else name
    if name is None:
        raise DataError(
            f"{table.name} has no column called {', '.join(TARGETS)}; say which is to be learnt: target=…; there are: "
            f"{listed([column.name for column in table.columns])}.")
    if name not in {column.name for column in table.columns}:
        raise DataError(
            f"The target cannot be learnt: {unknown('column', name, [column.name for column in table.columns])}")
    return table.column(name)


def learn(
    table: Table, train: Table, column: Column, loss: Any = None, processing: Processing | None = None,
) -> tuple[Goal, list[str]]:
    """What the target is, and what the user should know of that.

    Args:
        table: all rows, so that each part numbers classes alike.
        train: those to learn from.
        column: the target.
        loss: of the training; a named one says whether classes or amounts are meant.
        processing: what the rows went through before.

    Raises:
        DataError: it is of the wrong kind, constant, nothing but gaps, has infinite cells or a class of one row.
    """
    values, counts = _values(table, column)
    if column.kind.is_numeric and not _are_classes(table, column, counts, loss):
        check_amounts(table, column)
        goal, said = _amount(train, column, values if loss is None and column.kind is Kind.INTEGER else ())
        return replace(goal, units=None if processing is None else units_of(processing.steps, column.name)), said
    if len(values) > MOST_CLASSES:
        raise DataError(
            f"The target {column.name!r} of {table.name} has more than {MOST_CLASSES:,} different values, too many for "
            "classes; choose another column, or put rare values together.")
    alone = [value for value, count in zip(values, counts, strict=True) if count == 1]
    if alone:
        at = found(table, f"{_as_text(column)} IN ({', '.join(literal(each) for each in alone)})")
        raise DataError(
            f"The target {column.name!r} of {table.name} has {'classes' if len(alone) > 1 else 'a class'} of one row "
            f"({listed(alone)}, in {rows(*at)}), which cannot be both learnt and tested; drop {rows(*at)}, or "
            "put rare classes together.")
    goal = Goal(column.name, _classes(column, values))
    said = _unseen(train, column, goal)
    if loss is None and column.kind.is_numeric and len(values) > 2:
        said.insert(0, (
            f"The target {column.name!r} is taken for {len(values)} classes, as it has {len(values)} different whole "
            "numbers; where they are amounts, say loss='mse'."))
    return goal, said


def check(table: Table, column: Column) -> None:
    """Raises DataError for a target of the wrong kind, one that is constant, and one of gaps alone."""
    _values(table, column)


def check_loss(loss: Any, goal: Goal, *, one: bool) -> None:
    """Raises ConfigError for a named loss that does not go with the target.

    Args:
        loss: of the training.
        goal: what the target is.
        one: whether a model of two classes can have one output, as ``bce`` takes them.
    """
    if not isinstance(loss, str) or goal.names is None:
        return
    has = f"the target {goal.column!r} has {len(goal.names)} classes ({listed(goal.names)})"
    if loss in _OF_AMOUNTS:
        raise ConfigError([Problem("loss", (
            f"loss is {loss!r}, which is of amounts, and {has}; leave loss out, or choose a target of numbers."))])
    if loss == "bce" and (len(goal.names) != 2 or not one):
        why = "which is of two classes" if len(goal.names) != 2 else "which is of models with one output"
        raise ConfigError([Problem("loss", f"loss is 'bce', {why}, and {has}; leave loss out: cross entropy fits.")])


def check_filled(table: Table, column: Column) -> None:
    """Raises DataError where cells are missing, rows named."""
    count, numbers = found(table, f"{_as_text(column)} IS NULL")
    if count:
        raise DataError(
            f"The target {column.name!r} of {table.name} is missing in {rows(count, numbers)}; fill it in, or drop "
            "these rows.")


def check_amounts(table: Table, column: Column) -> None:
    """Raises DataError where an amount is no number, or infinite, rows named."""
    if not (column.kind.is_numeric or column.kind is Kind.BOOLEAN):
        raise DataError(f"The target {column.name!r} of {table.name} must hold numbers; it holds {column.kind} values.")
    count, numbers = found(table, f"isinf({as_number(column)})")
    if count:
        raise DataError(
            f"The target {column.name!r} of {table.name} is infinite in {rows(count, numbers)}; drop these rows.")


def balanced(numbers: npt.NDArray[np.int64], classes: int) -> tuple[float, ...]:
    """Weight of each class: n / (C · n_c), so that all count alike; 0 for one without a row."""
    counts = np.bincount(numbers[numbers >= 0], minlength=classes)
    weights = counts.sum() / (classes * np.maximum(counts, 1))
    return tuple(float(each) for each in np.where(counts, weights, 0.0))


def _values(table: Table, column: Column) -> tuple[list[str], list[int]]:
    """Different values, the rarest first, and how many rows have each; `MOST_CLASSES` + 1 at most."""
    if column.kind not in _KINDS:
        raise DataError(
            f"The target {column.name!r} of {table.name} holds {column.kind} values; it must hold numbers, or one text "
            "a row that names the class.")
    told = table.sql(
        f"SELECT {_as_text(column)} AS value, count(*) AS n FROM {table.source} WHERE {_as_text(column)} IS NOT NULL "  # noqa: S608 - names are quoted
        f"GROUP BY 1 ORDER BY 2, 1 LIMIT {MOST_CLASSES + 1}")
    values, counts = told["value"].to_pylist(), told["n"].to_pylist()
    if not values:
        raise DataError(f"The target {column.name!r} of {table.name} holds nothing but gaps.")
    if len(values) == 1:
        raise DataError(
            f"The target {column.name!r} of {table.name} is {values[0]!r:.60} in all of its {counts[0]:,} rows; there "
            "is nothing to learn.")
    return values, counts


def _are_classes(table: Table, column: Column, counts: Sequence[int], loss: Any) -> bool:
    """Whether numbers stand for classes: by the loss, else few different whole ones. Raises DataError for fractions."""
    if isinstance(loss, str) and loss in _OF_AMOUNTS:
        return False
    cell = as_number(column)
    large = f"abs({cell}) >= {_TOO_LARGE}" if column.kind is Kind.NUMBER else "false"
    count, numbers = found(table, f"{cell} <> round({cell}) OR isinf({cell}) OR {large}")
    if not isinstance(loss, str) or loss not in _OF_CLASSES:
        few = len(counts) <= 2 or (len(counts) <= FEW and sum(counts) >= ROWS_EACH * len(counts))
        return not count and few
    if count:
        raise DataError(
            f"The target {column.name!r} of {table.name} has fractions, or numbers too large to be told apart, in "
            f"{rows(count, numbers)}, which are no classes; leave out loss, or take one of amounts: loss='mse'.")
    return True


def _amount(train: Table, column: Column, whole: Sequence[str]) -> tuple[Goal, list[str]]:
    cell = as_number(column)
    [told] = train.sql(
        f"SELECT avg(x) AS mean, stddev_pop(x) AS deviation, min(x) AS low, max(x) AS high "  # noqa: S608 - as above
        f"FROM (SELECT {cell} AS x FROM {train.source})").to_pylist()
    if told["low"] is None or told["low"] == told["high"]:
        raise DataError(
            f"The target {column.name!r} of {train.name} is the same in all rows ({told['low']}); there is nothing to "
            "learn.")
    said = (
        f"The target {column.name!r} is taken as an amount, as it has {'more than ' * (len(whole) > MOST_CLASSES)}"
        f"{min(len(whole), MOST_CLASSES):,} different whole numbers; where they are classes, say loss='cross_entropy'.")
    return Goal(column.name, None, told["mean"], told["deviation"]), [said] if whole else []


def _unseen(train: Table, column: Column, goal: Goal) -> list[str]:
    """Says which classes the training part has no row of. Raises DataError where it has one class alone."""
    told = train.sql(
        f"SELECT DISTINCT {_as_text(column)} AS value FROM {train.source} WHERE {_as_text(column)} IS NOT NULL")  # noqa: S608 - as above
    seen = set(told["value"].to_pylist())
    assert goal.classes is not None  # noqa: S101 - made with classes above
    if len(seen) == 1:
        raise DataError(
            f"The target {column.name!r} of {train.name} is {next(iter(seen))!r:.60} in all rows; split the data so "
            "that the training part has other classes, too.")
    lost = [each for each in _spelled(goal.classes) if each not in seen]
    return [f"The training part has no row of {listed(lost)}, so it cannot be learnt."] if lost else []


def _as_text(column: Column) -> str:
    """SQL of a cell as text that is the same for the same class, whatever type it lies in; NULL in a gap."""
    name = quoted(column.name)
    if column.kind is Kind.NUMBER:
        cell = as_number(column)
        whole = f"{cell} = round({cell}) AND abs({cell}) < {_TOO_LARGE}"
        return f"CASE WHEN {whole} THEN ({cell})::BIGINT::VARCHAR ELSE ({cell})::VARCHAR END"
    return f"{name}::VARCHAR"


def _as_switch(column: Column) -> str:
    """SQL of a cell of text as `_as_text` gives yes and no; what is neither stays."""
    name = quoted(column.name)
    return f"coalesce(try_cast(trim({name}) AS BOOLEAN)::VARCHAR, {name}::VARCHAR)"


def _spelled(classes: Sequence[str | int | bool]) -> list[str]:
    """As `_as_text` gives them."""
    return [str(each).lower() if isinstance(each, bool) else str(each) for each in classes]


def _classes(column: Column, values: Sequence[str]) -> tuple[str | int | bool, ...]:
    """The classes as the cells have them, in their order."""
    if column.kind is Kind.BOOLEAN:
        return (False, True)
    return tuple(sorted(map(int, values))) if column.kind.is_numeric else tuple(sorted(values))


def _all(table: Table, expression: str) -> pa.ChunkedArray:
    """What an expression gives for every row."""
    chunks = [batch["x"] for batch in scan(table, {"x": expression})]
    return pa.chunked_array(chunks) if chunks else pa.chunked_array([], type=pa.null())
