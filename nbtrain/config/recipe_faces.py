"""The recipes as a form sees them: what each starts from, and what some of its options set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

from nbtrain.config.recipe_defaults import DEFAULTS, LEVELS
from nbtrain.config.recipe_options import SPEECH

#: Which columns a recipe asks for; of one of the user's own nobody knows, so all are offered.
_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "custom": ("target", "features"),
    "tabular": ("target", "features", "group"),
    "timeseries": ("target", "features", "time", "group"),
    "text-classification": ("target", "text", "group"),
    "token-classification": ("target", "text", "group"),
    "causal-lm": ("text",),
    "image-classification": ("target", "features", "group"),
    "landmarks": ("target", "features", "group"),
    "speech": ("target", "text", "group"),
}
_ALL_COLUMNS = ("target", "features", "text", "time", "group")


class RecipeFace(TypedDict):
    """One recipe; its words are ``choice.recipe.<name>``, of the user's own the name itself.

    `options` are its defaults, `steering` those that follow another option: its name, then its value. `columns` are
    those that it may be told.
    """

    name: str
    options: dict[str, Any]
    steering: dict[str, dict[str, dict[str, Any]]]
    columns: list[str]


def faces(names: Sequence[str]) -> list[RecipeFace]:
    """Of the recipes of these names, and of ``auto`` before them."""
    return [face(name) for name in ("auto", *names)]


def face(name: str) -> RecipeFace:
    """Of one recipe."""
    levels = {level: dict(options) for level, options in LEVELS.items()}
    return RecipeFace(
        name=name, options=dict(DEFAULTS.get(name, {})),
        steering={"optimization_level": levels} if name == SPEECH else {},
        columns=list(_COLUMNS.get(name, _ALL_COLUMNS)))
