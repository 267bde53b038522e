"""Rows of a table as what a model takes: numbers as arrays, tokens as padded rows, images and sounds one by one.

This is where a dataset meets a training. Nothing is guessed that could be wrong in silence: a column that is not
numbers, or has gaps, is named, with what to do about it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from nbtrain.core.errors import DataError
from nbtrain.core.tasks import Progress
from nbtrain.data.columns import Column, Kind, quoted
from nbtrain.data.pictures import Files
from nbtrain.data.table import Table

#: Columns that hold what is to be learnt, where none was named.
TARGETS = ("label", "labels", "target", "targets", "y")
TOKENS, MASK = "input_ids", "attention_mask"
#: What a tokenizer gives, each as long as the tokens of its row.
_TOKEN_COLUMNS = (TOKENS, MASK, "token_type_ids")
_FILES = {Kind.IMAGE, Kind.AUDIO}


@dataclass(frozen=True, slots=True)
class Examples:
    """What a model trains on. `inputs` and `target` have as many rows as the table.

    `inputs` is an array (rows, features), one of windows (rows, time) or of several columns (rows, time, features), a
    dict of token arrays (rows, length), or a `Files` that gives images or sounds one by one. `target` is an array
    (rows,), a pandas Categorical for text, or None where there is nothing to learn but the inputs themselves.
    """

    inputs: Any
    target: Any
    features: tuple[str, ...]
    """The columns that `inputs` is made of."""
    goal: str | None
    """The column that `target` is."""

    @property
    def data(self) -> Any:
        """As `nbtrain.train` takes it."""
        if isinstance(self.inputs, Files):
            return self.inputs
        return self.inputs if self.target is None else (self.inputs, self.target)


def examples(
    table: Table, *, target: str | None = None, features: Sequence[str] | None = None,
    classes: Sequence[str] | None = None, labelled: bool = True, grey: bool | None = None,
    progress: Progress | None = None,
) -> Examples:
    """Every row of `table` as a model takes it.

    Args:
        table: one part of a dataset, or all of it.
        target: the column to learn; None takes the one that is called `label`, `target` or `y`, and where there is
            none the inputs are their own target.
        features: columns to learn from; None takes all others that can be.
        classes: of a target of text, in the order of their numbers, which other parts of the dataset share; None
            takes those of these rows.
        labelled: False for rows to predict, whose target is not there or not to be looked at.
        grey: whether images have one channel; None finds out.
        progress: is told how far it is, and may call it off.

    Raises:
        DataError: a column is not there, is not numbers, or has gaps; a class is none of `classes`; or there is no row.
        CancelledError: it was called off.
    """
    goal = _target(table, target) if labelled else None
    chosen = _features(table, features, goal)
    label = None if goal is None else _labels(table, goal, classes, progress)
    named = tuple(column.name for column in chosen), None if goal is None else goal.name
    return Examples(_inputs(table, chosen, label, grey=grey, progress=progress), label, *named)


def target_of(table: Table) -> str | None:
    """The column that is learnt where none is named; None where there is none of such a name."""
    goal = _target(table, None)
    return None if goal is None else goal.name


def classes_of(table: Table, target: str | None = None, *, progress: Progress | None = None) -> list[str] | None:
    """The classes of a target of text, sorted; None where the target is not text. Raises DataError: no such column."""
    goal = _target(table, target)
    if goal is None or goal.kind is not Kind.TEXT:
        return None
    name = quoted(goal.name)
    found = table.sql(f"SELECT DISTINCT {name} AS c FROM {table.source} WHERE {name} IS NOT NULL", progress=progress)
    return sorted(found["c"].to_pylist())


# -- which columns ------------------------------------------------------------------------------------


def _target(table: Table, name: str | None) -> Column | None:
    if name is not None:
        return table.column(name)
    return next((column for column in table.columns if column.name.lower() in TARGETS), None)


def _features(table: Table, names: Sequence[str] | None, goal: Column | None) -> list[Column]:
    """The columns to learn from. Raises DataError when one of them cannot be, with what to do."""
    others = [column for column in table.columns if column != goal]
    if names is not None:
        chosen = [table.column(name) for name in names]
    else:
        files = [column for column in others if column.kind in _FILES]
        tokens = [column for column in others if column.name in _TOKEN_COLUMNS]
        tokens = tokens if TOKENS in {column.name for column in tokens} else []
        nested = [column for column in others if column.kind is Kind.NESTED]
        numbers = [column for column in others if column.kind.is_numeric or column.kind is Kind.BOOLEAN]
        # Windows come with the time and the group they are of, which are no features.
        chosen = files[:1] or tokens or ([] if numbers else nested) or others
    if not chosen:
        raise DataError(f"{table.name} has no column to learn from beside its target {goal.name if goal else ''!r}.")
    for column in chosen:
        if column.kind in {Kind.TEXT, Kind.DATE, Kind.TIME, Kind.DURATION, Kind.BINARY}:
            raise DataError(
                f"Column {column.name!r} of {table.name} holds {_WORDS[column.kind]}, not numbers; "
                f"{_ADVICE[column.kind]}, or leave it out: "
                f"features={[c.name for c in chosen if c.kind.is_numeric]!r:.200}.")
    return chosen


_WORDS = {
    Kind.TEXT: "text", Kind.DATE: "dates", Kind.TIME: "times", Kind.DURATION: "durations", Kind.BINARY: "bytes",
}
_ADVICE = {
    Kind.TEXT: 'train by a recipe that reads texts, as recipe="text-classification", tokenise or encode it with '
               'dataset.process(…), turn it into numbers with {"step": "to_number"}, or into dates with '
               '{"step": "to_date"}',
    Kind.DATE: "encode it with dataset.process(…)",
    Kind.TIME: "encode it with dataset.process(…)", Kind.DURATION: "turn it into a number of seconds",
    Kind.BINARY: "decode it first",
}

# -- the target -----------------------------------------------------------------------------------------


def _labels(table: Table, column: Column, classes: Sequence[str] | None, progress: Progress | None) -> Any:
    """Numbers as an array, text as a pandas Categorical of its classes. Raises DataError for gaps."""
    values = _column(table, column, progress)
    if column.kind is Kind.BOOLEAN or column.kind.is_numeric:
        return values.to_numpy()
    if column.kind is Kind.TEXT:
        import pandas as pd  # noqa: PLC0415 - only texts need it

        names = sorted(pc.unique(values).to_pylist()) if classes is None else list(classes)
        found = pc.index_in(values, pa.array(names, values.type))
        if found.null_count:
            unknown = pc.unique(values.filter(pc.is_null(found))).to_pylist()
            raise DataError(
                f"The target {column.name!r} of {table.name} holds {unknown[0]!r}, which is none of the classes to "
                f"learn ({', '.join(names)[:200]}); leave such rows out, or have them in the training data as well.")
        codes = found.to_numpy()
        return pd.Series(pd.Categorical.from_codes(codes, pd.Index(names, dtype=object)))
    if column.kind is Kind.NESTED:
        return _array(values, column, table)
    raise DataError(
        f"The target {column.name!r} of {table.name} holds {_WORDS.get(column.kind, column.kind)}; "
        "it must hold numbers, or one text a row that names the class.")


# -- the inputs -----------------------------------------------------------------------------------------


def _inputs(
    table: Table, chosen: Sequence[Column], label: Any, *, grey: bool | None, progress: Progress | None,
) -> Any:
    files = [column for column in chosen if column.kind in _FILES]
    if files:
        return Files(table, files[0], target=label, grey=grey, progress=progress)
    rows = table.rows(progress=progress)
    if rows == 0:
        raise DataError(f"{table.name} has no rows, so there is nothing to train on.")
    if TOKENS in {column.name for column in chosen}:
        return _tokens(table, chosen, progress)
    nested = [column for column in chosen if column.kind is Kind.NESTED]
    if nested:
        return _windows(table, nested, chosen, progress)
    return _matrix(table, chosen, rows, progress)


def _matrix(table: Table, columns: Sequence[Column], rows: int, progress: Progress | None) -> npt.NDArray[Any]:
    """Numbers (rows, columns) as float32, filled batch by batch. Raises DataError for gaps."""
    matrix = np.empty((rows, len(columns)), dtype=np.float32)
    gaps = np.zeros(len(columns), dtype=np.int64)
    done = 0
    for batch in table.batches([column.name for column in columns], progress=progress):
        for place, values in enumerate(batch.columns):
            numbers = values.cast(pa.float64() if pa.types.is_decimal(values.type) else pa.float32(), safe=False)
            filled = numbers.to_numpy(zero_copy_only=False)
            gaps[place] += int(np.isnan(filled).sum())
            matrix[done:done + len(filled), place] = filled
        done += batch.num_rows
        if progress is not None:
            progress.report(done, rows, "rows")
    if gaps.any():
        found = ", ".join(f"{c.name!r} in {count:,}" for c, count in zip(columns, gaps, strict=True) if count)
        raise DataError(
            f"{table.name} has missing values ({found} of {rows:,} rows); fill them with dataset.process(…), "
            "or leave these columns out with features=[…].")
    return matrix


def _tokens(table: Table, columns: Sequence[Column], progress: Progress | None) -> dict[str, npt.NDArray[Any]]:
    """Token ids, mask and the like (rows, longest), padded with 0 at the end; the mask is of the lengths without one.

    Each is of the smallest integers that hold it: of 100,000 texts, that is the difference of 400 MB and 75.

    Raises DataError for a column of another kind beside them, of another length, or of no whole numbers.
    """
    other = next((column.name for column in columns if column.name not in _TOKEN_COLUMNS), None)
    if other is not None:
        raise DataError(
            f"{table.name} has tokens ({TOKENS!r}) beside {other!r}; choose one kind: features=[{TOKENS!r}].")
    lengths = np.zeros(0, np.int64)
    padded: dict[str, npt.NDArray[Any]] = {}
    for name in sorted({column.name for column in columns}, key=_TOKEN_COLUMNS.index):  # the tokens come first
        lists = [batch.column(0) for batch in table.batches([name], progress=progress)]
        found = np.concatenate([pc.list_value_length(each).fill_null(0).to_numpy() for each in lists])
        if name == TOKENS:
            lengths = found
        elif not np.array_equal(found, lengths):
            raise DataError(f"Column {name!r} of {table.name} is not as long as {TOKENS!r} in every row.")
        padded[name] = _padded(lists, lengths, f"Column {name!r} of {table.name}")
        if not padded[name].size:
            raise DataError(f"Column {TOKENS!r} of {table.name} holds no token at all; tokenise the text again.")
    there = np.arange(int(lengths.max(initial=0))) < lengths[:, None]
    return padded if MASK in padded else {**padded, MASK: there.view(np.int8)}


def _padded(lists: Sequence[pa.Array], lengths: npt.NDArray[np.integer[Any]], said: str) -> npt.NDArray[Any]:
    """Lists of whole numbers, filled up with 0 to the longest. Raises DataError for others, beginning with `said`."""
    values = pa.chunked_array([pc.list_flatten(each) for each in lists])
    if not pa.types.is_integer(values.type):
        with contextlib.suppress(pa.ArrowException):
            values = values.cast(pa.int64())
    if values.null_count or not pa.types.is_integer(values.type):
        raise DataError(f"{said} holds lists of which some are not of whole numbers; tokenise the text again.")
    reach = pc.min_max(values).as_py()
    smallest = next(
        kind for kind in (np.int8, np.int16, np.int32, np.int64)
        if np.iinfo(kind).min <= (reach["min"] or 0) and (reach["max"] or 0) <= np.iinfo(kind).max)
    grid: npt.NDArray[Any] = np.zeros((len(lengths), int(lengths.max(initial=0))), dtype=smallest)
    done = 0
    for each, flat in zip(lists, values.chunks, strict=True):
        part = grid[done:done + len(each)]
        part[np.arange(grid.shape[1]) < lengths[done:done + len(each), None]] = flat.to_numpy()
        done += len(each)
    return grid


def _windows(
    table: Table, nested: Sequence[Column], columns: Sequence[Column], progress: Progress | None,
) -> Any:
    """Lists of numbers as one array: of one column as they are, of several (rows, time, features).

    Those whose lengths differ from one another stay apart, as a dict. Raises DataError where the lists of a column
    differ in length.
    """
    if len(nested) != len(columns):
        plain = [column.name for column in columns if column not in nested]
        raise DataError(
            f"{table.name} has lists ({nested[0].name!r}) beside single numbers ({plain[0]!r}); choose one kind: "
            f"features={[column.name for column in nested]!r:.200}.")
    arrays = {column.name: _array(_column(table, column, progress), column, table) for column in nested}
    if len(arrays) == 1:
        return next(iter(arrays.values()))
    shapes = {array.shape for array in arrays.values()}
    alike = len(shapes) == 1 and len(shapes.pop()) == 2
    return np.stack([*arrays.values()], axis=-1) if alike else arrays


def _column(table: Table, column: Column, progress: Progress | None) -> pa.ChunkedArray:
    """One column, whole. Raises DataError when cells are missing."""
    chunks = [batch.column(0) for batch in table.batches([column.name], progress=progress)]
    values = pa.chunked_array(chunks) if chunks else pa.chunked_array([], type=pa.null())
    if pa.types.is_floating(values.type):
        values = pc.if_else(pc.is_nan(values), pa.scalar(None, values.type), values)
    if values.null_count:
        raise DataError(
            f"Column {column.name!r} of {table.name} is missing in {values.null_count:,} of {len(values):,} rows; "
            "drop these rows or fill them in with dataset.process(…).")
    return values


def _array(values: pa.ChunkedArray, column: Column, table: Table) -> npt.NDArray[Any]:
    """Lists of one length, of lists or of numbers, as one array."""
    shape = [len(values)]
    flat = values.combine_chunks()
    while pa.types.is_list(flat.type) or pa.types.is_fixed_size_list(flat.type) or pa.types.is_large_list(flat.type):
        lengths = pc.unique(pc.list_value_length(flat)).to_pylist()
        if len(lengths) != 1 or lengths[0] is None:
            shown = ", ".join(str(length) for length in lengths[:5])
            raise DataError(
                f"Column {column.name!r} of {table.name} holds lists of different lengths ({shown}); cut or pad them "
                "to one length, or cut the series into windows with dataset.process(…).")
        shape.append(lengths[0])
        flat = pc.list_flatten(flat)
    if not (pa.types.is_integer(flat.type) or pa.types.is_floating(flat.type) or pa.types.is_boolean(flat.type)):
        raise DataError(f"Column {column.name!r} of {table.name} holds {column.type}; a model takes lists of numbers.")
    numbers = flat.to_numpy(zero_copy_only=False)
    return np.ascontiguousarray(numbers.astype(np.float32) if numbers.dtype.kind == "f" else numbers).reshape(shape)

