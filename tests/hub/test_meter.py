"""Bytes of several files at once, and waking who waits for the Hub."""

from __future__ import annotations

import socket
import threading

import pytest
from huggingface_hub import get_session

from nbtrain.core.errors import CancelledError
from nbtrain.core.tasks import Progress
from nbtrain.hub.meter import WINDOW, Meter, Rate
from nbtrain.hub.telling import CutError


def test_a_speed_is_that_of_the_last_seconds():
    now = 0.0
    rate = Rate(1_000, lambda: now)
    assert rate.look(1_000) is None
    for step in range(1, 11):
        now = step / 2
        found = rate.look(1_000 + step * 50)
    assert found == pytest.approx(100)
    for step in range(1, 21):  # it stands still
        now = 5 + step / 2
        found = rate.look(1_500)
    assert found == 0
    now += WINDOW
    assert rate.look(0) is None  # it began anew


def test_what_stands_still_in_the_middle_is_cut():
    with socket.create_server(("127.0.0.1", 0)) as server:
        meter = Meter(None, 100)
        reading, ended = threading.Event(), threading.Event()

        def read() -> None:
            address = f"http://127.0.0.1:{server.getsockname()[1]}/"
            with get_session().stream("GET", address, timeout=None) as answer, meter.interrupting(answer):
                reading.set()
                with pytest.raises(CutError):
                    list(answer.iter_raw())
            ended.set()

        thread = threading.Thread(target=read, daemon=True)
        thread.start()
        connection, _ = server.accept()
        with connection:
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
            assert reading.wait(60)
            meter.interrupt()
            assert ended.wait(60)
        thread.join()


def test_one_that_is_called_off_does_not_begin():
    progress = Progress()
    meter = Meter(progress, 10, 3)
    assert (progress.done, progress.total, progress.unit) == (3, 10, "bytes")
    meter.add(4)
    assert progress.done == 7
    meter.interrupt()
    with pytest.raises(CancelledError, match="Another file"):
        meter.add(1)
    progress.cancel()
    with pytest.raises(CancelledError, match="called off"):
        meter.wait(0)
