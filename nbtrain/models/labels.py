"""What may be a tag, a category or a note of a model, the name of a file of a version, a model or a version at all."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any

from nbtrain.core.errors import ConfigError, ModelFileError, ModelNotFoundError, Problem
from nbtrain.models.package import MANIFEST
from nbtrain.store import lock
from nbtrain.store.model_listing import folded
from nbtrain.store.names import is_text

#: Characters of the longest tag or category, and of the longest note; tags of a model.
LONGEST_TAG, LONGEST_NOTE, MOST_TAGS = 60, 2_000, 50
#: Versions of a model.
LARGEST_NUMBER = 10**9 - 1


def checked_tags(tags: Sequence[Any]) -> tuple[str, ...]:
    """Tags as they are kept: NFC, without space around, each once. Raises ConfigError for what cannot be one."""
    if isinstance(tags, str) or len(tags) > MOST_TAGS:
        given = repr(tags) if isinstance(tags, str) else f"{len(tags)} of them"
        raise ConfigError([Problem("tags", f"tags is {given:.80}; give a list of at most {MOST_TAGS} texts.")])
    kept: dict[str, str] = {}
    for tag in tags:
        checked = _checked(tag, "tags", "tag")
        if not checked:
            raise ConfigError([Problem("tags", "A tag is empty; leave it out, or give it letters or digits.")])
        kept.setdefault(folded(checked), checked)
    return tuple(kept.values())


def checked_category(category: Any) -> str:
    """A category as it is kept; empty for none. Raises ConfigError."""
    return _checked(category, "category", "category")


def checked_note(note: Any) -> str:
    """A note as it is kept. Raises ConfigError when it is no text, or too long."""
    if not is_text(note) or len(note) > LONGEST_NOTE:
        length = f"{len(note):,} characters" if is_text(note) else f"the value {note!r:.60}"
        raise ConfigError([Problem("note", f"The note has {length}; it may be a text of {LONGEST_NOTE:,} characters.")])
    return unicodedata.normalize("NFC", note).strip()


def checked_path(path: str) -> str:
    """The name of a file inside a version. Raises ModelFileError when it leads out, or is one of the registry's own."""
    parts = PurePosixPath(path).parts
    plain = bool(parts) and path == "/".join(parts) and not path.startswith("/") and ".." not in parts
    if not plain or not {"\\", ":", "\0"}.isdisjoint(path) or path.casefold() in {MANIFEST, lock.NAME}:
        raise ModelFileError(f"{path!r:.100} cannot be the name of a model's file; rename it.", file=path)
    return path


def checked_model(given: Any) -> str:
    """What may be the name or the id of a model. Raises ModelNotFoundError."""
    if not is_text(given):
        raise ModelNotFoundError(f"{given!r:.100} is no model; give the name or the id of one, as a text.")
    return given


def checked_number(number: Any) -> int:
    """What may be the number of a version. Raises ModelNotFoundError."""
    if type(number) is not int or not 1 <= number <= LARGEST_NUMBER:
        raise ModelNotFoundError(f"{number!r:.40} is no version; they are numbered from 1, as whole numbers.")
    return number


def _checked(given: Any, field: str, what: str) -> str:
    kept = unicodedata.normalize("NFC", given).strip() if isinstance(given, str) else None
    if kept is None or len(kept) > LONGEST_TAG or any(
            unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"} for character in kept):
        raise ConfigError([Problem(field, (
            f"{given!r:.100} cannot be a {what}; it must be a text of at most {LONGEST_TAG} characters in one line."))])
    return kept
