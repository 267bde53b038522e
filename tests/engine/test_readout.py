"""What is not finite never reaches the weights: state, checkpoint and error are those of the step before."""

from __future__ import annotations

import copy
import math
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

import nbtrain
from nbtrain.config import TrainConfig
from nbtrain.core.control import Control
from nbtrain.core.errors import NonFiniteLossError
from nbtrain.core.history import History
from nbtrain.engine.checkpoint import CheckpointFolder
from nbtrain.engine.engine import Engine
from nbtrain.engine.job import Ingredients, prepare
from nbtrain.engine.readout import Lookback, judge
from tests.engine import toys

BAD = 7
OPTIONS = {"epochs": 3, "batch_size": 16, "use_ema": True, "ema_decay": 0.9, "seed": 3}


class Poisoned(nn.Module):
    """A model that once, at update `BAD`, meets something not finite at the place `where`."""

    def __init__(self, where, at=BAD):
        super().__init__()
        self.inner: Any = toys.net()
        self.where, self.at, self.calls = where, at, 0

    def forward(self, x):
        self.calls += self.training
        bad = self.training and self.calls == self.at
        if bad and self.where == "input":
            x = x * math.nan
        x = self.inner[:2](x)
        if bad and self.where == "running mean":
            self.inner[1].running_mean.fill_(math.inf)
        x = self.inner[2:](x)
        if bad and self.where == "loss":
            return x + math.inf
        if bad and self.where == "gradient":
            return x + BadGradient.apply(x)
        return x


class BadGradient(torch.autograd.Function):
    """Zero, with a gradient that is not a number."""

    @staticmethod
    def forward(ctx, x):
        return torch.zeros_like(x)

    @staticmethod
    def backward(ctx, gradient):
        return gradient * math.nan


def state_after(steps):
    """Everything a run holds that was stopped after so many steps."""
    model = Poisoned("nowhere")
    run = toys.asked(model, steps, nbtrain.core.control.Stop(), **OPTIONS)
    assert run.wait() == "stopped"
    assert run.step == steps
    return toys.remains(run)


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NBTRAIN_HOME", str(tmp_path_factory.mktemp("good")))
        return state_after(BAD - 1)


@pytest.mark.parametrize("where", ["input", "loss", "gradient"])
def test_a_bad_step_leaves_nothing_behind_and_the_run_can_be_resumed(where, good):
    model = Poisoned(where)
    run = toys.train(toys.AtStep(model, 0, lambda: None), **OPTIONS)
    with pytest.raises(
        NonFiniteLossError, match=rf"of step {BAD} is (nan|inf); the weights .* are those of step {BAD - 1}"
    ):
        run.wait()
    assert (run.state, run.step) == ("failed", BAD - 1)
    assert isinstance(run.error, NonFiniteLossError)
    assert run.error.step == BAD
    assert toys.difference(toys.remains(run), good) == []
    newest = CheckpointFolder(run.folder / "checkpoints").generations()[-1]
    assert (newest.step, newest.reason, newest.finite) == (BAD - 1, "error", True)
    again = nbtrain.resume(run.id, show=False)
    assert again.wait() == "finished"
    assert again.resumed == {"exact": True, "reasons": []}


def test_running_means_that_a_bad_batch_moved_are_put_back(good):
    """The loss of the step is fine, its running means are not; the next step's loss is not either way."""
    model = Poisoned("input")
    run = toys.train(toys.AtStep(model, 0, lambda: None), **OPTIONS)
    with pytest.raises(NonFiniteLossError):
        run.wait()
    assert all(bool(buffer.isfinite().all()) for buffer in model.buffers())
    assert int(model.inner[1].num_batches_tracked) == BAD - 1


def test_an_exception_in_the_middle_of_a_step_leaves_the_state_of_the_step_before(good):
    model = Poisoned("nowhere")

    def fail():
        model.inner[1](torch.randn(4, 16))  # moves the running means
        raise RuntimeError("a cable was pulled")

    run = toys.train(toys.AtStep(model, BAD, fail), **OPTIONS)
    with pytest.raises(
        nbtrain.core.errors.TrainingError, match="The run failed at step 6: RuntimeError: a cable was pulled"
    ):
        run.wait()
    assert toys.difference(toys.remains(run), good) == []


# -- as on a GPU: the update is masked, and its figures are looked at a step later ----------------


class Memory:
    """A saver that keeps nothing, so that the engine's own state can be looked at."""

    def after_step(self, engine): ...
    def after_epoch(self, engine, *, improved, figures): ...
    def keep_samples(self, engine, samples): ...
    def save(self, engine, reason): ...
    def settle(self): ...
    def catch_up(self, engine): ...


def engine_for(model, *, look_back, **options):
    config = TrainConfig(**{**OPTIONS, **options})
    job = prepare(Ingredients(model, toys.data()), config)
    engine = Engine(job, config, control=Control(), history=History(), publish=lambda event: None, saver=Memory())
    if look_back:
        engine.lookback = Lookback(engine.optimizer, engine._settled)
    return engine


def everything(engine):
    state = engine.state()
    del state["position"]["seconds"]
    tensors = copy.deepcopy(engine.components())
    for group in tensors["optimizer"]["param_groups"]:
        del group["lr"]  # set anew from the step before each update
    return SimpleNamespace(tensors=tensors, state=state, measured=toys.measured(engine.history))


def assert_same(one, other):
    assert one.state == other.state
    assert one.measured == other.measured
    flat_one, flat_other = (torch.utils._pytree.tree_flatten(x.tensors) for x in (one, other))
    assert str(flat_one[1]) == str(flat_other[1])
    for mine, theirs in zip(flat_one[0], flat_other[0], strict=True):
        assert torch.equal(mine, theirs) if isinstance(mine, torch.Tensor) else mine == theirs


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "sgd"])
def test_looking_back_trains_to_the_same_bits(optimizer):
    ended = []
    for look_back in (False, True):
        engine = engine_for(Poisoned("nowhere"), look_back=look_back, optimizer=optimizer)
        assert (engine.lookback is not None) == look_back
        engine.fit()
        ended.append(everything(engine))
    assert_same(*ended)


@pytest.mark.parametrize("where", ["input", "loss", "gradient"])
@pytest.mark.parametrize(
    "step", [1, BAD, 13, 39]
)  # the first, one in the middle, the last of an epoch, the last of all
def test_looking_back_a_bad_step_leaves_nothing_behind(where, step):
    engine = engine_for(Poisoned(where, step), look_back=True)
    with pytest.raises(NonFiniteLossError) as caught:
        engine.fit()
    assert caught.value.step == step
    assert engine.at.step == step - 1
    assert not engine.torn
    expected = engine_for(Poisoned(where, step), look_back=False)
    with pytest.raises(NonFiniteLossError):
        expected.fit()
    assert_same(everything(engine), everything(expected))


def test_two_bad_steps_in_a_row_go_back_to_the_first(monkeypatch):
    class Twice(Poisoned):
        def forward(self, x):
            return super().forward(x * (math.nan if self.training and self.calls + 1 == BAD + 1 else 1))

    engine = engine_for(Twice("loss"), look_back=True)
    with pytest.raises(NonFiniteLossError):
        engine.fit()
    assert engine.at.step == BAD - 1
    assert all(bool(t.isfinite().all()) for t in engine.model.state_dict().values())
    assert all(bool(t.isfinite().all()) for t in engine.ema.state_dict().values())


@pytest.mark.parametrize(
    ("loss", "norm", "what"), [(math.nan, 1.0, "loss"), (1.0, math.inf, "gradient norm"), (math.inf, 1.0, "loss")]
)
def test_the_error_says_what_was_not_finite(loss, norm, what):
    with pytest.raises(
        NonFiniteLossError, match=f"^The {what} of step 5 is .*; the weights were not touched"
    ) as caught:
        judge(5, loss, norm)
    assert caught.value.step == 5
    judge(5, 1.0, 1.0)
