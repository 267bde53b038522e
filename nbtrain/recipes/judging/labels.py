"""Several labels a row, each there or not: figures of each, and the rows whose labels were missed most."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from nbtrain.core.outcomes import Group, Worst
from nbtrain.engine.batch import Batch
from nbtrain.recipes.judging.classes import scores
from nbtrain.recipes.judging.showing import Places, Show, brief
from nbtrain.recipes.judging.verdict import Verdict, highest

#: Labels of which each has its figures, and characters of those of a row.
MOST_LABELS, _LONG = 1000, 300

Flags = npt.NDArray[np.bool_]


class Labels:
    """A judge of logits and of targets 0 or 1, both (rows, labels); from a probability of one half on a label is there.

    The measure of a row is its binary cross-entropy, the mean over the labels.

    Args:
        show: what is to be seen of a row.
    """

    def __init__(self, show: Show | None = None) -> None:
        self._show = show or Places()
        self._truth: list[Tensor] = []
        self._said: list[Tensor] = []
        self._losses: list[Tensor] = []

    def see(self, model: nn.Module, batch: Batch, output: Any) -> None:  # noqa: ARG002 - as of any judge
        """Keeps a bit a label."""
        logits, truth = (each.cpu().double().reshape(len(output), -1) for each in (output, batch.target))
        self._losses.append(functional.binary_cross_entropy_with_logits(logits, truth, reduction="none").mean(1))
        self._truth.append(truth > 0.5)
        self._said.append(logits >= 0)

    def verdict(self, worst: int) -> Verdict:
        """See `Judge.verdict`."""
        truth, said = (torch.cat(each).numpy() for each in (self._truth, self._said))
        losses = torch.cat(self._losses).numpy()
        groups = _groups(truth, said) if truth.shape[1] <= MOST_LABELS else ()
        places = highest(losses, worst)
        found = tuple(
            Worst(row=shown.row, truth=_named(truth[place]), predicted=_named(said[place]), text=shown.text,
                  measure=float(losses[place]), cells=shown.cells, image=shown.image, mime=shown.mime)
            for place, shown in zip(places, self._show(places), strict=True))
        each = [group.figures["f1"] for group in groups]
        return Verdict(
            rows=len(losses), groups=groups, worst=found,
            figures={"macro_f1": float(np.mean(each))} if each else {}, predictions={
                "row": self._show.numbers(len(losses)), "truth": _numbers(truth), "predicted": _numbers(said),
                "loss": losses})


def _groups(truth: Flags, said: Flags) -> tuple[Group, ...]:
    right, found, there = (truth & said).sum(0), said.sum(0), truth.sum(0)
    return tuple(
        Group(name=str(label), rows=int(there[label]), figures=scores(right[label], found[label], there[label]))
        for label in range(truth.shape[1]))


def _numbers(flags: Flags) -> list[list[int]]:
    """Of the labels of each row."""
    return [np.flatnonzero(row).tolist() for row in flags]


def _named(flags: Sequence[bool] | Flags) -> str:
    return brief(", ".join(map(str, np.flatnonzero(flags))), _LONG)
