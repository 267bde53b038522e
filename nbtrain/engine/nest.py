"""A tensor, or a tuple or dict of what a model takes at once: the shapes a batch may have."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from torch import Tensor


def over(change: Callable[[Tensor], Any], nest: Any) -> Any:
    """The same nest with every tensor in it changed; a list becomes a tuple, other things stay as they are."""
    if isinstance(nest, Tensor):
        return change(nest)
    if isinstance(nest, tuple | list):
        return tuple(over(change, part) for part in nest)
    if isinstance(nest, Mapping):
        return {name: over(change, part) for name, part in nest.items()}
    return nest


def tensors(nest: Any) -> Iterator[Tensor]:
    """Every tensor in it, in order."""
    if isinstance(nest, Tensor):
        yield nest
    elif isinstance(nest, tuple | list):
        for part in nest:
            yield from tensors(part)
    elif isinstance(nest, Mapping):
        for part in nest.values():
            yield from tensors(part)


def rows(nest: Any) -> int:
    """How many samples it holds: the length of its first tensor's first dimension, 0 without one."""
    first = next(tensors(nest), None)
    return len(first) if first is not None and first.ndim else 0
