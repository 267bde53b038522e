"""The learning rate's factor as a closed form of the step.

There is no scheduler object with a state: the factor of update `step` follows from `step` alone. So a
resume is exact without saving anything, the number of epochs can be edited live, and nothing is paid
for torch's scheduler machinery (see docs/decisions/007-schedules-in-closed-form.md).
"""

from __future__ import annotations

import math
from collections.abc import Callable

from nbtrain.config import ScheduleConfig


class Schedule:
    """The factor (0–1) that the learning rate is multiplied by, for each optimizer update.

    With N warm-up steps, update t (0-based) of the first N has the factor (t + 1) / (N + 1), which is
    `torch.optim.lr_scheduler.LinearLR(start_factor=1 / (N + 1), total_iters=N)`: no update is lost on a
    factor of zero. The others follow the scheduler, counted from the end of the warm-up (t = 0) to the end
    of the run (t = T). After the end the factor stays what it was there.

    Args:
        config: scheduler, its parameters (in epochs) and the warm-up (in steps or epochs).
        total_steps: updates of the whole run, warm-up included.
        steps_per_epoch: updates an epoch.
    """

    __slots__ = ("_decay", "total_steps", "warmup_steps")

    def __init__(self, config: ScheduleConfig, total_steps: int, steps_per_epoch: int) -> None:
        self.total_steps = total_steps
        self.warmup_steps = config.warmup_steps or round(config.warmup_epochs * steps_per_epoch)
        after = max(1, total_steps - self.warmup_steps)
        self._decay = _decay(config, after, max(1, steps_per_epoch), self.warmup_steps)

    def __call__(self, step: int) -> float:
        """The factor of update number `step`, 0-based."""
        after = step - self.warmup_steps
        if after < 0:
            return (step + 1) / (self.warmup_steps + 1)
        return self._decay(after)


def _decay(  # noqa: PLR0911 - one formula for each scheduler
    config: ScheduleConfig, total: int, epoch: int, warmup: int,
) -> Callable[[int], float]:
    """Factor of the t-th update after the warm-up; `total` of them are left, `epoch` make an epoch."""
    match config.scheduler:
        case "constant":
            return lambda _: 1.0
        case "linear":  # torch's LinearLR(1, 0, T), transformers' linear
            return lambda t: max(0.0, 1.0 - t / total)
        case "cosine":  # torch's CosineAnnealingLR(T); Loshchilov, Hutter 2017
            return lambda t: 0.5 * (1.0 + math.cos(math.pi * min(t, total) / total))
        case "cosine_with_restarts":
            return _restarts(config.scheduler_t_0 * epoch, config.scheduler_t_mult, total)
        case "exponential":  # torch's ExponentialLR at the epochs' ends, smooth between them
            return lambda t: config.scheduler_gamma ** (min(t, total) / epoch)
        case "step":  # torch's StepLR
            return lambda t: config.scheduler_gamma ** (min(t, total) // (config.scheduler_step_size * epoch))
        case "polynomial":  # torch's PolynomialLR(T, power)
            return lambda t: max(0.0, 1.0 - t / total) ** config.scheduler_power
        case "inverse_sqrt":  # transformers' inverse_sqrt: the time scale is the warm-up, else 10,000 steps
            scale = warmup or 10_000
            return lambda t: 1.0 / math.sqrt(1.0 + min(t, total) / scale)


def _restarts(first: int, growth: int, total: int) -> Callable[[int], float]:
    """Cosine cycles of `first`, `first` × `growth`, `first` × `growth`² … steps: CosineAnnealingWarmRestarts."""

    def factor(t: int) -> float:
        t, length = min(t, total), first
        if growth == 1:
            t %= length
        while t >= length:  # a handful of times: cycles grow by powers
            t -= length
            length *= growth
        return 0.5 * (1.0 + math.cos(math.pi * t / length))

    return factor
