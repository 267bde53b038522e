"""What a training would be: found out by doing its beginning, with nothing left behind."""

from __future__ import annotations

import copy
import multiprocessing
import time
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest
import torch

import nbtrain
from nbtrain import recipes, training
from nbtrain.core.errors import CancelledError, ConfigError, DataError, ModelError, ModelNotFoundError
from nbtrain.core.tasks import Progress
from nbtrain.engine.randomness import stream_seed
from nbtrain.foreseen import foresee
from nbtrain.launcher import NotebookLauncher
from tests.recipes.lines import Lines


@pytest.fixture
def data():
    x = np.random.default_rng(0).normal(size=(200, 4)).astype("float32")
    return x, (x[:, 0] > 0).astype("int64")


def asked(model: Any, data: Any, columns: dict[str, Any] | None = None, **options: Any):
    return foresee(model, data, columns or {}, {"device": "cpu", **options}, Progress())


def test_a_module_of_the_users_is_told_of_and_left_as_it_is(data):
    net = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.BatchNorm1d(8), torch.nn.Linear(8, 2))
    before = copy.deepcopy(net.state_dict())
    told = asked(net, data, epochs=5, batch_size=10, validation=0.2, test=0.1, gradient_accumulation_steps=3)
    assert (told["model"], told["recipe"]) == ("Sequential", "custom")
    assert told["parameters"] == sum(p.numel() for p in net.parameters())
    assert told["rows"] == {"train": 140, "validation": 40, "test": 20}
    assert told["steps"] == 5 * 5
    assert told["seconds"] is not None
    assert told["seconds"] > 0
    assert told["device"] == "RAM"
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    assert net.training
    assert training.runs() == []
    run = nbtrain.train(net, data, epochs=1, show=False)  # nobody holds the module
    run.wait()


def test_steps_are_those_of_the_run(data):
    options: dict[str, Any] = {"epochs": 3, "batch_size": 7, "validation": 0.3, "gradient_accumulation_steps": 2}
    told = asked(torch.nn.Linear(4, 2), data, **options)
    run = nbtrain.train(torch.nn.Linear(4, 2), data, show=False, **options)
    run.wait()
    assert told["steps"] == run.total_steps


def test_memory_counts_weights_gradients_the_optimizer_and_activations(data):
    def net():
        return torch.nn.Sequential(torch.nn.Linear(4, 5000), torch.nn.ReLU(), torch.nn.Linear(5000, 2))

    weights = 4 * sum(p.numel() for p in net().parameters())
    of = {name: asked(net(), data, optimizer=name, momentum=0.0, batch_size=1)["memory"] for name in ("sgd", "adamw")}
    assert of["sgd"] == pytest.approx(2 * weights, rel=0.2)
    assert of["adamw"] - of["sgd"] == pytest.approx(2 * weights, rel=0.01)
    large = asked(net(), data, optimizer="sgd", momentum=0.0, batch_size=128)["memory"]
    assert large - of["sgd"] == pytest.approx(127 * 5000 * 4, rel=0.3), "the hidden layer of each row"


class Slow(torch.nn.Module):
    """A teacher whose answers take their time."""

    def __init__(self, seconds: float = 0.05) -> None:
        super().__init__()
        self.layer, self.seconds, self.asked = torch.nn.Linear(4, 2), seconds, 0
        self.heavy = torch.nn.Linear(500, 500)  # a megabyte, which nothing else here comes near

    def forward(self, x):
        self.asked += 1
        time.sleep(self.seconds)
        return self.layer(x)


def test_a_teacher_takes_memory_and_time_and_what_it_says_of_each_row_is_asked_once(data, monkeypatch):
    teacher = Slow(0.2)  # long beside a step of a busy machine
    monkeypatch.setattr("nbtrain.foreseen.teacher_of", lambda module, config, given: teacher)  # one by name, loaded
    options: dict[str, Any] = {"epochs": 10, "batch_size": 10, "validation": 0.0}
    kept = asked(torch.nn.Linear(4, 2), data, **options)
    assert kept["seconds"] >= 20 * 0.2, "each of the 20 batches once"
    assert teacher.asked < 20, "not all rows are asked for a forecast"
    changing = asked(torch.nn.Linear(4, 2), data, gaussian_noise_std=0.1, **options)
    assert changing["seconds"] >= 200 * 0.2, "in each of 200 steps"
    assert kept["seconds"] < changing["seconds"] / 2
    weights = 4 * sum(p.numel() for p in teacher.parameters())
    monkeypatch.undo()
    alone = asked(torch.nn.Linear(4, 2), data, **options)
    assert kept["memory"] - alone["memory"] >= weights + 200 * 2 * 4
    assert not teacher.layer.weight.grad
    assert kept["steps"] == alone["steps"] == 200


def test_a_registered_teacher_is_found_by_its_name_and_one_of_other_classes_refused(data):
    run = nbtrain.train(torch.nn.Linear(4, 2), data, epochs=1, show=False)
    run.wait()
    known = nbtrain.train("mlp", data, epochs=1, show=False)
    known.wait()
    known.register("teacher")
    told = asked(torch.nn.Linear(4, 2), data, teacher="teacher")
    assert told["memory"] > asked(torch.nn.Linear(4, 2), data)["memory"]
    with pytest.raises(ModelError, match="same classes"):
        asked(torch.nn.Linear(4, 3), data, teacher="teacher")
    with pytest.raises(ModelNotFoundError):
        asked(torch.nn.Linear(4, 2), data, teacher="nobody")


def test_processes_are_tried_and_each_takes_memory(data):
    def net():
        return torch.nn.Sequential(torch.nn.Linear(4, 5000), torch.nn.ReLU(), torch.nn.Linear(5000, 2))

    weights = 4 * sum(p.numel() for p in net().parameters())
    one, two = (asked(net(), data, multi_gpu=count, batch_size=10) for count in (0, 2))
    assert two["memory"] - one["memory"] == pytest.approx(2 * weights, rel=0.1), "the weights and gradients of another"
    assert two["steps"] == one["steps"]
    assert two["seconds"] > 0
    assert any("2 processes" in note for note in two["notes"])
    assert multiprocessing.active_children() == []


def test_data_of_one_batch_takes_its_time_too(data):
    told = asked(Slow(), data, epochs=4, batch_size=200, validation=0.0)
    assert told["steps"] == 4
    assert told["seconds"] >= 4 * 0.05


def test_a_recipe_says_what_it_makes_of_the_data():
    recipes.register(Lines())
    draw = np.random.default_rng(0)
    frame = pd.DataFrame({"a": draw.normal(size=100), "b": draw.normal(size=100)})
    frame["y"] = 3 * frame.a
    told = asked(None, frame, {"target": "y", "features": ["a"]}, recipe="lines", validation=0.2)
    assert (told["model"], told["recipe"], told["parameters"]) == ("line", "lines", 3)
    assert sum(told["rows"].values()) == 100
    assert "This is a line." in told["notes"]


class Shown(Lines):
    """Shows samples that take their time, or fail."""

    name: ClassVar[str] = "shown"

    def prepare(self, order, fitted=None):
        return replace(super().prepare(order, fitted), samples=self.sample)

    @staticmethod
    def sample(model, epoch):
        time.sleep(0.05)
        return []


def test_samples_that_will_be_made_take_their_time_and_those_that_fail_are_told(monkeypatch):
    recipes.register(Shown())
    draw = np.random.default_rng(0)
    frame = pd.DataFrame({"a": draw.normal(size=50), "y": draw.normal(size=50)})
    told = asked(None, frame, {"target": "y"}, recipe="shown", epochs=20, sample_every=2, validation=0.0)
    assert told["seconds"] >= 10 * 0.05
    monkeypatch.setattr(Shown, "sample", lambda self, model, epoch: [1 / 0])
    told = asked(None, frame, {"target": "y"}, recipe="shown", epochs=20, validation=0.0)
    assert "There will be no samples: ZeroDivisionError: division by zero" in told["notes"]


class Keeping(torch.nn.Linear):
    """It keeps what it gave last."""

    def forward(self, x):
        self.last = super().forward(x)
        return self.last


def test_a_model_that_cannot_be_copied_is_told_of_in_a_sentence(data):
    net = Keeping(4, 2)
    nbtrain.train(net, data, epochs=1, show=False).wait()
    net(torch.zeros(3, 4))
    with pytest.raises(ModelError, match=r"The model Keeping cannot be copied \(.*\); a forecast needs a copy"):
        asked(net, data)
    del net.last
    assert asked(net, data)["parameters"] == 10


def test_what_is_no_model_is_refused_as_when_it_starts(data):
    with pytest.raises(ModelError, match="The model is a dict"):
        asked({}, data)


def test_a_model_in_training_is_copied_between_two_steps(data, monkeypatch):
    seeds = []

    def copied(memo):
        seeds.append(torch.initial_seed())
        return torch.nn.Linear(4, 2)

    net = torch.nn.Linear(4, 2)
    monkeypatch.setattr(net, "__deepcopy__", copied, raising=False)
    asked(net, data)
    assert seeds == [stream_seed(0, "copy")], "it waits for its turn, as a step does"


def test_what_is_wrong_is_said_as_when_it_starts(data):
    with pytest.raises(DataError, match="201"):
        asked(torch.nn.Linear(4, 2), (data[0], np.zeros(201)))
    with pytest.raises(ConfigError, match="no metric 'val_nonsense'"):
        asked(torch.nn.Linear(4, 2), data, monitor="val_nonsense")


def test_it_can_be_called_off(data):
    progress = Progress()
    progress.cancel()
    with pytest.raises(CancelledError):
        foresee(torch.nn.Linear(4, 2), data, {}, {}, progress)


def test_data_without_a_length_has_no_end_to_foresee():
    class Stream(torch.utils.data.IterableDataset[Any]):
        def __iter__(self):
            return iter([(torch.zeros(4), 0), (torch.ones(4), 1)] * 20)

    told = asked(torch.nn.Linear(4, 2), Stream(), scheduler="constant", validation=0.0)
    assert (told["steps"], told["seconds"]) == (None, None)
    assert told["memory"] is not None


def test_the_launcher_does_it_beside_and_names_what_the_form_chose(data, monkeypatch):
    held = {"net": torch.nn.Linear(4, 2), "X": data[0], "y": data[1]}
    monkeypatch.setattr("nbtrain.launcher.namespace", lambda: held)
    launcher = NotebookLauncher()
    task = launcher.foresee({"epochs": 2, "device": "cpu"}, "net", "X, y")
    assert task.wait(60)["model"] == "Linear"
    with pytest.raises(ConfigError, match="epochs"):
        launcher.foresee({"epochs": 0}, "net", "X, y")
    with pytest.raises(ConfigError, match="No model was chosen"):
        launcher.foresee({"recipe": "custom"}, None, "X, y")
    with pytest.raises(ConfigError, match="'colour' is nothing a column can be"):
        launcher.start({}, "net", "X, y", {"colour": "x"})


def test_the_launcher_tells_columns_and_keeps_what_was_said(data):
    frame = pd.DataFrame({"a": [1.0, 2.0], "when": pd.to_datetime(["2024-01-01", "2024-01-02"]), "label": ["x", "y"]})
    nbtrain.load_dataset(frame, name="rows")
    told = {each["name"]: each["kind"] for each in NotebookLauncher().columns("dataset:rows")}
    assert told == {"a": "number", "when": "date", "label": "text"}
    bound = NotebookLauncher(torch.nn.Linear(4, 2), frame, {"recipe": "timeseries", "batch_size": 7})
    assert [each["name"] for each in bound.columns(None)] == ["a", "when", "label"]
    assert NotebookLauncher(torch.nn.Linear(4, 2), data).columns(None) == []
    defaults = bound.defaults()
    assert (defaults["recipe"], defaults["batch_size"], defaults["epochs"]) == ("timeseries", 7, 10)
