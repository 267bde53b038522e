"""Spoken sentences: how far each spectrogram is from its recording's, and the sentences that were said worst."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import nn

from nbtrain.core.outcomes import Worst
from nbtrain.engine.batch import Batch
from nbtrain.recipes.judging.showing import brief
from nbtrain.recipes.judging.verdict import MOST_WORST, Verdict
from nbtrain.recipes.utterance import compared_png

#: Characters of a sentence that are shown.
_TEXT = 500


class Spoken:
    """A judge of sentences; the measure of one is the mean |difference| of log-mel magnitudes (nats) over its frames.

    The model is told the recording's frames before each, as while it learns.

    Args:
        said: number and text of each row.
        mean: of each band, which spectrograms were brought to 0 by; as `deviation`.
        deviation: of each band.
    """

    def __init__(
        self, said: Sequence[tuple[int, str]], mean: npt.NDArray[np.float32], deviation: npt.NDArray[np.float32],
    ) -> None:
        self._said, self._mean, self._deviation = said, mean, deviation
        self._apart: list[float] = []
        self._kept: list[tuple[float, int, Any, Any]] = []
        """The worst so far, the least bad first: measure, −place, and both spectrograms."""

    def see(self, model: nn.Module, batch: Batch, output: Any) -> None:  # noqa: ARG002 - a speech step gives none
        """Calls the model once more, and keeps the spectrograms of the worst."""
        mels = model(**batch.inputs).mel.float().cpu().numpy()
        truth, frames = batch.target.float().cpu().numpy(), batch.inputs["frames"].tolist()
        for mel, true, count in zip(mels, truth, frames, strict=True):
            length = min(count, len(mel), len(true))
            apart = float(np.abs((mel[:length] - true[:length]) * self._deviation).mean()) if length else 0.0
            entry = (apart, -len(self._apart), true[:length], mel[:length])
            self._apart.append(apart)
            if len(self._kept) < MOST_WORST:
                heapq.heappush(self._kept, entry)
            elif entry[:2] > self._kept[0][:2]:
                heapq.heapreplace(self._kept, entry)

    def verdict(self, worst: int) -> Verdict:
        """See `Judge.verdict`."""
        chosen = sorted(self._kept, key=lambda entry: entry[:2], reverse=True)[:worst]
        found = []
        for apart, place, true, mel in chosen:
            row, text = self._said[-place]
            found.append(Worst(
                row=row, truth="", predicted="", measure=apart, text=brief(text, _TEXT),
                image=compared_png(self._own(true), self._own(mel)), mime="image/png"))
        rows = [row for row, _ in self._said[:len(self._apart)]]
        return Verdict(
            rows=len(self._apart), measure="nats", worst=tuple(found), predictions={
                "row": rows, "text": [text for _, text in self._said[:len(rows)]], "difference": self._apart})

    def _own(self, mel: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        return np.asarray(mel * self._deviation + self._mean, np.float32)
