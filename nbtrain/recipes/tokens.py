"""Texts as tokens: one long line of numbers, and where each text begins in it; a batch is padded to its own longest."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from nbtrain.engine.tasks import IGNORED

IDS, MASK = "input_ids", "attention_mask"


class TokenRows:
    """Tokens of texts of any length, as `nbtrain.engine.rows.Rows`.

    Args:
        ids: the tokens of all texts, one after the other, int32.
        lengths: of each text, int64 (rows,); at least 1 each.
        pad: the token that fills up on the right.
        labels: a class a row, int64 (rows,); None where there is none.
        each: a class a token, int64, as long as `ids`, with `IGNORED` where none counts.
        classes: names of the classes.
        mask: whether the model is told where a token is: ``always``, ``padded`` in batches that are padded, ``never``.
        extra: what the model is called with besides.
        bucketed: whether texts of like lengths come together.
    """

    def __init__(
        self, ids: npt.NDArray[np.int32], lengths: npt.NDArray[np.int64], *, pad: int,
        labels: npt.NDArray[np.int64] | None = None, each: npt.NDArray[np.int64] | None = None,
        classes: Sequence[str] | None = None, mask: str = "always", extra: Mapping[str, Any] | None = None,
        bucketed: bool = True,
    ) -> None:
        self._ids = torch.from_numpy(ids)
        self._sizes = torch.from_numpy(lengths)
        self._starts = self._sizes.cumsum(0) - self._sizes
        self._pad, self._mask, self._extra = pad, mask, dict(extra or {})
        self.classes = None if classes is None else list(classes)
        self.lengths: Tensor | None = self._sizes
        self.bucketed = bucketed
        self._each = None if each is None else torch.from_numpy(each)
        self.targets: Tensor | None = None if labels is None else torch.from_numpy(labels)

    def __len__(self) -> int:
        return len(self._sizes)

    @property
    def sizes(self) -> npt.NDArray[np.int64]:
        """Tokens of each text, (rows,)."""
        return self._sizes.numpy()

    @property
    def tokens(self) -> int:
        """Of all texts."""
        return len(self._ids)

    @property
    def longest(self) -> int:
        """Tokens of the longest text."""
        return int(self._sizes.max())

    def take(self, rows: Tensor, seed: int | None) -> tuple[dict[str, Any], Tensor | None]:
        """These texts, padded on the right to the longest of them.

        Tokens and mask are (m, longest), classes (m,) or (m, longest).
        """
        del seed  # nothing is changed by chance
        sizes = self._sizes[rows]
        width = int(sizes.max())
        places = torch.arange(width)
        there = places < sizes[:, None]
        # Beyond its own tokens a row would read those of the next, and the last row beyond the end.
        at = (self._starts[rows][:, None] + places).masked_fill_(~there, 0)
        inputs: dict[str, Any] = {IDS: self._ids[at].long().masked_fill_(~there, self._pad)}
        if self._mask == "always" or (self._mask == "padded" and int(sizes.min()) < width):
            inputs[MASK] = there.long()
        if self._each is not None:
            return {**inputs, **self._extra}, self._each[at].masked_fill_(~there, IGNORED)
        return {**inputs, **self._extra}, None if self.targets is None else self.targets[rows]

    def fingerprint(self) -> str:
        """Of every token, length and label."""
        digest = hashlib.blake2b(repr((self.classes, self._pad)).encode(), digest_size=16)
        for part in (self._ids, self._sizes, self._each, self.targets):
            if part is not None:
                digest.update(part.numpy().data)
        return f"blake2b:{digest.hexdigest()}"
