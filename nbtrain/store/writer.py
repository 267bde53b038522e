"""The one background thread that writes to SQLite: work is done in order, and can be waited for.

The thread starts with the first piece of work and ends when there has been none for a while, so that a
kernel with nothing to write has no thread.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future

Task = Callable[[], None]

_IDLE_SECONDS = 5.0
_log = logging.getLogger(__name__)


class Writer:
    """Does tasks one after the other in a thread of its own, and repeats some of them regularly."""

    def __init__(self) -> None:
        self._wake = threading.Condition()
        self._tasks: deque[tuple[Task, Future[None]]] = deque()
        self._regular: dict[Task, tuple[float, float]] = {}  # task → (every so many seconds, next due)
        self._thread: threading.Thread | None = None

    def submit(self, task: Task) -> Future[None]:
        """Do `task` after everything submitted before; its error, if any, is in the future."""
        done: Future[None] = Future()
        with self._wake:
            self._tasks.append((task, done))
            self._ensure_thread()
        return done

    def run(self, task: Task, timeout: float | None = None) -> None:
        """Do `task` after everything submitted before, and wait for it. Raises what `task` raises, or TimeoutError."""
        if threading.current_thread() is self._thread:
            task()
        else:
            self.submit(task).result(timeout)

    def every(self, seconds: float, task: Task) -> None:
        """Repeat `task`, which deals with its own errors, until `cancel`."""
        with self._wake:
            self._regular[task] = (seconds, time.monotonic() + seconds)
            self._ensure_thread()

    def cancel(self, task: Task) -> None:
        """No more repetitions of `task`; one that is under way ends before anything submitted later begins."""
        with self._wake:
            self._regular.pop(task, None)

    def _ensure_thread(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="nbtrain-store", daemon=True)
            self._thread.start()
        self._wake.notify()

    def _work(self) -> None:
        while (job := self._next()) is not None:
            task, done = job
            try:
                task()
            except BaseException as error:  # noqa: BLE001 - it belongs to the one who waits; the thread must live on
                if done is None:
                    _log.exception("A regular task of the store failed.")
                else:
                    done.set_exception(error)
            else:
                if done is not None:
                    done.set_result(None)

    def _next(self) -> tuple[Task, Future[None] | None] | None:
        """The next thing to do, waited for; None when there has been nothing for long, and the thread may end."""
        with self._wake:
            while True:
                now = time.monotonic()
                task, due = min(((t, due) for t, (_, due) in self._regular.items()), key=lambda pair: pair[1],
                                default=(None, now + _IDLE_SECONDS))
                if task is not None and due <= now:
                    self._regular[task] = (self._regular[task][0], now + self._regular[task][0])
                    return task, None
                if self._tasks:
                    return self._tasks.popleft()
                if not self._wake.wait(due - now) and task is None and not self._tasks and not self._regular:
                    self._thread = None
                    return None


_shared = Writer()


def shared() -> Writer:
    """The writer of this process."""
    return _shared


def _finish() -> None:
    """What was handed over just before the interpreter ends is still written."""
    if _shared._thread is not None:  # noqa: SLF001 - same module
        with contextlib.suppress(TimeoutError):  # the interpreter must be able to end
            _shared.run(lambda: None, timeout=10)


def _begin_anew() -> None:
    """A forked child has the memory of the thread, not the thread."""
    global _shared  # noqa: PLW0603 - one per process is the point
    _shared = Writer()


atexit.register(_finish)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew)
