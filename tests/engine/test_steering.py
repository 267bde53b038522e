"""Commands take effect between two steps, are answered once, and change no bit that they were not asked to change."""

from __future__ import annotations

import json
import threading
from concurrent.futures import Future
from typing import Any

import pytest
import torch

import nbtrain
from nbtrain.config.schema import live_options
from nbtrain.core.control import Command, Edit, Pause, Resume, Save, State, Stop
from nbtrain.core.errors import CommandError, ConfigError
from nbtrain.core.events import CheckpointSaved, OptionEdited, StateChanged
from nbtrain.engine.checkpoint import CheckpointFolder
from nbtrain.engine.saver import CheckpointSaver
from tests.engine import toys
from tests.waiting import held, reached, until

LONG: dict[str, Any] = {"epochs": 900, "batch_size": 16, "checkpoint_every": 0}


@pytest.fixture
def run():
    run = toys.train(**LONG)
    yield run
    if not run.state.ended:
        run.stop()


def journal(run):
    return [json.loads(line) for line in (run.folder / "journal.jsonl").read_text().splitlines()]


def test_pause_holds_resume_goes_on_and_stop_ends_with_a_checkpoint(run):
    assert run.pause() is run
    assert run.state == "paused"
    step = run.step
    seconds = run.seconds
    threading.Event().wait(0.05)
    assert (run.step, run.seconds) == (step, seconds)
    run.resume()
    assert run.state == "running"
    reached(run, step + 1)
    run.stop()
    assert run.state == "stopped"
    assert toys.checkpoints(run)[-1] == (run.step, "stop")
    states = [event["state"] for event in journal(run) if event["event"] == "StateChanged"]
    assert states == ["running", "paused", "running", "stopped"]
    assert [event.state for event in run.events if isinstance(event, StateChanged)] == states


def test_asking_twice_does_no_harm(run):
    run.pause().pause()
    assert run.state == "paused"
    run.resume().resume()
    assert run.state == "running"


def test_pause_and_resume_asked_in_one_breath_are_carried_out_in_order(run):
    for first, second, state in ((Pause(), Resume(), "running"), (Resume(), Pause(), "paused")):
        control = run._trainer.control
        with control._lock:  # both arrive before the trainer looks
            control._queue.extend(tickets := [nbtrain.core.control.Ticket(first), nbtrain.core.control.Ticket(second)])
            control.pending = True
            control._wake.set()
        assert all(ticket.wait(60) for ticket in tickets)
        assert run.state == state


EDITS = {
    "learning_rate": 0.02,
    "weight_decay": 0.05,
    "max_grad_norm": 0.5,
    "epochs": 1000,
    "checkpoint_every": 5,
    "patience": 9,
    "ema_decay": 0.5,
}


def test_there_is_an_edit_for_every_live_option():
    assert set(EDITS) == set(live_options())


def test_live_edits_take_effect_at_the_next_step_and_are_journalled_with_it():
    run = toys.train(**LONG, scheduler="constant", use_ema=True, early_stopping=True, patience=1000)
    reached(run, 3)
    run.pause()
    step = run.step
    run.set(**EDITS)
    engine = run._trainer._engine
    assert engine.learning_rate == 0.02
    assert {group["weight_decay"] for group in engine.optimizer.param_groups} == {0.05, 0.0}
    assert (engine.max_grad_norm, engine.epochs, engine.stopping.patience, engine.ema.decay) == (0.5, 1000, 9, 0.5)
    assert (
        run.total_steps
        == step + (engine.job.train.length - engine.at.batch) + (1000 - engine.at.epoch - 1) * engine.job.train.length
    )
    assert {name: run.config[name] for name in EDITS} == EDITS
    edited = {event["name"]: event for event in journal(run) if event["event"] == "OptionEdited"}
    assert set(edited) == set(EDITS)
    assert all(event["step"] == step for event in edited.values())
    assert (edited["learning_rate"]["old"], edited["learning_rate"]["new"]) == (1e-3, 0.02)
    run.resume()
    reached(run, step + 12)
    run.stop()
    rates = run.history["learning_rate"]
    assert rates.values[rates.steps == step].tolist() == [1e-3]
    assert rates.values[rates.steps == step + 1].tolist() == [0.02]
    every = [event.step for event in run.events if isinstance(event, CheckpointSaved) and event.reason == "every"]
    assert len(every) >= 2
    assert all(at % 5 == 0 for at in every)


def test_an_edit_at_a_step_is_the_run_that_has_the_option_from_there():
    model, expected = toys.net(), toys.net()
    run = toys.asked(model, 7, Edit({"learning_rate": 0.03}), epochs=2, scheduler="constant")
    run.wait()
    assert [(event.step, event.new) for event in run.events if isinstance(event, OptionEdited)] == [(7, 0.03)]
    first = toys.asked(expected, 7, Stop(), epochs=2, scheduler="constant")
    first.wait()
    first.fork(model=toys.AtStep(expected, 0, lambda: None), learning_rate=0.03).wait()
    assert toys.same_weights(model, expected)


def test_more_epochs_train_on_and_fewer_end_earlier(run):
    run.pause()
    epoch = run._trainer.at.epoch
    run.set(epochs=epoch + 2)
    run.resume()
    assert run.wait(60) == "finished"
    assert run.epoch == epoch + 2
    assert run.history["train_loss"].steps.size == epoch + 2


def test_epochs_below_those_done_are_refused(run):
    until(lambda: run._trainer.at.epoch >= 3, "three epochs are done")
    run.pause()
    done = run._trainer.at.epoch
    with pytest.raises(
        CommandError, match=rf"epochs is 2, but {done} are done already; give at least {done + 1}, or stop the run"
    ):
        run.set(epochs=2)
    assert run.config["epochs"] == 900
    assert not [event for event in run.events if isinstance(event, OptionEdited)]


def test_what_cannot_be_edited_live_is_refused_with_the_way_to_do_it(run):
    with pytest.raises(ConfigError) as caught:
        run.set(batch_size=8)
    assert str(caught.value).startswith(
        "batch_size cannot change while the run trains; these can: epochs, learning_rate"
    )
    assert str(caught.value).endswith("For another batch_size, branch with run.fork(batch_size=…).")
    with pytest.raises(ConfigError, match="There is no option 'learning_rat'; did you mean 'learning_rate'"):
        run.set(learning_rat=0.1)
    with pytest.raises(ConfigError) as caught:
        run.set(learning_rate=5.0, optimizer="sgd", patience=0)
    assert {problem.field for problem in caught.value.problems} == {"learning_rate", "optimizer", "patience"}
    with pytest.raises(CommandError, match="Nothing to set; these can be edited while a run trains"):
        run.set()
    for changes, kind in (({"batch_size": 8}, ConfigError), ({}, CommandError)):
        ticket = run.request(Edit(changes))
        assert ticket.done
        assert isinstance(ticket.error, kind)
    assert not run.state.ended


def test_a_checkpoint_is_written_when_asked_for(run):
    run.pause()
    run.checkpoint()
    run.resume()
    run.stop()
    asked = [event for event in run.events if isinstance(event, CheckpointSaved) and event.reason == "asked"]
    assert len(asked) == 1


def test_after_the_end_every_command_is_refused(run):
    run.stop()
    for verb in ("pause", "resume", "checkpoint", "stop"):
        with pytest.raises(
            CommandError, match=r"The run has stopped, so it cannot .*; continue it with nbtrain.resume"
        ):
            getattr(run, verb)()
    with pytest.raises(CommandError, match="cannot be edited"):
        run.set(learning_rate=0.1)


def test_an_unknown_command_is_answered_and_the_run_goes_on(run):
    with pytest.raises(CommandError, match="does not know the command Command"):
        run.request(Command()).wait()
    assert run.state == "running"


# -- before the first step ---------------------------------------------------------------------


def test_while_it_waits_in_the_queue_a_run_answers(run):
    queued = toys.train(toys.net(), queue=True, epochs=1)
    assert queued.state == "preparing"
    with pytest.raises(CommandError, match="has not started, so there is nothing to save yet"):
        queued.checkpoint()
    queued.set(learning_rate=0.02)
    queued.pause()
    assert queued.state == "preparing"
    assert queued.reason == f"Waiting for run {run.id} to end."
    run.stop()
    held(queued)
    assert queued.step == 0
    queued.resume()
    assert queued.wait() == "finished"
    assert queued.history["learning_rate"].values[0] == 0.02


def test_a_pause_in_the_queue_can_be_taken_back(run):
    queued = toys.train(toys.net(), queue=True, epochs=1)
    queued.pause()
    queued.resume()
    run.stop()
    assert queued.wait() == "finished"


def write_fails(queued):
    """Takes the journal away while an edit is noted in it, so that the run asks itself to hold."""
    until(lambda: queued.reason, f"{queued!r} waits in the queue")
    journal = queued.folder / "journal.jsonl"
    aside = journal.rename(journal.with_suffix(".aside"))
    journal.mkdir()
    queued.set(learning_rate=0.02)
    journal.rmdir()
    aside.rename(journal)
    assert queued.warnings[-1].startswith("The journal could not be written: ")
    queued.set(learning_rate=0.03)  # answered after the hold was


def test_a_write_that_fails_in_the_queue_holds_the_run_when_its_turn_comes(run):
    queued = toys.train(toys.net(), queue=True, epochs=1)
    write_fails(queued)
    assert queued.state == "preparing"
    run.stop()
    held(queued)
    assert queued.step == 0
    queued.resume()
    assert queued.wait() == "finished"
    assert [event["new"] for event in journal(queued) if event["event"] == "OptionEdited"] == [0.02, 0.03]


def test_a_hold_in_the_queue_can_be_taken_back(run):
    queued = toys.train(toys.net(), queue=True, epochs=1)
    write_fails(queued)
    queued.resume()
    assert queued.state == "preparing"
    run.stop()
    assert queued.wait() == "finished"
    assert "paused" not in [event["state"] for event in journal(queued) if event["event"] == "StateChanged"]


def test_a_run_can_be_stopped_in_the_queue(run):
    queued = toys.train(toys.net(), queue=True, epochs=1)
    queued.stop()
    assert (queued.state, queued.step, queued.reason) == ("stopped", 0, "")
    assert run.state == "running"
    run.stop()
    assert toys.resume(queued.id).wait() == "finished"


# -- in the middle of validation ---------------------------------------------------------------


def in_validation(act, at=2, epoch=1):
    """A metric that calls `act` on its batch number `at` of the validation after epoch `epoch`."""
    calls = []

    def watched(output, target):
        if not trained["run"]:
            return 0.0  # the trial batch
        calls.append(len(target))
        if len(calls) == (epoch - 1) * 5 + at:
            act(trained["run"])
        return 0.0

    trained = {"run": None}
    return watched, trained


VALIDATED = {"epochs": 2, "batch_size": 16, "validation": 0.3, "use_ema": True, "ema_decay": 0.9, "learning_rate": 0.02}


def start(act, model=None, **options):
    metric, trained = in_validation(act)
    known: Future[Any] = Future()
    model = toys.AtStep(toys.net() if model is None else model, 1, lambda: trained.update(run=known.result(60)))
    known.set_result(run := toys.train(model, metrics=[metric], **{**VALIDATED, **options}))
    return run


def undisturbed():
    run = start(lambda run: None)
    assert run.wait() == "finished"
    return run


def weights(module):
    return {name: parameter.detach().clone() for name, parameter in module.named_parameters()}


def same(one, other):
    return all(torch.equal(one[name], other[name]) for name in one)


def test_pausing_in_mid_validation_shows_and_saves_the_models_own_weights():
    measured = []  # the weights that are validated: the averaged ones

    def pause(run):
        measured.append(weights(run.model))
        run.request(Pause())

    run = start(pause, keep_checkpoints=20)
    held(run)
    assert run._trainer.at.batch == run._trainer._engine.job.train.length  # all trained, not yet validated
    own = weights(run.model)
    assert not same(own, measured[0])
    assert same(weights(run._trainer._engine.ema.model), measured[0])
    run.checkpoint()  # must not wait for the validation to end
    run.model.train()  # a user who tries the model out
    run.resume()
    assert run.wait() == "finished"
    asked = next(event for event in run.events if isinstance(event, CheckpointSaved) and event.reason == "asked")
    folder = CheckpointFolder(run.folder / "checkpoints")
    assert asked.step == run.step // 2
    if asked.generation == folder.load(asked.step)[1].name:
        assert same(own, folder.load(asked.step)[0].components["model"])
    left, expected = toys.remains(run), toys.remains(undisturbed())
    assert [name for name in toys.difference(left, expected) if name != "state options"] == []


def test_stopping_in_mid_validation_and_resuming_is_exact():
    run = start(lambda run: (run.request(Save()), run.request(Stop())))
    assert run.wait() == "stopped"
    snapshot, _, _ = CheckpointFolder(run.folder / "checkpoints").load()
    own = run.model.state_dict()
    assert all(torch.equal(snapshot.components["model"][name], own[name]) for name in own)
    assert snapshot.state["position"]["epoch"] == 0
    again = toys.resume(run.id)
    assert again.wait() == "finished"
    assert again.resumed["exact"]
    assert toys.difference(toys.remains(again), toys.remains(undisturbed())) == []


# -- from inside the training ------------------------------------------------------------------


def test_a_metric_may_steer_the_run_it_is_measured_in():
    run = start(lambda run: run.stop())
    assert run.wait(60) == "stopped"


def test_a_command_beside_one_that_fails_badly_is_still_answered(run, monkeypatch):
    def broken(self, engine, reason):
        raise MemoryError("no room for a copy")

    run.pause()
    monkeypatch.setattr(CheckpointSaver, "save", broken)
    control = run._trainer.control
    with control._lock:
        control._queue.extend(tickets := [nbtrain.core.control.Ticket(Save()), nbtrain.core.control.Ticket(Pause())])
        control.pending = True
        control._wake.set()
    with pytest.raises(CommandError, match="The command failed with MemoryError: no room for a copy"):
        tickets[0].wait(60)
    with pytest.raises(CommandError, match="The run failed before the command was looked at"):
        tickets[1].wait(60)
    with pytest.raises(nbtrain.core.errors.TrainingError, match="MemoryError: no room for a copy"):
        run.wait(60)
    assert run.state is State.FAILED
