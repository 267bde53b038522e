"""Recipes: each turns a model, a dataset and options into a training.

    nbtrain.train("hybrid-cnn-lstm", "prices.csv", recipe="timeseries", target="label", window=64)

One is chosen by itself where model and data can be meant in one way only; else it is named. `register` adds the user's
own to those that come with nbtrain.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from nbtrain.config.problems import unknown
from nbtrain.core.errors import ConfigError, Problem

if TYPE_CHECKING:
    from torch import nn

    from nbtrain.data.table import Table
    from nbtrain.recipes.base import Columns, Recipe

__all__ = ["choose", "find", "names", "register"]

#: Name → its module and class. `custom` is the training without a recipe: own model, own data.
_HOME: Mapping[str, tuple[str, str]] = {
    "tabular": ("tabular", "Tabular"),
    "timeseries": ("timeseries", "TimeSeries"),
    "text-classification": ("text_classification", "TextClassification"),
    "token-classification": ("token_classification", "TokenClassification"),
    "causal-lm": ("causal_lm", "CausalLM"),
    "image-classification": ("images", "ImageClassification"),
    "landmarks": ("landmarks", "Landmarks"),
    "speech": ("speech", "Speech"),
}
CUSTOM, AUTO = "custom", "auto"
_own: dict[str, Recipe] = {}


def names() -> list[str]:
    """Of all recipes, the user's own at the end."""
    return [CUSTOM, *_HOME, *_own]


def register(recipe: Recipe) -> None:
    """Have a recipe of the user's own found by its name in this process; one of the same name gives way.

    Raises:
        ConfigError: nbtrain has a recipe of this name.
    """
    if recipe.name in {CUSTOM, AUTO, *_HOME}:
        raise ConfigError([Problem("recipe", f"nbtrain has a recipe called {recipe.name!r}; give yours another name.")])
    _own[recipe.name] = recipe


def find(name: str) -> Recipe | None:
    """The recipe of this name; None for `custom`. Raises ConfigError, with the nearest name."""
    if name == CUSTOM:
        return None
    if name in _own:
        return _own[name]
    if name not in _HOME:
        raise ConfigError([Problem("recipe", unknown("recipe", name, names()))])
    module, attribute = _HOME[name]
    made: Recipe = getattr(import_module(f"nbtrain.recipes.{module}"), attribute)()
    return made


def choose(name: str, model: str | nn.Module | None, table: Table | None, columns: Columns) -> Recipe | None:
    """The recipe that is named, or with ``auto`` the one that model and data can only mean; None for `custom`.

    Raises ConfigError: no such recipe, or several would do.
    """
    if name != AUTO:
        return find(name)
    if table is None:
        return None
    suiting = [each for each in (find(known) for known in names()) if each is not None]
    suiting = [each for each in suiting if each.suits(model, table, columns)]
    if len(suiting) > 1:
        raise ConfigError([Problem("recipe", (
            f"Several recipes would do for this model and data: {', '.join(each.name for each in suiting)}; say which: "
            f"recipe={suiting[0].name!r}."))])
    return suiting[0] if suiting else None


def defaults() -> dict[str, Any]:
    """For documentation: name of each recipe → its defaults."""
    from nbtrain.config.recipe_defaults import DEFAULTS  # noqa: PLC0415 - few ask

    return {name: dict(DEFAULTS.get(name, {})) for name in names()}
