"""Forking: from any checkpoint, with any option changed, and the parent left alone."""

from __future__ import annotations

import copy

import pytest
import torch

import nbtrain
from nbtrain.core.errors import CheckpointError, ConfigError
from nbtrain.engine.checkpoint import CheckpointFolder
from tests.engine import toys
from tests.halves import stopped_at, wrapped
from tests.waiting import reached


def test_a_fork_goes_on_from_a_checkpoint_with_other_options_and_leaves_its_parent_alone():
    run = toys.trained(wrapped(), **{**toys.RICH, "checkpoint_every": 5, "keep_checkpoints": 9})
    before, weights = toys.remains(run), copy.deepcopy(run.model.state_dict())
    branch = run.fork(step=10, learning_rate=1e-4, epochs=4, name="slower")
    assert (branch.parent, branch.name, branch.resumed) == (run.id, "slower", None)
    assert branch.id != run.id
    assert branch.model is not run.model
    assert branch.wait() == "finished"
    assert branch.epochs == 4
    mine, theirs = run.history["loss"], branch.history["loss"]
    assert (mine.values[:10] == theirs.values[:10]).all()
    assert theirs.steps.tolist() == list(range(1, branch.step + 1))
    assert branch.history["learning_rate"].values[10] < 0.2 * run.history["learning_rate"].values[10]
    assert toys.difference(toys.remains(run), before) == []
    assert all(torch.equal(weights[name], tensor) for name, tensor in run.model.state_dict().items())
    assert [row["parent"] for row in nbtrain.runs()][:2] == [run.id, None]


def test_a_fork_that_changes_nothing_is_the_run_itself():
    run = toys.trained(wrapped(), **{**toys.RICH, "checkpoint_every": 5, "keep_checkpoints": 9})
    branch = run.fork(step=5)
    branch.wait()
    assert toys.difference(toys.remains(branch), toys.remains(run)) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"batch_size": 8},
        {"optimizer": "sgd"},
        {"optimizer": "rmsprop", "momentum": 0.0},
        {"gradient_accumulation_steps": 1},
        {"use_ema": False},
        {"seed": 8},
        {"mixed_precision": "bf16"},
        {"gradient_checkpointing": True},
        {"monitor": "train_loss"},
    ],
)
def test_a_fork_may_change_any_option(changes):
    run = stopped_at(10)
    branch = run.fork(**changes, model=wrapped())
    assert branch.wait() == "finished"
    assert branch.step > 10
    assert {name: branch.config[name] for name in changes} == changes
    again = toys.resume(run.id)
    assert again.wait() == "finished"


def test_momentum_is_what_the_fork_says():
    run = toys.trained(toys.plain_net(), epochs=1, optimizer="sgd", momentum=0.0)
    branch = run.fork(momentum=0.9, epochs=2)
    branch.wait()
    kept = CheckpointFolder(branch.folder / "checkpoints").load()[0]
    assert {group["momentum"] for group in kept.state["trees"]["optimizer"]["param_groups"]} == {0.9}


def test_a_fork_of_a_running_run_trains_beside_it():
    run = toys.train(wrapped(), **{**toys.RICH, "epochs": 900, "early_stopping": False, "checkpoint_every": 3})
    reached(run, 8)
    branch = run.fork(epochs=run._trainer.at.epoch + 2)
    assert branch.wait() == "finished"
    assert run.state == "running"
    assert branch.parent == run.id
    run.stop()


def test_a_killed_fork_can_be_resumed_from_where_it_branched():
    run = toys.trained(wrapped(), epochs=2)
    branch = run.fork(epochs=3, checkpoint_every=0)
    branch.wait()
    assert (run.step, "start") in [
        (event.step, event.reason)
        for event in branch.events
        if hasattr(event, "generation") and hasattr(event, "reason")
    ]


def test_a_step_that_is_not_kept_is_named_with_those_that_are():
    run = toys.trained(epochs=1)
    with pytest.raises(CheckpointError, match=r"There is no sound checkpoint of step 3 in .*; steps there are: 0, 7"):
        run.fork(step=3)
    with pytest.raises(ConfigError, match="learning_rate is 7"):
        run.fork(learning_rate=7)
