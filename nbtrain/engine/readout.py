"""Losses and gradient norms on their way from the device into the history.

On the CPU a number is there at once, so it is looked at before the update. On a GPU looking would make
the host wait for the device. There the update is masked on the device instead (`found_inf`, which fused
optimizers take), and the numbers are looked at one step later, while the device is already busy with the next.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from nbtrain.core.errors import NonFiniteLossError


def judge(step: int, loss: float, norm: float) -> None:
    """Raises NonFiniteLossError when the figures of update number `step` are not finite."""
    if math.isfinite(loss) and math.isfinite(norm):
        return
    what, value = ("loss", loss) if not math.isfinite(loss) else ("gradient norm", norm)
    raise NonFiniteLossError(
        f"The {what} of step {step} is {value}; the weights were not touched and are those of step {step - 1}. "
        "Lower learning_rate, set max_grad_norm to 1, or look at the data of this step.",
        step=step)


class _Waiting(NamedTuple):
    step: int
    figures: Tensor
    parts: tuple[str, ...]
    event: torch.cuda.Event | None


class Lookback:
    """Masks bad updates on the device and reports them one step later.

    Only for optimizers whose fused `step` honours `found_inf` (the hook that gradient scalers use).

    Args:
        optimizer: whose updates are masked.
        settle: told step, loss, gradient norm and parts of the loss of each update that was good.
    """

    def __init__(
        self, optimizer: torch.optim.Optimizer, settle: Callable[[int, float, float, Mapping[str, float]], None],
    ) -> None:
        self._optimizer = optimizer
        self._settle = settle
        self._waiting: _Waiting | None = None

    def mask(self, step: int, loss: Tensor, norm: Tensor, parts: Mapping[str, Tensor]) -> None:
        """Make the coming `optimizer.step` do nothing if this step is not finite. The one before must be settled."""
        figures = torch.stack([value.detach().float() for value in (loss, norm, *parts.values())])
        self._optimizer.found_inf = (~torch.isfinite(figures[:2]).all()).float()  # type: ignore[attr-defined]
        event = None
        if figures.is_cuda:
            host = torch.empty(len(figures), pin_memory=True)
            host.copy_(figures, non_blocking=True)
            event = torch.cuda.Event()
            event.record()
            figures = host
        self._waiting = _Waiting(step, figures, tuple(parts), event)

    def look(self) -> None:
        """Settle the step that waits, if any. Raises NonFiniteLossError when it did nothing."""
        if self._waiting is None:
            return
        step, figures, names, event = self._waiting
        self._waiting = None
        if event is not None:
            event.synchronize()
        loss, norm, *parts = figures.tolist()
        judge(step, loss, norm)
        self._settle(step, loss, norm, dict(zip(names, parts, strict=True)))
