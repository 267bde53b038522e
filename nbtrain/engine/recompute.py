"""Gradient checkpointing: activations are forgotten and computed again, memory traded for time (Chen et al. 2016)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.checkpoint import checkpoint

from nbtrain.core.errors import ConfigError, Problem

#: What newer releases of transformers call it, and older ones.
_NAMES = ("activation_checkpointing", "gradient_checkpointing")


def gradient_checkpointing(model: nn.Module) -> Callable[[], None]:
    """Keep only the inputs of the model's blocks; the backward pass computes again what lies inside them.

    Models of transformers switch it on themselves. Else the blocks are the outermost entries of `nn.ModuleList`
    and `nn.Sequential` that are made of several modules; without such, an `nn.Sequential` of four and more layers is
    cut into about √n pieces. Gradients are the same to the bit: a block draws the same random numbers both times
    (dropout), and running statistics are counted once.

    Returns:
        A function that makes the model as it was.

    Raises:
        ConfigError: the model has no such blocks.
    """
    for name in _NAMES:
        own = getattr(model, f"{name}_enable", None)
        if callable(own):
            own(**{f"{name}_kwargs": {"use_reentrant": False}})
            return partial(_own_off, model)
    pieces: dict[nn.Module, list[nn.Module]] = {block: [block] for block in _blocks(model)}
    pieces = pieces or {chain: _cut(chain) for chain in _chains(model)}
    if not pieces:
        raise ConfigError([Problem("gradient_checkpointing", (
            f"gradient_checkpointing is True, but {type(model).__name__} has no blocks to compute again (modules in an "
            "nn.ModuleList, or an nn.Sequential of at least 4 layers); set it to False."))])
    for block, parts in pieces.items():
        block.forward = _Recomputed(block, parts)

    def undo() -> None:
        for block in pieces:
            block.__dict__.pop("forward", None)

    return undo


def forget(model: nn.Module) -> None:
    """Take back from a copy of a model what `gradient_checkpointing` did to the model."""
    _own_off(model)
    for module in model.modules():
        if isinstance(module.__dict__.get("forward"), _Recomputed):
            del module.__dict__["forward"]


def _own_off(model: nn.Module) -> None:
    """What a model of transformers has switched on itself, off again, with the hook it put on its embeddings."""
    own = next((found for name in _NAMES if callable(found := getattr(model, f"{name}_disable", None))), None)
    if own is not None:
        own()
        if hasattr(model, "_require_grads_hook"):
            model.disable_input_require_grads()  # type: ignore[operator]  # which took the hook


class _Recomputed:
    """A forward pass, part after part, each of which forgets its inside until the backward pass."""

    def __init__(self, block: nn.Module, parts: list[nn.Module]) -> None:
        self._block, self._parts = block, parts

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        forward = type(self._block).forward
        if not torch.is_grad_enabled():
            return forward(self._block, *args, **kwargs)
        if self._parts == [self._block]:
            return _forgetful(self._block, forward, self._block, *args, **kwargs)
        (x,) = args
        for part in self._parts:
            x = _forgetful(part, part, x)
        return x


def _forgetful(block: nn.Module, forward: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    return checkpoint(
        forward, *args, use_reentrant=False, context_fn=lambda: (nullcontext(), _statistics_held(block)), **kwargs)


@contextmanager
def _statistics_held(block: nn.Module) -> Iterator[None]:
    """Batch normalisation does not count the same batch a second time."""
    counting = [m for m in block.modules() if isinstance(m, _BatchNorm) and m.track_running_stats]
    before = [(m.momentum, m.num_batches_tracked) for m in counting]
    for module in counting:
        module.momentum, module.num_batches_tracked = 0.0, None
    try:
        yield
    finally:
        for module, (momentum, batches) in zip(counting, before, strict=True):
            module.momentum, module.num_batches_tracked = momentum, batches


def _blocks(module: nn.Module) -> Iterator[nn.Module]:
    """The outermost modules inside containers that are themselves made of several."""
    contained = isinstance(module, nn.Sequential | nn.ModuleList)
    for child in module.children():
        made_of = sum(1 for _ in child.children())
        if contained and made_of > 1 and not isinstance(child, nn.ModuleList | nn.ModuleDict):
            yield child
        else:
            yield from _blocks(child)


def _chains(module: nn.Module) -> Iterator[nn.Sequential]:
    """The outermost chains of at least four modules."""
    if type(module) is nn.Sequential and len(module) >= 4:
        yield module
        return
    for child in module.children():
        yield from _chains(child)


def _cut(chain: nn.Sequential) -> list[nn.Module]:
    size = math.ceil(math.sqrt(len(chain)))
    return [chain[start : start + size] for start in range(0, len(chain), size)]
