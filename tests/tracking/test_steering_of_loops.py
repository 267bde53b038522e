from __future__ import annotations

import threading

import pytest
import torch

import nbtrain
from nbtrain import training
from nbtrain.core.control import Edit, Pause, Save, Stop
from nbtrain.core.events import OptionEdited, StateChanged
from tests.tracking.loops import endless, in_a_thread, loader, running
from tests.waiting import reached


def walk(tracked, seen):
    def loop():
        for number in tracked:
            seen.append(number)
            nbtrain.log(loss=1.0)

    return loop


def test_pause_holds_the_loop_resume_lets_it_go_on_and_stop_ends_it():
    seen: list[int] = []
    tracked = nbtrain.track(endless(), name="steered")
    with in_a_thread(walk(tracked, seen)) as raised:
        running(tracked)
        assert training.active() == [tracked]
        assert training.find(tracked.id) is tracked
        tracked.pause()
        assert tracked.state == "paused"
        step, seconds = tracked.step, tracked.seconds
        assert len(seen) == step
        assert not threading.Event().wait(0.3)
        assert (tracked.step, tracked.seconds, len(seen)) == (step, seconds, step)
        tracked.resume()
        reached(tracked, step + 1)
        tracked.stop()
        assert tracked.state == "stopped"
    assert raised == []
    assert seen == list(range(tracked.step))  # nothing is handed out after the stop, and nothing is lost
    assert tracked.reason == ""
    states = [event.state for event in tracked.events if isinstance(event, StateChanged)]
    assert states == ["running", "paused", "running", "stopped"]


def test_a_stop_ends_every_epoch_and_leaves_room_for_what_comes_after():
    tracked, after = nbtrain.track([1, 2, 3], epochs=1000), []

    def loop():
        with tracked:
            for batches in tracked.by_epoch():
                for _ in batches:
                    threading.Event().wait(0.001)
                tracked.log(val_loss=1.0)
            tracked.log(test_loss=0.5)
            after.append(tracked.state)

    with in_a_thread(loop) as raised:
        running(tracked)
        tracked.stop()
    assert raised == []
    assert after == ["running"]
    assert tracked.state == "stopped"
    assert tracked.history.last("test_loss") == 0.5


def test_in_its_own_body_a_loop_may_stop_itself():
    tracked = nbtrain.track(endless())
    for number in tracked:
        if number == 4:
            tracked.stop()
    assert (tracked.state, tracked.step) == ("stopped", 5)


def test_what_was_asked_before_the_first_batch_is_heard_then():
    tracked = nbtrain.track([1, 2, 3]).stop()
    assert list(tracked) == []
    assert (tracked.state, tracked.step) == ("stopped", 0)


def test_an_edit_is_set_on_the_optimizer_and_lasts_through_its_scheduler():
    net = torch.nn.Linear(1, 1)
    optimizer = torch.optim.SGD([
        {"params": [net.weight], "lr": 0.1, "weight_decay": 0.05}, {"params": [net.bias], "lr": 0.01}])
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 0.5 ** step)
    tracked = nbtrain.track(loader(), optimizer=optimizer)
    for at, _ in enumerate(tracked):
        if at == 3:
            tracked.set(learning_rate=0.4, weight_decay=0.01)
        optimizer.step()
        scheduler.step()
    rates = tracked.history["learning_rate"].values.tolist()
    assert rates == pytest.approx([(0.1 if step < 4 else 0.4) * 0.5 ** step for step in range(10)])
    assert [group["initial_lr"] for group in optimizer.param_groups] == pytest.approx([0.4, 0.04])
    assert [group["weight_decay"] for group in optimizer.param_groups] == [0.01, 0]
    edits = [(event.name, event.old, event.new) for event in tracked.events if isinstance(event, OptionEdited)]
    assert edits == [("learning_rate", 0.1, 0.4), ("weight_decay", 0.05, 0.01)]
    assert tracked.options()["learning_rate"] == pytest.approx(0.4)


def test_epochs_are_edited_while_it_runs():
    tracked, seen = nbtrain.track([1, 2], epochs=2), []
    for number in tracked:
        seen.append(number)
        if tracked.step == 3:
            tracked.set(epochs=3)
    assert seen == [1, 2] * 3
    assert (tracked.epochs, tracked.total_steps) == (3, 6)


@pytest.mark.parametrize(("command", "said"), [
    (Save(), "nbtrain does not know what to save"),
    (Edit({"learning_rate": 0.1}), "learning_rate cannot change while this loop runs; these can: epochs; hand in"),
    (Edit({"batch_size": 8}), "batch_size cannot change"),
    (Edit({"epochs": 0}), "epochs"),
    (Edit({"epochs": 1}), "epochs is 1, but 1 are done already; give at least 2"),
])
def test_what_cannot_be_done_is_one_sentence_and_the_loop_goes_on(command, said):
    tracked = nbtrain.track([1, 2], epochs=3)
    [error] = [tracked.request(command).error for _ in tracked if tracked.step == 3]
    assert isinstance(error, nbtrain.NbtrainError)
    assert said in str(error)
    assert tracked.state == "finished"


def test_an_edit_that_the_optimizer_refuses_is_told_to_who_asked():
    net = torch.nn.Linear(1, 1)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    with nbtrain.track(loader(), optimizer=optimizer) as tracked, pytest.raises(nbtrain.ConfigError, match="to 1"):
        tracked.set(learning_rate=7.0)
    assert optimizer.param_groups[0]["lr"] == 0.1


def test_two_loops_in_two_threads_know_their_own_figures():
    loops = [nbtrain.track(range(200), name=name) for name in ("first", "second")]

    def walker(tracked, value):
        def loop():
            for _ in tracked:
                nbtrain.log(value=value)

        return loop

    with in_a_thread(walker(loops[0], 1.0)) as one, in_a_thread(walker(loops[1], 2.0)) as two:
        pass
    assert one == two == []
    assert [set(tracked.history["value"].values.tolist()) for tracked in loops] == [{1.0}, {2.0}]


def test_from_another_thread_the_only_loop_there_is_takes_the_figures():
    tracked = nbtrain.track(endless())
    with in_a_thread(walk(tracked, [])) as raised:
        running(tracked)
        tracked.pause()
        nbtrain.log(from_outside=1.0)
        with in_a_thread(walk(other := nbtrain.track(endless()), [])):
            running(other)
            with pytest.raises(nbtrain.CommandError, match="2 run in other threads"):
                nbtrain.log(from_outside=1.0)
            other.stop()
        tracked.stop()
    assert raised == []
    assert tracked.history["from_outside"].values.tolist() == [1.0]


def test_a_pause_can_be_interrupted(shell):
    """Kernel → Interrupt raises KeyboardInterrupt wherever the main thread is: here, in the pause."""
    shell.push({"endless": endless})
    tracked_from_cell = (
        "import nbtrain, _thread, threading\n"
        "from nbtrain.core.control import Pause\n"
        "tracked = nbtrain.track(endless())\n"
        "tracked.request(Pause())\n"
        "def interrupt():\n"
        "    while tracked.state != 'paused':\n"
        "        pass\n"
        "    _thread.interrupt_main()\n"
        "threading.Thread(target=interrupt).start()\n"
        "for _ in tracked:\n"
        "    pass\n")
    result = shell.run_cell(tracked_from_cell)
    assert isinstance(result.error_in_exec, KeyboardInterrupt)
    tracked = shell.user_ns["tracked"]
    assert (tracked.state, tracked.reason, tracked.step) == ("stopped", "Interrupted.", 0)


def test_commands_that_come_too_late_are_answered():
    tracked = nbtrain.track([1, 2])
    tickets = []
    for _ in tracked:
        if tracked.step == 2:
            tickets = [tracked.request(Pause()), tracked.request(Stop())]
            tickets.append(tracked.request(Edit({"epochs": 5})))
            break
    assert tracked.state == "stopped"
    assert all(ticket.done for ticket in tickets)
