"""Waits that have a bound, and say what they waited for."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

#: Far more than is needed: whoever waits longer waits for ever.
SECONDS = 120.0


def until(holds: Callable[[], object], what: str, *, seconds: float = SECONDS) -> None:
    """Wait until `holds()`, which `what` says in words."""
    pause = threading.Event()  # a test may have taken time.sleep away
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"It did not come to this within {seconds:.0f} seconds: {what}."
        pause.wait(0.002)


def reached(run: Any, step: int) -> None:
    """Wait until a run in training has done so many steps; one that has ended before fails the test at once."""
    until(lambda: run.step >= step or run.state.ended, f"{run!r} is at step {step}")
    assert run.step >= step, f"{run!r} has ended before step {step}: {run.reason}"


def held(run: Any) -> None:
    """Wait until a run is paused."""
    until(lambda: run.state == "paused" or run.state.ended, f"{run!r} is paused")
    assert run.state == "paused", f"{run!r} has ended before it paused: {run.reason}"
