"""What a run has learnt becomes a model of the workspace, and predicts the same in another kernel."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

import nbtrain
from nbtrain.core.errors import ConfigError, ModelError
from nbtrain.models.promotion import Rule
from nbtrain.models.registry import Registry
from nbtrain.store.workspace import current

OPTIONS: dict[str, Any] = {"epochs": 3, "show": False, "device": "cpu", "batch_size": 16, "learning_rate": 1e-2}


def table(rows=120):
    """Four columns, and a class that is plain to see in them."""
    rng = np.random.default_rng(0)
    y = np.arange(rows) % 3
    return (rng.normal(size=(rows, 4)) + 4 * np.eye(4)[y]).astype(np.float32), y


def elsewhere(code, **variables):
    head = "import json, numpy as np, torch, nbtrain\nfrom tests.test_registering import *\n"
    given = "".join(f"{name} = {value!r}\n" for name, value in variables.items())
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", head + given + textwrap.dedent(code)], check=False, capture_output=True,
        text=True, env={**os.environ, "PYTHONPATH": str(Path.cwd())})
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def close(one, other):
    """But for the rounding of sums, which depends on how many rows are computed at once."""
    return torch.allclose(one, other, atol=1e-5)


def trained(model="mlp", data=None, **options):
    run = nbtrain.train(model, table() if data is None else data, **OPTIONS | options)
    run.wait()
    return run


def test_a_registered_run_predicts_the_same_in_another_kernel():
    run = trained()
    made = run.register("Flowers", weights="last", note="first", tags=["tried"], promote=False)
    assert (made.name, made.version.number, made.promotion) == ("Flowers", 1, "")
    found = elsewhere("""
        net = nbtrain.models.load("flowers")
        with torch.no_grad():
            print(json.dumps(net(torch.from_numpy(table()[0])).tolist()))
    """)
    assert close(torch.tensor(found), run.predict(table()[0]))
    about = made.version.about
    assert (about.format, about.architecture, about.config) == ("architecture", "mlp", run.model.config)
    assert about.inputs == {"kind": "tabular", "shape": [4], "dtype": "float32"}
    assert about.task == "tabular-classification"
    assert about.metrics["val_accuracy"] == run.history.last("val_accuracy")
    assert (about.source, about.source_args) == ("run", {"run": run.id, "name": "mlp"})
    assert about.options["learning_rate"] == 1e-2
    assert about.data.startswith("blake2b:")
    assert about.parameters == sum(weight.numel() for weight in run.model.parameters())
    assert (made.version.note, nbtrain.models.list()[0].tags) == ("first", ("tried",))


def test_the_best_weights_are_kept_where_they_were():
    """Steps that are too large end past a good epoch; some labels are wrong, so that being sure costs."""
    x, y = table()
    y = np.where(np.arange(len(y)) % 10 == 0, (y + 1) % 3, y)
    run = nbtrain.train("mlp", (x, y), **OPTIONS | {"epochs": 4})
    run.wait()
    worse = run.fork(epochs=9, learning_rate=0.1, max_grad_norm=0.0, scheduler="constant")
    worse.wait()
    best, last = (worse.register("a", weights=weights, promote=False).version for weights in ("best", "last"))
    losses = worse.history["val_loss"].values
    assert best.about.metrics["val_loss"] == losses.min() < losses[-1]
    assert last.about.metrics["val_loss"] == losses[-1]
    with torch.no_grad():
        good, bad = (nbtrain.models.load("a", number)(torch.from_numpy(x)) for number in (1, 2))
    loss = nn.functional.cross_entropy
    assert loss(good, torch.from_numpy(y)) < loss(bad, torch.from_numpy(y))


def test_averaged_weights_are_those_that_were_judged():
    run = trained(use_ema=True, ema_decay=0.9)
    run.register("averaged", weights="last", promote=False)
    with torch.no_grad():
        assert close(nbtrain.models.load("averaged")(torch.from_numpy(table()[0])), run.predict(table()[0]))


def test_a_run_in_training_may_be_registered_and_goes_on():
    run = nbtrain.train("mlp", table(), **OPTIONS | {"epochs": 900, "checkpoint_every": 3, "keep_checkpoints": 1})
    try:
        made = [run.register("live", weights=weights, promote=False).version for weights in ("last", "best", "last")]
        assert run.state == "running"
    finally:
        run.stop()
    assert [version.number for version in made] == [1, 2, 3]
    assert run.error is None
    for version in made:
        Registry().verify("live", version.number)


@pytest.mark.parametrize(("promote", "promoted", "said"), [
    (True, True, "It was promoted to production: val_accuracy is 1, over 0.8."),
    (1.0, False, "It was not promoted: val_accuracy is 1, not over 1."),
    (Rule("loss", above=None, below=10.0), True, "It was promoted to production: val_loss is"),
    (Rule("loss", below=0.0), False, "not below 0."),
    (Rule("macro_f1"), True, "val_macro_f1"),
    (Rule("beauty"), False, "It was not promoted: beauty was not measured."),
    (False, False, ""),
])
def test_a_rule_promotes_and_says_so(promote, promoted, said):
    run = trained(epochs=5)
    made = run.register("a", promote=promote, weights="last")
    assert said in made.promotion
    assert (made.version.stage == "production") is promoted
    lines = [line.text for line in current().database.activity() if line.kind.endswith("promoted")]
    assert lines == ([f"a 1: {made.promotion}"] if made.promotion else [])


def test_what_was_in_production_is_archived():
    run = trained(epochs=5)
    for _ in range(2):
        run.register("a")
    assert [version.stage for version in nbtrain.models.versions("a")] == ["production", "archived"]
    run.register("a", stage="staging")  # said by the user, so no rule is asked
    assert [version.stage for version in nbtrain.models.versions("a")] == ["staging", "production", "archived"]
    assert nbtrain.models.get("a").number == 2


@pytest.mark.parametrize(("options", "field"), [
    ({"stage": "live"}, "stage"), ({"promote": "yes"}, "promote"), ({"promote": Rule(above=None)}, "promote"),
    ({"weights": "first"}, "weights"), ({"name": "a/b"}, "name"), ({"tags": [""]}, "tags"),
    ({"note": "x" * 3000}, "note"), ({"promote": float("nan")}, "promote")])
def test_what_cannot_be_is_told_and_nothing_registered(options, field):
    run = trained(epochs=1)
    with pytest.raises(ConfigError) as caught:
        run.register(**options)
    assert caught.value.problems[0].field == field
    assert nbtrain.models.list() == []


class Own(nn.Module):
    def __init__(self, width=8):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(4, width), nn.ReLU(), nn.Linear(width, 3))
        self.layers[2].bias = nn.Parameter(torch.zeros(3))

    def forward(self, x):
        return self.layers(x)


def test_a_class_of_the_users_own_is_needed_to_load_it():
    run = trained(Own())
    made = run.register(weights="last", promote=False)
    assert made.name == "Own"
    assert "nbtrain.models.load('Own', module=Own(…))" in repr(made)
    assert made.version.about.format == "module"
    with pytest.raises(ModelError, match="Own is a class of your own"):
        nbtrain.models.load("own")
    with pytest.raises(ModelError, match=r"layers\.0\.weight is \(5, 4\) in the module and \(8, 4\) in the weights"):
        nbtrain.models.load("own", module=Own(5))
    with torch.no_grad():
        found = nbtrain.models.load("own", module=Own())(torch.from_numpy(table()[0]))
    assert close(found, run.predict(table()[0]))


def test_a_compiled_model_is_registered_as_what_it_is():
    net = nbtrain.models.architectures.build("mlp", inputs=4, outputs=3)
    run = trained(torch.compile(net, backend="eager"))
    version = run.register("compiled", weights="last", promote=False).version
    assert (version.about.format, version.about.architecture) == ("architecture", "mlp")
    with torch.no_grad():
        found = nbtrain.models.load("compiled")(torch.from_numpy(table()[0]))
    assert close(found, run.predict(table()[0]))


def test_the_recipe_of_the_data_lies_beside_and_the_labels_are_known():
    x, y = table()
    frame = pd.DataFrame(x * 100, columns=list("abcd")).assign(label=np.array(["cat", "dog", "cow"])[y])
    dataset = nbtrain.load_dataset(frame, name="animals")
    dataset.split(target="label")
    done = dataset.process({"step": "scale"}, name="scaled")
    run = trained(data=done)
    about = (version := run.register("animals", promote=False).version).about
    assert about.labels == ("cat", "cow", "dog")
    assert about.inputs["target"] == "label"
    assert about.inputs["features"] == list("abcd")
    assert json.loads((version.folder / "recipe.json").read_text())["steps"][0]["step"] == "scale"


def test_two_runs_register_one_new_name_at_once():
    runs = [trained(epochs=1) for _ in range(3)]
    begin, made = threading.Barrier(3), []

    def register(run):
        begin.wait()
        made.append(run.register("shared", promote=False).version)

    threads = [threading.Thread(target=register, args=(run,)) for run in runs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(version.number for version in made) == [1, 2, 3]
    assert [record.name for record in nbtrain.models.list()] == ["shared"]


def test_what_a_model_of_images_takes_is_known(tmp_path):
    from PIL import Image  # noqa: PLC0415 - here alone

    for name, shade in (("dark", 40), ("light", 200)):
        (tmp_path / "shades" / name).mkdir(parents=True)
        for number in range(6):
            Image.new("L", (9, 8), shade + number).save(tmp_path / "shades" / name / f"{number}.png")
    run = trained("resnet", tmp_path / "shades", epochs=1, batch_size=4)
    about = run.register("shades", promote=False).version.about
    assert about.inputs["shape"] == [1, 8, 9]
    assert (about.inputs["kind"], about.inputs["grey"], about.inputs["dtype"]) == ("image", True, "float32")
    assert (about.labels, about.task) == (("dark", "light"), "image-classification")


def test_an_amount_and_windows_are_known_as_what_they_are():
    windows = np.random.default_rng(0).normal(size=(40, 6, 3)).astype(np.float32)
    run = trained("lstm", (windows, windows[:, -1, 0]), epochs=1)
    about = run.register("series", promote=False).version.about
    assert (about.task, about.labels) == ("time-series-forecasting", ())
    assert (about.inputs["kind"], about.inputs["shape"]) == ("series", [6, 3])


def test_a_run_without_a_name_adds_a_version_to_what_it_goes_on_with_alone():
    x, y = table()
    assert trained().register().name == "mlp"
    assert nbtrain.models.get("mlp").stage == "production"
    other = trained(data=(x[:, :2], y)).register()  # as good, and of other inputs
    assert (other.name, other.version.number) == ("mlp 2", 1)
    words = trained(data=(x, np.array(["a", "b", "c"])[y])).register()
    assert (words.name, words.version.number) == ("mlp 3", 1)
    assert nbtrain.models.get("mlp").stage == "production"
    again = trained().register(promote=False)
    assert (again.name, again.version.number) == ("mlp", 2)
    assert trained(data=(x[:, :2], y)).register(promote=False).name == "mlp 2"


@pytest.mark.parametrize(("rare", "labels"), [(1, ("cat", "cow", "dog")), (35, ("cat", "dog", "other"))])
def test_classes_that_the_recipe_numbered_have_their_names(rare, labels):
    frame = pd.DataFrame(table()[0], columns=list("abcd")).assign(label=["cat"] * 50 + ["cow"] * 20 + ["dog"] * 50)
    dataset = nbtrain.load_dataset(frame, name="animals")
    ready = dataset.process({"step": "categories", "columns": ["label"], "rare": rare}, name="ready", target="label")
    about = trained(data=ready, epochs=1).register("animals", promote=False).version.about
    assert about.labels == labels
    assert about.config["outputs"] == 3


@pytest.mark.parametrize(("pictures", "known"), [
    (np.random.default_rng(0).integers(0, 255, (12, 3, 8, 9)).astype(np.uint8), ("0-255", False)),
    (np.random.default_rng(0).random((12, 3, 8, 9)).astype(np.float32), ("0-1", False)),
    (np.random.default_rng(0).random((12, 8, 9, 3)).astype(np.float32) * 255, ("0-255", True)),
    (np.random.default_rng(0).normal(size=(12, 3, 8, 9)).astype(np.float32), ("0-1", False)),
])
def test_the_range_of_pictures_and_where_their_channels_are_is_known(pictures, known):
    net = nn.Sequential(nn.Flatten(), nn.Linear(8 * 9 * 3, 2))
    inputs = trained(net, (pictures, np.arange(12) % 2), epochs=1).register("p", promote=False).version.about.inputs
    assert (inputs["range"], inputs["channels_last"]) == known
    assert inputs["dtype"] == "float32"  # as the model takes them
