import threading

import pytest

from nbtrain.core.control import Control, Edit, Pause, Resume, State, Stop
from nbtrain.core.errors import CommandError


def test_a_command_waits_until_the_trainer_takes_it():
    control = Control()
    assert not control.pending
    ticket = control.request(Pause())
    assert control.pending
    assert not ticket.wait(0.0)
    (taken,) = control.take()
    assert taken is ticket
    assert not control.pending
    taken.resolve()
    assert ticket.wait(0.0)


def test_commands_are_taken_in_the_order_they_were_asked_for():
    control = Control()
    asked = [control.request(command) for command in (Pause(), Edit({"epochs": 3}), Resume(), Stop())]
    assert control.take() == asked


def test_a_refusal_is_raised_where_the_command_was_asked_for():
    control = Control()
    ticket = control.request(Edit({"epochs": 1}))
    control.take()[0].resolve(CommandError("epochs is 1, but 3 are done already."))
    with pytest.raises(CommandError, match="3 are done"):
        ticket.wait()


@pytest.mark.parametrize("end", [State.FINISHED, State.STOPPED, State.FAILED])
def test_an_ended_run_refuses_commands_and_says_what_to_do(end):
    control = Control()
    control.move_to(State.RUNNING)
    waiting = control.request(Pause())
    control.move_to(end)
    with pytest.raises(CommandError, match="before the command was looked at"):
        waiting.wait()
    with pytest.raises(CommandError, match=r"nbtrain\.resume"):
        control.request(Resume()).wait()
    assert not control.pending


def test_only_the_drawn_changes_of_state_are_possible():
    control = Control()
    control.move_to(State.RUNNING)
    control.move_to(State.PAUSED)
    control.move_to(State.RUNNING)
    with pytest.raises(CommandError, match="running cannot become preparing"):
        control.move_to(State.PREPARING)
    control.move_to(State.FINISHED)
    with pytest.raises(CommandError, match="finished cannot become running"):
        control.move_to(State.RUNNING)


def test_listeners_hear_of_the_end_before_waiters_wake():
    heard = []
    woke: list[bool] = []

    def listen(previous, state, reason):
        heard.append((previous, state, reason))
        assert not woke

    control = Control(listen)
    waiter = threading.Thread(target=lambda: woke.append(control.wait_until_ended(10)))
    waiter.start()
    control.move_to(State.RUNNING)
    control.move_to(State.STOPPED, "asked")
    waiter.join(60)
    assert woke == [True]
    assert heard == [(State.PREPARING, State.RUNNING, ""), (State.RUNNING, State.STOPPED, "asked")]


def test_waiters_wake_even_when_a_listener_fails():
    def listen(previous, state, reason):
        raise RuntimeError("the disk is gone")

    control = Control(listen)
    with pytest.raises(RuntimeError, match="the disk is gone"):
        control.move_to(State.FAILED)
    assert control.wait_until_ended(0.0)


def test_a_paused_trainer_is_woken_by_a_command():
    control = Control()
    assert not control.wait_for_command(0.0)
    control.request(Resume())
    assert control.wait_for_command(0.0)


def test_every_command_has_an_id_of_its_own():
    assert len({Pause().id for _ in range(100)}) == 100
    assert Pause(id="click-1").id == "click-1"
