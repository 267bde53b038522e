"""The loop computes what a loop written by hand computes, and every option acts."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset

from nbtrain.core.events import CheckpointSaved, EpochEnd
from nbtrain.engine.checkpoint import CheckpointFolder
from tests.engine import toys

OPTIMIZERS = ["adam", "adamw", "sgd", "rmsprop", "lamb", "adafactor"]
SCHEDULERS = [
    "constant",
    "linear",
    "cosine",
    "cosine_with_restarts",
    "exponential",
    "step",
    "polynomial",
    "inverse_sqrt",
]


def close(model: nn.Module, other: nn.Module, tolerance: float = 1e-6) -> bool:
    pairs = zip(model.parameters(), other.parameters(), strict=True)
    return all(torch.allclose(mine, theirs, rtol=tolerance, atol=tolerance) for mine, theirs in pairs)


# -- against a loop written by hand ------------------------------------------------------------


@pytest.mark.parametrize("clip", [0.0, 0.1])
def test_a_run_is_the_loop_everybody_would_write(clip):
    options: dict[str, Any] = {"epochs": 3, "batch_size": 16, "seed": 5, "max_grad_norm": clip, "validation": 0.15}
    mine, theirs = toys.plain_net(), toys.plain_net()
    run = toys.trained(
        mine, optimizer="sgd", momentum=0.9, learning_rate=0.05, weight_decay=0.0, scheduler="constant", **options
    )
    losses = toys.bare_loop(
        theirs, toys.data(), lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9), rate=lambda *_: 0.05, **options
    )
    assert np.allclose(run.history["loss"].values, losses, rtol=1e-6, atol=1e-6)
    assert close(mine, theirs)
    assert run.step == len(losses) == run.total_steps


def test_adamw_with_a_cosine_is_the_loop_everybody_would_write():
    options: dict[str, Any] = {"epochs": 2, "batch_size": 32, "max_grad_norm": 1.0, "validation": 0.0}
    mine, theirs = toys.plain_net(), toys.plain_net()
    run = toys.trained(mine, weight_decay=0.0, learning_rate=0.01, scheduler="cosine", **options)
    losses = toys.bare_loop(
        theirs,
        toys.data(),
        lambda p: torch.optim.AdamW(p, weight_decay=0.0),
        rate=lambda step, total: 0.01 * 0.5 * (1 + math.cos(math.pi * step / total)),
        **options,
    )
    assert np.allclose(run.history["loss"].values, losses, rtol=1e-6, atol=1e-6)
    assert close(mine, theirs)


def test_gradients_of_four_micro_batches_are_those_of_one_batch():
    one, four = toys.plain_net(), toys.plain_net()
    options: dict[str, Any] = {"epochs": 2, "optimizer": "sgd", "learning_rate": 0.05, "seed": 1, "validation": 0.0}
    given = toys.data(250)  # the last group of an epoch has 16, 16, 16 and 10 rows: each row counts the same
    whole = toys.trained(one, given, batch_size=64, **options)
    parts = toys.trained(four, given, batch_size=16, gradient_accumulation_steps=4, **options)
    assert whole.step == parts.step == 8
    assert close(one, four)
    assert np.allclose(whole.history["loss"].values, parts.history["loss"].values, rtol=1e-6, atol=1e-6)


def test_weight_decay_shrinks_weights_and_leaves_biases_alone():
    model = nn.Linear(4, 1)
    nn.init.ones_(model.weight)
    nn.init.ones_(model.bias)
    inputs = torch.zeros(8, 4)  # so the gradient of the weights is zero, and only the decay moves them
    toys.trained(
        model,
        (inputs, torch.ones(8, 1)),
        loss="mse",
        epochs=1,
        batch_size=8,
        validation=0.0,
        optimizer="sgd",
        momentum=0.0,
        learning_rate=0.5,
        weight_decay=0.1,
        scheduler="constant",
    )
    assert torch.allclose(model.weight, torch.full((1, 4), 0.95))
    assert torch.allclose(model.bias, torch.ones(1))


# -- every option acts -------------------------------------------------------------------------


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_optimizer_learns_with_every_scheduler(optimizer):
    rate = 0.3 if optimizer == "adafactor" else 0.01  # its rate is a share of the weights' size
    for scheduler in SCHEDULERS:
        run = toys.trained(
            toys.net(dropout=0.0),
            epochs=2,
            batch_size=64,
            optimizer=optimizer,
            scheduler=scheduler,
            learning_rate=rate,
            warmup_steps=2,
        )
        losses = run.history["loss"].values
        assert losses[-2:].mean() < losses[:2].mean(), (optimizer, scheduler)
        assert run.history["learning_rate"].values[0] == pytest.approx(rate / 3)


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_mixed_precision_computes_in_fewer_bits_and_learns(precision):
    seen = set()
    model = toys.net(dropout=0.0)
    model[0].register_forward_hook(lambda module, args, output: seen.add(output.dtype))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's, about half precision on this processor
        run = toys.trained(model, epochs=4, batch_size=32, learning_rate=0.02, mixed_precision=precision)
    assert {"bf16": torch.bfloat16, "fp16": torch.float16}[precision] in seen
    losses = run.history["loss"].values
    assert losses[-4:].mean() < 0.8 * losses[:4].mean()
    assert all(p.dtype == torch.float32 for p in model.parameters())
    kept = CheckpointFolder(run.folder / "checkpoints").load()[0].state["scaler"]
    assert (kept is not None) == (precision == "fp16")


def test_validation_measures_the_averaged_weights_and_the_model_ends_with_them():
    model = toys.plain_net()
    run = toys.trained(model, epochs=2, use_ema=True, ema_decay=0.9, learning_rate=0.05)
    snapshot, _, _ = CheckpointFolder(run.folder / "checkpoints").load()
    averaged = {name.removeprefix("model."): tensor for name, tensor in snapshot.components["ema"].items()}
    assert all(torch.equal(averaged[name], parameter) for name, parameter in model.named_parameters())
    assert any(
        not torch.equal(snapshot.components["model"][name], averaged[name]) for name, _ in model.named_parameters()
    )
    assert run.evaluate()["loss"] == pytest.approx(run.history["val_loss"].values[-1], rel=1e-6)


def test_oversampling_balances_what_is_trained_on():
    counts = torch.zeros(3)
    model = toys.net()

    def counting(output, target):
        if model.training:
            counts.index_add_(0, target, torch.ones(len(target)))
        return nn.functional.cross_entropy(output, target)

    toys.trained(model, epochs=1, loss=counting)
    before = counts.clone()
    counts.zero_()
    toys.trained(model, epochs=1, loss=counting, use_oversampling=True, oversample_ratio=1.0)
    assert before.min() < 0.6 * before.max()
    assert counts.min() == counts.max() == before.max()


def test_noise_is_added_to_what_is_trained_on_and_not_to_what_is_validated():
    seen: dict[bool, list[torch.Tensor]] = {True: [], False: []}
    model = toys.plain_net()
    model.register_forward_pre_hook(lambda module, args: seen[module.training].append(args[0].clone()))
    inputs = torch.zeros(200, 8)
    toys.trained(model, (inputs, toys.data(200)[1]), epochs=1, gaussian_noise_std=0.5)
    noise = torch.cat(seen[True])
    assert noise.std() == pytest.approx(0.5, rel=0.1)
    assert not torch.cat(seen[False]).any()


@pytest.mark.parametrize("options", [{"label_smoothing": 0.2}, {"use_focal_loss": True}, {"dropout": 0.9}])
def test_what_regularises_changes_the_loss(options):
    plain, regularised = toys.trained(epochs=1), toys.trained(epochs=1, **options)
    assert plain.history["loss"].values[0] != regularised.history["loss"].values[0]


def test_gradients_are_clipped_and_their_norm_is_told_unclipped():
    model = toys.plain_net()
    before = [p.detach().clone() for p in model.parameters()]
    run = toys.trained(
        model,
        epochs=1,
        batch_size=256,
        validation=0.0,
        optimizer="sgd",
        momentum=0.0,
        weight_decay=0.0,
        learning_rate=1.0,
        scheduler="constant",
        max_grad_norm=0.01,
    )
    moved = torch.cat([(p.detach() - b).flatten() for p, b in zip(model.parameters(), before, strict=True)]).norm()
    assert run.step == 1
    assert moved.item() == pytest.approx(0.01, rel=1e-4)
    assert run.history["grad_norm"].values[0] > 0.05


def test_gradient_checkpointing_gives_the_same_weights_and_leaves_the_model_as_it_was():
    plain, frugal = toys.net(), toys.net()
    toys.trained(plain, epochs=1)
    toys.trained(frugal, epochs=1, gradient_checkpointing=True)
    assert toys.same_weights(plain, frugal)
    assert not any("forward" in module.__dict__ for module in frugal.modules())


# -- stopping and saving -----------------------------------------------------------------------


def test_early_stopping_ends_the_run_and_says_why():
    inputs, labels = toys.data()
    labels = labels[torch.randperm(len(labels), generator=torch.Generator().manual_seed(0))]  # nothing to be learnt
    run = toys.trained(given=(inputs, labels), epochs=200, early_stopping=True, patience=2, learning_rate=0.05)
    assert run.epoch < 200
    assert run.reason == "Early stopping: val_loss has not got better for 2 epochs."
    values = run.history["val_loss"].values
    assert values.argmin() == len(values) - 3
    assert run.progress == 1.0


def test_checkpoints_are_written_when_they_are_due_and_the_oldest_are_dropped():
    run = toys.trained(
        epochs=4, batch_size=51, checkpoint_every=3, save_frequency=2, keep_checkpoints=2, monitor="val_loss"
    )
    written = [(event.step, event.reason) for event in run.events if isinstance(event, CheckpointSaved)]
    assert run.step == 16
    assert written[0] == (0, "start")
    assert [step for step, reason in written if reason == "every"] == [3, 6, 9, 12, 15]
    assert [step for step, reason in written if reason == "epoch"] == [8, 16]
    assert written[-1] == (16, "end")
    kept = CheckpointFolder(run.folder / "checkpoints").generations()
    assert {generation.step for generation in kept if not generation.best} <= {15, 16}
    assert sum(generation.best for generation in kept) == 1


def test_figures_of_each_epoch_are_in_the_history_and_the_events():
    run = toys.trained(epochs=2, batch_size=51, metrics=["accuracy"])
    ends = [event for event in run.events if isinstance(event, EpochEnd)]
    assert [(end.step, end.epoch) for end in ends] == [(4, 1), (8, 2)]
    assert set(ends[0].metrics) == {"train_loss", "val_loss", "val_accuracy"}
    first = run.history["loss"].values[:4]
    assert ends[0].metrics["train_loss"] == pytest.approx(first.mean())
    assert run.history["val_accuracy"].steps.tolist() == [4, 8]
    assert list(run.history.frame().columns[:1]) == ["loss"] or "loss" in run.history.frame()


# -- data of every kind ------------------------------------------------------------------------


class Rows(Dataset[Any]):
    def __init__(self, inputs, labels):
        self.inputs, self.labels = inputs, labels

    def __len__(self):
        return len(self.inputs)

    def __getitem__(self, index):
        return self.inputs[index], self.labels[index]


class Stream(IterableDataset[Any]):
    def __init__(self, inputs, labels):
        self.inputs, self.labels = inputs, labels

    def __iter__(self):
        return iter(zip(self.inputs, self.labels, strict=True))


def kinds():
    inputs, labels = toys.data()
    frame = pd.DataFrame(inputs.numpy(), columns=[f"x{i}" for i in range(8)]).assign(target=labels.numpy())
    return {
        "tensors": (inputs, labels),
        "arrays": (inputs.numpy(), labels.numpy()),
        "lists": (inputs.tolist(), labels.tolist()),
        "frame": frame,
        "frame and series": (frame.drop(columns="target"), frame["target"]),
        "tensor dataset": TensorDataset(inputs, labels),
        "dataset": Rows(inputs, labels),
    }


@pytest.mark.parametrize("kind", list(kinds()))
def test_the_same_rows_in_any_form_train_to_the_same_bits(kind):
    expected, model = toys.net(), toys.net()
    toys.trained(expected, epochs=2)
    run = toys.trained(model, kinds()[kind], epochs=2)
    assert toys.same_weights(model, expected)
    assert "val_accuracy" in run.history


@pytest.mark.parametrize("workers", [0, 2])
def test_a_loader_trains_in_our_order_whatever_its_workers(workers):
    inputs, labels = toys.data()
    model, expected = toys.net(), toys.net()
    loader = DataLoader(Rows(inputs, labels), batch_size=32, shuffle=True, num_workers=workers)
    toys.trained(model, loader, epochs=2)
    toys.trained(expected, (inputs, labels), epochs=2, validation=0.0, batch_size=32)
    assert toys.same_weights(model, expected)


def test_a_stream_trains_with_a_constant_rate():
    run = toys.trained(given=Stream(*toys.data()), epochs=4, batch_size=32, scheduler="constant", learning_rate=0.02)
    assert run.total_steps is None
    assert run.step == 32
    assert run.progress == 1.0
    assert run.history["train_loss"].values[-1] < 0.9 * run.history["train_loss"].values[0]


def test_validation_data_of_its_own_is_used_whole():
    inputs, labels = toys.data()
    seen = []

    def rows(output, target):
        seen.append(len(target))
        return 0.0

    toys.trained(given=(inputs, labels), validation=toys.data(77, seed=9), metrics=[rows], epochs=1)
    assert sum(seen[1:]) == 77  # the first is the trial batch


def test_a_custom_loss_and_metric_are_what_is_computed():
    run = toys.trained(
        given=(torch.ones(64, 8), torch.zeros(64, dtype=torch.long)),
        loss=lambda output, target: output.square().mean() + 7,
        metrics=[lambda output, target: 42.0],
        epochs=1,
        validation=0.25,
    )
    assert run.history["loss"].values.min() > 7
    assert run.history["val_metric"].values[-1] == 42.0
