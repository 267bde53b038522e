"""Batches of what can only be read from its start: iterable datasets, and loaders with a way of their own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from itertools import islice
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset

from nbtrain.core.errors import DataError
from nbtrain.engine.arrays import Reading
from nbtrain.engine.batch import Batch
from nbtrain.engine.batching import Batching
from nbtrain.engine.loader_source import end_workers, worker_options
from nbtrain.engine.replay import generators_kept, seed_all
from nbtrain.engine.sampler import mix
from nbtrain.engine.samples import to_batch
from nbtrain.engine.workers import Envelope, starting

#: What to do about data that is over once it was read.
READ_AGAIN = (
    "each epoch reads it from its beginning: hand in a list or a dataset, or let __iter__ make a new iterator each "
    "time.")


class StreamSource:
    """A `BatchSource` over an iterable dataset, or over any iterable of batches.

    It is told the epoch through `set_epoch` where it has that, and reads under generators seeded from
    (seed, epoch, batch); whether it then gives the same samples again is up to it, so `inexact` is set.

    Args:
        data: an `IterableDataset` (of samples), or an iterable of batches that can be read once an epoch.
        batching: how samples become batches.
        seed: of the run.
        device: where batches are delivered.
        reading: which numbers the model takes.

    Raises:
        DataError: an iterator, which can be read only once.
    """

    def __init__(self, data: Any, batching: Batching, *, seed: int, device: torch.device, reading: Reading) -> None:
        if iter(data) is data:
            raise DataError(
                f"The data is an iterator ({type(data).__name__}), which can be read only once; give something that "
                "can be read once an epoch: a Dataset, a DataLoader, or a class with __iter__.")
        self.classes: list[str] | None = None
        self.targets: Tensor | None = None
        self.inexact: str | None = (
            f"the data is a stream ({type(data).__name__}): it is read again from its start, "
            "and may give other samples then")
        self._data, self._seed, self._device, self._reading = data, seed, device, reading
        self._loader: Any = data
        self._batches: Iterator[Any] = iter(())
        self._workers = 0
        self.samples, self.length = None, _length(data)
        if isinstance(data, IterableDataset):
            self._workers = batching.pipeline.num_workers
            options = worker_options(batching, device)
            if self._workers:
                options["persistent_workers"] = False  # one that lives on is told neither epoch nor seed
            self._loader = DataLoader(
                _Stream(data), batch_size=batching.batch_size, drop_last=batching.drop_last, **options)
            self.samples = self.length
            if self.samples is not None and batching.batch_size is not None:
                full, rest = divmod(self.samples, batching.batch_size)
                self.length = full + (rest > 0 and not batching.drop_last)

    def epoch(self, epoch: int, skip: int = 0) -> Iterator[Batch]:
        """The batches of this epoch (0-based); the first `skip` are read and dropped."""
        if self._loader is None:
            return
        if hasattr(self._data, "set_epoch"):
            self._data.set_epoch(epoch)
        generator = getattr(self._loader, "generator", None)
        if generator is not None:
            generator.manual_seed(mix(self._seed, epoch))  # what torch seeds the workers with
        yield from islice(self._read(epoch), skip, None)

    def _read(self, epoch: int) -> Iterator[Batch]:
        with starting():
            self._batches = batches = iter(self._loader)
        number = 0
        while self._loader is not None:
            with nullcontext() if self._workers else generators_kept():
                if not self._workers:
                    seed_all(mix(self._seed, epoch, number))
                collated = next(batches, self)
            if collated is self:
                return
            yield to_batch(collated, self._reading, self._device)
            number += 1

    def close(self) -> None:
        """End the workers and let go of the data."""
        end_workers(self._batches)
        self._loader, self._data, self._batches = None, None, iter(())


class _Stream(IterableDataset[Any]):
    """An iterable dataset in an envelope, so that one defined in a notebook reaches the workers."""

    def __init__(self, dataset: Any) -> None:
        self._envelope = Envelope(dataset)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._envelope.content)


def gone() -> DataError:
    """Of data that gave the batch it was tried with, and has none for the first epoch."""
    return DataError(f"The data gave a batch, and none when it was read again; {READ_AGAIN}")


def _length(data: Any) -> int | None:
    try:
        return len(data)
    except TypeError:
        return None
