"""A batch through model, loss and metrics before anything starts: what does not fit shows here, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from nbtrain.config import TrainConfig
from nbtrain.config.problems import unknown
from nbtrain.core.errors import ConfigError, DataError, ModelError, NbtrainError, Problem
from nbtrain.engine import distillation, losses, metrics
from nbtrain.engine.batch import Batch, BatchSource
from nbtrain.engine.forward import call, evaluation_mode
from nbtrain.engine.objective import Objective, Outcome
from nbtrain.engine.randomness import Turn
from nbtrain.engine.stream_source import READ_AGAIN
from nbtrain.engine.tasks import check_labels

if TYPE_CHECKING:
    from nbtrain.engine.job import Ingredients


def try_once(
    given: Ingredients, config: TrainConfig, device: torch.device, train: BatchSource, validation: BatchSource | None,
) -> tuple[losses.Task, Objective, metrics.MetricSet]:
    """One batch through model, loss and metrics, without training: what does not fit shows here."""
    if given.step is not None:
        return _try_step(given, config, device, train, validation)
    model = given.model
    # Evaluation mode leaves running means alone.
    with Turn(config["seed"], device).at("trial"), torch.no_grad(), evaluation_mode(model):
        batch = first_batch(train, config)
        try:
            with torch.enable_grad():
                output = call(model, batch.inputs)
        except Exception as error:
            raise ModelError(
                f"The model cannot take the data: {type(error).__name__}: {first_line(error)} "
                f"(a batch has the shape {shape_of(batch.inputs)}).") from error
        task = losses.infer_task(batch.target, output) if given.loss is None else losses.task_of(given.loss, output)
        loss = losses.build(given.loss, task, config.regularisation)
        if task == "classification":
            for source in (train, validation):
                check_labels(None if source is None else source.targets, output)
        objective = Objective(loss, weights=given.loss_weights)
        with torch.enable_grad():
            found = losses.check(loss, output, batch.target, task)
            outcome = objective.outcome(found, output)
            _check_learns(outcome, model)
        metric_set = metrics.build(given.metrics, task)
        metric_set.update(output, batch.target)
        check_monitor(config, [*_parts_of(outcome, given), *metric_set.compute()], validation)
        metric_set.reset()
        if validation is not None:
            check = first_batch(validation, config)
            losses.check(loss, call(model, check.inputs), check.target, task)
    return task, objective, metric_set


def _try_step(
    given: Ingredients, config: TrainConfig, device: torch.device, train: BatchSource, validation: BatchSource | None,
) -> tuple[losses.Task, Objective, metrics.MetricSet]:
    """As `try_once`, of a step of the user's or a recipe's own."""
    model, task = given.model, losses.task_of(given.loss, None) if given.loss is not None else "custom"
    loss = _no_loss if given.loss is None else losses.build(given.loss, task, config.regularisation)
    objective = Objective(loss, given.step, given.loss_weights)
    metric_set = metrics.build(given.metrics, task)
    with Turn(config["seed"], device).at("trial"), torch.no_grad(), evaluation_mode(model):
        for source in (train, validation):
            if source is None:
                continue
            batch = first_batch(source, config)
            try:
                with torch.enable_grad():
                    outcome = objective(model, batch)
            except NbtrainError:
                raise
            except Exception as error:
                raise ModelError(
                    f"The step cannot be done: {type(error).__name__}: {first_line(error)} "
                    f"(a batch has the shape {shape_of(batch.inputs)}).") from error
            if source is train:
                _check_learns(outcome, model)
            if outcome.output is not None:
                metric_set.update(outcome.output, batch.target)
        if given.metrics and outcome.output is None:
            raise ModelError(
                "Metrics were asked for, and the step does not give the model's output to measure; let it return "
                '{"loss": …, "output": …}.')
        check_monitor(config, [*_parts_of(outcome, given), *metric_set.compute()], validation)
        metric_set.reset()
    return task, objective, metric_set


def _parts_of(outcome: Outcome, given: Ingredients) -> list[str]:
    """Names of the parts of the loss, those of a teacher's among them."""
    return [*outcome.parts, *(() if given.teacher is None else distillation.PARTS)]


def taught(  # noqa: PLR0917 - what is known of the run by then
    plain: Objective, teacher: nn.Module, task: losses.Task, config: TrainConfig, model: nn.Module, batch: Batch,
) -> distillation.Distillation:
    """The objective with a teacher beside it, tried on a batch. Raises ConfigError or ModelError."""
    distillation.check_options(config, task, batch.target)
    if teacher is model:
        raise ModelError("The teacher is the model itself; hand in another module: teacher=….")
    made = distillation.Distillation(plain, teacher, config["distill_alpha"], config["distill_temperature"], task)
    with Turn(config["seed"], next(model.parameters()).device).at("trial"), torch.no_grad(), evaluation_mode(model):
        try:
            made(model, batch)
        except NbtrainError:
            raise
        except Exception as error:
            raise ModelError(
                f"The teacher {type(teacher).__name__} cannot take the data: {type(error).__name__}: "
                f"{first_line(error)} (a batch has the shape {shape_of(batch.inputs)}).") from error
    return made


def _no_loss(output: Any, target: Any) -> Any:  # noqa: ARG001 - what a loss is called with
    raise ModelError("The run has a step of its own and no loss beside it; let the step return the loss.")


def _check_learns(outcome: Outcome, model: nn.Module) -> None:
    if not outcome.loss.requires_grad:
        raise ModelError(
            f"The loss does not depend on the parameters of {type(model).__name__}, so there is nothing to learn "
            "from it; leave .detach(), .item() and torch.no_grad() out of model and loss.")


def check_monitor(config: TrainConfig, names: list[str], validation: BatchSource | None) -> None:
    """Raises ConfigError when the metric to go by will never be measured."""
    wanted = config["monitor"]
    measured = ["train_loss"] + (["val_loss", *(f"val_{name}" for name in names)] if validation is not None else [])
    if wanted not in measured and wanted != "val_loss":  # without validation data, val_loss means train_loss
        raise ConfigError([Problem("monitor", unknown("metric", wanted, measured))])


def first_batch(source: BatchSource, config: TrainConfig) -> Batch:
    """The first batch of an epoch that is not trained on. Raises DataError when there is none."""
    try:
        return next(source.epoch(0))
    except StopIteration:
        if source.length:
            raise DataError(
                f"The data gives no batch, though it says that there are {source.length}; {READ_AGAIN}") from None
        raise DataError(
            f"The data gives no batch: it has {source.samples or 0} rows for batch_size {config['batch_size']}."
        ) from None


def shape_of(inputs: Any) -> str:
    """Shapes in words: ``(32, 64)``, ``((32, 8), (32, 4))``, ``{ids: (32, 16)}``."""
    if isinstance(inputs, Tensor):
        return str(tuple(inputs.shape))
    if isinstance(inputs, dict):
        return "{" + ", ".join(f"{name}: {shape_of(value)}" for name, value in inputs.items()) + "}"
    if isinstance(inputs, tuple | list):
        return "(" + ", ".join(shape_of(value) for value in inputs) + ")"
    return type(inputs).__name__


def first_line(error: BaseException) -> str:
    """Of its message; torch's errors may run to a page."""
    return (str(error).strip().splitlines() or [""])[0]
