"""Files of models by their content: what lies in several versions lies on the disk once.

An object is a file named by its SHA-256, read-only. Versions hold hard links to it, so that each folder is whole in
itself: the store of objects may lose anything without a loss. Where the disk knows no links, versions get copies.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
import time
from collections.abc import Callable, Iterator
from hashlib import sha256 as hashing
from pathlib import Path

from nbtrain.core.errors import ModelFileError
from nbtrain.core.tasks import Progress
from nbtrain.models.package import StoredFile
from nbtrain.store import atomic
from nbtrain.store.workspace import Workspace

#: Seconds for which an object without a version is left alone: some kernel may be about to link it.
YOUNG_SECONDS = 3600.0
_CHUNK = 4 * 2**20
_HASH = re.compile(r"[0-9a-f]{64}")
#: What a file system says that knows no hard links, has no more of them for a file, or lies on another disk.
_UNLINKABLE = {
    errno.EXDEV, errno.EPERM, errno.EMLINK, errno.EACCES, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP,
    errno.ENOENT,  # swept away by another kernel this very moment
}

#: Is told how many more bytes were read; calls off by raising.
Told = Callable[[int], None]


class Objects:
    """The objects of a workspace. Any thread may call, and any number of kernels.

    Raises:
        WorkspaceError: from every method, when the disk is full or cannot be read or written.
    """

    def __init__(self, workspace: Workspace) -> None:
        self.folder = workspace.models_folder / "objects"

    def path(self, sha256: str) -> Path:
        """Where the object of this hash lies, if it is there. Raises ModelFileError for what is no hash."""
        if not _HASH.fullmatch(sha256):
            raise ModelFileError(f"{sha256!r:.100} is not a SHA-256.")
        return self.folder / sha256[:2] / sha256

    def put(self, source: Path, told: Told | None = None) -> StoredFile:
        """Copy a file in; what is here already, and sound, stays. Gives its size and hash."""
        with atomic.told("make the folder", self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
        beside = self.folder / f".{secrets.token_hex(8)}.unfinished"
        try:
            size, digest = atomic.write_new(beside, _chunks(source, told))
            target = self.path(digest)
            if not _is(target, digest):  # an altered one must not spread to further versions
                with atomic.told("write", target):
                    if os.name != "nt":  # there it would keep everyone from removing it, by any of its names
                        beside.chmod(0o444)
                    target.parent.mkdir(exist_ok=True)
                    beside.replace(target)
        finally:
            beside.unlink(missing_ok=True)
        return StoredFile(size=size, sha256=digest)

    def lay(self, source: Path, target: Path, told: Told | None = None) -> StoredFile:
        """Put a file in, and give it the name `target` too, in a folder that is being filled, and must be there."""
        kept = self.put(source, told)
        with atomic.told("write", target):
            try:
                os.link(self.path(kept.sha256), target)
            except OSError as error:
                if error.errno not in _UNLINKABLE or not target.parent.is_dir():
                    raise
                size, digest = atomic.write_new(target, _chunks(source, None))
                return StoredFile(size=size, sha256=digest)
        return kept

    def check(self, sha256: str, told: Told | None = None) -> None:
        """Read an object and compare it with its name. Raises ModelFileError when it is gone or altered."""
        check(self.path(sha256), sha256, told)

    def sweep(self, *, older_than: float = YOUNG_SECONDS) -> int:
        """Remove objects that no version links, and what writes left unfinished; gives how many files.

        What another kernel links at this very moment stays in its version, whose link is as good as the object.
        """
        before, gone = time.time() - older_than, 0
        if not self.folder.is_dir():
            return gone
        with atomic.told("look into", self.folder):
            for path in [*self.folder.glob("[0-9a-f][0-9a-f]/*"), *self.folder.glob(".*.unfinished")]:
                try:
                    found = path.stat()
                    if found.st_nlink == 1 and found.st_mtime < before:
                        path.unlink()
                        gone += 1
                except FileNotFoundError:  # another kernel is at it too
                    continue
        return gone


def check(path: Path, sha256: str, told: Told | None = None) -> None:
    """Read a file and compare it with its hash. Raises ModelFileError when it is missing or altered."""
    if not path.is_file():
        raise ModelFileError(f"{path.name} is missing ({path}).", file=path.name)
    if _hashed(path, told) != sha256:
        raise ModelFileError(
            f"{path.name} was altered: its SHA-256 is not the one it was kept with ({path}).", file=path.name)


def teller(progress: Progress | None, total: int) -> Told | None:
    """Adds up what was read, and says it."""
    if progress is None:
        return None
    progress.report(0, total, "bytes")
    done = 0

    def told(more: int) -> None:
        nonlocal done
        done += more
        progress.report(done, total, "bytes")

    return told


def _is(path: Path, digest: str) -> bool:
    """Whether there is a file, with the content that its name says."""
    return path.is_file() and _hashed(path, None) == digest


def _hashed(path: Path, told: Told | None) -> str:
    digest = hashing()
    for chunk in _chunks(path, told):
        digest.update(chunk)
    return digest.hexdigest()


def _chunks(path: Path, told: Told | None) -> Iterator[bytes]:
    with atomic.told("read", path), path.open("rb", buffering=0) as file:
        while chunk := file.read(_CHUNK):
            yield chunk
            if told is not None:
                told(len(chunk))
