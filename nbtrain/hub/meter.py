"""Bytes of several files that are fetched at once: how many there are, how fast they come, and the end of it all."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from nbtrain.core.errors import CancelledError
from nbtrain.core.tasks import Progress

#: Seconds over which a speed is taken.
WINDOW = 5.0


class Meter:
    """Bytes of all files together; any thread may call.

    Args:
        progress: is told them; cancelling it interrupts all that waits for the Hub.
        total: bytes of all files.
        have: bytes of them that were here before.
    """

    def __init__(self, progress: Progress | None, total: int, have: int = 0) -> None:
        self._progress = progress
        self._total = total
        self._done = have
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._open: set[Any] = set()
        self._opening = threading.Lock()  # its own: who hears a report may interrupt
        if progress is not None:
            progress.on_cancel(self.interrupt)
            progress.report(min(have, total), total, "bytes")

    def add(self, count: int) -> None:
        """So many more bytes are here; fewer, when a file begins anew. Raises CancelledError."""
        self.check()
        with self._lock:
            self._done += count
            if self._progress is not None:
                self._progress.report(min(self._done, self._total), self._total, "bytes")

    def check(self) -> None:
        """Raises CancelledError when it was called off, or another file failed."""
        if self._progress is not None:
            self._progress.check()
        if self._stopped.is_set():
            raise CancelledError("Another file could not be downloaded.")

    def wait(self, seconds: float) -> None:
        """Do nothing for a while. Raises as `check`."""
        self._stopped.wait(seconds)
        self.check()

    def interrupt(self) -> None:
        """End all that waits for the Hub."""
        self._stopped.set()
        with self._opening:
            waiting = list(self._open)
        for answer in waiting:
            _cut(answer)

    @contextlib.contextmanager
    def interrupting(self, answer: Any) -> Iterator[None]:
        """An answer that `interrupt` may cut while the block reads from it."""
        with self._opening:
            self._open.add(answer)
        try:
            if self._stopped.is_set():
                _cut(answer)
            yield
        finally:
            with self._opening:
                self._open.discard(answer)


class Rate:
    """Bytes a second over the last `WINDOW` seconds.

    Args:
        have: bytes that were here at the beginning.
        clock: seconds that only grow.
    """

    def __init__(self, have: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen = deque([(clock(), have)])
        self._lock = threading.Lock()

    def look(self, have: int) -> float | None:
        """The speed, now that so many are here; None while too little is known."""
        now = self._clock()
        with self._lock:
            if now - self._seen[-1][0] > WINDOW / 20:
                self._seen.append((now, have))
            while len(self._seen) > 2 and self._seen[1][0] <= now - WINDOW:
                self._seen.popleft()
            began, had = self._seen[0]
        return (have - had) / (now - began) if now - began > WINDOW / 20 and have >= had else None


def _cut(answer: Any) -> None:
    """Wake the thread that waits for more of it: closing alone would not."""
    stream = answer.extensions.get("network_stream")
    found = stream.get_extra_info("socket") if stream is not None else None
    if isinstance(found, socket.socket):
        with contextlib.suppress(OSError):  # it has ended already
            socket.socket.shutdown(found, socket.SHUT_RDWR)  # not that of TLS, which wants to talk first
