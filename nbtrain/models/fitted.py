"""What a recipe learnt beside the weights, as a file of a model's version: plain JSON, checked wherever it comes from.

By it rows become inputs as those of the run did, and outputs become answers: also in another kernel, and after an
export and an import.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Self

from nbtrain.core.errors import ModelFileError
from nbtrain.models.importing import header
from nbtrain.models.importing.regular import whole
from nbtrain.models.package import FITTED
from nbtrain.store import atomic

#: Bytes of the largest file: a tokenizer that learned has at most a few millions.
LARGEST = 16 * 2**20
#: Pixels of the largest image and samples a second of the fastest sound, of those that a file may ask for.
_LARGEST_SIZES = {"size": 4096, "rate": 200_000, "bands": 512, "hop": 65_536, "frame": 65_536, "fft": 65_536}
_NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")
#: Of `columns`: those that are one name, and the one that is several.
_ONE, _SEVERAL = ("target", "text", "time", "group"), "features"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """What a run by a recipe knows beside its weights; everything is plain JSON."""

    recipe: str
    """Its name."""
    columns: Mapping[str, Any]
    """As `recipes.base.Columns` has them."""
    fitted: Mapping[str, Any]
    """What was learnt from the training part."""
    options: Mapping[str, Any]
    """Of the run, by their flat names."""
    kinds: Mapping[str, str] = field(default_factory=dict)
    """What the columns hold that are needed, before the recipe looks at them."""
    media: Mapping[str, str] = field(default_factory=dict)
    """Columns of files, and what these are."""

    def content(self) -> bytes:
        """As it is written down. Raises ModelFileError for what is no JSON, or too large."""
        try:
            made = json.dumps(asdict(self), ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
        except (TypeError, ValueError) as error:
            raise ModelFileError(
                f"What the recipe {self.recipe!r} learnt is no plain JSON ({error}).", file=FITTED) from error
        if len(made) > LARGEST:
            raise ModelFileError(
                f"What the recipe {self.recipe!r} learnt has {len(made):,} bytes, more than the {LARGEST:,} that are "
                "kept with a model.", file=FITTED)
        return made

    def write(self, folder: Path) -> Path:
        """Into a folder; gives the file. Raises ModelFileError as `content`, and WorkspaceError."""
        path = folder / FITTED
        atomic.write_bytes(path, self.content())
        return path

    @classmethod
    def read(cls, path: Path) -> Self:
        """Of a file that may come from anywhere. Raises ModelFileError when it is not what this writes."""
        told = header.json_object(whole(path, LARGEST, FITTED), FITTED)
        known = {each.name for each in fields(cls)}
        given = {name: value for name, value in told.items() if name in known}  # a newer nbtrain may write more
        maps = sorted(known - {"recipe"})
        if missing := {"recipe", "columns", "fitted", "options"} - set(given):
            raise _strange(f"it lacks {min(missing)}")
        wrong = [name for name in maps if name in given and not isinstance(given[name], dict)]
        if wrong or not (isinstance(given["recipe"], str) and _NAME.fullmatch(given["recipe"])):
            raise _strange(f"{(wrong or ['recipe'])[0]} is of another kind")
        for name in maps:
            _check_finite(name, given.get(name))
        _check_names(given)
        _check_sizes(given["fitted"])
        given["fitted"] = {**given["fitted"], "made_from": None}  # the tokenizer lies beside; nothing else is fetched
        return cls(**given)


def _strange(what: str) -> ModelFileError:
    return ModelFileError(
        f"{FITTED} is not what nbtrain writes beside a model ({what}); export the model anew.", file=FITTED)


def _check_finite(name: str, told: Any) -> None:
    """Raises ModelFileError for a number that is none for a computer: 1e999 is infinite in Python."""
    waiting = [told]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            waiting += each.values()
        elif isinstance(each, list):
            waiting += each
        elif isinstance(each, int | float):
            try:
                fine = math.isfinite(each)
            except OverflowError:
                fine = False
            if not fine:
                raise _strange(f"{name} has a number that is too large")


def _check_names(given: Mapping[str, Any]) -> None:
    """Raises ModelFileError where what should be names, of columns and of kinds, is something else."""
    columns = given["columns"]
    wrong = [name for name in _ONE if not isinstance(columns.get(name), str | None)]
    several = columns.get(_SEVERAL)
    if several is not None and not (isinstance(several, list) and all(isinstance(each, str) for each in several)):
        wrong.append(_SEVERAL)
    if wrong:
        raise _strange(f"columns.{wrong[0]} is of another kind")
    for part in ("kinds", "media"):
        for name, value in given.get(part, {}).items():
            if not isinstance(value, str):
                raise _strange(f"{part}.{name:.40} is of another kind")


def _check_sizes(fitted: Mapping[str, Any]) -> None:
    """Raises ModelFileError for images or sounds that no memory could hold."""
    mel = fitted.get("mel")
    for name, value in [*fitted.items(), *(mel.items() if isinstance(mel, dict) else ())]:
        if name in _LARGEST_SIZES and not (type(value) is int and 0 < value <= _LARGEST_SIZES[name]):
            raise ModelFileError(
                f"{FITTED} says {name}={str(value)!r:.40}; it may be from 1 to {_LARGEST_SIZES[name]:,}.", file=FITTED)
