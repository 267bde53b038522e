"""The module that a recipe trains: one of the user's, an architecture, or a registered model of that kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from nbtrain.config.problems import unknown
from nbtrain.core.errors import ModelError, ModelNotFoundError
from nbtrain.engine.randomness import Turn
from nbtrain.models import architectures
from nbtrain.models.architectures.base import Architecture
from nbtrain.recipes.base import Order

ARCHITECTURE, MODEL = "architecture:", "model:"


@dataclass(frozen=True, slots=True)
class Built:
    """A module, how it is called, where it came from, and what the user should know of it."""

    module: nn.Module
    name: str
    origin: dict[str, Any] | None
    notes: tuple[str, ...] = ()


def built(
    order: Order, fitting: Sequence[str], sizes: Mapping[str, Mapping[str, Any]],
    fresh: Mapping[str, Mapping[str, Any]] | None = None,
) -> Built:
    """The module of an order.

    Args:
        order: whose model is a module, a name, or None for the first that fits.
        fitting: names of the architectures that take this data.
        sizes: the config of each of them, as far as the data decides it.
        fresh: what else suits one that begins anew.

    Raises:
        ModelError: there is none of this name, or it does not take such data.
        ModelNotFoundError: as above.
    """
    if isinstance(order.model, nn.Module):
        return Built(order.model, type(order.model).__name__, None)
    if order.model_origin is not None:
        return _again(order.model_origin)
    given = fitting[0] if order.model is None else order.model
    name = given.removeprefix(ARCHITECTURE)
    if not given.startswith(MODEL) and architectures.is_architecture(name):
        if name not in fitting:
            raise ModelError(
                f"The architecture {name!r} does not take the data of this recipe; those that do are: "
                f"{', '.join(fitting)}.")
        return _fresh(name, {**(fresh or {}).get(name, {}), **sizes[name]}, order.config["seed"])
    if given.startswith(ARCHITECTURE):
        raise ModelError(unknown("architecture", name, list(fitting)))
    return _registered(given, fitting, sizes)


def _fresh(name: str, config: Mapping[str, Any], seed: int) -> Built:
    # In a turn: a run that trains beside draws from the same generator.
    with Turn(seed, torch.device("cpu")).at("model"), torch.random.fork_rng(devices=[]):
        module = architectures.build(name, **config)
    return Built(module, name, {"from": "architecture", "name": name, "config": module.config})


def _again(origin: Mapping[str, Any]) -> Built:
    """The module of a run that goes on; its weights come from the checkpoint."""
    if origin["from"] == "architecture":
        return _fresh(origin["name"], origin["config"], 0)
    from nbtrain.models import loading  # noqa: PLC0415 - few runs began with one
    from nbtrain.models.registry import Registry  # noqa: PLC0415

    version = Registry().version(origin["model"], origin["version"])
    return Built(loading.load(version), version.model, dict(origin))


def _registered(given: str, fitting: Sequence[str], sizes: Mapping[str, Mapping[str, Any]]) -> Built:
    from nbtrain.models import loading  # noqa: PLC0415 - as above
    from nbtrain.models.registry import Registry  # noqa: PLC0415

    registry = Registry()
    try:
        version = registry.version(given.removeprefix(MODEL))
    except ModelNotFoundError as missing:
        raise ModelNotFoundError(unknown("model", given, list(fitting))) from missing
    module, name = loading.load(version), registry.find(version.model).name
    wanted = sizes.get(getattr(module, "name", ""))
    if not isinstance(module, Architecture) or wanted is None:
        raise ModelError(
            f"The model {name!r} is {version.about.architecture}, which does not take the data of this recipe; "
            f"those that do are: {', '.join(fitting)}.")
    for size, value in wanted.items():
        if module.config.get(size) != value:
            raise ModelError(
                f"The model {name!r} was made for other data: its {size} is {module.config.get(size)}, and this data "
                f"has {value}; begin with an architecture: {module.name!r}.")
    said = (
        f"{name} goes on with columns that are standardised and numbered anew by this training part; where its own "
        "data was another, its first steps are of getting used to that.")
    return Built(module, name, {"from": "registry", "model": version.model, "version": version.number}, (said,))
