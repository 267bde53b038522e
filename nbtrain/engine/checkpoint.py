"""Generations of a run's state on disk: each whole, verified, and never a pickle.

    checkpoints/
      step-000001000/
        model.safetensors  optimizer.safetensors  …   one file a component
        state.json                                    what is not a tensor
        manifest.json                                 why it was written, sizes, SHA-256 of each file
        manifest.sha256                               SHA-256 of the manifest, as `sha256sum -c` reads it

A step that is written again (a run that was resumed from before it) gets ``step-000001000.2``: the older one
stays until the newer one is verified.
"""

from __future__ import annotations

import contextlib
import json
import logging
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from torch import Tensor

from nbtrain.core.errors import CheckpointError, WorkspaceError
from nbtrain.engine import tensorfile
from nbtrain.engine.snapshot import Components, Snapshot
from nbtrain.store import atomic

_NAME = re.compile(r"step-(\d{9,})(?:\.(\d+))?")
_MANIFEST = "manifest.json"
_SEAL = "manifest.sha256"
_STATE = "state.json"
_FORMAT = 1
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Generation:
    """One checkpoint on disk. `bytes` is the size of all its files, `created` in seconds since 1970."""

    name: str
    path: Path
    step: int
    reason: str
    metrics: Mapping[str, float]
    best: bool
    finite: bool
    created: float
    bytes: int
    files: Mapping[str, tuple[int, str]]


class CheckpointFolder:
    """The generations in `folder`, of which the last `keep`, the best and the last finite one are kept.

    For one writer at a time; who holds the run's lock may write.
    """

    def __init__(self, folder: Path, keep: int = 3) -> None:
        self.folder = folder
        self.keep = keep

    def write(
        self, snapshot: Snapshot, reason: str, metrics: Mapping[str, float] | None = None, *,
        best: bool = False, finite: bool | None = None,
    ) -> Generation:
        """Write a generation, read it back, and prune. On an error the older ones are untouched.

        `finite` is whether the weights hold neither NaN nor infinity; None: it is looked for here.

        Raises:
            CheckpointError: something in the snapshot cannot be saved, or what was written does not read back.
            WorkspaceError: the disk is full, read-only or failing; `errno` says which.
        """
        with atomic.told("make the folder", self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
        self._remove_unfinished()
        path = self.folder / self._new_name(snapshot.step)
        with atomic.new_folder(path) as folder:
            files, state = {}, _state(snapshot)
            for component, tensors in snapshot.components.items():
                own = {name: t for name, t in tensors.items() if name not in state["aliases"].get(component, {})}
                name = f"{component}.safetensors"
                files[name] = tensorfile.write(folder / name, own)
            files[_STATE] = atomic.write_new(folder / _STATE, [atomic.to_json(state)])
            manifest = atomic.to_json({
                "format": _FORMAT, "step": snapshot.step, "reason": reason, "metrics": dict(metrics or {}),
                "best": best, "finite": _finite(snapshot) if finite is None else finite, "created": time.time(),
                "files": {name: {"bytes": size, "sha256": digest} for name, (size, digest) in files.items()},
            })
            atomic.write_new(folder / _MANIFEST, [manifest])
            atomic.write_new(folder / _SEAL, [_seal(manifest)])
        try:
            generation = _read_back(path)
        except (CheckpointError, WorkspaceError) as error:
            self._remove(path)
            raise CheckpointError(f"The checkpoint of step {snapshot.step} was written, but cannot be read back: "
                                  f"{error} The older ones are untouched.") from error
        self.prune()
        return generation

    def generations(self) -> list[Generation]:
        """Every generation whose manifest is sound, oldest first. Weights are verified when they are loaded."""
        found = []
        for path in self._paths():
            try:
                found.append(_opened(path))
            except (CheckpointError, WorkspaceError):
                continue  # `load` says why
        return found

    def load(self, step: int | None = None) -> tuple[Snapshot, Generation, list[str]]:
        """The newest generation that is sound, or the one of `step`; and why newer ones were skipped, a sentence each.

        Tensors are in CPU memory. Every byte is verified before it is used.

        Raises:
            CheckpointError: there is none (of this step) that is sound.
        """
        skipped: list[str] = []
        for path in reversed(self._paths()):
            if step is not None and _key(path)[0] != step:
                continue
            try:
                generation = _opened(path)
                return _read(generation), generation, skipped
            except (CheckpointError, WorkspaceError) as error:
                skipped.append(f"The checkpoint {path.name} was skipped: {error}")
        wanted = "" if step is None else f" of step {step}"
        there = ", ".join(sorted({str(g.step) for g in self.generations()}, key=int)) or "none"
        why = "".join(f" {reason}" for reason in skipped)
        raise CheckpointError(f"There is no sound checkpoint{wanted} in {self.folder}; steps there are: {there}.{why}")

    def prune(self) -> None:
        """Remove all generations but the last `keep` steps, the best, and the last whose weights are finite.

        A folder that will not go is tried again the next time: it takes space, but does no harm.
        """
        generations = self.generations()
        newest = {generation.step: generation for generation in generations}  # the last of each step wins
        kept = {newest[step].name for step in sorted(newest)[-self.keep:]}
        kept.update(generation.name for generation in [g for g in generations if g.best][-1:])
        kept.update(generation.name for generation in [g for g in generations if g.finite][-1:])
        for generation in generations:
            if generation.name not in kept:
                self._remove(generation.path)

    def truncate(self, step: int) -> None:
        """Remove what was written after `step`, broken ones too: a run that goes on from there makes them anew."""
        for path in self._paths():
            if _key(path)[0] > step:
                self._remove(path)

    def _remove(self, path: Path) -> None:
        try:
            atomic.remove_folder(path)
        except WorkspaceError as error:
            _log.warning("An old checkpoint stays for now. %s", error)

    def _remove_unfinished(self) -> None:
        """What a crash in the middle of a write or a removal left; nobody else writes here."""
        try:
            atomic.remove_unfinished(self.folder)
        except WorkspaceError as error:
            _log.warning("What is left of an unfinished checkpoint stays for now. %s", error)

    def _paths(self) -> list[Path]:
        """Folders of generations, oldest first."""
        if not self.folder.is_dir():
            return []
        return sorted((path for path in self.folder.iterdir() if _NAME.fullmatch(path.name)), key=_key)

    def _new_name(self, step: int) -> str:
        serials = [serial for number, serial in map(_key, self._paths()) if number == step]
        return f"step-{step:09d}" + (f".{max(serials) + 1}" if serials else "")


def _key(path: Path) -> tuple[int, int]:
    """Step, and which writing of it."""
    match = _NAME.fullmatch(path.name)
    assert match is not None  # noqa: S101 - `_paths` gives no other
    return int(match[1]), int(match[2] or 1)


def _state(snapshot: Snapshot) -> dict[str, Any]:
    """`state.json`: the snapshot's own state, its components, and which names are the same tensor as another."""
    aliases: dict[str, dict[str, str]] = {}
    for component, tensors in snapshot.components.items():
        first: dict[object, str] = {}
        for name, tensor in tensors.items():
            tensorfile.check(component, name, tensor)
            other = first.setdefault(tensorfile.identity(tensor), name)
            if other != name and tensor.numel():
                aliases.setdefault(component, {})[name] = other
    return {"state": dict(snapshot.state), "components": list(snapshot.components), "aliases": aliases}


def _finite(snapshot: Snapshot) -> bool:
    return all(
        bool(tensor.isfinite().all())
        for tensors in snapshot.components.values() for tensor in tensors.values() if tensor.is_floating_point())


def _seal(manifest: bytes) -> bytes:
    return f"{sha256(manifest).hexdigest()}  {_MANIFEST}\n".encode()


def _opened(path: Path) -> Generation:
    """A generation with its manifest verified, its files there in full size. Raises CheckpointError, WorkspaceError."""
    text = atomic.read_bytes(path / _MANIFEST)
    if atomic.read_bytes(path / _SEAL) != _seal(text):
        raise CheckpointError(f"{_MANIFEST} or {_SEAL} was altered.")
    with _understood(_MANIFEST):
        manifest = json.loads(text)
        if manifest["format"] != _FORMAT:
            raise CheckpointError(f"It has format {manifest['format']}, made by a newer nbtrain; update nbtrain.")
        if manifest["step"] != _key(path)[0]:
            raise CheckpointError(f"It holds step {manifest['step']}; the folder was renamed.")
        files = {name: (int(entry["bytes"]), str(entry["sha256"])) for name, entry in manifest["files"].items()}
        generation = Generation(
            name=path.name, path=path, step=manifest["step"], reason=manifest["reason"], metrics=manifest["metrics"],
            best=manifest["best"], finite=manifest["finite"], created=manifest["created"],
            bytes=sum(size for size, _ in files.values()), files=files)
    for name, (size, _) in files.items():
        with atomic.told("read", path / name):
            found = (path / name).stat().st_size
        if found != size:
            raise CheckpointError(f"{name} has {found} bytes instead of {size}.")
    return generation


def _read_back(path: Path) -> Generation:
    """A generation of which every byte was read. Raises CheckpointError and WorkspaceError."""
    generation = _opened(path)
    for name, expected in generation.files.items():
        if atomic.digest(path / name) != expected:
            raise CheckpointError(f"{name} differs from what was written.")
    return generation


def _read(generation: Generation) -> Snapshot:
    """Everything of a generation, verified. Raises CheckpointError and WorkspaceError."""
    components: Components = {}
    with _understood(_STATE):
        state = json.loads(tensorfile.verified(generation.path / _STATE, *generation.files[_STATE]))
        for component in state["components"]:
            name = f"{component}.safetensors"
            tensors: dict[str, Tensor] = tensorfile.read(generation.path / name, *generation.files[name])
            for alias, other in state["aliases"].get(component, {}).items():
                tensors[alias] = tensors[other]
            components[component] = tensors
        return Snapshot(generation.step, components, state["state"])


@contextlib.contextmanager
def _understood(name: str) -> Iterator[None]:
    """A file that is whole, but was not written by nbtrain, is no checkpoint either."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise CheckpointError(f"{name} is not one of nbtrain's: {error!r}.") from error


