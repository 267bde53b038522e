"""Data that makes its own batches: rows by number, in an order that is ours.

A recipe's data is seldom one rectangle: windows of long series, tokens of any length, columns of several kinds. It says
how many rows there are and gives any of them as one batch; order, oversampling and what comes after a resume are here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor

from nbtrain.core.errors import DataError
from nbtrain.engine import nest, sampler
from nbtrain.engine.batch import Batch
from nbtrain.engine.memory_source import class_labels, full_batches

#: Rows of like lengths are brought together within so many batches' worth of them, drawn at random.
BUCKET = 50


@runtime_checkable
class Rows(Protocol):
    """Rows in memory, or mapped into it, that are gathered by number."""

    classes: list[str] | None
    """Names of the classes where the target was text."""
    targets: Tensor | None
    """The target of every row, (rows, …), where it is one tensor."""
    lengths: Tensor | None
    """How long each row is, int64 (rows,), such as its tokens. None: all alike."""
    bucketed: bool
    """Whether rows of like lengths come together."""

    def __len__(self) -> int:
        """How many rows there are."""

    def take(self, rows: Tensor, seed: int | None) -> tuple[Any, Any]:
        """These rows as inputs and target of a batch, on the CPU.

        Args:
            rows: numbers of the rows, int64 of shape (m,).
            seed: what is changed by chance is drawn from it; None changes nothing.
        """

    def fingerprint(self) -> str:
        """A short text that changes when the data does."""


class RowSource:
    """A `BatchSource` over `Rows`.

    Args:
        rows: the data.
        batch_size: rows a batch.
        seed: of the run.
        train: in an order that is new each epoch, with what chance changes; else as they lie.
        device: where batches are delivered.
        oversample: see `sampler.balanced_order`; None or 0 for none.
        drop_last: leave out a last batch that is not full.

    Raises:
        DataError: there are no rows, or no labels to balance by.
    """

    def __init__(
        self, rows: Rows, *, batch_size: int, seed: int, train: bool, device: torch.device,
        oversample: float | None = None, drop_last: bool = False,
    ) -> None:
        if not len(rows):
            raise DataError("The data is empty: it has 0 rows; training needs at least 1.")
        self.inexact: str | None = None
        self.classes, self.targets = rows.classes, rows.targets
        self._rows: Rows | None = rows
        self._size, self._seed, self._train, self._device = batch_size, seed, train, device
        self._labels = class_labels(rows.targets) if oversample else None
        self._oversample = oversample or 0.0
        self._lengths, self._bucketed = rows.lengths, rows.bucketed
        count = len(rows) if self._labels is None else len(self._drawn(0))
        self.samples: int | None = count
        self.length: int | None = -(-count // batch_size)
        if drop_last:
            self.length = full_batches(count, batch_size)
            self.samples = self.length * batch_size

    def epoch(self, epoch: int, skip: int = 0) -> Iterator[Batch]:
        """The batches of this epoch (0-based), without the first `skip`."""
        if self._rows is None:
            return
        assert self.samples is not None  # noqa: S101 - always known here; None belongs to other sources
        for number, chosen in enumerate(self._order(epoch)[:self.samples].split(self._size)):
            if number < skip:
                continue
            rows = self._rows
            if rows is None:  # closed in between
                return
            seed = sampler.mix(self._seed, epoch, number) if self._train else None
            inputs, target = nest.over(self._upload, rows.take(chosen, seed))
            tokens = 0 if self._lengths is None else int(self._lengths[chosen].sum())
            yield Batch(inputs, target, len(chosen), tokens)

    def close(self) -> None:
        """Let go of the data."""
        self._rows = self.targets = self._labels = self._lengths = None

    def _drawn(self, epoch: int) -> Tensor:
        if self._labels is not None:
            return sampler.balanced_order(self._labels, self._oversample, self._seed, epoch)
        assert self._rows is not None  # noqa: S101 - asked before `close` alone
        return sampler.order(len(self._rows), self._seed, epoch)

    def _order(self, epoch: int) -> Tensor:
        """Row numbers, batch after batch."""
        if not self._train:
            assert self._rows is not None  # noqa: S101 - as above
            return torch.arange(len(self._rows))
        drawn = self._drawn(epoch)
        if self._lengths is None or not self._bucketed:
            return drawn
        alike = [part[self._lengths[part].argsort(stable=True)] for part in drawn.split(BUCKET * self._size)]
        batches = [batch for part in alike for batch in part.split(self._size)]
        # The last batch of an epoch may be short, and stays last: others must not be cut by it.
        last = batches.pop() if len(batches[-1]) < self._size else None
        order = torch.randperm(len(batches), generator=sampler.generator(sampler.mix(self._seed, 1), epoch)).tolist()
        shuffled = [batches[number] for number in order]
        return torch.cat([*shuffled, last] if last is not None else shuffled)

    def _upload(self, block: Tensor) -> Tensor:
        if self._device.type == "cuda":
            block = block.pin_memory()  # from torch's cache of pinned memory, which waits for the copy before reuse
        return block.to(self._device, non_blocking=True)
