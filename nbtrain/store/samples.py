"""Samples that a run made, in its folder: ``samples/000003/`` holds those of epoch 3 and their list."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nbtrain.core.errors import WorkspaceError
from nbtrain.core.samples import Medium, Sample
from nbtrain.store import atomic

FOLDER, LIST = "samples", "samples.json"
#: Epochs whose samples are kept: the first, and the last few.
KEPT = 20
_ENDINGS = {"text/plain": "txt", "image/png": "png", "audio/wav": "wav"}


@dataclass(frozen=True, slots=True)
class KeptSample:
    """A sample on the disk."""

    epoch: int
    step: int
    title: str
    kind: Medium
    mime: str
    path: Path


def keep(folder: Path, epoch: int, step: int, samples: Sequence[Sample]) -> None:
    """Keep the samples of an epoch in a run's `folder`, in the place of any of that epoch. Raises WorkspaceError."""
    home = folder / FOLDER / f"{epoch:06}"
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WorkspaceError(f"The samples of epoch {epoch} cannot be kept in {home}: {error.strerror}.") from error
    listed = []
    for number, sample in enumerate(samples):
        name = f"{number:02}.{_ENDINGS.get(sample.mime, 'bin')}"
        atomic.write_bytes(home / name, sample.content)
        listed.append({"title": sample.title, "kind": sample.kind, "mime": sample.mime, "file": name})
    atomic.write_json(home / LIST, {"epoch": epoch, "step": step, "samples": listed})
    for old in _epochs(folder)[1:-KEPT]:
        shutil.rmtree(old, ignore_errors=True)


def kept(folder: Path) -> list[KeptSample]:
    """Every sample of a run, oldest first; half-written ones are passed over."""
    found = []
    for home in _epochs(folder):
        try:
            told = json.loads((home / LIST).read_text("utf-8"))
        except (OSError, ValueError):  # it is being written, or its writer was killed
            continue
        found += [
            KeptSample(told["epoch"], told["step"], each["title"], each["kind"], each["mime"], home / each["file"])
            for each in told["samples"]]
    return found


def _epochs(folder: Path) -> list[Path]:
    try:
        return sorted(home for home in (folder / FOLDER).iterdir() if re.fullmatch(r"\d{6}", home.name))
    except OSError:
        return []
