"""Losses of several parts, steps of the user's own, and parts in history and validation."""

from __future__ import annotations

import json
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.functional import mse_loss

from nbtrain import training
from nbtrain.core.errors import ConfigError, DataError, ModelError
from nbtrain.engine.batch import Batch
from nbtrain.engine.checkpoint import CheckpointFolder
from nbtrain.engine.objective import Objective

ROWS = 64


class TwoHeads(nn.Module):
    """A number and a class."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.trunk, self.size, self.kind = nn.Linear(4, 8), nn.Linear(8, 1), nn.Linear(8, 3)

    def forward(self, x):
        h = self.trunk(x).relu()
        return {"size": self.size(h)[:, 0], "kind": self.kind(h)}


def data():
    draw = torch.Generator().manual_seed(0)
    x = torch.randn(ROWS, 4, generator=draw)
    return x, {"size": x.sum(1), "kind": x[:, :3].argmax(1)}


def train(model, given, **options):
    usual: dict[str, Any] = {"epochs": 2, "batch_size": 16, "show": False, "scheduler": "constant"}
    run = training.train(model, given, **usual | options)
    run.wait()
    return run


def test_losses_by_name_are_summed_by_weight_and_each_is_logged():
    run = train(TwoHeads(), data(), loss={"size": "mse", "kind": "cross_entropy"}, loss_weights={"size_loss": 0.25})
    parts = [run.history[name].values for name in ("size_loss", "kind_loss")]
    assert len(parts[0]) == run.step == 8
    assert run.history["loss"].values == pytest.approx(0.25 * parts[0] + parts[1], rel=1e-5)
    checked = {name: run.history[f"val_{name}"].values for name in ("loss", "size_loss", "kind_loss")}
    assert checked["loss"] == pytest.approx(0.25 * checked["size_loss"] + checked["kind_loss"], rel=1e-5)
    figures = run.evaluate()
    assert figures["loss"] == pytest.approx(0.25 * figures["size_loss"] + figures["kind_loss"], rel=1e-5)
    assert figures["kind_loss"] == pytest.approx(checked["kind_loss"][-1], rel=1e-5)


def test_a_step_of_ones_own_gives_loss_parts_and_output():
    def step(model, batch):
        output = model(batch.inputs)
        error = mse_loss(output, batch.target)
        return {"loss": error + 0.1 * output.square().mean(), "error": error, "output": output}

    torch.manual_seed(0)
    x = torch.randn(ROWS, 4)
    run = train(nn.Linear(4, 1), (x, x.sum(1, keepdim=True)), step=step, metrics=["mae"])
    assert {"loss", "error", "val_loss", "val_error", "val_mae"} <= set(run.history.names)
    assert (run.history["loss"].values > run.history["error"].values).all()
    assert run.predict(x[:3]).shape == (3, 1)


def test_parts_are_means_over_accumulated_batches():
    """Four batches of 4 and one of 16 give the same parts and the same weights."""
    runs = [
        train(TwoHeads(), data(), loss={"size": "mse", "kind": "cross_entropy"}, validation=0, batch_size=16 // pieces,
              gradient_accumulation_steps=pieces) for pieces in (1, 4)]
    for name in ("loss", "size_loss", "kind_loss"):
        one, four = (run.history[name].values for run in runs)
        assert four == pytest.approx(one, rel=1e-5)
    one, four = (run.model.trunk.weight for run in runs)
    assert torch.allclose(one, four, atol=1e-6)


@pytest.mark.parametrize(("found", "message"), [
    ({"a": 1.0}, "its part 'a' is not a tensor of one number"),
    ({"a": torch.ones(3)}, "its part 'a' is not a tensor of one number"),
    ({}, "it is a dict, not a tensor of one number"),
    (None, "it is a NoneType, not a tensor of one number"),
])
def test_what_is_no_loss_is_told(found, message):
    with pytest.raises(ModelError, match=message):
        Objective(lambda output, target: found)(nn.Linear(2, 2), Batch(torch.ones(1, 2), None, 1))


def test_a_weight_of_a_loss_that_is_not_there_is_told():
    with pytest.raises(ModelError, match=r"names 'sise_loss', which .* for the first batch; it gives: size"):
        train(TwoHeads(), data(), loss={"size": "mse", "kind": "cross_entropy"}, loss_weights={"sise_loss": 1.0})


def test_names_that_do_not_fit_are_told_before_the_start():
    with pytest.raises(ModelError, match="loss names 'age', which is no output; as output there is: size, kind"):
        train(TwoHeads(), data(), loss={"age": "mse"})
    x, target = data()
    with pytest.raises(DataError, match="loss names 'kind', which is no target; as target there is: size"):
        train(TwoHeads(), (x, {"size": target["size"]}), loss={"size": "mse", "kind": "cross_entropy"})
    with pytest.raises(ConfigError, match="A step of your own takes the place"):
        train(TwoHeads(), data(), step=lambda model, batch: 0, loss="mse")
    with pytest.raises(ConfigError, match="recipe is 'tabular', and a step of your own takes the place of a recipe"):
        train(TwoHeads(), data(), step=lambda model, batch: 0, recipe="tabular")
    with pytest.raises(ConfigError, match="window belongs to the recipe 'timeseries'"):
        train(TwoHeads(), data(), step=lambda model, batch: 0, window=9)
    with pytest.raises(ConfigError, match="time='when' is for a recipe"):
        train(TwoHeads(), data(), step=lambda model, batch: 0, time="when")
    with pytest.raises(ConfigError, match=r"distill_alpha is 0\.9, but there is no teacher to learn from; say which"):
        train(nn.Linear(4, 3), (data()[0], data()[1]["kind"]), distill_alpha=0.9)
    with pytest.raises(ModelError, match="The loss does not depend on the parameters"):
        train(TwoHeads(), data(), step=lambda model, batch: batch.inputs.sum())
    with pytest.raises(ModelError, match="The step cannot be done: ZeroDivisionError"):
        train(TwoHeads(), data(), step=lambda model, batch: 1 / 0)
    assert training.runs() == []


def test_what_would_do_nothing_or_come_out_wrong_is_told_before_the_start():
    x, y = data()[0], data()[1]["kind"]
    net = nn.Linear(4, 3)
    with pytest.raises(ModelError, match="loss_weights weigh losses by name, and this loss is one number"):
        train(net, (x, y), loss_weights={"a": 3.0})
    with pytest.raises(ModelError, match="Metrics were asked for, and the step does not give the model's output"):
        train(net, (x, y), step=lambda model, batch: model(batch.inputs).square().mean(), metrics=["accuracy"])
    with pytest.raises(ModelError, match=r"it is a tensor of shape \(16, 3\), not a tensor of one number"):
        train(net, (x, y), step=lambda model, batch: model(batch.inputs).square())
    with pytest.raises(ModelError, match="A part of the loss cannot be called 'grad_norm'"):
        train(net, (x, y), step=lambda model, batch: {"grad_norm": model(batch.inputs).square().mean()})
    assert training.runs() == []


def test_a_part_can_be_monitored():
    run = train(TwoHeads(), data(), loss={"size": "mse", "kind": "cross_entropy"}, monitor="val_size_loss")
    assert "val_size_loss" in run.history


def sometimes(model, batch):
    """Of rows whose first number is above 0 there is a second part of the loss; a batch may have none of them."""
    output, rows = model(batch.inputs), batch.inputs[:, 0] > 0
    parts = {"all": mse_loss(output, batch.target)}
    if rows.any():
        parts["some"] = batch.inputs[:, 1].mean() + 0 * output.sum()
    return parts


def mixed():
    """Batches of 4 in turns: the second part comes in every other one, and is 1, 2, …"""
    x = torch.zeros(32, 4)
    x[:, 0] = torch.tensor([1.0, -1.0]).repeat_interleave(4).repeat(4)
    x[:, 1] = torch.arange(8).repeat_interleave(4) // 2 + 1
    return x, torch.ones(32, 1)


def test_a_part_that_comes_in_some_batches_only_is_the_mean_over_their_rows():
    x, y = mixed()
    run = train(
        nn.Linear(4, 1), (x, y), validation=(x, y), step=sometimes, batch_size=4, monitor="val_some",
        loss_weights={"some": 0.5}, early_stopping=False)
    assert run.state == "finished", run.error
    assert run.history["val_some"].values == pytest.approx([2.5, 2.5])
    assert run.evaluate((x, y))["some"] == pytest.approx(2.5)
    assert len(run.history["some"]) < len(run.history["all"].values) == 16
    assert run.history["val_loss"].values == pytest.approx(run.history["val_all"].values + 0.5 * 2.5 / 2)


@pytest.mark.parametrize("options", [{}, {"multi_gpu": 2}])
def test_a_part_of_some_pieces_of_a_batch_is_the_mean_over_the_rows_of_those(options):
    x, y = mixed()
    x[:, 1] = 3.0
    pieces = torch.utils.data.TensorDataset(x, y)
    loader = torch.utils.data.DataLoader(pieces, batch_size=4, shuffle=False)
    run = train(
        nn.Linear(4, 1), loader, step=sometimes, gradient_accumulation_steps=4, batch_size=4, epochs=1, **options)
    assert run.state == "finished", run.error
    assert run.history["some"].values == pytest.approx([3.0, 3.0])


def test_an_epoch_without_the_part_gone_by_is_no_better_one():
    """The training loss, which is another thing, does not stand in for it."""
    x, y = mixed()
    epochs: list[bool] = []

    def step(model, batch):
        parts = sometimes(model, batch)
        if not model.training and len(epochs) > 1:
            parts.pop("some", None)
        return parts

    class Counting(nn.Linear):
        def train(self, mode=True):
            epochs.extend([mode] * mode)
            return super().train(mode)

    run = train(
        Counting(4, 1), (x, y), validation=(x, y), step=step, batch_size=4, monitor="val_some", epochs=3,
        loss_weights={"some": 0.0}, early_stopping=False)
    assert run.state == "finished", run.error
    assert run.history["val_some"].steps.tolist() == [8]
    last = CheckpointFolder(run.folder / "checkpoints").generations()[-1]
    assert json.loads((last.path / "state.json").read_text())["state"]["stopping"] == {
        "best": 2.5, "best_step": 8, "waited": 0}


def test_a_figure_to_go_by_that_is_not_measured_is_told_once():
    x, y = mixed()

    def step(model, batch):
        loss = mse_loss(model(batch.inputs), batch.target)
        return {"all": loss, "extra": loss} if torch.is_grad_enabled() else {"all": loss}

    run = train(
        nn.Linear(4, 1), (x, y), validation=(x, y), step=step, batch_size=4, monitor="val_extra", early_stopping=True,
        patience=1, epochs=3)
    (said,) = [line for line in run.warnings if "val_extra" in line]
    assert said.startswith("val_extra, which the run goes by, was not measured after epoch 1;")
    assert "train_loss, val_all, val_loss" in said
