"""Whether files are still as they were when they were imported, told without reading them."""

from __future__ import annotations

import glob
import json
import os
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

#: Goes into every stamp: a new way of importing makes new datasets.
_VERSION = 1


def stamp_of(source: Any, options: Mapping[str, Any]) -> str | None:
    """A hash of the paths, sizes and times of change of the files that `source` names, and of the reading options.

    None where it names no files: an object, a dataset of the Hub.
    """
    found = list(_files(source))
    if not found:
        return None
    facts = []
    for path in found:
        try:
            state = path.stat()
        except OSError:  # reading it will tell why
            return None
        facts.append((str(path), state.st_size, state.st_mtime_ns))
    return sha256(json.dumps([_VERSION, facts, dict(options)], sort_keys=True).encode()).hexdigest()


def expanded(given: str | Path) -> Path:
    """A path with ``~`` put out; as it is where there is no such user."""
    try:
        return Path(given).expanduser()
    except RuntimeError:
        return Path(given)


def _files(source: Any) -> Iterator[Path]:
    """The files of a path, a folder, a glob, or of several of them; nothing for what is not there."""
    if isinstance(source, list | tuple):
        for each in source:
            if not isinstance(each, str | Path):
                return
            yield from _files(each)
        return
    if not isinstance(source, str | Path):
        return
    try:
        path = expanded(source).resolve()
    except (OSError, ValueError):  # no path can be so; reading it will tell
        return
    if path.is_dir():
        for folder, folders, names in os.walk(path):
            folders.sort()
            yield from (Path(folder, name) for name in sorted(names))
    elif path.is_file():
        yield path
    elif glob.has_magic(str(source)):
        found = sorted(glob.glob(str(path), recursive=True))  # noqa: PTH207 - the pattern holds its folder too
        yield from (Path(name) for name in found if Path(name).is_file())


