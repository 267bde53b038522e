"""Several processes that share every batch: gradients are made side by side, all else happens in the one that leads.

The leader is the run's own thread. Before a step it gives its weights to the others (followers), which hold a replica
of the model and nothing else; each gets a share of the rows of every batch, and the gradients are summed in the leader.
So pause, live edits, checkpoints, averaged weights and resuming are those of any run, and a follower has nothing to
lose.

As a batch in pieces is, the sum is that of the whole batch for losses that are a mean over rows. Running means (batch
normalisation) are those of the leader's share.
"""

from __future__ import annotations

import contextlib
import math
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from itertools import pairwise
from multiprocessing import connection
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
import torch.distributed as dist
from torch import Tensor, nn

from nbtrain.config import PrecisionConfig, TrainConfig
from nbtrain.core.errors import ConfigError, ModelError, Problem, TrainingError
from nbtrain.engine import nest
from nbtrain.engine.batch import Batch
from nbtrain.engine.forward import add_noise
from nbtrain.engine.precision import Precision
from nbtrain.engine.randomness import Turn
from nbtrain.engine.workers import Envelope, context, starting

if TYPE_CHECKING:
    from nbtrain.engine.distillation import Distillation
    from nbtrain.engine.objective import Objective

#: Seconds until processes that begin must have found each other: each imports torch.
BEGINNING = 180.0
#: Seconds that one step may take before a follower counts as lost.
PATIENCE = 1800.0
_POLL = 0.05


def check(config: TrainConfig, device: torch.device) -> str | None:
    """What the user should know of the processes asked for, if anything. Raises ConfigError where they cannot be."""
    wanted = config["multi_gpu"]
    if wanted < 2:
        return None
    if not dist.is_available():
        raise ConfigError([Problem("multi_gpu", "This build of torch has no torch.distributed; set multi_gpu to 0.")])
    if device.type == "cuda" and wanted > torch.cuda.device_count():
        raise ConfigError([Problem("multi_gpu", (
            f"multi_gpu is {wanted}, and this machine has {torch.cuda.device_count()} "
            f"GPU{'s' * (torch.cuda.device_count() != 1)}; set it to 0 or to at most that many."))])
    if device.type == "mps":
        raise ConfigError([Problem("multi_gpu", "Apple's GPU is one and cannot be shared out; set multi_gpu to 0.")])
    if wanted > config["batch_size"]:
        raise ConfigError([Problem("multi_gpu", (
            f"multi_gpu is {wanted} and batch_size {config['batch_size']}: each process needs at least one row of a "
            "batch; raise batch_size."))])
    if device.type == "cpu":
        return (
            f"There is no GPU here, so the {wanted} processes share the {os.cpu_count()} cores of this machine, which "
            "as a rule is no faster than one.")
    return None


class Work(NamedTuple):
    """What a follower holds."""

    model: nn.Module
    objective: Objective | Distillation
    precision: PrecisionConfig
    seed: int


class _Task(NamedTuple):
    """What a follower is to do in a step; tensors of the shares follow."""

    step: int
    shares: list[tuple[Any, float]]
    """Of each micro-batch: its share, with `_Slot` in the place of tensors, and its part of all rows of the step."""
    noise: float
    scale: float


class _Slot(NamedTuple):
    """A tensor that is sent."""

    shape: tuple[int, ...]
    dtype: torch.dtype


class Crew:
    """The leader's side.

    Args:
        work: what followers hold; it is copied to them.
        processes: the leader among them, at least 2.
        device: of the leader.

    Raises:
        ModelError: the model or the loss cannot be copied to another process.
        TrainingError: a process could not be started.
    """

    def __init__(self, work: Work, processes: int, device: torch.device) -> None:
        self._work, self._size, self._device = work, processes, device
        self._folder = Path(tempfile.mkdtemp(prefix="nbtrain-crew-"))
        self._pipes: list[Connection] = []
        self._processes: list[BaseProcess] = []
        self._threads = torch.get_num_threads()
        try:
            self._begin()
        except BaseException:
            self.close()
            raise

    def backward(
        self, group: Sequence[Batch], step: int, noise: float, scale: float,
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Gradients of the mean loss over all rows of the group, in the model. Returns loss and parts, as one process.

        Raises:
            TrainingError: a follower failed or is gone.
        """
        total = sum(batch.size for batch in group)
        cut = [_cut(batch, self._size) for batch in group]
        for place in range(1, self._size):
            shares = [(shares[place], shares[place].size / total) for shares in cut]
            self._tell(place, step, shares, noise, scale)
        for flat in _flattened(_moving(self._work.model)):
            self._wait(self._group.broadcast(flat, 0))
        loss, parts = _backward(
            self._work, [(shares[0], shares[0].size / total) for shares in cut], noise, scale, self._precision)
        untouched = _untouched(self._work.model)
        for place in range(1, self._size):
            theirs, their_parts, their_untouched = self._answer(place, PATIENCE)
            untouched &= their_untouched
            loss = loss + theirs
            parts = {name: parts.get(name, 0.0) + their_parts.get(name, 0.0) for name in {**parts, **their_parts}}
        self._gather(untouched)
        return loss, {name: torch.as_tensor(part, device=self._device) for name, part in parts.items()}

    def close(self) -> None:
        """End the followers."""
        for pipe in self._pipes:
            with contextlib.suppress(OSError):
                pipe.send(None)
        for process in self._processes:
            process.join(5.0)
            if process.is_alive():
                process.kill()
                process.join()
        for pipe in self._pipes:
            pipe.close()
        self._pipes, self._processes = [], []
        if self._device.type == "cpu":
            torch.set_num_threads(self._threads)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _begin(self) -> None:
        start, envelope = context(), Envelope(self._work)
        for place in range(1, self._size):
            here, there = start.Pipe()
            process = start.Process(  # type: ignore[attr-defined]  # every context has it
                target=follow, args=(envelope, there, self._folder / "store", (place, self._size, self._device.type)),
                name=f"nbtrain-follower-{place}", daemon=True)
            self._pipes.append(here)
            try:
                with starting():
                    process.start()
            except Exception as error:
                raise ModelError(
                    f"The model or the loss cannot be copied to another process ({type(error).__name__}: {error}); set "
                    "multi_gpu to 0, or leave out what cannot be copied (open files, locks).") from error
            there.close()
            self._processes.append(process)
        if self._device.type == "cpu":
            torch.set_num_threads(max(1, self._threads // self._size))
        for place in range(1, self._size):
            self._answer(place, BEGINNING)
        self._group = _process_group(self._folder / "store", 0, self._size, self._device)
        self._precision = Precision(self._work.precision, self._device)

    def _tell(self, place: int, step: int, shares: list[tuple[Batch, float]], noise: float, scale: float) -> None:
        tensors: list[Tensor] = []

        def slot(tensor: Tensor) -> _Slot:
            tensors.append(tensor.contiguous())
            return _Slot(tuple(tensor.shape), tensor.dtype)

        told = [(_over(slot, share), weight) for share, weight in shares]
        try:
            self._pipes[place - 1].send(_Task(step, told, noise, scale))
        except OSError:
            raise self._lost(place) from None
        for tensor in tensors:
            if tensor.numel():
                self._wait(self._group.send([_bytes(tensor)], place, 0))

    def _answer(self, place: int, patience: float) -> Any:
        """What a follower says next. Raises TrainingError when it failed or is gone."""
        pipe, process = self._pipes[place - 1], self._processes[place - 1]
        until = time.monotonic() + patience
        while not pipe.poll(_POLL):
            if not process.is_alive():
                raise self._lost(place)
            if time.monotonic() > until:
                raise TrainingError(
                    f"Process {place + 1} of {self._size} has not answered for {patience:g} s; train on with "
                    "nbtrain.resume(…), with multi_gpu at 0 if it comes again.")
        try:
            kind, said = pipe.recv()
        except (EOFError, OSError):
            raise self._lost(place) from None
        if kind == "failed":
            raise TrainingError(f"Process {place + 1} of {self._size} failed: {said}")
        return said

    def _lost(self, place: int) -> TrainingError:
        process = self._processes[place - 1]
        process.join(1.0)
        return TrainingError(
            f"Process {place + 1} of {self._size} has ended (exit code {process.exitcode}); the run was saved, and "
            "nbtrain.resume(…) goes on with it. Was there enough memory?")

    def _gather(self, untouched: set[int]) -> None:
        """The sum of all gradients, in the model; none for what had no part in any share."""
        for kind in _gradients(self._work.model):
            flat = torch.cat([gradient.reshape(-1) for gradient in kind])
            self._wait(self._group.reduce(flat, 0))
            _unflatten(flat, kind)
        for number, p in enumerate(self._work.model.parameters()):
            if number in untouched:
                p.grad = None  # with a gradient of zeros an optimizer would let it decay

    def _wait(self, work: Any) -> None:
        try:
            work.wait()
        except RuntimeError as error:
            gone = connection.wait([process.sentinel for process in self._processes], timeout=5.0)
            for place, process in enumerate(self._processes, 1):
                if process.sentinel in gone:
                    raise self._lost(place) from error
            raise


# -- the follower's side ----------------------------------------------------------------------------


def follow(envelope: Envelope, pipe: Connection, store: Path, who: tuple[int, int, str]) -> None:
    """The life of a follower: until it is told to end, or who leads is gone.

    Args:
        envelope: its `Work`.
        pipe: to who leads.
        store: a file by which the processes find each other.
        who: its place, how many they are, and the type of their devices.
    """
    place, size, kind = who
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # an interrupt is for the kernel, whose process group this is
    try:
        device = torch.device("cpu") if kind == "cpu" else torch.device(kind, place)
        torch.set_num_threads(max(1, (os.cpu_count() or 1) // size))
        torch.set_flush_denormal(True)
        work: Work = envelope.content
        work.model.to(device).train()
        pipe.send(("ready", None))
        group = _process_group(store, place, size, device)
        precision, turn = Precision(work.precision, device), Turn(work.seed, device)
        while (task := pipe.recv()) is not None:
            _do(work, task, pipe, group, precision, turn.at(task.step, "follower", place), device)
    except (EOFError, ConnectionError, KeyboardInterrupt):
        return  # who leads is gone
    except BaseException as error:  # noqa: BLE001 - whatever it is, the leader is told, and this process ends
        with contextlib.suppress(OSError):
            pipe.send(("failed", f"{type(error).__name__}: {error}"))


def _do(  # noqa: PLR0917 - all that a follower has
    work: Work, task: _Task, pipe: Connection, group: Any, precision: Precision, turn: Turn, device: torch.device,
) -> None:
    """One step: weights come, shares are trained on, gradients go."""
    def received(slot: _Slot) -> Tensor:
        tensor = torch.empty(slot.shape, dtype=slot.dtype, device=device)
        if tensor.numel():
            group.recv([_bytes(tensor)], 0, 0).wait()
        return tensor

    shares = [(_over(received, share), weight) for share, weight in task.shares]
    tensors = _moving(work.model)
    for flat, mine in zip(_flattened(tensors), _by_kind(tensors), strict=True):
        group.broadcast(flat, 0).wait()
        _unflatten(flat.view(mine[0].dtype), mine)
    work.model.zero_grad(set_to_none=True)
    with turn:
        loss, parts = _backward(work, shares, task.noise, task.scale, precision)
    figures = {name: part.item() for name, part in parts.items()}
    pipe.send(("done", (loss.item(), figures, _untouched(work.model))))
    for kind in _gradients(work.model):
        group.reduce(torch.cat([gradient.reshape(-1) for gradient in kind]), 0).wait()


# -- what both do -----------------------------------------------------------------------------------


def _backward(
    work: Work, shares: Sequence[tuple[Batch, float]], noise: float, scale: float, precision: Precision,
) -> tuple[Tensor, dict[str, Tensor]]:
    """Gradients of this process's rows, each counted as one of all; their part of the loss, and of its parts."""
    total: Tensor | None = None
    sums: dict[str, Tensor] = {}
    for batch, weight in shares:
        if not batch.size:
            continue
        given = batch._replace(inputs=add_noise(batch.inputs, noise)) if noise else batch
        with precision.autocast():
            loss, parts, _ = work.objective(work.model, given)
        (loss * (weight * scale)).backward()
        total = loss.detach() * weight if total is None else total + loss.detach() * weight
        for name, part in parts.items():
            sums[name] = sums.get(name, 0.0) + part.detach() * weight
    if total is None:
        total = torch.zeros((), device=next(work.model.parameters()).device)
    return total, sums


def _cut(batch: Batch, size: int) -> list[Batch]:
    """A batch in `size` shares of its rows, as even as can be; what is not one entry a row goes to each."""
    edges = [math.ceil(batch.size * place / size) for place in range(size + 1)]

    def share(start: int, end: int) -> Batch:
        def pick(tensor: Tensor) -> Tensor:
            return tensor[start:end] if tensor.ndim and len(tensor) == batch.size else tensor

        inputs, target, beside = nest.over(pick, (batch.inputs, batch.target, batch.beside))
        return Batch(inputs, target, end - start, beside=beside)

    return [share(start, end) for start, end in pairwise(edges)]


def _over(change: Callable[[Any], Any], batch: Batch) -> Batch:
    """A batch with its tensors, or the slots in their places, changed."""
    def each(value: Any) -> Any:
        if isinstance(value, Tensor | _Slot):
            return change(value)
        if isinstance(value, tuple | list):
            return tuple(each(part) for part in value)
        if isinstance(value, dict):
            return {name: each(part) for name, part in value.items()}
        return value

    return Batch(each(batch.inputs), each(batch.target), batch.size, batch.tokens, each(batch.beside))


def _moving(model: nn.Module) -> list[Tensor]:
    """What a step changes: weights that learn, and buffers."""
    return [*(p.detach() for p in model.parameters() if p.requires_grad), *model.buffers()]


def _by_kind(tensors: Sequence[Tensor]) -> list[list[Tensor]]:
    kinds: dict[torch.dtype, list[Tensor]] = {}
    for tensor in tensors:
        kinds.setdefault(tensor.dtype, []).append(tensor)
    return list(kinds.values())


def _flattened(tensors: Sequence[Tensor]) -> Iterator[Tensor]:
    """One flat tensor of bytes for each type: one message in the place of hundreds."""
    for kind in _by_kind(tensors):
        yield _bytes(torch.cat([tensor.reshape(-1) for tensor in kind]))


@torch.no_grad()
def _unflatten(flat: Tensor, tensors: Sequence[Tensor]) -> None:
    for tensor, part in zip(tensors, flat.split([t.numel() for t in tensors]), strict=True):
        tensor.copy_(part.view_as(tensor))


def _gradients(model: nn.Module) -> list[list[Tensor]]:
    """Of all weights that learn, by type; zeros for those that had no part in a share."""
    found = []
    for p in model.parameters():
        if p.requires_grad:
            if p.grad is None:
                p.grad = torch.zeros_like(p)
            found.append(p.grad)
    return _by_kind(found)


def _untouched(model: nn.Module) -> set[int]:
    """Which of its weights have no gradient."""
    return {number for number, p in enumerate(model.parameters()) if p.grad is None}


def _bytes(tensor: Tensor) -> Tensor:
    """What it lies on, so that every type travels."""
    return tensor.reshape(-1).view(torch.uint8)


def _process_group(store: Path, place: int, size: int, device: torch.device) -> Any:
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
