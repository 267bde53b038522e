from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.optim import SGD, Optimizer, lr_scheduler

from nbtrain.config import ScheduleConfig
from nbtrain.engine.schedules import Schedule

TOTAL, EPOCH = 300, 30
NAMES = [
    "constant", "linear", "cosine", "cosine_with_restarts", "exponential", "step", "polynomial", "inverse_sqrt",
]


def torchs(make: Callable[[Optimizer], Any], steps: int) -> list[float]:
    """The learning rates that a scheduler of torch gives an optimizer whose own is 1."""
    optimizer = SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler = make(optimizer)
    rates = []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


def ours(steps: int = TOTAL, total: int = TOTAL, epoch: int = EPOCH, **options: Any) -> list[float]:
    schedule = Schedule(ScheduleConfig(**options), total, epoch)
    return [schedule(step) for step in range(steps)]


@pytest.mark.parametrize(("options", "make"), [
    ({"scheduler": "constant"}, lambda o: lr_scheduler.ConstantLR(o, factor=1.0)),
    ({"scheduler": "linear"}, lambda o: lr_scheduler.LinearLR(o, 1.0, 0.0, TOTAL)),
    ({"scheduler": "cosine"}, lambda o: lr_scheduler.CosineAnnealingLR(o, TOTAL)),
    ({"scheduler": "cosine_with_restarts", "scheduler_t_0": 2, "scheduler_t_mult": 2},
     lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 2 * EPOCH, 2)),
    ({"scheduler": "cosine_with_restarts", "scheduler_t_0": 1, "scheduler_t_mult": 3},
     lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, EPOCH, 3)),
    ({"scheduler": "cosine_with_restarts", "scheduler_t_0": 3, "scheduler_t_mult": 1},
     lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 3 * EPOCH, 1)),
    ({"scheduler": "exponential", "scheduler_gamma": 0.8}, lambda o: lr_scheduler.ExponentialLR(o, 0.8 ** (1 / EPOCH))),
    ({"scheduler": "step", "scheduler_gamma": 0.3, "scheduler_step_size": 4},
     lambda o: lr_scheduler.StepLR(o, 4 * EPOCH, 0.3)),
    ({"scheduler": "polynomial", "scheduler_power": 2.5}, lambda o: lr_scheduler.PolynomialLR(o, TOTAL, 2.5)),
])
def test_each_scheduler_is_torchs_step_by_step(options: dict[str, Any], make: Callable[[Optimizer], Any]):
    assert ours(**options) == pytest.approx(torchs(make, TOTAL), abs=1e-9)


@pytest.mark.parametrize("name", ["linear", "cosine", "polynomial"])
def test_a_warmup_is_torchs_linear_one_and_the_rest_follows(name: str):
    rest = {
        "linear": lambda o: lr_scheduler.LinearLR(o, 1.0, 0.0, TOTAL - 50),
        "cosine": lambda o: lr_scheduler.CosineAnnealingLR(o, TOTAL - 50),
        "polynomial": lambda o: lr_scheduler.PolynomialLR(o, TOTAL - 50, 2.0),
    }[name]
    expected = torchs(lambda o: lr_scheduler.LinearLR(o, 1 / 51, 1.0, 50), 50) + torchs(rest, TOTAL - 50)
    assert ours(scheduler=name, warmup_steps=50) == pytest.approx(expected, abs=1e-9)


def test_exponential_has_torchs_values_at_the_epochs_ends():
    epochs = torchs(lambda o: lr_scheduler.ExponentialLR(o, 0.9), 10)
    assert ours(scheduler="exponential", scheduler_gamma=0.9)[::EPOCH] == pytest.approx(epochs)


@pytest.mark.parametrize("warmup", [1, 40])
def test_inverse_square_root_is_the_formula_of_transformers(warmup: int):
    rates = ours(scheduler="inverse_sqrt", warmup_steps=warmup)
    expected = [1 / math.sqrt((step + 0) / warmup) for step in range(warmup, TOTAL)]
    assert rates[warmup:] == pytest.approx(expected)


def test_inverse_square_root_without_warmup_has_a_time_scale_of_ten_thousand():
    rates = ours(steps=20_001, total=30_000, scheduler="inverse_sqrt")
    assert rates[0] == 1.0
    assert rates[10_000] == pytest.approx(1 / math.sqrt(2))
    assert rates[20_000] == pytest.approx(1 / math.sqrt(3))


def test_a_warmup_rises_evenly_never_wastes_an_update_and_reaches_the_top():
    rates = ours(scheduler="constant", warmup_steps=4)
    assert rates[:6] == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0, 1.0])


def test_a_warmup_in_epochs_is_one_in_steps():
    assert ours(scheduler="cosine", warmup_epochs=1.5) == ours(scheduler="cosine", warmup_steps=45)


@given(
    name=st.sampled_from(NAMES), total=st.integers(1, 500), epoch=st.integers(1, 100), warmup=st.integers(0, 600),
    gamma=st.floats(0.01, 1.0), growth=st.integers(1, 4), first=st.integers(1, 5))
def test_factors_lie_between_zero_and_one_and_hold_after_the_end(
    *, name: Any, total: int, epoch: int, warmup: int, gamma: float, growth: int, first: int,
):
    config = ScheduleConfig(
        scheduler=name, warmup_steps=warmup, scheduler_gamma=gamma, scheduler_t_mult=growth, scheduler_t_0=first,
        scheduler_step_size=first)
    schedule = Schedule(config, total, epoch)
    factors = [schedule(step) for step in range(total + 5)]
    assert all(0.0 <= factor <= 1.0 for factor in factors)
    if total > warmup:
        assert schedule(total) == schedule(total + 1000)


@pytest.mark.parametrize("name", NAMES)
def test_a_factor_does_not_depend_on_what_was_asked_before(name: Any):
    config = ScheduleConfig(scheduler=name, warmup_steps=10)
    forwards = Schedule(config, TOTAL, EPOCH)
    backwards = Schedule(config, TOTAL, EPOCH)
    up = [forwards(step) for step in range(TOTAL)]
    down = [backwards(step) for step in reversed(range(TOTAL))]
    assert up == down[::-1]


def test_long_cycles_start_anew_at_exactly_the_right_step():
    schedule = Schedule(ScheduleConfig(
        scheduler="cosine_with_restarts", scheduler_t_0=1, scheduler_t_mult=2), 10**9, 1000)
    start = 0
    for cycle in range(18):
        assert schedule(start) == 1.0, f"cycle {cycle} starts at {start}"
        assert schedule(start + 1000 * 2**cycle - 1) < 1e-4
        start += 1000 * 2**cycle
