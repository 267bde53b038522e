"""Stocks: whether a share closes higher on the next day, by the recipe `timeseries`, the majority and a straight line.

Usage: ``python -m benchmarks.learning.stocks FILE [--seeds N] [--epochs N]``, FILE being daily prices of shares with
the columns Date, Stock, AdjOpen, AdjHigh, AdjLow, AdjClose and AdjVolume (plotly's `dcc.csv` of five shares, MIT).

The oldest 70 % of each share's days train, the next 15 % validate, the newest 15 % test; 20 days before each border are
left out, so that no window reaches across. All contenders see the same windows of 20 days: returns, the day's range,
the gap to the day before, the volume against its own mean of 20 days. Logistic regression chooses its penalty by the
validation part; the majority is that of the training part. Nothing is tuned on the test part.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

import nbtrain
from benchmarks.common import Figure, record, table
from nbtrain.ordering import ordered
from nbtrain.recipes.base import Columns

WINDOW = 20
FEATURES = ("return", "range", "gap", "volume")
MODELS = ("hybrid-cnn-lstm", "lstm")


def days(file: Path) -> pd.DataFrame:
    """A row a day and share: what was known in the evening, and whether the next day closes higher."""
    read = pd.read_csv(file, parse_dates=["Date"]).sort_values(["Stock", "Date"], ignore_index=True)
    by = read.groupby("Stock", sort=False)
    before = by["AdjClose"].shift()
    found = pd.DataFrame({
        "Date": read["Date"], "Stock": read["Stock"], "return": np.log(read["AdjClose"] / before),
        "range": np.log(read["AdjHigh"] / read["AdjLow"]), "gap": np.log(read["AdjOpen"] / before),
        "volume": np.log(read["AdjVolume"] / by["AdjVolume"].transform(lambda each: each.rolling(20).mean()))})
    later = by["AdjClose"].shift(-1)
    found["next"] = (later > read["AdjClose"]).map({True: "up", False: "down"}).where(later.notna())
    return found


def split(frame: pd.DataFrame) -> nbtrain.Dataset:
    """The dataset, in parts."""
    dataset = nbtrain.load_dataset(frame)
    dataset.split(method="time", time="Date", group="Stock", train=0.7, validation=0.15, test=0.15, gap=WINDOW)
    return dataset


def ours(dataset: nbtrain.Dataset, model: str, seed: int, epochs: int) -> dict[str, float]:
    """Accuracy and macro F1 on the test part; all options but the epochs are what the recipe starts from."""
    run = nbtrain.train(
        model, dataset, recipe="timeseries", target="next", time="Date", group="Stock", features=FEATURES,
        window=WINDOW, epochs=epochs, seed=seed, device="cpu", show=False)
    run.wait()
    return run.evaluate()


def windows(dataset: nbtrain.Dataset) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """The recipe's own windows of each part, flat, and their classes."""
    made = ordered("tcn", dataset, Columns(target="next", time="Date", group="Stock", features=FEATURES), {
        "recipe": "timeseries", "window": WINDOW})
    assert made is not None  # noqa: S101 - a recipe was named
    prepared = made.prepared()
    found = {}
    for part in ("train", "validation", "test"):
        rows = getattr(prepared, part)
        inputs, target = rows.take(torch.arange(len(rows)), None)
        found[part] = inputs.flatten(1).numpy(), target.numpy()
    return found


def straight(parts: dict[str, tuple[np.ndarray, np.ndarray]]) -> dict[str, float]:
    """Logistic regression on the flat window."""
    from sklearn.linear_model import LogisticRegression

    tried = [LogisticRegression(C=penalty, max_iter=2000).fit(*parts["train"]) for penalty in np.logspace(-5, 0, 11)]
    best = max(tried, key=lambda each: each.score(*parts["validation"]))
    return judged(best.predict(parts["test"][0]), parts["test"][1])


def judged(said: np.ndarray, true: np.ndarray) -> dict[str, float]:
    """Accuracy and macro F1."""
    from sklearn.metrics import f1_score

    return {"accuracy": float((said == true).mean()), "macro_f1": float(f1_score(true, said, average="macro"))}


def measure(file: Path, seeds: int, epochs: int) -> list[Figure]:
    """All contenders on the test part."""
    dataset = split(days(file))
    parts = windows(dataset)
    true = parts["test"][1]
    majority = int(np.bincount(parts["train"][1]).argmax())
    found: dict[str, list[dict[str, float]]] = {
        "the majority of the training part": [judged(np.full_like(true, majority), true)],
        "logistic regression": [straight(parts)]}
    for model in MODELS:
        found[model] = [ours(dataset, model, seed, epochs) for seed in range(seeds)]
        print(model, found[model], flush=True)
    sizes = ", ".join(f"{part} {len(rows[1]):,}" for part, rows in parts.items())
    chance: list[Any] = [Figure("windows of the test part", [len(true)])]
    print(sizes, flush=True)
    # Of so many fair coins, one run in twenty is further from a half than this.
    chance.append(Figure("twice the deviation of a coin's share", [1 / np.sqrt(len(true))]))
    return [*chance, *(
        Figure(f"{name}: {what}", [each[key] for each in taken])
        for key, what in (("accuracy", "accuracy"), ("macro_f1", "macro F1")) for name, taken in found.items())]


def main() -> None:
    """Take the figures and write them down."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=150)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["NBTRAIN_HOME"] = folder
        figures = measure(given.file, given.seeds, given.epochs)
    record(
        f"Whether a share closes higher on the next day, at most {given.epochs} epochs",
        "python -m benchmarks.learning.stocks FILE", table(figures))


if __name__ == "__main__":
    main()
