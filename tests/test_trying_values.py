"""Trying with values as people have them: series as they are pasted, rows of the training table, what is missing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

import nbtrain
from nbtrain import trying
from nbtrain.models.importing import open_model
from nbtrain.models.package import Package, Version
from nbtrain.models.registry import Registry
from nbtrain.run import Run


@pytest.fixture(autouse=True)
def nothing_held():
    trying.forget()
    yield
    trying.forget()


def learnt(data, model="mlp", **options) -> tuple[Run, Version]:
    """A run that has ended, and the version it registered."""
    run = nbtrain.train(model, data, batch_size=16, show=False, device="cpu", **{"epochs": 1, **options})
    run.wait()
    return run, run.register("tried", promote=False, weights="last").version


def told(said):
    return {each["label"]: each["probability"] for each in said["guesses"]}


def classified(steps, **columns):
    """A classifier that learnt from these columns, and its table."""
    rows = pd.DataFrame(columns)
    rows["label"] = np.where(np.arange(len(rows)) % 2, "yes", "no")
    run, version = learnt(nbtrain.load_dataset(rows, name="rows").process(*steps, target="label"))
    return run, version, rows


def same(run, version, row, **given):
    """Whether a row is tried as the run itself predicts it."""
    wanted = torch.softmax(run.predict([row]), 1)[0].tolist()
    found = told(trying.predict(version, given or row))
    assert [found["no"], found["yes"]] == pytest.approx(wanted, abs=1e-5)


# -- outputs ------------------------------------------------------------------------------------------


@pytest.fixture
def loads():
    """A run on windows of a series that was scaled, its version, and the series."""
    days = pd.date_range("2026-01-01", periods=120)
    rows = pd.DataFrame({"day": days, "load": 1000 + 100 * np.sin(np.arange(120) / 5)})
    given = nbtrain.load_dataset(rows, name="loads")
    given.split(method="time", time="day", train=0.7, validation=0.3, test=0)
    ready = given.process(
        {"step": "scale", "columns": ["load"]},
        {"step": "windows", "columns": ["load"], "target": "load", "time": "day", "window": 8}, target="load")
    return *learnt(ready, target="load_ahead", features=["load"]), rows


def test_a_forecast_of_a_scaled_series_is_in_the_units_of_the_series(loads):
    run, version, rows = loads
    center, scale = rows["load"][:84].mean(), rows["load"][:84].std(ddof=0)
    wanted = float(run.predict(rows.tail(8))) * scale + center
    (said,) = trying.predict(version, {"load": rows["load"].tail(8).tolist()})["values"]
    assert (said["name"], said["value"]) == ("load_ahead", pytest.approx(wanted, rel=1e-3))
    assert said["value"] > 500


def test_a_class_of_rare_values_is_one_of_the_classes():
    rng = np.random.default_rng(0)
    rows = pd.DataFrame({"a": rng.normal(size=150), "label": np.array(["mid", "low", "top"])[np.arange(150) % 3]})
    rows.loc[::30, "label"] = "rare"
    ready = nbtrain.load_dataset(rows, name="rare").process(
        {"step": "categories", "columns": ["label"], "rare": 10}, target="label")
    run, version = learnt(ready)
    said = trying.predict(version, {"a": 1})
    wanted = torch.softmax(run.predict([{"a": 1}]), 1)[0].tolist()
    assert said["values"] == []
    assert [told(said)[name] for name in ("low", "mid", "top", "other")] == pytest.approx(wanted, abs=1e-5)


class Brightness(nn.Module):
    """Gives the mean of each channel, the last axis."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(3))

    def forward(self, x):
        return x.mean((1, 2)) * self.weight


@pytest.mark.parametrize(("known", "wanted"), [
    ({"range": "0-255", "channels_last": True}, [200, 100, 50]),
    ({"channels_last": True}, [200 / 255, 100 / 255, 50 / 255])])
def test_an_image_has_the_range_and_the_axes_that_the_model_learnt_from(tmp_path, known, wanted):
    from PIL import Image  # noqa: PLC0415 - only here

    program = torch.export.export(Brightness(), (torch.zeros(1, 6, 4, 3),))
    with open_model(program) as package:
        inputs = {"kind": "image", "shape": [6, 4, 3], "dtype": "float32", **known}
        version = Registry().add(
            Package(replace(package.about, inputs=inputs), package.files), else_name="light")
    Image.new("RGB", (4, 6), (200, 100, 50)).save(tmp_path / "one.png")
    (asked,) = trying.form(version)["fields"]
    assert asked["type"] == "file"
    said = trying.predict(version, {"image": tmp_path / "one.png"})
    assert [each["value"] for each in said["values"]] == pytest.approx(wanted)
