"""Using a model: outputs for data, and loss and metrics on data. Also while it trains, between two steps."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import count
from typing import Any, Literal, TypeVar

import torch
from torch import Tensor, nn

from nbtrain.config import TrainConfig
from nbtrain.core.errors import DataError
from nbtrain.engine import distillation, metrics
from nbtrain.engine.arrays import Reading, prepare
from nbtrain.engine.batch import Batch
from nbtrain.engine.batches import as_source
from nbtrain.engine.forward import call, evaluation_mode
from nbtrain.engine.job import Job
from nbtrain.engine.objective import Outcome, Parts
from nbtrain.engine.precision import Precision
from nbtrain.engine.randomness import Turn
from nbtrain.engine.split import places, split

T = TypeVar("T")
#: Is shown a batch and the model's output for it, with the model as it was for that.
See = Callable[[nn.Module, Batch, Any], None]
Held = Literal["test", "validation"]


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
        return _joined(output for _, output in self._forward(data, lambda batch: call(model, batch.inputs), model))

    def evaluate(self, model: nn.Module, data: Any, see: See | None = None) -> dict[str, float]:
        """``{"loss": …, "accuracy": …}``; `see` is shown each batch. Raises DataError when there is nothing to see."""
        if data is None:
            _, data = self.held_out()

        def work(batch: Batch) -> Outcome:
            found = self._objective(model, batch)
            if see is not None:
                see(model, batch, found.output)
            return found

        total, samples = torch.zeros((), device=self._device), 0
        measured = metrics.build(self._given.metrics, self._task)  # its own: the run may be validating right now
        sums = Parts()
        with distillation.teaching(self._objective, self._device):
            for batch, (loss, parts, output) in self._forward(data, work, model):
                total += loss.detach() * batch.size
                sums.add(parts, batch.size)
                if output is not None:
                    measured.update(output, batch.target)
                samples += batch.size
        if not samples:
            raise DataError("The data gave no batch, so there is nothing to measure on; hand in at least one row.")
        figures = {"loss": total.item() / samples}
        figures |= {name: float(mean) for name, mean in sums.means().items()}
        return {**figures, **measured.compute()}

    def held_out(self) -> tuple[Held, Any]:
        """What was put apart for the end, else what is checked on. Raises DataError where nothing was held out."""
        if self._given.test is not None:
            return "test", self._given.test
        if self._given.validation is not None:
            return "validation", self._given.validation
        config = self._config
        if self._given.parted:
            raise DataError("Nothing was held out, so hand in rows to evaluate on: run.evaluate(rows).")
        _, validation, test = split(
            self._given.data, config["validation"], config["test"], config["seed"], Reading.of(self._given.model))
        if test is not None:
            return "test", test
        if validation is None:
            raise DataError("Nothing was held out (validation and test are 0), so hand in data: run.evaluate((X, y)).")
        return "validation", validation

    def places(self) -> Sequence[int] | None:
        """Which rows of the run's data `held_out` gives; None where the run did not split them itself."""
        given, config = self._given, self._config
        if given.test is not None or given.validation is not None or given.parted:
            return None
        _, validation, test = places(
            prepare(given.data, Reading.of(given.model)), config["validation"], config["test"], config["seed"])
        rows = validation if test is None else test
        return None if rows is None else rows.tolist()

    def _forward(self, data: Any, work: Callable[[Batch], T], model: nn.Module) -> Iterator[tuple[Batch, T]]:
        """What `work` makes of each batch, with the model in evaluation mode."""
        return _forward(
            data, work, model, self._config, self._turn, self._precision, device=self._device, classes=self._classes)


def outputs_of(model: nn.Module, data: Any, config: TrainConfig) -> Any:
    """As `Evaluation.predict`, of a model on the CPU that is in no run.

    Raises:
        ConfigError: the CPU cannot compute in the precision of `config`.
        DataError: the rows cannot be read.
    """
    cpu = torch.device("cpu")
    turn, precision = Turn(config["seed"], cpu), Precision(config.precision, cpu)
    return _joined(output for _, output in _forward(
        data, lambda batch: call(model, batch.inputs), model, config, turn, precision, device=cpu, classes=None))


def _forward(  # noqa: PLR0917 - what a run has at hand
    data: Any, work: Callable[[Batch], T], model: nn.Module, config: TrainConfig, turn: Turn, precision: Precision, *,
    device: torch.device, classes: Sequence[str] | None,
) -> Iterator[tuple[Batch, T]]:
    source = as_source(
        data, batch_size=config["batch_size"], seed=config["seed"], train=False, pipeline=config.pipeline,
        device=device, reading=Reading.of(model), classes=classes)
    try:
        batches = source.epoch(0)
        for number in count():
            # One turn a batch: a run that trains this model goes on between two batches, in training mode.
            with turn.at("evaluate", number), torch.no_grad(), precision.autocast():
                batch = next(batches, None)
                if batch is None:
                    return
                with evaluation_mode(model):
                    made = work(batch)
            yield batch, made
    finally:
        source.close()


def _joined(outputs: Iterable[Any]) -> Any:
    """Of all batches on the CPU: one tensor (rows, …), or a list where shapes differ."""
    found = [_to_cpu(output) for output in outputs]
    tensors = all(isinstance(output, Tensor) for output in found)
    return torch.cat(found) if tensors and len({output.shape[1:] for output in found}) == 1 else found


def _to_cpu(output: Any) -> Any:
    return output.detach().float().cpu() if isinstance(output, Tensor) and output.is_floating_point() else output
