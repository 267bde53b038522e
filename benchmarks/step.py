"""A training step against a bare PyTorch loop, and against the trainers people use.

The work is small on purpose (an MLP on digits, batch 32, AdamW, clipping, cosine): what is measured is what a
trainer adds to each step. nbtrain records loss, learning rate and gradient norm every step, looks for commands every
step, writes checkpoints, trains in its background thread, and has its panel attached.

    python -m benchmarks.step [rounds] [--peers]
"""

from __future__ import annotations

import contextlib
import io
import logging
import os
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from benchmarks.common import in_turns, ratios, record

EPOCHS, BATCH, RATE = 30, 32, 1e-3


def digits() -> tuple[torch.Tensor, torch.Tensor]:
    data = load_digits()
    return torch.tensor(data.data / 16.0, dtype=torch.float32), torch.tensor(data.target, dtype=torch.int64)


def net() -> nn.Module:
    return nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 10))


X, Y = digits()
STEPS = EPOCHS * -(-len(X) // BATCH)


def bare() -> float:
    """What a tutorial shows: DataLoader, AdamW, clip_grad_norm_, CosineAnnealingLR."""
    model = net()
    loader = DataLoader(TensorDataset(X, Y), batch_size=BATCH, shuffle=True)
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS)
    began = time.perf_counter()
    for _ in range(EPOCHS):
        for inputs, labels in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(inputs), labels)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            scheduler.step()
    return (time.perf_counter() - began) / STEPS


def limit() -> float:
    """As fast as plain torch goes: tensor indexing, fused AdamW, the learning rate set by hand."""
    model = net()
    parameters = list(model.parameters())
    optimizer = torch.optim.AdamW(parameters, lr=RATE, fused=True)
    began, step = time.perf_counter(), 0
    for _ in range(EPOCHS):
        order = torch.randperm(len(X))
        for chosen in order.split(BATCH):
            optimizer.param_groups[0]["lr"] = RATE * 0.5 * (1 + np.cos(np.pi * step / STEPS))
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(X[chosen]), Y[chosen])
            loss.backward()
            nn.utils.clip_grad_norm_(parameters, 1.0)
            optimizer.step()
            step += 1
    return (time.perf_counter() - began) / STEPS


def nbtrain_with_panel() -> float:
    import nbtrain
    from nbtrain.studio import panel_of

    run = nbtrain.train(net(), (X, Y), validation=0.0, epochs=EPOCHS, batch_size=BATCH, learning_rate=RATE, show=False)
    panel = panel_of(run)
    panel.desk.receive({"id": "hello", "kind": "hello"})  # as its page does: from here on it is told what is new
    run.wait()
    panel.close()
    return run.seconds / run.step


def transformers_trainer() -> float:
    from transformers import Trainer, TrainingArguments

    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = net()

        def forward(self, x: torch.Tensor, labels: torch.Tensor) -> dict[str, torch.Tensor]:
            logits = self.net(x)
            return {"loss": nn.functional.cross_entropy(logits, labels), "logits": logits}

    rows = [{"x": x, "labels": y} for x, y in zip(X, Y, strict=True)]
    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            folder, num_train_epochs=EPOCHS, per_device_train_batch_size=BATCH, learning_rate=RATE, lr_scheduler_type="cosine",
            max_grad_norm=1.0, logging_steps=500, save_strategy="no", report_to=[], disable_tqdm=True, use_cpu=True)
        trainer = Trainer(model=Model(), args=arguments, train_dataset=rows)
        began = time.perf_counter()
        trainer.train()
        return (time.perf_counter() - began) / STEPS


def lightning_trainer() -> float:
    import lightning

    class Module(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.net = net()

        def training_step(self, batch: Any, _: int) -> torch.Tensor:
            inputs, labels = batch
            loss = nn.functional.cross_entropy(self.net(inputs), labels)
            self.log("loss", loss)
            return loss

        def configure_optimizers(self) -> Any:
            optimizer = torch.optim.AdamW(self.parameters(), lr=RATE)
            scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS)
            return [optimizer], [{"scheduler": scheduler, "interval": "step"}]

    trainer = lightning.Trainer(
        max_epochs=EPOCHS, accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False, gradient_clip_val=1.0)
    loader = DataLoader(TensorDataset(X, Y), batch_size=BATCH, shuffle=True)
    module = Module()
    began = time.perf_counter()
    trainer.fit(module, loader)
    return (time.perf_counter() - began) / STEPS


def skorch_net() -> float:
    from skorch import NeuralNetClassifier
    from skorch.callbacks import GradientNormClipping, LRScheduler

    classifier = NeuralNetClassifier(
        net(), criterion=nn.CrossEntropyLoss, optimizer=torch.optim.AdamW, lr=RATE, batch_size=BATCH, max_epochs=EPOCHS,
        train_split=None, iterator_train__shuffle=True, verbose=0, callbacks=[
            GradientNormClipping(1.0), LRScheduler("CosineAnnealingLR", T_max=STEPS, step_every="batch")])
    began = time.perf_counter()
    classifier.fit(X.numpy(), Y.numpy())
    return (time.perf_counter() - began) / STEPS


def ignite_engine() -> float:
    from ignite.engine import Engine

    model = net()
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS)

    def update(_: Engine, batch: Any) -> float:
        inputs, labels = batch
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(inputs), labels)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        scheduler.step()
        return loss.item()

    loader = DataLoader(TensorDataset(X, Y), batch_size=BATCH, shuffle=True)
    engine = Engine(update)
    began = time.perf_counter()
    engine.run(loader, max_epochs=EPOCHS)
    return (time.perf_counter() - began) / STEPS


def quietly(run: Callable[[], float]) -> Callable[[], float]:
    """Without the contender's own output, which is not what is measured."""

    def quiet() -> float:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return run()

    return quiet


def main(arguments: list[str]) -> None:
    torch.set_num_threads(1)
    logging.disable(logging.WARNING)
    rounds = next((int(a) for a in arguments if a.isdigit()), 7)
    contenders: dict[str, Callable[[], float]] = {
        "bare loop": bare, "limit (indexing, fused, no scheduler object)": limit, "nbtrain, panel attached": nbtrain_with_panel}
    if "--peers" in arguments:
        contenders |= {
            "transformers Trainer": transformers_trainer, "Lightning": lightning_trainer, "skorch": skorch_net, "ignite": ignite_engine}
    with tempfile.TemporaryDirectory() as home:
        os.environ["NBTRAIN_HOME"] = home
        taken = in_turns({name: quietly(run) for name, run in contenders.items()}, rounds)
    lines = ["| who | time per step against the bare loop: median (min–max) |", "|---|---|"]
    lines += [f"| {name} | {median:.2f} ({low:.2f}–{high:.2f}) |" for name, (low, median, high) in ratios(taken, "bare loop").items()]
    base = sorted(taken["bare loop"])[rounds // 2]
    record(f"A training step ({rounds} rounds of {STEPS} steps; bare: {base * 1e3:.2f} ms)", f"python -m benchmarks.step {' '.join(arguments)}".strip(), lines)


if __name__ == "__main__":
    main(sys.argv[1:])
