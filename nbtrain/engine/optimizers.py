"""The optimizer a config asks for, and live edits of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn.parameter import UninitializedParameter
from torch.optim import Optimizer

from nbtrain.config import OptimizerConfig
from nbtrain.core.errors import ModelError

#: Devices for which torch has one fused kernel for the whole update of Adam, AdamW and SGD.
_FUSED = frozenset({"cpu", "cuda", "mps"})


#: Of the name of a parameter: how many times the run's learning rate it learns with.
Rates = Callable[[str], float]


def build(config: OptimizerConfig, model: nn.Module, rates: Rates | None = None) -> Optimizer:
    """The optimizer over the model's trainable parameters, in at most two groups for each rate.

    Weight decay acts on parameters of two and more dimensions; biases and the scales of normalisation layers
    keep their freedom (as in GPT-2's and BERT's training). The group without it has ``group["decays"]`` False;
    ``group["rate"]`` is what the learning rate is multiplied by.

    Raises:
        ModelError: the model has nothing to train, or layers that do not know their shape yet.
    """
    named = _trainable(model)
    parameters = list(named.values())
    known = {name: 1.0 if rates is None else rates(name) for name in named}
    groups = [
        {"params": chosen, "decays": decays, "rate": factor, "weight_decay": config.weight_decay if decays else 0.0}
        for factor in dict.fromkeys(known.values()) for decays in (True, False)
        if (chosen := [p for name, p in named.items() if known[name] == factor and (p.ndim >= 2) is decays])
    ]
    rate = config.learning_rate
    fast: dict[str, Any] = {"fused": True} if _can_fuse(parameters) else {"foreach": True}
    match config.optimizer:
        case "adam":
            return torch.optim.Adam(groups, lr=rate, **fast)
        case "adamw":
            return torch.optim.AdamW(groups, lr=rate, **fast)
        case "sgd":
            return torch.optim.SGD(groups, lr=rate, momentum=config.momentum, **fast)
        case "rmsprop":
            return torch.optim.RMSprop(groups, lr=rate, momentum=config.momentum, foreach=True)
        case "adafactor":
            return torch.optim.Adafactor(groups, lr=rate, foreach=True)
        case "lamb":
            from pytorch_optimizer import Lamb  # noqa: PLC0415 - slow to import, and few ask for it

            return Lamb(groups, lr=rate)


def apply(optimizer: Optimizer, *, learning_rate: float | None = None, weight_decay: float | None = None) -> None:
    """Set what is given, for the updates from now on; weight decay only where it acts at all."""
    for group in optimizer.param_groups:
        if learning_rate is not None:
            group["lr"] = learning_rate * group.get("rate", 1.0)  # runs of 0.1 have none
        if weight_decay is not None and group["decays"]:
            group["weight_decay"] = weight_decay


def _trainable(model: nn.Module) -> dict[str, nn.Parameter]:
    parameters = {name: p for name, p in model.named_parameters() if p.requires_grad}
    if not parameters:
        frozen = sum(1 for _ in model.parameters())
        raise ModelError(
            f"{type(model).__name__} has no parameters to train: "
            + (f"all {frozen} have requires_grad=False; set it to True for those that should learn." if frozen
               else "it has none at all; give a model with at least one layer that learns."))
    if any(isinstance(p, UninitializedParameter) for p in parameters.values()):
        raise ModelError(
            f"{type(model).__name__} has lazy layers whose shape is not known yet: run one batch through it before "
            "training, for example model(X[:2]).")
    return parameters


def _can_fuse(parameters: list[nn.Parameter]) -> bool:
    return all(p.device.type in _FUSED and torch.is_floating_point(p) for p in parameters)


def lay_as_parameters(optimizer: Optimizer) -> None:
    """Let every average lie in memory as its parameter does; one that was loaded lies row after row.

    Torch's fused kernels go through both in the order of memory, whatever order that is.
    """
    for parameter, state in optimizer.state.items():
        for name, value in state.items():
            if isinstance(value, torch.Tensor) and value.shape == parameter.shape and (
                    value.stride() != parameter.stride()):
                state[name] = torch.empty_like(parameter, dtype=value.dtype).copy_(value)
