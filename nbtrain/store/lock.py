"""Who works on a folder (trains a run, downloads): a lock that the operating system takes from a kernel that dies."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from nbtrain.core.errors import CommandError
from nbtrain.store import atomic

#: The file whose lock it is.
NAME = "lock"
#: A look by someone else holds the lock for an instant.
_PATIENCE_SECONDS = 0.5

if sys.platform == "win32":
    import msvcrt

    #: Beyond the process number, which others may then read.
    _BYTE = 2**30

    def _try(file: int, *, alone: bool) -> bool:
        del alone  # Windows knows only the one kind
        os.lseek(file, _BYTE, os.SEEK_SET)
        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        finally:
            os.lseek(file, 0, os.SEEK_SET)
        return True
else:
    import fcntl

    def _try(file: int, *, alone: bool) -> bool:
        try:
            fcntl.flock(file, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


class FolderLock:
    """Held by the kernel that works on `folder`; use it as a context manager, or acquire and release it.

    Args:
        folder: it must be there.
        refusal: what is said while someone else has it; ``{folder}`` is its name, ``{where}`` who has it.
        patience: seconds to wait for it.
    """

    def __init__(self, folder: Path, refusal: str, patience: float = _PATIENCE_SECONDS) -> None:
        self._path = folder / NAME
        self._refusal = refusal
        self._patience = patience
        self._file: int | None = None

    @property
    def held(self) -> bool:
        """True when this object holds the lock."""
        return self._file is not None

    def acquire(self) -> None:
        """Take the lock.

        Raises:
            CommandError: another kernel, or someone else in this one, has it.
            WorkspaceError: the folder cannot be written.
        """
        if self.held:
            return
        with atomic.told("lock", self._path):
            file = os.open(self._path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o666)
            try:
                if _patiently(file, self._patience):
                    os.ftruncate(file, 0)
                    os.write(file, str(os.getpid()).encode())
                    self._file = file
            finally:
                if not self.held:
                    os.close(file)
        if not self.held:
            raise CommandError(self._refusal.format(folder=self._path.parent.name, where=_where(self._path)))

    def release(self) -> None:
        """Give the lock back; nothing happens when it is not held."""
        if self._file is not None:
            file, self._file = self._file, None
            os.close(file)

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, frames: TracebackType | None
    ) -> None:
        self.release()


class RunLock(FolderLock):
    """Held by the kernel that trains the run in `folder`."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, "The run {folder} is being trained {where}; stop it there first.")


def is_held(folder: Path) -> bool:
    """True while some kernel, this one included, works on `folder`."""
    path = folder / NAME
    if not path.exists():
        return False
    with atomic.told("look at", path):
        file = os.open(path, os.O_RDWR if sys.platform == "win32" else os.O_RDONLY)
        try:
            return not _try(file, alone=False)
        finally:
            os.close(file)


def _patiently(file: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not _try(file, alone=True):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def _where(path: Path) -> str:
    holder = atomic.read_bytes(path).decode(errors="replace")
    if holder == str(os.getpid()):
        return "in this kernel already"
    return f"by another kernel (process {holder})" if holder.isdigit() else "by another kernel"
