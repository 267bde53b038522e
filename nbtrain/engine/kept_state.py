"""What the newest checkpoint of a run says beside its weights: read without torch, which a panel need not load."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

#: In the folder of a run; see `nbtrain.engine.checkpoint`.
_STATES = "checkpoints/step-*/state.json"


def newest(folder: Path) -> Mapping[str, Any] | None:
    """The state, unverified; None where none can be read."""
    for path in sorted(folder.glob(_STATES), key=_order, reverse=True):
        try:
            state = json.loads(path.read_text("utf-8"))["state"]
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            continue
        if isinstance(state, dict):
            return state
    return None


def _order(path: Path) -> tuple[int, int]:
    """Step, and which writing of it; what nbtrain did not write comes first."""
    step, _, again = path.parent.name.removeprefix("step-").partition(".")
    return (int(step), int(again or 1)) if step.isdecimal() and (again or "1").isdecimal() else (-1, 0)
