"""The layers of a model that has learnt already: some stay as they are, the lower ones learn slower."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from torch import nn

from nbtrain.core.errors import ConfigError, ModelError, Problem


def blocks(module: nn.Module, used: Sequence[str] | None = None) -> dict[str, int]:
    """The names of a model's blocks, the lowest first, each with the number of its layer, from 0; none without any.

    They are the entries of the longest `nn.ModuleList` in it that is in no other: ``bert.encoder.layer.0``,
    ``transformer.h.0``. Of a network of convolutions without one, its stages are: what it says itself (`stage_of`), or
    the outermost modules beside one another that are made of several convolutions: ``layer1``, ``layer2``.

    Args:
        module: the model.
        used: the names of its parameters in the order in which data meets them (`probing.used`): the blocks are then
            in that order, and what makes the outputs is none. Without it they are in the order in which they were made.
    """
    own = getattr(module, "stage_of", None)
    if isinstance(own, dict):
        return dict(own)
    names = _listed(module) or _stages(module)
    if used:
        names = [name for name in _met(names, used) if not used[-1].startswith(name + ".")]
    return {name: number for number, name in enumerate(names)}


def _listed(module: nn.Module) -> list[str]:
    """The entries of the longest `nn.ModuleList`."""
    lists = [(name, child) for name, child in _base(module).named_modules(prefix=_prefix(module))
             if isinstance(child, nn.ModuleList) and len(child)]
    inner = {f"{name}." for name, child in lists if len(child) > 1}
    outer = [each for each in lists if not each[0].startswith(tuple(inner))]
    if not outer:
        return []
    name, longest = max(outer, key=lambda each: len(each[1]))
    return [f"{name}.{number}" for number in range(len(longest))]


def _stages(module: nn.Module) -> list[str]:
    """The outermost children beside one another with several convolutions each: three, or two in a chain."""
    for name, parent in sorted(module.named_modules(), key=lambda each: each[0].count(".") + bool(each[0])):
        found = [f"{name}.{own}" if name else own for own, child in parent.named_children() if _weights(child) > 1]
        if len(found) >= (2 if isinstance(parent, nn.Sequential) else 3):
            return found
    return []


def _met(modules: Sequence[str], used: Sequence[str]) -> list[str]:
    """Those of the modules that data meets, in that order."""
    found = (next((each for each in modules if name.startswith(each + ".")), None) for name in used)
    return list(dict.fromkeys(each for each in found if each is not None))


def _weights(module: nn.Module) -> int:
    """How many layers are in it, where there are convolutions among them."""
    kinds = [type(each) for each in module.modules() if isinstance(each, nn.Conv2d | nn.Linear)]
    return len(kinds) if any(issubclass(kind, nn.Conv2d) for kind in kinds) else 0


def frozen(module: nn.Module, count: int, used: Sequence[str] | None = None) -> frozenset[str]:
    """The names of the parameters of the first `count` blocks and of all below them, the embeddings; none for 0.

    Without those that do not learn anyhow: they stay as their owner wants them. `used` is as `blocks` takes it.

    Raises:
        ConfigError: it has fewer blocks.
        ModelError: it has no blocks.
    """
    if not count:
        return frozenset()
    known = _known(module, "frozen_layers", used)
    most = _count(known)
    if count > most:
        raise ConfigError([Problem("frozen_layers", (
            f"frozen_layers is {count}, but {type(module).__name__} has {most} layers; use at most {most}, which lets "
            "the head alone learn."))])
    depth = _depths(module, known, used)
    return frozenset(
        name for name, parameter in module.named_parameters() if parameter.requires_grad and depth(name) <= count)


def rates(
    module: nn.Module, decay: float, used: Sequence[str] | None = None,
) -> Callable[[str], float] | None:
    """By the name of a parameter, how many times the learning rate it learns with; None where all learn alike.

    The head learns with the whole rate, the highest block with `decay` times it, each below with `decay` times the one
    above, and the embeddings slowest (Howard and Ruder 2018, discriminative fine-tuning; Clark et al. 2020, ELECTRA).
    `used` is as `blocks` takes it.

    Raises:
        ModelError: it has no blocks.
    """
    if decay == 1.0:
        return None
    known = _known(module, "layer_decay", used)
    depth, top = _depths(module, known, used), _count(known) + 1

    def rate(name: str) -> float:
        # torch.compile and others put a prefix before the names.
        return float(decay ** (top - depth(name.removeprefix("_orig_mod.").removeprefix("module."))))

    return rate


def _known(module: nn.Module, option: str, used: Sequence[str] | None) -> dict[str, int]:
    known = blocks(module, used)
    if not known:
        raise ModelError(
            f"{option} needs a model made of layers in an nn.ModuleList, or of stages of several convolutions, and "
            f"{type(module).__name__} has neither; leave it at its default, or set requires_grad=False yourself.")
    return known


def _count(known: dict[str, int]) -> int:
    """Of layers; several blocks may be one."""
    return max(known.values()) + 1


def _depths(module: nn.Module, known: dict[str, int], used: Sequence[str] | None) -> Callable[[str], int]:
    """0 for what comes before the blocks, 1 and more for these, one more than the last for what comes after.

    What lies between two blocks counts as the one before; what data never meets, as what comes after.
    """
    names = [name for name, _ in module.named_parameters()]
    numbers = {name: number for name in names for block, number in known.items() if name.startswith(block + ".")}
    depths = {name: number + 1 for name, number in numbers.items()}
    reached, most = 0, _count(known)
    prefix = _prefix(module)
    for name in used or names:
        if name in numbers:
            reached = max(reached, numbers[name] + 1)
        elif name.startswith(prefix + "." if prefix else "") and reached < most:
            depths[name] = reached
    return lambda name: depths.get(name, most + 1)


def _base(module: Any) -> nn.Module:
    """Without its head, where it is a model of transformers."""
    base: Any = getattr(module, "base_model", module)
    return base if isinstance(base, nn.Module) else module


def _prefix(module: nn.Module) -> str:
    base = _base(module)
    return next((name for name, child in module.named_modules() if child is base), "")
