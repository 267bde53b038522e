"""Files on their way from the Hub: what arrived of each, and what it will be, so that any kernel can go on with it."""

from __future__ import annotations

import contextlib
import errno
import json
import re
import secrets
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha1, sha256
from pathlib import Path
from typing import Any, Protocol

from nbtrain.core.errors import CommandError, WorkspaceError
from nbtrain.hub import cache
from nbtrain.hub.cache import Kind
from nbtrain.store import atomic
from nbtrain.store import workspace as workspaces
from nbtrain.store.lock import NAME as LOCK
from nbtrain.store.lock import FolderLock

#: Seconds after which what nobody went on with is thrown away.
STALE_SECONDS = 7 * 86_400.0


class Digest(Protocol):
    """A hash that is fed piece by piece."""

    def update(self, data: bytes, /) -> None: ...
    def hexdigest(self) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A file of a repository at a commit."""

    repository: str
    kind: Kind
    commit: str
    path: str
    size: int | None
    """In bytes; None where the Hub did not say."""
    digest: str
    """SHA-256 of a large file, SHA-1 of the git blob of a small one, empty where the Hub did not say."""

    @property
    def title(self) -> str:
        return f"{self.path} of {self.repository}"

    @property
    def cached(self) -> Path:
        """The repository's folder in the client's cache."""
        return cache.folder(self.repository, self.kind)

    def found(self) -> Path | None:
        """The file, or its content, when the cache has it in this size."""
        return (cache.found(self.repository, self.kind, self.commit, self.path, self.size)
                or cache.blob(self.cached, self.digest, self.size))

    def there(self) -> list[Path]:
        """The same, of whatever size: the file as it is shown at this commit, and its content."""
        shown = cache.found(self.repository, self.kind, self.commit, self.path)
        content = cache.blob(self.cached, self.digest)
        return [path for path in (shown, content) if path is not None]


class Part:
    """What arrived of a file, in `folder`. Names in a repository never become names here."""

    def __init__(self, wanted: Wanted, folder: Path) -> None:
        self.wanted = wanted
        key = sha256(f"{wanted.commit} {wanted.path}".encode()).hexdigest()[:32]
        self.path = folder / f"{key}.part"
        self._facts = folder / f"{key}.json"

    @property
    def have(self) -> int:
        """Bytes that arrived."""
        try:
            return self.path.stat().st_size
        except FileNotFoundError:
            return 0

    @property
    def etag(self) -> str:
        """By which the Hub knew the content when it began; empty where nothing that can be gone on with is here."""
        try:
            facts: Any = json.loads(atomic.read_bytes(self._facts))
            begun = {name: facts[name] for name in ("path", "commit", "size")}
            return str(facts["etag"]) if begun == self._is and self.path.exists() else ""
        except (WorkspaceError, ValueError, TypeError, KeyError):
            return ""

    def begin(self, etag: str) -> None:
        """Throw away what is here and begin with a content of this etag."""
        with atomic.told("write", self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.unlink(missing_ok=True)
            atomic.write_json(self._facts, {**self._is, "etag": etag})
            self.path.touch()

    def remove(self) -> None:
        """Throw away what is here."""
        with atomic.told("remove", self.path):
            self.path.unlink(missing_ok=True)
            self._facts.unlink(missing_ok=True)

    @property
    def _is(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self.wanted).items() if name in {"path", "commit", "size"}}


def have(wanted: Wanted, folder: Path) -> int:
    """Bytes of a file that need not be downloaded any more."""
    if wanted.found() is not None:
        return wanted.size or 0
    return Part(wanted, folder).have


def check_space(files: Sequence[Wanted], missing: int, folder: Path) -> None:
    """Make sure that so many bytes have room, where they gather and where they will be. Raises WorkspaceError."""
    for place in [folder, *{file.cached for file in files}]:
        there = next(path for path in [place, *place.parents] if path.exists())
        with atomic.told("look at", there):
            free = shutil.disk_usage(there).free
        if missing > free:
            what = f"{missing:,} bytes are missing of {files[0].repository}, and {free:,} are free at {there}"
            raise atomic.explained(errno.ENOSPC, what, "")


def hasher(digest: str, size: int) -> Digest | None:
    """What a content of `size` bytes is compared with `digest` by; None where that is no hash of a known sort."""
    if re.fullmatch(r"[0-9a-f]{64}", digest):
        return sha256()
    if re.fullmatch(r"[0-9a-f]{40}", digest):
        found = sha1(usedforsecurity=False)  # as git does
        found.update(f"blob {size}\0".encode())
        return found
    return None


@contextlib.contextmanager
def gathering(folder: Path | None, key: str) -> Iterator[Path]:
    """A folder for files that are not whole: `folder`, or the one of this `key`, which nobody else uses meanwhile.

    That one is gone when the block ends well, and stays when it raises, to be gone on with.
    """
    if folder is not None:
        yield folder
        return
    root = workspaces.current().home / "hub" / "parts"
    own = root / sha256(key.encode()).hexdigest()[:32]
    with contextlib.ExitStack() as stack:
        with atomic.told("make the folder", own):
            sweep(root)
            own.mkdir(parents=True, exist_ok=True)
        lock = FolderLock(own, "{folder} is in use {where}.")
        try:
            stack.enter_context(lock)
        except CommandError:  # two imports at once: the second one fetches for itself
            own = own.with_name(f"{own.name}-{secrets.token_hex(4)}")
            with atomic.told("make the folder", own):
                own.mkdir()
            stack.callback(shutil.rmtree, own, ignore_errors=True)
        yield own
        for path in own.iterdir():
            if path.name != LOCK:  # who waits for it must find the same file
                path.unlink(missing_ok=True)


def sweep(root: Path, older_than: float = STALE_SECONDS) -> None:
    """Remove what got no byte for so many seconds."""
    for folder in root.iterdir() if root.is_dir() else []:
        with contextlib.suppress(OSError):  # another kernel may be at it too
            newest = max((path.stat().st_mtime for path in [folder, *folder.iterdir()]), default=0.0)
            if time.time() - newest > older_than:
                shutil.rmtree(folder, ignore_errors=True)
