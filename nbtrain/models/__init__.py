"""Models: found on the Hub, fetched, kept with their versions, imported, exported, tried.

    nbtrain.models.list(stage="production")
    net = nbtrain.models.load("digits")

Names are loaded when they are first used, so that importing this costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nbtrain.models import architectures
    from nbtrain.models.verbs import (
        delete,
        details,
        download,
        export,
        get,
        import_,
        list,  # noqa: A004 - read as nbtrain.models.list
        load,
        move,
        predict,
        push,
        rename,
        search,
        tag,
        undo,
        verify,
        versions,
    )

_VERBS = (
    "delete", "details", "download", "export", "get", "import_", "list", "load", "move", "predict", "push", "rename",
    "search", "tag", "undo", "verify", "versions",
)

__all__ = [
    "architectures",
    "delete",
    "details",
    "download",
    "export",
    "get",
    "import_",
    "list",
    "load",
    "move",
    "predict",
    "push",
    "rename",
    "search",
    "tag",
    "undo",
    "verify",
    "versions",
]


def __getattr__(name: str) -> Any:
    if name in _VERBS:
        return getattr(import_module("nbtrain.models.verbs"), name)
    if name == "architectures":
        return import_module("nbtrain.models.architectures")
    raise AttributeError(f"module 'nbtrain.models' has no attribute {name!r}")


def __dir__() -> Sequence[str]:
    return sorted(__all__)
