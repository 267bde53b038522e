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
from nbtrain.core.errors import ConfigError, NbtrainError
from nbtrain.models import architectures
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
    wanted = float(run.predict(rows.tail(8)))
    (said,) = trying.predict(version, {"load": rows["load"].tail(8).tolist()})["values"]
    assert said["name"] == "load_ahead"
    assert said["value"] == pytest.approx(wanted, rel=1e-3)
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


# -- numbers as they are pasted -----------------------------------------------------------------------

_FOREIGN = str.maketrans("0123456789.", "۰۱۲۳۴۵۶۷۸۹٫")


def test_a_pasted_series_is_read_line_by_line_as_datasets_are(loads):
    _, version, rows = loads
    some = rows["load"].head(8).round(1).tolist()
    plain = [f"{value:.1f}" for value in some]
    grouped = [f"{value:,.1f}" for value in some]
    wanted = trying.predict(version, {"load": some})["values"]
    for pasted in (
            "\n".join(plain), "\n".join(plain).replace(".", ","), "\n".join(grouped),
            "\n".join(grouped).replace(",", " ").replace(".", ","), "\n".join(plain).translate(_FOREIGN),
            "[" + ",\n".join(plain) + "]", " ".join(grouped), ", ".join(plain)):
        assert trying.predict(version, {"load": pasted})["values"] == wanted, pasted


def test_what_may_be_other_numbers_than_were_meant_is_refused(loads):
    for line, sentence in (
            ("1 2", "2 numbers in one line"), ("1.5, 2.5", "2 numbers in one line"),
            ("1_0", "'1_0', which is no number"), ("1,038", "may be 1038 or 1.038"),
            ("1038,1\n1038.1", "which is no number"), ("1,2,3,4", "which is no number")):
        with pytest.raises(ConfigError, match=sentence):
            trying.predict(loads[1], {"load": "\n".join([line] * 8)})


def test_a_line_of_another_width_than_a_step_is_refused():
    net = architectures.build("lstm", features=2, outputs=1, hidden=4, layers=1, dropout=0.0).eval()
    with open_model(net) as package:
        version = Registry().add(package, else_name="net")
    with pytest.raises(ConfigError, match="A line has 4 numbers; each step has 2"):
        trying.predict(version, {"inputs": "1,5 2,5\n3 4"})


def test_one_number_is_read_as_datasets_are():
    _, version, _ = classified([{"step": "scale", "columns": ["x"]}], x=np.arange(60.0))
    wanted = trying.predict(version, {"x": 1038.5})["guesses"]
    for text in ("1038,5", "1,038.5", "۱٬۰۳۸٫۵", "1 038,5"):
        assert trying.predict(version, {"x": text})["guesses"] == wanted
    for text in ("1_0", "nan", "0x10", "1e999"):
        with pytest.raises(ConfigError, match="which is no number"):
            trying.predict(version, {"x": text})


# -- values of other sorts, and none ------------------------------------------------------------------


def test_a_switch_that_is_left_out_or_a_name_that_is_none_is_one_sentence():
    _, version, _ = classified(
        [{"step": "booleans", "columns": ["Smoker"]}], Smoker=np.arange(60) % 3 > 0, x=np.arange(60.0))
    with pytest.raises(ConfigError, match="'Smoker' is empty"):
        trying.predict(version, {"x": 1})
    with pytest.raises(ConfigError, match="There is no field 'smoker'; did you mean 'Smoker'"):
        trying.predict(version, {"x": 1, "smoker": True})
    wanted = trying.predict(version, {"x": 1, "Smoker": True})["guesses"]
    for said in (1, 1.0, "yes", np.True_, np.float32(1)):
        assert trying.predict(version, {"x": 1, "Smoker": said, "label": "any"})["guesses"] == wanted
    assert trying.predict(version, {"x": 1, "Smoker": False})["guesses"] != wanted
    with pytest.raises(ConfigError, match="it must be true or false"):
        trying.predict(version, {"x": 1, "Smoker": 2})


def test_none_in_place_of_values_is_one_sentence():
    _, version, _ = classified([{"step": "scale", "columns": ["x"]}], x=np.arange(60.0))
    for call in (trying.predict, trying.ask):
        with pytest.raises(ConfigError, match=r"The values are None; give a dict|'x' is empty"):
            call(version, None)  # type: ignore[arg-type]


def test_what_the_recipe_takes_is_taken():
    run, version, _ = classified(
        [{"step": "to_number", "columns": ["price"]}, {"step": "lowercase", "columns": ["town"]},
         {"step": "missing", "columns": ["x"]}, {"step": "dates", "columns": ["day"]},
         {"step": "categories", "columns": ["flag", "town", "zip"], "method": "one_hot"},
         {"step": "scale", "columns": ["price", "x"]}],
        price=[f"{number:,}.5" for number in range(900, 1020)], town=["Perm", "Qom"] * 60, zip=[101, 102, 103] * 40,
        flag=np.arange(120) % 3 > 0, day=pd.date_range("2026-01-01", periods=120), x=np.arange(120.0))
    row = {"price": "1,002.5", "town": "Perm", "zip": 102, "flag": True, "day": "2026-03-04", "x": 5.0}
    same(run, version, row)
    for other in (
            {"price": 1002.5}, {"town": "PERM"}, {"town": "perm"}, {"flag": False}, {"day": pd.Timestamp("2026-02-01")},
            {"x": None}, {"x": float("nan")}, {"town": None}, {"zip": None}, {"flag": None},
            {"price": np.float64(950)}):
        same(run, version, {**row, **other})
    same(run, version, row, **{**row, "flag": "True", "zip": "102"})
    for wrong, sentence in (({"town": "Rome"}, "choose one of: perm, qom"), ({"zip": "x"}, "choose one of: 101"),
                            ({"price": None}, "'price' is empty"), ({"day": ["a"]}, "must be a text")):
        with pytest.raises(ConfigError, match=sentence):
            trying.predict(version, {**row, **wrong})


def test_the_training_table_is_predicted_as_the_run_predicts_it(loads):
    run, version, rows = classified(
        [{"step": "to_number", "columns": ["price"]}, {"step": "categories", "columns": ["flag"], "method": "one_hot"},
         {"step": "missing", "columns": ["x"]}, {"step": "dates", "columns": ["day"]}],
        price=[f"{number}.5" for number in range(300)], flag=np.arange(300) % 3 > 0,
        x=np.where(np.arange(300) % 5, np.arange(300.0), np.nan), day=pd.date_range("2026-01-01", periods=300))
    rows["own note"] = "not of the dataset"
    wanted = torch.softmax(run.predict(rows), 1).tolist()
    found = [told(each) for each in nbtrain.models.predict(version.model, rows, version=version.number)]
    assert len(found) == 300
    assert [[each["no"], each["yes"]] for each in found] == [pytest.approx(row, abs=1e-5) for row in wanted]
    run, version, rows = loads
    said = nbtrain.models.predict(version.model, rows, version=version.number)
    ahead = [each["values"][0]["value"] for each in said]
    wanted = run.predict(rows).flatten().tolist()
    assert ahead == pytest.approx(wanted, rel=1e-3)
    with pytest.raises(NbtrainError, match="3 steps were given"):
        nbtrain.models.predict(version.model, rows.head(3), version=version.number)
    with pytest.raises(NbtrainError, match="'load'"):
        nbtrain.models.predict(version.model, rows[["day"]], version=version.number)
