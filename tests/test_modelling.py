"""A training whose model is a name: an architecture, a registered model, or one of the Hub; and its resume."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn
from torch.utils.data import Dataset

import nbtrain
from nbtrain.core.errors import DataError, ModelError, ModelNotFoundError
from nbtrain.feeding import Fed
from nbtrain.launcher import NotebookLauncher
from nbtrain.modelling import choose
from nbtrain.models import architectures
from nbtrain.models.importing import open_model
from nbtrain.models.registry import Registry
from tests.halves import stopped

OPTIONS: dict[str, Any] = {"epochs": 2, "show": False, "device": "cpu"}


def table(rows: int = 60, classes: int = 3) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(rows, 4)).astype(np.float32)
    return x, (np.arange(rows) % classes)


def registered(module, name):
    with open_model(module) as package:
        Registry().add(package, name=name)


def elsewhere(code, **variables):
    """What `code` prints as JSON, in a fresh kernel on the same workspace."""
    head = "import json, sys, numpy as np, torch, nbtrain\nfrom tests.test_modelling import *\n"
    given = "".join(f"{name} = {value!r}\n" for name, value in variables.items())
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", head + given + textwrap.dedent(code)], check=False, capture_output=True,
        text=True, env={**os.environ, "PYTHONPATH": str(Path.cwd())})
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def config_of(run: Any) -> dict[str, Any]:
    found: dict[str, Any] = run.model.config
    return found


def fresh_weights(seed: int) -> torch.Tensor:
    module: Any = choose("mlp", Fed(table(), None, None), seed=seed).module
    weight: torch.Tensor = module.head.weight
    return weight


class Images(Dataset):  # type: ignore[type-arg]
    targets = np.arange(12) % 4

    def __len__(self) -> int:
        return 12

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        return torch.full((1, 8, 8), float(index)), int(self.targets[index])


class Untold(Images):
    targets = None  # type: ignore[assignment]

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        return torch.zeros(1, 8, 8), index % 4


WINDOWS = np.zeros((20, 6, 3), np.float32)
TOKENS = {"input_ids": np.arange(40).reshape(20, 2), "attention_mask": np.ones((20, 2), np.int64)}


@pytest.mark.parametrize(("name", "data", "expected"), [
    ("mlp", table(), {"inputs": 4, "outputs": 3}),
    ("mlp", (table()[0], np.linspace(0, 1, 60)), {"inputs": 4, "outputs": 1}),
    ("mlp", (table()[0], np.zeros((60, 5))), {"outputs": 5}),
    ("mlp", (table()[0], np.arange(60) * 100), {"outputs": 1}),
    ("mlp", (table()[0], np.arange(60) % 2 == 0), {"outputs": 2}),
    ("mlp", (table()[0], ["cat", "dog", "cow", "emu"] * 15), {"outputs": 4}),
    ("architecture:mlp", pd.DataFrame({"a": [1.0, 2.0] * 10, "b": [3, 4] * 10, "label": ["x", "y"] * 10}),
     {"inputs": 2, "outputs": 2}),
    ("lstm", (WINDOWS, np.arange(20) % 2), {"features": 3, "outputs": 2}),
    ("hybrid-cnn-lstm", (WINDOWS, np.arange(20) % 2), {"features": 3, "outputs": 2}),
    ("text-transformer", (TOKENS, np.arange(20) % 2), {"vocabulary": 40, "outputs": 2}),
    ("resnet", Images(), {"channels": 1, "outputs": 4}),
])
def test_an_architecture_is_made_to_fit_the_data(name, data, expected):
    run = nbtrain.train(name, data, **OPTIONS | {"epochs": 1})
    assert run.wait() == "finished"
    config = config_of(run)
    assert {key: config[key] for key in expected} == expected
    assert run.name == name.removeprefix("architecture:")


def test_a_loss_of_amounts_asks_for_one_output():
    run = nbtrain.train("mlp", table(), loss="mse", **OPTIONS)
    run.wait()
    assert config_of(run)["outputs"] == 1


def test_weights_are_drawn_from_the_seed_and_nothing_else():
    one, same, other = (fresh_weights(seed) for seed in (1, 1, 2))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


@pytest.mark.parametrize(("name", "data", "error", "said"), [
    ("mpl", table(), ModelNotFoundError, "did you mean 'mlp'"),
    ("architecture:mpl", table(), ModelError, "did you mean 'mlp'"),
    ("model:mlp", table(), ModelNotFoundError, "no model"),
    ("mpl", pd.DataFrame({"said": ["a", "b"], "y": [0, 1]}), ModelNotFoundError, "did you mean 'mlp'"),  # said first
    ("bert-tny", table(), ModelNotFoundError, "did you mean 'bert-tiny'"),
    ("bert-tiny", table(), ModelError, 'recipe="text-classification" or recipe="token-classification"'),
    ("resnet", table(), ModelError, "images of shape"),
    ("resnet", Untold(), DataError, "How many outputs"),
    ("text-transformer", table(), ModelError, "token numbers"),
])
def test_what_cannot_be_made_is_told_and_no_run_begins(name, data, error, said):
    with pytest.raises(error, match=said):
        nbtrain.train(name, data, **OPTIONS)
    assert nbtrain.runs() == []


def test_a_registered_model_is_trained_on_by_its_name():
    net = architectures.build("mlp", inputs=4, outputs=3)
    registered(net, "Flowers")
    run = nbtrain.train("flowers", table(), learning_rate=1e-7, weight_decay=0.0, **OPTIONS)
    run.wait()
    assert run.name == "Flowers"
    for name, weight in run.model.named_parameters():
        assert torch.allclose(weight, net.get_parameter(name), atol=1e-5), name
    assert (Registry().version("flowers").folder / "model.safetensors").exists()


def test_a_model_called_as_an_architecture_is_meant_by_its_prefix():
    registered(architectures.build("mlp", inputs=4, outputs=7), "mlp")
    runs = [nbtrain.train(name, table(), **OPTIONS) for name in ("mlp", "model:mlp")]
    assert [run.wait() and config_of(run)["outputs"] for run in runs] == [3, 7]


def test_a_class_of_the_users_own_is_asked_for():
    registered(nn.Linear(4, 3), "own")
    with pytest.raises(ModelError, match=r"nbtrain\.models\.load\('own', module=…\)"):
        nbtrain.train("own", table(), **OPTIONS)


@pytest.mark.parametrize("name", ["mlp", "registered"])
def test_a_run_with_a_model_by_name_is_resumed_in_another_kernel(name, tmp_path):
    x, y = table()
    frame = pd.DataFrame(x, columns=list("abcd")).assign(label=y)
    frame.to_csv(tmp_path / "rows.csv", index=False)
    registered(architectures.build("mlp", inputs=4, outputs=3), "registered")
    done = nbtrain.train(name, tmp_path / "rows.csv", epochs=60, show=False, device="cpu", batch_size=8)
    done.wait()
    half = stopped(nbtrain.train, name, "rows", epochs=60, show=False, device="cpu", batch_size=8)
    code = """
        run = nbtrain.resume(run_id, show=False)
        run.wait()
        print(json.dumps([run.state, run.resumed, run.predict(table()[0]).tolist()]))
    """
    state, resumed, found = elsewhere(code, run_id=half.id)
    assert state == "finished"
    assert resumed == {"exact": True, "reasons": []}
    assert torch.equal(torch.tensor(found), done.predict(x))


def test_the_form_offers_registered_models_and_starts_them():
    registered(architectures.build("mlp", inputs=4, outputs=3), "Flowers")
    registered(nn.Linear(4, 3), "own")
    pd.DataFrame(table()[0], columns=list("abcd")).assign(label=table()[1])
    nbtrain.load_dataset(pd.DataFrame(table()[0], columns=list("abcd")).assign(label=table()[1]), name="rows")
    launcher = NotebookLauncher()
    models = [each for each in launcher.subjects() if each["kind"] == "model"]
    assert [each["name"] for each in models if each["recipes"] is None] == ["model:Flowers"]
    made_for = {each["name"]: each["recipes"] for each in models}
    assert (made_for["architecture:mlp"], made_for["architecture:lstm"]) == (["tabular"], ["timeseries"])
    assert "mlp" in models[0]["text"]
    run: Any = launcher.start({"epochs": 1, "device": "cpu"}, model="model:Flowers", data="dataset:rows")
    run.wait()
    assert run.state == "finished"


def test_a_series_model_is_fitted_to_windows_of_several_columns_that_change_while_training():
    days = 160
    walk = np.random.default_rng(0).normal(size=(2, days)).cumsum(1)
    prices = nbtrain.load_dataset(
        pd.DataFrame({"day": pd.date_range("2020-01-01", periods=days), "close": walk[0], "volume": walk[1]}),
        name="prices")
    prices.split(method="time", time="day")
    windows = {"step": "windows", "columns": ["close", "volume"], "time": "day", "window": 6, "horizon": 1}
    for steps in ([windows], [windows, {"step": "augment_series"}]):
        ready = prices.process(*steps, target="close")
        run = nbtrain.train("lstm", ready, features=["close", "volume"], **OPTIONS)
        assert run.wait(120) == "finished"
        assert config_of(run)["features"] == 2
        assert run.predict(prices.frame().head(12)).shape == (7, 1)


def known(rows=150):
    """A class that is plain to see in three columns, and its name."""
    rng = np.random.default_rng(0)
    y = np.arange(rows) % 3
    x = rng.normal(size=(rows, 3)).astype(np.float32) + 5 * np.eye(3, dtype=np.float32)[y]
    return pd.DataFrame(x, columns=list("abn")).assign(label=np.array(["zed", "alpha", "mid"])[y])


def learned(data: Any, name: str = "al", **options: Any) -> None:
    run = nbtrain.train("mlp", data, **OPTIONS | {"epochs": 15, "learning_rate": 1e-2, "batch_size": 16} | options)
    run.wait()
    run.register(name, promote=False)


def gone_on(data: Any, name: str = "al", **options: Any) -> Any:
    """A run that changes nothing, so that its accuracy is the model's own on this data."""
    run = nbtrain.train(name, data, **OPTIONS | {"epochs": 1, "learning_rate": 1e-7} | options)
    run.wait()
    return run


def kept(frame: pd.DataFrame, name: str) -> Any:
    return nbtrain.load_dataset(frame.reset_index(drop=True), name=name)


def test_classes_keep_the_numbers_that_the_model_knows_them_by(tmp_path):
    frame = known()
    learned(kept(frame, "all"))
    frame[frame.label != "alpha"].to_csv(tmp_path / "two.csv", index=False)
    run = gone_on(tmp_path / "two.csv")
    assert run.history.last("val_accuracy") == 1.0
    assert run.register("al", promote=False).version.about.labels == ("alpha", "mid", "zed")
    others = kept(frame.replace({"label": {"mid": "new"}}), "others")
    with pytest.raises(ModelError, match="knows the classes 'alpha', 'mid', 'zed', and the data has 'new' beside"):
        gone_on(others)
    few = frame[frame.label != "alpha"]
    with pytest.raises(DataError, match="numbers its classes otherwise"):
        gone_on((few[["a", "b", "n"]], few.label.reset_index(drop=True)))


def test_a_run_that_goes_on_with_fewer_classes_is_resumed_in_another_kernel():
    frame = known()
    learned(kept(frame, "all"))
    two = kept(frame[frame.label != "alpha"][["n", "b", "a", "label"]], "two")
    half = stopped(nbtrain.train, "al", two, after=3, **OPTIONS | {"epochs": 900, "learning_rate": 1e-7})
    found = elsewhere("""
        run = nbtrain.resume(run_id, show=False)
        run.stop()
        print(json.dumps([run.resumed["exact"], run.evaluate("two")["accuracy"]]))
    """, run_id=half.id)
    assert found == [True, 1.0]


def test_columns_keep_the_order_that_the_model_learned_them_in():
    frame = known()
    learned(kept(frame, "all"))
    turned = frame[["n", "label", "b", "a"]]
    run = gone_on(kept(turned, "turned"))
    assert run.history.last("val_accuracy") == 1.0
    assert run.register("al", promote=False).version.about.inputs["features"] == ["a", "b", "n"]
    with pytest.raises(DataError, match="in another order"):
        gone_on(turned)
    with pytest.raises(DataError, match="the data lacks 'n' and has 'm' beside"):
        gone_on(kept(turned.rename(columns={"n": "m"}), "renamed"))
    assert gone_on(kept(frame.assign(m=1.0), "more"), features=["n", "a", "b"]).history.last("val_accuracy") == 1.0


def test_that_the_recipe_of_a_model_is_not_applied_is_said():
    frame = known()
    raw = kept(frame, "raw")
    ready = raw.process({"step": "scale"}, name="ready", target="label")
    learned(ready)
    assert any("went through scale, and these steps are not applied" in line for line in gone_on(raw).warnings)
    assert not any("are not applied" in line for line in gone_on(ready).warnings)
