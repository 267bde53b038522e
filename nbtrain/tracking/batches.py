"""What there is to know of a loader and its batches."""

from __future__ import annotations

from collections.abc import Mapping, Sized
from typing import Any

from nbtrain.core.errors import ConfigError, DataError, Problem

#: Lists in lists, and what may hold itself, are not followed further.
_DEPTH = 4


def length_of(loader: Any, total: Any, epochs: int) -> int | None:
    """Batches of one epoch; None where that is not known.

    Raises:
        DataError: `loader` cannot be looped over, or not `epochs` times.
        ConfigError: `total` is no positive whole number.
    """
    if not hasattr(loader, "__iter__") and not hasattr(loader, "__getitem__"):
        raise DataError(
            f"loader is a {type(loader).__name__}, which cannot be looped over; hand in a DataLoader, a list, or any "
            "other iterable of batches.")
    if epochs > 1 and hasattr(loader, "__next__"):
        raise DataError(
            f"loader is a {type(loader).__name__}, which can be gone through once, but epochs is {epochs}; hand in "
            "what begins anew each time (a DataLoader, a list), or leave epochs at 1.")
    if total is not None:
        return positive("total", total)
    try:
        return len(loader)
    except TypeError:  # a DataLoader of an endless stream says so only when asked
        return None


def positive(name: str, value: Any) -> int:
    """A whole number from 1 on. Raises ConfigError."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ConfigError([Problem(name, f"{name} is {value!r:.60}; it must be a whole number from 1 on.")])
    return value


def size_of(batch: Any, depth: int = _DEPTH) -> int:
    """Samples in a batch: the first dimension of the first array in it; 1 for what has none."""
    if isinstance(batch, (list, tuple)):
        if not batch or not depth:
            return len(batch)
        return size_of(batch[0], depth - 1) if _of_columns(batch) else len(batch)
    shape = getattr(batch, "shape", None)
    if shape is not None:
        return int(shape[0]) if len(shape) else 1
    if isinstance(batch, str | bytes) or not depth:
        return 1
    if isinstance(batch, Mapping):
        return size_of(next(iter(batch.values())), depth - 1) if batch else 0
    return len(batch) if isinstance(batch, Sized) else 1


def _of_columns(batch: list[Any] | tuple[Any, ...]) -> bool:
    """Whether its parts are inputs, targets and so on of all rows; else each of them is a row, as it came."""
    first = batch[0]
    shape = getattr(first, "shape", None)
    if shape is not None:
        return len(shape) > 0
    if isinstance(first, Mapping):
        return not all(isinstance(part, Mapping) for part in batch)
    return isinstance(first, list) or (isinstance(first, tuple) and isinstance(batch, tuple))
