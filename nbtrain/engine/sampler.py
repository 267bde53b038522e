"""Which row comes when: a pure function of (seed, epoch), so that a resume can go on in the middle of an epoch."""

from __future__ import annotations

import torch
from torch import Tensor

_MASK = (1 << 64) - 1


def mix(*numbers: int) -> int:
    """One seed (0 ≤ seed < 2⁶³) out of several numbers, each of which changes all of its bits.

    The finaliser is that of splitmix64 (Steele, Lea, Flood 2014), applied once per number: neighbouring
    epochs or samples get seeds that have nothing in common, which ``seed + epoch`` would not give.
    """
    state = 0
    for number in numbers:
        state = (state + 0x9E3779B97F4A7C15 + number) & _MASK
        state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & _MASK
        state ^= state >> 31
    return state >> 1


def generator(seed: int, epoch: int) -> torch.Generator:
    """A generator of its own for this epoch; the global ones are not touched."""
    return torch.Generator().manual_seed(mix(seed, epoch))


def order(n: int, seed: int, epoch: int) -> Tensor:
    """A permutation of 0 … n−1 for this epoch: int64 of shape (n,)."""
    return torch.randperm(n, generator=generator(seed, epoch))


def balanced_order(labels: Tensor, ratio: float, seed: int, epoch: int) -> Tensor:
    """A shuffled order in which rare classes come more often.

    Every row comes at least once. A class with fewer than ``ratio`` × (rows of the largest class) is
    brought up to that number; its rows are repeated evenly: none comes a third time before all came twice.

    Args:
        labels: class of each row, integers of shape (n,).
        ratio: 0 repeats nothing, 1 brings every class up to the largest.
        seed: of the run.
        epoch: which rows are repeated, and the order, change with it; the length does not.

    Returns:
        Row numbers, int64 of shape (m,), m ≥ n.
    """
    draw = generator(seed, epoch)
    _, classes, counts = labels.unique(return_inverse=True, return_counts=True)
    wanted = -int(-ratio * int(counts.max()) // 1)  # rounded up
    rows = [torch.arange(len(labels))]
    for label, count in enumerate(counts.tolist()):
        missing = wanted - count
        if missing > 0:
            own = (classes == label).nonzero().flatten()
            rows.append(own.repeat(missing // count))
            rows.append(own[torch.randperm(count, generator=draw)[: missing % count]])
    together = torch.cat(rows)
    return together[torch.randperm(len(together), generator=draw)]
