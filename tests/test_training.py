"""The verbs: resume after anything, fork from anywhere, several runs at once, and nothing left behind."""

from __future__ import annotations

import copy
import gc
import json
import os
import subprocess
import sys
import textwrap
import threading
import weakref
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.utils.data import Dataset

import nbtrain
from nbtrain import training
from nbtrain.core.control import Stop
from nbtrain.core.errors import (
    CheckpointError,
    CommandError,
    ConfigError,
    DataError,
    ModelError,
    RunNotFoundError,
    TrainingError,
)
from nbtrain.core.events import Resumed, Warned
from nbtrain.engine.checkpoint import CheckpointFolder
from nbtrain.store import lock
from tests.engine import toys


def stopped_at(step, **options):
    """A run that was stopped after `step` steps, everything on."""
    run = toys.train(toys.AtStep(toys.net(), step * 2, lambda: run.request(Stop())), **{**toys.RICH, **options})
    assert run.wait() == "stopped"
    assert run.step == step
    return run


def wrapped():
    """A model of the same shape as `stopped_at` trains."""
    return toys.AtStep(toys.net(), 0, lambda: None)


def undisturbed(**options):
    return toys.trained(wrapped(), **{**toys.RICH, **options})


def in_another_kernel(code, **variables):
    """Run `code` in a fresh process on the same workspace; gives what it prints as JSON."""
    head = "import json, sys, torch, nbtrain\nfrom tests.engine import toys\nfrom tests.test_training import *\n"
    given = "".join(f"{name} = {value!r}\n" for name, value in variables.items())
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", head + given + textwrap.dedent(code)],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path.cwd())},
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


# -- resume ------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", [3, 10])  # in the first epoch, in the second
def test_resuming_in_the_same_kernel_is_exact(step):
    run = stopped_at(step)
    again = toys.resume(run.id)
    assert again.id == run.id
    assert again.wait() == "finished"
    assert again.resumed == {"exact": True, "reasons": []}
    assert [(event.step, event.exact) for event in again.events if isinstance(event, Resumed)] == [(step, True)]
    assert toys.difference(toys.remains(again), toys.remains(undisturbed())) == []


def test_resuming_in_a_fresh_kernel_is_exact_and_a_changed_number_of_threads_is_said():
    run, other = stopped_at(10), stopped_at(10)
    code = """
        torch.set_num_threads(threads)
        run = toys.resume(run_id, model=wrapped(), data=toys.data())
        run.wait()
        print(json.dumps({"state": run.state, "resumed": run.resumed, "remains": toys.remains(run)}))
    """
    exact = in_another_kernel(code, run_id=run.id, threads=torch.get_num_threads())
    assert (exact["state"], exact["resumed"]) == ("finished", {"exact": True, "reasons": []})
    assert toys.difference(exact["remains"], json.loads(json.dumps(toys.remains(undisturbed())))) == []
    threads = torch.get_num_threads()
    changed = in_another_kernel(code, run_id=other.id, threads=threads + 1)
    assert changed["resumed"] == {
        "exact": False,
        "reasons": [f"the number of threads was {threads} and is {threads + 1}"],
    }


def test_a_kernel_that_ends_while_a_run_trains_leaves_a_checkpoint():
    options = {**toys.RICH, "epochs": 300, "early_stopping": False, "checkpoint_every": 0}
    run_id = in_another_kernel(
        """
        run = nbtrain.train(wrapped(), toys.data(), show=False, **options)
        while run.step < 20:
            pass
        print(json.dumps(run.id))
    """,
        options=options,
    )
    view = training.find(run_id)
    assert view.state == "stopped"
    assert view.step >= 20
    again = toys.resume(run_id, model=wrapped(), data=toys.data())
    assert again.resumed["exact"]
    steps = view.step + 10
    while again.step < steps:
        threading.Event().wait(0.001)
    again.stop()
    whole = toys.train(toys.AtStep(toys.net(), steps * 2, lambda: whole.request(Stop())), **options)
    whole.wait()
    assert [event.step for event in again.events if isinstance(event, Resumed)] == [view.step]
    assert (again.history["loss"].values[:steps] == whole.history["loss"].values[:steps]).all()


def test_resuming_without_what_the_run_was_started_with_says_what_to_hand_in():
    def my_loss(output, target):
        return nn.functional.cross_entropy(output, target)

    run = stopped_at(
        2, label_smoothing=0.0, loss=my_loss, metrics=["accuracy", my_loss], validation=toys.data(50, seed=5)
    )
    run_id = run.id
    del run
    gc.collect()
    with pytest.raises(DataError) as caught:
        toys.resume(run_id)
    assert str(caught.value) == (
        f"Run {run_id} was started in another kernel, so its model, data, validation, loss and metrics must be "
        f"handed in: nbtrain.resume('{run_id}', model=net, data=(X, y), validation=(X_val, y_val), loss=my_loss, "
        "metrics=['accuracy', my_loss])."
    )
    with pytest.raises(
        DataError, match=r"so its validation must be handed in: nbtrain.resume\('.*', validation=\(X_val, y_val\)\)"
    ):
        toys.resume(run_id, model=wrapped(), data=toys.data(), loss=my_loss, metrics=["accuracy", my_loss])
    again = toys.resume(
        run_id,
        model=wrapped(),
        data=toys.data(),
        validation=toys.data(50, seed=5),
        loss=my_loss,
        metrics=["accuracy", my_loss],
    )
    assert again.wait() == "finished"
    assert again.resumed["exact"]


def test_a_loss_given_by_name_is_remembered_and_another_one_is_said():
    options = {"loss": "huber", "metrics": ["mae"], "label_smoothing": 0.0, "use_oversampling": False}
    given = (toys.data()[0], toys.data()[0][:, :1])

    def stopped():
        run = toys.train(toys.AtStep(toys.net(1), 4, lambda: run.request(Stop())), given, **{**toys.RICH, **options})
        run.wait()
        return run.id

    ids = [stopped(), stopped()]
    again = {"model": toys.AtStep(toys.net(1), 0, lambda: None), "data": given}
    resumed = toys.resume(ids[0], **again)
    resumed.wait()
    assert resumed.resumed["exact"]
    assert "val_mae" in resumed.history
    resumed = toys.resume(ids[1], loss="mse", **again)
    resumed.wait()
    assert resumed.resumed["reasons"] == ["the loss was huber and is mse"]


def test_resuming_with_other_data_or_another_model_is_refused_before_anything_starts():
    run = stopped_at(3)
    before = toys.remains(run)
    with pytest.raises(DataError, match=r"The data is not what the run was trained on \(its fingerprint differs\)"):
        toys.resume(run.id, data=toys.data(seed=77))
    with pytest.raises(DataError, match="fingerprint"):
        toys.resume(run.id, validation=toys.data(40))
    wide = toys.AtStep(
        nn.Sequential(nn.Linear(8, 17), nn.BatchNorm1d(17), nn.ReLU(), nn.Dropout(0.3), nn.Linear(17, 3)),
        0,
        lambda: None,
    )
    with pytest.raises(
        CheckpointError,
        match=(
            r"inner.0.weight is \(17, 8\), was \(16, 8\); .* and 4 more. Hand in a model of the same shape as the run's"
        ),
    ):
        toys.resume(run.id, model=wide)
    with pytest.raises(CheckpointError, match=r"0\.weight is new"):
        toys.resume(run.id, model=toys.net())
    assert toys.difference(toys.remains(run), before) == []
    assert not lock.is_held(run.folder)
    assert toys.resume(run.id).wait() == "finished"


def test_what_cannot_be_resumed_is_refused():
    finished = toys.trained(epochs=1)
    with pytest.raises(
        CommandError, match=r"has finished, so there is nothing left to resume; train on with run.fork\(epochs=…\)"
    ):
        toys.resume(finished.id)
    running = toys.train(epochs=900)
    with pytest.raises(
        CommandError, match=rf"Run {running.id} is \w+ in this kernel; use run.resume\(\) after a pause"
    ):
        toys.resume(running.id)
    with pytest.raises(RunNotFoundError, match=f"did you mean '{running.id}'"):
        toys.resume(running.id[:-1] + "?")
    said = in_another_kernel(
        """
        try:
            toys.resume(run_id, model=toys.net(), data=toys.data())
        except Exception as error:
            print(json.dumps([type(error).__name__, str(error)]))
    """,
        run_id=running.id,
    )
    assert said[0] == "CommandError"
    assert f"is being trained by another kernel (process {os.getpid()})" in said[1]
    assert running.state == "running"
    running.stop()


def test_a_broken_newest_checkpoint_is_skipped_and_it_is_said():
    run = stopped_at(10, checkpoint_every=4)
    newest = run.folder / "checkpoints" / "step-000000010" / "model.safetensors"
    content = bytearray(newest.read_bytes())
    content[-1] ^= 1
    newest.write_bytes(content)
    again = toys.resume(run.id)
    assert again.wait() == "finished"
    warned = [event.message for event in again.events if isinstance(event, Warned)]
    assert len(warned) == 1
    assert "The checkpoint step-000000010 was skipped: model.safetensors" in warned[0]
    assert [event.step for event in again.events if isinstance(event, Resumed)] == [8]
    assert again.resumed["exact"]
    assert toys.difference(toys.remains(again), toys.remains(undisturbed(checkpoint_every=4))) == []


def test_without_a_sound_checkpoint_a_resume_is_refused():
    run = stopped_at(3)
    for file in run.folder.glob("checkpoints/*/state.json"):
        file.write_bytes(file.read_bytes()[:-20])
    with pytest.raises(
        CheckpointError, match=r"There is no sound checkpoint .*state.json has \d+ bytes instead of \d+"
    ):
        toys.resume(run.id)
    assert not lock.is_held(run.folder)


# -- fork --------------------------------------------------------------------------------------


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
    while run.step < 8:
        threading.Event().wait(0.001)
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


# -- several at once, queued, and what is left ---------------------------------------------------


def test_a_model_is_trained_by_one_run_at_a_time():
    model = toys.net()
    run = toys.train(model, epochs=900)
    modes = model.training
    with pytest.raises(
        ModelError, match=r"This Sequential is being trained by another run; hand in copy.deepcopy\(model\)"
    ):
        toys.train(model, dropout=0.9)
    assert model[3].p == 0.3
    assert model.training == modes
    assert len(nbtrain.runs()) == 1
    run.stop()
    toys.trained(model, epochs=1)


def test_queued_runs_go_one_after_the_other_also_when_one_fails():
    def fail():
        raise ValueError("broken on purpose")

    first = toys.train(toys.AtStep(toys.net(), 5, fail), epochs=2)
    second = toys.train(queue=True, epochs=1)
    third = toys.train(queue=True, epochs=1)
    assert third.wait() == "finished"
    assert (first.state, second.state) == ("failed", "finished")
    begun = [
        next(event.time for event in run.events if getattr(event, "state", None) == "running")
        for run in (first, second, third)
    ]
    ended = [
        next(event.time for event in run.events if getattr(event, "state", "") in {"failed", "finished"})
        for run in (first, second)
    ]
    assert begun[0] < ended[0] <= begun[1] < ended[1] <= begun[2]


class Rows(Dataset[Any]):
    def __init__(self, at=None):
        self.inputs, self.targets = toys.data()
        self.at = at

    def __len__(self):
        return len(self.inputs)

    def __getitem__(self, index):
        if index == self.at:
            raise LookupError(f"row {index} is on a disk that is not there")
        return self.inputs[index], self.targets[index]


class FailsBackward(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, gradient):
        raise ArithmeticError("no gradient today")


def endings():
    """How a run may end: name → (keyword arguments of train, state, what the error says)."""
    counter = {"loss": 0, "metric": 0}

    def count(what, at, result):
        counter[what] += 1
        if counter[what] == at:
            raise ValueError(f"broken {what}")
        return result

    def stop_it(run):
        run.request(Stop())

    return {
        "finished": ({}, "finished", None),
        "stopped": ({"model": ("stop", None)}, "stopped", None),
        "forward": ({"model": ("raise", None)}, "failed", "RuntimeError: broken forward"),
        "backward": (
            {"loss": lambda output, target: FailsBackward.apply(output).mean()},
            "failed",
            "ArithmeticError: no gradient",
        ),
        "loss": ({"loss": lambda output, target: count("loss", 9, output.mean())}, "failed", "ValueError: broken loss"),
        "metric": (
            {"metrics": [lambda output, target: count("metric", 3, 0.0)]},
            "failed",
            "'metric' failed: ValueError: broken metric",
        ),
        "dataset": ({"given": Rows(at=100)}, "failed", "LookupError: row 100 is on a disk"),
        "worker": ({"given": Rows(at=100), "num_workers": 1}, "failed", "row 100 is on a disk that is not there"),
        "not finite": ({"model": ("nan", None)}, "failed", "The loss of step 5 is nan"),
    }


@pytest.mark.parametrize("how", list(endings()))
def test_however_a_run_ends_nothing_of_it_is_left_but_its_model(how):
    options, state, said = endings()[how]
    options = dict(options)
    holder: dict[str, Any] = {}
    if "model" in options:
        act = {
            "stop": lambda: holder["run"].request(Stop()),
            "nan": lambda: lambda x: x * float("nan"),
            "raise": lambda: (_ for _ in ()).throw(RuntimeError("broken forward")),
        }[options["model"][0]]
        options["model"] = toys.AtStep(toys.net(), 5, act)
    held: list[weakref.ref[Any]] = []

    def look():
        engine: Any = training.active()[-1]._trainer._engine
        held.extend(weakref.ref(thing) for thing in (engine, engine.optimizer, engine.ema, engine.job.train))

    model = toys.AtStep(options.pop("model", None) or toys.net(), 1, look)
    run = toys.train(
        model,
        options.pop("given", None),
        **{"epochs": 2, "batch_size": 16, "use_ema": True, "validation": 0.2, **options},
    )
    holder["run"] = run
    if said is None:
        run.wait()
    else:
        with pytest.raises(TrainingError, match=said) as caught:
            run.wait()
        assert caught.value is not run.error
        assert_no_frames(run.error)
        assert said in str(run.error)
        assert "Traceback" in run.error.details
        journal = (run.folder / "journal.jsonl").read_text()
        assert '"event": "RunFailed"' in journal
        assert said in run.reason
        del caught
    assert run.state == state
    assert len(held) == 4
    gc.collect()
    assert [ref() for ref in held if ref() is not None] == []
    assert toys.threads() == set()
    assert all(parameter.grad is None for parameter in model.parameters())
    assert training.active() == []
    assert not lock.is_held(run.folder)
    assert training.find(run.id) is run
    assert next(row["state"] for row in nbtrain.runs() if row["id"] == run.id) == state


def assert_no_frames(error):
    seen = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        assert error.__traceback__ is None
        error = error.__cause__ or error.__context__


def test_what_nobody_holds_any_more_is_gone_with_its_model():
    model = toys.net()
    run = toys.trained(model, epochs=1)
    held = [weakref.ref(model), weakref.ref(run)]
    del model, run
    gc.collect()
    assert [ref() for ref in held] == [None, None]


@pytest.mark.slow
def test_many_runs_in_one_process_leave_threads_and_files_as_they_were():
    given, model, counts = toys.data(60), toys.net(), []
    for number in range(100):
        run = toys.train(model, given, epochs=1, batch_size=32)
        if number % 10 == 3:
            run.request(Stop())
        run.wait()
        counts.append((threading.active_count(), open_files()))
    assert counts[99] <= counts[9]


def open_files():
    """How many this process has open, where the system tells."""
    folder = Path("/proc/self/fd")
    return len(list(folder.iterdir())) if folder.is_dir() else 0


def test_the_list_of_runs_reads_as_a_table():
    assert repr(nbtrain.runs()) == "No runs yet. Start one with nbtrain.train(model, data)."
    run = toys.trained(epochs=1, name="first")
    lines = repr(nbtrain.runs()).splitlines()
    assert lines[0].split() == ["id", "name", "state", "step", "metrics"]
    assert lines[1].startswith(f"{run.id}  first  finished  7/7")
