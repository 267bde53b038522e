"""Waiting for long work, and calling it off."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest

from nbtrain.core.errors import CancelledError
from nbtrain.core.tasks import Progress
from nbtrain.data.keeping.waiting import line, waited
from nbtrain.data.table import Table

# Whoever started the tests may have had interrupts ignored, which a child process takes over; a kernel hears them.
INTERRUPTED = """
import os, signal, sys, threading, time
signal.signal(signal.SIGINT, signal.default_int_handler)
import nbtrain
from nbtrain.data.keeping.waiting import waited

def work(progress):
    threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
    try:
        while True:
            time.sleep(0.01)
            progress.report(1, 2)
    finally:
        time.sleep(0.3)
        ended.append(True)

ended = []

try:
    waited("import", "x", work)
except KeyboardInterrupt:
    print("interrupted", ended)
"""


def test_waiting_can_be_interrupted():
    done = subprocess.run([sys.executable, "-c", INTERRUPTED], capture_output=True, text=True, timeout=240, check=False)
    assert (done.stdout, done.stderr) == ("interrupted [True]\n", "")


def test_a_long_query_is_interrupted():
    progress = Progress()
    threading.Timer(0.3, progress.cancel).start()
    with pytest.raises(CancelledError):  # to its end it would take hours
        Table("range(1)", name="x").sql(
            "SELECT count(*) FROM range(100000000000000) a WHERE a.range % 7 = 3", progress=progress)


def test_with_a_progress_the_work_is_done_where_it_is_asked_for():
    progress = Progress()
    thread = waited("x", "x", lambda told: (told is progress, threading.current_thread()), progress)
    assert thread == (True, threading.current_thread())
    assert waited("x", "x", lambda told: threading.current_thread()) is not threading.current_thread()


def test_a_line_for_a_terminal():
    progress = Progress()
    progress.report(30, 60, "bytes")
    assert line("reviews.csv", progress, 12) == "reviews.csv  ████████████░░░░░░░░░░░░   50%  12 s"
