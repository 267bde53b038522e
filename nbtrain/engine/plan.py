"""The order in which a map-style dataset is read: for each epoch the batches of indices, from any batch on."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from itertools import count, repeat
from typing import Any

from torch import Tensor
from torch.utils.data import (
    BatchSampler,
    DistributedSampler,
    RandomSampler,
    Sampler,
    SequentialSampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
)

from nbtrain.engine import sampler
from nbtrain.engine.batching import Batching, Singles
from nbtrain.engine.memory_source import full_batches
from nbtrain.engine.replay import Key

#: Samplers of torch whose order is a function of their generator, or of the epoch they are told.
_REPLAYABLE = (RandomSampler, SequentialSampler, SubsetRandomSampler, WeightedRandomSampler, DistributedSampler)


class Plan(Sampler[list[Key]]):
    """A batch sampler whose order is a function of (seed, epoch); `set` says which epoch, and from which batch on.

    Args:
        rows: samples of the dataset.
        batching: batch size and order.
        seed: of the run.
        labels: class of each row, when rare classes are to come more often; None otherwise.
        ratio: of the oversampling.
    """

    def __init__(
        self, rows: int, batching: Batching, seed: int, labels: Tensor | None = None, ratio: float = 0.0,
    ) -> None:
        self._rows, self._batching, self._seed, self._labels, self._ratio = rows, batching, seed, labels, ratio
        self._epoch = self._skip = 0
        self.samples, self.length = self._count()
        own = batching.sampler if batching.batch_sampler is None else batching.batch_sampler
        own = own.sampler if isinstance(own, Singles) else own
        self.inexact = None if own is None or type(own) in _REPLAYABLE else (
            f"the order comes from a {type(own).__name__}, which cannot be asked for an earlier epoch's order again")

    def set(self, epoch: int, skip: int) -> None:
        """The next iteration gives this epoch, without its first `skip` batches."""
        self._epoch, self._skip = epoch, skip

    def __len__(self) -> int:
        return self.length or 0

    def __iter__(self) -> Iterator[list[Key]]:
        place, epoch, skip = 0, self._epoch, self._skip
        for number, indices in enumerate(self._batches(epoch)):
            if number >= skip:
                yield list(map(Key, repeat(epoch), count(place), indices))
            place += len(indices)

    def _batches(self, epoch: int) -> Iterable[list[Any]]:
        batching = self._batching
        if batching.batch_sampler is None:
            assert batching.batch_size is not None  # noqa: S101 - it has one or the other
            return BatchSampler(self._indices(epoch), batching.batch_size, batching.drop_last)
        if isinstance(batching.batch_sampler, Singles):
            return Singles(self._of_epoch(batching.batch_sampler.sampler, epoch))
        return self._of_epoch(batching.batch_sampler, epoch)

    def _indices(self, epoch: int) -> Iterable[Any]:
        if self._labels is not None:
            return sampler.balanced_order(self._labels, self._ratio, self._seed, epoch).tolist()
        if self._batching.sampler is not None:
            return self._of_epoch(self._batching.sampler, epoch)
        return sampler.order(self._rows, self._seed, epoch).tolist() if self._batching.shuffle else range(self._rows)

    def _of_epoch(self, own: Iterable[Any], epoch: int) -> Iterable[Any]:
        """The user's sampler, set to this epoch as far as it can be; the user's object keeps its generator."""
        if hasattr(own, "set_epoch"):
            own.set_epoch(epoch)
        if isinstance(own, RandomSampler | SubsetRandomSampler | WeightedRandomSampler) and type(own) in _REPLAYABLE:
            replayed = copy.copy(own)
            replayed.generator = sampler.generator(self._seed, epoch)
            return replayed
        return own

    def _count(self) -> tuple[int | None, int | None]:
        """Samples and batches an epoch, None where a sampler does not tell. Raises DataError for none at all."""
        batching = self._batching
        if batching.batch_sampler is not None:
            return None, _length(batching.batch_sampler)
        if self._labels is not None:
            rows: int | None = len(sampler.balanced_order(self._labels, self._ratio, self._seed, 0))
        else:
            rows = self._rows if batching.sampler is None else _length(batching.sampler)
        if rows is None or batching.batch_size is None:
            return None, None
        if batching.drop_last:
            batches = full_batches(rows, batching.batch_size)
            return batches * batching.batch_size, batches
        return rows, -(-rows // batching.batch_size)


def _length(own: Any) -> int | None:
    try:
        return len(own)
    except TypeError:
        return None
