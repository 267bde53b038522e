"""Rows in memory that chance changes whenever they are read: series, and texts before their tokens are made.

As for images, the numbers come from NumPy's generator, which the reader seeds by (seed, epoch, place in the order): so
each epoch sees other samples, the same ones after a resume, and the same whoever reads them.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from nbtrain.data.examples import MASK, TOKENS
from nbtrain.data.processing import Recipe, Tokenize
from nbtrain.data.table import Table

if TYPE_CHECKING:
    from torch import Tensor

#: One input, or several by name.
Sample = npt.NDArray[Any] | dict[str, npt.NDArray[Any]]


class Change(Protocol):
    """Makes of a sample another by chance."""

    def __call__(self, row: int, sample: Sample, seed: int) -> Sample:
        """The sample of this row changed, as `seed` decides; the one that is given stays as it is."""


class Augmented:
    """A dataset of rows in memory, as torch's loaders read one: ``len(rows)`` and ``rows[i]``.

    A sample is ``(inputs, label)``, or the inputs alone where there are no labels; whole numbers are int64. Worker
    processes share the rows.

    Args:
        inputs: a tensor (rows, …), or a dict of them.
        target: a tensor (rows, …), or None.
        classes: names of the classes where the labels were text.
        change: what chance does to a sample.
    """

    def __init__(
        self, inputs: Tensor | Mapping[str, Tensor], target: Tensor | None, classes: Sequence[str] | None,
        change: Change,
    ) -> None:
        self._inputs = inputs
        self._change: Change | None = change
        self.targets = target
        self.classes = None if classes is None else list(classes)

    def __len__(self) -> int:
        return len(next(iter(self._inputs.values())) if isinstance(self._inputs, Mapping) else self._inputs)

    def __getitem__(self, row: int) -> Any:
        sample: Sample = (
            {name: _cells(values, row) for name, values in self._inputs.items()}
            if isinstance(self._inputs, Mapping) else _cells(self._inputs, row))
        if self._change is not None:
            sample = self._change(row, sample, int(np.random.randint(2**31)))  # noqa: NPY002 - the one a reader seeds
        return sample if self.targets is None else (sample, self.targets[row])

    def plain(self) -> Augmented:
        """The same rows as they are: what is held out is not changed."""
        twin = copy.copy(self)
        twin._change = None  # noqa: SLF001 - a copy of its own
        return twin


def _cells(values: Tensor, row: int) -> npt.NDArray[Any]:
    """One row; whole numbers, which may lie in memory as small ones, as models take them."""
    cells: npt.NDArray[Any] = values[row].numpy()
    return cells.astype(np.int64) if cells.dtype.kind == "i" else cells


class Series:
    """What a recipe does to the series of a row (time, features), or to several by name.

    Args:
        recipe: what changes series.
        columns: whose series these are: one of (time, …), or each a feature of all.
    """

    def __init__(self, recipe: Recipe, columns: Sequence[str]) -> None:
        self._recipe, self._columns = recipe, tuple(columns)

    def __call__(self, row: int, sample: Sample, seed: int) -> Sample:  # noqa: ARG002 - all is in the sample
        if isinstance(sample, dict):
            return self._recipe.augment(sample, seed=seed, epoch=0, index=0)
        if len(self._columns) == 1:
            (name,) = self._columns
            whole: npt.NDArray[Any] = self._recipe.augment({name: sample}, seed=seed, epoch=0, index=0)[name]
            return whole
        parts = {name: np.ascontiguousarray(sample[:, place]) for place, name in enumerate(self._columns)}
        changed = self._recipe.augment(parts, seed=seed, epoch=0, index=0)
        return np.stack([changed[name] for name in self._columns], axis=-1)


class Texts:
    """What a recipe does to the texts of a row, and the tokens of what came of them.

    As many tokens as the longest row has: a text that grew beyond is cut as the tokenizer cuts.

    Args:
        recipe: what changes texts.
        step: makes tokens of them.
        table: holds the texts as they were when the step saw them.
        length: tokens of a row, padding counted.

    Raises:
        DataError: the table has no such column, or cannot be read.
    """

    def __init__(self, recipe: Recipe, step: Tokenize, table: Table, length: int) -> None:
        self._recipe = recipe
        self._step = step.model_copy(update={"max_length": length})
        self._texts = {name: _Cells(table, name) for name in step.columns}
        self._length = length

    def __call__(self, row: int, sample: Sample, seed: int) -> Sample:
        changed = self._recipe.augment(
            {name: texts[row] for name, texts in self._texts.items()}, seed=seed, epoch=0, index=0)
        encoder = self._step.encoder
        found = encoder.encode(*([changed[name]] for name in self._step.columns))
        made = {
            TOKENS: _filled(found.ids, self._length, 0 if self._step.padding == "none" else encoder.pad),
            MASK: _filled(np.ones_like(found.ids), self._length)}
        if found.segments is not None:
            made["token_type_ids"] = _filled(found.segments, self._length)
        return {name: made[name] for name in sample}


class _Cells:
    """The texts of a column as bytes, which worker processes share; a missing one is empty."""

    def __init__(self, table: Table, name: str) -> None:
        import torch  # noqa: PLC0415 - `import nbtrain.data` does without

        cells = pa.concat_arrays(
            [batch.column(0).cast(pa.large_string()).fill_null("") for batch in table.batches([name])])
        _, ends, held = cells.buffers()
        self._ends = torch.from_numpy(np.frombuffer(ends, np.int64)[cells.offset:][:len(cells) + 1].copy())
        self._bytes = torch.from_numpy(np.frombuffer(held or b"", np.uint8).copy())

    def __getitem__(self, row: int) -> str:
        start, end = self._ends[row:row + 2].tolist()
        return self._bytes[start:end].numpy().tobytes().decode()


def _filled(tokens: npt.NDArray[Any], length: int, pad: int = 0) -> npt.NDArray[np.int64]:
    filled = np.full(length, pad, np.int64)
    filled[:min(len(tokens), length)] = tokens[:length]
    return filled
