"""A disk that fails at a chosen call: what the operating system is asked is counted, and one answer is replaced."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

#: Everything that can fail between a buffer and the disk, and back.
_BY_PATH = ("open", "mkdir", "rename", "replace", "unlink", "rmdir")
_BY_FILE = ("write", "read", "fsync")


class FailingFiles:
    """Counts the calls that concern files in `folder`; from call number `first` on, `times` of them fail with `error`.

    Calls are numbered from 0 in the order they are made; their names are in `calls`.
    """

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.calls: list[str] = []
        self.failed = 0
        self._folder = str(folder)
        self._ours: set[int] = set()
        self._first, self._times, self._error = -1, 0, 0
        for name in _BY_PATH:
            patch.setattr(os, name, self._by_path(name, getattr(os, name)))
        for name in _BY_FILE:
            patch.setattr(os, name, self._by_file(name, getattr(os, name)))

    def fail(self, first: int, error: int, times: int = 1) -> None:
        """Begin to count anew, and fail as said."""
        self.calls.clear()
        self.failed = 0
        self._first, self._times, self._error = first, times, error

    def heal(self) -> None:
        """Nothing fails any more."""
        self.fail(-1, 0, 0)

    def _by_path(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def counted(path: Any, *rest: Any, **named: Any) -> Any:
            if not str(path).startswith(self._folder):
                return call(path, *rest, **named)
            self._count(name)
            result = call(path, *rest, **named)
            if name == "open":
                self._ours.add(result)
            return result
        return counted

    def _by_file(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def counted(file: int, *rest: Any) -> Any:
            if file in self._ours:
                if name == "write" and self._due():
                    call(file, rest[0][: len(rest[0]) // 2])  # what a full disk still takes
                self._count(name)
            return call(file, *rest)
        return counted

    def _due(self) -> bool:
        return 0 <= self._first <= len(self.calls) < self._first + self._times

    def _count(self, name: str) -> None:
        due = self._due()
        self.calls.append(name)
        if due:
            self.failed += 1
            raise OSError(self._error, os.strerror(self._error))
