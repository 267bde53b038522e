"""Long work that is not a run (an import, a profile, a check): it can be watched, waited for, and called off.

The work gets a `Progress`, to which it says how far it is and from which it hears that it was called off. It runs
in a thread of its own, and is called off when Python ends. An exception ends it, is kept in the task, and is raised by
`Task.wait`.
"""

from __future__ import annotations

import atexit
import itertools
import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Generic, Literal, TypeVar

from nbtrain.core.errors import CancelledError, NbtrainError

TaskPhase = Literal["running", "done", "failed", "cancelled"]
T = TypeVar("T")
#: Ended tasks that are kept, for who looks late.
KEPT = 20

#: Seconds that Python waits at its end for work that it has called off.
PATIENCE = 10.0

log = logging.getLogger(__name__)
_threads: dict[threading.Thread, Progress] = {}
_threads_lock = threading.Lock()


def in_background(work: Callable[[], object], progress: Progress, *, name: str) -> None:
    """Do `work`, which hears of `progress` that it is called off, in a thread that holds nothing up.

    When Python ends, the work is called off and waited for: a thread that came back from DuckDB or Arrow after that
    would abort the process.
    """
    def run() -> None:
        try:
            work()
        finally:
            with _threads_lock:
                del _threads[thread]

    thread = threading.Thread(target=run, name=name, daemon=True)
    with _threads_lock:
        _threads[thread] = progress
        thread.start()


@atexit.register
def _end() -> None:
    with _threads_lock:
        threads = {thread: each for thread, each in _threads.items() if thread.is_alive()}  # a fork has none of them
    for progress in threads.values():
        progress.cancel()
    until = time.monotonic() + PATIENCE
    for thread in threads:
        thread.join(max(0.0, until - time.monotonic()))


class Progress:
    """How far a piece of work is, written by the one who does it; `cancel` may be called from any thread.

    Args:
        on_report: called after each report, in the thread that works.
    """

    def __init__(self, on_report: Callable[[Progress], None] | None = None) -> None:
        self.done = 0.0
        self.total: float | None = None
        """None while not known."""
        self.unit = ""
        """``"bytes"``, ``"rows"``, or empty for a share."""
        self._on_report = on_report
        self._cancelled = threading.Event()
        self._closers: list[Callable[[], None]] = []
        self._lock = threading.Lock()

    def report(self, done: float, total: float | None = None, unit: str = "") -> None:
        """So much of so much is done. Raises CancelledError when the work was called off."""
        self.check()
        self.done, self.total, self.unit = done, total, unit
        if self._on_report is not None:
            self._on_report(self)

    def check(self) -> None:
        """Raises CancelledError when the work was called off."""
        if self._cancelled.is_set():
            raise CancelledError("It was called off; nothing was left behind.")

    @property
    def cancelled(self) -> bool:
        return self._cancelled.is_set()

    def cancel(self) -> None:
        """Call the work off: the next `report` or `check` raises, and what `on_cancel` was given is called."""
        with self._lock:
            self._cancelled.set()
            closers, self._closers = self._closers, []
        for close in closers:
            close()

    def on_cancel(self, close: Callable[[], None]) -> None:
        """Have `close` called on cancelling, to interrupt a call that cannot look by itself (a database query)."""
        with self._lock:
            if not self._cancelled.is_set():
                self._closers.append(close)
                return
        close()


class Task(Generic[T]):
    """One piece of long work, running or ended. Cheap to read from any thread."""

    _numbers = itertools.count(1)

    def __init__(self, kind: str, title: str, work: Callable[[Progress], T]) -> None:
        self.id = f"task-{next(self._numbers)}"
        self.kind = kind
        """What sort of work, e.g. ``"import"``: the key ``task.<kind>`` of the catalogue says it."""
        self.title = title
        """What is worked on: the name of a file or a dataset."""
        self.progress = Progress()
        self.phase: TaskPhase = "running"
        self.error: BaseException | None = None
        self._work: Callable[[Progress], T] | None = work
        self._result: T | None = None
        self._began = time.monotonic()
        self._ended: float | None = None
        self._over = threading.Event()

    @property
    def seconds(self) -> float:
        """How long it has taken so far, or took."""
        return (self._ended or time.monotonic()) - self._began

    @property
    def ended(self) -> bool:
        return self._over.is_set()

    def cancel(self) -> None:
        """Call it off; what has ended stays as it is."""
        self.progress.cancel()

    def wait(self, timeout: float | None = None) -> T:
        """The result. Raises what the work raised, CancelledError, or TimeoutError after `timeout` seconds."""
        if not self._over.wait(timeout):
            raise TimeoutError(f"{self.kind} of {self.title} is not done after {timeout} s; wait longer, or cancel it.")
        if self.error is not None:
            raise self.error
        return self._result  # type: ignore[return-value]  # without an error there is a result

    def run(self) -> None:
        """Do the work, in the thread that calls."""
        work, self._work = self._work, None  # what it refers to is not kept alive by a list of ended tasks
        assert work is not None  # noqa: S101 - a task runs once
        phase: TaskPhase = "done"
        try:
            self._result = work(self.progress)
        except BaseException as error:
            phase = "cancelled" if self.progress.cancelled else "failed"
            self.error = error
            if phase == "cancelled" and not isinstance(error, CancelledError):  # a query that was interrupted, say
                self.error = CancelledError(f"{self.kind} of {self.title} was called off.")
            elif phase == "failed" and not isinstance(error, NbtrainError):
                log.error("%s of %s failed.", self.kind, self.title, exc_info=error)  # noqa: TRY400 - with a condition
        finally:
            self._ended = time.monotonic()
            self.phase = phase
            self._over.set()


class Tasks:
    """The tasks of one kernel, oldest first; of those that ended, the last few."""

    def __init__(self) -> None:
        self._tasks: list[Task[Any]] = []
        self._lock = threading.Lock()

    def start(self, kind: str, title: str, work: Callable[[Progress], T]) -> Task[T]:
        """Begin `work` in a thread of its own."""
        task = Task(kind, title, work)
        self.show(task)
        in_background(task.run, task.progress, name=f"nbtrain-{task.id}")
        return task

    def show(self, task: Task[Any]) -> None:
        """Tell of a task, which may be one of another list too."""
        with self._lock:
            if task in self._tasks:
                return
            ended = [task for task in self._tasks if task.ended]
            for old in ended[: max(0, len(ended) - KEPT)]:
                self._tasks.remove(old)
            self._tasks.append(task)

    def all(self) -> Sequence[Task[Any]]:
        with self._lock:
            return list(self._tasks)

    def find(self, task_id: str) -> Task[Any] | None:
        """The task of this id, if it is still known."""
        return next((task for task in self.all() if task.id == task_id), None)
