"""How well a run does on rows it did not learn from: what was taken for what, how far off, and where it errs most.

`Outcome` is plain data, kept with a run and shown by its panel. Names of classes and texts come from the user's
data: they are text wherever they are shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, Self

#: Which rows were looked at: those kept for the end, those checked on while training, or others.
Part = Literal["test", "validation", "given"]
#: What rows were put in order by: `loss` and `perplexity` of a row, how far an amount is off (`error`), the mean
#: distance of points (`pixels`), the mean difference of spectrograms (`nats`).
Measure = Literal["loss", "perplexity", "error", "pixels", "nats"]

#: Pairs of truth and prediction that are kept: more cannot be told apart on a screen.
MOST_POINTS = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Worst:
    """One of the rows on which the model errs most."""

    row: int
    """Its number in its data, from 0."""
    truth: str
    predicted: str
    measure: float
    """The more, the worse; what it is says `Outcome.measure`."""
    chance: float | None = None
    """How likely the model held what it predicted."""
    text: str = ""
    cells: tuple[tuple[str, str], ...] = ()
    """Names and values of what is known of the row."""
    image: bytes = b""
    mime: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Figures of some of the rows: those of a class, entities of a kind, one of several points."""

    name: str
    rows: int
    figures: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What was found on one set of rows."""

    part: Part
    rows: int
    step: int
    """Of the run, when it was looked at."""
    metrics: Mapping[str, float]
    """As `run.evaluate` gives them, and what belongs to the task besides."""
    classes: tuple[str, ...] = ()
    confusion: tuple[tuple[int, int, int], ...] = ()
    """(true class, predicted class, how many), where there are any."""
    groups: tuple[Group, ...] = ()
    points: tuple[tuple[float, float], ...] = ()
    """(truth, predicted) of amounts, of rows spread evenly where there are more than `MOST_POINTS`."""
    measure: Measure = "loss"
    worst: tuple[Worst, ...] = ()
    """The worst first."""
    notes: tuple[str, ...] = ()
    """What is to be known of it, a sentence each."""

    def to_json(self) -> dict[str, Any]:
        """Plain JSON without the pictures, which are `images`, in the order of `worst`."""
        told = asdict(self)
        for each in told["worst"]:
            del each["image"]
        return told

    @property
    def images(self) -> list[bytes]:
        """Of each of `worst`; empty where there is none."""
        return [each.image for each in self.worst]

    @classmethod
    def from_json(cls, told: Mapping[str, Any], images: Sequence[bytes]) -> Self:
        """Raises KeyError, TypeError or ValueError for what `to_json` did not write."""
        worst = tuple(
            Worst(**{**each, "cells": tuple((str(name), str(cell)) for name, cell in each["cells"]), "image": image})
            for each, image in zip(told["worst"], images, strict=True))
        count = len(told["classes"])
        if not all(0 <= truth < count and 0 <= said < count for truth, said, _ in told["confusion"]):
            raise ValueError("A pair of classes is none of those there are.")
        return cls(**{
            **told, "worst": worst, "groups": tuple(Group(**each) for each in told["groups"]),
            "classes": tuple(map(str, told["classes"])), "notes": tuple(map(str, told["notes"])),
            "confusion": tuple((int(truth), int(said), int(count)) for truth, said, count in told["confusion"]),
            "points": tuple((float(truth), float(said)) for truth, said in told["points"])})
