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
import os
import shutil
import tempfile
import time
from collections.abc import Sequence
from multiprocessing import connection
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
import torch.distributed as dist
from torch import Tensor

from nbtrain.config import TrainConfig
from nbtrain.core.errors import ConfigError, ModelError, Problem, TrainingError
from nbtrain.engine.batch import Batch
from nbtrain.engine.follower import (
    PATIENCE,
    Slot,
    Task,
    Work,
    as_bytes,
    backward,
    cut,
    devices,
    flattened,
    follow,
    gradients,
    hand_over,
    moving,
    over,
    process_group,
    unflatten,
    untouched_of,
)
from nbtrain.engine.precision import Precision
from nbtrain.engine.workers import context, starting

if TYPE_CHECKING:
    from nbtrain.engine.job import Job

#: Seconds until processes that begin must have found each other: each imports torch.
BEGINNING = 180.0
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


class LostError(TrainingError):
    """A follower is gone or does not answer; what has been learnt is with the leader."""


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
        if device.type == "cuda" and device.index is None:
            device = next(work.model.parameters()).device
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
        pieces = [cut(batch, self._size) for batch in group]
        for place in range(1, self._size):
            shares = [(shares[place], shares[place].size / total) for shares in pieces]
            self._tell(place, step, shares, noise, scale)
        for flat in flattened(moving(self._work.model)):
            self._wait(self._group.broadcast(flat, 0))
        loss, parts = backward(
            self._work, [(shares[0], shares[0].size / total) for shares in pieces], noise, scale, self._precision)
        untouched = untouched_of(self._work.model)
        for place in range(1, self._size):
            theirs, their_parts, their_untouched = self._answer(place, PATIENCE)
            untouched &= their_untouched
            loss = loss + theirs
            for name, (mean, rows) in their_parts.items():
                parts.add({name: mean}, rows)
        self._gather(untouched)
        return loss, {name: torch.as_tensor(part, device=self._device) for name, part in parts.means().items()}

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
        start, file = context(), self._folder / "work"
        try:
            hand_over(self._work, file)
        except OSError as error:
            raise TrainingError(
                f"The model could not be written to {self._folder} for the other processes ({error}); make room there, "
                "or set multi_gpu to 0.") from error
        except Exception as error:
            raise ModelError(
                f"The model or the loss cannot be copied to another process ({type(error).__name__}: {error}); set "
                "multi_gpu to 0, or leave out what cannot be copied (open files, locks).") from error
        places = devices(self._device, self._size)
        for place in range(1, self._size):
            here, there = start.Pipe()
            process = start.Process(  # type: ignore[attr-defined]  # every context has it
                target=follow, args=(file, there, self._folder / "store", (place, self._size, str(places[place]))),
                name=f"nbtrain-follower-{place}", daemon=True)
            self._pipes.append(here)
            with starting():
                process.start()
            there.close()
            self._processes.append(process)
        if self._device.type == "cpu":
            torch.set_num_threads(max(1, self._threads // self._size))
        for place in range(1, self._size):
            self._answer(place, BEGINNING)
        file.unlink()
        self._group = process_group(self._folder / "store", 0, self._size, self._device)
        self._precision = Precision(self._work.precision, self._device)

    def _tell(self, place: int, step: int, shares: list[tuple[Batch, float]], noise: float, scale: float) -> None:
        tensors: list[Tensor] = []

        def slot(tensor: Tensor) -> Slot:
            tensors.append(tensor.contiguous())
            return Slot(tuple(tensor.shape), tensor.dtype)

        told = [(over(slot, share), weight) for share, weight in shares]
        try:
            self._pipes[place - 1].send(Task(step, told, noise, scale))
        except OSError:
            raise self._lost(place) from None
        for tensor in tensors:
            if tensor.numel():
                self._wait(self._group.send([as_bytes(tensor)], place, 0))

    def _answer(self, place: int, patience: float) -> Any:
        """What a follower says next. Raises TrainingError when it failed or is gone."""
        pipe, process = self._pipes[place - 1], self._processes[place - 1]
        until = time.monotonic() + patience
        while not pipe.poll(_POLL):
            if not process.is_alive():
                raise self._lost(place)
            if time.monotonic() > until:
                raise LostError(
                    f"Process {place + 1} of {self._size} has not answered for {patience:g} s; set multi_gpu to 0 if "
                    "that comes again.")
        try:
            kind, said = pipe.recv()
        except (EOFError, OSError):
            raise self._lost(place) from None
        if kind == "failed":
            raise self._failed(place, said)
        return said

    def _failed(self, place: int, said: str) -> TrainingError:
        return TrainingError(f"Process {place + 1} of {self._size} failed: {said}")

    def _lost(self, place: int) -> TrainingError:
        """What is said of a follower that has ended: what it said itself, if it could."""
        pipe, process = self._pipes[place - 1], self._processes[place - 1]
        process.join(1.0)
        with contextlib.suppress(EOFError, OSError):
            while pipe.poll():
                kind, said = pipe.recv()
                if kind == "failed":
                    return self._failed(place, said)
        return LostError(
            f"Process {place + 1} of {self._size} has ended (exit code {process.exitcode}). Was there enough memory?")

    def _gather(self, untouched: set[int]) -> None:
        """The sum of all gradients, in the model; none for what had no part in any share."""
        for kind in gradients(self._work.model):
            flat = torch.cat([gradient.reshape(-1) for gradient in kind])
            self._wait(self._group.reduce(flat, 0))
            unflatten(flat, kind)
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


def hire(job: Job, config: TrainConfig) -> Crew | None:
    """The processes that a run asks for, at work; None where it is one alone. Raises as `Crew`."""
    if config["multi_gpu"] < 2:
        return None
    work = Work(job.model, job.objective, config.precision, config["seed"])
    return Crew(work, config["multi_gpu"], job.device)
