"""The Hub client's own cache, as the client lays it out, so that it finds what we put there and we what it has.

``blobs/<etag>`` are the contents, ``snapshots/<commit>/<path>`` show them under their names, ``refs/<revision>`` says
which commit a branch or tag was. The client could make the names itself, but would ask the Hub again for each file,
and sleep for as long as the Hub says where nobody can call it off.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import shutil
from pathlib import Path, PurePosixPath
from typing import Literal

import huggingface_hub
from huggingface_hub import constants
from huggingface_hub.file_download import repo_folder_name

from nbtrain.core.errors import HubError
from nbtrain.store import atomic

#: What a repository holds.
Kind = Literal["model", "dataset"]

#: Names Windows gives to devices, with whatever ending.
_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
_ETAG = re.compile(r"[A-Za-z0-9_-]{1,128}")
#: Bytes of a name in a folder, and characters of a path in a repository.
_LONGEST_NAME, _LONGEST_PATH = 255, 1_000


def folder(repository: str, kind: Kind) -> Path:
    """Where the client keeps a repository."""
    return Path(constants.HF_HUB_CACHE) / repo_folder_name(repo_id=repository, repo_type=kind)


def checked_path(path: str) -> str:
    """The name of a file in a repository, which will be one here.

    Raises:
        HubError: it leads out of its folder, or is a name that some system does not take.
    """
    why = _unsafe(path)
    if why:
        raise HubError(
            f"The repository has a file that is called {path!r:.120}, and {why}; it is not downloaded: ask the owner "
            "to rename it.")
    return path


def found(repository: str, kind: Kind, commit: str, path: str, size: int | None = None) -> Path | None:
    """The file, when the cache has it at this commit and, where that is known, in this size."""
    known = huggingface_hub.try_to_load_from_cache(
        repository, path, revision=commit, repo_type=kind, cache_dir=constants.HF_HUB_CACHE)
    return Path(known) if isinstance(known, str) and _has_size(Path(known), size) else None


def blob(cached: Path, etag: str, size: int | None = None) -> Path | None:
    """The content of this etag, when the cache has it (another commit may have brought it); `size` as for `found`."""
    path = cached / "blobs" / etag
    return path if is_etag(etag) and path.is_file() and _has_size(path, size) else None


def named(content: Path, cached: Path) -> str:
    """The etag by which the client put a file into the cache; empty where it shows no content of the cache's."""
    real = content.resolve()
    return real.name if real.parent == (cached / "blobs").resolve() and is_etag(real.name) else ""


def discard(path: Path, cached: Path) -> None:
    """Throw away a file that is not what it should be, and the content that it shows. Raises WorkspaceError."""
    own = named(path, cached)
    with atomic.told("remove", path):
        path.unlink(missing_ok=True)
        if own:
            (cached / "blobs" / own).unlink(missing_ok=True)


def is_etag(text: str) -> bool:
    """Whether it can be an etag of the Hub's, and so the name of a file here."""
    return _ETAG.fullmatch(text) is not None


def put(part: Path, cached: Path, etag: str) -> Path:
    """Move a file that was checked into the cache, whole or not at all, also from another disk.

    Args:
        part: it is gone afterwards.
        cached: the repository's folder.
        etag: by which the Hub knows its content; `is_etag`.

    Raises:
        WorkspaceError: it cannot be written there.
    """
    path = cached / "blobs" / etag
    with atomic.told("write", path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            part.replace(path)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            _copy(part, path)
            part.unlink()
        atomic.sync_folder(path.parent)
    return path


def name(cached: Path, commit: str, path: str, content: Path) -> Path:
    """Show a content under its name at a commit: by a link as the client makes it, or a copy where there are none."""
    pointer = cached / "snapshots" / commit / Path(*PurePosixPath(path).parts)
    with atomic.told("write", pointer):
        pointer.parent.mkdir(parents=True, exist_ok=True)
        if pointer.exists():
            return pointer
        beside = pointer.with_name(f".{secrets.token_hex(4)}.incomplete")
        try:
            _link(content, beside)
            beside.replace(pointer)
        finally:
            beside.unlink(missing_ok=True)
    return pointer


def name_revision(cached: Path, revision: str, commit: str) -> None:
    """Let the client find a commit under the name of its branch or tag, also without a network."""
    parts = revision.split("/")
    if revision == commit or any(_unsafe(part) for part in parts):
        return
    path = cached.joinpath("refs", *parts)
    with atomic.told("write", path):
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.is_file() or path.read_text(encoding="utf-8") != commit:
            atomic.write_text(path, commit)


def _has_size(path: Path, size: int | None) -> bool:
    try:
        return size is None or path.stat().st_size == size
    except OSError:  # it went meanwhile
        return False


def _link(content: Path, pointer: Path) -> None:
    if not getattr(constants, "HF_HUB_DISABLE_SYMLINKS", False):  # older clients do not know it
        with contextlib.suppress(OSError, NotImplementedError):
            pointer.symlink_to(os.path.relpath(content, pointer.parent))
            return
    with contextlib.suppress(OSError):
        pointer.hardlink_to(content)
        return
    shutil.copyfile(content, pointer)


def _copy(part: Path, path: Path) -> None:
    beside = path.with_name(f"{path.name}.{secrets.token_hex(4)}.incomplete")
    try:
        with part.open("rb") as source, beside.open("xb") as target:
            shutil.copyfileobj(source, target, atomic.CHUNK)
            target.flush()
            os.fsync(target.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def _unsafe(path: str) -> str:
    """Why a path may not be written; empty where it may."""
    if not path or len(path) > _LONGEST_PATH:
        return "that is empty or too long"
    if path.startswith("/"):
        return "that leads out of its folder"
    for each in path.split("/"):
        if each in {"", ".", ".."}:
            return "that leads out of its folder"
        if any(c in '\\:*?"<>|' or not c.isprintable() for c in each):
            return "that has characters which not every system takes"
        if each.endswith((".", " ")) or _DEVICES.fullmatch(each) or len(each.encode()) > _LONGEST_NAME:
            return "that is a name which not every system takes"
    return ""
