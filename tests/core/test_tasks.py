from __future__ import annotations

import subprocess
import sys
import threading

import pytest

from nbtrain.core.errors import CancelledError, DataError
from nbtrain.core.tasks import KEPT, Progress, Tasks


def test_a_task_gives_its_result_and_says_how_far_it_is():
    def work(progress):
        progress.report(3, 4, "rows")
        return "a table"

    task = Tasks().start("import", "a.csv", work)
    assert task.wait(60) == "a table"
    assert (task.phase, task.error, task.ended) == ("done", None, True)
    assert (task.progress.done, task.progress.total, task.progress.unit) == (3, 4, "rows")


def test_what_the_work_raises_is_raised_by_wait_and_kept():
    def work(progress):
        raise DataError("Line 3 is cut short.")

    task = Tasks().start("import", "a.csv", work)
    with pytest.raises(DataError, match="cut short"):
        task.wait(60)
    assert task.phase == "failed"
    assert isinstance(task.error, DataError)


def test_an_unforeseen_error_is_logged_too(caplog):
    def work(progress):
        raise ZeroDivisionError

    task = Tasks().start("profile", "a.csv", work)
    with pytest.raises(ZeroDivisionError):
        task.wait(60)
    assert "profile of a.csv failed" in caplog.text


def test_a_task_that_is_called_off_ends_at_its_next_report():
    at_work, go_on = threading.Event(), threading.Event()

    def work(progress):
        at_work.set()
        assert go_on.wait(60)
        progress.report(1)

    task = Tasks().start("import", "a.csv", work)
    assert at_work.wait(60)
    task.cancel()
    go_on.set()
    with pytest.raises(CancelledError):
        task.wait(60)
    assert task.phase == "cancelled"


def test_an_interrupted_call_counts_as_called_off():
    closed = threading.Event()

    def work(progress):
        progress.on_cancel(closed.set)
        assert closed.wait(60)
        raise OSError("the connection was closed")

    task = Tasks().start("download", "a.csv", work)
    task.cancel()
    with pytest.raises(CancelledError, match="called off"):
        task.wait(60)


def test_who_comes_after_the_cancelling_is_closed_at_once():
    progress, closed = Progress(), []
    progress.cancel()
    progress.on_cancel(lambda: closed.append(True))
    assert closed


def test_waiting_has_an_end():
    end = threading.Event()
    task = Tasks().start("import", "a.csv", lambda _: end.wait(60))
    with pytest.raises(TimeoutError, match="not done after"):
        task.wait(0.01)
    end.set()
    assert task.wait(60) is True


def test_only_the_last_of_the_ended_tasks_are_kept():
    tasks = Tasks()
    for number in range(KEPT + 5):
        tasks.start("import", str(number), lambda _: None).wait(60)
    kept = [task.title for task in tasks.all()]
    assert len(kept) <= KEPT + 1
    assert kept[-1] == str(KEPT + 4)
    found = tasks.find(tasks.all()[-1].id)
    assert found is not None
    assert found.title == kept[-1]
    assert tasks.find("task-0") is None


def test_a_task_may_be_told_of_in_two_lists():
    one, other = Tasks(), Tasks()
    task = one.start("import", "a", lambda _: 1)
    other.show(task)
    other.show(task)
    assert list(other.all()) == [task]
    assert other.find(task.id) is task
    assert task.wait(60) == 1


ENDS = """
import threading, time
from nbtrain.core.tasks import Tasks

begun = threading.Event()

def work(progress):
    try:
        while True:
            begun.set()
            time.sleep(0.001)
            progress.check()
    finally:
        print("tidied up", flush=True)

Tasks().start("import", "a.csv", work)
begun.wait()
"""


def test_when_python_ends_work_is_called_off_and_tidies_up():
    done = subprocess.run([sys.executable, "-c", ENDS], check=False, capture_output=True, text=True, timeout=240)
    assert (done.returncode, done.stdout, done.stderr) == (0, "tidied up\n", "")
