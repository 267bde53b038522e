"""What a dataset or a loader gives, as a `Batch`: input and target told apart, numbers as the model takes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Subset

from nbtrain.core.errors import DataError
from nbtrain.engine import nest
from nbtrain.engine.arrays import TARGETS, Reading
from nbtrain.engine.batch import Batch

#: In the place of a target: the inputs are to be reproduced.
_ITSELF = object()


def to_batch(collated: Any, reading: Reading, device: torch.device) -> Batch:
    """One collated batch on the device.

    The last element of a tuple is the target, the rest the inputs; a tensor, or a tuple of one, is its own target; of a
    mapping, the entry named by `TARGETS` is the target. Anything else is handed to the model as it is, without target.

    Raises:
        DataError: targets that are text.
    """
    inputs, target = _halves(collated)

    def place(x: Tensor) -> Tensor:
        wanted = reading.floats if x.is_floating_point() or not (reading.integers or x.is_complex()) else x.dtype
        return x.to(device, wanted, non_blocking=True)

    size = nest.rows(inputs) or _length(collated)
    if not isinstance(inputs, Tensor | tuple | list | Mapping) and hasattr(inputs, "to"):
        inputs = inputs.to(device)  # a batch type of its own, such as a graph's
    else:
        inputs = nest.over(place, inputs)
    if target is _ITSELF:
        return Batch(inputs, inputs, size)
    return Batch(inputs, nest.over(lambda y: _place_target(y, reading, device), target), size)


def _place_target(y: Tensor, reading: Reading, device: torch.device) -> Tensor:
    return y.to(device, reading.floats if y.is_floating_point() else torch.int64, non_blocking=True)


def _halves(collated: Any) -> tuple[Any, Any]:
    if isinstance(collated, Mapping):
        name = next((name for name in TARGETS if name in collated), None)
        named = {key: value for key, value in collated.items() if key != name}
        return named, None if name is None else _numbers(collated[name])
    if isinstance(collated, tuple | list):
        if len(collated) == 1:
            return collated[0], _ITSELF
        if len(collated) > 1:
            rest = tuple(collated[:-1])
            return rest[0] if len(rest) == 1 else rest, _numbers(collated[-1])
    return collated, _ITSELF if isinstance(collated, Tensor) else None


def _numbers(target: Any) -> Any:
    if isinstance(target, tuple | list) and target and isinstance(target[0], str):
        raise DataError(
            f"The dataset gives text as target (the first is {target[0]!r}); let it give class numbers from 0 on, "
            "or hand the data over in memory as (X, y), where text is numbered by itself.")
    return target


def _length(collated: Any) -> int:
    try:
        return len(collated)
    except TypeError:
        return 1


def known_targets(dataset: Any) -> Tensor | None:
    """Every target of a map-style dataset, where it tells them in an attribute (``targets``, ``labels``, ``y``)."""
    if isinstance(dataset, Subset):
        whole = known_targets(dataset.dataset)
        return None if whole is None else whole[torch.as_tensor(dataset.indices, dtype=torch.int64)]
    for name in TARGETS:
        found = getattr(dataset, name, None)
        if found is None or callable(found):
            continue
        try:
            targets = found.detach().cpu() if isinstance(found, Tensor) else torch.from_numpy(np.array(found))
        except (TypeError, ValueError):
            continue  # text, or no array at all: not what this function looks for
        if targets.ndim and len(targets) == len(dataset):
            return targets
    return None
