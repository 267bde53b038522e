"""A process that makes a share of each gradient, and what it has in common with the one that leads; see `crew`."""

from __future__ import annotations

import contextlib
import math
import os
import pickle
import signal
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from itertools import pairwise
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import cloudpickle
import torch
import torch.distributed as dist
from torch import Tensor, nn

from nbtrain.config import PrecisionConfig
from nbtrain.engine import nest
from nbtrain.engine.batch import Batch
from nbtrain.engine.forward import add_noise
from nbtrain.engine.objective import Parts
from nbtrain.engine.precision import Precision
from nbtrain.engine.randomness import Turn

if TYPE_CHECKING:
    from nbtrain.engine.distillation import Distillation
    from nbtrain.engine.objective import Objective

#: Seconds that one step may take before a process counts as lost.
PATIENCE = 1800.0


class Work(NamedTuple):
    """What a follower holds."""

    model: nn.Module
    objective: Objective | Distillation
    precision: PrecisionConfig
    seed: int


class Task(NamedTuple):
    """What a follower is to do in a step; tensors of the shares follow."""

    step: int
    shares: list[tuple[Any, float]]
    """Of each micro-batch: its share, with `Slot` in the place of tensors, and its part of all rows of the step."""
    noise: float
    scale: float


class Slot(NamedTuple):
    """A tensor that is sent."""

    shape: tuple[int, ...]
    dtype: torch.dtype


def hand_over(work: Work, file: Path) -> None:
    """Write it down for followers, what a notebook defines too.

    A file, because memory that processes share is 64 MB in a container as Docker makes it. Raises what pickling does.
    """
    with file.open("wb") as opened:  # of a file that it opens itself torch does not say why it cannot be written
        torch.save(work, opened, pickle_module=cloudpickle)


def handed(file: Path, device: torch.device) -> Work:
    """What `hand_over` wrote, whatever was on a GPU on this one: model, teacher and losses meet on the device."""
    def place(storage: Any, location: str) -> Any:
        return storage if location == "cpu" or device.type == "cpu" else storage.to(device=device)

    work: Work = torch.load(file, place, pickle_module=pickle, weights_only=False)
    work.model.to(device).train()
    return work


def devices(leader: torch.device, size: int) -> list[torch.device]:
    """Of each process, the leader's first, which may be any of the GPUs."""
    if leader.type == "cpu":
        return [leader] * size
    first = leader.index or 0
    others = [number for number in range(size) if number != first]
    return [torch.device(leader.type, number) for number in [first, *others][:size]]


def follow(file: Path, pipe: Connection, store: Path, who: tuple[int, int, str]) -> None:
    """The life of a follower: until it is told to end, or who leads is gone.

    Args:
        file: that its `Work` is in.
        pipe: to who leads.
        store: a file by which the processes find each other.
        who: its place, how many they are, and its device.
    """
    place, size, name = who
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # an interrupt is for the kernel, whose process group this is
    try:
        device = torch.device(name)
        torch.set_num_threads(max(1, (os.cpu_count() or 1) // size))
        torch.set_flush_denormal(True)
        work = handed(file, device)
        pipe.send(("ready", None))
        group = process_group(store, place, size, device)
        precision, turn = Precision(work.precision, device), Turn(work.seed, device)
        while (task := _next(pipe)) is not None:
            _do(work, task, pipe, group, precision, turn.at(task.step, "follower", place), device)
    except BaseException as error:  # noqa: BLE001 - whatever it is, the leader is told, and this process ends
        with contextlib.suppress(OSError):
            pipe.send(("failed", f"{type(error).__name__}: {error}"))


def _next(pipe: Connection) -> Task | None:
    """What is to be done; None when that is nothing more, or who leads is gone."""
    try:
        task: Task | None = pipe.recv()
    except (EOFError, ConnectionError):
        return None
    return task


def _do(  # noqa: PLR0917 - all that a follower has
    work: Work, task: Task, pipe: Connection, group: Any, precision: Precision, turn: Turn, device: torch.device,
) -> None:
    """One step: weights come, shares are trained on, gradients go."""
    def received(slot: Slot) -> Tensor:
        tensor = torch.empty(slot.shape, dtype=slot.dtype, device=device)
        if tensor.numel():
            group.recv([as_bytes(tensor)], 0, 0).wait()
        return tensor

    shares = [(over(received, share), weight) for share, weight in task.shares]
    tensors = moving(work.model)
    for flat, mine in zip(flattened(tensors), _by_kind(tensors), strict=True):
        group.broadcast(flat, 0).wait()
        unflatten(flat.view(mine[0].dtype), mine)
    work.model.zero_grad(set_to_none=True)
    with turn:
        loss, parts = backward(work, shares, task.noise, task.scale, precision)
    pipe.send(("done", (loss.item(), parts.told(), untouched_of(work.model))))
    for kind in gradients(work.model):
        group.reduce(torch.cat([gradient.reshape(-1) for gradient in kind]), 0).wait()


# -- what both do -----------------------------------------------------------------------------------


def backward(
    work: Work, shares: Sequence[tuple[Batch, float]], noise: float, scale: float, precision: Precision,
) -> tuple[Tensor, Parts]:
    """Gradients of this process's rows, each counted as one of all; their share of the loss, and its parts."""
    total: Tensor | None = None
    sums = Parts()
    for batch, weight in shares:
        if not batch.size:
            continue
        given = batch._replace(inputs=add_noise(batch.inputs, noise)) if noise else batch
        with precision.autocast():
            loss, parts, _ = work.objective(work.model, given)
        (loss * (weight * scale)).backward()
        total = loss.detach() * weight if total is None else total + loss.detach() * weight
        sums.add(parts, batch.size)
    if total is None:
        total = torch.zeros((), device=next(work.model.parameters()).device)
    return total, sums


def cut(batch: Batch, size: int) -> list[Batch]:
    """A batch in `size` shares of its rows, as even as can be; what is not one entry a row goes to each."""
    edges = [math.ceil(batch.size * place / size) for place in range(size + 1)]

    def share(start: int, end: int) -> Batch:
        def pick(tensor: Tensor) -> Tensor:
            return tensor[start:end] if tensor.ndim and len(tensor) == batch.size else tensor

        inputs, target, beside = nest.over(pick, (batch.inputs, batch.target, batch.beside))
        return Batch(inputs, target, end - start, beside=beside)

    return [share(start, end) for start, end in pairwise(edges)]


def over(change: Callable[[Any], Any], batch: Batch) -> Batch:
    """A batch with its tensors, or the slots in their places, changed."""
    def each(value: Any) -> Any:
        if isinstance(value, Tensor | Slot):
            return change(value)
        if isinstance(value, tuple | list):
            return tuple(each(part) for part in value)
        if isinstance(value, dict):
            return {name: each(part) for name, part in value.items()}
        return value

    return Batch(each(batch.inputs), each(batch.target), batch.size, batch.tokens, each(batch.beside))


def moving(model: nn.Module) -> list[Tensor]:
    """What a step changes: weights that learn, and buffers."""
    return [*(p.detach() for p in model.parameters() if p.requires_grad), *model.buffers()]


def _by_kind(tensors: Sequence[Tensor]) -> list[list[Tensor]]:
    kinds: dict[torch.dtype, list[Tensor]] = {}
    for tensor in tensors:
        kinds.setdefault(tensor.dtype, []).append(tensor)
    return list(kinds.values())


def flattened(tensors: Sequence[Tensor]) -> Iterator[Tensor]:
    """One flat tensor of bytes for each type: one message in the place of hundreds."""
    for kind in _by_kind(tensors):
        yield as_bytes(torch.cat([tensor.reshape(-1) for tensor in kind]))


@torch.no_grad()
def unflatten(flat: Tensor, tensors: Sequence[Tensor]) -> None:
    """Write a flat tensor back into those that it was made of."""
    for tensor, part in zip(tensors, flat.split([t.numel() for t in tensors]), strict=True):
        tensor.copy_(part.view_as(tensor))


def gradients(model: nn.Module) -> list[list[Tensor]]:
    """Of all weights that learn, by type; zeros for those that had no part in a share."""
    found = []
    for p in model.parameters():
        if p.requires_grad:
            if p.grad is None:
                p.grad = torch.zeros_like(p)
            found.append(p.grad)
    return _by_kind(found)


def untouched_of(model: nn.Module) -> set[int]:
    """Which of its weights have no gradient."""
    return {number for number, p in enumerate(model.parameters()) if p.grad is None}


def as_bytes(tensor: Tensor) -> Tensor:
    """What it lies on, so that every type travels."""
    return tensor.reshape(-1).view(torch.uint8)


def process_group(store: Path, place: int, size: int, device: torch.device) -> Any:
    """Processes that know each other, apart from torch's default group, which is the user's."""
    torch_dist: Any = dist  # its types do not name what is made in C++
    shared = torch_dist.FileStore(str(store), size)
    if device.type == "cuda":
        torch.cuda.set_device(device)
        return torch_dist.ProcessGroupNCCL(shared, place, size)
    options = torch_dist.ProcessGroupGloo._Options()  # noqa: SLF001 - the only way to stay on this machine
    options._devices = [torch_dist.ProcessGroupGloo.create_device(hostname="127.0.0.1")]  # noqa: SLF001
    options._timeout = timedelta(seconds=PATIENCE)  # noqa: SLF001
    return torch_dist.ProcessGroupGloo(shared, place, size, options)
