"""What was found out about a dataset, kept in its folder: the next kernel need not do the work again."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from nbtrain.core.errors import WorkspaceError
from nbtrain.store import atomic

if TYPE_CHECKING:
    from nbtrain.data.splits.splitting import Split

T = TypeVar("T")
#: Results of one kind that are kept, for the arguments last asked with.
_MOST = 16


def kept(
    file: Path, arguments: Mapping[str, Any] | None, find: Callable[[], T],
    to_json: Callable[[T], Any], from_json: Callable[[Any], T],
) -> T:
    """The result for these arguments as it was kept in `file`; or what `find` gives, which is kept from now on.

    Args:
        file: JSON, from arguments to results.
        arguments: what the result depends on, as plain JSON; None where that cannot be told, and nothing is kept.
        find: does the work.
        to_json: writes a result.
        from_json: reads it; a result that an older nbtrain wrote differently is found anew.

    Raises:
        WorkspaceError: the result cannot be written. What `find` raises.
    """
    if arguments is None:
        return find()
    key = json.dumps(arguments, sort_keys=True, ensure_ascii=False)
    known = _read(file)
    if key in known:
        try:
            found = from_json(known[key])
        except (KeyError, TypeError, ValueError):
            pass
        else:
            _last(file, known, key)
            return found
    found = find()
    known = _read(file)  # another kernel, or another thread, may have kept something meanwhile
    known.pop(key, None)
    entries = [*known.items(), (key, to_json(found))]
    atomic.write_json(file, dict(entries[-_MOST:]))
    return found


def latest(file: Path, from_json: Callable[[Any], T]) -> tuple[dict[str, Any], T] | None:
    """The result that was asked for last, with what it was asked with; None where there is none that can be read."""
    for key, value in reversed(_read(file).items()):
        try:
            return dict(json.loads(key)), from_json(value)
        except (KeyError, TypeError, ValueError):  # an older nbtrain wrote it differently
            continue
    return None


def tokenizer_key(tokenizer: Any) -> str | None:
    """What tells a tokenizer from others, as an argument; None where nothing does."""
    inner = getattr(tokenizer, "backend_tokenizer", tokenizer)
    written = getattr(inner, "to_str", None)
    if callable(written):
        return hashed(str(written()))
    return getattr(tokenizer, "name_or_path", None) or None


def split_key(split: Split | None) -> dict[str, Any] | None:
    """What tells a split from others, as an argument: what was asked for, and the part of every row."""
    return None if split is None else {
        "spec": split.spec.to_json(), "parts": sha256(split.parts.tobytes()).hexdigest()}


def hashed(value: Any) -> str:
    """SHA-256 of plain JSON, 64 hexadecimal digits."""
    return sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def _last(file: Path, known: dict[str, Any], key: str) -> None:
    """Put what was asked for again behind all others, for `latest`."""
    if next(reversed(known)) == key:
        return
    known[key] = known.pop(key)
    with contextlib.suppress(WorkspaceError):  # the disk is full: the result is there all the same
        atomic.write_json(file, known)


def _read(file: Path) -> dict[str, Any]:
    """What is kept; nothing when the file is not there, or was damaged."""
    try:
        known = json.loads(atomic.read_bytes(file))
    except (WorkspaceError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}
