"""Copies of files that live as long as the table that reads them."""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nbtrain.core.errors import DataError


class Scratch:
    """A folder of temporary files, made when the first is; it goes when this object does, or the kernel ends."""

    def __init__(self) -> None:
        self._folder: Path | None = None
        self._numbers = itertools.count(1)

    @contextmanager
    def new(self, ending: str, of: str) -> Iterator[Path]:
        """A path where nothing is yet; what was written there is removed when the writing fails.

        Raises:
            DataError: it cannot be written (the disk is full).
        """
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="nbtrain-copies-"))
            weakref.finalize(self, _remove, self._folder, os.getpid())
        path = self._folder / f"{next(self._numbers)}{ending}"
        try:
            yield path
        except OSError as error:
            path.unlink(missing_ok=True)
            raise DataError(f"A temporary copy of {of} does not go to {self._folder} ({error.strerror or error}); "
                            "free some space, or set TMPDIR to a larger disk.") from error
        except BaseException:
            path.unlink(missing_ok=True)
            raise


def _remove(folder: Path, process: int) -> None:
    if os.getpid() == process:  # a forked child leaves its parent's files alone
        shutil.rmtree(folder, ignore_errors=True)
