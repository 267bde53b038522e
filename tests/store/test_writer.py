from __future__ import annotations

import subprocess
import sys
import threading

import pytest

from nbtrain.store import writer
from nbtrain.store.writer import Writer


def test_work_is_done_in_order_in_one_thread() -> None:
    done: list[tuple[int, int]] = []
    worker = Writer()
    for number in range(50):
        worker.submit(lambda number=number: done.append((number, threading.get_ident())))  # type: ignore[misc]
    worker.run(lambda: None)
    assert [number for number, _ in done] == list(range(50))
    assert len({thread for _, thread in done}) == 1
    assert threading.get_ident() not in {thread for _, thread in done}


def test_an_error_goes_to_the_one_who_waits_and_the_next_work_is_done() -> None:
    worker = Writer()
    lost = worker.submit(lambda: 1 / 0)  # type: ignore[arg-type]
    worker.run(lambda: None)
    assert isinstance(lost.exception(), ZeroDivisionError)
    with pytest.raises(ZeroDivisionError):
        worker.run(lambda: 1 / 0)  # type: ignore[arg-type]


def test_waiting_from_the_writers_own_thread_does_not_hang() -> None:
    worker = Writer()
    done: list[int] = []
    worker.run(lambda: worker.run(lambda: done.append(1)), timeout=60)
    assert done == [1]


def test_regular_work_is_repeated_until_it_is_cancelled() -> None:
    worker = Writer()
    third = threading.Event()
    times: list[int] = []

    def count() -> None:
        times.append(1)
        if len(times) == 3:
            third.set()

    worker.every(0.01, count)
    assert third.wait(60)
    worker.cancel(count)
    worker.run(lambda: None)
    before = len(times)
    assert not threading.Event().wait(0.05)
    assert len(times) == before


def test_regular_work_that_fails_is_told_and_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    worker = Writer()
    second = threading.Event()
    times: list[int] = []

    def fail() -> None:
        times.append(1)
        if len(times) == 2:
            second.set()
        raise KeyError("broken")

    worker.every(0.01, fail)
    assert second.wait(60)
    worker.cancel(fail)
    worker.run(lambda: None)
    assert "broken" in caplog.text


def test_the_thread_ends_when_there_is_nothing_and_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "_IDLE_SECONDS", 0.02)
    worker = Writer()
    worker.run(lambda: None)
    thread = worker._thread
    if thread is not None:
        thread.join(60)
        assert not thread.is_alive()
    assert worker._thread is None
    done: list[int] = []
    worker.run(lambda: done.append(1), timeout=60)
    assert done == [1]


def test_what_was_handed_over_just_before_the_end_is_done() -> None:
    script = (
        "import time; from nbtrain.store import writer\n"
        "writer.shared().submit(lambda: (time.sleep(0.3), print('done', flush=True)))\n")
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout == "done\n"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not fork.")
def test_a_forked_child_has_a_writer_of_its_own() -> None:
    script = (
        "import os; from nbtrain.store import writer\n"
        "writer.shared().run(lambda: None)\n"
        "child = os.fork()\n"
        "writer.shared().run(lambda: None, timeout=60)\n"
        "if child: assert os.waitpid(child, 0)[1] == 0; print('both')\n"
        "else: os._exit(0)\n")
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout == "both\n"
