"""The trainers people use, set to do the work of `benchmarks.work`; each returns seconds a step.

Timed is each one's loop, from its first step to its last, without what it does before and after. All that slows it
and is not asked of the others (loggers, checkpoints, progress bars, summaries) is off.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.work import CLIP, RATE, Work


class Stopwatch:
    """Started and stopped by a trainer's own hooks, whatever they hand over."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._began = 0.0

    def start(self, *_: Any, **__: Any) -> None:
        self._began = time.perf_counter()

    def stop(self, *_: Any, **__: Any) -> None:
        self.seconds = time.perf_counter() - self._began


def transformers_trainer(work: Work) -> float:
    from transformers import Trainer, TrainerCallback, TrainingArguments

    watch = Stopwatch()

    class Watch(TrainerCallback):
        on_train_begin, on_train_end = watch.start, watch.stop

    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = work.make()

        def forward(self, x: Tensor, labels: Tensor) -> dict[str, Tensor]:
            logits = self.net(x)
            return {"loss": nn.functional.cross_entropy(logits, labels), "logits": logits}

    rows = [{"x": x, "labels": y} for x, y in zip(work.inputs, work.labels, strict=True)]
    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            folder, num_train_epochs=work.epochs, per_device_train_batch_size=work.batch_size, learning_rate=RATE,
            lr_scheduler_type="cosine", max_grad_norm=CLIP, logging_steps=500, save_strategy="no", report_to=[],
            disable_tqdm=True, use_cpu=True)
        Trainer(model=Model(), args=arguments, train_dataset=rows, callbacks=[Watch()]).train()
    return watch.seconds / work.steps


def lightning_trainer(work: Work) -> float:
    import lightning

    watch = Stopwatch()

    class Watch(lightning.Callback):
        on_train_start, on_train_end = watch.start, watch.stop

    class Module(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.net = work.make()

        def training_step(self, batch: Any, _: int) -> Tensor:
            inputs, labels = batch
            loss = nn.functional.cross_entropy(self.net(inputs), labels)
            self.log("loss", loss)
            return loss

        def configure_optimizers(self) -> Any:
            optimizer = torch.optim.AdamW(self.parameters(), lr=RATE)
            scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, work.steps)
            return [optimizer], [{"scheduler": scheduler, "interval": "step"}]

    trainer = lightning.Trainer(
        max_epochs=work.epochs, accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False, gradient_clip_val=CLIP, callbacks=[Watch()])
    trainer.fit(Module(), work.loader())
    return watch.seconds / work.steps


def skorch_net(work: Work) -> float:
    from skorch import NeuralNetClassifier
    from skorch.callbacks import Callback, GradientNormClipping, LRScheduler

    watch = Stopwatch()

    class Watch(Callback):
        on_train_begin, on_train_end = watch.start, watch.stop

    classifier = NeuralNetClassifier(
        work.make(), criterion=nn.CrossEntropyLoss, optimizer=torch.optim.AdamW, lr=RATE, batch_size=work.batch_size,
        max_epochs=work.epochs, train_split=None, iterator_train__shuffle=True, verbose=0, callbacks=[
            GradientNormClipping(CLIP), LRScheduler("CosineAnnealingLR", T_max=work.steps, step_every="batch"),
            Watch()])
    classifier.fit(work.inputs.numpy(), work.labels.numpy())
    return watch.seconds / work.steps


def ignite_engine(work: Work) -> float:
    from ignite.engine import Engine, Events

    model = work.make()
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, work.steps)

    def update(_: Engine, batch: Any) -> float:
        inputs, labels = batch
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(inputs), labels)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), CLIP)
        optimizer.step()
        scheduler.step()
        return loss.item()

    watch = Stopwatch()
    engine = Engine(update)
    engine.add_event_handler(Events.STARTED, watch.start)
    engine.add_event_handler(Events.COMPLETED, watch.stop)
    engine.run(work.loader(), max_epochs=work.epochs)
    return watch.seconds / work.steps


#: What is imported → who it is, and how it trains.
_KNOWN: dict[str, tuple[str, Callable[[Work], float]]] = {
    "transformers": ("transformers Trainer", transformers_trainer),
    "lightning": ("Lightning", lightning_trainer),
    "skorch": ("skorch", skorch_net),
    "ignite": ("ignite", ignite_engine),
}


def installed() -> dict[str, Callable[[Work], float]]:
    """Those that are here; the extra `bench` installs them all."""
    return {name: train for package, (name, train) in _KNOWN.items() if find_spec(package) is not None}
