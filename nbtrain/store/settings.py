"""The settings that a workspace keeps for itself, in ``settings.json``, which people may edit."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from nbtrain.core.errors import ConfigError, Problem
from nbtrain.store import atomic
from nbtrain.store.workspace import Workspace

#: The file's name.
NAME = "settings.json"


def kept(workspace: Workspace, group: str) -> dict[str, Any]:
    """What is kept of a group, e.g. ``"hub"``; empty where nothing is.

    Raises:
        ConfigError: the file is no JSON object of such groups.
        WorkspaceError: it cannot be read.
    """
    values = _all(workspace).get(group, {})
    if not isinstance(values, dict):
        raise _spoilt(workspace, f"its {group!r} is no object")
    return values


def keep(workspace: Workspace, group: str, values: Mapping[str, Any]) -> None:
    """Put these values in the place of what was kept of the group. Raises as `kept`."""
    atomic.write_json(workspace.home / NAME, {**_all(workspace), group: dict(values)})


def _all(workspace: Workspace) -> dict[str, Any]:
    path = workspace.home / NAME
    if not path.exists():
        return {}
    try:
        found = json.loads(atomic.read_bytes(path))
    except ValueError as error:
        raise _spoilt(workspace, str(error)) from None
    if not isinstance(found, dict):
        raise _spoilt(workspace, "it is no object")
    return found


def _spoilt(workspace: Workspace, why: str) -> ConfigError:
    return ConfigError([Problem(
        "settings", f"{workspace.home / NAME} is not what it should be ({why:.120}): it must be JSON such as "
        '{"hub": {"timeout": 30}}; correct it or remove it.')])
