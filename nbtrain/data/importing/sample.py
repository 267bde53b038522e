"""A small dataset to try things on: real measurements where scikit-learn is there, else made-up ones that say so."""

from __future__ import annotations

import importlib
from dataclasses import dataclass

import numpy as np
import pandas as pd

COLUMNS = ("sepal length (cm)", "sepal width (cm)", "petal length (cm)", "petal width (cm)")
#: Rows of each kind of made-up flower.
EACH = 50


@dataclass(frozen=True, slots=True)
class Sample:
    """A table, what to call it, and where it is from."""

    frame: pd.DataFrame
    name: str
    source: str


def sample() -> Sample:
    """Fisher's irises (1936), 150 flowers of three species; or, without scikit-learn, drawn at random.

    The made-up table is called so: three clouds of four normally distributed lengths, with a label for each.
    """
    try:
        datasets = importlib.import_module("sklearn.datasets")
    except ImportError:
        return Sample(_drawn(), "made-up flowers", "drawn at random by nbtrain, to try things on")
    irises = datasets.load_iris()
    frame = pd.DataFrame(irises["data"], columns=list(COLUMNS))
    return Sample(
        frame.assign(species=irises["target_names"][irises["target"]].astype(str)), "iris",
        "scikit-learn: Fisher’s irises (1936)")


def _drawn() -> pd.DataFrame:
    generator = np.random.default_rng(0)
    means = np.array([[5.0, 3.4, 1.5, 0.3], [5.9, 2.8, 4.3, 1.3], [6.6, 3.0, 5.6, 2.0]])
    cells = np.concatenate([generator.normal(mean, 0.35, (EACH, len(COLUMNS))) for mean in means])
    labels = np.repeat(["first", "second", "third"], EACH)
    return pd.DataFrame(cells.clip(0.1).round(1), columns=list(COLUMNS)).assign(label=labels)
