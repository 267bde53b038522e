"""What a batch is, and what gives one: the interface between data of any kind and the loop."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple, Protocol

from torch import Tensor


class Batch(NamedTuple):
    """One micro-batch, on the device."""

    inputs: Any
    """A tensor, a tuple (positional arguments of the model) or a dict (its keyword arguments)."""
    target: Any
    """What the output is compared with; None where the data has no target."""
    size: int
    """Samples in it."""
    tokens: int = 0
    """Tokens in it, padding not counted; 0 where samples are not made of tokens."""
    beside: Any = None
    """What else goes with its rows, which the model does not see: a teacher's outputs."""


class BatchSource(Protocol):
    """Batches of one set of data, epoch after epoch.

    Take batches within a `randomness.Turn`: a dataset that draws at random reads the global generators.
    """

    length: int | None
    """Micro-batches an epoch; None where that is not known before it ends."""
    samples: int | None
    """Samples an epoch, repeated ones included; None where not known."""
    inexact: str | None
    """Why the order cannot be replayed after a resume, as a sentence; None where it can."""
    classes: list[str] | None
    """Names of the classes where the target was text."""
    targets: Tensor | None
    """Every target there is, in the data's own order, where they lie in memory as one tensor."""

    def epoch(self, epoch: int, skip: int = 0) -> Iterator[Batch]:
        """The batches of this epoch (0-based), without the first `skip`."""
    def close(self) -> None:
        """End worker processes and let go of the data. Nothing may be read afterwards."""
