"""In-memory data of any kind as tensors, checked: what cannot be trained on is named by row and column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Self

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd
from torch.utils.data import Subset, TensorDataset

from nbtrain.core.errors import DataError
from nbtrain.engine import nest
from nbtrain.engine.columns import features, is_table, labels, target_name

#: Names under which a dict, or a data frame, holds what is to be learnt.
TARGETS = ("labels", "label", "targets", "target", "y")

#: Layers that take floating-point inputs only.
_MULTIPLYING = (
    nn.Linear, _ConvNd, nn.RNNBase, nn.RNNCellBase, nn.LayerNorm, nn.GroupNorm, nn.modules.batchnorm._NormBase,  # noqa: SLF001 - the common base
)


class Reading(NamedTuple):
    """Which numbers a model can take."""

    floats: torch.dtype = torch.float32
    """Floating-point inputs and targets are given in this type."""
    integers: bool = True
    """Integer inputs stay integers (token ids, categories); otherwise they become floats, too."""

    @classmethod
    def of(cls, model: nn.Module) -> Self:
        """The type of the model's weights; floats alone where its first layer multiplies and none looks things up."""
        floats = next((p.dtype for p in model.parameters() if p.is_floating_point()), torch.float32)
        wide = floats if floats == torch.float64 else torch.float32  # half weights read float32 under autocast
        first = next((m for m in model.modules() if next(m.parameters(recurse=False), None) is not None), None)
        looks_up = any(isinstance(m, nn.Embedding | nn.EmbeddingBag) for m in model.modules())
        return cls(wide, looks_up or not isinstance(first, _MULTIPLYING))


@dataclass(frozen=True, eq=False)
class Arrays:
    """Data in memory: `inputs` and `target` hold tensors of `length` rows; without a target it is `inputs`."""

    inputs: Any
    target: Any
    length: int
    classes: list[str] | None = None
    """Names of the classes where the target was text: class i is ``classes[i]``."""
    beside: Tensor | None = None
    """What else goes with each row, which the model does not see."""

    def take(self, rows: Tensor) -> Arrays:
        """A copy of these rows only; `rows` int64 of shape (m,)."""
        def pick(x: Tensor) -> Tensor:
            return x.index_select(0, rows.to(x.device))

        inputs = nest.over(pick, self.inputs)
        target = inputs if self.target is self.inputs else nest.over(pick, self.target)
        beside = None if self.beside is None else pick(self.beside)
        return replace(self, inputs=inputs, target=target, length=len(rows), beside=beside)


def prepare(data: Any, reading: Reading | None = None, classes: Sequence[str] | None = None) -> Any:
    """`Arrays` out of data in memory; what is read sample by sample (datasets, loaders) comes back as it is.

    Taken as data in memory: ``(X, y)`` and ``((X1, X2), y)`` of tensors, NumPy arrays, pandas or lists; one
    array alone (the target is the input, as for an autoencoder); a dict of arrays and a data frame, with the target
    under one of `TARGETS` (without one, a dict's target is None); `TensorDataset` and its subsets.

    Args:
        data: see above.
        reading: which numbers the model takes; float32, and integers as they are, unless given.
        classes: names of the classes that a target of text is numbered by, such as the training data's; found from
            the target itself unless given.

    Raises:
        DataError: empty, of lengths that differ, not numbers, with NaN or infinite values, or not among `classes`.
    """
    if isinstance(data, Arrays) or not in_memory(data):
        return data
    reading = reading or Reading()
    inputs, target = _halves(data)
    x = _inputs(inputs, reading)
    if target is None:
        arrays = Arrays(x, x if isinstance(x, Tensor) else None, nest.rows(x))
    else:
        y, names = _target(target, reading, classes)
        arrays = Arrays(x, y, nest.rows(x), names)
    _check_lengths(arrays)
    return arrays


def in_memory(data: Any) -> bool:
    """Whether `prepare` turns it into `Arrays`."""
    if _plain_tensors(data) is not None:
        return True
    if isinstance(data, list):
        return not data or not isinstance(data[0], tuple | dict)  # a list of samples is a dataset
    return isinstance(data, tuple | dict) or _is_array(data)


def _is_array(value: Any) -> bool:
    return isinstance(value, Tensor | np.ndarray) or hasattr(value, "__array__")


def _plain_tensors(data: Any) -> tuple[Tensor, ...] | None:
    """The tensors of a TensorDataset, or of a subset of one."""
    if type(data) is TensorDataset:
        return data.tensors
    if type(data) is Subset:
        whole = _plain_tensors(data.dataset)
        if whole is not None:
            rows = torch.as_tensor(data.indices, dtype=torch.int64)
            return tuple(t[rows.to(t.device)] for t in whole)
    return None


def _halves(data: Any) -> tuple[Any, Any]:
    """Inputs and target, the latter None where there is none."""
    columns = _plain_tensors(data)
    if columns is not None:
        if len(columns) == 1:
            return columns[0], None
        return (columns[0] if len(columns) == 2 else columns[:-1]), columns[-1]
    if isinstance(data, tuple):
        if len(data) != 2:
            raise DataError(
                f"The data is a tuple of {len(data)}; it must be (inputs, target), with several inputs as "
                "((X1, X2), y).")
        return data[0], data[1]
    name = target_name(data, TARGETS)
    if name is None:
        return data, None
    if len(list(data)) == 1:
        raise DataError(f"The data holds nothing but its target {name!r}; it needs inputs as well.")
    if is_table(data):
        return data.drop(columns=name), data[name]
    return {key: value for key, value in data.items() if key != name}, data[name]


def _inputs(given: Any, reading: Reading, name: str = "input") -> Any:
    if isinstance(given, dict):
        return {str(key): _inputs(value, reading, f"input[{key!r}]") for key, value in given.items()}
    if isinstance(given, tuple):
        return tuple(_inputs(value, reading, f"input[{i}]") for i, value in enumerate(given))
    x = features(given, name)
    if not (x.is_floating_point() or reading.integers):
        x = x.to(reading.floats)
    return _finite(x, name, reading, given)


def _target(given: Any, reading: Reading, classes: Sequence[str] | None) -> tuple[Any, list[str] | None]:
    if isinstance(given, dict):
        return {str(key): _target(value, reading, None)[0] for key, value in given.items()}, None
    if isinstance(given, tuple):
        return tuple(_target(value, reading, None)[0] for value in given), None
    y, names = labels(given, classes)
    if not y.is_floating_point():
        y = y.to(torch.int64)
    return _finite(y, "target", reading, given), names


def _finite(x: Tensor, name: str, reading: Reading, given: Any) -> Tensor:
    """In the model's floating type, after a look for NaN and infinity."""
    if not x.ndim:
        raise DataError(f"The {name} is a single number; it must hold one entry a row.")
    if not x.is_floating_point():
        return x
    good = torch.isfinite(x)
    if not bool(good.all()):
        bad = (~good).reshape(len(x), -1)
        rows = bad.any(1).nonzero().flatten()
        shown = ", ".join(str(int(row)) for row in rows[:3])
        where = f" (column {str(given.columns[int(bad[rows[0]].nonzero()[0, 0])])!r})" if is_table(given) else ""
        raise DataError(
            f"The {name} holds NaN or infinite values in {len(rows)} of {len(x)} rows, the first in "
            f"row{'s' * (len(rows) > 1)} {shown}{where}; drop these rows or fill them in.")
    return x.to(reading.floats)


def _check_lengths(arrays: Arrays) -> None:
    if not arrays.length:
        raise DataError("The data is empty: it has 0 rows; training needs at least 1.")
    parts = {"inputs": arrays.inputs, "target": arrays.target}
    lengths = {name: {len(t) for t in nest.tensors(part)} for name, part in parts.items()}
    if lengths["inputs"] | lengths["target"] == {arrays.length}:
        return
    if len(lengths["inputs"]) > 1:
        raise DataError(f"The inputs have different lengths ({_said(arrays.inputs)}); each must have one entry a row.")
    raise DataError(
        f"Inputs and target have different lengths: {arrays.length} rows of inputs, "
        f"{_said(arrays.target)} of target; each row needs its target.")


def _said(part: Any) -> str:
    if isinstance(part, Mapping):
        return ", ".join(f"{name}: {len(t)}" for name, value in part.items() for t in nest.tensors(value))
    return ", ".join(str(len(t)) for t in nest.tensors(part))

