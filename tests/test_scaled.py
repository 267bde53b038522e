"""Runs of a dataset whose target was scaled: predictions, results and registered models tell its own units."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

import nbtrain
from nbtrain import trying
from nbtrain.data.processing import Scale, Windows
from nbtrain.data.processing.units import Units, units_of
from nbtrain.models import architectures
from tests.test_trying_recipes import nothing_held  # noqa: F401 - a fixture


def ended(model: Any, data: Any, **options: Any) -> nbtrain.Run:
    run = nbtrain.train(
        model, data, show=False, **{"epochs": 1, "batch_size": 16, "device": "cpu", "seed": 0, **options})
    run.wait()
    return run


@pytest.fixture
def houses() -> pd.DataFrame:
    draw = np.random.default_rng(0)
    size = draw.normal(100, 20, 200)
    return pd.DataFrame({"size": size, "price": 250_000 + 3000 * size + draw.normal(0, 5000, 200)})


def scaled(frame: pd.DataFrame, method: str = "standard") -> nbtrain.Dataset:
    data = nbtrain.load_dataset(frame, name="houses")
    data.split(train=0.6, validation=0.15, test=0.25, target="price")
    return data.process(
        {"step": "scale", "columns": ["size"]}, {"step": "scale", "columns": ["price"], "method": method},
        name="houses, scaled")


@pytest.mark.parametrize("method", ["standard", "min_max", "robust"])
@pytest.mark.parametrize(("model", "recipe"), [("tabular-mlp", "tabular"), (None, "custom")])
def test_all_that_is_told_of_a_run_is_in_the_units_before(houses, method, model, recipe):
    made = scaled(houses, method)
    run = ended(model or nn.Linear(1, 1), made, recipe=recipe, target="price", metrics=["r2", "mae", "mse", "rmse"])
    found = run.results(worst=5)
    rows = found.predictions
    own = houses.loc[rows["row"]]
    assert found.outcome.part == "test"
    assert list(rows["truth"]) == pytest.approx(list(own["price"]), rel=1e-5)
    asked = run.predict(own[["size"]])
    said = asked["prediction"] if recipe == "tabular" else asked.flatten().tolist()
    assert list(rows["predicted"]) == pytest.approx(list(said), rel=1e-5)
    errors = rows["predicted"] - rows["truth"]
    assert list(rows["error"]) == pytest.approx(list(errors))
    first = found.outcome.worst[0]
    assert first.measure == pytest.approx(errors.abs().max(), rel=1e-5)
    assert float(first.truth) == pytest.approx(houses.loc[first.row, "price"], rel=1e-4)
    assert np.array(found.outcome.points).mean() > 100_000
    assert found.metrics["mae"] == pytest.approx(errors.abs().mean(), rel=1e-4)
    assert found.metrics["mse"] == pytest.approx((errors**2).mean(), rel=1e-4)
    assert found.metrics["rmse"] == pytest.approx(found.metrics["mse"] ** 0.5, rel=1e-4)
    given = run.results(houses.head(30)).predictions  # rows as they were before they were processed
    assert list(given["truth"]) == pytest.approx(list(houses["price"].head(30)), rel=1e-5)


@pytest.mark.parametrize(("model", "recipe"), [("tabular-mlp", "tabular"), ("mlp", "custom")])
def test_a_registered_model_says_what_its_run_says(houses, model, recipe):
    run = ended(model, scaled(houses), recipe=recipe, target="price")
    version = run.register("houses", promote=False, weights="last").version
    new = houses[["size"]].tail(4)
    said = run.predict(new)
    wanted = said["prediction"].tolist() if recipe == "tabular" else said.flatten().tolist()
    assert [each["values"][0]["value"] for each in trying.ask(version, new)] == pytest.approx(wanted, rel=1e-5)
    assert trying.predict(version, new.iloc[-1].to_dict())["values"][0]["value"] == pytest.approx(wanted[-1], rel=1e-5)
    assert min(wanted) > 100_000


@pytest.mark.parametrize(("model", "recipe"), [("tabular-mlp", "tabular"), (None, "custom")])
def test_what_is_measured_while_it_learns_stays_of_the_scaled_column_and_that_is_said(houses, model, recipe):
    data = scaled(houses)
    run = ended(model or nn.Linear(1, 1), data, recipe=recipe, target="price", metrics=["mae"])
    found = run.results()
    assert data.recipe is not None
    one = data.recipe.steps[1].learned()["price"]["scale"]
    assert run.evaluate()["mae"] * one == pytest.approx(found.metrics["mae"], rel=1e-4)
    assert run.evaluate()["loss"] == found.metrics["loss"]
    assert "price was scaled when the dataset was processed" in found.notes[0]
    assert "its evaluation are of the scaled column" in found.notes[0]
    plain = nbtrain.load_dataset(houses, name="plain")
    assert not ended(model or nn.Linear(1, 1), plain, recipe=recipe, target="price").results().notes


def test_a_forecast_of_a_scaled_series_is_in_its_own_units():
    steps = np.arange(300)
    series = pd.DataFrame({
        "when": pd.date_range("2024-01-01", periods=300, freq="h"), "load": 5000 + np.sin(steps / 5) * 900})
    data = nbtrain.load_dataset(series, name="loads")
    data.split(method="time", time="when", train=0.6, validation=0.2, test=0.2)
    made = data.process({"step": "scale", "columns": ["load"]}, name="loads, scaled")
    run = ended("tcn", made, recipe="timeseries", target="load", time="when", window=8, horizon=3)
    rows = run.results().predictions.set_index("when")
    later = series.set_index("when")["load"].shift(-3)
    assert list(rows["truth"]) == pytest.approx(list(later.loc[rows.index]), rel=1e-5)
    asked = run.predict(series).set_index("when")["prediction"]
    assert list(rows["predicted"]) == pytest.approx(list(asked.loc[rows.index]), rel=1e-5)


def test_several_steps_ahead_are_told_in_the_units_of_their_series():
    loads = pd.DataFrame({"at": np.arange(200), "load": 5000 + np.sin(np.arange(200) / 5) * 900})
    data = nbtrain.load_dataset(loads, name="loads")
    data.split(method="time", time="at", train=0.6, validation=0.2, test=0.2)
    made = data.process(
        {"step": "scale", "columns": ["load"]},
        {"step": "windows", "columns": ["load"], "target": "load", "time": "at", "window": 8, "horizon": 2},
        name="windows")
    run = ended(
        architectures.build("mlp", inputs=8, outputs=2), made, recipe="custom", target="load_ahead", features=["load"])
    found = run.results()
    assert found.predictions["truth_1"].between(4099, 5901).all()
    said = run.predict(loads.tail(8))
    assert said.shape == (1, 2)
    version = run.register("loads", promote=False, weights="last").version
    [prediction] = trying.ask(version, loads.tail(8))
    assert [each["value"] for each in prediction["values"]] == pytest.approx(said[0].tolist(), rel=1e-5)


def test_outputs_that_are_no_amounts_of_the_target_stay_as_the_model_gives_them(houses):
    def likelihood(output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        return nn.functional.gaussian_nll_loss(output[:, 0], target.flatten(), output[:, 1].exp())

    net = architectures.build("mlp", inputs=1, outputs=2)
    run = ended(net, scaled(houses), recipe="custom", target="price", loss=likelihood)
    x = torch.randn(3, 1)
    with torch.no_grad():
        assert torch.equal(run.predict(x), net.eval()(x))
    version = run.register("spread", promote=False, weights="last").version
    said = trying.predict(version, {"size": 90.0})["values"]
    assert [each["value"] for each in said] == pytest.approx(run.predict([{"size": 90.0}])[0].tolist(), rel=1e-5)
    kinds = houses.assign(kind=np.where(houses["size"] > 100, "large", "little"))
    data = nbtrain.load_dataset(kinds, name="kinds")
    made = data.process({"step": "scale", "columns": ["size", "price"]}, target="kind", name="kinds, scaled")
    found = ended("tabular-mlp", made, recipe="tabular", target="kind").results()
    assert not found.notes
    assert set(found.predictions["truth"]) == {"large", "little"}


@pytest.mark.parametrize("recipe", ["tabular", "custom"])
def test_units_are_known_without_the_dataset_and_in_a_run_that_goes_on(houses, recipe):
    model = "tabular-mlp" if recipe == "tabular" else "mlp"
    data = scaled(houses)
    later = ended(model, data, recipe=recipe, target="price").fork(epochs=2)
    later.wait()
    found = later.results()
    assert found.predictions["truth"].min() > 100_000
    data.delete()
    if recipe == "custom":
        assert float(later.predict(torch.zeros(1, 1))) > 100_000
    else:
        gone = later.results()
        assert gone.predictions["truth"].min() > 100_000
        assert gone.metrics == found.metrics


def test_units_go_back_through_every_step():
    def learned(column: str, center: float, scale: float) -> Scale:
        return Scale(columns=(column,)).with_state({column: {"center": center, "scale": scale}})

    ahead = Windows(columns=("y",), target="y", window=4, horizon=3)
    assert units_of([learned("y", 10, 2), learned("y", 1, 5)], "y") == Units(12, 10)
    assert units_of([learned("y", 10, 2), ahead], "y_ahead") == Units(10, 2, 3)
    assert units_of([learned("y", 10, 2), ahead], "y") == Units(10, 2, 4)
    assert units_of([ahead, learned("y_ahead", 3, 2)], "y_ahead") == Units(3, 2, 3)
    assert units_of([learned("x", 10, 2)], "y") is units_of([], None) is None
