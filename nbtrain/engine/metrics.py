"""What a run measures beside the loss: metrics by name, metrics of torchmetrics, and functions of the user's."""

from __future__ import annotations

import copy
import re
import warnings
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor

from nbtrain.config.problems import unknown
from nbtrain.core.errors import ConfigError, Problem, TrainingError
from nbtrain.engine import nest
from nbtrain.engine.metric_names import KNOWN, LOWER, View, defaults, make
from nbtrain.engine.tasks import Task, infer_task

Given = str | Callable[[Any, Any], Any]


class _Metric(Protocol):
    def update(self, output: Any, target: Any) -> None: ...
    def compute(self) -> Any: ...
    def reset(self) -> None: ...


def build(metrics: Sequence[Given] | None, task: Task) -> MetricSet:
    """The metrics of a run.

    Args:
        metrics: names of `metric_names.KNOWN`, metrics of torchmetrics, and functions ``(output, target) -> number``,
            which are averaged over the samples. None for what fits the task: accuracy and macro F1 for classes,
            perplexity and accuracy for language models, R² and mean absolute error for regression.
        task: what is learnt; with a loss of the user's own ("custom"), named metrics go by the first batch's shapes.

    Raises:
        ConfigError: there is no metric of this name, or it is not for this task.
    """
    problems = []
    for given in metrics or ():
        if isinstance(given, str):
            problems += _problems(given, task)
        elif not callable(given):
            problems.append(Problem("metrics", (
                f"metrics holds a {type(given).__name__}; it must hold names ({', '.join(KNOWN)}) or functions "
                "(output, target) -> number.")))
    if problems:
        raise ConfigError(problems)
    return MetricSet(metrics, task)


def _problems(name: str, task: Task) -> list[Problem]:
    if name not in KNOWN:
        return [Problem("metrics", unknown("metric", name, list(KNOWN)))]
    if task != "custom" and task not in KNOWN[name]:
        fitting = ", ".join(other for other, tasks in KNOWN.items() if task in tasks)
        return [Problem("metrics", f"The metric {name!r} is not for {task}; for this task there are: {fitting}.")]
    return []


class MetricSet:
    """Several metrics, fed batch by batch. The named ones are made with the first batch, when the classes are known."""

    def __init__(self, metrics: Sequence[Given] | None, task: Task) -> None:
        self._given, self._task = metrics, task
        self._metrics: dict[str, _Metric] | None = None

    def update(self, output: Any, target: Any) -> None:
        """Take in one batch. Raises TrainingError that names the metric which failed."""
        output = nest.over(_detached, output)
        if self._metrics is None:
            self._metrics = self._make(output, target)
        for name, metric in self._metrics.items():
            try:
                metric.update(output, target)
            except Exception as error:
                raise _failure(name, error) from error

    def compute(self) -> dict[str, float]:
        """Every metric over the batches since `reset`. Raises TrainingError that names the metric which failed."""
        figures = {}
        for name, metric in (self._metrics or {}).items():
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", UserWarning)  # torchmetrics', about classes that did not occur
                    figures[name] = float(metric.compute())
            except Exception as error:
                raise _failure(name, error) from error
        return figures

    def reset(self) -> None:
        for metric in (self._metrics or {}).values():
            metric.reset()

    def higher_is_better(self, name: str) -> bool:
        """Whether more of it is better: ``val_accuracy`` yes, ``val_loss`` no. `name` may carry its prefix."""
        bare = re.sub(r"^(val|train|test)_", "", name)
        for given in self._given or ():
            known = getattr(given, "higher_is_better", None)
            if known is not None and _name_of(given) == bare:
                return bool(known)
        return not any(word in LOWER for word in re.split(r"[_\W]+", bare.lower()))

    def _make(self, output: Any, target: Any) -> dict[str, _Metric]:
        task = infer_task(target, output) if self._task == "custom" else self._task
        chosen: Sequence[Given] = defaults(self._task, output) if self._given is None else self._given
        made: dict[str, _Metric] = {}
        for given in chosen:
            name = _name_of(given)
            while name in made:
                name = _next_name(name)
            if isinstance(given, str):
                if problems := _problems(given, task):
                    raise ConfigError(problems)
                metric, view = make(given, task, output, target)
                made[name] = _Viewed(metric.to(output.device), view)
            elif hasattr(given, "compute") and hasattr(given, "update") and hasattr(given, "reset"):
                own = copy.deepcopy(given)  # `run.evaluate` and the run's validation would else count into one another
                own.reset()
                made[name] = own.to(output.device) if hasattr(own, "to") else own
            else:
                made[name] = _Mean(given)
        return made


class _Viewed:
    """A metric of torchmetrics behind its view of the batch."""

    def __init__(self, metric: Any, view: View) -> None:
        self._metric, self._view = metric, view
        self.compute, self.reset = metric.compute, metric.reset

    def update(self, output: Tensor, target: Tensor) -> None:
        self._metric.update(*self._view(output, target))


class _Mean:
    """A user's function, averaged over the samples."""

    def __init__(self, function: Callable[[Any, Any], Any]) -> None:
        self._function = function
        self.reset()

    def update(self, output: Any, target: Any) -> None:
        size = nest.rows(target) or nest.rows(output) or 1
        self._total += float(self._function(output, target)) * size
        self._samples += size

    def compute(self) -> float:
        return self._total / self._samples if self._samples else float("nan")

    def reset(self) -> None:
        self._total, self._samples = 0.0, 0


def _detached(x: Tensor) -> Tensor:
    x = x.detach()
    return x.float() if x.dtype in {torch.float16, torch.bfloat16} else x


def _name_of(given: Given) -> str:
    if isinstance(given, str):
        return given
    name = getattr(given, "__name__", type(given).__name__)
    return re.sub(r"\W", "", name) if name != "<lambda>" else "metric"


def _next_name(name: str) -> str:
    """``metric`` → ``metric_2`` → ``metric_3``."""
    stem, _, number = name.rpartition("_")
    return f"{stem}_{int(number) + 1}" if stem and number.isdigit() else f"{name}_2"


def _failure(name: str, error: Exception) -> TrainingError:
    return TrainingError(f"The metric {name!r} failed: {type(error).__name__}: {error}")
