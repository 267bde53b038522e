"""Samples that a run made, in its folder: ``samples/000003/`` holds those of epoch 3 and their list."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from nbtrain.core.errors import WorkspaceError
from nbtrain.core.samples import Medium, Sample, Sign
from nbtrain.store import atomic

FOLDER, LIST, SIGNS = "samples", "samples.json", "signs.json"
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


def sampled(folder: Path) -> list[int]:
    """The epochs of which samples are kept, oldest first. Cheap: reads no file."""
    return [int(home.name) for home in _epochs(folder) if (home / LIST).is_file()]


def read(folder: Path, epoch: int | None = None) -> list[Sample]:
    """The samples of an epoch, of the newest where none is named; none where there are none. Raises WorkspaceError."""
    known = sampled(folder)
    wanted = known[-1] if epoch is None and known else epoch
    try:
        return [
            Sample(title=each.title, kind=each.kind, mime=each.mime, content=each.path.read_bytes())
            for each in kept(folder) if each.epoch == wanted]
    except OSError as error:
        raise WorkspaceError(f"The samples of epoch {wanted} cannot be read: {error.strerror}.") from error


def keep_signs(folder: Path, signs: Sequence[Sign]) -> None:
    """Keep with a run between what figures it is well, where anybody said so. Raises WorkspaceError."""
    if signs:
        atomic.write_json(folder / SIGNS, [asdict(sign) for sign in signs])


def kept_signs(folder: Path) -> list[Sign]:
    """Those that were kept with a run."""
    try:
        return [Sign(**each) for each in json.loads((folder / SIGNS).read_text("utf-8"))]
    except (OSError, ValueError, TypeError):  # there are none, or a hand was at the file
        return []


def _epochs(folder: Path) -> list[Path]:
    try:
        return sorted(home for home in (folder / FOLDER).iterdir() if re.fullmatch(r"\d{6}", home.name))
    except OSError:
        return []
