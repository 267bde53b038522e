"""The layers of a model that has learnt already: some stay as they are, the lower ones learn slower."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import nn

from nbtrain.core.errors import ConfigError, ModelError, Problem


def blocks(module: nn.Module) -> dict[str, int]:
    """The names of a model's blocks, the lowest first, each with its number from 0; none where there are none.

    They are the entries of the longest `nn.ModuleList` in it: ``bert.encoder.layer.0``, ``transformer.h.0``.
    """
    lists = [(name, child) for name, child in _base(module).named_modules(prefix=_prefix(module))
             if isinstance(child, nn.ModuleList) and len(child)]
    if not lists:
        return {}
    name, longest = max(lists, key=lambda each: len(each[1]))
    return {f"{name}.{number}": number for number in range(len(longest))}


def freeze(module: nn.Module, count: int) -> None:
    """The first `count` blocks and all below them, the embeddings, do not learn; 0 freezes nothing.

    Raises:
        ConfigError: it has fewer blocks.
        ModelError: it has no blocks.
    """
    if not count:
        return
    known = _known(module, "frozen_layers")
    if count > len(known):
        raise ConfigError([Problem("frozen_layers", (
            f"frozen_layers is {count}, but {type(module).__name__} has {len(known)} layers; use at most "
            f"{len(known)}, which lets the head alone learn."))])
    depth = _depths(module, known)
    for name, parameter in module.named_parameters():
        if depth(name) <= count:
            parameter.requires_grad = False


def rates(module: nn.Module, decay: float) -> Callable[[str], float] | None:
    """By the name of a parameter, how many times the learning rate it learns with; None where all learn alike.

    The head learns with the whole rate, the highest block with `decay` times it, each below with `decay` times the one
    above, and the embeddings slowest (Howard and Ruder 2018, discriminative fine-tuning; Clark et al. 2020, ELECTRA).

    Raises:
        ModelError: it has no blocks.
    """
    if decay == 1.0:
        return None
    known = _known(module, "layer_decay")
    depth, top = _depths(module, known), len(known) + 1

    def rate(name: str) -> float:
        # torch.compile and others put a prefix before the names.
        return float(decay ** (top - depth(name.removeprefix("_orig_mod.").removeprefix("module."))))

    return rate


def _known(module: nn.Module, option: str) -> dict[str, int]:
    known = blocks(module)
    if not known:
        raise ModelError(
            f"{option} needs a model made of layers in an nn.ModuleList, which {type(module).__name__} has not; leave "
            "it at its default, or set requires_grad=False yourself.")
    return known


def _depths(module: nn.Module, known: dict[str, int]) -> Callable[[str], int]:
    """0 for what comes before the blocks, 1 and more for these, one more than the last for what comes after."""
    depths: dict[str, int] = {}
    reached = 0
    prefix = _prefix(module)
    for name, _ in module.named_parameters():
        number = next((number for block, number in known.items() if name.startswith(block + ".")), None)
        if number is not None:
            reached = number + 1
            depths[name] = reached
        elif name.startswith(prefix + "." if prefix else "") and not reached:
            depths[name] = 0
        else:
            depths[name] = len(known) + 1
    return lambda name: depths.get(name, len(known) + 1)


def _base(module: Any) -> nn.Module:
    """Without its head, where it is a model of transformers."""
    base: Any = getattr(module, "base_model", module)
    return base if isinstance(base, nn.Module) else module


def _prefix(module: nn.Module) -> str:
    base = _base(module)
    return next((name for name, child in module.named_modules() if child is base), "")
