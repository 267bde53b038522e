"""What is trained, and the plain loops every trainer is held against."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

RATE, CLIP = 1e-3, 1.0


@dataclass(frozen=True, slots=True)
class Work:
    """A training: AdamW, gradients clipped, a cosine schedule."""

    make: Callable[[], nn.Module]
    inputs: Tensor
    labels: Tensor
    epochs: int
    batch_size: int

    @property
    def steps(self) -> int:
        return self.epochs * -(-len(self.inputs) // self.batch_size)

    def loader(self) -> DataLoader[tuple[Tensor, ...]]:
        return DataLoader(TensorDataset(self.inputs, self.labels), batch_size=self.batch_size, shuffle=True)


def small() -> Work:
    """Steps of half a millisecond: what a trainer adds to each shows.

    Enough of them that opening a panel, which happens once, is not taken for a part of each.
    """
    return Work(lambda: _net(128, 64), *_digits(), epochs=90, batch_size=32)


def large() -> Work:
    """Steps of some 25 ms: what a trainer adds to each should not show."""
    return Work(lambda: _net(1024, 1024), *_digits(), epochs=8, batch_size=256)


def _net(first: int, second: int) -> nn.Module:
    return nn.Sequential(nn.Linear(64, first), nn.ReLU(), nn.Linear(first, second), nn.ReLU(), nn.Linear(second, 10))


def _digits() -> tuple[Tensor, Tensor]:
    data = load_digits()
    return torch.tensor(data.data / 16.0, dtype=torch.float32), torch.tensor(data.target, dtype=torch.int64)


def bare(work: Work) -> float:
    """What a tutorial shows: DataLoader, AdamW, clip_grad_norm_, CosineAnnealingLR. Seconds a step."""
    model = work.make()
    loader = work.loader()
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, work.steps)
    began = time.perf_counter()
    for _ in range(work.epochs):
        for inputs, labels in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(inputs), labels)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), CLIP)
            optimizer.step()
            scheduler.step()
    return (time.perf_counter() - began) / work.steps


def limit(work: Work) -> float:
    """As fast as plain torch goes: tensor indexing, fused AdamW, the learning rate set by hand. Seconds a step."""
    model = work.make()
    parameters = list(model.parameters())
    optimizer = torch.optim.AdamW(parameters, lr=RATE, fused=True)
    began, step = time.perf_counter(), 0
    for _ in range(work.epochs):
        for chosen in torch.randperm(len(work.inputs)).split(work.batch_size):
            optimizer.param_groups[0]["lr"] = RATE * 0.5 * (1 + math.cos(math.pi * step / work.steps))
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(work.inputs[chosen]), work.labels[chosen])
            loss.backward()
            nn.utils.clip_grad_norm_(parameters, CLIP)
            optimizer.step()
            step += 1
    return (time.perf_counter() - began) / work.steps
