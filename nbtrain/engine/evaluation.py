"""Using a model: outputs for data, and loss and metrics on data. Also while it trains, between two steps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from nbtrain.config import TrainConfig
from nbtrain.core.errors import DataError
from nbtrain.engine import metrics
from nbtrain.engine.batches import Batch, as_source
from nbtrain.engine.forward import call
from nbtrain.engine.precision import Precision
from nbtrain.engine.randomness import Turn
from nbtrain.engine.split import split


class Evaluation:
    """Remembers how a run looked at its data; keeps the data itself where the user left it, never on the device."""

    def __init__(
        self, data: Any, validation: Any, config: TrainConfig, device: torch.device,
        loss: Callable[[Any, Any], Tensor], metric_set: metrics.MetricSet,
    ) -> None:
        self._data, self._validation = data, validation
        self._config, self._device = config, device
        self._loss, self._metrics = loss, metric_set
        self._turn = Turn(config["seed"], device)
        self._precision = Precision(config.precision, device)

    def predict(self, model: nn.Module, data: Any) -> Any:
        """Outputs for every row, in order, on the CPU; one tensor of shape (rows, …) where the outputs are tensors."""
        outputs = [_to_cpu(output) for _, output in self._forward(model, data)]
        if outputs and all(isinstance(output, Tensor) for output in outputs):
            return torch.cat(outputs)
        return outputs

    def evaluate(self, model: nn.Module, data: Any) -> dict[str, float]:
        """``{"loss": …, "accuracy": …}``. Raises DataError when there is nothing to evaluate on."""
        if data is None:
            data = self._held_out()
        total, samples = torch.zeros((), device=self._device), 0
        self._metrics.to(self._device).reset()
        try:
            for batch, output in self._forward(model, data):
                total += self._loss(output, batch.target).detach() * batch.size
                self._metrics.update(output, batch.target)
                samples += batch.size
            figures = {"loss": total.item() / max(samples, 1), **self._metrics.compute()}
        finally:
            self._metrics.reset()
        return figures

    def _held_out(self) -> Any:
        if self._validation is not None:
            return self._validation
        _, validation, test = split(self._data, self._config["validation"], self._config["test"], self._config["seed"])
        held_out = test if test is not None else validation
        if held_out is None:
            raise DataError("Nothing was held out (validation and test are 0), so hand in data: run.evaluate((X, y)).")
        return held_out

    def _forward(self, model: nn.Module, data: Any) -> Iterator[tuple[Batch, Any]]:
        source = as_source(
            data, batch_size=self._config["batch_size"], seed=self._config["seed"], train=False,
            pipeline=self._config.pipeline, device=self._device)
        try:
            for number, batch in enumerate(source.epoch(0)):
                # One turn a batch: a run that trains this model goes on between two batches, in training mode.
                with self._turn.at("evaluate", number), torch.no_grad(), self._precision.autocast():
                    training = model.training
                    model.eval()
                    try:
                        output = call(model, batch.inputs)
                    finally:
                        model.train(training)
                yield batch, output
        finally:
            source.close()


def _to_cpu(output: Any) -> Any:
    return output.detach().float().cpu() if isinstance(output, Tensor) and output.is_floating_point() else output
