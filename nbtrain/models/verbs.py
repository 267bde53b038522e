"""The verbs of `nbtrain.models`: what a notebook asks of its models, a function each."""

from __future__ import annotations

import builtins
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbtrain.core.model_views import ExportView, HubFacts, HubPage, Stage
from nbtrain.core.tasks import Progress
from nbtrain.models.package import Package, Version
from nbtrain.models.registry import ModelRecord, Registry

if TYPE_CHECKING:
    import torch
    from torch import nn


class ModelList(builtins.list[ModelRecord]):
    """Models, with a table for a repr."""

    def __repr__(self) -> str:
        if not self:
            return "No models yet. Register one with run.register(), or fetch one with nbtrain.models.download(…)."
        rows = [("name", "id", "versions", "stage", "architecture", "parameters", "metric", "updated"), *(
            (each.name, each.id, str(each.versions), each.stage, each.architecture,
             "" if each.parameters is None else f"{each.parameters:,}",
             "" if each.metric_name is None else f"{each.metric_name} {each.metric_value:.4g}",
             time.strftime("%Y-%m-%d %H:%M", time.localtime(each.updated))) for each in self)]
        return _table(rows, right={2, 5})


class VersionList(builtins.list[Version]):
    """Versions of a model, with a table for a repr."""

    def __repr__(self) -> str:
        rows = [("version", "stage", "format", "architecture", "size", "metrics", "created", "note"), *(
            (str(each.number), each.stage, each.about.format, each.about.architecture, f"{each.bytes / 1e6:,.1f} MB",
             ", ".join(f"{name} {value:.4g}" for name, value in each.about.metrics.items()),
             time.strftime("%Y-%m-%d %H:%M", time.localtime(each.created)), each.note) for each in self)]
        return _table(rows, right={0, 4})


def list(  # noqa: A001 - read as nbtrain.models.list
    search: str = "", *, stage: Stage | None = None, category: str = "", tag: str = "", task: str = "",
    sort: str = "updated", descending: bool | None = None, limit: int | None = None,
) -> ModelList:
    """The models of the workspace.

    Args:
        search: words that must occur in the name, the architecture, the task or a tag, whatever their case.
        stage: those whose highest version is in this stage: ``none staging production archived``.
        category: those of this category.
        tag: those with this tag.
        task: those for this task, as the Hub names them: ``text-classification``…
        sort: ``updated created name parameters bytes metric stage``.
        descending: the other way round, or not; None takes the way that is usual.
        limit: so many at most.

    Raises:
        ConfigError: there is no such stage, or no such way to sort.
    """
    query: dict[str, Any] = {
        "search": search, "stage": stage, "category": category, "tag": tag, "task": task, "sort": sort,
        "descending": descending}
    return ModelList(Registry().list(query, 0, limit)[0])


def versions(model: str) -> VersionList:
    """The versions of a model, newest first. Raises ModelNotFoundError."""
    return VersionList(Registry().versions(model))


def get(model: str, version: int | None = None) -> Version:
    """A version of a model, with all that is known of it; None takes the one in production, else the newest.

    Raises ModelNotFoundError, with the nearest name.
    """
    return Registry().version(model, version)


def load(
    model: str, version: int | None = None, *, module: nn.Module | None = None, device: str | torch.device = "cpu",
) -> nn.Module:
    """A model as a `torch.nn.Module` in evaluation mode.

    Args:
        model: its name or id.
        version: its number; None takes the one in production, else in staging, else the newest.
        module: where only your own code can build the model: one of its class, to put the weights into.
        device: where it is put.

    Raises:
        ModelNotFoundError: there is none such.
        ModelError: `module` is needed or does not fit, or a library is missing.
        ModelFileError: a file is missing or damaged.
        ConfigError: there is no such device.
    """
    from nbtrain.models import loading  # noqa: PLC0415 - loads torch

    return loading.load(Registry().version(model, version), module=module, device=device)


def predict(model: str, values: Any, *, version: int | None = None) -> Any:
    """What a model says to a row, text, image or series, with probabilities: a `Prediction`, or a list of them.

    Args:
        model: its name or id.
        values: by the names that its form asks for: the columns of a table, ``text``, a file's path; a list of such
            dicts, or a data frame; or the value alone, where there is one field.
        version: its number; None takes the one in production, else in staging, else the newest.

    Raises:
        ModelError: nothing is known of what the model takes.
        ConfigError: a value is missing, or cannot be used.
    """
    trying = import_module("nbtrain.trying")  # composed at the top, beside the training: this room is below it
    return trying.ask(Registry().version(model, version), values)


# -- getting ----------------------------------------------------------------------------------------


def search(search: str = "", *, cursor: str | None = None, limit: int = 30, **query: Any) -> HubPage:
    """Models of the Hub. `query`: ``task library language licence size sort``; ``page["next"]`` is the next cursor.

    Raises HubError, or ConfigError for what is unknown in the query.
    """
    from nbtrain.hub import search as searching  # noqa: PLC0415 - loads the client of the Hub

    return searching.search({"search": search, **query}, cursor, limit)


def details(repository: str, revision: str | None = None, *, training: Mapping[str, Any] | None = None) -> HubFacts:
    """What the Hub tells of a model: card, files, parameters, and whether it fits this machine. Raises HubError."""
    from nbtrain.hub import details as facts  # noqa: PLC0415 - as above

    found: HubFacts = facts.details(repository, revision, training)
    return found


def download(
    repository: str, revision: str | None = None, *, name: str | None = None, convert: bool = False,
    trust_remote_code: bool = False, progress: Progress | None = None,
) -> Version:
    """Fetch a model of the Hub and register it; what is on this machine already is not fetched again.

    Another commit of a model that is registered is a new version of it; the same one is given back.

    Args:
        repository: ``owner/name``.
        revision: a branch, a tag or a commit; None takes the newest.
        name: how it is called here; None takes the repository's name.
        convert: pickles may be read, in a process of their own, for their tensors alone.
        trust_remote_code: allow Python code of the repository to run when it is loaded.
        progress: is told how far it is, in bytes, and may call it off.

    Raises:
        HubError: there is no such model, it may not be read, or the Hub cannot be asked and it is not here.
        NeedsPermission: `convert` or `trust_remote_code` is needed.
        ModelFileError: a file is not safe, or not what it says it is.
        ConfigError: the name cannot be used, or another model has it.
    """
    from nbtrain.models import fetching  # noqa: PLC0415 - loads the client of the Hub

    registry = Registry()
    fetching.known(registry, repository, name)  # a name that is taken is told before anything is fetched
    with fetching.fetched(
            repository, revision, convert=convert, trust_remote_code=trust_remote_code, progress=progress) as package:
        return fetching.kept(registry, package, name, progress)


def import_(
    source: Any, *, name: str | None = None, model: str | None = None, convert: bool = False,
    trust_remote_code: bool = False, module: Any = None, note: str = "", progress: Progress | None = None,
) -> Version:
    """Check a model and register it: a file, a folder, a zip of these, a module, a state_dict.

    Args:
        source: its path (safetensors, a folder of transformers, TorchScript, torch.export, ONNX), or the object.
        name: how it is called; None takes one from the source.
        model: add a version to this model instead.
        convert: a pickle may be read, in a process of its own, for its tensors alone.
        trust_remote_code: allow Python code beside it to run when it is loaded.
        module: one of the class that weights are for; they are compared with it.
        note: of the version.
        progress: is told how far it is, and may call it off.

    Raises:
        NeedsPermission: `convert` or `trust_remote_code` is needed.
        ModelFileError: it is not a model, damaged, or not safe.
        ConfigError: the name cannot be used, or another model has it.
    """
    from nbtrain.models.importing import located, open_model  # noqa: PLC0415 - loads what looks into files

    registry = Registry()
    registry.check(name=name, model=model, note=note)
    path = isinstance(source, str | Path)
    else_name = located(source).resolve().name if path else type(source).__name__
    with open_model(
            source, convert=convert, trust_remote_code=trust_remote_code, module=module, progress=progress) as package:
        named = _from(package, {"file": else_name} if path else {"name": else_name}, "file" if path else "object")
        return registry.add(named, name=name, else_name=else_name, model=model, note=note, progress=progress)


# -- giving -----------------------------------------------------------------------------------------


def export(
    model: str, format: str, path: str | Path, *, version: int | None = None, overwrite: bool = False,  # noqa: A002 - its name
    module: Any = None, example: Any = None, progress: Progress | None = None,
) -> ExportView:
    """Write a model as ``safetensors``, ``onnx``, ``exported`` (of `torch.export`) or ``transformers``.

    Args:
        model: its name or id.
        format: see above.
        path: a file with the format's ending, or a folder.
        version: its number; None takes the one in production, else in staging, else the newest.
        overwrite: replace what is there.
        module: where only your own code can build the model: one of its class.
        example: a batch of inputs, where nothing says what the model takes.
        progress: may call it off.

    Raises:
        ConfigError: there is no such format for this model, or the path cannot be used.
        ModelError: it cannot be traced, or gives other outputs than the model.
    """
    from nbtrain.models.exporting import export as write  # noqa: PLC0415 - loads torch

    return write(Registry().version(model, version), format, path, overwrite=overwrite, module=module,
                 example=example, progress=progress)


def push(
    model: str, repository: str, *, version: int | None = None, private: bool = True, progress: Progress | None = None,
) -> str:
    """Upload a model to the Hub; gives its address. Raises HubError, ModelError."""
    from nbtrain.models.exporting import push as upload  # noqa: PLC0415 - loads the client of the Hub

    return upload(Registry().version(model, version), repository, private=private, progress=progress)


# -- keeping ----------------------------------------------------------------------------------------


def rename(model: str, name: str) -> ModelRecord:
    """Give another name. Raises ConfigError when it cannot be used or is taken."""
    return Registry().rename(model, name)


def tag(model: str, *tags: str | Sequence[str]) -> ModelRecord:
    """These tags, one by one or as a list, in place of those it had. Raises ConfigError for one that cannot be used."""
    one_by_one: builtins.list[str] = []
    for given in tags:
        one_by_one += [given] if isinstance(given, str) or not isinstance(given, Iterable) else given
    return Registry().tag(model, one_by_one)


def move(model: str, version: int, stage: Stage) -> Version:
    """Move a version to a stage; one that was in production before is archived. Raises ConfigError."""
    registry = Registry()
    registry.move(model, version, stage)
    return registry.version(model, version)


def delete(model: str, version: int | None = None) -> None:
    """Delete a model, or one version of it; `undo` brings it back for 30 days. Raises ModelNotFoundError."""
    Registry().delete(model, version)


def undo(model: str | None = None, version: int | None = None) -> ModelRecord:
    """Bring back what was deleted; None what was deleted last. Raises ModelNotFoundError when there is nothing."""
    return Registry().restore(model, version)


def verify(model: str, version: int | None = None, *, progress: Progress | None = None) -> None:
    """Compare every file of a version, or of all versions, with its hash. Raises ModelFileError where one differs."""
    registry = Registry()
    for each in registry.versions(model) if version is None else [registry.version(model, version)]:
        registry.verify(model, each.number, progress)


def _from(package: Package, told: Mapping[str, str], source: str) -> Package:
    """The same, saying where it came from."""
    if package.about.source_args:  # what an export of ours wrote tells more
        return package
    return replace(package, about=replace(package.about, source=source, source_args=told))


def _table(rows: Sequence[Sequence[str]], right: set[int]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(
        cell.rjust(width) if at in right else cell.ljust(width)
        for at, (cell, width) in enumerate(zip(row, widths, strict=True))).rstrip() for row in rows)
