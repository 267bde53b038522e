"""What of the Hub's models is on this machine: found by looking through the client's cache."""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from math import prod
from pathlib import Path
from typing import Any

import huggingface_hub
from huggingface_hub import constants

from nbtrain.hub import cache, contents

#: Longest header of a safetensors file that is read, in bytes: what the format itself allows.
_LONGEST_HEADER = 100_000_000
#: Longest card and configuration that are read.
LONGEST_TEXT = 2_000_000
_MODELS = "models--"
_COMMIT = re.compile(r"[0-9a-f]{7,64}")


@dataclass(frozen=True)
class Here:
    """A model in the cache at one commit, as far as it was downloaded."""

    repository: str
    commit: str
    folder: Path
    files: Mapping[str, int]
    """Path → size in bytes."""

    @property
    def whole(self) -> bool:
        """All that is needed to load it is here, as far as its own files say."""
        weights = contents.weights(self.files)
        index = next((path for path in weights if path.endswith(".index.json")), None)
        named = self.json(index).get("weight_map") if index else {}
        return bool(weights) and isinstance(named, dict) and all(file in self.files for file in named.values())

    @cached_property
    def config(self) -> dict[str, Any]:
        return self.json("config.json")

    @cached_property
    def card(self) -> dict[str, Any]:
        """The metadata at the top of its card; empty where there is none that can be read."""
        try:
            card: Any = huggingface_hub.ModelCard(self.text("README.md"), ignore_metadata_errors=True)
            return dict(card.data.to_dict())
        except Exception:  # noqa: BLE001 - what YAML and the client raise for a card that anybody wrote is not told
            return {}

    @cached_property
    def parameters(self) -> dict[str, int]:
        """Parameters by precision, as the headers of the safetensors files say."""
        counts: dict[str, int] = {}
        for path in contents.weights(self.files):
            if path.endswith(".safetensors"):
                for precision, count in _counted(self.folder / path):
                    counts[precision] = counts.get(precision, 0) + count
        return counts

    def text(self, path: str) -> str:
        """A small file; empty where there is none."""
        if not 0 < self.files.get(path, 0) <= LONGEST_TEXT:
            return ""
        try:
            return (self.folder / path).read_text(encoding="utf-8", errors="replace")
        except OSError:  # it went since the folder was looked at
            return ""

    def json(self, path: str) -> dict[str, Any]:
        """A small file of JSON; empty where there is none."""
        try:
            known = json.loads(self.text(path) or "{}")
        except (ValueError, RecursionError):
            return {}
        return known if isinstance(known, dict) else {}


def models() -> list[Here]:
    """All models in the cache, by name, each at the commit that ``main`` was when it was last asked for."""
    root = Path(constants.HF_HUB_CACHE)
    if not root.is_dir():
        return []
    names = sorted(
        folder.name.removeprefix(_MODELS).replace("--", "/")
        for folder in root.iterdir() if folder.name.startswith(_MODELS) and folder.is_dir())
    found = (model(name) for name in names)
    return [each for each in found if each is not None and each.files]


def model(repository: str, revision: str | None = None) -> Here | None:
    """What is here of a model at a revision (a branch, a tag or a commit); None where nothing is."""
    folder = cache.folder(repository, "model")
    commit = _commit(folder, revision)
    snapshot = folder / "snapshots" / commit
    if not _COMMIT.fullmatch(commit) or not snapshot.is_dir():
        return None
    files = {}
    for path in snapshot.rglob("*"):
        try:
            if path.is_file():  # False of a link that leads nowhere
                files[path.relative_to(snapshot).as_posix()] = path.stat().st_size
        except OSError:  # it went meanwhile
            continue
    return Here(repository, commit, snapshot, files)


def _commit(folder: Path, revision: str | None) -> str:
    """Which commit a revision was; without one the newest that is here, should ``main`` not be known."""
    name = revision or "main"
    if ".." in name or name.startswith("/"):
        return ""
    try:
        return (folder / "refs" / name).read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        pass
    snapshots = folder / "snapshots"
    if revision is not None:
        return revision if "/" not in revision and (snapshots / revision).is_dir() else ""
    try:
        newest = max(snapshots.iterdir(), key=lambda path: path.stat().st_mtime, default=None)
    except OSError:
        return ""
    return newest.name if newest is not None else ""


def _counted(path: Path) -> list[tuple[str, int]]:
    """Precision and number of parameters of each tensor; nothing of a damaged file."""
    try:
        with path.open("rb") as file:
            (size,) = struct.unpack("<Q", file.read(8))
            header = json.loads(file.read(size)) if size <= _LONGEST_HEADER else {}
        return [
            (str(tensor["dtype"]), prod(int(length) for length in tensor["shape"]))
            for name, tensor in header.items() if name != "__metadata__"]
    except (OSError, struct.error, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return []
