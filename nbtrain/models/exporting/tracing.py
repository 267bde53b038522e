"""A module as `torch.export` traces it: its inputs by name, which sizes may differ, and its outputs as a list."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.export import Dim

from nbtrain.core.errors import ModelError
from nbtrain.models import loading
from nbtrain.models.inputs import example_inputs, named
from nbtrain.models.package import Version


class Traced(nn.Module):
    """A module that takes its inputs in the order of `names` and gives one tensor, or a tuple.

    Of named outputs these are the logits, or all where there are none.
    """

    def __init__(self, module: nn.Module, names: Sequence[str]) -> None:
        super().__init__()
        self.module = module
        self.names = tuple(names)

    def forward(self, *inputs: Tensor) -> Any:
        out = self.module(**dict(zip(self.names, inputs, strict=True)))
        if isinstance(out, Mapping) or hasattr(out, "to_tuple"):
            known = dict(out.items()) if isinstance(out, Mapping) else dict(vars(out))
            if isinstance(known.get("logits"), Tensor):
                return known["logits"]
            return tuple(value for value in known.values() if isinstance(value, Tensor))
        return out


def prepared(version: Version, module: Any, example: Any) -> tuple[nn.Module, dict[str, Tensor]]:
    """The module in evaluation mode on the CPU, and a batch it takes. Raises ModelError."""
    loaded = loading.load(version, module=module)
    inputs = example_inputs(loaded, version.about) if example is None else named(loaded, example)
    inputs = {name: value.cpu() for name, value in inputs.items()}
    try:
        with torch.no_grad():
            loaded.eval()(**inputs)
    except Exception as error:
        shapes = ", ".join(f"{name} {tuple(value.shape)}" for name, value in inputs.items())
        raise ModelError(
            f"{version.about.architecture} does not take the example ({shapes}): {first_line(error)}; give a batch as "
            "it was trained with as example=….") from error
    return loaded, inputs


def shapes_of(inputs: Mapping[str, Tensor], *, others: bool) -> tuple[Any, ...]:
    """Which sizes may differ from the example's: rows always, `others` wherever the model allows it."""
    rest = Dim.AUTO if others else Dim.STATIC
    return (tuple({0: Dim.DYNAMIC, **dict.fromkeys(range(1, value.ndim), rest)} for value in inputs.values()),)


def more_rows(inputs: Mapping[str, Tensor], rows: int) -> dict[str, Tensor]:
    """A batch of so many rows, made of those of the example, each a little different."""
    made = {}
    for name, value in inputs.items():
        picked = value[torch.arange(rows) % value.shape[0]]
        made[name] = picked + 0.1 * torch.randn_like(picked) if picked.is_floating_point() else picked
    return made


def outputs_of(module: nn.Module, inputs: Mapping[str, Tensor]) -> list[Tensor]:
    """What a module gives, as tensors."""
    with torch.no_grad():
        out = module(*inputs.values())
    return [each for each in ([out] if isinstance(out, Tensor) else out) if isinstance(each, Tensor)]


def largest_difference(found: Sequence[Tensor], wanted: Sequence[Tensor], what: str) -> float:
    """The largest absolute difference of any output.

    Raises ModelError when they are not of the same shape, or further apart than rounding would bring them: by more
    than a hundredth of the largest output.
    """
    if [each.shape for each in found] != [each.shape for each in wanted]:
        raise ModelError(
            f"{what} gives outputs of shape {[tuple(each.shape) for each in found]} where PyTorch gives "
            f"{[tuple(each.shape) for each in wanted]}; it was not written.")
    largest, scale = 0.0, 1.0
    for one, other in zip(found, wanted, strict=True):
        if one.numel():
            gap = (one.double() - other.double()).abs()
            largest = max(largest, float(gap.nan_to_num(nan=float("inf")).max()))
            scale = max(scale, float(other.double().abs().max()))
    if not largest <= 0.01 * scale:
        raise ModelError(f"The outputs of {what} differ from PyTorch's by up to {largest:.3g}; it was not written.")
    return largest


@contextmanager
def quietly() -> Iterator[None]:
    """Tracing tells of its own doings, which is nothing that a user could change; what went wrong is raised."""
    loud = logging.getLogger("torch")
    before = loud.level
    loud.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        loud.setLevel(before)


def first_line(error: BaseException) -> str:
    """What a long report of torch begins with."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0][:300] if lines else type(error).__name__
