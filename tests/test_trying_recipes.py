"""Models that learned by a recipe: registered, they answer as their run does, without it and without its dataset."""

from __future__ import annotations

import base64
import io
import json
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import soundfile
from PIL import Image

import nbtrain
from nbtrain import recipes, trying
from nbtrain.core.errors import ConfigError, ModelError, ModelFileError
from nbtrain.data.keeping.library import Library
from nbtrain.models import architectures
from nbtrain.models.fitted import Fitted
from nbtrain.models.package import FITTED
from tests.recipes.drawn import dots, folder_of_dots, folder_of_shapes, shape
from tests.recipes.lines import Lines
from tests.recipes.spoken import save
from tests.test_registering import elsewhere

TEXTS = {"epochs": 1, "batch_size": 8, "max_length": 24, "vocabulary_size": 300}


@pytest.fixture(autouse=True)
def nothing_held():
    trying.forget()
    yield
    trying.forget()


def learnt(model, data, **options):
    """A run that has ended, and the version it registered; its dataset is no more."""
    run = nbtrain.train(model, data, show=False, **{"epochs": 1, "device": "cpu", **options})
    run.wait()
    return run, run.register("tried", promote=False, weights="last").version


def without_dataset(run):
    """What the workspace knew of the run's dataset is thrown away."""
    shutil.rmtree(Library().folder(run._trainer.given.origin["dataset"]))


def fields(version):
    return {each["name"]: each["type"] for each in trying.form(version)["fields"]}


def chances(said):
    return {each["label"]: each["probability"] for each in said["guesses"]}


def people(rows=160):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({
        "age": rng.normal(50, 10, rows), "town": rng.choice(np.array(["Qom", "Perm", None], object), rows),
        "since": pd.date_range("2020-01-01", periods=rows), "member": rng.random(rows) > 0.5})
    return frame.assign(label=np.where(frame.age > 50, "old", "young"))


def test_a_table_is_asked_for_by_its_columns_and_answered_in_another_kernel_as_by_the_run():
    frame = people()
    run, version = learnt("tabular-mlp", frame, target="label", recipe="tabular")
    wanted = run.predict(frame.head(5))
    without_dataset(run)
    assert fields(version) == {"age": "number", "town": "choice", "since": "text", "member": "switch"}
    row = {"age": frame.age[0], "town": frame.town[0], "since": str(frame.since[0].date()), "member": frame.member[0]}
    said = nbtrain.models.predict("tried", row)
    assert chances(said) == pytest.approx({name: wanted[f"p({name})"][0] for name in ("old", "young")}, abs=1e-6)
    found = elsewhere("""
        from tests.test_trying_recipes import people
        print(json.dumps(nbtrain.models.predict("tried", people().head(5))))
    """)
    assert [max(each["guesses"], key=lambda guess: guess["probability"])["label"] for each in found] == list(
        wanted.prediction)
    assert [chances(each)["old"] for each in found] == pytest.approx(list(wanted["p(old)"]), abs=1e-6)


def test_a_gap_is_an_answer_where_gaps_were_learnt_and_else_a_field_to_fill_in():
    run, version = learnt("tabular-mlp", people(), target="label", recipe="tabular")
    row = {"age": 40, "town": "", "since": "2020-02-02", "member": "true"}
    wanted = run.predict(pd.DataFrame([row | {"town": None, "since": pd.Timestamp("2020-02-02"), "member": True}]))
    assert chances(trying.predict(version, row))["old"] == pytest.approx(wanted["p(old)"][0], abs=1e-6)
    with pytest.raises(ConfigError, match="'age' is empty; fill it in"):
        trying.predict(version, row | {"age": None})
    with pytest.raises(ConfigError, match=r"'since' is 'yesterday'; give a date such as 2024-03-31"):
        trying.predict(version, row | {"since": "yesterday"})


def test_an_amount_of_a_processed_dataset_goes_its_way_and_comes_in_its_own_units():
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"a": rng.normal(1000, 50, 120), "b": rng.choice(["x", "y"], 120)})
    frame["y"] = 3 * frame.a
    made = nbtrain.load_dataset(frame, name="amounts").process(
        {"step": "scale", "columns": ["a"]}, {"step": "categories", "columns": ["b"], "method": "one_hot"}, target="y")
    run, version = learnt("tabular-mlp", made, target="y", recipe="tabular")
    wanted = run.predict(frame.head(2)).prediction
    assert fields(version) == {"a": "number", "b": "choice"}
    said = trying.predict(version, {"a": frame.a[0], "b": frame.b[0]})["values"]
    assert [(each["name"], pytest.approx(each["value"], rel=1e-5)) for each in said] == [("y", wanted[0])]


def test_a_text_is_read_with_the_tokenizer_that_lies_beside():
    frame = pd.DataFrame({"message": [f"a {word} day number {at}" for at in range(20) for word in ("good", "bad")],
                          "label": ["plus", "minus"] * 20})
    run, version = learnt(
        "bert-tiny", frame, recipe="text-classification", text="message", target="label", **TEXTS)
    wanted = run.predict(["a good day"])
    without_dataset(run)
    assert fields(version) == {"message": "text"}
    assert chances(nbtrain.models.predict("tried", "a good day")) == pytest.approx(
        {name: wanted[f"p({name})"][0] for name in ("plus", "minus")}, abs=1e-5)


def test_words_are_marked():
    frame = pd.DataFrame({"tokens": [["Anna", "walks", "home"], ["Boris", "sees", "rain"]] * 20,
                          "tags": [["B-PER", "O", "O"], ["B-PER", "O", "O"]] * 20})
    run, version = learnt("bert-tiny", frame, recipe="token-classification", learning_rate=5e-3,
                          **TEXTS | {"epochs": 6})
    [tags] = run.predict("Anna sees rain .")
    without_dataset(run)
    [shown] = trying.predict(version, {"tokens": "Anna sees rain."})["shown"]
    assert shown["kind"] == "marks"
    assert [each["text"] for each in shown["marks"]] == ["Anna", "sees", "rain", "."]
    assert [each["label"] or "O" for each in shown["marks"]] == tags
    assert tags[0] == "B-PER"
    said = trying.predict(version, {"tokens": "walks " * 60})
    assert "of 60 words" in said["note"]


def test_a_text_is_gone_on_with():
    frame = pd.DataFrame({"text": [f"Anna goes to the market and buys {what}." for what in ("bread", "salt")] * 15})
    run, version = learnt("gpt2-tiny", frame, recipe="causal-lm", learning_rate=3e-3, **TEXTS | {"epochs": 8})
    logits = run.predict("Anna goes")[0]
    without_dataset(run)
    said = trying.predict(version, {"text": "Anna goes"})
    assert said["shown"][0]["text"].startswith("Anna goes to the market")
    assert said["guesses"][0]["probability"] == pytest.approx(
        float(logits[-1].softmax(0).max()), abs=1e-4)
    assert len(said["guesses"]) == 10


@pytest.mark.parametrize("target", ["state", "wave"])
def test_a_series_is_pasted_and_answered_at_its_end(target):
    step = np.arange(150)
    frame = pd.DataFrame({
        "when": pd.date_range("2024-01-01", periods=150, freq="h"), "name": "a", "wave": np.sin(step * np.pi / 4),
        "step": step * 1.0, "state": np.where(step % 4 == 0, "rare", "usual")})
    run, version = learnt(
        "tcn", frame, recipe="timeseries", target=target, group="name", features=["wave", "step"], window=8)
    wanted = run.predict(frame.tail(10))
    without_dataset(run)
    assert fields(version) == {"wave": "series", "step": "series"}
    given = {name: "\n".join(f"{each!r}" for each in frame[name].tail(10).tolist()) for name in ("wave", "step")}
    said = trying.predict(version, given)
    if target == "wave":
        assert said["values"][0]["value"] == pytest.approx(wanted.prediction.iloc[-1], abs=1e-5)
    else:
        assert chances(said)["rare"] == pytest.approx(wanted["p(rare)"].iloc[-1], abs=1e-6)
    assert len(nbtrain.models.predict("tried", frame.tail(10))) == len(wanted) == 3
    with pytest.raises(ConfigError, match="2 steps were given, and the model looks at 8; give as many or more"):
        trying.predict(version, {"wave": "1 2", "step": "1 2"})


def test_an_image_is_classified_as_by_the_run(tmp_path):
    run, version = learnt(
        "resnet", folder_of_shapes(tmp_path / "shapes", 6), recipe="image-classification", image_size=24, batch_size=8)
    path = tmp_path / "one.png"
    shape("ring", 77).save(path)
    wanted = run.predict(str(path))
    without_dataset(run)
    assert fields(version) == {"image": "file"}
    assert chances(trying.predict(version, {"image": path})) == pytest.approx(
        {name: wanted[f"p({name})"][0] for name in ("cross", "ring", "square")}, abs=1e-5)
    assert nbtrain.models.predict("tried", path)["guesses"] == trying.predict(version, {"image": path})["guesses"]


def test_points_are_told_and_drawn(tmp_path):
    net = architectures.build(
        "hrnet", outputs=2, channels=1, width=8, blocks=1, resolutions=2, exchanges=[1])
    run, version = learnt(
        net, folder_of_dots(tmp_path / "dots", 12), recipe="landmarks", image_size=48, batch_size=4, heatmap_sigma=1.0)
    path = tmp_path / "one.png"
    image, _ = dots(99, 60, 40)
    image.save(path)
    wanted = run.predict(str(path))[0]
    without_dataset(run)
    said = trying.predict(version, {"image": path})
    found = {each["name"]: each["value"] for each in said["values"]}
    assert [found[f"{name} {axis}"] for name in ("left_dot", "right_dot") for axis in "xy"] == pytest.approx(
        wanted.flatten().tolist(), abs=1e-3)
    drawn = np.asarray(Image.open(io.BytesIO(base64.b64decode(said["shown"][0]["content"]))))
    assert abs(drawn.shape[1] / drawn.shape[0] - 60 / 40) < 0.02  # without what was added to make it square
    row, column = ((wanted.flip(1) + 0.5) * drawn.shape[1] / 60).round().int()[0].clamp(2, 400).tolist()
    around = drawn[row - 3:row + 4, column - 3:column + 4].astype(int)
    assert (around[..., 0] - around[..., 2]).max() > 100  # the image is grey, and the cross is not


def test_a_sentence_is_heard(tmp_path):
    run, version = learnt(
        "text-to-mel", save(tmp_path / "sounds"), recipe="speech", text="text", model_size="tiny", sample_rate=8000,
        batch_size=6)
    wanted = run.predict("a bad cab")[0]
    without_dataset(run)
    said = trying.predict(version, {"text": "a bad cab"})
    sound, picture = said["shown"]
    samples, rate = soundfile.read(io.BytesIO(base64.b64decode(sound["content"])))
    assert rate == 8000
    assert len(samples) == pytest.approx(len(wanted.samples), abs=2)
    assert picture["kind"] == "image"


def test_a_recipe_of_the_users_own_is_asked_for_its_columns():
    recipes.register(Lines())
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.normal(5, 1, 60), "b": rng.normal(0, 3, 60)})
    frame["y"] = frame.a - frame.b
    net = architectures.build("mlp", inputs=2, outputs=1)
    run, version = learnt(net, frame, recipe="lines", target="y")
    assert fields(version) == {"a": "number", "b": "number"}
    said = trying.predict(version, {"a": 5, "b": 1})["values"]
    assert [each["name"] for each in said] == ["y"]
    assert said[0]["value"] == pytest.approx(float(run.predict(pd.DataFrame([{"a": 5.0, "b": 1.0}]))[0]), abs=1e-5)


@pytest.mark.parametrize("form", ["folder", "file"])
def test_what_was_learnt_travels_and_is_looked_at_when_it_comes(form, tmp_path):
    _, version = learnt("tabular-mlp", people(), target="label", recipe="tabular")
    row = {"age": 40, "town": "Qom", "since": "2020-02-02", "member": True}
    target = tmp_path / "out" / ("net.safetensors" if form == "file" else "net")
    nbtrain.models.export("tried", "safetensors", target)
    beside = target.with_name(f"net.{FITTED}") if form == "file" else target / FITTED
    again = nbtrain.models.import_(target, name="again")
    assert again.files[FITTED].sha256 == version.files[FITTED].sha256
    assert chances(nbtrain.models.predict("again", row)) == chances(nbtrain.models.predict("tried", row))
    told = json.loads(beside.read_text())
    for wrong, said in (
            ("[]", "is list instead of an object"),
            (json.dumps({**told, "recipe": "../x"}), "recipe is of another kind"),
            (json.dumps({"recipe": "tabular"}), "it lacks columns"),
            (json.dumps({**told, "fitted": {"size": 10**9}}), "it may be from 1 to 4,096"),
            (json.dumps({**told, "fitted": {"deep": [{"mean": "@"}]}}).replace('"@"', "1e999"), "fitted has a number"),
            (json.dumps({**told, "options": {"x": 10**400}}), "options has a number that is too large"),
            (json.dumps({**told, "kinds": {"age": [1]}}), "kinds.age is of another kind"),
            (json.dumps({**told, "media": {"age": None}}), "media.age is of another kind"),
            (json.dumps({**told, "columns": {"features": 5}}), "columns.features is of another kind"),
            (json.dumps({**told, "columns": {"features": ["a", 1]}}), "columns.features is of another kind"),
            (json.dumps({**told, "columns": {"text": ["a"]}}), "columns.text is of another kind"),
            (" " * (17 * 2**20), "bytes; at most")):
        beside.write_text(wrong)
        with pytest.raises(ModelFileError, match=said):
            Fitted.read(beside)
    with pytest.raises(ModelFileError, match=said):  # as an import does
        nbtrain.models.import_(target, name="wrong")


def test_what_another_wrote_into_the_file_ends_in_a_sentence(tmp_path):
    learnt("tabular-mlp", people(), target="label", recipe="tabular")
    target = tmp_path / "net"
    nbtrain.models.export("tried", "safetensors", target)
    told = json.loads((target / FITTED).read_text())
    told["fitted"]["form"] = 7
    del told["fitted"]["goal"]["classes"]
    (target / FITTED).write_text(json.dumps(told | {"options": {"window": "long", "not known": 1}}))
    nbtrain.models.import_(target, name="strange")
    with pytest.raises(ModelError, match=r"tabular-mlp cannot take this input: .*classes"):
        nbtrain.models.predict("strange", {"age": 40, "town": "Qom", "since": "2020-02-02", "member": True})


@pytest.mark.parametrize("encoding", [[1], {"numbers": [1]}, {"numbers": [{"name": "age", "mean": "x"}]}])
def test_a_form_of_what_another_wrote_ends_in_a_sentence_too(encoding, tmp_path):
    _, version = learnt("tabular-mlp", people(), target="label", recipe="tabular")
    told = json.loads((version.folder / FITTED).read_text())
    nbtrain.models.export("tried", "safetensors", tmp_path / "net")
    told["fitted"]["encoding"] = encoding
    (tmp_path / "net" / FITTED).write_text(json.dumps(told))
    strange = nbtrain.models.import_(tmp_path / "net", name="strange")
    for asked in (trying.form, lambda version: trying.predict(version, {"age": 40})):
        with pytest.raises(ModelFileError, match=r"is not what the recipe writes beside its model \("):
            asked(strange)


def test_where_a_tokenizer_comes_from_is_not_taken_from_a_file(tmp_path):
    frame = pd.DataFrame({"text": [f"{word} day {at}" for at in range(20) for word in ("good", "bad")],
                          "label": ["plus", "minus"] * 20})
    learnt("bert-tiny", frame, recipe="text-classification", **TEXTS)
    nbtrain.models.export("tried", "transformers", tmp_path / "net")
    told = json.loads((tmp_path / "net" / FITTED).read_text())
    told["fitted"] |= {"tokenizer": None, "made_from": {"from": "hub", "repository": "a/b", "commit": "c" * 40}}
    (tmp_path / "net" / FITTED).write_text(json.dumps(told))
    nbtrain.models.import_(tmp_path / "net", name="strange")
    said = chances(nbtrain.models.predict("tried", "good day"))
    assert chances(nbtrain.models.predict("strange", "good day")) == pytest.approx(said, abs=1e-5)  # that beside it


def test_versions_registered_before_and_recipes_that_are_not_here_are_refused_in_a_sentence(tmp_path):
    learnt("tabular-mlp", people(), target="label", recipe="tabular")
    nbtrain.models.export("tried", "safetensors", tmp_path / "net")
    (tmp_path / "net" / FITTED).unlink()
    old = nbtrain.models.import_(tmp_path / "net", name="old")
    assert not trying.is_tryable(old)
    with pytest.raises(ModelError, match=r"learned by the recipe 'tabular', .* ask the run that learned it"):
        nbtrain.models.predict("old", {"age": 1})


def test_a_model_is_kept_also_where_what_its_recipe_learnt_cannot_be():
    class Odd(Lines):
        name = "odd-lines"

        def prepare(self, order, fitted=None):
            made = super().prepare(order, fitted)
            return replace(made, fitted={**made.fitted, "odd": float("nan")})

    recipes.register(Odd())
    frame = pd.DataFrame({"a": np.arange(40.0), "y": np.arange(40.0)})
    run = nbtrain.train(architectures.build("mlp", inputs=1, outputs=1), frame, recipe="odd-lines", target="y",
                        epochs=1, device="cpu", show=False)
    run.wait()
    made = run.register("odd", promote=False)
    assert FITTED not in made.version.files
    assert made.notes[0].startswith("What the recipe 'odd-lines' learnt is no plain JSON (")
    assert made.notes[0].endswith("The model is kept without it, so only the run predicts rows.")


def test_a_model_is_kept_also_where_the_dataset_of_its_run_is_no_more():
    run = nbtrain.train("tabular-mlp", people(), target="label", recipe="tabular", epochs=1, device="cpu", show=False)
    run.wait()
    Library().delete(str((run._trainer.given.origin or {})["dataset"]))
    made = run.register("orphan", promote=False)
    assert FITTED not in made.version.files
    assert made.notes[0].startswith("The dataset of the run cannot be read (")
    assert made.notes[0].endswith("The model is kept without it, so it answers no rows.")


def test_what_cannot_be_kept_is_told():
    known = Fitted(recipe="mine", columns={}, fitted={"x": float("nan")}, options={})
    with pytest.raises(ModelFileError, match="What the recipe 'mine' learnt is no plain JSON"):
        known.content()
    with pytest.raises(ModelFileError, match="more than the 16,777,216 that are kept with a model"):
        Fitted(recipe="mine", columns={}, fitted={"x": "a" * 2**24}, options={}).content()
