"""What the callbacks have in common: a run for each training, noticed also when that ends in silence."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from nbtrain.cells import at_end_of_cell
from nbtrain.core.errors import ConfigError
from nbtrain.core.events import Warned
from nbtrain.store import workspace as workspaces
from nbtrain.tracked import entered, left, show_in_notebook
from nbtrain.tracking.rates import Rates
from nbtrain.tracking.run import TrackedRun


class Session:
    """The run of one training of another trainer's.

    Args:
        name: for people.
        epochs: planned; a broken number is rounded up.
        total: steps planned, if known.
        optimizers: those whose rates can be edited; none where the trainer has none of torch's.
        options: what is to be remembered.
        show: show the panel when in a notebook.
    """

    def __init__(
        self, *, name: str, epochs: float, total: int | None, optimizers: Any, options: Mapping[str, Any], show: bool,
    ) -> None:
        whole = max(1, math.ceil(epochs))
        self.run = TrackedRun(
            name=name, epochs=whole, total=total,
            rates=Rates(optimizers) if optimizers else None, options=options, on_begin=entered, on_end=left)
        self.run.begin(workspaces.current())
        if show:
            show_in_notebook(self.run)
        at_end_of_cell(self._cell_ended)

    def log(self, figures: Mapping[str, Any]) -> None:
        """Write what the trainer logs. What is no number is told once, and is no reason to end a training."""
        for name, value in figures.items():
            try:
                self.run.log(**{name: value})
            except ConfigError as error:
                if str(error) not in self.run.warnings:
                    self.run.publish(Warned(step=self.run.step, message=str(error)))

    def end(self) -> None:
        """The trainer says that it has ended."""
        if self.run.asked_to_stop:
            self.run.end_early()
        else:
            self.run.finish()

    def left(self) -> None:
        """The trainer has ended without a word."""
        self.run.end_early("The trainer was left before its end.")

    def _cell_ended(self, error: BaseException | None) -> None:
        """Training is over with its cell; a trainer that raised did not say so."""
        if error is not None:
            self.run.end_by(error)
        else:
            self.left()
