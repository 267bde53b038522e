"""Modules for TorchScript: what people script, and what reaches for a file from wherever code can hide."""

from __future__ import annotations

import warnings

import torch
from torch import Tensor, nn


class Helper:
    def __init__(self, factor: int) -> None:
        self.factor = factor

    def go(self, x: Tensor) -> Tensor:
        return x * self.factor


with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # torch would rather have torch.export
    torch.jit.script(Helper)


def free(x: Tensor) -> Tensor:
    return torch.relu(Helper(3).go(x))


class Inner(nn.Module):
    """It has a state of its own, and what nothing calls."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.ones(4)

    @torch.jit.export
    def __getstate__(self) -> tuple[Tensor, bool]:
        return self.weight, self.training

    @torch.jit.export
    def __setstate__(self, state: tuple[Tensor, bool]) -> None:
        self.weight = state[0].detach()
        self.training = state[1]

    @torch.jit.export
    def uncalled(self, x: Tensor) -> Tensor:
        return torch.tan(x)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cosh(x * self.weight)


class Rich(nn.Module):
    """Layers, branches, loops, texts, a class, a function in the background."""

    def __init__(self) -> None:
        super().__init__()
        self.inner, self.lstm, self.last = Inner(), nn.LSTM(4, 4, batch_first=True), nn.Linear(4, 2)
        self.names = {"a": 1, "b": 2}

    def forward(self, x: Tensor) -> Tensor:
        waiting = torch.jit.fork(free, x)
        found, _ = self.lstm(self.inner(x).unsqueeze(1))
        total = torch.einsum("bti,bti->bi", [found, found])
        for name, number in self.names.items():
            if name.startswith("a"):
                total = total + number
        sized = nn.functional.interpolate(total[:, None], scale_factor=2.0)[:, 0, ::2]
        last: Tensor = self.last(sized + torch.jit.wait(waiting))
        return last
