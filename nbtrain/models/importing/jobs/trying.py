"""A forward pass on made-up inputs, and whether what comes out are numbers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from nbtrain.models.importing.sandbox import RefusedError


def check_finite(tensors: Iterable[tuple[str, Tensor]]) -> None:
    """Refuses weights that are NaN or infinite."""
    for name, tensor in tensors:
        if (tensor.is_floating_point() or tensor.is_complex()) and not tensor.is_meta:
            small = tensor.is_floating_point() and tensor.element_size() == 1  # of these torch cannot tell in all types
            bad = int((~torch.isfinite(tensor.detach().float() if small else tensor.detach())).sum())
            if bad:
                raise RefusedError(f"{bad:,} of the {tensor.numel():,} values of the tensor {name!r} are NaN or "
                                   "infinite")


def check_outputs(outputs: Any) -> None:
    """Refuses outputs of a forward pass that are NaN or infinite, or none at all."""
    number = 0
    for tensor in _tensors(outputs):
        number += 1
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            raise RefusedError("with made-up inputs it predicts NaN or infinite values, so its weights are of no use")
    if not number:
        raise RefusedError("with made-up inputs it predicts nothing")


def gives_tensors(outputs: Any) -> bool:
    """Whether there is a tensor among the outputs of a forward pass."""
    return next(_tensors(outputs), None) is not None


def made_up(shape: Iterable[int | None], dtype: str) -> Tensor:
    """Inputs of a shape (2 for what may be any) and a type, the same each time."""
    sizes = [2 if size is None else size for size in shape]
    kind = getattr(torch, dtype)
    if kind.is_floating_point:
        generator = torch.Generator().manual_seed(0)
        return torch.randn(sizes, generator=generator).to(kind)
    return torch.zeros(sizes, dtype=kind)


def facts(tensors: Iterable[tuple[str, Tensor]]) -> dict[str, Any]:
    """How many weights there are, and of which type most are."""
    number = 0
    sizes: dict[str, int] = {}
    for name, tensor in tensors:
        if tensor.is_floating_point() and not name.endswith(("running_mean", "running_var")):
            number += tensor.numel()
            kind = str(tensor.dtype).removeprefix("torch.")
            sizes[kind] = sizes.get(kind, 0) + tensor.numel()
    return {"parameters": number, "precision": max(sizes, key=lambda kind: sizes[kind], default="")}


def _tensors(found: Any) -> Iterator[Tensor]:
    if isinstance(found, Tensor):
        yield found
    elif isinstance(found, Mapping):
        for value in found.values():
            yield from _tensors(value)
    elif isinstance(found, list | tuple):
        for value in found:
            yield from _tensors(value)
