"""A model on its way into the registry, and a version in it: which files, and what is known of them.

What imports, downloads or registers a run makes a `Package`; the registry keeps it as a `Version`; what loads, exports
or tries a model starts from that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nbtrain.core.model_views import Format, Stage

#: Of a version's folder, beside its own files: what is written here, as JSON.
MANIFEST = "nbtrain.json"
#: Where the weights lie, in all formats that have weights as tensors alone.
WEIGHTS = "model.safetensors"
#: What the recipe of a run learnt beside them; see `models.fitted`.
FITTED = "fitted.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What is known of a model beside its files. Everything is plain JSON."""

    format: Format
    """``transformers``: a folder that `transformers` loads. ``architecture``: one of `nbtrain.models.architectures`
    with `config`. ``module``: weights of a module that only its owner's code can build. ``exported``: ``model.pt2`` of
    `torch.export`. ``torchscript``: ``model.pt``. ``onnx``: ``model.onnx``."""
    architecture: str
    """``BertForSequenceClassification``, ``mlp``, or the name of the user's class."""
    config: Mapping[str, Any] = field(default_factory=dict)
    """Of a built-in architecture: what `architectures.build` takes."""
    task: str = ""
    """As the Hub names them: ``text-classification``, ``image-classification``, ``tabular-classification``…"""
    labels: tuple[str, ...] = ()
    """Names of the classes, in the order of the outputs."""
    inputs: Mapping[str, Any] = field(default_factory=dict)
    """How rows become inputs; empty where only tensors are known. ``kind`` (``tabular text image sound series``),
    ``target``, ``features``, ``grey``, ``shape`` (of one sample) and ``dtype``; a recipe of steps lies beside the
    weights as ``recipe.json``, and what the ``recipe`` of the run learnt as ``fitted.json``."""
    parameters: int | None = None
    precision: str = ""
    """Of the weights: ``float32``, ``bfloat16``…"""
    metrics: Mapping[str, float] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    """Of the run that made it."""
    data: str = ""
    """Fingerprint of the data it was trained on."""
    source: str = "file"
    """``run hub file object``; ``model_source.<source>`` says it with `source_args`."""
    source_args: Mapping[str, str] = field(default_factory=dict)
    remote_code: bool = False
    """The user allowed code of its repository."""


@dataclass(frozen=True, slots=True)
class Package:
    """Files that were checked, and what is known of them. Paths in `files` are relative, with slashes."""

    about: About
    files: Mapping[str, Path]
    notes: tuple[str, ...] = ()
    """Sentences on what was left out or could not be tried."""
    lasting: bool = True
    """The same files would pass the same checks again; not where memory was too short to try them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """A file of a version: its size in bytes and its SHA-256, by which the store of objects knows it."""

    size: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A version in the registry; it does not change, but for stage, note and metrics."""

    model: str
    """Id of the model."""
    number: int
    stage: Stage
    created: float
    note: str
    about: About
    files: Mapping[str, StoredFile]
    folder: Path
    """Where all its files lie under their names, and `MANIFEST` beside them. Not to be written to."""

    @property
    def bytes(self) -> int:
        """Of all files; those shared with other versions count too."""
        return sum(file.size for file in self.files.values())
