"""Images in classes: files of any kind as arrays, what chance does to them, whose models learn, and what is refused."""

from __future__ import annotations

import importlib.util
import io
import json
import os
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import nbtrain
from nbtrain import training
from nbtrain.core.errors import DataError, ModelError
from nbtrain.data.columns import Kind
from nbtrain.data.importing.objects import as_table
from nbtrain.engine import randomness
from nbtrain.hub.local import samples
from nbtrain.models import architectures
from nbtrain.models.package import About, Package
from nbtrain.models.registry import Registry
from nbtrain.recipes import decoding, image_models, pictures
from nbtrain.recipes.image_models import grey_of
from nbtrain.recipes.images import CHANGES, Labelled
from nbtrain.recipes.pictures import Pictures
from tests.halves import stopped
from tests.recipes.drawn import folder_of_shapes, shape


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return folder_of_shapes(tmp_path_factory.mktemp("shapes") / "shapes")


def train(model, data, **options):
    known = {"image_size": 32, "epochs": 1, "batch_size": 8}
    return training.train(model, data, recipe="image-classification", show=False, **(known | options))


def encoded(image, kind="PNG", **options):
    held = io.BytesIO()
    image.save(held, kind, **options)
    return held.getvalue()


def table_of(files):
    return as_table({"image": [{"bytes": each, "path": None} for each in files]}, media={"image": Kind.IMAGE})


def arrays(files, size=16, **options):
    table = table_of(files)
    made = Pictures(table, table.column("image"), size=size, fit="stretch", **options)
    return made, torch.stack([made[row] for row in range(len(made))])


RED = Image.new("RGB", (16, 16), (200, 40, 40))


# -- files as arrays ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("file", [
    encoded(RED), encoded(RED.quantize(4)), encoded(RED.convert("RGBA")), encoded(RED.convert("CMYK"), "TIFF"),
    encoded(RED, "BMP"), encoded(RED.resize((40, 24))), encoded(RED, "WEBP", lossless=True),
])
def test_an_image_of_any_kind_has_its_colours(file):
    made, x = arrays([file])
    assert made.shape == (3, 16, 16)
    assert x[0, :, 8, 8].mul(255).tolist() == pytest.approx([200, 40, 40], abs=2)


def test_what_is_transparent_lies_on_white():
    clear = Image.new("RGBA", (16, 16), (0, 0, 0, 0))
    clear.paste((200, 40, 40, 255), (0, 0, 8, 16))
    palette = Image.new("P", (16, 16), 0)
    palette.putpalette([10, 20, 30, 200, 40, 40])
    palette.paste(1, (0, 0, 8, 16))
    _, x = arrays([encoded(clear), encoded(palette, transparency=0)])
    for image in x:
        assert image[:, 8, 2].mul(255).tolist() == pytest.approx([200, 40, 40], abs=2)
        assert image[:, 8, 13].tolist() == [1.0, 1.0, 1.0]


def test_sixteen_bits_stay_and_grey_images_have_one_channel():
    values = np.linspace(1000, 1100, 256).reshape(16, 16).astype(np.uint16)
    made, x = arrays([encoded(Image.fromarray(values)), encoded(Image.new("L", (9, 9), 51))])
    assert (made.grey, made.deep, made.shape) == (True, True, (1, 16, 16))
    np.testing.assert_allclose(x[0, 0].numpy() * 65535, values, atol=1)
    assert x[1].mean().item() == pytest.approx(0.2)
    with pytest.raises(DataError, match=r"1 image cannot be read .* row 0: its values reach from -3 to 3, and must"):
        arrays([encoded(Image.fromarray(np.linspace(-3, 3, 64, dtype=np.float32).reshape(8, 8)), "TIFF")])


def test_a_photo_lies_as_the_camera_was_held():
    photo = Image.new("RGB", (20, 10))
    photo.paste((255, 255, 255), (0, 0, 10, 10))
    exif = Image.Exif()
    exif[0x0112] = 6  # turned clockwise: what was left is up
    assert decoding.facts(encoded(photo, "JPEG", exif=exif))[2:] == (10, 20)
    _, x = arrays([encoded(photo, "JPEG", exif=exif, quality=95)])
    assert x[0, :, 3].mean() > 0.9
    assert x[0, :, 12].mean() < 0.1


def test_images_that_would_fill_too_much_are_read_one_by_one_and_are_the_same(monkeypatch):
    files = [encoded(shape("ring", number)) for number in range(4)]
    _, kept = arrays(files)
    monkeypatch.setattr(pictures, "MOST", 0)
    made, read = arrays(files)
    assert made._path is None
    assert torch.equal(kept, read)
    broken = [*files, files[0][:120]]
    table = table_of(broken)
    late = Pictures(table, table.column("image"), size=16, fit="stretch")
    with pytest.raises(DataError, match=r"The image in row 4 of 'image' of data cannot be read: .*; leave it out"):
        late[4]


def test_channels_have_mean_0_and_deviation_1_over_the_training_part():
    made, x = arrays([encoded(shape("square", number)) for number in range(8)])
    mean, std = made.measured()
    np.testing.assert_allclose(mean, x.mean((0, 2, 3)), rtol=1e-4)
    np.testing.assert_allclose(std, x.std((0, 2, 3), correction=0), rtol=1e-4)


# -- by chance ------------------------------------------------------------------------------------------------


def test_chance_changes_images_of_the_training_part_alone(folder):
    run = train("resnet", folder)
    run.wait()
    given = run._trainer.given
    assert isinstance(given.data, Labelled)
    assert given.data._step is not None
    assert given.validation._step is None
    np.random.seed(0)  # noqa: NPY002 - the generator that a reader seeds
    assert not torch.equal(given.data[0][0], given.data[0][0])
    assert torch.equal(given.validation[0][0], given.validation[0][0])
    plain = train("resnet", folder, use_augmentation=False)
    plain.wait()
    assert plain._trainer.given.data._step is None


def test_the_step_of_the_dataset_goes_before_ours_and_grey_images_are_not_mirrored(folder, tmp_path):
    dataset = nbtrain.load_dataset(folder, name="own")
    own = dataset.process({"step": "augment_image", "vertical_flip": 0.7})
    run = train("resnet", own)
    run.stop()
    assert run._trainer.given.data._step.vertical_flip == 0.7
    grey = tmp_path / "grey"
    for kind in ("dark", "light"):
        (grey / kind).mkdir(parents=True)
        for number in range(6):
            Image.new("L", (16, 16), number + (200 if kind == "light" else 0)).save(grey / kind / f"{number}.png")
    run = train("resnet", grey)
    run.stop()
    assert run._trainer.given.data._step.horizontal_flip == 0.0
    assert CHANGES.horizontal_flip == 0.5


# -- models -----------------------------------------------------------------------------------------------------


def test_classes_are_learnt_and_predicted_for_images_as_they_are(folder):
    torch.manual_seed(0)
    net = architectures.build("resnet", outputs=3, width=8, blocks=[1, 1])
    run = train(net, folder, epochs=14, learning_rate=5e-3, use_augmentation=False, class_weights="balanced")
    assert run.wait() == "finished"
    assert run.history["val_accuracy"].values[-1] > 0.8
    kinds = ["ring", "cross", "square"]
    found = run.predict([shape(kind, 900 + number) for number, kind in enumerate(kinds)])
    assert list(found.columns) == ["prediction", "probability", "p(cross)", "p(ring)", "p(square)"]
    assert sum(found.prediction == kinds) >= 2
    assert run.evaluate(nbtrain.load_dataset(folder, name="again"))["accuracy"] > 0.8
    path = next(folder.glob("ring/*.jpg"))
    assert len(run.predict(str(path))) == 1
    with pytest.raises(DataError, match="The image is an array of float64; give one of uint8"):
        run.predict([np.zeros((9, 9))])


def test_another_kernel_goes_on_to_the_same_bits(folder):
    options: dict[str, Any] = {"epochs": 3, "image_size": 16}
    whole = train("convnext", folder, **options)
    whole.wait()
    run = stopped(train, "convnext", folder, **options)
    code = f"""
        import json, torch
        from nbtrain import training
        run = training.resume({run.id!r}, show=False)
        run.wait()
        torch.save(run.model.state_dict(), {str(run.folder / "weights.pt")!r})
        print(json.dumps(run.resumed))
    """
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", textwrap.dedent(code)], check=False, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(Path.cwd())})
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == {"exact": True, "reasons": []}
    weights, known = torch.load(run.folder / "weights.pt", weights_only=True), whole.model.state_dict()
    assert [name for name in known if not torch.equal(weights[name], known[name])] == []


def test_a_vision_transformer_of_the_registry_gets_its_size_its_means_and_a_head_for_the_classes(folder, tmp_path):
    files = samples.files("ViTForImageClassification", labels=("circle", "star"))
    files["preprocessor_config.json"] = json.dumps({
        "image_mean": [0.5, 0.4, 0.3], "image_std": [0.2, 0.2, 0.2], "size": {"height": 8, "width": 8}}).encode()
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    about = About(format="transformers", architecture="ViTForImageClassification", inputs={"kind": "image"},
                  labels=("circle", "star"))
    Registry().add(Package(about, {name: tmp_path / name for name in files}), name="tiny-vit")
    run = train("tiny-vit", folder, frozen_layers=1, layer_decay=0.5)
    assert run.wait() == "finished"
    size = json.loads(files["config.json"])["image_size"]
    given = run._trainer.given
    sample, _ = given.validation[0]
    assert sample["pixel_values"].shape == (3, size, size)
    assert given.origin["fitted"]["mean"] == [0.5, 0.4, 0.3]
    assert run.model.config.id2label == {0: "cross", 1: "ring", 2: "square"}
    assert "has a new head for cross, ring, square" in run.warnings[0]
    assert next(iter(run.model.state_dict())) in run._trainer.given.frozen
    assert len(run.predict([RED])) == 1


@pytest.mark.skipif(importlib.util.find_spec("timm") is not None, reason="timm is installed")
def test_what_is_missing_for_timms_models_is_said(folder):
    with pytest.raises(ModelError, match=r"timm:resnet18 needs timm; install it with: pip install 'nbtrain\[vision\]'"):
        train("timm:resnet18", folder)


def test_models_of_timm_learn_classes_and_points(folder, tmp_path):
    pytest.importorskip("timm")
    run = train("timm:resnet10t", folder)
    assert run.wait() == "finished"
    from tests.recipes.drawn import folder_of_dots  # noqa: PLC0415 - timm is seldom there

    points = training.train(
        "timm:resnet10t", folder_of_dots(tmp_path / "dots", 16), recipe="landmarks", image_size=64, epochs=1,
        show=False)
    assert points.wait() == "finished"
    assert points.predict([RED]).shape == (1, 2, 2)
    with pytest.raises(ModelError, match="timm cannot make 'resnt'"):
        train("timm:resnt", folder)


def own(channels, outputs=2):
    return nn.Sequential(
        nn.Conv2d(channels, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, outputs))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_grey_and_coloured_images_fit_the_channels_that_a_module_takes(tmp_path, channels, mode):
    for kind, light in (("dark", 30), ("light", 220)):
        (tmp_path / mode / kind).mkdir(parents=True)
        for number in range(8):
            image = Image.new("RGB", (16, 16), (light + number, light, light - number)).convert(mode)
            image.save(tmp_path / mode / kind / f"{number}.png")
    run = train(own(channels), tmp_path / mode, image_size=16)
    assert run.wait() == "finished"
    assert run._trainer.given.data[0][0].shape == (channels, 16, 16)
    assert run.predict([RED]).shape[0] == 1


def test_channels_that_no_image_has_are_told(folder):
    with pytest.raises(ModelError, match=r"cannot take the data: RuntimeError: .* to have 4 channels, but got 3"):
        train(own(4, 3), folder)


@pytest.mark.parametrize(("module", "grey"), [("Late", False), ("Gated", False), ("Alone", True), ("Either", None)])
def test_channels_are_those_that_go_through_a_module_whatever_it_was_made_of(module, grey):
    net = {"Late": Late, "Gated": Gated, "Alone": lambda: own(1), "Either": nn.Flatten}[module]()
    before = {name: each.clone() for name, each in net.state_dict().items()}
    assert grey_of(net, 8) is grey
    assert net.training
    assert all(torch.equal(each, before[name]) for name, each in net.state_dict().items())


class Late(nn.Module):
    """Its last convolution was made first."""

    def __init__(self):
        super().__init__()
        self.classify, self.stem, self.norm = nn.Conv2d(16, 3, 1), nn.Conv2d(3, 16, 3), nn.BatchNorm2d(16)

    def forward(self, x):
        return self.classify(self.norm(self.stem(x))).mean((2, 3))


class Gated(nn.Module):
    """Looks at the brightness first."""

    def __init__(self):
        super().__init__()
        self.gate, self.stem = nn.Conv2d(1, 1, 1), nn.Conv2d(3, 3, 1)

    def forward(self, x):
        return (self.stem(x) * self.gate(x.mean(1, keepdim=True))).mean((2, 3))


def test_a_module_whose_channels_are_not_known_yet_is_not_settled_by_asking():
    net = nn.Sequential(nn.LazyConv2d(4, 1), nn.Flatten())
    assert grey_of(net, 8) is None
    assert isinstance(net[0].weight, nn.parameter.UninitializedParameter)


# -- what is refused ----------------------------------------------------------------------------------------------


def test_a_class_of_one_row_is_told_with_its_row(folder, tmp_path):
    for kind, count in (("many", 6), ("single", 1)):
        (tmp_path / "images" / kind).mkdir(parents=True)
        for number in range(count):
            shape("ring", number).save(tmp_path / "images" / kind / f"{number}.png")
    with pytest.raises(DataError, match=r"has a class of one row \('single', in row 6\)"):
        train("resnet", tmp_path / "images")


def test_data_without_images_or_without_classes_is_refused(folder, tmp_path):
    import pandas as pd  # noqa: PLC0415 - for one test

    with pytest.raises(DataError, match="has no column of images; it has: 'a', 'label'"):
        train("resnet", pd.DataFrame({"a": np.arange(40.0), "label": ["x", "y"] * 20}))
    images = tmp_path / "images"
    images.mkdir()
    for number in range(6):
        shape("ring", number).save(images / f"{number}.png")
    with pytest.raises(DataError, match=r"has no column called label, .*; say which is to be learnt"):
        train("resnet", images)
    with pytest.raises(ModelError, match="'mlp' does not take the data of this recipe; those that do are: resnet, con"):
        train("mlp", folder)


def test_it_is_chosen_where_a_model_of_images_meets_images_with_classes(folder):
    run = training.train("convnext", folder, image_size=16, epochs=1, show=False)
    run.stop()
    assert run.config["recipe"] == "image-classification"
    assert run.config["label_smoothing"] == 0.1


def turn_is_free():
    if free := randomness._turn.acquire(blocking=False):
        randomness._turn.release()
    return free


def test_while_weights_are_drawn_no_run_draws():
    drawn = []
    for _ in range(2):
        with image_models._drawing(7):
            assert not ThreadPoolExecutor(1).submit(turn_is_free).result(60)
            drawn.append(torch.rand(3))
    assert torch.equal(*drawn)
