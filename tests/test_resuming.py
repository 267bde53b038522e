"""Resuming: to the same bits, in any kernel, after anything; or a sentence that says why not."""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import torch
from torch import nn

from nbtrain import training
from nbtrain.core.control import Stop
from nbtrain.core.errors import CheckpointError, CommandError, DataError, RunNotFoundError
from nbtrain.core.events import Resumed, Warned
from nbtrain.store import lock
from tests.engine import toys
from tests.halves import stopped_at, undisturbed, wrapped
from tests.waiting import reached


def in_another_kernel(code, **variables):
    """Run `code` in a fresh process on the same workspace; gives what it prints as JSON."""
    head = (
        "import json, sys, torch, nbtrain\nfrom tests.engine import toys\nfrom tests.halves import *\n"
        "from tests.waiting import reached\n")
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
        reached(run, 20)
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
    reached(again, steps)
    again.stop()
    whole = toys.asked(toys.net(), steps * 2, Stop(), **options)
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
        run = toys.asked(toys.net(1), 4, Stop(), given=given, **{**toys.RICH, **options})
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
