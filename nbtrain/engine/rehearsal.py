"""A few steps of a training that nobody keeps, to say beforehand how long it takes and how much memory."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor, nn

from nbtrain.config import TrainConfig
from nbtrain.engine import optimizers
from nbtrain.engine.batch import Batch
from nbtrain.engine.crew import Crew, hire
from nbtrain.engine.distillation import at_hand, kept_bytes
from nbtrain.engine.forward import call, evaluation_mode
from nbtrain.engine.job import Job
from nbtrain.engine.memory_source import MemorySource
from nbtrain.engine.objective import Objective
from nbtrain.engine.precision import Precision
from nbtrain.engine.randomness import Turn
from nbtrain.engine.stream_source import gone
from nbtrain.engine.trial import first_batch, taught

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
    """Bytes of weights, gradients, the optimizer's numbers, and what the backward pass needs of a batch; of a teacher,
    and what is kept of it; and of all processes that share this memory."""
    replica: int
    """Bytes of those that each further process has of its own: not the optimizer's numbers."""
    notes: tuple[str, ...] = ()
    """What the user should know of it, a sentence each."""


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


@dataclass(slots=True)
class _Lessons:
    """A teacher that is asked once for each row, before the first step; its outputs are kept."""

    teacher: nn.Module
    device: torch.device
    seconds: float = 0.0
    batches: int = 0

    def beside(self, batches: Iterator[Batch]) -> Iterator[Batch]:
        """The batches with what it makes of their rows; how long that takes is counted."""
        for batch in batches:
            began = time.perf_counter()
            with torch.no_grad(), evaluation_mode(self.teacher):
                output = call(self.teacher, batch.inputs)
            _wait(self.device)
            self.seconds += time.perf_counter() - began
            self.batches += 1
            yield batch._replace(beside=output)

    def forget(self) -> None:
        self.seconds, self.batches = 0.0, 0

    @property
    def pace(self) -> float:
        """Seconds of a batch."""
        return self.seconds / max(1, self.batches)


def rehearse(
    job: Job, config: TrainConfig, check: Callable[[], None] = lambda: None, teacher: nn.Module | None = None,
) -> Rehearsal:
    """Try some batches of a job whose model may be spoilt: its weights move.

    Args:
        job: prepared without its teacher; left open.
        config: of the training.
        check: called between two batches; may raise, to end it.
        teacher: of the training.

    Raises:
        ConfigError, ModelError: there is nothing to learn from the teacher.
        ModelError, TrainingError: other processes cannot take part.
        DataError: the data can be read no second time.
    """
    with ExitStack() as stack:
        kept = None
        if teacher is not None:
            stack.enter_context(at_hand(teacher, job.device))
            first = first_batch(job.train, config)
            assert isinstance(job.objective, Objective)  # noqa: S101 - prepared without its teacher
            job = replace(job, objective=taught(job.objective, teacher, job.task, config, job.model, first))
            kept = _kept(job, config, teacher, first)
        crew = hire(job, config)
        if crew is not None:
            stack.callback(crew.close)
        lessons = None if teacher is None or kept is None else _Lessons(teacher, job.device)
        found = _tried(job, config, check, crew, lessons)
    sharing = 1 if crew is None or job.device.type != "cpu" else config["multi_gpu"]  # each GPU has memory of its own
    taught_by = 0 if teacher is None else _weights(teacher)
    return replace(found, memory=found.memory + (sharing - 1) * found.replica + sharing * taught_by + (kept or 0))


def _kept(job: Job, config: TrainConfig, teacher: nn.Module, batch: Batch) -> int | None:
    """Bytes of the teacher's outputs for all rows; None where it is asked anew in each step."""
    if not isinstance(job.train, MemorySource) or config["gaussian_noise_std"]:
        return None
    with torch.no_grad(), evaluation_mode(teacher):
        return kept_bytes(call(teacher, batch.inputs), job.train.samples or 0)


def _tried(
    job: Job, config: TrainConfig, check: Callable[[], None], crew: Crew | None, lessons: _Lessons | None,
) -> Rehearsal:
    """Steps of the job, made by its crew where it has one."""
    model, length = job.model, job.train.length
    optimizer = optimizers.build(config.optimization, model, job.given.rates)
    precision = Precision(config.precision, job.device)
    held = _Held({p.untyped_storage().data_ptr() for p in (*model.parameters(), *model.buffers())})

    def learn(batch: Batch, *, measured: bool) -> None:
        with _measured(held, on=measured):
            if crew is not None:
                crew.backward([batch], 0, 0.0, 1.0)
            else:
                with precision.autocast():
                    loss = job.objective(model, batch).loss
        if crew is None:
            loss.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    def judge(batch: Batch) -> None:
        with torch.no_grad(), precision.autocast():
            job.objective(model, batch)

    turn = Turn(config["seed"], job.device)
    with _mode(model, training=True):
        batches = _epochs(job)
        if lessons is not None:
            batches = lessons.beside(batches)
        with turn.at("trial"):
            learn(next(batches), measured=True)
        memory = _memory(model, optimizer) + held.bytes
        if lessons is not None:
            lessons.forget()
        step = _pace(batches, lambda batch: learn(batch, measured=False), turn, job.device, check)
    replica = _weights(model) + _gradients(model) + held.bytes
    if length is None:
        return Rehearsal(steps=None, seconds=None, memory=memory, replica=replica)
    checking = asked = 0.0
    if lessons is not None:
        asked = length * lessons.pace
        step = max(0.0, step - lessons.pace)
    if job.validation is not None and job.validation.length:
        with _mode(model, training=False):
            checking = job.validation.length * _pace(job.validation.epoch(0), judge, turn, job.device, check)
    check()
    showing, notes = _showing(job, config, turn, precision)
    epochs = config["epochs"]
    updates = math.ceil(length / config["gradient_accumulation_steps"]) * epochs
    return Rehearsal(
        steps=updates, seconds=asked + epochs * (length * step + checking) + showing, memory=memory, replica=replica,
        notes=notes)


def _showing(job: Job, config: TrainConfig, turn: Turn, precision: Precision) -> tuple[float, tuple[str, ...]]:
    """Seconds that all samples of the training take, by those of one epoch; and what was wrong with them."""
    sampling, every = job.given.samples, config["sample_every"]
    times = config["epochs"] // every if every else 0
    if sampling is None or not times:
        return 0.0, ()
    began = time.perf_counter()
    try:
        with _mode(job.model, training=False), turn.at("samples"), torch.no_grad(), precision.autocast():
            list(sampling(job.model, 1))
    except Exception as error:  # noqa: BLE001 - it would cost the run its samples alone, and is told as it is there
        return 0.0, (f"There will be no samples: {type(error).__name__}: {error}",)
    return times * (time.perf_counter() - began), ()


def _epochs(job: Job) -> Iterator[Batch]:
    """Batches of one epoch after the other, for one may be over with the first; of data without a length, of one.

    An epoch without a batch is the last, whatever length the data says it has. Raises DataError when it is the first.
    """
    for epoch in itertools.count():
        found = False
        for batch in job.train.epoch(epoch):
            found = True
            yield batch
        if not found and epoch == 0:
            raise gone()
        if not found or job.train.length is None:
            return


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
    _wait(device)
    return (time.perf_counter() - began) / count if count else 0.0


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _memory(model: nn.Module, optimizer: torch.optim.Optimizer) -> int:
    """Bytes of weights, gradients, and the numbers an optimizer keeps after its first step."""
    kept = sum(
        _size(value) for state in optimizer.state.values() for value in state.values() if isinstance(value, Tensor))
    return _weights(model) + _gradients(model) + kept


def _weights(model: nn.Module) -> int:
    return sum(_size(tensor) for tensor in (*model.parameters(), *model.buffers()))


def _gradients(model: nn.Module) -> int:
    return sum(_size(parameter) for parameter in model.parameters() if parameter.requires_grad)


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
