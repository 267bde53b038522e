"""Batches of data in memory, cut out by tensor indexing: about a microsecond each, whatever the sample."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import repeat
from typing import Any

import torch
from torch import Tensor

from nbtrain.core.errors import DataError
from nbtrain.engine import nest, sampler
from nbtrain.engine.arrays import Arrays
from nbtrain.engine.batch import Batch
from nbtrain.engine.columns import SMALL

#: Rows are gathered for several batches at once, up to this size: one gather costs about as much as one batch's
#: own would, and the block still lies in the processor's cache when its batches are trained on.
BLOCK_BYTES = 1 << 20
#: Data moves to the device as a whole when it takes no more than this share of the device's free memory.
SHARE_OF_DEVICE = 0.25


class MemorySource:
    """A `BatchSource` over `Arrays`.

    Args:
        arrays: the data; moved to the device once where it fits there.
        batch_size: samples a batch.
        seed: of the run.
        shuffle: a new order each epoch, or always that of the data.
        device: where batches are delivered.
        oversample: see `sampler.balanced_order`; None or 0 for none.
        drop_last: leave out a last batch that is not full.

    Raises:
        DataError: no labels to balance by, or not one full batch.
    """

    def __init__(
        self, arrays: Arrays, *, batch_size: int, seed: int, shuffle: bool, device: torch.device,
        oversample: float | None = None, drop_last: bool = False,
    ) -> None:
        self.inexact: str | None = None
        self.classes = arrays.classes
        self.targets: Tensor | None = arrays.target if isinstance(arrays.target, Tensor) else None
        self._labels = class_labels(arrays.target) if oversample else None
        self._oversample = oversample or 0.0
        self._rows, self._size, self._seed = arrays.length, batch_size, seed
        self._shuffle, self._device = shuffle, device
        rows = arrays.length if self._labels is None else len(self._order(0))
        self.samples: int | None = rows
        self.length: int | None = -(-rows // batch_size)
        if drop_last:
            self.length = full_batches(rows, batch_size)
            self.samples = self.length * batch_size
        self._place(arrays)

    def epoch(self, epoch: int, skip: int = 0) -> Iterator[Batch]:
        """The batches of this epoch (0-based), without the first `skip`."""
        assert self.samples is not None  # noqa: S101 - always known here; None belongs to other sources
        start = skip * self._size
        if self._shuffle or self._labels is not None:
            order = self._order(epoch)[start:self.samples]
            for rows in (order if self._streams else order.to(self._device)).split(self._block):
                yield from self._cut(partial(torch.index_select, dim=0, index=rows), len(rows))
        else:
            for first in range(start, self.samples, self._block):
                count = min(self._block, self.samples - first)
                yield from self._cut(partial(torch.narrow, dim=0, start=first, length=count), count)

    def close(self) -> None:
        """Let go of the data."""
        self._inputs = self._target = self._beside = self.targets = self._labels = None

    def _order(self, epoch: int) -> Tensor:
        if self._labels is not None:
            return sampler.balanced_order(self._labels, self._oversample, self._seed, epoch)
        return sampler.order(self._rows, self._seed, epoch)

    def _place(self, arrays: Arrays) -> None:
        """Decide whether the data moves to the device now, or block by block."""
        self._mirrors = arrays.target is arrays.inputs
        target = None if self._mirrors else arrays.target
        parts = list(nest.tensors((arrays.inputs, target, arrays.beside)))
        nbytes = sum(t.nbytes for t in parts)
        self._block = max(1, BLOCK_BYTES * arrays.length // max(1, nbytes) // self._size) * self._size
        self._streams = (
            self._device.type != "cpu" and all(t.device.type == "cpu" for t in parts)
            and nbytes > SHARE_OF_DEVICE * free_memory(self._device))
        place: Callable[[Tensor], Tensor] = (lambda t: t) if self._streams else (lambda t: t.to(self._device))
        self._inputs, self._target, self._beside = nest.over(place, (arrays.inputs, target, arrays.beside))

    def _cut(self, gather: Callable[[Tensor], Tensor], rows: int) -> Iterable[Batch]:
        """A block of rows as its batches, which are views of it."""
        inputs, target, beside = nest.over(gather, (self._inputs, self._target, self._beside))
        if self._streams:
            inputs, target, beside = nest.over(self._upload, (inputs, target, beside))
        inputs = nest.over(_whole, inputs)
        full, rest = divmod(rows, self._size)
        sizes = [self._size] * full + [rest] * (rest > 0)
        given = list(_split(inputs, sizes))
        targets = given if self._mirrors else _split(target, sizes)
        if beside is None:
            return map(Batch, given, targets, sizes)
        return map(Batch, given, targets, sizes, repeat(0), _split(beside, sizes))

    def _upload(self, block: Tensor) -> Tensor:
        if self._device.type == "cuda":
            block = block.pin_memory()  # from torch's cache of pinned memory, which waits for the copy before reuse
        return block.to(self._device, non_blocking=True)


def class_labels(target: Any) -> Tensor:
    """A target as the classes that oversampling balances by. Raises DataError where it is none."""
    if isinstance(target, Tensor) and target.ndim == 2 and target.shape[1] == 1:
        target = target.flatten()
    if not isinstance(target, Tensor) or target.ndim != 1 or bool((target != target.round()).any()):
        shape = f"is of shape {tuple(target.shape)}" if isinstance(target, Tensor) else "is not one tensor"
        raise DataError(
            f"use_oversampling balances classes, so it needs one class number a row, but the target {shape}"
            " or holds fractions; leave use_oversampling off.")
    return target.cpu().to(torch.int64)


def full_batches(rows: int, batch_size: int) -> int:
    """How many batches drop_last leaves. Raises DataError when it leaves none."""
    if rows < batch_size:
        raise DataError(
            f"drop_last leaves no batch: there are {rows} rows, fewer than batch_size {batch_size}; lower batch_size.")
    return rows // batch_size


def free_memory(device: torch.device) -> int:
    """Bytes that can still be allocated on this device (not asked for the CPU)."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    if device.type == "mps":
        return torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory()
    return 0


def _whole(block: Tensor) -> Tensor:
    """Integers as models take them, whatever they were kept as."""
    return block.to(torch.int64) if block.dtype in SMALL else block


def _split(part: Any, sizes: list[int]) -> Iterable[Any]:
    """A nest of blocks as one nest per batch."""
    if isinstance(part, Tensor):
        return part.split(sizes)  # type: ignore[no-any-return]
    if isinstance(part, tuple):
        return zip(*(_split(piece, sizes) for piece in part), strict=True)
    if isinstance(part, dict):
        pieces = zip(*(_split(piece, sizes) for piece in part.values()), strict=True)
        return (dict(zip(part, values, strict=True)) for values in pieces)
    return repeat(None, len(sizes))
