"""The verbs: several runs at once, queued, and nothing left behind."""

from __future__ import annotations

import gc
import threading
import weakref
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.data import Dataset

import nbtrain
from nbtrain import training
from nbtrain.core.control import Stop
from nbtrain.core.errors import ModelError, TrainingError
from nbtrain.store import lock
from tests.engine import toys


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
    started: Future[Any] = Future()
    if "model" in options:
        act = {
            "stop": lambda: started.result(60).request(Stop()),
            "nan": lambda: lambda x: x * float("nan"),
            "raise": lambda: (_ for _ in ()).throw(RuntimeError("broken forward")),
        }[options["model"][0]]
        options["model"] = toys.AtStep(toys.net(), 5, act)
    held: list[weakref.ref[Any]] = []

    def look():
        run: Any = training.active()[-1]
        engine = run._trainer._engine
        held.extend(weakref.ref(thing) for thing in (engine, engine.optimizer, engine.ema, engine.job.train))

    model = toys.AtStep(options.pop("model", None) or toys.net(), 1, look)
    run = toys.train(
        model,
        options.pop("given", None),
        **{"epochs": 2, "batch_size": 16, "use_ema": True, "validation": 0.2, **options},
    )
    started.set_result(run)
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
    for number in range(30):
        run = toys.train(model, given, epochs=1, batch_size=32)
        if number % 10 == 3:
            run.request(Stop())
        run.wait()
        counts.append((threading.active_count(), open_files()))
    assert counts[29] <= counts[9]


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
