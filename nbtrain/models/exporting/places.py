"""Where exports go: filled aside, put in place whole, and never over what somebody else put there."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from nbtrain.core.errors import ConfigError, Problem
from nbtrain.models.package import MANIFEST
from nbtrain.store import atomic, lock

#: Bytes of weights up to which they fit into an ONNX file itself: protobuf ends at 2 GiB.
ONE_FILE = 1_800_000_000
#: The folder that an export fills, beside its target: a name that says what it is, should a kernel die.
_MARK = ".nbtrain-export-"
#: Seconds in which a new folder is held by the one who made it.
_YOUNG_SECONDS = 60.0


def checked_path(path: object) -> Path:
    """A path as the file system knows it. Raises ConfigError for what is none."""
    if not isinstance(path, str | Path) or not str(path).strip() or "\x00" in str(path):
        raise ConfigError([Problem("path", f"The path is {path!r:.60}; give a file or a folder to write to.")])
    try:
        target = Path(os.path.abspath(Path(str(path).strip()).expanduser()))  # noqa: PTH100 - resolve() follows links
        os.fsencode(target)
        target.exists()
    except (RuntimeError, ValueError, OSError) as error:  # nobody's home, a lone surrogate, a name too long
        said = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise ConfigError([Problem("path", f"{path!r:.60} is no path to write to: {said}.")]) from None
    return target


def check_folder(target: Path, *, overwrite: bool) -> None:
    """Raises ConfigError unless `target` is not there, empty, or to be overwritten and made by an export."""
    if not target.exists():
        return
    if not target.is_dir():
        raise ConfigError([Problem("path", f"{target} is a file; give a folder.")])
    if not any(target.iterdir()):
        return
    if not overwrite:
        raise taken(target)
    if not (target / MANIFEST).is_file():
        raise ConfigError([Problem("path", (
            f"{target} holds files that no export wrote, so it is not replaced; give another folder, or empty it."))])


def taken(target: Path) -> ConfigError:
    """What is said when something is there."""
    return ConfigError([Problem("path", (
        f"{target} is there already; give another path, or say overwrite to replace it."))])


@contextlib.contextmanager
def workplace(parent: Path) -> Iterator[Path]:
    """A folder beside the target to fill; it is gone afterwards, also that of a kernel that died."""
    with atomic.told("write", parent):
        parent.mkdir(parents=True, exist_ok=True)
        for left in parent.glob(f"{_MARK}*"):
            young = time.time() - left.stat().st_mtime < _YOUNG_SECONDS
            if left.is_dir() and not left.is_symlink() and not young and not lock.is_held(left):
                shutil.rmtree(left, ignore_errors=True)
        beside = parent / f"{_MARK}{secrets.token_hex(4)}"
        (beside / "files").mkdir(parents=True)
    try:
        with lock.FolderLock(beside, "Another export works in {folder}{where}."):
            yield beside / "files"
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def as_folder(filled: Path, target: Path) -> list[Path]:
    """Put what was filled in the place of the folder `target`, all at once; gives its files."""
    with atomic.told("write", target):
        _readable(filled)
        before = filled.parent / "before"
        if target.exists():
            target.rename(before)
        try:
            filled.rename(target)
        except BaseException:
            if before.exists():
                before.rename(target)
            raise
    return sorted(path for path in target.rglob("*") if path.is_file())


def as_file(filled: Path, target: Path, *, overwrite: bool) -> list[Path]:
    """Put the one file of the target's ending in its place, and the others beside it under its name; gives them all.

    Raises ConfigError when one of those is there already, before any is put there.
    """
    found = sorted(path for path in filled.iterdir() if path.is_file())
    moves = {path: target if path.suffix == target.suffix else beside(target, path.name) for path in found}
    if len(set(moves.values())) != len(found) or any(path.is_dir() for path in filled.iterdir()):
        raise ConfigError([Problem("path", (
            f"The weights do not fit into the one file {target.name}; give a folder instead."))])
    there = [to for to in moves.values() if to.exists()]
    if there and not overwrite:
        raise taken(there[0])
    with atomic.told("write", target):
        _readable(filled)
        for path, to in sorted(moves.items(), key=lambda move: move[1] == target):  # the file itself last
            path.replace(to)
    return sorted(moves.values())


def beside(target: Path, name: str) -> Path:
    """Where a file goes that belongs to `target`: ``net.onnx`` has its labels in ``net.nbtrain.json``."""
    return target.with_name(f"{target.stem}.{name}")


def _readable(folder: Path) -> None:
    """The registry's own files are read-only; these are the user's."""
    for path in folder.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
