"""A model of transformers made to fit what is to be learnt: its class, its outputs and their names, its head."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from nbtrain.core.errors import ModelError
from nbtrain.models import loading
from nbtrain.models.fetching import fetched
from nbtrain.models.importing import NeedsPermission
from nbtrain.models.package import About, Package


def build(folder: Path, about: About, changes: Mapping[str, Any] | None, seed: int = 0) -> nn.Module:
    """The model in a folder; layers that the data asks anew, a head for its classes, are drawn from the seed.

    Args:
        folder: where its files lie.
        about: what is known of it.
        changes: plain JSON: ``class``, entries of ``config`` that differ, and ``new_head`` where a head of the size
            that the old one has shall begin anew.
        seed: of the run.

    Raises:
        ModelError: transformers does not know the class, or cannot load it.
    """
    changes = changes or {}
    config: dict[str, Any] = {**changes.get("config", {})}
    if "id2label" in config:  # JSON has no numbers as keys
        config["id2label"] = {int(number): label for number, label in config["id2label"].items()}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        module = loading.from_pretrained(
            folder, replace(about, architecture=changes.get("class") or about.architecture), **config)
        return with_new_head(module) if changes.get("new_head") else module


def with_new_head(module: Any) -> nn.Module:
    """The same with a head that is drawn anew, which has the size of the old one, so that it was loaded."""
    fresh: Any = type(module)(module.config)
    fresh.base_model.load_state_dict(module.base_model.state_dict())
    changed: nn.Module = fresh.to(module.dtype)
    return changed


def class_for(auto: str, config: Any, architecture: str) -> str:
    """The class that learns a kind of task with a model of this config.

    Args:
        auto: of the task, such as ``AutoModelForSequenceClassification``.
        config: of the model.
        architecture: how the model is called in messages.

    Raises:
        ModelError: transformers has none.
    """
    import transformers  # noqa: PLC0415 - slow to load

    try:
        found = getattr(transformers, auto)._model_mapping[type(config)]  # noqa: SLF001 - no public way tells the class
    except KeyError:
        raise ModelError(
            f"transformers has no way to learn {_TASKS[auto]} with {architecture}; choose another model.") from None
    kind = found[0] if isinstance(found, tuple) else found
    name: str = kind.__name__
    return name


_TASKS = {
    "AutoModelForSequenceClassification": "classes", "AutoModelForImageClassification": "classes",
    "AutoModelForAudioClassification": "classes", "AutoModelForTokenClassification": "classes of tokens",
    "AutoModelForCausalLM": "to go on with a text",
}


def labelled(classes: Sequence[str]) -> dict[str, Any]:
    """Names of the classes as a config of transformers has them."""
    return {"id2label": dict(enumerate(classes)), "label2id": {label: number for number, label in enumerate(classes)}}


@contextmanager
def of_hub(repository: str, revision: str | None = None) -> Iterator[Package]:
    """A model of the Hub for a training.

    What asks for the user's word is allowed model by model, where it is downloaded, not in passing by a training.

    Raises:
        HubError: the Hub does not give it.
        ModelError: it wants a permission.
    """
    opened = fetched(repository, revision)
    with _allowed(repository, opened) as package:
        yield package


@contextmanager
def _allowed(repository: str, opened: AbstractContextManager[Package]) -> Iterator[Package]:
    try:
        package = opened.__enter__()
    except NeedsPermission as wanted:
        what, allow = {
            "convert": ("has its weights as pickles, which could run code; to have them converted", "convert"),
        }.get(wanted.question, (
            "needs Python code of its own, which could do anything; read it, and if you trust it", "trust_remote_code"))
        raise ModelError(
            f"{repository} {what}, use nbtrain.models.download({repository!r}, {allow}=True) and train the registered "
            "model by its name.") from wanted
    with ExitStack() as stack:
        stack.push(opened)
        yield package
