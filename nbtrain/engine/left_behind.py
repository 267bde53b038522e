"""The weights that a run left when it ended."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from nbtrain.core.control import State
from nbtrain.engine.snapshot import Snapshot


def weights(state: State, snapshot: Snapshot, model: nn.Module) -> dict[str, Tensor]:
    """Those in the module of a run that ended so, by their names there; averaged where the run averaged them.

    Args:
        state: of the run.
        snapshot: of its last checkpoint.
        model: its module.
    """
    left = dict(snapshot.components["model"])
    if state is State.FINISHED and "ema" in snapshot.components:
        averaged = snapshot.components["ema"]
        left |= {name: averaged[f"model.{name}"] for name, _ in model.named_parameters() if f"model.{name}" in averaged}
    return left


def same(left: Tensor, now: Any) -> bool:
    """Bit for bit, but that one NaN is like another."""
    if left.shape != now.shape:
        return False
    now = now.detach().cpu()
    return bool(((left == now) | ((left != left) & (now != now))).all())  # noqa: PLR0124 - NaN alone is not itself
