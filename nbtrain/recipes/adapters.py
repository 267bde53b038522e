"""LoRA: beside the weights of a model, which stay, narrow ones that learn (Hu et al. 2021), through `peft`."""

from __future__ import annotations

import importlib
import warnings
from typing import Any

import torch
from torch import nn

from nbtrain.core.errors import ModelError
from nbtrain.engine.randomness import Turn


def add(module: nn.Module, *, rank: int, alpha: float, seed: int, head: bool) -> None:
    """Put adapters into a model of transformers: they learn, and all else stays.

    Args:
        module: is changed; one that has adapters keeps them.
        rank: how narrow they are; 0 adds none.
        alpha: what they give counts alpha / rank.
        seed: of the run, from which they are drawn.
        head: whether what lies above the base learns too, as that of a classifier must.

    Raises:
        ModelError: peft is not installed, or knows nothing in the model to put them beside.
    """
    if not rank or has(module):
        return
    peft = _library()
    above = _above(module) if head else set()
    heads = sorted({name.rpartition(".")[0] for name in above})  # they learn as they are, with no adapters beside
    config = peft.LoraConfig(
        r=rank, lora_alpha=alpha, lora_dropout=0.0, target_modules=_targets(peft, module),
        exclude_modules=heads or None)
    try:
        with Turn(seed, torch.device("cpu")).at("adapters"), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # peft says which way round it found the weights
            peft.inject_adapter_in_model(config, module)
    except ValueError as error:
        raise ModelError(
            f"lora_rank is {rank}, but peft finds no layer in {type(module).__name__} to put adapters beside "
            f"({str(error).splitlines()[0]:.200}); set it to 0, or choose another model.") from error
    for name, parameter in module.named_parameters():
        if name in above:
            parameter.requires_grad = True


def has(module: nn.Module) -> bool:
    """Whether there are adapters in it."""
    return any(_is_adapted(child) for child in module.modules())


def merge(module: nn.Module) -> None:
    """Add what the adapters learned to the weights, so that plain transformers loads them; without any, nothing."""
    for name, child in list(module.named_modules()):
        if _is_adapted(child):
            child.merge(safe_merge=True)
            parent, _, own = name.rpartition(".")
            setattr(module.get_submodule(parent), own, child.get_base_layer())
    module.__dict__.pop("peft_config", None)
    for parameter in module.parameters():
        parameter.requires_grad = True


def _is_adapted(child: Any) -> bool:
    return hasattr(child, "get_base_layer") and hasattr(child, "lora_A")


def _above(module: Any) -> set[str]:
    """The names of the parameters above the base."""
    base = getattr(module, "base_model", module)
    within = {id(parameter) for parameter in base.parameters()}
    return {name for name, parameter in module.named_parameters() if id(parameter) not in within}


def _targets(peft: Any, module: Any) -> Any:
    """What peft knows of this kind of model; else every linear layer."""
    known = peft.utils.constants.TRANSFORMERS_MODELS_TO_LORA_TARGET_MODULES_MAPPING
    return None if getattr(getattr(module, "config", None), "model_type", None) in known else "all-linear"


def _library() -> Any:
    try:
        return importlib.import_module("peft")
    except ImportError as error:
        raise ModelError(
            "LoRA needs peft, which is not installed; install it with: pip install 'nbtrain[lora]', or set "
            "lora_rank=0.") from error
