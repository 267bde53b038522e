"""What every way of trying a model is: it knows what to ask for, and makes inputs of what was answered."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from nbtrain.core.model_views import TryField, TryForm
from nbtrain.models.package import Version

#: What images and sounds may end in.
PICTURES = ".png,.jpg,.jpeg,.webp,.bmp,.gif,.tif,.tiff"
SOUNDS = ".wav,.flac,.ogg,.mp3,.aiff"


class Made(NamedTuple):
    """Inputs for the forward pass: a tensor, or a dict of them by name; and a sentence on how, or empty."""

    inputs: Any
    note: str = ""


class Way(ABC):
    """How one version is tried.

    Args:
        version: from the registry.
    """

    #: As `TryForm` has it.
    kind: str

    def __init__(self, version: Version) -> None:
        self.version = version

    @abstractmethod
    def fields(self) -> list[TryField]:
        """What is asked for."""

    @abstractmethod
    def made(self, values: Mapping[str, Any], module: Any) -> Made:
        """Inputs for `module`. Raises ConfigError for a value that is missing or cannot be used."""

    def known(self) -> set[str]:
        """Names that may be among the values."""
        return {each["name"] for each in self.fields()}

    def note(self) -> str:
        """A sentence above the form, or empty."""
        return ""

    def labels(self, outputs: int) -> Sequence[str]:  # noqa: ARG002 - a recipe may have one class more
        """Names of the classes, in the order of so many outputs; none where they have none, or it is no classifier."""
        return self.version.about.labels

    def unscaled(self, values: Sequence[float]) -> list[float]:
        """Predicted numbers of a row in the units of the target."""
        return list(values)

    def form(self) -> TryForm:
        """All that the interface needs to ask."""
        return TryForm(kind=self.kind, fields=self.fields(), note=self.note())


def field(
    name: str, type: str, *, choices: Sequence[str] = (), example: Any = None, accept: str = "", rows: int = 0,  # noqa: A002 - the field's word
) -> TryField:
    """One input of the form."""
    return TryField(name=name, type=type, choices=list(choices), example=example, accept=accept, rows=rows)
