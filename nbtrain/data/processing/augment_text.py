"""Augmentation of text: words masked, swapped with their neighbour, left out."""

from __future__ import annotations

import itertools
import re
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa

from nbtrain.data.columns import Kind
from nbtrain.data.processing.arrow import TEXTS
from nbtrain.data.processing.step import Group, Step, option


class Augmentation(Step):
    """A step that changes samples of the training part while training, and the table not at all."""

    group: ClassVar[Group] = "augmentation"
    augments: ClassVar[bool] = True

    def apply(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The batch as it is."""
        return batch


class AugmentText(Augmentation):
    """Words of a text, masked, swapped and left out by chance (Wei and Zou 2019, “EDA”).

    At least one word stays. What is between the words stays as it is.
    """

    name: ClassVar[str] = "augment_text"
    kinds: ClassVar[frozenset[Kind]] = TEXTS
    mask: float = option(0.1, ge=0.0, le=1.0)
    """The share of words that become the mask."""
    mask_token: str = option("[MASK]", longest=100)
    swap: float = option(0.0, ge=0.0, le=1.0)
    """The share of words that change places with the next."""
    delete: float = option(0.0, ge=0.0, le=1.0)
    """The share of words that are left out."""

    def augment(self, sample: dict[str, Any], rng: np.random.Generator) -> dict[str, Any]:
        changed = dict(sample)
        for name in self.columns:
            if isinstance(text := sample.get(name), str):
                changed[name] = self._changed(text, rng)
        return changed

    def _changed(self, text: str, rng: np.random.Generator) -> str:
        pieces = re.split(r"(\s+)", text)
        spots = [place for place, piece in enumerate(pieces) if piece and not piece.isspace()]
        if not spots:
            return text
        chances = rng.random((3, len(spots)))
        for number, (here, following) in enumerate(itertools.pairwise(spots)):
            if chances[0, number] < self.swap:
                pieces[here], pieces[following] = pieces[following], pieces[here]
        masked = chances[1] < self.mask
        gone = chances[2] < self.delete
        gone[chances[2].argmax()] = False
        for number, place in enumerate(spots):
            if gone[number]:
                pieces[place] = ""
                pieces[place - 1 if place > 0 else place + 1] = ""  # the space before goes with the word
            elif masked[number]:
                pieces[place] = self.mask_token
        return "".join(pieces)
