"""Texts that are nearly the same: MinHash signatures, banded, and every candidate checked exactly. All in NumPy.

Broder, “On the resemblance and containment of documents” (1997); Indyk and Motwani, locality-sensitive hashing (1998).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

import numpy as np

#: Characters of a shingle: long enough that two texts of one language share few by chance.
SHINGLE = 5
#: Two texts are nearly the same when they share this much of their shingles (Jaccard).
ALIKE = 0.8
#: Ten bands of three hashes find a pair at 0.8 with a probability of 0.999, one at 0.3 with 0.24.
BANDS, IN_BAND = 10, 3
#: Of a longer text, the beginning.
LONGEST = 2000
#: Pairs compared in one go, which bounds memory.
AT_ONCE = 20_000
#: Shorter texts are alike by chance: "ok, thanks".
LEAST = 20
#: Texts hashed in one go: their shingles stay in the processor's cache.
CACHED = 500

_APART = re.compile(r"[\W_]+")


def plain(text: str) -> str:
    """A text as it is compared: no case, no punctuation, one space between words."""
    return _APART.sub(" ", unicodedata.normalize("NFKC", text[:LONGEST]).casefold()).strip()


class Shingles:
    """The different shingles of each of many texts, as 32-bit hashes, text after text, ascending in each.

    Args:
        texts: of at least `SHINGLE` characters each.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        found = [_shingles(texts[at:at + CACHED]) for at in range(0, len(texts), CACHED)]
        self.hashes = np.concatenate([hashes for hashes, _ in found] or [np.zeros(0, np.uint32)])
        self.counts = np.concatenate([counts for _, counts in found] or [np.zeros(0, np.int64)])
        self.starts = np.cumsum(self.counts) - self.counts


def _shingles(texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """The different shingles of some texts, and how many each has."""
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    letters = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), np.uint32)
    hashes = np.zeros(len(letters) - SHINGLE + 1, np.uint32)
    for step in range(SHINGLE):
        hashes = hashes * np.uint32(0x01000193) + letters[step:step + len(hashes)]
    of = np.repeat(np.arange(len(texts), dtype=np.uint64), lengths)
    inside = np.ones(len(letters), bool)
    for step in range(1, SHINGLE):  # the windows that reach into the next text
        inside[np.cumsum(lengths) - step] = False
    inside = inside[:len(hashes)]
    packed = _different((of[:len(hashes)][inside] << np.uint64(32)) | _scrambled(hashes[inside]))
    return packed.astype(np.uint32), np.bincount((packed >> np.uint64(32)).astype(np.int64), minlength=len(texts))


def alike(texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of texts (int64, n × 2, the smaller number first) that are nearly the same, and how much they share.

    Of many that are the same, each is paired with a few others, so that they hang together. Texts of fewer than
    `LEAST` characters are alike by chance, and left alone.

    Args:
        texts: as `plain` gives them.
    """
    long = np.flatnonzero(np.fromiter((len(text) >= LEAST for text in texts), bool, len(texts)))
    shingles = Shingles([texts[row] for row in long.tolist()])
    pairs = _candidates(shingles)
    shared = np.concatenate([
        _jaccard(shingles, pairs[at:at + AT_ONCE]) for at in range(0, len(pairs), AT_ONCE)] or [np.zeros(0)])
    kept = shared >= ALIKE
    return long[pairs[kept]], shared[kept]


def _candidates(shingles: Shingles) -> np.ndarray:
    """Pairs that agree in a band: each text with the one before it in its bucket, and with the first."""
    found = [np.zeros(0, np.uint64)]
    for band in _bands(shingles):
        order = np.argsort(band, kind="stable")
        ordered, rows = band[order], order.astype(np.uint64)
        new = np.append(True, ordered[1:] != ordered[:-1])[:len(ordered)]
        begins = np.maximum.accumulate(np.where(new, np.arange(len(rows)), 0))
        same = np.flatnonzero(~new)
        found += [(rows[other] << np.uint64(32)) | rows[same] for other in (same - 1, begins[same])]
    packed = _different(np.concatenate(found))
    return np.stack([packed >> np.uint64(32), packed & np.uint64(0xFFFFFFFF)], axis=1).astype(np.int64)


def _bands(shingles: Shingles) -> np.ndarray:
    """The hash of each band (`BANDS`) of each text, uint64."""
    random = np.random.default_rng(20_260_101)
    factors, terms = (random.integers(0, 2**32, BANDS * IN_BAND, np.uint32) for _ in range(2))
    texts, ends = len(shingles.starts), shingles.starts + shingles.counts
    signatures = np.empty((BANDS * IN_BAND, texts), np.uint32)
    for at in range(0, texts, CACHED):
        starts = shingles.starts[at:at + CACHED]
        hashes = shingles.hashes[starts[0]:ends[at:at + CACHED][-1]]
        mixed = np.empty_like(hashes)
        for row, (factor, term) in enumerate(zip(factors | np.uint32(1), terms, strict=True)):
            np.multiply(hashes, factor, out=mixed)
            np.add(mixed, term, out=mixed)
            np.minimum.reduceat(mixed, starts - starts[0], out=signatures[row, at:at + CACHED])
    bands = np.zeros((BANDS, texts), np.uint64)
    for row, signature in enumerate(signatures):
        band = bands[row // IN_BAND]
        np.multiply(band, np.uint64(0x9E3779B97F4A7C15), out=band)
        np.add(band, signature, out=band)
    return bands


def _jaccard(shingles: Shingles, pairs: np.ndarray) -> np.ndarray:
    """What each pair shares of its shingles, exactly."""
    sides = []
    for side in (0, 1):
        rows = pairs[:, side]
        counts = shingles.counts[rows]
        of = np.repeat(np.arange(len(rows), dtype=np.uint64), counts)
        offset = np.arange(len(of)) - np.repeat(np.cumsum(counts) - counts, counts)
        at = np.repeat(shingles.starts[rows], counts) + offset
        sides.append((of << np.uint64(32)) | shingles.hashes[at])
    both = np.sort(np.concatenate(sides))
    twice = (both[1:][both[1:] == both[:-1]] >> np.uint64(32)).astype(np.int64)
    shared = np.bincount(twice, minlength=len(pairs))
    return np.asarray(shared / (shingles.counts[pairs].sum(axis=1) - shared))


def _different(values: np.ndarray) -> np.ndarray:
    """Each value once, ascending. Sorting is several times faster here than the hash table of `numpy.unique`."""
    ordered = np.sort(values)
    return np.asarray(ordered[np.append(True, ordered[1:] != ordered[:-1])[:len(ordered)]])


def _scrambled(hashes: np.ndarray) -> np.ndarray:
    """Other 32-bit hashes in another order (the finisher of MurmurHash3, Appleby 2011)."""
    mixed = hashes ^ (hashes >> np.uint32(16))
    mixed = mixed * np.uint32(0x85EBCA6B)
    mixed ^= mixed >> np.uint32(13)
    mixed *= np.uint32(0xC2B2AE35)
    mixed ^= mixed >> np.uint32(16)
    return np.asarray(mixed)
