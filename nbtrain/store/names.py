"""What a dataset or a model may be called. A name is shown and compared; it never becomes a path."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from pathlib import PurePath
from typing import Literal, TypeGuard

from nbtrain.core.errors import ConfigError, Problem
from nbtrain.store.workspace import is_id

#: Characters of the longest name.
LONGEST = 100
#: Names Windows gives to devices: an export named after one could else go astray.
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
#: Turn the direction of what stands beside them, so that a name looks like another.
_TURNING = set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")
_INVISIBLE = {"Cc", "Cs", "Co", "Cn", "Zl", "Zp"}
#: Endings of files that say how to read them, and nothing about what is in them.
_ENDINGS = {".gz", ".gzip", ".zst", ".zstd", ".csv", ".tsv", ".tab", ".json", ".jsonl", ".ndjson", ".txt", ".text",
            ".parquet", ".pq", ".arrow", ".feather", ".ipc", ".arrows", ".zip", ".safetensors", ".pt", ".pth", ".pt2",
            ".bin", ".ckpt", ".onnx"}

#: What is called so: the word of messages.
What = Literal["dataset", "model"]


def checked_name(name: str, what: What = "dataset") -> str:
    """The name as it is kept: NFC, without space around it.

    Raises:
        ConfigError: it is empty, too long, reserved, looks like an id or a path, or has characters nobody sees.
    """
    if not isinstance(name, str):
        raise _refused(name, what, "it must be a text")
    kept = unicodedata.normalize("NFC", name).strip()
    if not kept.strip("."):
        raise _refused(name, what, "it must have letters or digits")
    if len(kept) > LONGEST:
        raise _refused(name, what, f"it has {len(kept)} characters and may have {LONGEST}")
    if any(_unseen(character) for character in kept):
        raise _refused(name, what, "it has control characters; leave them out")
    if "/" in kept or "\\" in kept:
        raise _refused(name, what, "it has a slash, as paths have; leave it out")
    if _RESERVED.fullmatch(kept):
        raise _refused(name, what, "Windows reserves it for a device; choose another")
    if is_id(kept):
        raise _refused(name, what, f"it looks like the id of a {what}; choose another")
    return kept


def made_up(text: str, what: What = "dataset") -> str:
    """The nearest name to `text` that may be used."""
    while PurePath(text).suffix.lower() in _ENDINGS and PurePath(text).stem:
        text = PurePath(text).stem
    kept = "".join(" " if _unseen(c) or c in "/\\" else c for c in unicodedata.normalize("NFC", text)).strip()[:LONGEST]
    try:
        return checked_name(kept, what)
    except ConfigError:
        return f"{'data' if what == 'dataset' else what} {kept}".strip(". ")[:LONGEST]


def free_name(wanted: str, taken: Callable[[str], bool]) -> str:
    """`wanted`, or with the first number behind it that makes it free: ``reviews 2``."""
    name, number = wanted, 1
    while taken(name):
        number += 1
        ending = f" {number}"
        name = wanted[: LONGEST - len(ending)] + ending
    return name


def take_free_name(wanted: str, taken: Callable[[str], bool], take: Callable[[str], None]) -> str:
    """`take` with `free_name`, again where another kernel was faster; gives the name."""
    while True:
        name = free_name(wanted, taken)
        try:
            take(name)
        except ConfigError:
            if not taken(name):
                raise
        else:
            return name


def is_text(given: object) -> TypeGuard[str]:
    """Whether it is a text that can be kept and sent: one without halves of characters."""
    try:
        return isinstance(given, str) and given.encode() is not None
    except UnicodeEncodeError:
        return False


def _unseen(character: str) -> bool:
    return character in _TURNING or unicodedata.category(character) in _INVISIBLE


def _refused(name: object, what: What, why: str) -> ConfigError:
    return ConfigError([Problem("name", f"The name {name!r:.120} cannot be used for a {what}: {why}.")])
