"""A few steps of a training that nobody keeps, to say beforehand how long it takes and how much memory."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from nbtrain.config import TrainConfig
from nbtrain.engine import optimizers
from nbtrain.engine.batch import Batch
from nbtrain.engine.job import Job
from nbtrain.engine.precision import Precision
from nbtrain.engine.randomness import Turn

#: Micro-batches that are tried at most, and seconds after which no other is begun. The first does not count: it loads
#: kernels and asks for memory.
TRIED, SECONDS = 9, 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """What a few steps told."""

    steps: int | None
    """Of the whole training, to the last epoch; None where the data has no length."""
    seconds: float | None
    """To the last epoch, validation and all; likewise."""
    memory: int
    """Bytes of weights, gradients, the optimizer's numbers, and what the backward pass needs of a batch."""


@dataclass(slots=True)
class _Held:
    """What autograd keeps for the backward pass, each piece of memory once."""

    own: set[int]
    """Storages that are there anyway: the model's."""
    bytes: int = 0
    seen: set[int] = field(default_factory=set)

    def pack(self, tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in self.own | self.seen:
            self.seen.add(storage.data_ptr())
            self.bytes += storage.nbytes()
        return tensor


def rehearse(job: Job, config: TrainConfig, check: Callable[[], None] = lambda: None) -> Rehearsal:
    """Try some batches of a job whose model may be spoilt: its weights move.

    Args:
        job: prepared; left open.
        config: of the training.
        check: called between two batches; may raise, to end it.
    """
    model, length = job.model, job.train.length
    optimizer = optimizers.build(config.optimization, model, job.given.rates)
    precision = Precision(config.precision, job.device)
    held = _Held({p.untyped_storage().data_ptr() for p in (*model.parameters(), *model.buffers())})

    def learn(batch: Batch, *, measured: bool) -> None:
        with precision.autocast(), _measured(held, on=measured):
            loss = job.objective(model, batch).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    def judge(batch: Batch) -> None:
        with torch.no_grad(), precision.autocast():
            job.objective(model, batch)

    turn = Turn(config["seed"], job.device)
    with _mode(model, training=True):
        batches = job.train.epoch(0)
        with turn.at("trial"):
            learn(next(batches), measured=True)
        memory = _memory(model, optimizer) + held.bytes
        step = _pace(batches, lambda batch: learn(batch, measured=False), turn, job.device, check)
    if length is None:
        return Rehearsal(steps=None, seconds=None, memory=memory)
    checking = 0.0
    if job.validation is not None and job.validation.length:
        with _mode(model, training=False):
            checking = job.validation.length * _pace(job.validation.epoch(0), judge, turn, job.device, check)
    epochs = config["epochs"]
    updates = math.ceil(length / config["gradient_accumulation_steps"]) * epochs
    return Rehearsal(steps=updates, seconds=epochs * (length * step + checking), memory=memory)


def _pace(
    batches: Iterator[Batch], work: Callable[[Batch], None], turn: Turn, device: torch.device,
    check: Callable[[], None],
) -> float:
    """Seconds of a batch, loading it included; 0 where there is none. Between two of them others have their turn."""
    began, count = time.perf_counter(), 0
    while count < TRIED and time.perf_counter() - began < SECONDS:
        check()
        with turn.at("trial", count):
            batch = next(batches, None)
            if batch is None:
                break
            work(batch)
        count += 1
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return (time.perf_counter() - began) / count if count else 0.0


def _memory(model: nn.Module, optimizer: torch.optim.Optimizer) -> int:
    """Bytes of weights, gradients, and the numbers an optimizer keeps after its first step."""
    weights = sum(_size(tensor) for tensor in (*model.parameters(), *model.buffers()))
    gradients = sum(_size(parameter) for parameter in model.parameters() if parameter.requires_grad)
    kept = sum(
        _size(value) for state in optimizer.state.values() for value in state.values() if isinstance(value, Tensor))
    return weights + gradients + kept


def _size(tensor: Tensor) -> int:
    return tensor.numel() * tensor.element_size()


@contextmanager
def _measured(held: _Held, *, on: bool) -> Iterator[None]:
    if not on:
        yield
        return
    with torch.autograd.graph.saved_tensors_hooks(held.pack, lambda tensor: tensor):
        yield


@contextmanager
def _mode(model: nn.Module, *, training: bool) -> Iterator[None]:
    before = model.training
    model.train(training)
    try:
        yield
    finally:
        model.train(before)
