"""The trainer thread: whatever goes wrong around the training reaches the user, and never ends it silently."""

from __future__ import annotations

import sys
import threading
from typing import Any

import pytest
import torch

import nbtrain
from nbtrain.core.errors import NonFiniteLossError, TrainingError, WorkspaceError
from nbtrain.core.events import EpochEnd, StateChanged, Warned
from nbtrain.engine.memory_source import MemorySource
from nbtrain.engine.saver import CheckpointSaver
from nbtrain.engine.trainer import SWITCH_INTERVAL, drop_frames, short_switch_interval
from nbtrain.store.database import Database
from nbtrain.store.journal import Journal
from tests.engine import toys


def until(condition):
    for _ in range(12_000):
        if condition():
            return
        threading.Event().wait(0.005)
    raise AssertionError("It did not come to that within a minute.")


def test_threads_take_turns_faster_while_a_run_is_active_and_as_before_afterwards():
    before = sys.getswitchinterval()
    seen = []
    toys.trained(toys.AtStep(toys.net(), 2, lambda: seen.append(sys.getswitchinterval())), epochs=1)
    assert seen == [pytest.approx(SWITCH_INTERVAL)]
    assert sys.getswitchinterval() == before


def test_denormal_numbers_cost_a_run_nothing_and_cells_keep_theirs():
    def product():
        return (torch.full((1 << 20,), 1e-30) * 1e-12).count_nonzero().item()  # long enough for several threads

    seen = []
    toys.trained(toys.AtStep(toys.net(), 2, lambda: seen.append(product())), epochs=1)
    assert seen == [0]
    assert product() == 1 << 20


def test_the_interval_comes_back_in_whatever_order_runs_end():
    before = sys.getswitchinterval()
    first, second = short_switch_interval(), short_switch_interval()
    with first:
        second.__enter__()
    assert sys.getswitchinterval() == pytest.approx(SWITCH_INTERVAL)
    second.__exit__(None, None, None)
    assert sys.getswitchinterval() == before


def test_a_journal_that_cannot_be_written_pauses_the_run_and_catches_up(monkeypatch):
    append = Journal.append

    def full(self, record):
        raise WorkspaceError("Cannot write the journal: the disk is full; free some space.")

    run = toys.train(toys.AtStep(toys.net(), 3, lambda: monkeypatch.setattr(Journal, "append", full)), epochs=2)
    until(lambda: run.state == "paused")
    assert run.reason.startswith("The journal could not be written: Cannot write the journal")
    assert [event.message for event in run.events if isinstance(event, Warned)] == [run.reason]
    monkeypatch.setattr(Journal, "append", append)
    run.resume()
    assert run.wait() == "finished"
    lines = run._trainer.places.workspace.journal(run.id).read()
    assert [line["event"] for line in lines] == [
        type(event).__name__ for event in run.events if not isinstance(event, Warned)
    ]


def test_a_database_that_cannot_be_written_pauses_the_run_and_is_told_once(monkeypatch):
    def locked(self, changes):
        raise WorkspaceError("Cannot use the database: another kernel kept it locked for 10 seconds; try again.")

    run = toys.train(toys.AtStep(toys.net(), 3, lambda: monkeypatch.setattr(Database, "_execute", locked)), epochs=30)
    until(lambda: run.state == "paused")
    assert "The database could not be written" in run.reason
    monkeypatch.undo()
    run.resume()
    run.stop()
    assert len([event for event in run.events if isinstance(event, Warned)]) == 1


def test_what_fails_while_things_are_closed_is_told_and_the_rest_is_closed(monkeypatch):
    model = toys.net()

    def broken(self):
        raise OSError("it is stuck")

    with monkeypatch.context() as patch:
        patch.setattr(MemorySource, "close", broken)
        run = toys.trained(model, epochs=1)
    assert [event.message for event in run.events if isinstance(event, Warned)] == [
        "Closing the data failed: it is stuck"
    ]
    toys.trained(model, epochs=1)  # it was let go all the same


def test_what_raises_while_the_checkpoint_is_reported_is_not_lost(monkeypatch):
    def broken(self, outcome):
        raise RuntimeError("nobody listens")

    monkeypatch.setattr(CheckpointSaver, "_done", broken)
    run = toys.train(epochs=1)
    with pytest.raises(TrainingError, match="RuntimeError: nobody listens"):
        run.wait()


def test_an_exit_asked_for_in_the_thread_is_an_error_like_any_other():
    run = toys.train(toys.AtStep(toys.net(), 2, lambda: sys.exit(3)), epochs=1)
    with pytest.raises(TrainingError, match="The run failed at step 1: SystemExit: 3") as caught:
        run.wait()
    assert isinstance(caught.value.__cause__, SystemExit)
    assert (run.error.step, run.state, run.reason) == (1, "failed", str(run.error))


def test_every_error_is_raised_anew_for_each_who_waits():
    run = toys.train(toys.AtStep(toys.net(), 2, lambda: lambda x: x * float("nan")), epochs=1)
    errors = []
    for _ in range(2):
        with pytest.raises(NonFiniteLossError) as caught:
            run.wait()
        errors.append(caught.value)
    assert errors[0] is not errors[1]
    assert (errors[0].step, errors[0].details) == (run.error.step, run.error.details)
    assert run.error.__traceback__ is None


def test_frames_are_cut_off_all_exceptions_of_a_chain():
    def fail():
        big = torch.zeros(10)
        try:
            [][len(big)]
        except IndexError as error:
            raise ExceptionGroup("several", [ValueError("one"), error]) from error

    try:
        fail()
    except ExceptionGroup as caught:
        error = caught
    drop_frames(error)
    chain: list[Any] = [error, error.__cause__, *error.exceptions]
    assert [one.__traceback__ for one in chain] == [None] * 4


def test_time_is_counted_while_it_trains_and_goes_on_after_a_resume():
    run = toys.train(epochs=900)
    until(lambda: run.step > 20)
    run.stop()
    first = run.seconds
    assert first > 0
    again = nbtrain.resume(run.id, show=False)
    until(lambda: again.step > run.step + 20)
    again.stop()
    assert again.seconds > first
    assert again._trainer.steps_here == again.step - run.step
    assert again._trainer.seconds_here == pytest.approx(again.seconds - first, abs=1e-6)


def test_what_happened_is_told_in_order():
    run = toys.trained(epochs=2)
    kinds = [type(event).__name__ for event in run.events if isinstance(event, StateChanged | EpochEnd)]
    assert kinds == ["StateChanged", "EpochEnd", "EpochEnd", "StateChanged"]
    record = run._trainer.places.workspace.database.run(run.id)
    assert (record.state, record.step, record.epoch, record.total_steps) == ("finished", 14, 2, 14)
    assert record.metrics == [dict(event.metrics) for event in run.events if isinstance(event, EpochEnd)][-1]
    assert [line.kind for line in run._trainer.places.workspace.database.activity()] == ["finished", "training"]
