"""The teachers that the form offers: registered models, those that fit what is trained first, of others why not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import nbtrain
from nbtrain.i18n import set_current
from nbtrain.launcher import NotebookLauncher
from nbtrain.models.package import WEIGHTS, About, Package
from nbtrain.models.registry import Registry

OPTIONS: dict[str, Any] = {"show": False, "device": "cpu", "epochs": 1, "batch_size": 32}


@pytest.fixture
def flowers() -> nbtrain.Dataset:
    draw = np.random.default_rng(0)
    frame = pd.DataFrame(draw.normal(size=(90, 3)), columns=["petals", "height", "price"])
    frame["kind"] = np.where(frame.petals > 0, "rose", "daisy")
    frame["colour"] = draw.choice(["blue", "red", "white"], 90)
    return nbtrain.load_dataset(frame, name="flowers")


@pytest.fixture
def add(tmp_path):
    """Registers a model that says this of itself; nothing loads it."""
    weights = tmp_path / "w"
    weights.write_bytes(b"x")

    def put(name: str, *, stage: Any = "none", model: str | None = None, recipe: str | None = "tabular", **about: Any):
        said = {"format": "architecture", "architecture": "mlp", "task": "tabular-classification",
                "inputs": {} if recipe is None else {"recipe": recipe}, **about}
        Registry().add(
            Package(about=About(**said), files={WEIGHTS: weights}), name=None if model else name, model=model,
            stage=stage)

    return put


def offered(
    recipe: str = "tabular", data: str | None = "dataset:flowers", model: str | None = None, **columns: Any,
) -> dict[str, str]:
    """Name of each → why it cannot, in the order of the list."""
    told = NotebookLauncher().teachers({"recipe": recipe}, model, data, columns)
    return {each["name"]: each["why"] for each in told}


def test_a_run_that_was_registered_teaches_the_same_classes_and_no_others(flowers):
    asked = {"target": "kind", "features": ["petals", "height"], "recipe": "tabular", **OPTIONS}
    run = nbtrain.train("tabular-mlp", flowers, **asked)
    run.wait(120)
    run.register("large", promote=False)
    features = ["petals", "height"]
    assert offered(target="kind", features=features) == {"large": ""}
    assert offered(target="colour", features=features) == {"large": "it knows other classes: daisy, rose"}
    others = {"large": "it learned from other columns: petals, height"}
    assert offered(target="kind", features=["height", "petals"]) == others, "it would take the one for the other"
    assert offered(target="kind", features=["petals"]) == offered(target="kind") == others
    assert offered("auto", model="tabular-mlp", target="kind") == others
    assert offered(target="price") == {"large": "an amount is learnt here, and a teacher tells classes apart"}
    assert nbtrain.train("tabular-mlp", flowers, teacher="large", **asked).wait(120) == "finished", "it can teach"


def test_those_that_know_the_classes_come_first_and_those_that_cannot_teach_last(flowers, add):
    add("knows", labels=("daisy", "rose"))
    add("turned", labels=("rose", "daisy"))
    add("no recipe", labels=("daisy", "rose"), recipe=None)
    add("others", labels=("cat", "dog"))
    add("nameless", labels=("LABEL_0", "LABEL_1"))
    add("three", labels=("LABEL_0", "LABEL_1", "LABEL_2"))
    add("silent")
    add("unknown", task="")
    add("amounts", task="tabular-regression")
    add("weights", format="module", architecture="Net")
    add("images", recipe="image-classification", labels=("daisy", "rose"))
    add("speaker", task="", recipe="speech")
    found = offered(target="kind")
    able = [name for name, why in found.items() if not why]
    assert able == ["knows", "unknown", "silent", "nameless"]
    assert list(found)[:4] == able
    assert {name: why for name, why in found.items() if why} == {
        "turned": "it knows other classes: rose, daisy",
        "no recipe": "it learned by no recipe, and reads rows another way",
        "others": "it knows other classes: cat, dog",
        "three": "it knows 3 classes, and there are 2 here",
        "amounts": "it tells no classes apart",
        "weights": "only its weights are kept; load it in a cell and hand it in: teacher=…",
        "images": "it learned another kind of data: Image classification",
        "speaker": "it tells no classes apart",
    }


def test_where_the_recipe_is_to_be_found_it_is(flowers, add):
    add("images", recipe="image-classification", labels=("daisy", "rose"))
    add("rows", labels=("daisy", "rose"))
    assert offered("auto", model="architecture:tabular-mlp", target="kind") == {
        "rows": "", "images": "it learned another kind of data: Image classification"}
    assert offered("auto", target="kind") == {"rows": "", "images": ""}


def test_what_is_not_known_of_the_training_rules_nothing_out(flowers, add):
    add("images", recipe=None, task="image-classification", labels=("cat", "dog"))
    add("rows", recipe=None, labels=("daisy", "rose"))
    everything = {"rows": "", "images": ""}
    assert offered("custom", None) == offered("custom", "X, y") == everything
    assert offered("custom", "dataset:gone") == everything
    assert offered("auto", "frame") == everything
    assert offered("image-classification", "frame") == {
        "images": "", "rows": "it learned another kind of data: Table"}


def test_data_that_was_handed_in_is_looked_at_too(flowers, add):
    add("others", labels=("cat", "dog"))
    bound = NotebookLauncher("tabular-mlp", flowers)
    (told,) = bound.teachers({"recipe": "tabular"}, None, None, {"target": "kind"})
    assert told["why"] == "it knows other classes: cat, dog"


def test_the_version_that_a_name_means_is_told_in_the_language(flowers, add, request):
    add("digits", stage="production", labels=("daisy", "rose"))
    add("digits", model="digits", labels=("cat", "dog"), architecture="other")
    add("plain")
    told = {each["name"]: each for each in NotebookLauncher().teachers(
        {"recipe": "tabular"}, None, "dataset:flowers", {"target": "kind"})}
    assert told["digits"] == {"name": "digits", "text": "Version 1 · Production · mlp", "why": ""}
    assert told["plain"]["text"] == "Version 1 · mlp"
    set_current("fa")
    request.addfinalizer(lambda: set_current("en"))
    (first, *_) = NotebookLauncher().teachers({"recipe": "tabular"}, None, "dataset:flowers", {"target": "kind"})
    assert first["text"] == "نسخهٔ ۱ · عملیاتی · mlp"


def test_many_classes_are_listed_in_part(flowers, add):
    add("many", labels=tuple(f"c{number}" for number in range(9)))
    assert offered(target="kind") == {"many": "it knows other classes: c0, c1, c2, c3, c4 …"}


def test_where_inputs_are_the_users_own_no_model_teaches_that_learned_by_a_recipe(flowers, add):
    add("rows", labels=("daisy", "rose"))
    assert offered("custom", target="kind") == {
        "rows": "it learned by the recipe Table, which makes inputs of its own"}


def test_what_an_object_of_the_users_does_when_it_is_looked_at_is_not_asked(add):
    class Odd:
        def __getattr__(self, name):
            raise RuntimeError(name)

    add("rows", labels=("daisy", "rose"))
    [told] = NotebookLauncher("tabular-mlp", Odd()).teachers({"recipe": "tabular"}, None, None, {})
    assert told["why"] == ""


def test_a_dataset_whose_file_is_gone_rules_nothing_out(flowers, add):
    add("rows", labels=("daisy", "rose"))
    for path in flowers.folder.glob("*.parquet"):
        path.unlink()
    assert offered(target="kind") == {"rows": ""}
