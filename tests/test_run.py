"""The handle of a run: what it says in each state, and what it does with a bad request."""

from __future__ import annotations

import pytest
from torch.utils.data import DataLoader, TensorDataset

import nbtrain
from nbtrain import training
from nbtrain.core.control import Edit, Pause
from nbtrain.core.errors import CommandError, ConfigError, RunNotFoundError, TrainingError
from tests.engine import toys
from tests.waiting import reached


def test_a_finished_run_says_all_of_itself():
    model = toys.net()
    run = toys.trained(model, epochs=2, name="digits")
    assert run.model is model
    assert (run.name, run.state, run.reason, run.step, run.total_steps) == ("digits", "finished", "", 14, 14)
    assert (run.epoch, run.epochs, run.progress, run.error, run.parent, run.resumed) == (2, 2, 1.0, None, None, None)
    assert run.seconds > 0
    assert run.seconds_left is None
    assert run.folder.name == run.id
    assert run.options()["epochs"] == run.config["epochs"] == 2
    assert repr(run) == f"<Run {run.id} 'digits': finished, step 14/14, loss {run.history.last('loss'):.4g}>"
    assert len(run.history.frame()) == 14


def test_a_run_that_is_on_its_way_says_how_far_it_is():
    run = toys.train(epochs=900)
    reached(run, 3)
    run.pause()
    assert 0 < run.progress < 1
    assert run.progress == run.step / run.total_steps
    assert run.seconds_left > 0
    assert 1 <= run.epoch <= 900
    assert run.wait(0.01) == "paused"
    assert training.active() == [run]
    run.stop()
    assert training.active() == []


def test_request_does_not_wait():
    run = toys.train(epochs=900)
    ticket = run.request(Pause())
    assert ticket.wait(60)
    assert run.state == "paused"
    wrong = run.request(Edit({"batch_size": 4}))
    assert wrong.done
    with pytest.raises(ConfigError, match="batch_size cannot change"):
        wrong.wait()
    run.stop()


def test_a_run_of_another_kernel_is_found_but_not_steered():
    run = toys.trained(epochs=1, name="old")
    run_id, history = run.id, toys.measured(run.history)
    del run
    view = training.find(run_id)
    assert (view.name, view.state, view.step, view.progress, view.epochs) == ("old", "finished", 7, 1.0, 1)
    assert toys.measured(view.history) == history
    ticket = view.request(Pause())
    with pytest.raises(CommandError, match=f"Run {run_id} is not in this kernel, so it cannot be steered from here"):
        ticket.wait()
    with pytest.raises(RunNotFoundError, match=f"did you mean '{run_id}'"):
        training.find(run_id[:-2])


def test_what_a_run_warns_of_is_known_now_and_later():
    loader = DataLoader(TensorDataset(*toys.data()), batch_size=16)
    run = toys.trained(given=loader, epochs=1)
    said = ["A DataLoader is not split, so nothing is validated on; hand in data for it: validation=…."]
    assert run.warnings == said
    run_id = run.id
    del run
    assert training.find(run_id).warnings == said


def test_a_failed_run_of_another_kernel_keeps_its_error():
    def fail():
        raise RuntimeError("a cable was pulled")

    run = toys.train(toys.AtStep(toys.net(), 2, fail), epochs=1)
    with pytest.raises(TrainingError):
        run.wait()
    run_id, said = run.id, str(run.error)
    del run
    view = training.find(run_id)
    assert (view.state, view.reason, str(view.error)) == ("failed", said, said)


def test_forking_is_a_method_of_the_run():
    run = toys.trained(epochs=1)
    branch = run.fork(epochs=2, name="more")
    assert isinstance(branch, nbtrain.Run)
    assert (branch.wait(), branch.name, branch.parent) == ("finished", "more", run.id)
