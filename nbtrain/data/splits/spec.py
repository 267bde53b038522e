"""What a split is asked to do: a method and its options, checked, and as JSON."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from enum import IntEnum
from typing import Any, Literal, get_args

from nbtrain.core.errors import ConfigError, Problem

Method = Literal["random", "stratified", "group", "time", "column", "kfold"]
METHODS: tuple[str, ...] = get_args(Method)
#: Methods that divide by the shares `train`, `validation` and `test`.
BY_SHARE = {"random", "stratified", "group", "time"}
#: How far the three shares may be from adding up to 1.
TOLERANCE = 1e-6

_UNITS = {"s": 1, "min": 60, "h": 3600, "d": 86_400, "w": 604_800}
_GAP = re.compile(r"(\d+(?:\.\d+)?)\s*(s|min|h|d|w)")


class Part(IntEnum):
    """The part a row belongs to, as `Split.parts` holds it."""

    TRAIN = 0
    VALIDATION = 1
    TEST = 2
    LEFT_OUT = 3
    """In no part: inside the gap of a split by time, without a time, or with a value that names no part."""


#: Values of a fixed column that name a part without being told, in lower case.
PART_NAMES = {
    "train": Part.TRAIN, "training": Part.TRAIN, "fit": Part.TRAIN,
    "validation": Part.VALIDATION, "valid": Part.VALIDATION, "val": Part.VALIDATION, "dev": Part.VALIDATION,
    "eval": Part.VALIDATION, "evaluation": Part.VALIDATION,
    "test": Part.TEST, "testing": Part.TEST, "holdout": Part.TEST,
}


@dataclass(frozen=True, slots=True)
class SplitSpec:
    """How to divide a table.

    ``random`` and ``group`` decide each row by a hash of its key, so old rows keep their part when rows are added or
    reordered. ``stratified`` gives each part its share of each class; when k rows are added to a class, at most k + 1
    of its old rows cross each of the two borders, and classes without new rows stay as they are. ``time`` puts the
    oldest rows into training and the newest into test; ``column`` follows a column; ``kfold`` first holds out `test`,
    then makes one of `folds` parts of the rest the validation part (stratified with `target`, uncut with `group`).

    Args:
        method: one of `METHODS`.
        train: share of the rows, 0–1, above 0.
        validation: share of the rows, 0–1.
        test: share of the rows, 0–1; the three add up to 1 (``kfold`` looks at this one alone).
        seed: another seed gives another split; 0 to 2⁶³ - 1.
        target: column with the label, for ``stratified`` and for counting classes. It is no part of a row's key.
        group: column whose equal values stay in one part; with ``time``, each group is divided on its own.
        time: column with the time, for ``time``.
        key: columns that identify a row and never change, such as an id; empty for the whole row.
        gap: rows (a whole number) or time (``"36h"``, ``"7d"``; units s, min, h, d, w) left out before a border, so
            that windows over the rows do not reach across; for ``time``.
        column: column that says the part, for ``column``.
        values: value of that column → ``"train"``, ``"validation"``, ``"test"`` or ``"left_out"``; without it the
            usual names are known (`PART_NAMES`).
        folds: number of folds, 2–100.
        fold: which one is the validation part, from 0.
        duplicates: rows of the same key go ``"together"`` into one part, so nothing learned by heart is tested; or
            ``"apart"``, each on its own, which keeps the shares where most rows are alike.

    Raises:
        ConfigError: with all that is wrong.
    """

    method: Method = "random"
    train: float = 0.75
    validation: float = 0.125
    test: float = 0.125
    seed: int = 0
    target: str | None = None
    group: str | None = None
    time: str | None = None
    key: tuple[str, ...] = ()
    gap: int | str = 0
    column: str | None = None
    values: tuple[tuple[str, str], ...] = ()
    folds: int = 5
    fold: int = 0
    duplicates: Literal["together", "apart"] = "together"

    def __post_init__(self) -> None:
        if isinstance(self.key, str):
            object.__setattr__(self, "key", (self.key,))
        elif isinstance(self.key, list):
            object.__setattr__(self, "key", tuple(self.key))
        if isinstance(self.values, Mapping):
            object.__setattr__(self, "values", tuple(self.values.items()))
        elif isinstance(self.values, list):
            object.__setattr__(self, "values", tuple(tuple(pair) for pair in self.values))
        problems = [*_problems(self)]
        if problems:
            raise ConfigError(problems)

    @property
    def shares(self) -> tuple[float, float, float]:
        """Of training, validation and test."""
        return self.train, self.validation, self.test

    @property
    def gap_seconds(self) -> float | None:
        """The gap in seconds; None when it is a number of rows."""
        if not isinstance(self.gap, str):
            return None
        found = _GAP.fullmatch(self.gap.strip())
        return float(found[1]) * _UNITS[found[2]] if found else None

    def to_json(self) -> dict[str, Any]:
        """All options; `from_json` reads them back."""
        return {**asdict(self), "key": list(self.key), "values": dict(self.values)}

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> SplitSpec:
        """A spec from JSON; what is not there keeps its default. Raises ConfigError with all that is wrong."""
        known = [field.name for field in fields(cls)]
        strange = [
            Problem(str(name), f"A split has no option {str(name)!r:.60}; there are: {', '.join(known)}.")
            for name in given if name not in known]
        try:
            spec = cls(**{name: value for name, value in given.items() if name in known})
        except ConfigError as error:
            raise ConfigError([*strange, *error.problems]) from None
        if strange:
            raise ConfigError(strange)
        return spec


def _problems(spec: Any) -> Iterator[Problem]:
    """All that is wrong; what came may be of any type."""
    if spec.method not in METHODS:
        yield Problem("method", f"method is {spec.method!r:.60}; it must be one of {', '.join(METHODS)}.")
    yield from _wrong_shares(spec)
    yield from _wrong_columns(spec)
    yield from _wrong_numbers(spec)
    if spec.duplicates not in ("together", "apart"):
        yield Problem("duplicates", f"duplicates is {spec.duplicates!r:.60}; it must be 'together' or 'apart'.")


def _wrong_shares(spec: Any) -> Iterator[Problem]:
    wrong = False
    for name in ("train", "validation", "test"):
        share = getattr(spec, name)
        if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= 1:
            wrong = True
            yield Problem(name, f"{name} is {share!r:.60}; it must be a share from 0 to 1, such as 0.125.")
    if wrong:
        return
    if spec.method in BY_SHARE:
        if spec.train == 0:
            yield Problem("train", "train is 0; it must be above 0: something must be left to train on.")
        if abs(sum(spec.shares) - 1) > TOLERANCE:
            yield Problem("train", f"train, validation and test are {spec.train:g}, {spec.validation:g} and "
                                   f"{spec.test:g}; they must add up to 1, not {sum(spec.shares):g}.")
    elif spec.method == "kfold" and spec.test == 1:
        yield Problem("test", "test is 1; with folds it must be below 1, so that something is left for them.")


def _wrong_columns(spec: Any) -> Iterator[Problem]:
    for name in ("target", "group", "time", "column"):
        value = getattr(spec, name)
        if value is not None and not (isinstance(value, str) and value):
            yield Problem(name, f"{name} is {value!r:.60}; it must be the name of a column, or None.")
    for method, name in (("stratified", "target"), ("group", "group"), ("time", "time"), ("column", "column")):
        if spec.method == method and getattr(spec, name) is None:
            yield Problem(name, f"A split with method={method!r} needs {name}: the name of a column.")
    if not isinstance(spec.key, tuple) or not all(isinstance(name, str) and name for name in spec.key):
        yield Problem("key", f"key is {spec.key!r:.60}; it must be the names of columns, or empty for the whole row.")
    names = [part.name.lower() for part in Part]
    if not isinstance(spec.values, tuple) or not all(
            isinstance(pair, tuple) and len(pair) == 2 and pair[1] in names for pair in spec.values):
        yield Problem("values", f"values is {spec.values!r:.80}; each value of the column must name one of "
                                f"{', '.join(names)}.")


def _wrong_numbers(spec: Any) -> Iterator[Problem]:
    if not _whole(spec.seed) or not 0 <= spec.seed < 2**63:
        yield Problem("seed", f"seed is {spec.seed!r:.60}; it must be a whole number from 0 to 2^63 - 1.")
    if not (spec.gap >= 0 if _whole(spec.gap) else spec.gap_seconds is not None):
        yield Problem("gap", f"gap is {spec.gap!r:.60}; it must be a number of rows, or a time such as '36h' or '7d' "
                             f"(units: {', '.join(_UNITS)}).")
    if not _whole(spec.folds) or not 2 <= spec.folds <= 100:
        yield Problem("folds", f"folds is {spec.folds!r:.60}; it must be a whole number from 2 to 100.")
    elif not _whole(spec.fold) or not 0 <= spec.fold < spec.folds:
        yield Problem("fold", f"fold is {spec.fold!r:.60}; it must be a whole number from 0 to {spec.folds - 1}.")


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
