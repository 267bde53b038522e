"""One thread that tells all open panels what is new: the only one that sends, and the only writer of traits.

At most ten messages a second leave it, over all panels, and at most 50 kB a second; what is an answer to a
question (a reply, a snapshot) is apart, since the browser asked for it. A run's change of state goes first,
else the panel's turn that waited longest. A panel with nothing new gets a beat, so that it knows that the
kernel lives. The thread sleeps when nobody looks, and ends when the last panel closes.
"""

from __future__ import annotations

import json
import logging
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol, TypeVar

from nbtrain.core.control import Ticket
from nbtrain.widgets.commands import refusal
from nbtrain.widgets.feed import Feed, Packet
from nbtrain.widgets.wire import Beat, Delta, Message, Reply, Snapshot

PERIOD = 0.1
#: Bytes a second and a message, below the promise of 50 kB: a second may hold ten periods and one message more.
RATE, MESSAGE_BYTES = 45_000, 4_500
#: What Jupyter's headers add to a message.
ENVELOPE = 1_000
BEAT_AFTER = 0.9
#: How often the pump looks after panels nobody looks at: their static twins follow the run all the same.
UNSEEN_PACE = 1.0
#: A page that was heard on the control channel says each minute that it is there. One that went without a word
#: (a closed window, a lost network) is told nothing after this long: Jupyter's server would keep it all for it.
FORGOTTEN_AFTER = 300.0
TICKET_PACE = 0.02

log = logging.getLogger(__name__)
T = TypeVar("T")


class Client(Protocol):
    """A panel as the pump sees it."""

    @property
    def model_id(self) -> str: ...
    @property
    def feed(self) -> Feed: ...
    def put(self, message: Message, buffers: Sequence[bytes] = ()) -> None:
        """Send to the browser."""
    def look_after(self) -> None:
        """Called about once a second while the panel is open, for what is not a message (the static twin)."""
    def looked_at(self, *, on: bool) -> None:
        """Called when somebody begins to look at the panel, and when nobody does any more."""


@dataclass(slots=True)
class _Line:
    """What the pump keeps of a panel."""

    client: Client
    seen: bool = False
    snapshot_due: bool = False
    seq: int = 0
    sent_at: float = -math.inf
    looked_after_at: float = -math.inf
    heard_at: float = math.inf
    settled: bool = False


class Pump:
    """Sends what is new to the panels that were added.

    Args:
        clock: seconds that only grow; a test hands in its own and calls `tick` itself.
        threaded: whether a thread of the pump's own calls `tick`.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, *, threaded: bool = True) -> None:
        self._clock = clock
        self._threaded = threaded
        self._lines: dict[str, _Line] = {}
        self._jobs: deque[Callable[[], None]] = deque()
        self._tickets: list[tuple[Ticket, Callable[[Exception | None], None]]] = []
        self._next_message = -math.inf
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        #: The last errors of the pump itself, newest last; each was also logged and shown.
        self.failures: deque[Exception] = deque(maxlen=20)

    # -- for everyone, from any thread ----------------------------------------------------------

    @property
    def clients(self) -> list[Client]:
        return [line.client for line in list(self._lines.values())]

    def find(self, model_id: str) -> Client | None:
        """The open panel of this widget id."""
        line = self._lines.get(model_id)
        return line.client if line else None

    def add(self, client: Client) -> None:
        """Look after this panel; the browser's `hello` starts the flow."""
        with self._lock:
            self._lines[client.model_id] = _Line(client)
            if self._threaded and self._thread is None:
                self._thread = threading.Thread(target=self._run, name="nbtrain-pump", daemon=True)
                self._thread.start()
        self._wake.set()

    def remove(self, model_id: str) -> None:
        """Forget a panel that closed."""
        with self._lock:
            line = self._lines.pop(model_id, None)
            if line is not None:
                self._jobs.append(partial(line.client.looked_at, on=False))
        self._wake.set()

    def call(self, job: Callable[[], None]) -> None:
        """Have `job` done in the pump's thread, soon."""
        self._jobs.append(job)
        self._wake.set()

    def when_done(self, ticket: Ticket, then: Callable[[Exception | None], None]) -> None:
        """Have `then` called in the pump's thread, with the ticket's error, once the trainer has answered it."""
        self.call(lambda: self._tickets.append((ticket, then)))

    def show(self, model_id: str, *, anew: bool = True) -> None:
        """Somebody looks at this panel; `anew`: and knows nothing yet."""
        self.call(lambda: self._mark(model_id, seen=True, anew=anew))

    def hide(self, model_id: str) -> None:
        """Nobody looks at this panel now."""
        self.call(lambda: self._mark(model_id, seen=False))

    def heard(self, model_id: str) -> None:
        """The control channel brought word from the panel's page, which will say so again as long as it is there."""
        self.call(lambda: self._heard(model_id))

    def renew(self, model_id: str) -> None:
        """What this panel shows was exchanged: a snapshot, if somebody looks."""
        self.call(lambda: self._renew(model_id))

    # -- the thread -----------------------------------------------------------------------------

    def _run(self) -> None:
        while True:
            delay = self._guarded(None, self.tick)
            with self._lock:
                if not self._lines and not self._jobs:
                    self._thread = None
                    return
            if delay is None:  # the tick itself failed; what is broken may mend
                delay = UNSEEN_PACE
            self._wake.wait(None if math.isinf(delay) else delay)

    def tick(self) -> float:
        """Do what is due; seconds until something may be due again, infinity when only a call can bring news."""
        self._wake.clear()
        now = self._clock()
        self._do_jobs()
        self._settle()
        self._do_jobs()  # the answers
        for line in list(self._lines.values()):
            self._guarded(line, partial(self._look_after, line, now))
        if now >= self._next_message:
            self._send_one(now)
        return self._delay(now)

    def _do_jobs(self) -> None:
        while self._jobs:
            self._guarded(None, self._jobs.popleft())

    def _settle(self) -> None:
        """Answer those whose command the trainer has carried out."""
        done = [(ticket, then) for ticket, then in self._tickets if ticket.done]
        self._tickets = [(ticket, then) for ticket, then in self._tickets if not ticket.done]
        for ticket, then in done:
            self._guarded(None, partial(then, ticket.error))

    def _look_after(self, line: _Line, now: float) -> None:
        if now - line.looked_after_at >= UNSEEN_PACE:
            line.looked_after_at = now
            line.snapshot_due |= line.client.feed.refresh()
            # Read before: what ended just now must be looked after once more.
            line.settled = math.isinf(line.client.feed.pace())
            line.client.look_after()
            if now - line.heard_at > FORGOTTEN_AFTER:
                self._mark(line.client.model_id, seen=False)
        if line.seen and line.snapshot_due:
            line.snapshot_due = False
            self._send(line, line.client.feed.snapshot(), "snapshot", now)

    def _send_one(self, now: float) -> None:
        """Give the one message of this tick to the panel whose turn it is."""
        waiting = [line for line in self._lines.values() if line.seen]
        waiting.sort(key=lambda line: (not line.client.feed.urgent(), line.sent_at))
        for line in waiting:
            if self._offer(line, now):
                return

    def _offer(self, line: _Line, now: float) -> bool:
        """Send this panel what is new, or a beat if it is due. False: nothing to send."""
        packet = self._guarded(line, partial(line.client.feed.delta, MESSAGE_BYTES - ENVELOPE)) or Packet()
        if not packet and now - line.sent_at < BEAT_AFTER:
            return False
        size = self._guarded(line, partial(self._send, line, packet, "delta" if packet else "beat", now)) or 0
        self._next_message = now + max(PERIOD, size / RATE)
        return True

    def _send(self, line: _Line, packet: Packet, kind: str, now: float) -> int:
        line.seq += 1
        line.sent_at = now
        message: Snapshot | Delta | Beat
        if kind == "beat":
            message = Beat(type="beat", seq=line.seq)
        else:
            message = {"type": kind, "seq": line.seq, **packet.body()}  # type: ignore[assignment]
        line.client.put(message, packet.buffers)
        return ENVELOPE + len(json.dumps(message)) + sum(map(len, packet.buffers))

    def _delay(self, now: float) -> float:
        delay = math.inf
        for line in self._lines.values():
            if line.seen:
                delay = min(delay, line.client.feed.pace(), max(0.0, line.sent_at + BEAT_AFTER - now))
            if not line.settled:
                delay = min(delay, max(0.0, line.looked_after_at + UNSEEN_PACE - now))
        delay = max(delay, self._next_message - now)
        return min(delay, TICKET_PACE) if self._tickets else delay

    def _mark(self, model_id: str, *, seen: bool, anew: bool = True) -> None:
        line = self._lines.get(model_id)
        if line is None:
            return
        line.snapshot_due |= seen and (anew or not line.seen)
        line.heard_at = math.inf
        if line.seen is not seen:
            line.seen = seen
            line.client.looked_at(on=seen)

    def _heard(self, model_id: str) -> None:
        line = self._lines.get(model_id)
        if line is not None:
            line.heard_at = self._clock()

    def _renew(self, model_id: str) -> None:
        line = self._lines.get(model_id)
        if line is not None:
            line.snapshot_due = True
            line.settled = False

    def _guarded(self, line: _Line | None, work: Callable[[], T]) -> T | None:
        """What `work` returns; its exception is kept, logged, and shown in the panel, and the pump goes on."""
        try:
            return work()
        except Exception as error:  # noqa: BLE001 - one broken panel must not silence the others
            fresh = self._note(error)
            if fresh and line is not None:
                reply = Reply(type="reply", id="", ok=False, error=refusal(error))
                self._guarded(None, partial(line.client.put, reply))
            return None

    def _note(self, error: Exception) -> bool:
        """Keep and log an error. False when the last one was the same: it is not told ten times a second."""
        repeated = bool(self.failures) and repr(self.failures[-1]) == repr(error)
        if not repeated:
            self.failures.append(error)
            log.error("The panels' pump met an error and goes on.", exc_info=error)
        return not repeated
