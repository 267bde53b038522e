from __future__ import annotations

import pytest
import torch
from torch.optim import lr_scheduler

import nbtrain
from nbtrain.tracking.rates import Rates, schedulers_of


def optimizer(*rates: float, kind=torch.optim.SGD, **options):
    groups = [{"params": [torch.nn.Parameter(torch.zeros(1))], "lr": rate} for rate in rates]
    return kind(groups, **options)


def rates_of(*optimizers):
    return [float(group["lr"]) for one in optimizers for group in one.param_groups]


SCHEDULERS = {
    "lambda": lambda of: lr_scheduler.LambdaLR(of, lambda step: 1 / (step + 1)),
    "step": lambda of: lr_scheduler.StepLR(of, 2, 0.5),
    "exponential": lambda of: lr_scheduler.ExponentialLR(of, 0.9),
    "linear": lambda of: lr_scheduler.LinearLR(of, 0.1, 1.0, 5),
    "cosine": lambda of: lr_scheduler.CosineAnnealingLR(of, 10),
    "one cycle": lambda of: lr_scheduler.OneCycleLR(of, max_lr=0.2, total_steps=12),
    "cyclic": lambda of: lr_scheduler.CyclicLR(of, base_lr=0.1, max_lr=0.3, step_size_up=3),
    "sequential": lambda of: lr_scheduler.SequentialLR(
        of, [lr_scheduler.LinearLR(of, 0.5, 1.0, 2), lr_scheduler.ExponentialLR(of, 0.9)], [3]),
}


@pytest.mark.parametrize("name", SCHEDULERS)
@pytest.mark.filterwarnings("ignore:The epoch parameter:UserWarning")
def test_with_a_scheduler_the_rest_of_the_curve_is_scaled(name):
    def curve(edited_at: int | None) -> list[float]:
        edited = optimizer(0.1, 0.02)
        rates, scheduler, seen = Rates(edited), SCHEDULERS[name](edited), []
        for step in range(10):
            if step == edited_at:
                rates.set({"learning_rate": rates.options()["learning_rate"] * 3})
            seen += rates_of(edited)
            edited.step()
            scheduler.step()
        return seen

    plain, edited = curve(None), curve(4)
    assert edited[:8] == plain[:8]
    assert edited[8:] == pytest.approx([3 * rate for rate in plain[8:]], rel=1e-6)


def test_groups_keep_their_proportions_and_no_decay_stays_none():
    mine = optimizer(0.1, 0.01)
    mine.param_groups[0]["weight_decay"], mine.param_groups[1]["weight_decay"] = 0.0, 0.04
    rates = Rates(mine)
    assert rates.options() == {"learning_rate": 0.1, "weight_decay": 0.04}
    rates.set({"learning_rate": 0.5, "weight_decay": 0.02})
    assert rates_of(mine) == pytest.approx([0.5, 0.05])
    assert [group["weight_decay"] for group in mine.param_groups] == pytest.approx([0.0, 0.02])


def test_from_nothing_all_groups_get_the_new_value():
    mine = optimizer(0.0, 0.0, weight_decay=0.0)
    Rates(mine).set({"learning_rate": 0.1, "weight_decay": 0.01})
    assert rates_of(mine) == [0.1, 0.1]
    assert [group["weight_decay"] for group in mine.param_groups] == [0.01, 0.01]


def test_several_optimizers_move_together():
    first, second = optimizer(0.1), optimizer(0.4)
    rates = Rates([first, second])
    rates.set({"learning_rate": 0.2})
    assert rates_of(first, second) == pytest.approx([0.2, 0.8])


def test_a_rate_that_is_a_tensor_stays_that_tensor():
    mine = optimizer(0.1, kind=torch.optim.Adam)
    rate = mine.param_groups[0]["lr"] = torch.tensor(0.1)
    Rates(mine).set({"learning_rate": 0.2})
    assert mine.param_groups[0]["lr"] is rate
    assert float(rate) == pytest.approx(0.2)


def test_groups_that_were_loaded_from_a_state_are_the_ones_that_change():
    mine = optimizer(0.1)
    rates = Rates(mine)
    mine.load_state_dict(optimizer(0.3).state_dict())
    assert rates.learning_rate == 0.3
    rates.set({"learning_rate": 0.6})
    assert rates_of(mine) == pytest.approx([0.6])


def test_only_the_schedulers_of_the_optimizer_are_found():
    mine, other = optimizer(0.1), optimizer(0.1)
    of_mine, of_other = lr_scheduler.ExponentialLR(mine, 0.9), lr_scheduler.ExponentialLR(other, 0.9)
    assert schedulers_of([mine]) == [of_mine]
    assert schedulers_of([other]) == [of_other]


@pytest.mark.parametrize("given", [torch.nn.Linear(1, 1), "adam", [None], {"lr": 0.1}])
def test_what_is_no_optimizer_is_refused(given):
    with pytest.raises(nbtrain.ConfigError, match="hand in the torch"):
        Rates(given)
