"""Which part each unit goes to, in NumPy. A unit is what must not be cut: a row, equal rows, a group, a moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_TWO64 = 2**64


def borders(shares: Sequence[float]) -> np.ndarray:
    """Where one part ends and the next begins on the line of all 64-bit hashes, uint64."""
    cumulated = np.cumsum(shares)[:-1]
    return np.array([min(int(share * _TWO64), _TWO64 - 1) for share in cumulated], np.uint64)


def by_hash(hashes: np.ndarray, shares: Sequence[float]) -> np.ndarray:
    """Part of each hash, uint8: the share decides, and nothing else, so no other row can change it."""
    return np.searchsorted(borders(shares), hashes, side="right").astype(np.uint8)


def mixed(hashes: np.ndarray, salt: int | np.ndarray) -> np.ndarray:
    """Other hashes, independent of the given (the finisher of SplitMix64, Steele et al. 2014)."""
    with np.errstate(over="ignore"):
        z = hashes + (np.asarray(salt, np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return np.asarray(z ^ (z >> np.uint64(31)))


def told_apart(hashes: np.ndarray) -> np.ndarray:
    """The hashes with every repetition made another one, by how many came before it; first ones stay."""
    order = np.argsort(hashes, kind="stable")
    ordered = hashes[order]
    places = np.arange(len(ordered))
    first = np.concatenate([[True], ordered[1:] != ordered[:-1]])[:len(ordered)]
    occurrence = places - np.maximum.accumulate(np.where(first, places, 0))
    found = hashes.copy()
    repeated = order[occurrence > 0]
    found[repeated] = mixed(hashes[repeated], occurrence[occurrence > 0].astype(np.uint64))
    return found


@dataclass(frozen=True)
class Units:
    """What must not be cut, each with its rows.

    Attributes:
        hashes: uint64, one a unit, ascending and different.
        weights: rows of each.
        of_row: the unit of each row, int32.
    """

    hashes: np.ndarray
    weights: np.ndarray
    of_row: np.ndarray

    @classmethod
    def of(cls, hashes: np.ndarray) -> Units:
        """Rows of one hash make a unit."""
        order = np.argsort(hashes, kind="stable")
        ordered = hashes[order]
        new = np.append(True, ordered[1:] != ordered[:-1])[:len(ordered)]
        of_row = np.empty(len(hashes), np.int32)
        of_row[order] = np.cumsum(new, dtype=np.int32) - 1
        weights = np.diff(np.append(np.flatnonzero(new), len(new))).astype(np.int32)
        return cls(ordered[new], weights, of_row)

    def most(self, codes: np.ndarray) -> np.ndarray:
        """The class most rows of each unit have; the smaller number of two as frequent."""
        found = np.zeros(len(self.hashes), codes.dtype)
        found[self.of_row] = codes
        several = np.flatnonzero(self.weights[self.of_row] > 1)
        if len(several):
            span = int(codes.max()) - int(codes.min()) + 1
            pairs = self.of_row[several].astype(np.int64) * span + (codes[several] - codes.min())
            pairs, counts = np.unique(pairs, return_counts=True)
            order = np.lexsort((-pairs, counts, pairs // span))
            last = np.append(np.diff(pairs[order] // span) != 0, True)
            chosen = pairs[order][last]
            found[chosen // span] = chosen % span + codes.min()
        return found


def filled(parts: np.ndarray, hashes: np.ndarray, shares: Sequence[float]) -> np.ndarray:
    """Parts of units with none empty that has a share: the unit whose hash is nearest to an empty part goes there.

    There must be as many units as parts with a share.
    """
    found = parts.copy()
    ends = [0.0, *np.cumsum(shares)]
    for part, share in enumerate(shares):
        if share and not (found == part).any():
            counts = np.bincount(found, minlength=len(shares))
            spare = np.flatnonzero(counts[found] > 1)
            middle = (ends[part] + ends[part + 1]) / 2
            found[spare[np.argmin(np.abs(hashes[spare] / _TWO64 - middle))]] = part
    return found


def by_rank(
    strata: np.ndarray, weights: np.ndarray, shares: Sequence[float], offsets: np.ndarray,
    small: Sequence[int] = (),
) -> tuple[np.ndarray, np.ndarray]:
    """Part of each unit so that every stratum is divided by the shares, in the order the units stand in.

    A stratum of at least as many units as there are parts with a share has one in each.

    Args:
        strata: number of each unit's stratum, from 0, ascending.
        weights: rows of each unit.
        shares: of the parts, adding up to 1.
        offsets: for each stratum, 0–1: which way it is rounded, so that many small strata do not all round alike.
        small: which parts a stratum of too few units fills first; empty for what the rounding gives.

    Returns:
        uint8 per unit, and a mask of the strata that had too few units.
    """
    count = len(offsets)
    units = np.bincount(strata, minlength=count)
    starts = np.cumsum(units) - units
    total = np.bincount(strata, weights=weights, minlength=count)
    positions = np.cumsum(weights, dtype=np.float64)  # in place from here on: tables are long
    positions -= weights
    positions -= positions[np.minimum(starts, len(positions) - 1)][strata]
    positions += offsets[strata] * weights
    positions /= total[strata]
    wanted = np.flatnonzero(shares)
    # Rounding never hits a part without a share.
    slot_of = wanted[np.minimum(np.searchsorted(wanted, np.arange(len(shares))), len(wanted) - 1)].astype(np.uint8)
    raw = slot_of[np.searchsorted(np.cumsum(shares)[:-1], positions, side="right")]
    found = np.stack([np.bincount(strata[raw == slot], minlength=count) for slot in range(len(shares))], axis=1)
    rare = units < len(wanted)
    if small:
        found[rare] = 0
    for place, part in enumerate(small):
        found[rare & (units > place), part] = 1
    for part in wanted.tolist():
        empty = ~rare & (found[:, part] == 0)
        found[empty, found[empty].argmax(axis=1)] -= 1
        found[empty, part] += 1
    edges = np.cumsum(found, axis=1)[:, :-1]
    rank = np.arange(len(strata), dtype=np.int32) - starts.astype(np.int32)[strata]
    parts = np.zeros(len(strata), np.uint8)
    for edge in edges.T:
        parts += rank >= edge.astype(np.int32)[strata]
    return parts, rare & (units > 0)
