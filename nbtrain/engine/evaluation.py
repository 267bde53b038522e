"""Using a model: outputs for data, and loss and metrics on data. Also while it trains, between two steps."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import count
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from nbtrain.config import TrainConfig
from nbtrain.core.errors import DataError
from nbtrain.engine import metrics
from nbtrain.engine.arrays import Reading
from nbtrain.engine.batch import Batch
from nbtrain.engine.batches import as_source
from nbtrain.engine.forward import call, evaluation_mode
from nbtrain.engine.job import Job
from nbtrain.engine.precision import Precision
from nbtrain.engine.randomness import Turn
from nbtrain.engine.split import split

T = TypeVar("T")


class Evaluation:
    """Remembers how a run looked at its data; keeps the data itself where the user left it, never on the device."""

    def __init__(self, job: Job, config: TrainConfig) -> None:
        self._given, self._task, self._objective, self._classes = job.given, job.task, job.objective, job.classes
        self._config, self._device = config, job.device
        self._turn = Turn(config["seed"], job.device)
        self._precision = Precision(config.precision, job.device)

    @property
    def task(self) -> str:
        """What is learnt, as `nbtrain.engine.tasks` names it."""
        return self._task

    @property
    def classes(self) -> Sequence[str]:
        """Names of the classes where the target was text; else none."""
        return self._classes or ()

    def predict(self, model: nn.Module, data: Any) -> Any:
        """Outputs for every row, in order, on the CPU: one tensor (rows, …), or a list where shapes differ."""
        outputs = [_to_cpu(output) for _, output in self._forward(data, lambda batch: call(model, batch.inputs), model)]
        tensors = all(isinstance(output, Tensor) for output in outputs)
        return torch.cat(outputs) if tensors and len({output.shape[1:] for output in outputs}) == 1 else outputs

    def evaluate(self, model: nn.Module, data: Any) -> dict[str, float]:
        """``{"loss": …, "accuracy": …}``. Raises DataError when there is nothing to evaluate on."""
        if data is None:
            data = self._held_out()
        total, samples = torch.zeros((), device=self._device), 0
        measured = metrics.build(self._given.metrics, self._task)  # its own: the run may be validating right now
        sums: dict[str, Tensor] = {}
        for batch, (loss, parts, output) in self._forward(data, lambda batch: self._objective(model, batch), model):
            total += loss.detach() * batch.size
            for name, part in parts.items():
                sums[name] = sums.get(name, 0.0) + part.detach() * batch.size
            if output is not None:
                measured.update(output, batch.target)
            samples += batch.size
        figures = {name: value.item() / max(samples, 1) for name, value in {"loss": total, **sums}.items()}
        return {**figures, **measured.compute()}

    def _held_out(self) -> Any:
        if self._given.test is not None:
            return self._given.test
        if self._given.validation is not None:
            return self._given.validation
        config = self._config
        if self._given.parted:
            raise DataError("Nothing was held out, so hand in rows to evaluate on: run.evaluate(rows).")
        _, validation, test = split(
            self._given.data, config["validation"], config["test"], config["seed"], Reading.of(self._given.model))
        held_out = test if test is not None else validation
        if held_out is None:
            raise DataError("Nothing was held out (validation and test are 0), so hand in data: run.evaluate((X, y)).")
        return held_out

    def _forward(self, data: Any, work: Callable[[Batch], T], model: nn.Module) -> Iterator[tuple[Batch, T]]:
        """What `work` makes of each batch, with the model in evaluation mode."""
        source = as_source(
            data, batch_size=self._config["batch_size"], seed=self._config["seed"], train=False,
            pipeline=self._config.pipeline, device=self._device, reading=Reading.of(model), classes=self._classes)
        try:
            batches = source.epoch(0)
            for number in count():
                # One turn a batch: a run that trains this model goes on between two batches, in training mode.
                with self._turn.at("evaluate", number), torch.no_grad(), self._precision.autocast():
                    batch = next(batches, None)
                    if batch is None:
                        return
                    with evaluation_mode(model):
                        made = work(batch)
                yield batch, made
        finally:
            source.close()


def _to_cpu(output: Any) -> Any:
    return output.detach().float().cpu() if isinstance(output, Tensor) and output.is_floating_point() else output
