"""A disk that cannot be written, at any time of a run, loses nothing: it is said, and the run holds."""

from __future__ import annotations

import errno
import threading
from concurrent.futures import Future
from typing import Any

import pytest

import nbtrain
from nbtrain.core.control import Resume, State
from nbtrain.core.errors import (
    WorkspaceError,
)
from nbtrain.core.events import CheckpointFailed, CheckpointSaved, StateChanged, Warned
from nbtrain.engine.checkpoint import CheckpointFolder
from nbtrain.run import Run
from nbtrain.store import atomic
from tests.engine import toys
from tests.faults.failing_files import FailingFiles
from tests.waiting import held, until

FOREVER = 1_000_000


def test_a_workspace_that_cannot_be_written_is_said_before_the_start(workspace, monkeypatch, tmp_path):
    disk = FailingFiles(tmp_path, monkeypatch)
    disk.fail(0, errno.EROFS, FOREVER)
    with pytest.raises(
        WorkspaceError, match=r"it may not be written to; choose another workspace with .* NBTRAIN_HOME"
    ):
        toys.train()
    disk.heal()
    assert toys.trained(epochs=1).state == "finished"


def test_a_workspace_that_is_a_file(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("NBTRAIN_HOME", str(tmp_path / "file"))
    with pytest.raises(WorkspaceError, match="Cannot use the workspace"):
        toys.train()


def pauses(run):
    return sum(isinstance(event, StateChanged) and event.state is State.PAUSED for event in run.events)


def without_state(remains):
    return {name: value for name, value in remains.items() if not name.startswith("state")}


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO])
@pytest.mark.parametrize("full", ["", "checkpoints"])
def test_a_full_disk_pauses_the_run_and_it_goes_on_when_there_is_space(monkeypatch, workspace, error, full):
    quiet = toys.trained(toys.net(), **toys.RICH, checkpoint_every=0)
    disks = [] if full else [FailingFiles(workspace, monkeypatch)]  # it must see the files of metrics opened
    started: Future[Run] = Future()

    def fill():
        if full:
            disks.append(FailingFiles(started.result(60).folder / full, monkeypatch))
        disks[0].fail(0, error, FOREVER)

    run = toys.train(toys.AtStep(toys.net(), 20, fill), **toys.RICH, checkpoint_every=3)
    started.set_result(run)
    held(run)
    assert ("The checkpoint of step" if full else "could not be written") in run.reason
    assert {errno.ENOSPC: "the disk is full; free some space", errno.EIO: "input/output error"}[error] in run.reason
    assert list((run.folder / "checkpoints").glob("step-*"))  # the older ones stay
    run.resume()  # nothing was freed: it tries, and holds again, be it for a checkpoint or for the metrics
    until(lambda: pauses(run) >= 2 and run.state == "paused", "the run holds again")
    disks[0].heal()
    run.resume()
    assert run.wait() == "finished"
    ours = {name.replace("inner.", ""): value for name, value in without_state(toys.remains(run)).items()}
    assert toys.difference(ours, without_state(toys.remains(quiet))) == []
    journal = run._trainer.places.workspace.journal(run.id).read()
    assert len(journal) >= len([event for event in run.events if not isinstance(event, Warned)])
    paused = [line for line in journal if line["event"] == "StateChanged" and line["state"] == "paused"]
    assert "could not be written" in paused[0]["reason"]
    if full:
        assert len([line for line in journal if line["event"] == "CheckpointFailed"]) >= 2


def test_a_write_that_fails_late_does_not_hold_again_what_was_told_to_go_on(monkeypatch):
    write, calls, late = CheckpointFolder.write, [], threading.Event()
    started: Future[Any] = Future()

    def slow(folder, snapshot, *rest, **named):
        calls.append(snapshot.step)
        if len(calls) == 3:  # 1 is the state at the start
            saver = started.result(60)._trainer._saver
            until(lambda: saver._writer._work, "the next checkpoint waits behind this one")
            raise OSError(errno.ENOSPC, "full")
        if len(calls) == 4:
            assert late.wait(60)
            raise OSError(errno.ENOSPC, "full")
        return write(folder, snapshot, *rest, **named)

    monkeypatch.setattr(CheckpointFolder, "write", slow)
    started.set_result(run := toys.train(**toys.RICH, checkpoint_every=1))
    held(run)
    asked = run.request(Resume())
    threading.Event().wait(0.05)
    late.set()
    assert asked.wait(60)
    assert run.wait(60) == "finished"
    assert pauses(run) == 1
    steps = {generation.step for generation in CheckpointFolder(run.folder / "checkpoints").generations()}
    assert run.step in steps
    failed = [event.step for event in run.events if isinstance(event, CheckpointFailed)]
    assert failed == calls[2:4]


def test_a_disk_that_is_full_at_the_end_holds_the_run_there(monkeypatch, workspace):
    disk = FailingFiles(workspace, monkeypatch)
    model = toys.AtStep(toys.net(), 13, lambda: disk.fail(0, errno.ENOSPC, FOREVER))
    run = toys.train(model, epochs=1, batch_size=16, validation=0.15)
    held(run)
    assert run.step == 13
    disk.heal()
    run.resume()
    assert run.wait() == "finished"
    assert toys.checkpoints(run)[-1] == (13, "every") or toys.checkpoints(run)[-1][0] == 13


def test_a_run_that_is_stopped_on_a_full_disk_ends_and_says_what_is_missing(monkeypatch, workspace):
    disk = FailingFiles(workspace, monkeypatch)
    model = toys.AtStep(toys.net(), 5, lambda: disk.fail(0, errno.ENOSPC, FOREVER))
    run = toys.train(model, epochs=50, batch_size=16, checkpoint_every=6)
    held(run)
    run.stop()
    assert run.state == "stopped"
    assert "the disk is full" in run.reason
    disk.heal()
    again = nbtrain.resume(run.id, show=False)  # from the checkpoint of the start
    again.stop()


def test_a_disk_that_is_full_from_the_start_holds_the_run_at_step_0(monkeypatch, workspace):
    toys.trained(epochs=1)  # the workspace is there
    disk = FailingFiles(workspace, monkeypatch)
    write = atomic.new_folder

    def full(path):
        disk.fail(0, errno.ENOSPC, FOREVER)
        return write(path)

    monkeypatch.setattr(atomic, "new_folder", full)
    run = toys.train(epochs=1)
    held(run)
    assert run.step == 0
    monkeypatch.setattr(atomic, "new_folder", write)
    disk.heal()
    run.resume()
    assert run.wait() == "finished"
    assert next(event.step for event in run.events if isinstance(event, CheckpointSaved)) == 0
