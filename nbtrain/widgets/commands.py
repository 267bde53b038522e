"""Requests of the browser: each is looked at once, handed to its handler, and answered exactly once.

A request arrives up to twice (on the comm and on the control channel), in any thread. A handler there only
checks and enqueues; one that may take longer is marked `slow` and runs on the worker thread.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nbtrain.core.control import Ticket
from nbtrain.core.errors import CommandError, ConfigError, NbtrainError
from nbtrain.widgets.wire import Problem, Reply, ReplyError, Request

#: Ids kept to notice a second copy: more than one panel can send in the minutes a busy comm may lag behind.
REMEMBERED = 1024

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Answer:
    """A result that comes with buffers."""

    result: Any
    buffers: Sequence[bytes]


@dataclass(frozen=True, slots=True)
class Handler:
    """What to do with one kind of request: returns the result, an `Answer`, or a `Ticket` to wait for."""

    run: Callable[[Request], Any]
    slow: bool = False
    worker: Worker | None = None
    """Who runs it if it is slow; None: the worker of all panels, in whose queue a start waits too."""


class Worker:
    """Does jobs in the order they come, `threads` at a time; its threads are there only while there are jobs."""

    def __init__(self, name: str, *, threads: int = 1) -> None:
        self._name = name
        self._threads = threads
        self._jobs: deque[Callable[[], None]] = deque()
        self._lock = threading.Lock()
        self._running = 0

    def submit(self, job: Callable[[], None]) -> None:
        """Have `job` done; it must not raise."""
        with self._lock:
            self._jobs.append(job)
            if self._running == self._threads:
                return
            self._running += 1
        threading.Thread(target=self._run, name=self._name, daemon=True).start()

    def _run(self) -> None:
        while True:
            with self._lock:
                if not self._jobs:
                    self._running -= 1
                    return
                job = self._jobs.popleft()
            try:
                job()
            except Exception:
                log.exception("A job of %s failed.", self._name)


class Desk:
    """Where the requests of one panel arrive.

    Args:
        handlers: by kind of request.
        reply: sends an answer; called from any thread.
        when_done: calls back once a ticket is resolved.
        worker: for slow handlers.
    """

    def __init__(
        self,
        handlers: Mapping[str, Handler],
        *,
        reply: Callable[[Reply, Sequence[bytes]], None],
        when_done: Callable[[Ticket, Callable[[Exception | None], None]], None],
        worker: Worker,
    ) -> None:
        self._handlers = dict(handlers)
        self._reply = reply
        self._when_done = when_done
        self._worker = worker
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._lock = threading.Lock()

    def receive(self, content: object, buffers: Sequence[memoryview] = ()) -> None:
        """Take a request from any thread; never raises, for there is nobody to raise to.

        What came as buffers is under ``"buffers"`` of the request.
        """
        id_, kind = (content.get("id"), content.get("kind")) if isinstance(content, dict) else (None, None)
        if not isinstance(content, dict) or not isinstance(id_, str) or not 0 < len(id_) <= 64:
            self._refuse("", CommandError("A request without an id of 1 to 64 characters came; it was not looked at."))
            return
        if not self._first_copy(id_):
            return
        handler = self._handlers.get(kind) if isinstance(kind, str) else None
        if buffers or "buffers" in content:
            content = {**content, "buffers": list(buffers)}
        if handler is None:
            self._refuse(id_, CommandError(
                f"This panel knows no request {kind!r}; there are: {', '.join(sorted(self._handlers))}."))
        elif handler.slow:
            request = content
            (handler.worker or self._worker).submit(lambda: self._handle(id_, handler, request))
        else:
            self._handle(id_, handler, content)

    def _first_copy(self, id_: str) -> bool:
        with self._lock:
            if id_ in self._seen:
                return False
            self._seen[id_] = None
            if len(self._seen) > REMEMBERED:
                self._seen.popitem(last=False)
            return True

    def _handle(self, id_: str, handler: Handler, request: Request) -> None:
        try:
            result = handler.run(request)
        except Exception as error:  # noqa: BLE001 - whatever it is, the one who asked is told
            self._refuse(id_, error)
            return
        if isinstance(result, Ticket):
            self._when_done(result, lambda error: self._refuse(id_, error) if error else self._accept(id_, None))
        else:
            self._accept(id_, result)

    def _accept(self, id_: str, result: Any) -> None:
        answer = result if isinstance(result, Answer) else Answer(result, ())
        self._reply(Reply(type="reply", id=id_, ok=True, result=answer.result), answer.buffers)

    def _refuse(self, id_: str, error: Exception) -> None:
        if not isinstance(error, NbtrainError):
            log.error("A request of a panel failed.", exc_info=error)
        self._reply(Reply(type="reply", id=id_, ok=False, error=refusal(error)), ())


def refusal(error: Exception) -> ReplyError:
    """An exception as the browser is told of it."""
    known = isinstance(error, NbtrainError)
    problems = error.problems if isinstance(error, ConfigError) else ()
    message = str(error) if known else f"{type(error).__name__}: {error}"
    return ReplyError(
        kind=type(error).__name__, message=message,
        problems=[Problem(field=problem.field, message=problem.message) for problem in problems])


def text(request: Request, name: str) -> str:
    """A field that must be a text. Raises CommandError."""
    value = request.get(name)
    if not isinstance(value, str):
        raise _misfit(request, name, "a text")
    return value


def texts(request: Request, name: str) -> list[str]:
    """A field that must be a list of texts. Raises CommandError."""
    value = request.get(name)
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise _misfit(request, name, "a list of texts")
    return value


def mapping(request: Request, name: str) -> dict[str, Any]:
    """A field that must map names to values. Raises CommandError."""
    value = request.get(name)
    if not isinstance(value, dict):
        raise _misfit(request, name, "named values")
    return value


def number(request: Request, name: str) -> int:
    """A field that must be a whole number. Raises CommandError."""
    value = request.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value // 1:
        raise _misfit(request, name, "a whole number")
    return int(value)


def flag(request: Request, name: str) -> bool:
    """A field that must be true or false. Raises CommandError."""
    value = request.get(name)
    if not isinstance(value, bool):
        raise _misfit(request, name, "true or false")
    return value


def optional(request: Request, name: str) -> str | None:
    """A field that is a text, or not there. Raises CommandError."""
    return None if request.get(name) is None else text(request, name)


def mappings(request: Request, name: str) -> list[dict[str, Any]]:
    """A field that must be a list of named values. Raises CommandError."""
    value = request.get(name)
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise _misfit(request, name, "a list of named values")
    return value


def buffer(request: Request) -> memoryview:
    """The one buffer that came with a request. Raises CommandError."""
    found = request.get("buffers")
    if not isinstance(found, list) or len(found) != 1:
        raise CommandError(f"The request {request['kind']!r} needs one buffer of bytes; it came with none, or several.")
    return memoryview(found[0]).cast("B")


def _misfit(request: Request, name: str, wanted: str) -> CommandError:
    given = f"{request.get(name)!r:.80}"
    return CommandError(f"The request {request['kind']!r} needs {wanted} as {name!r}; it came with {given}.")
