"""What was checked is not checked again while it is what it was.

Checking a model of the Hub reads it in a process of its own, at each training and each resume. The same files by the
same checks come to the same, so what came of it is written down under their contents. What is not as it was then, were
it one byte, is checked as if it had just come.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from nbtrain.core.errors import WorkspaceError
from nbtrain.core.tasks import Progress
from nbtrain.models.importing import folders, telling
from nbtrain.models.keeping import told_of
from nbtrain.models.package import About, Package
from nbtrain.store import atomic
from nbtrain.store import workspace as workspaces

#: Of the workspace: what came of a check, a file each.
PLACE = "checked"
#: To be raised with every change of the checks.
_RULES = 2


def key_of(folder: Path, called: str, *, trust: bool, progress: Progress | None = None) -> str:
    """Of all files of a folder by their contents, and of what they are checked by.

    Args:
        folder: of the model.
        called: what messages call it.
        trust: whether code beside it may run.
        progress: cancelling it ends the reading.

    Raises:
        ModelFileError: there are too many files, or the folder cannot be read.
        WorkspaceError: a file cannot be read.
        CancelledError: it was called off.
    """
    found: dict[str, str] = {}
    for name, path in sorted(folders.listing(folder, called, progress).items()):
        if progress is not None:
            progress.check()
        found[name] = atomic.digest(path)[1]
    by = {each: _version(each) for each in ("nbtrain", "torch", "transformers", "safetensors")}
    return sha256(json.dumps([_RULES, by, trust, found], sort_keys=True).encode()).hexdigest()


def recall(key: str, folder: Path, called: str, *, trust: bool) -> Package | None:
    """What came of the check of these files; None where they were not checked, or no check writes what is there.

    Raises as `key_of`.
    """
    there = folders.listing(folder, called)
    try:
        told: Any = json.loads(atomic.read_bytes(_path(key)))
        about, files, notes = told["about"], told["files"], told["notes"]
        code = about["remote_code"]
        said = about["format"] == "transformers" and (code is False or (code is True and trust))
        known = "config.json" in files and all(name in there and name == place for name, place in files.items())
        if not said or not known or not isinstance(notes, list) or not all(isinstance(each, str) for each in notes):
            return None
        whole = About(format="transformers", remote_code=code, **telling.about(about))
        return Package(whole, {name: there[name] for name in files}, tuple(notes))
    except (WorkspaceError, ValueError, KeyError, TypeError, AttributeError):
        return None


def remember(key: str, folder: Path, package: Package) -> None:
    """Write down what came of a check, unless it may come to more another time, or made files that are gone afterwards.

    Raises:
        WorkspaceError: it cannot be written.
    """
    places = _places(package.files, folder)
    if package.about.format != "transformers" or places is None or not package.lasting:
        return
    path = _path(key)
    with atomic.told("make a folder in", path.parent.parent):
        path.parent.mkdir(exist_ok=True)
    atomic.write_json(path, {"about": told_of(package.about), "files": places, "notes": list(package.notes)})


def _places(files: Mapping[str, Path], folder: Path) -> dict[str, str] | None:
    """Where in the folder each file lies; None where one does not."""
    if not all(path.is_relative_to(folder) for path in files.values()):
        return None
    return {name: path.relative_to(folder).as_posix() for name, path in files.items()}


def _path(key: str) -> Path:
    return workspaces.current().home / PLACE / f"{key}.json"


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
