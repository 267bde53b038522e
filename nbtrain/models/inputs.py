"""Inputs of the right shape for a model, where they are known: to try it, to trace it, to compare two forms of it."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from nbtrain.core.errors import ModelError
from nbtrain.models import architectures
from nbtrain.models.package import About

#: Tokens of an example text, where the model takes so many.
TOKENS = 16
#: Seconds of an example sound, at the 16,000 samples a second that speech models take.
_SAMPLES = 16_000


def example_inputs(module: nn.Module, about: About, rows: int = 2) -> dict[str, Tensor]:
    """Noise of the shape that a model takes, by the names of its forward pass.

    Args:
        module: of which a `transformers` model's config and signature are asked.
        about: what is known of it; ``inputs["shape"]`` is one sample's shape where only its owner's code knows more.
        rows: samples in the batch.

    Raises:
        ModelError: nothing says what it takes.
    """
    shape = about.inputs.get("shape")
    if about.format == "architecture":
        made = architectures.example(about.architecture, about.config, rows)
        if shape and len(made) == 1:  # as it was trained: a window of so many steps, an image of such a size
            return {name: _noise((rows, *map(int, shape)), "float32") for name in made}
        return made
    if about.format == "transformers":
        return _of_transformers(module, rows)
    if shape:
        return {first_argument(module): _noise((rows, *map(int, shape)), str(about.inputs.get("dtype", "float32")))}
    raise ModelError(
        f"Nothing says what {about.architecture} takes; give a batch of inputs as example=…, a tensor or a dict of "
        "them.")


def named(module: nn.Module, example: Any) -> dict[str, Tensor]:
    """A batch as the names of the forward pass: a tensor is its first argument. Raises ModelError for anything else."""
    if isinstance(example, Tensor):
        return {first_argument(module): example}
    if isinstance(example, Mapping) and example and all(isinstance(value, Tensor) for value in example.values()):
        return {str(name): value for name, value in example.items()}
    if isinstance(example, list | tuple) and example and all(isinstance(value, Tensor) for value in example):
        names = list(inspect.signature(module.forward).parameters)
        return dict(zip(names, example, strict=False))
    raise ModelError(
        f"The example is a {type(example).__name__}; give a batch of inputs as a tensor, a tuple or a dict of tensors.")


def first_argument(module: nn.Module) -> str:
    """The name of the forward pass's first input."""
    for name, parameter in inspect.signature(module.forward).parameters.items():
        if parameter.kind in {parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD}:
            return name
    raise ModelError(f"The forward pass of {type(module).__name__} takes no input.")


def _of_transformers(module: nn.Module, rows: int) -> dict[str, Tensor]:
    config: Any = module.config
    takes = inspect.signature(module.forward).parameters
    inputs: dict[str, Tensor] = {}
    if "input_ids" in takes:
        text = config.get_text_config() if hasattr(config, "get_text_config") else config
        length = min(TOKENS, int(getattr(text, "max_position_embeddings", TOKENS) or TOKENS))
        inputs["input_ids"] = torch.randint(int(text.vocab_size), (rows, length))
        if "attention_mask" in takes:
            inputs["attention_mask"] = torch.ones(rows, length, dtype=torch.long)
        if getattr(config, "is_encoder_decoder", False) and "decoder_input_ids" in takes:
            inputs["decoder_input_ids"] = torch.randint(int(text.vocab_size), (rows, length))
    if "pixel_values" in takes:
        vision = getattr(config, "vision_config", config)
        size = getattr(vision, "image_size", 224)
        height, width = (size, size) if isinstance(size, int) else tuple(size)
        inputs["pixel_values"] = torch.randn(rows, int(getattr(vision, "num_channels", 3)), height, width)
    if "input_values" in takes:
        inputs["input_values"] = torch.randn(rows, _SAMPLES)
    if not inputs:
        raise ModelError(
            f"{type(module).__name__} takes inputs that are not known here ({', '.join(takes)}); give a batch as "
            "example=….")
    return inputs


def _noise(shape: tuple[int, ...], dtype: str) -> Tensor:
    kind = getattr(torch, dtype, torch.float32)
    if not isinstance(kind, torch.dtype) or kind.is_floating_point:
        return torch.randn(shape)
    return torch.zeros(shape, dtype=kind)  # a number that every table of embeddings has
