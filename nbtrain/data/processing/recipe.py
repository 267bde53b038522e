"""A recipe: the steps that make of a table what a model is trained on, alike in training and at prediction time."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from nbtrain.core.errors import ConfigError, DataError, Problem
from nbtrain.core.tasks import Progress
from nbtrain.data.columns import Kind
from nbtrain.data.processing.arrow import NUMERIC, kind_of_arrow
from nbtrain.data.processing.plain_types import ToNumber
from nbtrain.data.processing.preview import LOOKED_AT, Preview, compare
from nbtrain.data.processing.randomness import generator
from nbtrain.data.processing.rows import HasParts, Rows, as_batch, cast, first_rows, names_of, numbered, schema_of
from nbtrain.data.processing.step import PART, ROW, Step
from nbtrain.data.table import Table
from nbtrain.store import atomic

TRAIN = 0
FILE = "recipe.json"
HEAVY = {Kind.IMAGE, Kind.AUDIO, Kind.BINARY}


@dataclass(frozen=True)
class Recipe:
    """Steps in their order. `fit` gives one that has learned from the training rows; only that one is applied.

    Args:
        steps: steps, or their JSON.
        target: the column that is to be predicted, or several. New rows come without it, and steps that
            work on all columns that fit leave it alone.

    Raises:
        ConfigError: steps that are unknown or have wrong options; all problems in one message.
    """

    steps: tuple[Step, ...] = ()
    target: tuple[str, ...] = ()
    types: dict[str, str] | None = field(default=None, repr=False)
    """Columns of the table it was fitted on, with their Arrow types; None before."""
    dates: Mapping[str, str] = field(default_factory=dict, repr=False)
    """The order of day, month and year in columns of dates, where the files of that table left it open."""

    def __init__(
        self, steps: Iterable[Step | Mapping[str, Any]] = (), target: str | Sequence[str] | None = None,
        types: dict[str, str] | None = None, dates: Mapping[str, str] | None = None,
    ) -> None:
        object.__setattr__(self, "steps", _parsed(steps))
        object.__setattr__(self, "target", (target,) if isinstance(target, str) else tuple(target or ()))
        object.__setattr__(self, "types", types)
        object.__setattr__(self, "dates", dict(dates or {}))

    @property
    def fitted(self) -> bool:
        return self.types is not None

    def fit(self, table: Rows, split: HasParts | None = None, progress: Progress | None = None) -> Recipe:
        """The recipe with every step fitted on the rows of part 0 of `split`, or on all where there is no split.

        Each step that learns reads the table once, as the steps before it leave it.

        Raises:
            DataError: a column is missing or of a wrong kind, or the split is of another table.
            CancelledError: `progress` was cancelled.
        """
        before: list[Step] = []
        schema = start = schema_of(table)
        columns = self._worth_reading(table)
        passes, done = sum(step.learns for step in self.steps), 0
        for step in self.steps:
            settled = step.unfitted().settled(schema, target=self.target)
            if settled.learns:
                rows = numbered(table, split, columns=columns, progress=progress, told=(done, passes))
                settled = settled.fit(_through(before, _training(rows)))
                done += 1
            schema = settled.outputs(schema)
            before.append(settled)
        return Recipe(before, self.target, {each.name: str(each.type) for each in start})

    def stream(
        self, table: Rows, split: HasParts | None = None, progress: Progress | None = None,
    ) -> Iterator[pa.RecordBatch]:
        """A whole dataset, processed, batch by batch, never all in memory; duplicates and empty rows are left out.

        Each row carries its number in the table as `ROW` and, where there is a split, its part as `PART`: rows are
        left out and made into windows, so that the split of the table does not fit any more, and these columns do.

        Raises:
            DataError: the recipe is not fitted, or as `fit`.
            CancelledError: `progress` was cancelled.
        """
        self._must_be_fitted()
        return _through(self.steps, numbered(table, split, progress=progress))

    def apply(self, rows: Rows) -> pa.Table:
        """New rows at prediction time, with or without the target, as the rows of the dataset were processed.

        No row is left out; windows come without what lies ahead. `rows` is a dict, a list of dicts, a pandas data
        frame, an Arrow table or batch, or a `Table`.

        Raises:
            DataError: the recipe is not fitted, a column is missing, or its cells do not fit.
        """
        return pa.Table.from_batches([self._applied(as_batch(rows))])

    def stream_new(
        self, rows: Rows, progress: Progress | None = None, *, also: Collection[str] | None = None,
    ) -> Iterator[pa.RecordBatch]:
        """As `apply`, batch by batch, at least one. Only windows have all rows in memory, which they put in order.

        Args:
            rows: the new rows.
            progress: hears how many are done.
            also: columns that are wanted beside those the steps work on; the others are not looked at. None: all are.

        Raises:
            DataError: as `apply`.
            CancelledError: `progress` was cancelled.
        """
        if also is not None:  # here, while all names are known
            self._must_have(set(self._must_be_fitted()) - set(self.target), names_of(rows))
        names = None if also is None else {*also, *(name for step in self.steps for name in _named(step))}
        if names is not None and any(step.all_columns and not step.columns for step in self.steps):
            names |= set(self._must_be_fitted())
        if any(step.together for step in self.steps):
            yield self._applied(as_batch(rows, names))
            return
        for batch in numbered(rows, columns=names, progress=progress):
            yield self._applied(batch.drop_columns([ROW]))

    def _applied(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        types = self._must_be_fitted()
        lacking = {name for name in types if name not in batch.schema.names}
        self._must_have(set(types) - set(self.target), batch.schema.names)
        # A number is not written down for to_number to read it: 1.234 would be 1234 where commas are before fractions.
        said = {name for step in self.steps if isinstance(step, ToNumber) for name in step.columns}
        stay = {field.name for field in batch.schema if field.name in said and kind_of_arrow(field.type) in NUMERIC}
        batch = cast(batch, {name: kind for name, kind in types.items() if name not in stay}, self.dates)
        for step in self.steps:
            kept = step.without(lacking)
            batch = batch if kept is None else kept.apply_new(batch)
        return batch

    def augment(self, sample: Mapping[str, Any], *, seed: int, epoch: int, index: int) -> dict[str, Any]:
        """A sample of the training part as training sees it in this epoch: a function of (seed, epoch, index)."""
        found = dict(sample)
        for position, step in enumerate(self.steps):
            if step.augments:
                found = step.augment(found, generator(seed, epoch, index, position))
        return found

    def preview(self, table: Rows, step_index: int, rows: int = 5, split: HasParts | None = None) -> Preview:
        """What one step does to the first rows of the table, as the steps before it leave them.

        Rows that the step changes are shown first. A recipe that is not fitted is fitted on the rows looked at, those
        of the training part where there is a split, so that a preview costs no pass over the table.

        Raises:
            DataError: as `fit`.
            IndexError: there is no such step.
        """
        step_index = range(len(self.steps))[step_index]
        looked_at = first_rows(table, LOOKED_AT)
        recipe = self
        if not self.fitted:
            training = None if split is None else np.flatnonzero(split.parts[:len(looked_at)] == TRAIN)
            rows_to_fit = looked_at if training is None or not len(training) else looked_at.take(training)
            recipe = Recipe(self.steps[:step_index + 1], self.target).fit(rows_to_fit)
        before = _through(recipe.steps[:step_index], numbered(looked_at))
        return compare(recipe.steps[step_index], pa.Table.from_batches(list(before)), rows)

    @property
    def augments(self) -> bool:
        """Whether `augment` changes anything."""
        return any(step.augments for step in self.steps)

    def fingerprint(self) -> str:
        """64 hexadecimal digits of everything that decides what the recipe does."""
        return sha256(json.dumps(self.to_json(), sort_keys=True).encode()).hexdigest()

    def to_json(self) -> dict[str, Any]:
        """The recipe but for what is in `files`."""
        return {"version": 1, "target": list(self.target), "types": self.types,
                **({"dates": dict(self.dates)} if self.dates else {}), "steps": [step.to_json() for step in self.steps]}

    def files(self) -> dict[str, bytes]:
        """What is kept beside the JSON (tokenizers), by file name."""
        return {name: content for step in self.steps for name, content in step.files().items()}

    @classmethod
    def from_json(cls, given: Mapping[str, Any], files: Mapping[str, bytes] | None = None) -> Recipe:
        """A recipe from `to_json`'s value and `files`. Raises ConfigError, with all problems in one message."""
        stored: Any = given
        if not isinstance(stored, Mapping) or given.get("version", 1) != 1 or not isinstance(given.get("steps"), list):
            raise ConfigError([Problem("recipe", f"{given!r:.80} is no recipe that this nbtrain can read.")])
        return cls(_parsed(given["steps"], files), given.get("target"), given.get("types"), given.get("dates"))

    def save(self, folder: Path) -> None:
        """Write ``recipe.json`` and the files beside into a folder that is there. Raises WorkspaceError."""
        for name, content in self.files().items():
            atomic.write_bytes(folder / name, content)
        atomic.write_json(folder / FILE, self.to_json())  # last: it names only files that are there

    @classmethod
    def load(cls, folder: Path) -> Recipe:
        """What `save` wrote. Raises WorkspaceError or ConfigError."""
        beside = {
            path.name: atomic.read_bytes(path) for path in sorted(folder.glob("tokenizer-*")) if path.is_file()}
        return cls.from_json(json.loads(atomic.read_bytes(folder / FILE)), beside)

    def with_steps(self, steps: Iterable[Step | Mapping[str, Any]]) -> Recipe:
        """Other steps, not fitted yet."""
        return replace(self, steps=_parsed(steps), types=None)

    def _worth_reading(self, table: Rows) -> list[str] | None:
        """Columns to read while fitting: not the pictures and sounds that no step names; None for all."""
        if not isinstance(table, Table) or any(step.all_columns and not step.columns for step in self.steps):
            return None
        named = {name for step in self.steps for name in _named(step)}
        return [column.name for column in table.columns if column.name in named or column.kind not in HEAVY]

    def _must_be_fitted(self) -> dict[str, str]:
        if self.types is None:
            raise DataError("The recipe has not learned from training rows yet; fit it first.")
        return self.types

    def _must_have(self, names: set[str], there: Sequence[str]) -> None:
        """Raises DataError where one of these columns is not there, and a step needs it."""
        read = {name for step in self.steps if not step.augments for name in step.reads()}
        needed = sorted(read & names.difference(there))
        if needed:
            raise DataError(
                f"The new rows have no column {', '.join(map(repr, needed))}, which the recipe works on; they have: "
                f"{', '.join(map(repr, there))}.")


def _named(step: Step) -> set[str]:
    """Columns that a step works on, or reads."""
    return {*step.columns, *step.reads()}


def _through(steps: Iterable[Step], batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for step in steps:
        batches = step.stream(batches)
    return batches


def _training(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Rows of the training part alone."""
    for batch in batches:
        yield batch.filter(pc.equal(batch.column(PART), TRAIN)) if PART in batch.schema.names else batch


def _parsed(given: Iterable[Any], files: Mapping[str, bytes] | None = None) -> tuple[Step, ...]:
    steps: list[Step] = []
    problems: list[Problem] = []
    for each in given:
        try:
            steps.append(each if isinstance(each, Step) else Step.from_json(each, files))
        except ConfigError as error:
            problems += error.problems
    if problems:
        raise ConfigError(problems)
    return tuple(steps)
