"""The one module that writes files: beside, flushed to the disk, then renamed, so nothing is ever half there.

Every function raises `WorkspaceError` with the cause in words and the `errno` of the operating system.
Buffers are written with plain `os.write`, which lets other threads run meanwhile.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import secrets
import shutil
import sys
from collections.abc import Iterable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

from nbtrain.core.errors import WorkspaceError

if sys.platform == "darwin":
    import fcntl

    def _flush(file: int) -> None:
        """Down to the medium: on macOS `fsync` stops at the drive's cache, so the drive is asked where it listens."""
        try:
            fcntl.fcntl(file, fcntl.F_FULLFSYNC)
        except OSError:  # network disks do not know it
            os.fsync(file)
else:

    def _flush(file: int) -> None:
        os.fsync(file)


Buffer = bytes | bytearray | memoryview

#: Bytes handed to one system call: large enough to cost nothing, small enough to share the GIL fairly.
CHUNK = 16 * 2**20

_BINARY = getattr(os, "O_BINARY", 0)  # Windows
_CLOEXEC = getattr(os, "O_CLOEXEC", 0)
_UNFINISHED = ".unfinished"


def write_bytes(path: Path, data: Buffer) -> None:
    """Replace the file at `path` by `data`. After a crash it holds the old content or the new, whole."""
    with told("write", path):
        beside = _beside(path)
        try:
            with _opened(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL) as file:
                _write_all(file, data)
                _flush(file)
            beside.replace(path)
        except BaseException:
            with contextlib.suppress(OSError):  # the first error is the one to tell
                beside.unlink()
            raise
        sync_folder(path.parent)


def write_text(path: Path, text: str) -> None:
    """Replace the file at `path` by `text` in UTF-8."""
    write_bytes(path, text.encode())


def write_json(path: Path, value: Any) -> None:
    """Replace the file at `path` by `value` as JSON. A float reads back to the same bits; NaN and inf are kept."""
    write_bytes(path, to_json(value))


def to_json(value: Any) -> bytes:
    """`value` as indented JSON in UTF-8."""
    return json.dumps(value, indent=1, ensure_ascii=False).encode() + b"\n"


def write_new(path: Path, chunks: Iterable[Buffer]) -> tuple[int, str]:
    """Write a file that must not be there yet, inside a `new_folder`; gives its size in bytes and its SHA-256.

    It is flushed to the disk together with its folder.
    """
    size, digest = 0, sha256()
    with told("write", path), _opened(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL) as file:
        for chunk in chunks:
            view = memoryview(chunk).cast("B")
            for start in range(0, len(view), CHUNK):
                part = view[start:start + CHUNK]
                digest.update(part)
                _write_all(file, part)
            size += len(view)
    return size, digest.hexdigest()


@contextlib.contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """A folder to fill; when the block ends well, it is flushed to the disk and appears as `path`, whole.

    When the block raises, nothing is left. `path` must not be there yet.
    """
    beside = _beside(path)
    with told("write", path):
        beside.mkdir()
    try:
        yield beside
        with told("write", path):
            _sync_tree(beside)
            beside.rename(path)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)  # the first error is the one to tell
        raise
    with told("write", path):
        sync_folder(path.parent)


def append_line(path: Path, line: str) -> None:
    """Add one line at the end of a file, which is made when it is not there.

    It survives the end of this process, however it ends. A line cut short by an earlier crash is closed
    first, so that it can only spoil itself; a line that cannot be written whole is taken back.
    """
    with told("write", path), _opened(path, os.O_RDWR | os.O_CREAT | os.O_APPEND) as file:
        size = os.lseek(file, 0, os.SEEK_END)
        torn = size > 0 and (os.lseek(file, size - 1, os.SEEK_SET), os.read(file, 1))[1] != b"\n"
        try:
            _write_all(file, (("\n" if torn else "") + line + "\n").encode())
        except OSError:
            with contextlib.suppress(OSError):  # the first error is the one to tell
                os.ftruncate(file, size)
            raise


def read_bytes(path: Path) -> bytes:
    """The whole content of a file."""
    with told("read", path), _opened(path, os.O_RDONLY) as file:
        return b"".join(_chunks(file))


def digest(path: Path) -> tuple[int, str]:
    """Size in bytes and SHA-256 of a file as it is on the disk."""
    size, found = 0, sha256()
    with told("read", path), _opened(path, os.O_RDONLY) as file:
        for chunk in _chunks(file):
            found.update(chunk)
            size += len(chunk)
    return size, found.hexdigest()


def remove_folder(path: Path) -> None:
    """Remove a folder and what is in it; it disappears at once, however long the removal takes."""
    with told("remove", path):
        aside = _beside(path)
        path.rename(aside)
        shutil.rmtree(aside)


def remove_unfinished(folder: Path) -> None:
    """Remove what writes and removals that were cut short left in `folder`. Only for the one who writes there."""
    with told("remove what is unfinished in", folder):
        for path in folder.glob(f".*{_UNFINISHED}"):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` durable. Windows has no such call and needs none."""
    if os.name == "nt":
        return
    with _opened(folder, os.O_RDONLY) as descriptor:
        _flush(descriptor)


def _sync_tree(folder: Path) -> None:
    """Make everything in `folder` durable."""
    for path in sorted(folder.iterdir()):
        if path.is_dir():
            _sync_tree(path)
            continue
        # Windows flushes only what is open for writing.
        with _opened(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY) as descriptor:
            _flush(descriptor)
    sync_folder(folder)


@contextlib.contextmanager
def told(action: str, path: Path) -> Iterator[None]:
    """Turn an `OSError` of the block into a `WorkspaceError` that says what could not be done, and why."""
    try:
        yield
    except WorkspaceError:
        raise
    except OSError as error:
        raise explained(error.errno, f"Cannot {action} {path}", error.strerror or str(error)) from error


def explained(code: int | None, what: str, why: str) -> WorkspaceError:
    """A `WorkspaceError` with `errno` set: `what` went wrong, why, and what to do about it."""
    error = WorkspaceError(f"{what}: {_ADVICE.get(code, why)}.")
    error.errno = code
    return error


_READ_ONLY = "it may not be written to; choose another workspace with the environment variable NBTRAIN_HOME"
_ADVICE: dict[int | None, str] = {
    errno.ENOSPC: "the disk is full; free some space",
    getattr(errno, "EDQUOT", errno.ENOSPC): "the disk quota is used up; free some space",
    errno.EFBIG: "a file may not grow that large here; raise the limit or choose another disk",
    errno.EACCES: _READ_ONLY,
    errno.EPERM: _READ_ONLY,
    errno.EROFS: _READ_ONLY,
    errno.EIO: "the disk reported an input/output error; look at its health before trusting it further",
    errno.ENOENT: "it is not there (any more)",
    errno.EMFILE: "too many files are open in this process; close some, or restart the kernel",
}


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}{_UNFINISHED}")


@contextlib.contextmanager
def _opened(path: Path, flags: int) -> Iterator[int]:
    descriptor = os.open(path, flags | _BINARY | _CLOEXEC, 0o666)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _write_all(file: int, data: Buffer) -> None:
    """The system may take less than it is given; a disk that takes nothing at all is an error."""
    view = memoryview(data).cast("B")
    while len(view):
        written = os.write(file, view)
        if written == 0:
            raise OSError(errno.EIO, "the system wrote nothing")
        view = view[written:]


def _chunks(file: int) -> Iterator[bytes]:
    while chunk := os.read(file, CHUNK):
        yield chunk
