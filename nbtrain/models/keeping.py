"""The folders of models: what is written down in them, and keeping them in agreement with the workspace's database.

    models/
      20261122-0931-k3f9/       a model
        v1/                     a version: its files, and nbtrain.json, which tells what they are
        deleted/v2/             a version that can be brought back
      objects/ab/ab12…          files by their content, linked into versions
      .trash/                   models that can be brought back

What lies there and is not known (a kernel died, the database was made anew) becomes known.
"""

from __future__ import annotations

import contextlib
import errno
import json
import re
import shutil
import time
import weakref
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from nbtrain.core.errors import ConfigError, ModelNotFoundError, WorkspaceError
from nbtrain.models.labels import checked_model, checked_number
from nbtrain.models.objects import Objects
from nbtrain.models.package import MANIFEST, About, StoredFile, Version
from nbtrain.store import atomic, lock
from nbtrain.store.database import Database
from nbtrain.store.datasets import name_key
from nbtrain.store.models import ModelRecord, ModelRecords, VersionRecord
from nbtrain.store.names import free_name
from nbtrain.store.workspace import Workspace, is_id

#: Days for which a deleted model or version can be brought back.
KEPT_DAYS = 30
#: Seconds after which a folder that no kernel holds is taken for what a crash left.
ABANDONED_SECONDS = 3600.0
#: Of a model's folder: its versions that can be brought back.
DELETED = "deleted"
_VERSION = re.compile(r"v([1-9]\d{0,8})")
#: Seconds in which a file system may give two changes the same time.
_TICK = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a version's folder tells of it and of its model, as it was when it was added."""

    name: str
    category: str
    tags: tuple[str, ...]
    version: VersionRecord

    def write(self, folder: Path) -> None:
        """Into the folder of the version. Raises WorkspaceError."""
        told = {f.name: getattr(self.version, f.name) for f in fields(VersionRecord) if f.name not in _CHANGING}
        atomic.write_json(
            folder / MANIFEST, {"name": self.name, "category": self.category, "tags": list(self.tags), **told})

    @classmethod
    def read(cls, folder: Path) -> Manifest | None:
        """Of the folder of a version; None when it tells nothing that can be understood."""
        try:
            told = json.loads(atomic.read_bytes(folder / MANIFEST))
            version = VersionRecord(**{f.name: told[f.name] for f in fields(VersionRecord) if f.name not in _CHANGING})
            version_of(version, folder)
            return cls(name=told["name"], category=told["category"], tags=tuple(told["tags"]), version=version)
        except (WorkspaceError, ValueError, KeyError, TypeError):
            return None


_CHANGING = {"deleted", "stage"}


def version_of(record: VersionRecord, folder: Path) -> Version:
    """A version as the room knows it; `folder` is its own."""
    return Version(
        model=record.model, number=record.number, stage=record.stage, created=record.created, note=record.note,
        about=about_of(record.about), folder=folder,
        files={name: StoredFile(size=file["size"], sha256=file["sha256"]) for name, file in record.files.items()})


def about_of(told: Mapping[str, Any]) -> About:
    """The inverse of `told_of`; what a newer nbtrain wrote down beside is left out."""
    known = {f.name for f in fields(About)}
    values: dict[str, Any] = {key: value for key, value in told.items() if key in known}
    return About(**values | {"labels": tuple(values.get("labels", ()))})


def told_of(about: About) -> dict[str, Any]:
    """As plain JSON. Raises TypeError for what is none."""
    values = {f.name: getattr(about, f.name) for f in fields(About)}
    plain: dict[str, Any] = json.loads(json.dumps(values, default=_plain))
    return plain


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Path):
        return str(value)
    if hasattr(value, "item"):  # a number of NumPy's or torch's
        return value.item()
    raise TypeError(f"{type(value).__name__} is no JSON.")


def numbered(folder: Path) -> list[int]:
    """The versions that lie in the folder of a model, deleted ones too."""
    return [*_there(folder), *_there(folder / DELETED)]


def _there(folder: Path) -> set[int]:
    """The versions whose folders are in `folder`; none where another kernel has just taken it away."""
    with atomic.told("look into", folder):
        try:
            return {int(match[1]) for path in folder.iterdir() if (match := _VERSION.fullmatch(path.name))}
        except FileNotFoundError:
            return set()


# -- making known ---------------------------------------------------------------------------------

_seen: weakref.WeakKeyDictionary[Database, int] = weakref.WeakKeyDictionary()


def adopt(workspace: Workspace, records: ModelRecords) -> None:
    """Make models known whose folders are there and whose rows are not, under the names they were added with.

    A folder that tells nothing of itself is left alone. Ten thousand models are looked at when one came or went.
    """
    folder = workspace.models_folder
    if not folder.is_dir():
        return
    with atomic.told("look into", folder):
        changed = folder.stat().st_mtime_ns
        if _seen.get(workspace.database) == changed:
            return
        there = {path.name for path in folder.iterdir() if is_id(path.name)}
    for model_id in sorted(there - records.ids() if there else ()):
        found = _manifests(folder / model_id, model_id, _there(folder / model_id))
        if found:
            _adopt(records, found, folder / model_id)
    if time.time() - changed / 1e9 > _TICK:
        _seen[workspace.database] = changed


def adopt_versions(workspace: Workspace, records: ModelRecords, model_id: str) -> None:
    """The same for versions of a model that is known."""
    folder = workspace.models_folder / model_id
    for manifest in _manifests(folder, model_id, _there(folder) - records.numbers(model_id)):
        try:
            records.add_version(manifest.version, (folder / f"v{manifest.version.number}").is_dir)
        except ModelNotFoundError:  # another kernel has just deleted it
            return


def _adopt(records: ModelRecords, found: list[Manifest], folder: Path) -> None:
    newest = found[-1]
    created = found[0].version.created
    name = newest.name
    while True:
        try:
            records.add(
                ModelRecord(id=newest.version.model, name=name, created=created, updated=newest.version.created,
                            category=newest.category, tags=newest.tags),
                [manifest.version for manifest in found], folder.is_dir)
        except ConfigError:  # its name was given away
            name = free_name(newest.name, lambda each: records.named(each) is not None)
        else:
            return


def _manifests(folder: Path, model_id: str, numbers: set[int]) -> list[Manifest]:
    """What these versions in the folder of a model tell, oldest first."""
    found = [(number, Manifest.read(folder / f"v{number}")) for number in sorted(numbers)]
    return [manifest for number, manifest in found
            if manifest is not None and (manifest.version.model, manifest.version.number) == (model_id, number)]


# -- moving ---------------------------------------------------------------------------------------


def placed(manifest: Manifest, stage: Path, folder: Path, number: int) -> VersionRecord:
    """A version that lies whole in `stage`, brought to where those of this number lie. Raises WorkspaceError."""
    version = replace(manifest.version, number=number)
    replace(manifest, version=version).write(stage)
    _rename(stage, folder / f"v{number}")
    return version


def moved(folder: Path, to: Path) -> None:
    """One folder to another place; one that is nowhere, or was moved by a kernel that died, stays.

    Raises WorkspaceError when it cannot be moved, or something lies there.
    """
    with atomic.told("look at", folder):
        here = folder.is_dir()
    if here:
        _rename(folder, to)


def moved_back(folder: Path, to: Path, what: str) -> None:
    """As `moved`; raises WorkspaceError for `what` is in neither place any more too."""
    with atomic.told("look at", folder):
        gone = not folder.is_dir() and not to.is_dir()
    if gone:
        raise WorkspaceError(f"{what} cannot be brought back: its files are no longer in {folder.parent}.")
    moved(folder, to)


def _rename(folder: Path, to: Path) -> None:
    with atomic.told("move", folder):
        to.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(OSError):
            to.rmdir()  # an empty one is in nobody's way
        if to.exists():
            raise atomic.explained(
                errno.EEXIST, f"Cannot move {folder} to {to}",
                "there is one already; look at both, and move aside the one that is not wanted")
        folder.rename(to)
        atomic.sync_folder(to.parent)


def last_deleted(
    records: ModelRecords, model: str | None, number: int | None,
) -> tuple[ModelRecord | None, VersionRecord | None]:
    """What was deleted last, of models and of versions; each None where it cannot be meant.

    Args:
        records: know what was deleted.
        model: the id of a model; without a number a deleted one's name too, whatever its case; None is any.
        number: of a version; None is any, of any model.
    """
    models, versions = list[ModelRecord](), list[VersionRecord]()
    if number is None:
        key = None if model is None else name_key(checked_model(model))
        models = [each for each in records.deleted() if key is None or model == each.id or key == name_key(each.name)]
    if number is not None or model is None:
        wanted = None if number is None else checked_number(number)
        versions = [each for each in records.deleted_versions()
                    if wanted in {None, each.number} and model in {None, each.model}]
    return next(iter(models), None), next(iter(versions), None)


# -- removing -------------------------------------------------------------------------------------


def purge(workspace: Workspace, records: ModelRecords, *, older_than_days: float = KEPT_DAYS) -> int:
    """Remove for good what was deleted longer ago; gives the number of models and versions."""
    before = time.time() - older_than_days * 86_400
    gone = 0
    for model in records.deleted():
        if model.deleted is not None and model.deleted < before:
            folder = workspace.model_folder(model.id)
            gone += _remove(records, model.id, None, folder, workspace.models_folder / f".{model.id}.unfinished")
    for version in records.deleted_versions():
        if version.deleted is not None and version.deleted < before:
            folder = workspace.model_folder(version.model) / DELETED / f"v{version.number}"
            aside = workspace.models_folder / f".{version.model}.v{version.number}.unfinished"
            gone += _remove(records, version.model, version.number, folder, aside)
    return gone


def _remove(records: ModelRecords, model_id: str, number: int | None, folder: Path, aside: Path) -> bool:
    def move() -> None:
        with atomic.told("remove", folder):
            if folder.is_dir():
                folder.rename(aside)

    done = records.forget(model_id, number, move)
    if done:
        shutil.rmtree(aside, ignore_errors=True)  # what is left is swept later
    return done


def sweep(folder: Path) -> None:
    """Remove folders in `folder` that were being filled by a kernel that is no more."""
    with atomic.told("look into", folder):
        for path in folder.glob(".*.unfinished"):
            try:
                age = time.time() - path.stat().st_mtime
                held = lock.is_held(path)
            except (FileNotFoundError, WorkspaceError):  # it has just become whole, or another kernel removes it
                continue
            if not held and age > ABANDONED_SECONDS:
                shutil.rmtree(path, ignore_errors=True)  # another kernel may be at it too


_swept: weakref.WeakSet[Database] = weakref.WeakSet()


def sweep_objects(workspace: Workspace, *, purged: bool) -> None:
    """Remove objects of no version: after some were removed for good, and once in a kernel's life."""
    if purged or workspace.database not in _swept:
        _swept.add(workspace.database)
        Objects(workspace).sweep()
