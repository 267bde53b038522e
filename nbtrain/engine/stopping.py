"""Early stopping: end when a metric has not got better for a while."""

from __future__ import annotations

import math
from typing import Any

from nbtrain.config import StoppingConfig


class EarlyStopping:
    """Keeps the best value of a metric, and how many updates (epochs) went by since.

    A value is better when it beats the best by more than the threshold, as an absolute difference. A value that
    is not a number is never better.

    Args:
        config: patience (which may be edited while the run goes on) and threshold.
        higher_is_better: True for accuracy and the like, False for a loss.
    """

    def __init__(self, config: StoppingConfig, higher_is_better: bool) -> None:  # noqa: FBT001 - the contract's order
        self.patience = config.patience
        self.threshold = config.threshold
        self.higher_is_better = higher_is_better
        self.best: float | None = None
        self.best_step: int | None = None
        self.waited = 0

    def update(self, value: float, step: int) -> bool:
        """Take the value measured after `step` updates. True when it is the best so far."""
        if not math.isnan(value) and (self.best is None or self._gain(value, self.best) > self.threshold):
            self.best, self.best_step, self.waited = value, step, 0
            return True
        self.waited += 1
        return False

    @property
    def should_stop(self) -> bool:
        return self.waited >= self.patience

    def state_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        return {"best": self.best, "best_step": self.best_step, "waited": self.waited}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.best, self.best_step, self.waited = state["best"], state["best_step"], state["waited"]

    def _gain(self, value: float, best: float) -> float:
        return value - best if self.higher_is_better else best - value
