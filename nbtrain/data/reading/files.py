"""Which files a path, a folder, a pattern or a list means, and whether they stay as they are while they are read."""

from __future__ import annotations

import contextlib
import difflib
import glob
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from nbtrain.core.errors import DataFileError
from nbtrain.data.reading.formats import format_of

Given = str | Path | Sequence[str | Path]


def files_of(given: Given) -> tuple[Path, ...]:
    """The files that are meant, each once, in the order given; those of a folder or pattern by name.

    A folder means its files of data, also in folders inside it, without hidden ones.

    Raises:
        DataFileError: there is no such file (says which is nearest), it may not be read, or nothing is found.
    """
    several = [given] if isinstance(given, str | Path) else list(given)
    if not several:
        raise DataFileError("The list of files is empty; give at least one file.", file="")
    found = [path for each in several for path in _files(each)]
    return tuple(dict.fromkeys(found))


def _files(given: str | Path) -> list[Path]:
    text = os.fspath(given)
    if "\0" in text or not text.strip():
        raise DataFileError(f"{text!r:.80} is no name of a file; give a path.", file=repr(text))
    path = Path(text).expanduser()
    try:
        if path.is_dir():
            return _inside(path)
        if path.exists():
            return [path]
    except OSError as error:  # a name too long, a folder that may not be entered
        raise DataFileError(f"{text[:200]} cannot be opened ({error.strerror}).", file=text) from error
    if glob.has_magic(text):
        found = sorted(Path(name) for name in glob.glob(str(path), recursive=True) if not Path(name).is_dir())  # noqa: PTH207 - Path.glob takes no absolute pattern
        if found:
            return found
        raise DataFileError(f"No file is called like {text}; look at the folder and the pattern.", file=text)
    raise DataFileError(f"There is no file {text}; {_nearest(path)}", file=text)


def _inside(folder: Path) -> list[Path]:
    """The files of data in a folder; where no name tells, all of them."""
    try:
        every = sorted(
            path for path in folder.rglob("*")
            if path.is_file() and not any(part.startswith((".", "_")) for part in path.relative_to(folder).parts))
    except OSError as error:
        raise DataFileError(f"The folder {folder} cannot be read ({error.strerror}).", file=str(folder)) from error
    known = [path for path in every if format_of(path.name)[0] is not None]
    if not every:
        raise DataFileError(f"The folder {folder} has no files; give a folder with data.", file=str(folder))
    if not known:
        raise DataFileError(f"The folder {folder} has no file of a known format; give CSV, TSV, JSON, JSONL, TXT, "
                            "Parquet or Arrow, or name the files.", file=str(folder))
    return known


def _nearest(path: Path) -> str:
    """What the user may have meant."""
    folder = path.parent
    if not folder.is_dir():
        return f"there is no folder {folder} either."
    names = [each.name for each in folder.iterdir()] if os.access(folder, os.R_OK) else []
    near = difflib.get_close_matches(path.name, names, 1)
    return f"the nearest name is {near[0]}." if near else f"look into {folder.resolve()}."


@contextlib.contextmanager
def watch(files: Sequence[Path]) -> Iterator[None]:
    """Files that must not change meanwhile.

    Raises:
        DataFileError: on leaving, when the size, the time of change or the identity of a file is another.
    """
    before = [_state(path) for path in files]
    failure: Exception | None = None
    try:
        yield
    except Exception as error:  # noqa: BLE001 - a file that changes is why the reading failed
        failure = error
    for path, state in zip(files, before, strict=True):
        if _state(path) != state:
            raise DataFileError(f"{path.name} changed while it was read; wait until it is written, then read it again.",
                                file=str(path)) from failure
    if failure is not None:
        raise failure


def _state(path: Path) -> tuple[int, ...] | None:
    try:
        found = path.stat()
    except OSError:  # it went away: another state
        return None
    return found.st_size, found.st_mtime_ns, found.st_ino
