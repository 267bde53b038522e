"""Tags of words: which spans of which kind were found, and which tag was taken for which."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import nn
from torch.nn import functional

from nbtrain.core.outcomes import Group, Worst
from nbtrain.engine.batch import Batch
from nbtrain.engine.tasks import IGNORED
from nbtrain.recipes.judging.classes import figures_of, pairs_of, scores
from nbtrain.recipes.judging.showing import Places, Show, brief
from nbtrain.recipes.judging.verdict import Verdict, highest
from nbtrain.recipes.spans import Scheme

#: Words that are shown with the tag they have and the one they were given, of a sentence; characters of all its spans.
_WRONG, _LONG = 12, 300
#: The words of each of some sentences that have a tag, as far as they were not cut off.
Words = Callable[[Sequence[int]], list[list[str]]]


class Tags:
    """A judge of a tag for each word; the measure of a sentence is −ln p of its tags, the mean over its words.

    Args:
        names: of the tags.
        words: of sentences by their places; None where nobody has them any more.
        show: what is to be seen of a sentence beside its words.
    """

    def __init__(self, names: Sequence[str], words: Words | None = None, show: Show | None = None) -> None:
        self._names, self._words, self._show = list(names), words, show or Places()
        self._truth: list[npt.NDArray[np.int64]] = []
        self._said: list[npt.NDArray[np.int64]] = []
        self._losses: list[float] = []

    def see(self, model: nn.Module, batch: Batch, output: Any) -> None:  # noqa: ARG002 - as of any judge
        """Keeps two numbers a word."""
        for logits, target in zip(output, batch.target, strict=True):
            words = target != IGNORED
            true, found = target[words], logits[words].float()
            self._truth.append(true.cpu().numpy())
            self._said.append(found.argmax(-1).cpu().numpy())
            self._losses.append(float(functional.cross_entropy(found, true)) if len(true) else 0.0)

    def verdict(self, worst: int) -> Verdict:
        """See `Judge.verdict`; rows are sentences."""
        truth, said = (np.concatenate(each) if each else np.zeros(0, np.int64) for each in (self._truth, self._said))
        count = len(self._names)
        counts = np.bincount(truth * count + said, minlength=count**2).reshape(count, count)
        return Verdict(
            rows=len(self._losses), classes=tuple(self._names), confusion=pairs_of(counts),
            groups=self._groups(truth, said), figures=figures_of(counts), worst=self._worst(worst), predictions={
                "row": self._show.numbers(len(self._losses)),
                "truth": [self._tags(each) for each in self._truth],
                "predicted": [self._tags(each) for each in self._said], "loss": np.array(self._losses)})

    def _groups(self, truth: npt.NDArray[np.int64], said: npt.NDArray[np.int64]) -> tuple[Group, ...]:
        """Of each kind of span: how many there are, and precision, recall and F1 of those found whole."""
        scheme = Scheme(self._names)
        texts = np.repeat(np.arange(len(self._truth)), [len(each) for each in self._truth])
        there, found = (set(zip(*map(np.ndarray.tolist, scheme.found(each, texts)), strict=True))
                        for each in (truth, said))
        groups = []
        for kind, name in enumerate(scheme.names):
            of_truth, of_said = ({span for span in spans if span[1] == kind} for spans in (there, found))
            if of_truth or of_said:
                groups.append(Group(
                    name=name, rows=len(of_truth),
                    figures=scores(len(of_truth & of_said), len(of_said), len(of_truth))))
        return tuple(groups)

    def _worst(self, count: int) -> tuple[Worst, ...]:
        places = highest(np.array(self._losses), count)
        words = self._words(places) if self._words is not None else [[] for _ in places]
        found = []
        for place, shown, whole in zip(places, self._show(places), words, strict=True):
            truth, said = self._truth[place], self._said[place]
            text = whole[:len(truth)]
            wrong = [number for number in np.flatnonzero(truth != said).tolist() if number < len(text)]
            cells = tuple(
                (text[number], f"{self._names[truth[number]]} → {self._names[said[number]]}")
                for number in wrong[:_WRONG])
            found.append(Worst(
                row=shown.row, truth=self._spans(truth, text), predicted=self._spans(said, text),
                measure=self._losses[place], text=" ".join(text), cells=(*cells, *shown.cells)))
        return tuple(found)

    def _spans(self, tags: npt.NDArray[np.int64], words: Sequence[str]) -> str:
        """``PER: Ali Reza · LOC: Tehran``."""
        scheme = Scheme(self._names)
        if not words:
            return brief(" ".join(self._tags(tags)), _LONG)
        begins, kinds, ends = scheme.found(tags, np.zeros(len(tags), np.int64))
        spans = [f"{scheme.names[kind]}: {' '.join(words[first:last + 1])}"
                 for first, kind, last in zip(begins.tolist(), kinds.tolist(), ends.tolist(), strict=True)]
        return brief(" · ".join(spans), _LONG)

    def _tags(self, numbers: npt.NDArray[np.int64]) -> list[str]:
        return [self._names[number] for number in numbers]
