"""Tables: digits, breast cancer and diabetes by the recipe `tabular`, and by scikit-learn's MLP.

Usage: ``python -m benchmarks.learning.tabular [--seeds N]``

The data ships with scikit-learn. The rows are put into five folds, of each class as many in each, and each fold is told
by a model that learnt the other four: so a seed judges every row once, by a model that has not seen it. Both learn
the same rows, standardised by them, for as many epochs, in batches as large, with Adam from the same learning rate.
Everything else is what each starts from. What is held to is `tabular-mlp`, which the recipe recommends for tables of
this size; scikit-learn's layers are as wide. A quarter of one split of breast cancer is 143 rows, of which two more or
less are chance: what chance does is told beside, by the folds.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

import nbtrain
from benchmarks.common import Figure, record, table

EPOCHS, BATCH, RATE = 40, 32, 1e-3
FOLDS = 5
#: A target of more different values is an amount.
CLASSES = 10
MODELS = ("tabular-mlp", "tabular-resnet")
THEIRS = "scikit-learn's MLP"


def frames() -> dict[str, pd.DataFrame]:
    """Each with its target as `label`."""
    from sklearn import datasets

    made = {"digits": datasets.load_digits, "breast cancer": datasets.load_breast_cancer,
            "diabetes": datasets.load_diabetes}
    found = {}
    for name, load in made.items():
        loaded = load(as_frame=True)
        found[name] = loaded.data.assign(label=loaded.target)
    return found


def folds(frame: pd.DataFrame, seed: int) -> Iterator[np.ndarray]:
    """True for the rows to learn from, a fold each."""
    from sklearn.model_selection import KFold, StratifiedKFold

    kind = StratifiedKFold if frame["label"].nunique() <= CLASSES else KFold
    for kept, _ in kind(FOLDS, shuffle=True, random_state=seed).split(frame, frame["label"]):
        learnt: np.ndarray = np.isin(np.arange(len(frame)), kept)
        yield learnt


def ours(frame: pd.DataFrame, learnt: np.ndarray, model: str, seed: int) -> float:
    """Accuracy, or R², on the rows that were not learnt from."""
    dataset = nbtrain.load_dataset(frame.assign(part=np.where(learnt, "train", "test")))
    dataset.split(method="column", column="part")
    features = [name for name in frame.columns if name != "label"]
    run = nbtrain.train(
        model, dataset, recipe="tabular", target="label", features=features,
        epochs=EPOCHS, batch_size=BATCH, learning_rate=RATE, early_stopping=False, seed=seed, device="cpu", show=False)
    run.wait()
    figures = run.evaluate()
    return round(figures["accuracy"] if "accuracy" in figures else figures["r2"], 6)  # torchmetrics' are float32


def theirs(frame: pd.DataFrame, learnt: np.ndarray, seed: int) -> float:
    """The same, of scikit-learn."""
    import warnings

    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    x, y = frame.drop(columns="label").to_numpy(), frame["label"].to_numpy(dtype=float)
    amounts = frame["label"].nunique() > CLASSES
    options: dict[str, Any] = {
        "hidden_layer_sizes": (128, 64), "max_iter": EPOCHS, "batch_size": BATCH, "learning_rate_init": RATE,
        "n_iter_no_change": EPOCHS, "random_state": seed}
    if not amounts:
        model = make_pipeline(StandardScaler(), MLPClassifier(**options))
        target = y
    else:  # its target standardised too, without which it would not get there in so few epochs
        model = make_pipeline(StandardScaler(), MLPRegressor(**options))
        target = (y - y[learnt].mean()) / y[learnt].std()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(x[learnt], target[learnt])
    return round(float(model.score(x[~learnt], target[~learnt])), 6)


def measure(seeds: int = 3) -> list[Figure]:
    """Each table: our models, scikit-learn's, and the difference that is held to; a figure is the mean of the folds."""
    figures = []
    for name, frame in frames().items():
        what = "R²" if name == "diabetes" else "accuracy"
        taken: dict[str, list[list[float]]] = {model: [] for model in (*MODELS, THEIRS)}
        for seed in range(seeds):
            for values in taken.values():
                values.append([])
            for learnt in folds(frame, seed):
                for model in MODELS:
                    taken[model][-1].append(ours(frame, learnt, model, seed))
                taken[THEIRS][-1].append(theirs(frame, learnt, seed))
            print(name, seed, {model: round(np.mean(values[-1]), 4) for model, values in taken.items()}, flush=True)
        figures += [Figure(f"{name}: {what} of {model}", [float(np.mean(each)) for each in values])
                    for model, values in taken.items()]
        better = np.array(taken[MODELS[0]]) - np.array(taken[THEIRS])  # (seeds, folds)
        chance = 2 * float(better.std(ddof=1)) / better.size**0.5
        figures += [
            Figure(f"{name}: {MODELS[0]} above scikit-learn's MLP", better.mean(1).tolist(), limit=0.0, least=True),
            Figure(f"{name}: twice the error of that difference, as the folds vary", [chance])]
    return figures


def main() -> None:
    """Take the figures and write them down."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    seeds = parser.parse_args().seeds
    with tempfile.TemporaryDirectory() as folder:
        os.environ["NBTRAIN_HOME"] = folder
        figures = measure(seeds)
    record("What tables are learnt to", "python -m benchmarks.learning.tabular", table(figures))


if __name__ == "__main__":
    main()
