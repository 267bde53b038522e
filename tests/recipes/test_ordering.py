"""A training by a recipe, from the order to the run: parts, options, predictions, and another kernel that goes on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

import nbtrain
from nbtrain import recipes, training
from nbtrain.core.errors import ConfigError, DataError
from nbtrain.core.events import SamplesMade
from nbtrain.recipes.base import Columns
from nbtrain.store import samples
from tests.halves import stopped
from tests.recipes.lines import Lines
from tests.waiting import reached


@pytest.fixture(autouse=True)
def lines():
    recipes.register(Lines())


@pytest.fixture
def frame():
    """y = 3a − 2b + 1, far from the origin."""
    draw = np.random.default_rng(0)
    a, b = draw.normal(50, 5, 200), draw.normal(-3, 2, 200)
    return pd.DataFrame({"a": a, "b": b, "y": 3 * a - 2 * b + 1})


def train(frame, **options: Any):
    usual: dict[str, Any] = {
        "epochs": 40, "optimizer": "sgd", "learning_rate": 0.05, "batch_size": 16, "weight_decay": 0.0,
        "max_grad_norm": 0}
    return training.train(None, frame, recipe="lines", show=False, **usual | options)


def test_a_recipe_makes_model_and_data_and_predicts_rows_as_they_come(frame):
    run = train(frame)
    assert run.wait() == "finished"
    assert run.name == "line"
    assert run.config["recipe"] == "lines"
    assert run.warnings == ["This is a line."]
    new = frame.iloc[:5].drop(columns="y")
    assert run.predict(new).shape == (5,)
    assert run.predict(new).numpy() == pytest.approx(frame.y[:5].to_numpy(), abs=2.0)
    assert run.evaluate(frame)["loss"] == pytest.approx(run.evaluate(frame.iloc[::-1])["loss"])


def test_the_rows_are_apart_before_anything_is_learnt_from_them(frame):
    made = nbtrain.ordering.ordered(None, frame, Columns(), {"recipe": "lines", "validation": 0.2, "test": 0.1})
    assert made is not None
    parts = made.order.parts
    assert parts.validation is not None
    assert parts.test is not None
    counts = [part.rows() for part in (parts.train, parts.validation, parts.test)]
    assert sum(counts) == parts.whole.rows() == 200
    assert counts[1:] == [pytest.approx(40, abs=12), pytest.approx(20, abs=10)]
    fitted = made.prepared().fitted
    assert fitted["mean"] == pytest.approx([
        np.mean(parts.train.batches(["a"]).__next__()["a"].to_numpy()),
        np.mean(parts.train.batches(["b"]).__next__()["b"].to_numpy())], rel=1e-5)


def test_validation_rows_may_be_handed_in_and_then_all_of_the_data_is_trained_on(frame):
    run = train(frame.iloc[:150], validation=frame.iloc[150:], epochs=1)
    run.wait()
    assert run.total_steps == -(-150 // 16)
    assert "val_loss" in run.history


def test_a_split_of_the_dataset_goes_before_the_options(frame):
    dataset = nbtrain.load_dataset(frame, name="split")
    dataset.split(train=0.5, validation=0.25, test=0.25)
    run = train(dataset, epochs=1, validation=0.1)
    run.wait()
    assert run.total_steps == pytest.approx(100 / 16, abs=2)
    assert run.evaluate()["loss"] > 0  # on the test part


def test_samples_are_kept_after_each_epoch_and_change_nothing(frame):
    run, without = train(frame, epochs=3), train(frame, epochs=3, sample_every=0)
    run.wait()
    without.wait()
    assert [event.epoch for event in run.events if isinstance(event, SamplesMade)] == [1, 2, 3]
    assert [(kept.epoch, kept.title, kept.path.read_text()) for kept in samples.kept(run.folder)] == [
        (1, "slope", "1"), (2, "slope", "2"), (3, "slope", "3")]
    assert samples.kept(without.folder) == []
    assert torch.equal(run.model.weight, without.model.weight)


def test_another_kernel_goes_on_to_the_same_bits(frame, tmp_path):
    whole = train(frame, epochs=200)
    whole.wait()
    run = stopped(train, frame, after=20, epochs=200)
    code = f"""
        import json, torch, nbtrain
        from nbtrain import recipes, training
        from tests.recipes.lines import Lines
        recipes.register(Lines())
        run = training.resume({run.id!r}, show=False)
        run.wait()
        weights = {{"weight": run.model.weight.tolist(), "bias": run.model.bias.tolist()}}
        print(json.dumps({{"resumed": run.resumed, **weights}}))
    """
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", textwrap.dedent(code)], check=False, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(Path.cwd())})
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["resumed"] == {"exact": True, "reasons": []}
    assert torch.equal(torch.tensor(told["weight"]), whole.model.weight)
    assert torch.equal(torch.tensor(told["bias"]), whole.model.bias)


def test_what_is_wrong_is_said_before_anything_starts(frame):
    with pytest.raises(DataError, match="There is no column 'z'; there are: a, b, y"):
        train(frame, target="z")
    with pytest.raises(ConfigError, match="There is no recipe 'line'; did you mean 'lines'"):
        training.train(None, frame, recipe="line", show=False)
    with pytest.raises(DataError, match="a data frame or rows by name, and the data is a tuple"):
        training.train(None, (np.zeros((3, 2)), np.zeros(3)), recipe="lines", show=False)
    with pytest.raises(ConfigError, match="text='a' is for a recipe, and the recipe is 'custom'"):
        training.train(nn.Linear(2, 1), frame, text="a", recipe="custom", show=False)
    assert training.runs() == []


def test_it_is_chosen_by_itself_where_model_and_data_can_mean_nothing_else(frame):
    run = training.train("line", frame, show=False, epochs=1)
    run.wait()
    assert run.config["recipe"] == "lines"
    plain = training.train(nn.Linear(2, 1), frame, show=False, epochs=1)
    plain.wait()
    assert plain.config["recipe"] == "auto"
    assert plain.wait() == "finished"


def test_options_of_another_recipe_are_told(frame):
    with pytest.raises(ConfigError, match=r"window belongs to the recipe 'timeseries', and this .* by 'custom'"):
        training.train(nn.Linear(2, 1), frame, window=32, show=False)
    with pytest.raises(ConfigError, match=r"lora_rank belongs to the recipes .* and this training is by 'tabular'"):
        training.train(None, frame, recipe="tabular", lora_rank=4, show=False)
    assert training.runs() == []


def test_a_recipe_cannot_take_the_name_of_ours():
    class Mine(Lines):
        name: ClassVar[str] = "custom"

    with pytest.raises(ConfigError, match="nbtrain has a recipe called 'custom'; give yours another name"):
        recipes.register(Mine())


def test_a_registered_model_goes_on_by_its_recipe_and_answers_by_it(frame):
    rows = frame.assign(kind=np.where(frame.a > 50, "high", "low")).drop(columns="y")
    run = training.train("tabular-mlp", rows, target="kind", recipe="tabular", epochs=1, show=False)
    run.wait()
    run.register("kinds")
    said = nbtrain.models.predict("kinds", {"a": 51.0, "b": -2.0})
    assert {guess["label"] for guess in said["guesses"]} == {"high", "low"}
    again = training.train("kinds", rows, target="kind", epochs=1, show=False)
    again.wait()
    assert again.config["recipe"] == "tabular"
    assert again.history["val_accuracy"].values[-1] > 0.5


def test_rows_of_one_group_come_into_one_part(frame):
    made = nbtrain.ordering.ordered(
        None, frame.assign(patient=np.arange(200) // 20), Columns(group="patient"), {"recipe": "lines", "test": 0.2})
    assert made is not None
    parts = [made.order.parts.train, made.order.parts.validation, made.order.parts.test]
    patients = [set(next(part.batches(["patient"]))["patient"].to_pylist()) for part in parts if part is not None]
    assert sum(map(len, patients)) == len(set.union(*patients)) == 10


def test_answers_go_back_to_the_rows_of_a_frame(frame):
    run = training.train(None, frame, recipe="tabular", target="y", epochs=1, show=False)
    run.wait()
    shuffled = frame.sample(50, random_state=1)
    answers = run.predict(shuffled)
    assert answers.index.equals(shuffled.index)
    assert answers.prediction[shuffled.index[3]] == pytest.approx(
        run.predict(frame.loc[[shuffled.index[3]]]).prediction.iloc[0], rel=1e-4)


def test_a_fork_takes_over_what_was_prepared_and_says_what_it_cannot_change(frame):
    run = training.train(None, frame, recipe="tabular", target="y", epochs=1, show=False)
    run.wait()
    with pytest.raises(ConfigError, match="seed went into what the recipe prepared"):
        run.fork(seed=7)
    with pytest.raises(ConfigError, match="class_weights went into what the recipe prepared"):
        run.fork(class_weights="balanced")
    branch = run.fork(epochs=2, learning_rate=1e-4)
    assert branch.wait() == "finished"


def test_validation_rows_that_were_handed_in_are_asked_for_again_in_another_kernel(frame):
    run = training.train(
        None, frame.iloc[:150], recipe="tabular", target="y", validation=frame.iloc[150:], epochs=400, show=False)
    reached(run, 3)
    run.stop()
    training._known.pop(run.id)  # as another kernel finds it
    with pytest.raises(DataError, match="The run had validation data of its own, which must be handed in again"):
        training.resume(run.id, show=False)
    again = training.resume(run.id, validation=frame.iloc[150:], show=False)
    again.stop()
    assert again.resumed == {"exact": True, "reasons": []}
