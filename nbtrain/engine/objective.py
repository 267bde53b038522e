"""What a step minimises: the loss of the model's output, or a step of the user's or a recipe's own; and its parts.

A loss may be one number, or several by name. Of several the one called ``loss`` is minimised; where there is none, the
sum of all is, each times its weight. The others are logged under their names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from torch import Tensor, nn

from nbtrain.core.errors import ModelError
from nbtrain.engine.batch import Batch
from nbtrain.engine.forward import call

#: The part that is minimised, and the one that metrics look at.
LOSS, OUTPUT = "loss", "output"

#: Series of a run that are no parts of a loss.
RESERVED = frozenset({
    "learning_rate", "grad_norm", "samples_per_second", "tokens_per_second", "train_loss", "val_loss"})

#: ``step(model, batch) -> loss``, or a mapping of named losses, which may hold the model's ``"output"`` for metrics.
Step = Callable[[nn.Module, Batch], Any]


class Outcome(NamedTuple):
    """Of one batch."""

    loss: Tensor
    """What is minimised, 0-d."""
    parts: Mapping[str, Tensor]
    """0-d each, by name; none where the loss is one number."""
    output: Any
    """What metrics look at; None where a step does not tell."""


class Parts:
    """Means of the parts of a loss over rows; a part that came with some batches only, over the rows of those."""

    def __init__(self) -> None:
        self._sums: dict[str, Tensor | float] = {}
        self._rows: dict[str, int] = {}

    def add(self, parts: Mapping[str, Tensor | float], rows: int) -> None:
        """Parts of a batch of so many rows, each the mean of them."""
        for name, part in parts.items():
            self._sums[name] = self._sums.get(name, 0.0) + (part.detach() if isinstance(part, Tensor) else part) * rows
            self._rows[name] = self._rows.get(name, 0) + rows

    def means(self) -> dict[str, Tensor | float]:
        """By name."""
        return {name: total / self._rows[name] for name, total in self._sums.items()}

    def told(self) -> dict[str, tuple[float, int]]:
        """Means and rows as plain numbers, for another process to add."""
        return {name: (float(mean), self._rows[name]) for name, mean in self.means().items()}


class Objective:
    """How a batch is judged, in training and in validation alike.

    Args:
        loss: ``loss(output, target)``, of the model's output for the batch's inputs.
        step: in the place of both; see `Step`.
        weights: of named losses without a ``loss`` among them; a name that is missing counts 1.
    """

    def __init__(
        self, loss: Callable[[Any, Any], Any], step: Step | None = None, weights: Mapping[str, float] | None = None,
    ) -> None:
        self.loss, self.step, self._weights = loss, step, dict(weights or {})
        self._tried = False

    def __call__(self, model: nn.Module, batch: Batch) -> Outcome:
        """Raises ModelError when what comes back is no loss."""
        if self.step is None:
            output = call(model, batch.inputs)
            found = self.loss(output, batch.target)
        else:
            found = self.step(model, batch)
            output = found.get(OUTPUT) if isinstance(found, Mapping) else None
        return self.outcome(found, output)

    def outcome(self, found: Any, output: Any) -> Outcome:
        """What a loss or a step gave, as an outcome. Raises ModelError."""
        if isinstance(found, Tensor) and not found.ndim and not self._weights:
            return Outcome(found, {}, output)
        if isinstance(found, Tensor) and not found.ndim:
            raise ModelError(
                "loss_weights weigh losses by name, and this loss is one number; leave them out, or return a dict of "
                "losses.")
        parts = {name: part for name, part in found.items() if name != OUTPUT} if isinstance(found, Mapping) else {}
        wrong = [name for name, part in parts.items() if not isinstance(part, Tensor) or part.ndim]
        if not parts or wrong:
            what = f"its part {wrong[0]!r} is not" if wrong else f"it is a {_said(found)}, not"
            raise ModelError(
                f"The loss cannot be used: {what} a tensor of one number; return one such tensor, or a dict of them by "
                "name.")
        taken = next((name for name in parts if name in RESERVED), None)
        if taken is not None:
            raise ModelError(f"A part of the loss cannot be called {taken!r}, as the run itself is; name it otherwise.")
        if LOSS in parts:
            if self._weights:
                raise ModelError(
                    "loss_weights weigh the parts of a sum, and this loss says itself what is minimised, as 'loss'; "
                    "leave one of the two out.")
            loss = parts.pop(LOSS)
            return Outcome(loss, parts, output)
        unknown = [name for name in self._weights if name not in parts]
        if unknown and not self._tried:  # later on, a part may be missing where a batch has nothing for it
            raise ModelError(
                f"loss_weights names {unknown[0]!r}, which the loss does not give for the first batch; it gives: "
                f"{', '.join(parts)}.")
        self._tried = True
        weighted = [part * self._weights.get(name, 1.0) for name, part in parts.items()]
        return Outcome(sum(weighted[1:], start=weighted[0]), parts, output)


def _said(found: Any) -> str:
    return f"tensor of shape {tuple(found.shape)}" if isinstance(found, Tensor) else type(found).__name__
