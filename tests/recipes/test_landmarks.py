"""Points on images: which columns they are, where they go when images change, what is learnt, and what is refused."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

import nbtrain
from nbtrain import training
from nbtrain.core.errors import ConfigError, DataError, ModelError
from nbtrain.data.columns import Kind
from nbtrain.data.importing.objects import as_table
from nbtrain.data.keeping.library import Library
from nbtrain.data.processing import AugmentImage
from nbtrain.models import architectures
from nbtrain.recipes import localising, points
from nbtrain.recipes.base import Columns
from nbtrain.recipes.landmarks import CHANGES
from nbtrain.recipes.localising import Located, RadialError, figures
from nbtrain.recipes.pictures import Pictures
from tests.halves import stopped
from tests.recipes.drawn import BRIGHT, NAMES, dots, folder_of_dots


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return folder_of_dots(tmp_path_factory.mktemp("dots") / "dots")


def net(seed=0, **config):
    torch.manual_seed(seed)
    small = {"width": 8, "blocks": 1, "resolutions": 2, "exchanges": [1]}
    return architectures.build("hrnet", outputs=2, channels=1, **(small | config))


def train(data, model=None, **options):
    known = {"image_size": 48, "epochs": 1, "batch_size": 8, "warmup_epochs": 0.0, "heatmap_sigma": 1.0}
    return training.train(net() if model is None else model, data, recipe="landmarks", show=False, **(known | options))


def differing(one, other):
    """Names of the weights that differ."""
    assert list(one) == list(other)
    return [name for name in one if not torch.equal(one[name], other[name])]


def located(folder, size=64, **more):
    rows = Library().table(nbtrain.load_dataset(folder).id)
    found = points.read(rows, points.goal(rows, Columns()))
    pictures = Pictures(rows, rows.column("image"), size=size, fit="pad")
    return Located(pictures, found, mean=[0.0], std=[1.0], **more)


def light(x, at):
    """How bright an image (1, h, w) is around a point."""
    column, row = round(float(at[0])), round(float(at[1]))
    return float(x[0, max(0, row - 1):row + 2, max(0, column - 1):column + 2].max()) * 255


# -- learning ---------------------------------------------------------------------------------------------


def test_points_are_learnt_and_found_in_pixels_of_images_of_any_size(folder):
    run = train(folder, epochs=40, learning_rate=3e-3, pixel_size=0.5, early_stopping=False)
    assert run.wait() == "finished"
    assert run.history["val_mre_px"].values[-1] < 1.5
    assert run.history["val_mre_mm"].values[-1] == pytest.approx(run.history["val_mre_px"].values[-1] / 2)
    assert run.history["val_sdr_2mm"].values[-1] > 0.9
    drawn = [dots(1000 + number, 70, 100) for number in range(3)]
    found = run.predict([image for image, _ in drawn])
    assert found.shape == (3, 2, 2)
    assert np.abs(found.numpy() - np.stack([places for _, places in drawn])).mean() < 2.5
    table = pd.DataFrame([
        {"image": {"bytes": png(image), "path": None}, **dict(zip(columns(), places.ravel(), strict=True))}
        for image, places in drawn])
    errors = np.linalg.norm(found.numpy() - np.stack([places for _, places in drawn]), axis=2)
    assert run.evaluate(table)["mre_px"] == pytest.approx(errors.mean(), rel=1e-4)
    assert run.predict(drawn[0][0]).shape == (1, 2, 2)


def columns():
    return [f"{name}_{axis}" for name in NAMES for axis in "xy"]


def png(image):
    held = io.BytesIO()
    image.save(held, "PNG")
    return held.getvalue()


def test_another_kernel_goes_on_to_the_same_bits(folder):
    options: dict[str, Any] = {"epochs": 3, "num_workers": 0}
    whole = train(folder, "hrnet", **options)
    whole.wait()
    run = stopped(train, folder, "hrnet", **options)
    code = f"""
        import json, torch, nbtrain
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
    weights = torch.load(run.folder / "weights.pt", weights_only=True)
    assert differing(weights, whole.model.state_dict()) == []


def test_the_worst_images_are_shown_with_where_points_are(folder):
    run = train(folder)
    run.wait()
    shown = run.samples(1)
    assert len(shown) == localising.SHOWN
    errors = [float(each.title.split(": ")[1].split(" px")[0]) for each in shown]
    assert errors == sorted(errors, reverse=True)
    row = int(shown[0].title[1:].split(":")[0])
    image = Image.open(io.BytesIO(shown[0].content))
    _, places = dots(row, 48 + 8 * (row % 3), 36 + 6 * (row % 2))
    factor = image.width / (48 + 8 * (row % 3))
    top = (image.height - (36 + 6 * (row % 2)) * factor) / 2
    x, y = (places[0] + 0.5) * factor + [0, top]
    ring = [image.getpixel((round(x + dx), round(y + dy))) for dx in range(-7, 8) for dy in range(-7, 8)]
    assert localising._TRUTH in ring


def test_a_module_of_the_users_that_gives_heatmaps_is_trained_as_it_is(folder):
    own = torch.nn.Sequential(
        torch.nn.Conv2d(1, 8, 3, 2, 1), torch.nn.ReLU(), torch.nn.Conv2d(8, 2, 3, 2, 1))
    before = [each.clone() for each in own.parameters()]
    run = train(folder, own)
    run.wait()
    assert not any(torch.equal(one, other) for one, other in zip(before, own.parameters(), strict=True))
    assert run.predict([dots(5)[0]]).shape == (1, 2, 2)
    with pytest.raises(ModelError, match="gives no heatmaps; for landmarks a model must give"):
        train(folder, torch.nn.Flatten())
    with pytest.raises(ModelError, match="gives 2 heatmaps, and the data has 1 landmarks"):
        train(one_point(folder), net())


def one_point(folder):
    """The same with the left dots alone."""
    other = folder.parent / "one"
    shutil.copytree(folder, other, dirs_exist_ok=True)
    frame = pd.read_csv(other / "points.csv")
    frame[["file_name", "left_dot_x", "left_dot_y"]].to_csv(other / "points.csv", index=False)
    return other


def test_a_registered_model_goes_on_with_other_images(folder):
    run = train(folder, "hrnet", image_size=32)
    run.wait()
    run.register("dots")
    again = train(folder, "dots", image_size=32)
    assert again.wait() == "finished"
    assert again.model.config == run.model.config
    with pytest.raises(ModelError, match="The model 'dots' was made for other data: its outputs is 2, and this data"):
        train(one_point(folder), "dots")


def test_workers_read_the_same_as_the_run_itself(folder):
    alone, helped = train(folder, num_workers=0), train(folder, num_workers=2, persistent_workers=True)
    alone.wait()
    helped.wait()
    assert differing(alone.model.state_dict(), helped.model.state_dict()) == []


def test_maps_may_be_compared_with_bells_by_another_loss(folder):
    run = train(folder, loss="mse")
    run.wait()
    assert run.history["val_loss"].values[-1] < 1
    with pytest.raises(ConfigError, match="loss is 'cross_entropy'; for landmarks it must be one of heatmaps"):
        train(folder, loss="cross_entropy")


# -- points and images together -----------------------------------------------------------------------------


def test_points_lie_where_they_did_when_images_are_made_one_size(folder):
    rows = located(folder)
    for row in range(6):
        inputs, target = rows[row]
        for place, bright in zip(target["points"], BRIGHT, strict=True):
            assert light(inputs["x"], place) == pytest.approx(bright, abs=45)
    assert inputs["x"].shape == (1, 64, 64)


@pytest.mark.parametrize("step", [CHANGES, AugmentImage(columns=("image",), horizontal_flip=1.0)])
def test_points_move_with_the_image_and_left_stays_left_in_the_mirror(folder, step):
    rows = located(folder, step=step.model_copy(update={"noise": 0.0, "brightness": 0.0, "contrast": 0.0, "blur": 0.0}),
                   pairs=[(0, 1)])
    np.random.seed(0)  # noqa: NPY002 - the generator that a reader seeds
    moved = 0
    for row in range(12):
        inputs, target = rows[row]
        plain = located_points(rows, row)
        moved += not np.allclose(plain, target["points"], atol=0.5)
        lights = [light(inputs["x"], place) for place in target["points"]]
        seen = target["seen"].bool()
        assert seen.all()
        if step is not CHANGES:  # each is mirrored: the left dot is the dimmer one now
            assert lights[0] < lights[1]
            assert target["points"][0, 0] < target["points"][1, 0]
        else:
            assert min(lights) > 60
    assert moved > 6


def located_points(rows, row):
    factor, right, down = rows.pictures.frame(row)
    return (rows.points[row] + 0.5) * factor + np.array([right, down]) - 0.5


def test_without_names_for_left_and_right_nothing_is_mirrored(folder):
    rows = located(folder, step=AugmentImage(columns=("image",), horizontal_flip=1.0))
    _, target = rows[3]
    np.testing.assert_allclose(target["points"].numpy(), located_points(rows, 3), atol=1e-4)


def test_a_point_that_leaves_the_image_or_is_missing_is_not_seen(tmp_path):
    rows = located(folder_of_dots(tmp_path / "some", 6, missing=2), step=AugmentImage(
        columns=("image",), horizontal_flip=0.0, translate=0.5))
    np.random.seed(1)  # noqa: NPY002 - as above
    seen = torch.stack([rows[row][1]["seen"] for row in range(6)])
    points = torch.stack([rows[row][1]["points"] for row in range(6)])
    assert not seen[2, 1]
    assert 0 < seen.sum() < 12
    assert points.isfinite().all()
    run = train(folder_of_dots(tmp_path / "more", 20, missing=4))
    assert run.wait() == "finished"


def test_which_points_mirror_each_other_is_told_by_their_names():
    names = ("left_eye", "nose", "right_eye", "L ear", "R ear", "eyelid_l", "eyelid_r", "Left-hip")
    assert points.Goal(names, ("a", "b")).pairs() == [(0, 2), (3, 4), (5, 6)]
    order = points.swapped(np.arange(16.0).reshape(1, 8, 2), [(0, 2), (3, 4)])
    assert order[0, :, 0].tolist() == [4, 2, 0, 8, 6, 10, 12, 14]


# -- figures ------------------------------------------------------------------------------------------------


def test_figures_are_those_of_the_closed_form():
    found = torch.tensor([[[0.0, 0.0], [3.0, 4.0]], [[10.0, 0.0], [9.0, 9.0]]])
    target = {"given": torch.tensor([[[0.0, 2.0], [0.0, 0.0]], [[10.0, 2.5], [1.0, 1.0]]]),
              "seen": torch.tensor([[1, 1], [1, 0]])}
    values = {}
    for figure in figures(0.5):
        figure.update(found, target)
        values[figure.__name__] = figure.compute()
    assert values == pytest.approx({
        "mre_px": (2 + 5 + 2.5) / 3, "mre_mm": (1 + 2.5 + 1.25) / 3, "sdr_2mm": 2 / 3, "sdr_2_5mm": 1.0,
        "sdr_3mm": 1.0, "sdr_4mm": 1.0})
    assert [figure.__name__ for figure in figures(0.0)] == ["mre_px", "sdr_2px", "sdr_2_5px", "sdr_3px", "sdr_4px"]
    assert np.isnan(RadialError("mre_px").compute())


# -- which columns, and what is refused ---------------------------------------------------------------------


def test_points_are_found_by_the_names_of_their_columns():
    image = b"x"
    for names in (["x1", "y1", "x2", "y2"], ["a_x", "a_y", "b_x", "b_y"], ["x_a", "y_a", "x_b", "y_b"]):
        table = as_table(pd.DataFrame([[image, 5.0, *range(4)]], columns=["image", "age", *names]))
        found = points.goal(table, Columns())
        assert found.columns == tuple(names)
        assert points.read(table, found).tolist() == [[[0, 1], [2, 3]]]
    table = as_table([{"spots": [[0, 1], None, [2.5, 3]]}, {"spots": [[1, 1], [2, 2], [3, 3]]}])
    listed = points.read(table, points.goal(table, Columns()))
    np.testing.assert_array_equal(listed[0], [[0, 1], [np.nan, np.nan], [2.5, 3]])


def beside(folder, tmp_path, **columns):
    """The same images and points, with more columns of numbers."""
    other = tmp_path / "beside"
    shutil.copytree(folder, other)
    frame = pd.read_csv(other / "points.csv")
    for name, values in columns.items():
        frame[name] = values
    frame.to_csv(other / "points.csv", index=False)
    return other


def test_pairs_of_numbers_that_are_no_points_are_left_out_and_told(folder, tmp_path):
    rows = len(pd.read_csv(folder / "points.csv"))
    spacing, far = np.linspace(0.1, 0.2, rows), np.linspace(900, 1000, rows)
    other = beside(folder, tmp_path, pixel_spacing_x=spacing, pixel_spacing_y=spacing, scanner_x=far, scanner_y=far,
                   table_x=3.0, table_y=4.0)
    run = train(other)
    assert run.wait() == "finished"
    assert run.predict([dots(5)[0]]).shape == (1, 2, 2)
    assert run.warnings[0].startswith(
        "The landmarks are 'left_dot', 'right_dot'; 'pixel_spacing_x', 'pixel_spacing_y', 'scanner_x', 'scanner_y', "
        "'table_x', 'table_y' are not taken for points")
    assert set(run.evaluate(nbtrain.load_dataset(folder, name="without"))) == set(run.evaluate())


def test_points_are_not_left_out_by_their_values_alone(folder, tmp_path):
    aligned = beside(folder, tmp_path / "aligned", eye_x=3.0, eye_y=4.0)
    run = train(aligned, "hrnet")
    assert run.wait() == "finished"
    assert run.predict([dots(5)[0]]).shape == (1, 3, 2)
    assert run.warnings == []
    rows = len(pd.read_csv(folder / "points.csv"))
    other = beside(folder, tmp_path / "scaled", nose_x=np.linspace(900, 1000, rows), nose_y=900.0)
    with pytest.raises(DataError, match=r"lie outside of their image, .*: 'nose' is at \(900, .* name the columns of"):
        train(other, "hrnet")


def test_columns_that_are_named_are_the_points(folder, tmp_path):
    rows = len(pd.read_csv(folder / "points.csv"))
    other = beside(folder, tmp_path, size_x=np.linspace(1, 9, rows), size_y=5.0)
    for features in (["image", "size_x", "size_y"], ["size_x", "size_y"]):
        run = train(other, "hrnet", features=features)
        assert run.wait() == "finished"
        assert run.predict([dots(5)[0]]).shape == (1, 1, 2)
        assert run.warnings == []
    with pytest.raises(DataError, match=r"features names 'mode' of .*, which holds .* values; for landmarks"):
        train(other, features=["image", "mode"])


@pytest.mark.parametrize(("rows", "said"), [
    ({"points": [[[1, 2], [3, 4]], [[1, 2]]]}, r"different numbers of points: 2 in the first, 1 in row 1"),
    ({"a_x": [1.0, 2.0], "a_y": [1.0, None]}, r"half a point, x without y or y without x, in row 1"),
    ({"a_x": [1.0], "a_y": [1.0], "b_x": [1.0]}, r"'b_x' of data is one half of a point"),
    ({"age": [1.0]}, r"data has no points; it has: 'age'. Give two columns of numbers a point"),
    ({"points": [[[1, 2, 3]]]}, r"holds \[1, 2, 3\] for a point in row 0; a point is \[x, y\]"),
])
def test_what_is_no_set_of_points_is_told_with_its_rows(rows, said):
    table = as_table(rows)
    with pytest.raises(DataError, match=said):
        points.read(table, points.goal(table, Columns()))


def spoilt(folder, tmp_path, change):
    other = tmp_path / "spoilt"
    shutil.copytree(folder, other)
    change(other)
    return other


def test_points_outside_of_their_image_are_told_with_their_row(folder, tmp_path):
    def change(other):
        frame = pd.read_csv(other / "points.csv")
        frame.loc[7, "right_dot_x"] = 400.0
        frame.to_csv(other / "points.csv", index=False)

    with pytest.raises(DataError, match=r"1 landmarks of .* lie outside of their image, in row 7: 'right_dot' is at"):
        train(spoilt(folder, tmp_path, change))
    assert training.runs() == []


def test_images_that_cannot_be_read_are_told_with_their_rows():
    whole = png(dots(0)[0])
    files = [whole, whole[:150], b"no image", whole, None]
    table = as_table({"image": [{"bytes": each, "path": None} for each in files[:4]]}, media={"image": Kind.IMAGE})
    with pytest.raises(DataError, match=r"2 images cannot be read in 'image' of data, 2 rows \(1, 2\): .*; leave"):
        Pictures(table, table.column("image"), size=32, fit="pad")
    table = as_table({"image": [None if each is None else {"bytes": each, "path": None} for each in files]},
                     media={"image": Kind.IMAGE})
    with pytest.raises(DataError, match="'image' of data has no image in row 4; leave these rows out"):
        Pictures(table, table.column("image"), size=32, fit="pad")


def test_a_bell_wider_than_the_maps_is_refused(folder):
    with pytest.raises(ConfigError, match="heatmap_sigma is 20, too wide for heatmaps of 12 × 12 pixels"):
        train(folder, heatmap_sigma=20.0)


def test_it_is_chosen_where_images_have_points(folder):
    run = training.train("hrnet", folder, image_size=32, epochs=1, show=False)
    run.stop()
    assert run.config["recipe"] == "landmarks"
    assert run.config["patience"] == 20
