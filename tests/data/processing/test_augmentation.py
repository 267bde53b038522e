from __future__ import annotations

import io

import numpy as np
import pyarrow as pa
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from nbtrain.core.errors import DataError
from nbtrain.data.processing import (
    AugmentImage,
    AugmentSeries,
    AugmentText,
    Recipe,
    Windows,
    geometry,
    photometry,
)
from nbtrain.data.processing.randomness import generator

SEEDS = st.integers(0, 2**32)
SHAPES = st.tuples(st.integers(33, 60), st.integers(33, 60))


def blob(height, width, x, y):
    """A soft spot with its centre at (x, y), all of it inside."""
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    return torch.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 8.0)[None].double()


def center(image):
    """Where the mass of an image is."""
    plane = image[0]
    rows, columns = torch.meshgrid(torch.arange(plane.shape[0]), torch.arange(plane.shape[1]), indexing="ij")
    return [float((plane * columns).sum() / plane.sum()), float((plane * rows).sum() / plane.sum())]


@settings(max_examples=60)
@given(shape=SHAPES, seed=SEEDS, dx=st.floats(-3, 3), dy=st.floats(-3, 3))
def test_landmarks_move_as_the_pixels_do(shape, seed, dx, dy):
    height, width = shape
    x, y = (width - 1) / 2 + dx, (height - 1) / 2 + dy
    step = AugmentImage(
        columns="i", landmarks="l", horizontal_flip=0.5, vertical_flip=0.5, rotate=180, scale=0.2, translate=0.05,
        shear=10)
    found = step.augment({"i": blob(height, width, x, y), "l": [[x, y]]}, generator(seed, 0, 0))
    assert found["l"][0] == pytest.approx(center(found["i"]), abs=0.05)


@given(shape=st.tuples(st.integers(1, 9), st.integers(1, 9)), horizontal=st.booleans(), vertical=st.booleans())
def test_a_flip_moves_every_pixel_exactly(shape, horizontal, vertical):
    height, width = shape
    image = torch.arange(height * width).reshape(1, height, width)
    found = geometry.flipped(image, horizontal=horizontal, vertical=vertical)
    matrix = geometry.flip(width, height, horizontal=horizontal, vertical=vertical)
    for y in range(height):
        for x in range(width):
            [[new_x, new_y]] = geometry.move(np.array([[x, y]], float), matrix)
            assert found[0, int(new_y), int(new_x)] == image[0, y, x]


def test_a_quarter_turn_moves_every_pixel_exactly():
    image = torch.arange(25.0).reshape(1, 5, 5)
    found = geometry.warp(image, geometry.affine(5, 5, degrees=90))
    torch.testing.assert_close(found, image.rot90(-1, (1, 2)), atol=1e-4, rtol=0)


def test_a_shift_is_in_pixels_and_what_comes_in_is_as_asked():
    image = torch.arange(1.0, 10.0).reshape(1, 3, 3)
    shift = geometry.affine(3, 3, shift=(1, 0))
    assert geometry.warp(image, shift)[0].round().tolist() == [[0, 1, 2], [0, 4, 5], [0, 7, 8]]
    assert geometry.warp(image, shift, fill="border")[0].round().tolist() == [[1, 1, 2], [4, 4, 5], [7, 7, 8]]


ALL = {"rotate": 20.0, "scale": 0.1, "translate": 0.1, "shear": 5.0, "brightness": 0.3, "contrast": 0.3,
       "saturation": 0.3, "blur": 2.0, "noise": 0.1}


@pytest.mark.parametrize("image", [
    torch.rand(3, 9, 7), torch.rand(1, 9, 7), torch.randint(0, 256, (3, 9, 7), dtype=torch.uint8),
    np.random.default_rng(0).random((9, 7, 3), np.float32), np.random.default_rng(0).integers(0, 256, (9, 7), np.uint8),
], ids=["torch float", "torch gray", "torch uint8", "numpy colour", "numpy gray"])
def test_an_image_comes_back_in_its_form(image):
    sample = {"i": image, "l": np.array([[1, 2]]), "other": 1}
    before = image.clone() if isinstance(image, torch.Tensor) else image.copy()
    found = AugmentImage(columns="i", landmarks="l", **ALL).augment(sample, generator(0, 0, 0))
    assert type(found["i"]) is type(image)
    assert (found["i"].shape, found["i"].dtype) == (image.shape, image.dtype)
    assert not (np.asarray(found["i"]) == np.asarray(before)).all()
    assert (np.asarray(image) == np.asarray(before)).all()
    assert found["other"] == 1
    assert found["l"].shape == (1, 2)


def test_without_options_nothing_but_flips_happens():
    image = torch.rand(3, 4, 5)
    step = AugmentImage(columns="i", horizontal_flip=0.0)
    assert step.augment({"i": image}, generator(0, 0, 0))["i"] is image
    flipped = AugmentImage(columns="i", horizontal_flip=1.0).augment({"i": image}, generator(0, 0, 0))["i"]
    assert flipped.equal(image.flip(-1))


def test_an_encoded_image_is_decoded_and_encoded_again():
    pixels = np.random.default_rng(0).integers(0, 256, (4, 5, 3), np.uint8)
    held = io.BytesIO()
    Image.fromarray(pixels).save(held, "PNG")
    sample = {"i": {"bytes": held.getvalue(), "path": "a.png"}}
    found = AugmentImage(columns="i", horizontal_flip=1.0).augment(sample, generator(0, 0, 0))["i"]
    assert (np.asarray(Image.open(io.BytesIO(found["bytes"]))) == pixels[:, ::-1]).all()
    assert found["path"] == "a.png"
    with pytest.raises(DataError, match="An image of column 'i' cannot be read"):
        AugmentImage(columns="i").augment({"i": b"none"}, generator(0, 0, 0))


def test_what_is_no_image_is_refused():
    with pytest.raises(DataError, match=r"'i' holds ndarray of shape \(2,\) where step augment_image needs an image"):
        AugmentImage(columns="i").augment({"i": np.zeros(2)}, generator(0, 0, 0))


def test_light():
    image = torch.rand(3, 8, 8)
    assert photometry.brightness(image, 2.0).equal(image * 2)
    torch.testing.assert_close(photometry.gray(photometry.contrast(image, 0.5)).mean(), photometry.gray(image).mean())
    gray = photometry.saturation(image, 0.0)
    torch.testing.assert_close(gray[0], gray[2])
    torch.testing.assert_close(gray[:1], photometry.gray(image))
    blurred = photometry.blur(image, 1.5)
    assert blurred.shape == image.shape
    assert blurred.std() < image.std()
    flat = torch.full((1, 5, 5), 0.5)
    torch.testing.assert_close(photometry.blur(flat, 1.0), flat)
    noise = photometry.noise(torch.zeros(1, 100, 100), 0.1, generator(0, 0, 0))
    assert noise.std().item() == pytest.approx(0.1, rel=0.05)


@given(text=st.text(alphabet="ab \n"), seed=SEEDS)
def test_augmented_text_keeps_words_it_does_not_touch(text, seed):
    still = AugmentText(columns="t", mask=0.0)
    assert still.augment({"t": text}, generator(seed, 0, 0)) == {"t": text}
    swapped = AugmentText(columns="t", mask=0.0, swap=0.5).augment({"t": text}, generator(seed, 0, 0))["t"]
    assert sorted(swapped.split()) == sorted(text.split())
    less = AugmentText(columns="t", mask=0.0, delete=1.0).augment({"t": text}, generator(seed, 0, 0))["t"].split()
    assert len(less) == min(1, len(text.split()))
    masked = AugmentText(columns="t", mask=1.0).augment({"t": text}, generator(seed, 0, 0))["t"]
    assert masked.split() == ["[MASK]"] * len(text.split())


def test_deleting_words_leaves_single_blanks():
    found = AugmentText(columns="t", mask=0.0, delete=0.5).augment({"t": "a b c d e f g h"}, generator(3, 0, 0))["t"]
    assert 0 < len(found.split()) < 8
    assert " ".join(found.split()) == found.strip()


@given(length=st.integers(2, 40), channels=st.integers(0, 3), seed=SEEDS)
def test_an_augmented_series_keeps_its_form(length, channels, seed):
    series = np.random.default_rng(0).normal(size=(length, channels) if channels else length)
    step = AugmentSeries(columns="s", noise=0.1, scaling=0.2, mask=0.5, jitter=1.0, warp=0.5)
    found = step.augment({"s": series}, generator(seed, 0, 0))["s"]
    assert found.shape == series.shape
    assert np.isfinite(found).all()
    in_torch = step.augment({"s": torch.from_numpy(series).float()}, generator(seed, 0, 0))["s"]
    torch.testing.assert_close(in_torch, torch.from_numpy(found).float())
    assert step.augment({"s": series.tolist()}, generator(seed, 0, 0))["s"] == found.tolist()
    encoded = {"s": {"bytes": b"RIFF", "path": "a.wav"}}
    assert step.augment(encoded, generator(seed, 0, 0)) == encoded


@given(seed=SEEDS)
def test_what_each_option_does_to_a_series(seed):
    line = np.arange(50.0)
    off = {"noise": 0.0, "scaling": 0.0}
    rng = generator(seed, 0, 0)
    assert AugmentSeries(**off).changed(line, rng).tolist() == line.tolist()
    warped = AugmentSeries(**off, warp=0.5).changed(line, rng)
    assert (warped[0], warped[-1]) == (0.0, pytest.approx(49.0))
    assert (np.diff(warped) > 0).all()
    jittered = AugmentSeries(**off, jitter=0.3).changed(line, rng)
    assert np.abs(jittered - line).max() < 3
    assert jittered.min() >= 0
    assert jittered.max() <= 49
    ratio = AugmentSeries(noise=0.0, scaling=0.2).changed(line[1:], rng) / line[1:]
    assert ratio.std() < 1e-9
    assert 0.8 <= ratio[0] <= 1.2
    masked = AugmentSeries(**off, mask=0.4).changed(line, rng)
    where = np.flatnonzero(masked != line)
    assert len(where) <= 0.4 * 50 + 1
    assert (masked[where] == line.mean()).all()


def test_a_sample_is_a_function_of_seed_epoch_and_its_number():
    recipe = Recipe([AugmentText(columns="t", mask=0.5), AugmentText(columns="t", mask=0.0, swap=0.5)])
    sample = {"t": " ".join(map(str, range(40)))}
    first = recipe.augment(sample, seed=1, epoch=2, index=3)
    recipe.augment(sample, seed=9, epoch=9, index=9)
    assert recipe.augment(sample, seed=1, epoch=2, index=3) == first
    others = [recipe.augment(sample, seed=seed, epoch=epoch, index=index)["t"]
              for seed, epoch, index in ((2, 2, 3), (1, 3, 3), (1, 2, 4))]
    assert len({first["t"], *others}) == 4
    assert recipe.augments


def test_augmentation_leaves_the_table_and_new_rows_alone():
    given = pa.table({"t": ["a b c"] * 5})
    recipe = Recipe([AugmentText(columns="t", mask=1.0)]).fit(given)
    assert recipe.apply(given) == given
    assert pa.Table.from_batches(recipe.stream(given))["t"].to_pylist() == ["a b c"] * 5


def test_of_a_target_in_windows_the_past_is_changed_and_what_lies_ahead_is_not():
    rows = pa.table({"t": range(30), "close": [float(i) for i in range(30)], "volume": [1.0] * 30})
    windows = Windows(columns=("close", "volume"), time="t", window=4, horizon=2)
    fitted = Recipe([windows, AugmentSeries()], target="close").fit(rows)
    assert fitted.steps[1].columns == ("close", "volume")
    lists = pa.table({"window": [[1.0, 2.0]] * 4, "goal": [[1.0]] * 4})
    assert Recipe([AugmentSeries()], target="goal").fit(lists).steps[0].columns == ("window",)
