"""What makes reading a dataset repeatable: random numbers that follow from the place in the order.

Whatever a dataset draws at random for a sample is a function of (seed, epoch, place in the epoch's order), so it
does not matter how many workers read, and a resume in the middle of an epoch draws the same again.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.random.mtrand import get_bit_generator, set_bit_generator
from torch.utils.data import Dataset, Subset

from nbtrain.engine.sampler import mix
from nbtrain.engine.workers import Envelope

#: Two runs of one kernel must not take each other's state for the user's.
_one_reader = threading.Lock()
#: Put in the place of NumPy's own while a dataset reads: its state takes 80 µs to copy, and this takes none.
_numpys = np.random.MT19937(0)


class Key(NamedTuple):
    """Which sample is to be read, and for which place."""

    epoch: int
    place: int
    index: Any


class Replayed(Dataset[Any]):
    """A map-style dataset that is read by lists of `Key`, with the generators seeded for each sample.

    Seeding torch, NumPy and `random` costs 10 µs, more than reading many a sample. So a batch is first read
    after one seeding only; if none of the generators was drawn from, that was right for every sample. From the
    first draw on, each sample is seeded by itself.
    """

    def __init__(self, dataset: Any, seed: int) -> None:
        self._envelope = Envelope(dataset)
        self._seed = seed
        self._draws = False
        inner = dataset.dataset if type(dataset) is Subset else dataset
        self._whole = callable(getattr(inner, "__getitems__", None))

    def __len__(self) -> int:
        return len(self._envelope.content)

    def __getitems__(self, keys: Sequence[Key]) -> list[Any]:
        """The samples of one batch: what torch's fetcher calls when there is such a method."""
        if self._whole:  # the dataset reads a batch at once, so the batch is what is seeded
            seed_all(mix(self._seed, keys[0].epoch, keys[0].place))
            return list(self._envelope.content.__getitems__([key.index for key in keys]))
        if not self._draws:
            seed_all(0)
            dataset = self._envelope.content
            samples = [dataset[key.index] for key in keys]
            if untouched():
                return samples
            self._draws = True
        return [self[key] for key in keys]

    def __getitem__(self, key: Key) -> Any:
        seed_all(mix(self._seed, key.epoch, key.place))
        return self._envelope.content[key.index]


def seed_all(seed: int) -> None:
    """Seed torch's, NumPy's and Python's global generators (the CPU's)."""
    torch.default_generator.manual_seed(seed)
    np.random.seed(seed & 0xFFFF_FFFF)  # noqa: NPY002 - it is the global generator that datasets draw from
    random.seed(seed)


def _next() -> tuple[float, float, float]:
    return torch.rand(()).item(), np.random.random_sample(), random.random()  # noqa: NPY002, S311 - as above


def untouched() -> bool:
    """Whether nothing was drawn since ``seed_all(0)``."""
    return _next() == _AFTER_SEED_0


@contextmanager
def generators_kept() -> Iterator[None]:
    """Give the global generators back as they were, for reading in the process the user works in."""
    with _one_reader:
        state, python, numpy = torch.default_generator.get_state(), random.getstate(), get_bit_generator()
        set_bit_generator(_numpys)
        try:
            yield
        finally:
            torch.default_generator.set_state(state)
            random.setstate(python)
            set_bit_generator(numpy)


def _first_draws() -> tuple[float, float, float]:
    with generators_kept():
        seed_all(0)
        return _next()


_AFTER_SEED_0 = _first_draws()
