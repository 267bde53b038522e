"""How a model is called: one input, several, or named ones; and what counts as its output."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn


def call(model: Callable[..., Any], inputs: Any) -> Any:
    """``model(x)``, ``model(x1, x2)`` for a tuple, ``model(**named)`` for a mapping; of named outputs the logits."""
    if isinstance(inputs, Tensor):
        output = model(inputs)
    elif isinstance(inputs, Mapping):
        output = model(**inputs)
    elif isinstance(inputs, tuple):
        output = model(*inputs)
    else:
        output = model(inputs)
    if isinstance(output, Tensor):
        return output
    if isinstance(output, Mapping) and "logits" in output:
        return output["logits"]
    return getattr(output, "logits", output)


def add_noise(inputs: Any, std: float) -> Any:
    """Gaussian noise of standard deviation `std` on every floating-point input; others stay as they are."""
    if isinstance(inputs, Tensor):
        return inputs + std * torch.randn_like(inputs) if inputs.is_floating_point() else inputs
    if isinstance(inputs, Mapping):
        return {name: add_noise(value, std) for name, value in inputs.items()}
    if isinstance(inputs, tuple):
        return tuple(add_noise(value, std) for value in inputs)
    return inputs


@contextmanager
def evaluation_mode(model: nn.Module) -> Iterator[None]:
    """Within, every module is in evaluation mode; afterwards each is as it was, also where some differed."""
    training = [module for module in model.modules() if module.training]
    model.eval()
    try:
        yield
    finally:
        for module in training:
            module.training = True
