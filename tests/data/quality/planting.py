"""Rows with nothing wrong, and what a report finds in those with a fault planted in them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from nbtrain.data.processing import Recipe
from nbtrain.data.splits.splitting import Part, Split, SplitSpec
from tests.data.trust import table

WORDS = [
    "river", "stone", "window", "garden", "paper", "silver", "morning", "engine", "forest", "winter", "market",
    "copper", "bridge", "candle", "signal", "harbour", "meadow", "planet", "thunder", "velvet", "orchard", "lantern",
    "mirror", "shadow", "ocean", "desert", "island", "valley", "summit"]


def prose(count, seed=0, words=14):
    random = np.random.default_rng(seed)
    return [" ".join(random.choice(WORDS, words)) for _ in range(count)]


def clean(count=600, seed=0):
    """Nothing is wrong with these rows."""
    random = np.random.default_rng(seed)
    label = random.choice(["no", "yes"], count, p=[0.4, 0.6])
    return pd.DataFrame({
        "text": prose(count, seed), "age": random.normal(40, 12, count).round(1),
        "income": random.lognormal(10, 0.8, count).round(2), "town": random.choice(["A", "B", "C"], count),
        "score": random.normal(size=count) + (label == "yes"), "label": label})


def kinds(report):
    return {finding.kind for finding in report.findings}


def only(report, kind):
    found = report.of_kind(kind)
    assert len(found) == 1, str(report)
    return found[0]


def cure(finding):
    assert finding.remedy is not None
    return finding.remedy


def cured(frame, finding):
    """The columns that the steps of a finding's remedy make of a frame."""
    return Recipe(cure(finding).steps).fit(table(frame)).apply(frame).to_pydict()


def by_hand(frame, validation=(), test=()):
    """A split of all rows but these into training."""
    parts = np.zeros(len(frame), np.uint8)
    parts[list(validation)], parts[list(test)] = Part.VALIDATION, Part.TEST
    return Split(SplitSpec(duplicates="apart"), parts)
