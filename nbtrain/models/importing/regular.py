"""Opening files from outside: regular ones only, so that a pipe or a device holds nothing up."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from nbtrain.models.importing.refusals import refused

#: Bytes of the largest JSON or text beside the weights (a tokenizer's vocabulary has tens of millions).
LARGEST_TEXT = 200_000_000


@contextlib.contextmanager
def opened(path: Path, name: str | None = None) -> Iterator[tuple[BinaryIO, int]]:
    """A regular file for reading, with its size in bytes; `name` is what messages call it. Raises ModelFileError."""
    name = name or path.name
    try:
        file = open(path, "rb", opener=_opener)  # noqa: SIM115 - it is closed below
    except (OSError, ValueError) as error:
        raise refused(name, f"it cannot be read ({getattr(error, 'strerror', None) or error})") from error
    with file:
        state = os.fstat(file.fileno())
        if not stat.S_ISREG(state.st_mode):
            raise refused(name, "it is no regular file")
        yield file, state.st_size


def whole(path: Path, most: int, name: str | None = None) -> bytes:
    """All of a file that has `most` bytes at the most. Raises ModelFileError."""
    with opened(path, name) as (file, size):
        if size > most:
            raise refused(name or path.name, f"it has {size:,} bytes; at most {most:,} are read")
        return file.read(most)


def _opener(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
