"""How the Hub is asked here: as the environment says, else as the workspace keeps it, else as usual."""

from __future__ import annotations

import os

from nbtrain.config.settings import HubSettings, hub_settings
from nbtrain.store import settings
from nbtrain.store import workspace as workspaces
from nbtrain.store.workspace import Workspace

__all__ = ["VARIABLES", "HubSettings", "current", "keep"]

#: Setting → the environment's variable that overrides it. The first is the Hub client's own.
VARIABLES = {"endpoint": "HF_ENDPOINT", "timeout": "NBTRAIN_HUB_TIMEOUT", "retries": "NBTRAIN_HUB_RETRIES"}


def current(workspace: Workspace | None = None) -> HubSettings:
    """The settings that hold now, of `workspace` or of the current one.

    Raises:
        ConfigError: a value is not allowed; it says whether the environment or the workspace has it.
        WorkspaceError: the workspace cannot be read.
    """
    workspace = workspace or workspaces.current()
    given = {name: os.environ[variable] for name, variable in VARIABLES.items() if os.environ.get(variable)}
    hub_settings(given, "of the environment: " + ", ".join(VARIABLES[name] for name in given))
    kept = settings.kept(workspace, "hub")
    return hub_settings({**kept, **given}, str(workspace.home / settings.NAME))


def keep(values: HubSettings, workspace: Workspace | None = None) -> None:
    """Keep them in the workspace. Raises as `current`."""
    settings.keep(workspace or workspaces.current(), "hub", values.model_dump(exclude_defaults=True))
