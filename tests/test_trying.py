"""Trying models: real ones in a real registry, each asked through its form."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

import nbtrain
from nbtrain import trying
from nbtrain.core.errors import ConfigError, ModelError
from nbtrain.hub.local import samples
from nbtrain.models import architectures
from nbtrain.models.importing import open_model
from nbtrain.models.package import About, Package
from nbtrain.models.registry import Registry
from nbtrain.trying.prediction import HELD


@pytest.fixture(autouse=True)
def nothing_held():
    trying.forget()
    with torch.no_grad():
        yield
    trying.forget()


@pytest.fixture
def keep():
    """Puts an object of the notebook into the registry."""

    def put(source, **about):
        with open_model(source) as package:
            told = {**{name: getattr(package.about, name) for name in About.__slots__}, **about}
            return Registry().add(Package(About(**told), package.files), else_name="net")

    return put


@pytest.fixture
def pretrained(tmp_path):
    """Puts a tiny model of transformers into the registry."""

    def put(architecture, kind="text", labels=()):
        folder = tmp_path / "given"
        folder.mkdir()
        files = samples.files(architecture, labels=labels)
        for name, content in files.items():
            (folder / name).write_bytes(content)
        about = About(format="transformers", architecture=architecture, inputs={"kind": kind}, labels=tuple(labels))
        return Registry().add(Package(about, {name: folder / name for name in files}))

    return put


def test_a_text_classifier_of_transformers_gives_each_class_a_probability(pretrained):
    version = pretrained("BertForSequenceClassification", labels=("bad", "good"))
    form = trying.form(version)
    assert (form["kind"], [(each["name"], each["type"]) for each in form["fields"]]) == ("text", [("text", "text")])
    said = trying.predict(version, {"text": "a film to love"})
    assert sorted(guess["label"] for guess in said["guesses"]) == ["bad", "good"]
    assert sum(guess["probability"] for guess in said["guesses"]) == pytest.approx(1)
    assert said["guesses"][0]["probability"] >= said["guesses"][1]["probability"]
    module = nbtrain.models.load(version.model)
    import transformers  # noqa: PLC0415 - slow

    tokens = transformers.AutoTokenizer.from_pretrained(version.folder)("a film to love", return_tensors="pt")
    wanted = torch.softmax(module(**tokens).logits[0], 0)
    found = {guess["label"]: guess["probability"] for guess in said["guesses"]}
    assert [found["bad"], found["good"]] == pytest.approx(wanted.tolist())


def test_a_text_longer_than_the_model_reads_is_cut_and_that_is_said(pretrained):
    version = pretrained("BertForSequenceClassification", labels=("a", "b"))
    said = trying.predict(version, {"text": "film " * 500})
    assert "first 64 of 502 tokens" in said["note"]


def test_a_language_model_says_what_comes_next(pretrained):
    version = pretrained("GPT2LMHeadModel")
    said = trying.predict(version, {"text": "a film"})
    assert len(said["guesses"]) == 10
    assert said["guesses"][0]["probability"] >= said["guesses"][9]["probability"] > 0


def test_an_image_goes_the_way_of_the_models_own_processor(pretrained, tmp_path):
    from PIL import Image  # noqa: PLC0415 - only here

    version = pretrained("ViTForImageClassification", "image", labels=("circle", "square", "triangle"))
    pixels = np.random.default_rng(0).integers(0, 256, (60, 40, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "one.png")
    (asked,) = trying.form(version)["fields"]
    assert (asked["type"], ".png" in asked["accept"]) == ("file", True)
    said = trying.predict(version, {"image": str(tmp_path / "one.png")})
    import transformers  # noqa: PLC0415 - slow

    made = transformers.AutoImageProcessor.from_pretrained(version.folder)(
        Image.open(tmp_path / "one.png"), return_tensors="pt")
    wanted = torch.softmax(nbtrain.models.load(version.model)(**made).logits[0], 0)
    assert said["guesses"][0]["probability"] == pytest.approx(float(wanted.detach().max()), abs=1e-5)
    (tmp_path / "one.png").write_text("no image")
    with pytest.raises(ConfigError, match="no image that can be decoded"):
        trying.predict(version, {"image": str(tmp_path / "one.png")})


def test_a_sound_is_made_to_the_rate_the_model_listens_to(tmp_path):
    import soundfile  # noqa: PLC0415 - only here
    import transformers  # noqa: PLC0415

    config = transformers.Wav2Vec2Config(
        hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16, conv_dim=(16, 16),
        conv_kernel=(10, 8), conv_stride=(8, 8), num_conv_pos_embeddings=8,
        num_conv_pos_embedding_groups=2, id2label={0: "yes", 1: "no"}, label2id={"yes": 0, "no": 1})
    transformers.Wav2Vec2ForSequenceClassification(config).save_pretrained(tmp_path / "speech")
    transformers.Wav2Vec2FeatureExtractor().save_pretrained(tmp_path / "speech")
    about = About(
        format="transformers", architecture="Wav2Vec2ForSequenceClassification", inputs={"kind": "sound"},
        labels=("yes", "no"))
    version = Registry().add(Package(about, {path.name: path for path in (tmp_path / "speech").iterdir()}))
    soundfile.write(tmp_path / "a.wav", np.sin(np.arange(8000) / 20), 8000)
    assert trying.form(version)["kind"] == "sound"
    said = trying.predict(version, {"sound": tmp_path / "a.wav"})
    assert {guess["label"] for guess in said["guesses"]} == {"yes", "no"}
    assert "8,000 to 16,000" in said["note"]


def test_an_architecture_of_ours_takes_pasted_numbers(keep):
    net = architectures.build("mlp", inputs=4, outputs=3, dropout=0.0).eval()
    version = keep(net, labels=("a", "b", "c"))
    (asked,) = trying.form(version)["fields"]
    assert (asked["name"], asked["type"], asked["example"]) == ("inputs", "series", "0 0 0 0")
    said = trying.predict(version, {"inputs": "1, 2; 3\t۴٫۵"})
    wanted = torch.softmax(net(torch.tensor([[1, 2, 3, 4.5]])), 1)[0]
    assert said["guesses"][0]["probability"] == pytest.approx(float(wanted.detach().max()))
    wrongs = (("1 2 3", "3 numbers were given"), ("1 2 x 4", "'x', which is no number"), ("", "is empty"))
    for wrong, sentence in wrongs:
        with pytest.raises(ConfigError, match=sentence):
            trying.predict(version, {"inputs": wrong})


def test_a_series_has_a_line_for_each_step_and_may_be_of_any_length(keep):
    net = architectures.build("lstm", features=2, outputs=1, hidden=4, layers=1, dropout=0.0).eval()
    version = keep(net, inputs={"kind": "series", "target": "load"})
    assert trying.form(version)["kind"] == "series"
    said = trying.predict(version, {"inputs": "1 2\n3 4\n5 6"})
    wanted = float(net(torch.tensor([[[1.0, 2], [3, 4], [5, 6]]])))
    assert said["values"] == [{"name": "load", "value": pytest.approx(wanted)}]
    assert said["guesses"] == []


def processed(rows, steps, features, net, tmp_path, **about):
    """A version as registering a run leaves it: weights, and the fitted recipe beside them."""
    from nbtrain.data.processing import Recipe  # noqa: PLC0415 - loads Arrow

    recipe = Recipe(steps, about.pop("goal", None)).fit(rows)
    folder = tmp_path / "recipe"
    folder.mkdir()
    recipe.save(folder)
    with open_model(net) as package:
        told = {**{name: getattr(package.about, name) for name in About.__slots__}, **about}
        told["inputs"] = {**told["inputs"], "features": features, "target": "label"}
        files = {**package.files, **{path.name: path for path in folder.iterdir()}}
        return Registry().add(Package(About(**told), files), else_name="rows"), recipe


def test_the_form_of_a_table_asks_for_its_columns_as_they_were(tmp_path):
    rows = pd.DataFrame({
        "age": [20, 30, 40, 50], "town": ["Qom", "Perm", "Qom", "Bath"], "smoker": [True, False, True, False],
        "label": ["yes", "no", "yes", "no"]})
    steps = [{"step": "scale", "columns": ["age"]}, {"step": "categories", "columns": ["town"], "method": "one_hot"}]
    features = ["age", "smoker", "town=Bath", "town=Perm", "town=Qom", "town=other"]
    net = architectures.build("mlp", inputs=6, outputs=2, dropout=0.0, normalise=False).eval()
    version, recipe = processed(rows, steps, features, net, tmp_path, labels=("no", "yes"), goal="label")
    asked = {each["name"]: each for each in trying.form(version)["fields"]}
    assert {name: each["type"] for name, each in asked.items()} == {
        "age": "number", "town": "choice", "smoker": "switch"}
    assert asked["town"]["choices"] == ["Bath", "Perm", "Qom"]
    assert asked["age"]["example"] == 35
    said = trying.predict(version, {"age": "30", "town": "Perm", "smoker": False})
    row = recipe.apply([{"age": 30, "town": "Perm", "smoker": False}]).select(features).to_pylist()[0]
    wanted = torch.softmax(net(torch.tensor([[float(row[name]) for name in features]])), 1)[0]
    found = {guess["label"]: guess["probability"] for guess in said["guesses"]}
    assert [found["no"], found["yes"]] == pytest.approx(wanted.tolist())
    with pytest.raises(ConfigError, match="choose one of: Bath, Perm, Qom"):
        trying.predict(version, {"age": 30, "town": "Rome", "smoker": False})
    with pytest.raises(ConfigError, match="'age' is empty"):
        trying.predict(version, {"town": "Perm", "smoker": False})


def test_a_text_is_tokenised_by_the_recipe(tmp_path):
    rows = pd.DataFrame({"text": ["good film", "bad film", "so good", "so bad"] * 5, "label": ["y", "n"] * 10})
    steps = [{"step": "tokenize", "columns": ["text"], "algorithm": "wordpiece", "vocabulary": 100}]
    net = architectures.build(
        "text-transformer", vocabulary=200, outputs=2, width=8, heads=2, layers=1, dropout=0.0).eval()
    version, recipe = processed(
        rows, steps, ["input_ids"], net, tmp_path, labels=("n", "y"), goal="label")
    (asked,) = trying.form(version)["fields"]
    assert (asked["name"], asked["type"]) == ("text", "text")
    said = trying.predict(version, {"text": "so good a film"})
    ids = recipe.apply([{"text": "so good a film"}])["input_ids"].to_pylist()
    wanted = torch.softmax(net(input_ids=torch.tensor(ids)), 1)[0]
    assert said["guesses"][0]["probability"] == pytest.approx(float(wanted.detach().max()), abs=1e-5)


def test_a_scaled_target_is_told_in_its_own_units(tmp_path):
    rows = pd.DataFrame({"x": [1.0, 2, 3, 4], "label": [100.0, 200, 300, 400]})
    net = architectures.build("mlp", inputs=1, outputs=1, hidden=[2], dropout=0.0, normalise=False).eval()
    version, recipe = processed(rows, [{"step": "scale", "columns": ["label"]}], ["x"], net, tmp_path, goal="label")
    said = trying.predict(version, {"x": 2})
    step = recipe.steps[0].learned()["label"]
    wanted = float(net(torch.tensor([[2.0]]))) * step["scale"] + step["center"]
    assert said["values"] == [{"name": "label", "value": pytest.approx(wanted, rel=1e-5)}]


def test_a_window_is_pasted_as_numbers(tmp_path):
    rows = pd.DataFrame({"day": pd.date_range("2026-01-01", periods=30), "load": np.arange(30.0)})
    steps = [{"step": "windows", "columns": ["load"], "target": "load", "time": "day", "window": 6}]
    net = architectures.build("mlp", inputs=6, outputs=1, dropout=0.0, normalise=False).eval()
    version, _ = processed(rows, steps, ["load"], net, tmp_path, goal="load")
    (asked,) = trying.form(version)["fields"]
    assert (asked["name"], asked["type"], asked["rows"]) == ("load", "series", 6)
    with pytest.raises(ConfigError, match="4 steps were given, and the model looks at 6"):
        trying.predict(version, {"load": "1 2 3 4"})
    said = trying.predict(version, {"load": "9 9 1 2 3 4 5 6"})
    wanted = net(torch.tensor([[1.0, 2, 3, 4, 5, 6]]))
    assert said["values"] == [{"name": "label", "value": pytest.approx(float(wanted), rel=1e-5)}]


def test_what_is_not_known_how_to_ask_for_is_said(keep):
    version = keep(nn.Linear(2, 2))
    assert not trying.is_tryable(version)
    with pytest.raises(ModelError, match="Only your own code can build Linear"):
        trying.form(version)
    bare = keep(architectures.build("text-transformer", vocabulary=50, outputs=2, width=8, heads=2, layers=1))
    with pytest.raises(ModelError, match="Nothing says what text-transformer takes"):
        trying.predict(bare, {"text": "a"})


def test_the_model_stays_in_memory_for_the_next_click_until_another_is_tried_or_it_is_deleted(keep):
    one, other = (keep(architectures.build("mlp", inputs=2, outputs=2)) for _ in range(2))
    trying.predict(one, {"inputs": "1 2"})
    module = HELD._module
    trying.predict(one, {"inputs": "3 4"})
    assert HELD._module is module
    trying.predict(other, {"inputs": "3 4"})
    assert HELD.version == other
    trying.forget(one.model)
    assert HELD.version == other
    trying.forget(other.model, 1)
    assert HELD.version is None


def test_an_input_that_the_model_cannot_take_is_one_sentence(keep):
    net = architectures.build("mlp", inputs=4, outputs=3)
    version = keep(net, inputs={"kind": "tabular", "shape": [5]})
    with pytest.raises(ModelError, match="mlp cannot take this input: ") as caught:
        trying.predict(version, {"inputs": "1 2 3 4 5"})
    assert "\n" not in str(caught.value)


def test_what_is_not_yet_a_probability_is_made_one_and_what_is_stays(keep, tmp_path):
    class Soft(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(2, 2)

        def forward(self, x):
            return torch.softmax(self.layer(x), 1)

    net = Soft().eval()
    program = torch.export.export(net, (torch.zeros(1, 2),))
    version = keep(program, labels=("a", "b"), inputs={"shape": [2], "dtype": "float32"})
    said = trying.predict(version, {"inputs": "1 2"})
    assert said["guesses"][0]["probability"] == pytest.approx(float(net(torch.tensor([[1.0, 2.0]])).max()))
    assert nbtrain.models.predict(version.model, {"inputs": "1 2"})["guesses"] == said["guesses"]


def test_several_rows_are_several_predictions_and_one_value_needs_no_name(tmp_path, keep):
    rows = pd.DataFrame({"x": [1.0, 2, 3, 4], "z": [4.0, 3, 2, 1], "label": ["a", "b", "a", "b"]})
    net = architectures.build("mlp", inputs=2, outputs=2, dropout=0.0, normalise=False).eval()
    version, _ = processed(
        rows, [{"step": "scale", "columns": ["x"]}], ["x", "z"], net, tmp_path, labels=("a", "b"), goal="label")
    one = trying.ask(version, {"x": 2, "z": 3})
    several = trying.ask(version, rows.drop(columns="label"))
    assert len(several) == 4
    assert told(several[1]) == pytest.approx(told(one), abs=1e-6)
    assert trying.ask(version, [{"x": 2, "z": 3}])[0]["guesses"] == one["guesses"]
    with pytest.raises(ConfigError, match="give a dict with x, z"):
        trying.ask(version, "2")
    plain = keep(architectures.build("mlp", inputs=2, outputs=2))
    assert trying.ask(plain, [1, 2])["values"] == trying.ask(plain, {"inputs": "1 2"})["values"]


def test_classes_that_do_not_exclude_one_another_have_probabilities_of_their_own(keep):
    net = architectures.build("mlp", inputs=2, outputs=3).eval()
    version = keep(net, labels=("a", "b", "c"), inputs={"kind": "tabular", "multi_label": True})
    found = {each["label"]: each["probability"] for each in trying.predict(version, {"inputs": "1 2"})["guesses"]}
    wanted = torch.sigmoid(net(torch.tensor([[1.0, 2.0]])))[0].tolist()
    assert [found[name] for name in "abc"] == pytest.approx(wanted)


# -- what a run registered: tried as the run itself predicts -----------------------------------------


def told(said):
    return {each["label"]: each["probability"] for each in said["guesses"]}


def learnt(data, model, **options):
    """A run that has ended, and the version it registered."""
    run = nbtrain.train(model, data, epochs=1, batch_size=16, show=False, **options)
    with torch.enable_grad():
        run.wait()
    return run, run.register("tried", promote=False, weights="last").version


def test_a_table_goes_the_way_of_the_runs_dataset():
    rng = np.random.default_rng(0)
    rows = pd.DataFrame({
        "age": rng.integers(18, 80, 200), "town": rng.choice(["Qom", "Perm", "Bath"], 200),
        "member": rng.random(200) > 0.5, "label": rng.choice(["leaves", "stays"], 200)})
    ready = nbtrain.load_dataset(rows, name="people").process(
        {"step": "scale", "columns": ["age"]}, {"step": "categories", "columns": ["town"], "method": "one_hot"},
        target="label")
    run, version = learnt(ready, "mlp")
    fields = {each["name"]: each["type"] for each in trying.form(version)["fields"]}
    assert fields == {"age": "number", "town": "choice", "member": "switch"}
    row = {"age": 33, "town": "Perm", "member": True}
    wanted = torch.softmax(run.predict([row]), 1)[0].tolist()
    found = told(trying.predict(version, row))
    assert [found["leaves"], found["stays"]] == pytest.approx(wanted, abs=1e-5)


def test_a_text_goes_the_way_of_the_runs_dataset():
    rows = pd.DataFrame({
        "text": [f"a {word} film number {n}" for n in range(60) for word in ("good", "bad")], "label": ["y", "n"] * 60})
    ready = nbtrain.load_dataset(rows, name="films").process(
        {"step": "lowercase"}, {"step": "tokenize", "algorithm": "wordpiece", "vocabulary": 120}, target="label")
    run, version = learnt(ready, "text-transformer")
    (asked,) = trying.form(version)["fields"]
    assert (trying.form(version)["kind"], asked["name"], asked["type"]) == ("text", "text", "text")
    wanted = torch.softmax(run.predict([{"text": "Such a GOOD one"}]), 1)[0].tolist()
    found = told(trying.predict(version, {"text": "Such a GOOD one"}))
    assert [found["n"], found["y"]] == pytest.approx(wanted, abs=1e-5)


def test_an_image_goes_the_way_of_the_runs_dataset(tmp_path):
    from PIL import Image  # noqa: PLC0415 - only here

    rng = np.random.default_rng(0)
    for label in ("day", "night"):
        (tmp_path / "sky" / label).mkdir(parents=True)
        for number in range(12):
            pixels = rng.integers(0, 256, (14, 18, 3), dtype=np.uint8) // (1 if label == "day" else 4)
            Image.fromarray(pixels).save(tmp_path / "sky" / label / f"{number}.png")
    ready = nbtrain.load_dataset(tmp_path / "sky", name="sky").process(
        {"step": "resize_images", "width": 12, "height": 12}, target="label")
    run, version = learnt(ready, "resnet")
    (asked,) = trying.form(version)["fields"]
    assert (trying.form(version)["kind"], asked["type"]) == ("image", "file")
    path = tmp_path / "sky" / "night" / "3.png"
    new = {asked["name"]: {"bytes": path.read_bytes(), "path": path.name}}
    wanted = torch.softmax(run.predict([new]), 1)[0].tolist()
    found = told(trying.predict(version, {asked["name"]: path}))
    assert [found["day"], found["night"]] == pytest.approx(wanted, abs=1e-5)


def test_windows_go_the_way_of_the_runs_dataset():
    days = pd.date_range("2026-01-01", periods=120)
    rows = pd.DataFrame({"day": days, "load": np.sin(np.arange(120) / 5)})
    loads = nbtrain.load_dataset(rows, name="loads")
    loads.split(method="time", time="day", train=0.7, validation=0.3, test=0)
    ready = loads.process(
        {"step": "windows", "columns": ["load"], "target": "load", "time": "day", "window": 8}, target="load")
    run, version = learnt(ready, "mlp", target="load_ahead", features=["load"])
    (asked,) = trying.form(version)["fields"]
    assert (trying.form(version)["kind"], asked["type"], asked["rows"]) == ("series", "series", 8)
    last = rows.tail(8)
    wanted = float(run.predict(last))
    said = trying.predict(version, {"load": last["load"].tolist()})
    assert said["values"] == [{"name": "load_ahead", "value": pytest.approx(wanted, abs=1e-5)}]


def test_numbers_of_arrays_go_as_they_are():
    x = np.random.default_rng(0).normal(size=(80, 3)).astype("float32")
    run, version = learnt((x, (x[:, 0] > 0).astype("int64")), "mlp")
    wanted = torch.softmax(run.predict(x[:1]), 1)[0].tolist()
    found = told(trying.predict(version, {"inputs": x[0].tolist()}))
    assert [found["0"], found["1"]] == pytest.approx(wanted, abs=1e-5)
