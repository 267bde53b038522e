"""As `kill_loop`, of a training by a recipe: the dataset, the model and all that was learnt are found again by the run.

    python tests/faults/kill_recipes.py tabular [--kills 10] [--seed 0]
"""

from __future__ import annotations

import argparse
import json
import os
import random
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import torch

import nbtrain
from tests.faults import kill_loop
from tests.recipes import spoken
from tests.recipes.drawn import folder_of_dots, folder_of_shapes

FILE = "rows.csv"
#: Where cells hold lists.
LISTS = "rows.jsonl"


def tabular() -> None:
    """Numbers, a category and gaps; one class in six is rare."""
    draw = np.random.default_rng(0)
    size, colour = draw.normal(size=700), draw.choice(["red", "green", "blue"], 700)
    kind = np.where(size + (colour == "red") > 1.2, "large", "little")
    frame = pd.DataFrame({"size": size, "colour": colour, "kind": kind})
    frame.loc[::13, "size"] = np.nan
    frame.to_csv(FILE, index=False)


def timeseries() -> None:
    """Two series of waves; one state in four is rare."""
    draw, frames = np.random.default_rng(0), []
    for name in "ab":
        step = np.arange(400)
        frames.append(pd.DataFrame({
            "time": pd.date_range("2026-01-01", periods=400, freq="h"), "name": name,
            "wave": np.sin(step * np.pi / 4) + 0.1 * draw.normal(size=400),
            "kind": np.where(step % 4, "usual", "rare")}))
    pd.concat(frames).to_csv(FILE, index=False)


def texts() -> None:
    """A class that follows from one word; the library is loaded here, once, instead of in every child."""
    import transformers.models.bert.modeling_bert  # noqa: PLC0415
    import transformers.models.gpt2.modeling_gpt2  # noqa: F401, PLC0415

    words = {"good": ["fine", "lovely", "great"], "bad": ["awful", "poor", "dull"]}
    rows = [(f"it is {word} number {number}" + " indeed" * (number % 7), label)
            for label, listed in words.items() for word in listed for number in range(40 if label == "good" else 15)]
    pd.DataFrame(rows, columns=["text", "label"]).to_csv(FILE, index=False)


def words() -> None:
    """A tag that follows from the word, and from the one before it; the library is loaded here."""
    import transformers.models.bert.modeling_bert  # noqa: F401, PLC0415

    draw = np.random.default_rng(0)
    pairs = [(["Anna", "Smith"], ["B-PER", "I-PER"]), (["Boris", "Novak"], ["B-PER", "I-PER"]),
             (["walks", "home"], ["O", "O"]), (["and", "sees"], ["O", "O"]), (["unforgettable", "rain"], ["O", "O"])]
    rows = []
    for _ in range(200):
        chosen = [pairs[number] for number in draw.integers(0, len(pairs), draw.integers(1, 5))]
        rows.append({"tokens": [word for words, _ in chosen for word in words],
                     "tags": [tag for _, tags in chosen for tag in tags]})
    Path(LISTS).write_text("".join(json.dumps(row) + "\n" for row in rows))


def sentences() -> None:
    """A folder of sounds with the table of what is said in them."""
    spoken.save(Path(FILE))


def shapes() -> None:
    """A folder of images, one for each class."""
    folder_of_shapes(Path(FILE), 8)


def dots() -> None:
    """A folder of images with the table of their points."""
    folder_of_dots(Path(FILE), 24)


#: Name of the recipe: what writes the file, the model, and the options of the training.
TRAININGS: dict[str, tuple[Callable[[], None], str, dict[str, object]]] = {
    "tabular": (tabular, "tabular-resnet", {"target": "kind", "class_weights": "balanced"}),
    "timeseries": (timeseries, "tcn", {"target": "kind", "time": "time", "group": "name", "window": 8}),
    "text-classification": (texts, "bert-tiny", {"max_length": 16, "vocabulary_size": 300, "lora_rank": 2}),
    "causal-lm": (texts, "gpt2-tiny", {
        "text": "text", "max_length": 16, "vocabulary_size": 300, "use_oversampling": False, "layer_decay": 0.8}),
    "token-classification": (words, "bert-tiny", {
        "max_length": 16, "vocabulary_size": 300, "use_oversampling": False}),
    "image-classification": (shapes, "convnext", {"image_size": 16, "batch_size": 4, "num_workers": 0}),
    "landmarks": (dots, "hrnet", {
        "image_size": 32, "heatmap_sigma": 1.0, "batch_size": 4, "use_oversampling": False, "num_workers": 0,
        "channels_last": True}),
    "speech": (sentences, "text-to-mel", {
        "text": "text", "model_size": "tiny", "sample_rate": 8000, "batch_size": 3, "use_oversampling": False,
        "num_workers": 0, "validation": 0.2, "learning_rate": 1e-3, "sample_every": 2, "warmup_steps": 3}),
}
OPTIONS: dict[str, object] = {
    "epochs": 5, "batch_size": 32, "checkpoint_every": 7, "keep_checkpoints": 2, "seed": 3, "use_ema": True,
    "use_oversampling": True, "gaussian_noise_std": 0.02, "show": False}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recipe", choices=TRAININGS)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    torch.set_num_threads(1)
    write, model, options = TRAININGS[given.recipe]

    def train() -> nbtrain.Run:
        options_ = {**OPTIONS, **options, "recipe": given.recipe}
        return nbtrain.train(model, LISTS if Path(LISTS).exists() else FILE, **options_)

    def resume(run_id: str) -> nbtrain.Run:
        return nbtrain.resume(run_id, show=False)

    kill_loop.train, kill_loop.resume = train, resume
    random.seed(given.seed)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        os.environ["NBTRAIN_HOME"] = folder
        os.chdir(home)
        write()
        undisturbed = kill_loop.remains(home, kill_loop.to_the_end(train))
        print(json.dumps(kill_loop.loop(home, given.kills, undisturbed)))  # noqa: T201 - its result


if __name__ == "__main__":
    main()
