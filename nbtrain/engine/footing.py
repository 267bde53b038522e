"""How far a run has come, and where its last steps set out from, so that a step can be taken back."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(slots=True)
class Position:
    """How far a run has come. Everything here is saved and restored."""

    step: int = 0
    """Optimizer updates done."""
    epoch: int = 0
    """Epochs completed."""
    batch: int = 0
    """Micro-batches of the current epoch already trained on."""
    samples: int = 0
    seconds: float = 0.0
    """Time spent training, pauses left out."""
    loss_sum: float = 0.0
    loss_count: int = 0
    """With `loss_sum`: the mean loss of the current epoch so far."""


class Footing:
    """What a step changes before its loss is known, as it was before each of the last two steps.

    That is the position, and the buffers: running means and the like, which a forward pass moves. Two steps, because on
    a GPU the figures of a step are looked at only after the forward pass of the next one.
    """

    def __init__(self, model: nn.Module) -> None:
        kinds: dict[torch.dtype, list[Tensor]] = {}
        for buffer in model.buffers():
            kinds.setdefault(buffer.dtype, []).append(buffer)
        self._buffers = list(kinds.values())  # by type: only then is it one copy on the device
        self._latest, self._earlier = self._copy(), self._copy()
        self._latest_at = self._earlier_at = (0, 0, 0)

    def remember(self, at: Position) -> None:
        """A step sets out from here."""
        self._earlier_at, self._latest_at = self._latest_at, (at.step, at.batch, at.samples)
        if self._buffers:
            self._earlier, self._latest = self._latest, self._earlier
            _copy(self._buffers, self._latest)

    def back_to(self, step: int, at: Position) -> None:
        """Put buffers and position back to where update `step` had left them; it is one of the last two."""
        at.step, at.batch, at.samples, copies = next(
            (*place, copies) for place, copies in ((self._latest_at, self._latest), (self._earlier_at, self._earlier))
            if place[0] == step)
        _copy(copies, self._buffers)

    def _copy(self) -> list[list[Tensor]]:
        return [[buffer.detach().clone() for buffer in kind] for kind in self._buffers]


@torch.no_grad()
def _copy(source: list[list[Tensor]], target: list[list[Tensor]]) -> None:
    for theirs, mine in zip(source, target, strict=True):
        torch._foreach_copy_(mine, theirs)
