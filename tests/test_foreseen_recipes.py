"""Each recipe from the form: what is foreseen is what the training then does, and the models offered for it fit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import nbtrain
from nbtrain import ordering, recipes
from nbtrain.config import recipe_options
from nbtrain.core.tasks import Progress
from nbtrain.foreseen import foresee
from nbtrain.launcher import NotebookLauncher
from nbtrain.recipes.base import Columns
from tests.recipes.drawn import folder_of_dots, folder_of_shapes
from tests.recipes.spoken import save


def rows() -> pd.DataFrame:
    draw = np.random.default_rng(0)
    frame = pd.DataFrame({"petals": draw.normal(size=120), "colour": draw.choice(["red", "blue"], 120)})
    frame["kind"] = np.where(frame.petals > 0, "rose", "daisy")
    return frame


def prices() -> pd.DataFrame:
    frame = pd.DataFrame({"day": pd.date_range("2024-01-01", periods=300), "price": np.sin(np.arange(300) / 5)})
    frame["label"] = np.where(frame.price > 0.5, "up", "down")
    return frame


def texts() -> pd.DataFrame:
    said = [f"{who} {how} {place} number {n}" for who in ("Anna", "Boris") for n, place in enumerate(
        ("the harbour", "the market by the long old wall", "the mill", "the hill") * 5) for how in ("likes", "hates")]
    frame = pd.DataFrame({"text": said, "label": ["good" if "likes" in each else "bad" for each in said]})
    frame["tokens"] = [each.split() for each in said]
    frame["tags"] = [["B-PER"] + ["O"] * (len(each) - 1) for each in frame.tokens]
    return frame


_TEXT = {"max_length": 16, "vocabulary_size": 300, "batch_size": 8}
#: Small data for each recipe, made in a folder, what is said of its columns, and options that make it quick.
ASKED: dict[str, tuple[Callable[[Path], Any], dict[str, Any], dict[str, Any]]] = {
    "tabular": (lambda _: rows(), {"target": "kind"}, {"batch_size": 16}),
    "timeseries": (lambda _: prices(), {"target": "label", "time": "day"}, {"window": 16, "batch_size": 16}),
    "text-classification": (lambda _: texts()[["text", "label"]], {"target": "label"}, _TEXT),
    "token-classification": (lambda _: texts()[["tokens", "tags"]], {"target": "tags"}, _TEXT),
    "causal-lm": (lambda _: texts()[["text"]], {}, _TEXT),
    "image-classification": (
        lambda folder: folder_of_shapes(folder / "shapes", 6), {"target": "label"},
        {"image_size": 16, "batch_size": 4}),
    "landmarks": (lambda folder: folder_of_dots(folder / "dots", 12), {}, {"image_size": 32, "batch_size": 4}),
    "speech": (
        lambda folder: save(folder / "sounds"), {"text": "text"},
        {"model_size": "tiny", "sample_rate": 8000, "batch_size": 4}),
}


def test_no_recipe_is_left_out():
    assert set(ASKED) | {recipes.CUSTOM} == set(recipe_options.RECIPES)


@pytest.mark.parametrize("recipe", ASKED)
def test_rows_and_steps_are_those_of_the_run(recipe: str, tmp_path: Path):
    make, columns, options = ASKED[recipe]
    dataset = nbtrain.load_dataset(make(tmp_path), name="data")
    options = {
        **options, "recipe": recipe, "epochs": 3, "gradient_accumulation_steps": 2, "device": "cpu", "test": 0.1}
    told = foresee(None, "dataset:data", columns, options, Progress())
    run = nbtrain.train(None, "dataset:data", **columns, **options, show=False)
    run.pause()
    assert told["steps"] == run.total_steps
    run.stop()
    assert (told["recipe"], told["model"]) == (recipe, run.name)
    assert told["parameters"] == sum(p.numel() for p in run.model.parameters())
    assert sum(told["rows"].values()) == dataset.rows
    assert set(told["rows"]) == {"train", "validation", "test"}
    assert told["seconds"]
    assert (told["memory"] or 0) > 8 * told["parameters"], "weights and gradients"


@pytest.mark.parametrize("recipe", ASKED)
def test_every_model_that_the_form_offers_is_taken(recipe: str, tmp_path: Path):
    make, columns, options = ASKED[recipe]
    nbtrain.load_dataset(make(tmp_path), name="data")
    offered = [each["name"] for each in NotebookLauncher().subjects() if recipe in (each["recipes"] or ())]
    assert offered
    for name in offered:
        chosen = NotebookLauncher()._chosen({"recipe": recipe}, name, "dataset:data")
        made = ordering.ordered(*chosen, Columns(**columns), options | {"recipe": recipe})
        assert made is not None
        assert made.prepared().name == name.removeprefix("architecture:")
