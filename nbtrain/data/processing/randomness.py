"""Random numbers that are a function of (seed, epoch, sample): the same whoever draws, in whatever order."""

from __future__ import annotations

from typing import Any

import numpy as np


def generator(seed: int, epoch: int, index: int, position: int = 0) -> np.random.Generator:
    """The numbers of one sample in one epoch, for the step at one position of the recipe.

    Philox is counter-based (Salmon et al. 2011, “Parallel random numbers: as easy as 1, 2, 3”): the key is (seed,
    position), the counter's high words are (epoch, index), and its low ones count the draws.
    """
    key: Any = np.array([seed, position], np.uint64)
    counter: Any = np.array([0, 0, index, epoch], np.uint64)
    return np.random.Generator(np.random.Philox(key=key, counter=counter))
