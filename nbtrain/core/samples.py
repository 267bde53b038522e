"""What is seen or heard of a run beside its curves: samples the model made, and between what figures it is well."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Medium = Literal["text", "image", "audio"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Something a model made of an input: a text, a picture, a sound.

    `content` is UTF-8 for a text, else a file of `mime`: ``image/png``, ``audio/wav``.
    """

    title: str
    """What it was made of: the beginning of a text, the name of a file."""
    kind: Medium
    content: bytes
    mime: str = "text/plain"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """A figure that tells whether a run is well: amber outside of `low` to `high`, red where it is no number."""

    name: str
    """Of its series in the history, such as ``loss`` or ``grad_norm``."""
    low: float
    high: float


class Sampleless:
    """A run of which nobody said what is healthy, and whose model makes no samples."""

    @property
    def signs(self) -> Sequence[Sign]:
        return ()

    @property
    def sampled(self) -> Sequence[int]:
        return ()

    def samples(self, epoch: int | None = None) -> Sequence[Sample]:  # noqa: ARG002 - as of any run
        return ()
