"""Texts that a language model was to foresee: which surprised it most."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from nbtrain.core.outcomes import Worst
from nbtrain.engine.batch import Batch
from nbtrain.engine.tasks import IGNORED
from nbtrain.recipes.judging.showing import Show
from nbtrain.recipes.judging.verdict import Verdict, highest

#: −log p of a token at the most, where e to its power is still a number.
_MOST = 700.0


class Foreseen:
    """A judge of texts by their perplexity: e to the mean of −log p of each token that was to be foreseen.

    Args:
        lengths: tokens of each text, int64. Texts follow one another in the rows, several of them in one, or one cut in
            two; a token counts for the text that it is of.
        sizes: tokens of each row, int64.
        show: what is to be seen of a text.
    """

    def __init__(self, lengths: npt.NDArray[np.int64], sizes: npt.NDArray[np.int64], show: Show) -> None:
        self._show = show
        self._text = torch.from_numpy(np.repeat(np.arange(len(lengths)), lengths))
        self._starts = torch.from_numpy(np.cumsum(sizes) - sizes)
        self._sums = torch.zeros(len(lengths), dtype=torch.float64)
        self._tokens = torch.zeros(len(lengths), dtype=torch.int64)
        self._rows = 0

    def see(self, model: nn.Module, batch: Batch, output: Any) -> None:  # noqa: ARG002 - as of any judge
        """Keeps two numbers a text; logits (rows, tokens, vocabulary) go with the batch."""
        target = batch.target
        counted = target != IGNORED
        losses = torch.stack([_surprise(one, true) for one, true in zip(output, target, strict=True)])
        row, place = counted.cpu().nonzero(as_tuple=True)
        # What stands at a place foresees the next token.
        texts = self._text[self._starts[self._rows:self._rows + len(target)][row] + place + 1]
        self._sums.index_add_(0, texts, losses[counted].cpu().double())
        self._tokens.index_add_(0, texts, torch.ones_like(texts))
        self._rows += len(target)

    def verdict(self, worst: int) -> Verdict:
        """See `Judge.verdict`; rows are texts."""
        tokens = self._tokens.numpy()
        means = np.divide(self._sums.numpy(), tokens, out=np.zeros(len(tokens)), where=tokens > 0)
        perplexities = np.exp(np.minimum(means, _MOST))
        places = highest(np.where(tokens > 0, means, -1.0), worst)
        found = tuple(
            Worst(row=shown.row, truth="", predicted="", measure=float(perplexities[place]), text=shown.text,
                  cells=shown.cells)
            for place, shown in zip(places, self._show(places), strict=True))
        whole = float(self._sums.sum()) / max(1, int(self._tokens.sum()))
        return Verdict(
            rows=len(tokens), measure="perplexity", worst=found,
            figures={"perplexity": math.exp(min(whole, _MOST))}, predictions={
                "row": self._show.numbers(len(tokens)), "tokens": tokens, "loss": means, "perplexity": perplexities})


def _surprise(output: Tensor, target: Tensor) -> Tensor:
    """−log p of each token of one row; row by row, since in floats the logits of a batch are many."""
    return functional.cross_entropy(output.float(), target, ignore_index=IGNORED, reduction="none")
