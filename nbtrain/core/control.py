"""The state of a run, and the commands that ask to change it.

Anyone may `request` a command from any thread; only the trainer thread carries it out, between two
steps, and answers it. The state is changed by the trainer alone, so what a reader sees has happened.

    preparing ─► running ⇄ paused
        │           │         │
        └───────────┴─────────┴──► finished | stopped | failed
"""

from __future__ import annotations

import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from nbtrain.core.errors import CommandError


class State(StrEnum):
    """Where a run is. The last three are final."""

    PREPARING = "preparing"
    RUNNING = "running"
    PAUSED = "paused"
    FINISHED = "finished"
    STOPPED = "stopped"
    FAILED = "failed"

    @property
    def ended(self) -> bool:
        return self in _FINAL


_FINAL = frozenset({State.FINISHED, State.STOPPED, State.FAILED})
_ALLOWED = {
    State.PREPARING: {State.RUNNING, State.PAUSED, *_FINAL},
    State.RUNNING: {State.PAUSED, *_FINAL},
    State.PAUSED: {State.RUNNING, *_FINAL},
}


@dataclass(frozen=True, slots=True)
class Command:
    """A wish, with an id so that its answer finds the one who asked and a second copy is noticed."""

    id: str = field(default_factory=lambda: uuid.uuid4().hex, kw_only=True)


@dataclass(frozen=True, slots=True)
class Pause(Command):
    """Hold after the current step."""


@dataclass(frozen=True, slots=True)
class Hold(Command):
    """Hold after the current step, for something failed at `since` (seconds of the monotonic clock) that may heal."""

    since: float = field(default_factory=time.monotonic)


@dataclass(frozen=True, slots=True)
class Resume(Command):
    """Go on after a pause."""


@dataclass(frozen=True, slots=True)
class Stop(Command):
    """End after the current step, with a checkpoint."""


@dataclass(frozen=True, slots=True)
class Save(Command):
    """Write a checkpoint now."""


@dataclass(frozen=True, slots=True)
class Edit(Command):
    """Change options of the running training; `changes` maps option name to validated value."""

    changes: Mapping[str, Any]


class Ticket:
    """The receipt of a command. `wait` returns when the trainer has carried it out or refused it."""

    def __init__(self, command: Command) -> None:
        self.command = command
        self.error: Exception | None = None
        self._done = threading.Event()

    @property
    def done(self) -> bool:
        return self._done.is_set()

    def resolve(self, error: Exception | None = None) -> None:
        self.error = error
        self._done.set()

    def wait(self, timeout: float | None = None) -> bool:
        """True when the command took effect; False when `timeout` seconds passed first.

        Raises:
            CommandError: the trainer refused the command.
        """
        if not interruptible_wait(self._done, timeout):
            return False
        if self.error is not None:
            raise self.error
        return True


class Control:
    """The meeting point of one trainer thread and everyone who wants something of it."""

    def __init__(self, on_change: Callable[[State, State, str], None] | None = None) -> None:
        #: True while a command waits. A plain attribute: the trainer reads it every step, for free.
        self.pending = False
        self._state = State.PREPARING
        self._on_change = on_change
        self._lock = threading.Lock()
        self._queue: deque[Ticket] = deque()
        self._wake = threading.Event()
        self._ended = threading.Event()

    @property
    def state(self) -> State:
        return self._state

    def request(self, command: Command) -> Ticket:
        """Ask for `command`; returns at once. Refused (in the ticket) when the run has ended."""
        ticket = Ticket(command)
        with self._lock:
            if self._state.ended:
                ticket.resolve(CommandError(
                    f"The run has {_ENDED_WORD[self._state]}, so it cannot {_VERB[type(command)]}; "
                    "continue it with nbtrain.resume(run.id) or start a new one."))
            else:
                self._queue.append(ticket)
                self.pending = True
                self._wake.set()
        return ticket

    # -- the trainer's side ---------------------------------------------------------------------

    def take(self) -> list[Ticket]:
        """All waiting commands, oldest first. The caller must `resolve` each."""
        with self._lock:
            tickets = list(self._queue)
            self._queue.clear()
            self.pending = False
            self._wake.clear()
        return tickets

    def wait_for_command(self, timeout: float | None = None) -> bool:
        """Sleep until a command is there (the paused trainer lives here)."""
        return self._wake.wait(timeout)

    def move_to(self, state: State, reason: str = "") -> None:
        """Change the state; listeners are told before waiters wake.

        Raises:
            CommandError: the change is not in the drawing above.
        """
        previous = self._state
        if state is previous:
            return
        if state not in _ALLOWED.get(previous, ()):
            raise CommandError(f"A run that is {previous} cannot become {state}.")
        with self._lock:
            self._state = state
            left = list(self._queue) if state.ended else []
            if state.ended:
                self._queue.clear()
                self.pending = False
        try:
            if self._on_change is not None:
                self._on_change(previous, state, reason)
        finally:
            for ticket in left:
                ticket.resolve(CommandError(f"The run {_ENDED_WORD[state]} before the command was looked at."))
            if state.ended:
                self._ended.set()

    def wait_until_ended(self, timeout: float | None = None) -> bool:
        """True when the run has ended; the wait can be interrupted from the keyboard."""
        return interruptible_wait(self._ended, timeout)


_VERB = {Pause: "pause", Hold: "pause", Resume: "resume", Stop: "stop", Save: "save a checkpoint", Edit: "be edited"}
_ENDED_WORD = {State.FINISHED: "finished", State.STOPPED: "stopped", State.FAILED: "failed"}


def interruptible_wait(event: threading.Event, timeout: float | None) -> bool:
    """Wait in slices: one long `Event.wait` does not see Ctrl-C on every platform."""
    if timeout is not None:
        timeout += time.monotonic()
    while not event.is_set():
        left = 0.2 if timeout is None else min(0.2, timeout - time.monotonic())
        if left <= 0:
            return False
        event.wait(left)
    return True
