"""Spans of tags over words, and how many of them were found: the entity F1 of the CoNLL shared tasks.

A span is (its kind, its first word, its last word) and counts as found only where all three are right (Tjong Kim Sang
and De Meulder 2003, section 2.3): precision = found / predicted, recall = found / there, F1 their harmonic mean, over
the spans of all kinds together. Where tags say where in a span a word is, a span begins at ``B-kind``, or at an
``I-kind`` that does not go on with its kind, as conlleval counts; it ends where it does not go on, and after
``E-kind``. So it is with BIO tags of either form (``B-`` at each span, or only where one follows another of its kind),
and with BIOES, where a span of one word is ``S-kind``; seqeval reads them alike. BILOU and BMES say the same by other
letters. Plain tags make a span of each run of the same tag, and ``O`` is none.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from nbtrain.engine.tasks import IGNORED

#: The tag of a word that is in no span.
OUTSIDE = "O"
#: What tags begin with: of the first word of a span, of one within it, of the last, and of one that is all of it.
_FIRST, _WITHIN, _LAST, _WHOLE = {"B"}, {"I", "M"}, {"E", "L"}, {"S", "U"}
_PLACES = _FIRST | _WITHIN | _LAST | _WHOLE
#: The kind of spans whose tags name none.
_NAMELESS = "_"


def spans(tags: Sequence[str]) -> Iterator[tuple[str, int, int]]:
    """Kind, first and last place of every span, in order."""
    codes = Scheme(tuple(dict.fromkeys([OUTSIDE, *tags])))
    numbers = np.array([codes.places[tag] for tag in tags], np.int64)
    begins, kinds, ends = codes.found(numbers, np.zeros(len(numbers), np.int64))
    yield from ((codes.names[kind], int(first), int(last)) for kind, first, last in zip(
        kinds, begins, ends, strict=True))


class Scheme:
    """What tags mean: the place of a word in its span, where all but `OUTSIDE` begin with one, else plain ones.

    Args:
        tags: in the order of their numbers.
    """

    def __init__(self, tags: Sequence[str]) -> None:
        self.places = {tag: number for number, tag in enumerate(tags)}
        self.placed = _are_places(set(tags) - {OUTSIDE})
        kinds = [tag if tag == OUTSIDE or not self.placed else tag[2:] or _NAMELESS for tag in tags]
        self.names = list(dict.fromkeys([OUTSIDE, *kinds]))
        self._kind = np.array([self.names.index(kind) for kind in kinds], np.int64)
        self._begins = np.array([self.placed and tag[:1] in _FIRST | _WHOLE for tag in tags], bool)
        self._ends = np.array([self.placed and tag[:1] in _LAST | _WHOLE for tag in tags], bool)

    def found(
        self, tags: npt.NDArray[np.int64], texts: npt.NDArray[np.int64],
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """First places, kinds and last places of the spans.

        Args:
            tags: of words, one text after the other.
            texts: which text each word is of; no span reaches from one into the next.
        """
        kinds = self._kind[tags]
        inside = kinds != 0
        new = np.ones(len(tags), bool)
        new[1:] = (kinds[1:] != kinds[:-1]) | (texts[1:] != texts[:-1])
        new[1:] |= self._begins[tags[1:]] | self._ends[tags[:-1]]
        begins = np.flatnonzero(inside & new)
        last = np.ones(len(tags), bool)
        last[:-1] = new[1:]
        return begins, kinds[begins], np.flatnonzero(inside & last)


def _are_places(tags: set[str]) -> bool:
    """Whether tags are places with kinds behind them (``B-PER``), or places alone, a first one among them."""
    if tags and all(len(tag) > 2 and tag[0] in _PLACES and tag[1] == "-" for tag in tags):
        return True
    return tags <= _PLACES and bool(tags & _FIRST)


class SpanF1:
    """The F1 of spans, fed batch by batch with logits (rows, tokens, tags) and tags (rows, tokens).

    Tokens of `IGNORED` are no words. Args: `tags`, in the order of their numbers.
    """

    __name__ = "span_f1"
    higher_is_better = True

    def __init__(self, tags: Sequence[str]) -> None:
        self._scheme = Scheme(tags)
        self.reset()

    def __call__(self, output: Any, target: Any) -> float:
        """Of one batch."""
        fresh = SpanF1(list(self._scheme.places))
        fresh.update(output, target)
        return fresh.compute()

    def update(self, output: Tensor, target: Tensor) -> None:
        """Take in one batch."""
        words = target != IGNORED
        texts = torch.arange(len(target), device=target.device)[:, None].expand_as(target)[words].cpu().numpy()
        there = self._keys(target[words].cpu().numpy(), texts)
        found = self._keys(output.argmax(-1)[words].cpu().numpy(), texts)
        self._right += len(np.intersect1d(there, found, assume_unique=True))
        self._there += len(there)
        self._found += len(found)

    def compute(self) -> float:
        """Between 0 and 1; 0 where there is no span, neither predicted nor in truth."""
        whole = self._there + self._found
        return 2 * self._right / whole if whole else 0.0

    def reset(self) -> None:
        """Begin anew."""
        self._right = self._there = self._found = 0

    def _keys(self, tags: npt.NDArray[np.int64], texts: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """One number for each span, the same for the same kind, first and last word."""
        begins, kinds, ends = self._scheme.found(tags, texts)
        return np.asarray((begins * (len(tags) + 1) + ends) * len(self._scheme.names) + kinds)
