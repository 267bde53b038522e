"""An exponential moving average of the weights (Polyak averaging), kept beside the model."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

from nbtrain.core.errors import ModelError


class Ema:
    """After n updates the average moves by 1 − d towards the model, d = min(decay, (1 + n) / (10 + n)).

    The bound on d (as in TensorFlow's ExponentialMovingAverage) lets a short run forget its random start: with
    a decay of 0.999 alone, three quarters of the average after 300 updates would still be the initial weights.
    Buffers (running statistics) are copied: they are averages already, or counters.

    Args:
        model: whose weights are averaged; a copy of it is made on its device.
        decay: 0 follows the model at once; may be set at any time.

    Raises:
        ModelError: the model cannot be copied.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self._updates = 0
        try:
            self.model = copy.deepcopy(model)
        except Exception as error:
            raise ModelError(
                f"use_ema keeps a second copy of the weights, but {type(model).__name__} cannot be copied "
                f"({type(error).__name__}: {error}); leave use_ema off.") from error

    @torch.no_grad()
    def update(self, model: nn.Module) -> None:
        """Let the average follow the model's present weights."""
        self._updates += 1
        decay = min(self.decay, (1 + self._updates) / (10 + self._updates))
        get_ema_multi_avg_fn(decay)(list(self.model.parameters()), list(model.parameters()), None)
        self.follow_buffers(model)

    @torch.no_grad()
    def follow_buffers(self, model: nn.Module) -> None:
        """Take over the model's present buffers."""
        for mine, theirs in zip(self.model.buffers(), model.buffers(), strict=True):
            mine.copy_(theirs)

    @contextmanager
    def swapped_in(self, model: nn.Module) -> Iterator[None]:
        """Within, `model` has the averaged weights, and `self.model` the model's own. Nothing is copied."""
        self.swap(model)
        try:
            yield
        finally:
            self.swap(model)

    def swap(self, model: nn.Module) -> None:
        """Exchange the averaged weights and the model's own; a second time brings everything back."""
        for mine, theirs in zip(self.model.parameters(), model.parameters(), strict=True):
            mine.data, theirs.data = theirs.data, mine.data

    @torch.no_grad()
    def copy_to(self, model: nn.Module) -> None:
        """Give the model the averaged weights for good."""
        for mine, theirs in zip(self.model.parameters(), model.parameters(), strict=True):
            theirs.copy_(mine)

    def state_dict(self) -> dict[str, Tensor]:
        """Tensors only: the averaged model's, and ``updates`` (int64, 0-d)."""
        tensors = {f"model.{name}": tensor for name, tensor in self.model.state_dict().items()}
        return {**tensors, "updates": torch.tensor(self._updates)}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        self._updates = int(state["updates"])
        self.model.load_state_dict({name.removeprefix("model."): t for name, t in state.items() if name != "updates"})
