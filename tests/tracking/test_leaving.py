"""How a loop ends is told truly: by its data, a break, a stop, an interrupt, or an error, and by which."""

from __future__ import annotations

import contextlib
import sys

import pytest

import nbtrain

#: Until Python 3.11 an exception on its way up is no object: outside of a notebook only its place is known.
KNOWN = sys.version_info >= (3, 12)


def wrapped(batches):
    """A bar of progress, say."""
    for batch in batches:
        yield batch + 0


def broken(tracked, around=iter):
    for _ in around(tracked):
        raise ValueError("the body is broken")


def left(tracked):
    for _ in tracked:
        break


def returned(tracked):
    for _ in tracked:
        return


def interrupted(tracked):
    for _ in tracked:
        raise KeyboardInterrupt


def by_epoch(tracked):
    for batches in tracked.by_epoch():
        for _ in batches:
            raise ValueError("the body is broken")


@pytest.mark.parametrize("around", [iter, enumerate, wrapped, lambda batches: wrapped(wrapped(batches))])
@pytest.mark.parametrize("leave", [left, returned])
def test_a_break_stops_the_run_and_says_where(leave, around):
    tracked = nbtrain.track([1, 2, 3])
    leave(around(tracked))
    assert (tracked.state, tracked.error) == ("stopped", None)
    assert tracked.reason == "The loop was left at step 1, before its data ended."


@pytest.mark.parametrize("around", [iter, enumerate, wrapped])
def test_an_error_in_the_body_fails_the_run(around):
    tracked = nbtrain.track([1, 2, 3])
    with pytest.raises(ValueError, match="the body is broken"):
        broken(tracked, around)
    assert tracked.state == "failed"
    assert ("ValueError: the body is broken" if KNOWN else f"an error in {__file__}, line") in str(tracked.error)
    assert tracked.reason == str(tracked.error)
    assert nbtrain.runs()[0]["state"] == "failed"


@pytest.mark.parametrize("loop", [broken, by_epoch])
def test_held_open_the_run_knows_which_error_it_was(loop):
    tracked = nbtrain.track([1, 2, 3])
    with pytest.raises(ValueError, match="broken"), tracked:
        loop(tracked)
    assert tracked.state == "failed"
    assert str(tracked.error) == "The run failed at step 1: ValueError: the body is broken"
    assert tracked.error is not None
    assert 'raise ValueError("the body is broken")' in tracked.error.details
    with pytest.raises(nbtrain.TrainingError, match="the body is broken"):
        tracked.wait()


def test_a_break_within_a_block_that_holds_the_run_open_is_one_all_the_same():
    with nbtrain.track([1, 2, 3]) as tracked:
        left(tracked)
        tracked.log(test_loss=1.0)
    assert (tracked.state, tracked.reason) == ("stopped", "The loop was left at step 1, before its data ended.")


def test_an_error_that_is_caught_around_the_loop_does_not_taint_the_next_one():
    kept, states = [], []

    def attempt(fails):
        tracked = nbtrain.track([1, 2])
        try:
            (broken if fails else left)(tracked)
        except ValueError as error:
            kept.append(error)
        states.append(str(tracked.state))

    for fails in (True, False, True):
        attempt(fails)
    assert states == ["failed", "stopped", "failed"]


def test_an_error_that_is_caught_inside_the_body_is_none():
    tracked = nbtrain.track([1, 2, 3])
    for _ in tracked:
        with contextlib.suppress(ValueError):
            int("caught")
    assert tracked.state == "finished"


def test_an_error_of_the_loader_is_known_by_its_message():
    def loader():
        yield 1
        raise OSError("the disk is gone")

    tracked = nbtrain.track(loader())
    with pytest.raises(OSError, match="the disk is gone"):
        list(tracked)
    assert str(tracked.error) == "The run failed at step 1: OSError: the disk is gone"


def test_an_interrupt_stops_the_run():
    tracked = nbtrain.track([1, 2, 3])
    with pytest.raises(KeyboardInterrupt), tracked:
        interrupted(tracked)
    assert (tracked.state, tracked.reason, tracked.error) == ("stopped", "Interrupted.", None)


@pytest.mark.parametrize(("body", "state", "said"), [
    ("raise ValueError('in the cell')", "failed", "ValueError: in the cell"),
    ("1 / 0", "failed", "ZeroDivisionError: division by zero"),
    ("raise KeyboardInterrupt", "stopped", "Interrupted."),
    ("break", "stopped", "The loop was left at step 1, before its data ended."),
    ("pass", "finished", ""),
])
def test_in_a_cell_a_plain_loop_knows_how_it_ended(shell, body, state, said):
    shell.run_cell(f"import nbtrain\ntracked = nbtrain.track([1, 2, 3])\nfor _ in tracked:\n    {body}\n")
    tracked = shell.user_ns["tracked"]
    assert tracked.state == state
    assert said in tracked.reason
    shell.run_cell("raise OSError('another cell')")
    assert "another cell" not in tracked.reason


def test_in_a_cell_an_iterator_that_stays_in_a_variable_is_closed_by_the_error(shell):
    shell.run_cell(
        "import nbtrain\ntracked = nbtrain.track([1, 2, 3])\npairs = enumerate(tracked)\n"
        "for _ in pairs:\n    raise ValueError('in the cell')\n")
    tracked = shell.user_ns["tracked"]
    assert str(tracked.error) == "The run failed at step 1: ValueError: in the cell"


def test_in_a_cell_an_error_that_is_caught_around_the_loop_fails_it_all_the_same(shell):
    shell.run_cell(
        "import nbtrain\ntracked = nbtrain.track([1, 2, 3])\n"
        "try:\n    for _ in tracked:\n        raise ValueError('caught')\nexcept ValueError:\n    pass\n")
    assert shell.user_ns["tracked"].state == "failed"


def test_an_iterator_that_is_thrown_away_stops_the_run():
    tracked = nbtrain.track([1, 2, 3])
    iterator = iter(tracked)
    next(iterator)
    assert tracked.state == "running"
    del iterator
    assert tracked.state == "stopped"
