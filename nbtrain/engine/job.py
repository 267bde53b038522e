"""What is to be trained: model, batches, loss and metrics, checked before anything starts."""

from __future__ import annotations

import copy
import threading
import weakref
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn

from nbtrain.config import TrainConfig
from nbtrain.core.errors import ConfigError, ModelError, Problem
from nbtrain.core.samples import Sign
from nbtrain.engine import arrays, crew, distillation, losses, metrics, quicker
from nbtrain.engine.arrays import Reading
from nbtrain.engine.batch import BatchSource
from nbtrain.engine.batches import as_source
from nbtrain.engine.fingerprint import fingerprint
from nbtrain.engine.objective import Objective, Step
from nbtrain.engine.optimizers import Rates
from nbtrain.engine.randomness import Turn
from nbtrain.engine.recompute import gradient_checkpointing
from nbtrain.engine.sampling import Sampling
from nbtrain.engine.split import split
from nbtrain.engine.trial import first_batch, first_line, taught, try_once

Loss = str | Callable[[Any, Any], Any] | Mapping[str, Any]
Metrics = Sequence[str | Callable[[Any, Any], Any]]


@dataclass(frozen=True, slots=True)
class Ingredients:
    """What the user handed in, kept so that a run can be resumed or forked in the same kernel."""

    model: nn.Module
    data: Any
    validation: Any = None
    loss: Loss | None = None
    metrics: Metrics | None = None
    origin: Mapping[str, Any] | None = None
    """Where the data came from, as plain JSON, when it was a dataset of the workspace."""
    model_origin: Mapping[str, Any] | None = None
    """What the model was made from, as plain JSON, when it was given by a name."""
    notes: tuple[str, ...] = ()
    """What was found while these were made that the user should know."""
    test: Any = None
    """Held out for the end, where a recipe split the data."""
    parted: bool = False
    """Whether what is held out was put apart already, so that nothing more is taken from `data`."""
    step: Step | None = None
    """In the place of the model's call and the loss."""
    loss_weights: Mapping[str, float] | None = None
    """Of a loss that gives several by name."""
    rates: Rates | None = None
    """Parameters that learn slower than others."""
    frozen: frozenset[str] = frozenset()
    """Names of parameters that do not learn in this run; before and after it they are as their owner has them."""
    samples: Sampling | None = None
    """What is to be seen or heard of the model as it learns."""
    signs: tuple[Sign, ...] = ()
    """Between what the figures of a healthy run lie."""
    teacher: nn.Module | None = None
    """From whose outputs the model learns beside the labels."""

    def with_model(self, model: nn.Module) -> Ingredients:
        return replace(self, model=model)

    def described(self) -> dict[str, Any]:
        """What a resume in another kernel must be given again, as plain JSON: names, and functions as ``<name>``."""
        return {
            "validation": self.validation is not None,
            "loss": None if self.loss is None else _described(self.loss),
            "step": None if self.step is None else _described(self.step),
            "loss_weights": None if self.loss_weights is None else dict(self.loss_weights),
            "teacher": None if self.teacher is None else distillation.fingerprint(self.teacher),
            "metrics": None if self.metrics is None else [_described(metric) for metric in self.metrics],
            "origin": None if self.origin is None else dict(self.origin),
            "model_origin": None if self.model_origin is None else dict(self.model_origin),
        }


def _described(thing: Any) -> Any:
    if isinstance(thing, Mapping):
        return {name: _described(part) for name, part in thing.items()}
    return thing if isinstance(thing, str) else f"<{getattr(thing, '__name__', type(thing).__name__)}>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Everything the engine needs of the outside world. Recipes build one; `prepare` builds it from plain objects."""

    model: nn.Module
    train: BatchSource
    validation: BatchSource | None
    test: BatchSource | None
    loss: Callable[[Any, Any], Any]
    objective: Objective | distillation.Distillation
    metrics: metrics.MetricSet
    task: losses.Task
    classes: list[str] | None
    fingerprint: str
    device: torch.device
    given: Ingredients
    """What the user handed in."""
    undo: Callable[[], None] | None = None
    """Takes back what training needed of the model but its user does not."""
    notes: tuple[str, ...] = ()
    """What the user should know before the run begins."""

    def close(self) -> None:
        """End loader workers, let go of device copies of the data, and leave the model as it came, for others."""
        with ExitStack() as stack:  # also when one of them fails
            stack.callback(release, self.model)
            if self.undo is not None:
                stack.callback(self.undo)
            for source in (self.train, self.validation, self.test):
                if source is not None:
                    stack.callback(source.close)


def choose_device(wanted: str) -> torch.device:
    """The device an option names; ``auto`` takes CUDA, then Apple's GPU, then the CPU. Raises ConfigError."""
    if wanted == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda", torch.cuda.current_device())
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    device = torch.device(wanted)
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}[device.type]
    if there and device.type == "cuda":
        there = (device.index or 0) < torch.cuda.device_count()
    if not there:
        found = [f"cuda:{i}" for i in range(torch.cuda.device_count())] if torch.cuda.is_available() else []
        raise ConfigError([Problem("device", (
            f"device is {wanted!r}, which this machine does not have; there is: {', '.join(['cpu', *found])}. "
            "Use device='auto' to take the best there is."))])
    return device


_training: weakref.WeakSet[nn.Module] = weakref.WeakSet()
_claiming = threading.Lock()


def claim(model: nn.Module) -> None:
    """One run at a time may train a module. Raises ModelError."""
    with _claiming:
        if model in _training:
            raise ModelError(
                f"This {type(model).__name__} is being trained by another run; hand in copy.deepcopy(model), "
                "or wait for that run to end.")
        _training.add(model)


def release(model: nn.Module) -> None:
    """Others may train it again."""
    _training.discard(model)


def prepare(given: Ingredients, config: TrainConfig) -> Job:
    """Model and data made ready to train on, after one trial batch. The model is the job's until `Job.close`.

    Raises:
        ModelError: not a module, nothing to train, being trained by another run, or it cannot take the data.
        DataError: empty, not finite, of lengths that differ, labels outside the classes.
        ConfigError: options that do not fit this model, data or machine.
    """
    model = given.model
    if not isinstance(model, nn.Module):
        raise ModelError(f"The model is a {type(model).__name__}; it must be a torch.nn.Module instance.")
    if isinstance(model, torch.jit.ScriptModule) or not any(
            p.requires_grad for name, p in model.named_parameters() if name not in given.frozen):
        raise ModelError(
            f"The model {type(model).__name__} has no parameters that require a gradient, so there is nothing to "
            "train; add layers, or unfreeze some with requires_grad_(True).")
    teacher: Any = given.teacher
    if not isinstance(teacher, nn.Module | None):
        raise ModelError(
            f"The teacher is a {type(teacher).__name__}; it must be a torch.nn.Module instance, or the name of a "
            "registered model or of one of the Hub.")
    claim(model)
    with ExitStack() as stack:  # undone only when something is wrong
        stack.callback(release, model)
        job = _prepared(given, config, stack)
        stack.pop_all()
        return job


def _prepared(given: Ingredients, config: TrainConfig, stack: ExitStack) -> Job:
    model, device = given.model, choose_device(config["device"])
    set_dropout(model, config["dropout"])
    undoing = ExitStack()
    stack.callback(undoing.close)
    undoing.callback(_hold(model, given.frozen))
    if config["gradient_checkpointing"]:
        undoing.callback(gradient_checkpointing(model))
    reading = Reading.of(model)
    data = arrays.prepare(given.data, reading)
    train_data, validation_data, test_data = data, given.validation, None
    if validation_data is None and not given.parted:
        train_data, validation_data, test_data = split(data, config["validation"], config["test"], config["seed"])
    notes = list(given.notes)
    if (shared := crew.check(config, device)) is not None:
        notes.append(shared)
    if validation_data is None and config["validation"] and not given.parted:
        notes.append(
            f"A {type(given.data).__name__} is not split, so nothing is validated on; hand in data for it: "
            "validation=….")

    def source(data: Any, *, train: bool, classes: list[str] | None = None) -> BatchSource:
        made = as_source(
            data, batch_size=config["batch_size"], seed=config["seed"], train=train, pipeline=config.pipeline,
            device=device, oversample=config["oversample_ratio"] if train and config["use_oversampling"] else None,
            reading=reading, classes=classes)
        stack.callback(made.close)
        return made

    teacher = given.teacher
    if teacher is not None:
        undoing.enter_context(distillation.at_hand(teacher, device))
        train_data = distillation.with_outputs(
            train_data, teacher, lambda rows: source(rows, train=False).epoch(0), config)
    train = source(train_data, train=True)
    check_length(train, config)
    validation = None if validation_data is None else source(validation_data, train=False, classes=train.classes)
    test = None if test_data is None else source(test_data, train=False, classes=train.classes)
    model.to(device)
    _place_losses(given, device)
    if config["channels_last"]:
        undoing.callback(quicker.channels_last(model))
    task, plain, metric_set = try_once(given, config, device, train, validation)
    if config["use_compile"]:
        undo, said = quicker.compiled(model, plain, first_batch(train, config), Turn(config["seed"], device))
        undoing.callback(undo)
        notes += said
    objective = plain if teacher is None else taught(plain, teacher, task, config, model, first_batch(train, config))
    prints = [fingerprint(part) for part in (data, given.validation) if part is not None]
    return Job(
        model=model, train=train, validation=validation, test=test, loss=objective.loss, objective=objective,
        metrics=metric_set, task=task,
        classes=train.classes, fingerprint=" + ".join(prints), device=device, given=given, undo=undoing.close,
        notes=tuple(notes))


def _hold(model: nn.Module, names: frozenset[str]) -> Callable[[], None]:
    """These parameters do not learn until what is returned is called."""
    held = [parameter for name, parameter in model.named_parameters() if name in names]
    for parameter in held:
        parameter.requires_grad = False

    def let_go() -> None:
        for parameter in held:
            parameter.requires_grad = True

    return let_go


def _place_losses(given: Ingredients, device: torch.device) -> None:
    """Losses that are modules may have weights, such as those of classes."""
    for part in (given.step, *(given.loss.values() if isinstance(given.loss, Mapping) else [given.loss])):
        if isinstance(part, nn.Module):
            part.to(device)


def check_length(train: BatchSource, config: TrainConfig) -> None:
    """Raises ConfigError when an option needs to know where an epoch ends, and the data does not tell."""
    if train.length is not None:
        return
    problems = []
    if config["scheduler"] != "constant":
        problems.append(Problem("scheduler", (
            f"scheduler is {config['scheduler']!r}, but the data has no length, so the end of the run is not known; "
            "use scheduler='constant', or give the dataset a __len__.")))
    if config["warmup_epochs"]:
        problems.append(Problem("warmup_epochs", (
            f"warmup_epochs is {config['warmup_epochs']:g}, but the data has no length; use warmup_steps.")))
    if problems:
        raise ConfigError(problems)


def set_dropout(model: nn.Module, rate: float | None) -> None:
    """Give every dropout layer this rate. Raises ConfigError when the model has none."""
    if rate is None:
        return
    layers = [m for m in model.modules() if isinstance(m, nn.modules.dropout._DropoutNd)]  # noqa: SLF001 - the common base
    if not layers:
        raise ConfigError([Problem("dropout", (
            f"dropout is {rate:g}, but {type(model).__name__} has no dropout layer to give it to; "
            "leave dropout unset, or add nn.Dropout to the model."))])
    for layer in layers:
        layer.p = rate


def copy_of(model: nn.Module, otherwise: str = "hand in a fresh one: run.fork(model=net).") -> nn.Module:
    """An independent copy, between two steps of whoever trains it.

    Args:
        model: to be copied.
        otherwise: what to do when it cannot be copied; ends the sentence that says so.

    Raises:
        ModelError: the module cannot be copied.
    """
    try:
        with Turn(0, torch.device("cpu")).at("copy"):
            copied = copy.deepcopy(model)
    except Exception as error:
        raise ModelError(
            f"The model {type(model).__name__} cannot be copied ({type(error).__name__}: {first_line(error)}); "
            f"{otherwise}") from error
    quicker.forget(copied)
    return copied
