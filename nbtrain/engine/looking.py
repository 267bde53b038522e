"""What is looked at between two epochs: figures on the rows that were held out, and samples the model makes."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import TYPE_CHECKING

import torch

from nbtrain.core.events import Warned
from nbtrain.engine.batch import Batch
from nbtrain.engine.objective import Parts
from nbtrain.engine.stream_source import READ_AGAIN, gone

if TYPE_CHECKING:
    from nbtrain.engine.engine import Engine


def learned(engine: Engine) -> bool:
    """Whether the epoch that is over had a batch; one that had none is told. Raises DataError of the run's first."""
    if engine.at.loss_count:
        return True
    if not engine.at.step:
        raise gone()
    _tell_once(engine, "no batch", (
        f"Epoch {engine.at.epoch + 1} had nothing to learn from and was passed over, as will be each that the data "
        f"gives no batch for; {READ_AGAIN}"))
    return False


def validate(engine: Engine) -> dict[str, float]:
    """Loss, its parts and metrics on the validation data, named ``val_…``; with averaged weights where EMA is on."""
    source = engine.job.validation
    if source is None:
        return {}
    with engine.weights_swapped():
        return _figures(engine, source.epoch(0))


@torch.no_grad()
def _figures(engine: Engine, batches: Iterator[Batch]) -> dict[str, float]:
    job = engine.job
    engine.set_mode(training=False)
    total, samples, sums = torch.zeros((), device=engine.device), 0, Parts()
    job.metrics.reset()
    for number in count():
        with engine.turn.at("validate", engine.at.epoch, number):
            batch = next(batches, None)
            if batch is None:
                break
            with engine.precision.autocast():
                loss, parts, output = job.objective(engine.model, batch)
            total += loss.detach() * batch.size
            sums.add(parts, batch.size)
        if output is not None:
            job.metrics.update(output, batch.target)
        samples += batch.size
        if engine.control.pending:
            with engine.weights_swapped():  # who looks at a paused model, or saves it, must find its own weights
                engine.steering.obey()
            engine.set_mode(training=False)
    if not samples:
        _tell_once(engine, "no validation", (
            f"The validation data gave no batch after epoch {engine.at.epoch + 1}, so nothing was measured on it; "
            f"{READ_AGAIN}"))
        return {}
    figures = {"val_loss": total.item() / samples}
    figures |= {f"val_{name}": float(mean) for name, mean in sums.means().items()}
    return figures | {f"val_{name}": value for name, value in job.metrics.compute().items()}


def monitored(engine: Engine, figures: dict[str, float]) -> float | None:
    """The figure to go by; None, which is told once, where it is a part of the loss that no batch of the epoch had."""
    name = engine.options["monitor"]
    found = figures.get(name)
    if found is None and engine.job.validation is None:
        return figures.get("train_loss")  # all there is to go by
    if found is None and figures:
        _tell_once(engine, "not measured", (
            f"{name}, which the run goes by, was not measured after epoch {engine.at.epoch}; such epochs count neither "
            "as better nor for early stopping. Train with monitor set to one of what is: "
            f"{', '.join(sorted(figures))}."))
    return found


def _tell_once(engine: Engine, about: str, message: str) -> None:
    if about not in engine.told:
        engine.told.add(about)
        engine.publish(Warned(step=engine.at.step, message=message))


def show_samples(engine: Engine) -> None:
    """Have samples made of the epoch just done, where the recipe makes any; what fails there ends no training."""
    sampling, every, epoch = engine.job.given.samples, engine.options["sample_every"], engine.at.epoch
    if sampling is None or not every or epoch % every:
        return
    with engine.weights_swapped():
        engine.set_mode(training=False)
        try:
            with engine.turn.at("samples", epoch), torch.no_grad(), engine.precision.autocast():
                made = list(sampling(engine.model, epoch))
            engine.saver.keep_samples(engine, made)
        except Exception as error:  # noqa: BLE001 - a picture that cannot be drawn must not cost the run
            engine.publish(Warned(
                step=engine.at.step, message=f"No samples of epoch {epoch}: {type(error).__name__}: {error}"))
