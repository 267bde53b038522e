"""The thread that writes checkpoints while the training goes on."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from nbtrain.engine.checkpoint import CheckpointFolder, Generation
from nbtrain.engine.snapshot import Snapshot, SnapshotBuffer


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a submitted snapshot: a `generation`, or an `error` and the older generations untouched."""

    step: int
    reason: str
    seconds: float
    generation: Generation | None = None
    error: Exception | None = None


@dataclass(frozen=True, slots=True)
class _Job:
    snapshot: Snapshot
    reason: str
    metrics: Mapping[str, float]
    best: bool
    finite: bool | None
    before: Callable[[], None] | None
    submitted: float = field(default_factory=time.monotonic)


class CheckpointWriter:
    """Writes snapshots taken with `buffer` into `folder`, in order, in one background thread.

    The trainer's stall is `take`: with two buffers it waits only when it is two checkpoints ahead of the
    disk. `on_done` is called in the background thread for every snapshot; nothing fails silently.
    """

    def __init__(self, folder: CheckpointFolder, on_done: Callable[[Outcome], None]) -> None:
        self.folder = folder
        self.buffer = SnapshotBuffer()
        self._on_done = on_done
        self._wake = threading.Condition()
        self._jobs: deque[_Job] = deque()
        self._busy = False
        self._closed = False
        self._thread: threading.Thread | None = None

    def submit(
        self, snapshot: Snapshot, reason: str, metrics: Mapping[str, float] | None = None, *,
        best: bool = False, finite: bool | None = None, before: Callable[[], None] | None = None,
    ) -> None:
        """Write `snapshot`, whose components `buffer.take` gave; returns at once.

        `before` runs first, in the background: what must be durable before this checkpoint may be seen
        (the recorder's flush). If it raises, the checkpoint is not written.
        """
        self.buffer.hold(snapshot.components)
        with self._wake:
            if self._closed:
                self.buffer.release(snapshot.components)
                raise RuntimeError("The checkpoint writer is closed.")
            self._jobs.append(_Job(snapshot, reason, dict(metrics or {}), best, finite, before))
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="nbtrain-checkpoint", daemon=True)
                self._thread.start()
            self._wake.notify_all()

    def drain(self, timeout: float | None = None) -> bool:
        """Wait until everything submitted is written and told; False when `timeout` seconds passed first."""
        with self._wake:
            return self._wake.wait_for(lambda: not self._jobs and not self._busy, timeout)

    def close(self) -> None:
        """Write what is left and end the thread."""
        with self._wake:
            self._closed = True
            self._wake.notify_all()
            thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def _work(self) -> None:
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._jobs or self._closed)
                if not self._jobs:
                    return
                job = self._jobs.popleft()
                self._busy = True
            try:
                self._do(job)
            finally:
                self.buffer.release(job.snapshot.components)
                with self._wake:
                    self._busy = False
                    self._wake.notify_all()

    def _do(self, job: _Job) -> None:
        generation, error = None, None
        try:
            if job.before is not None:
                job.before()
            generation = self.folder.write(job.snapshot, job.reason, job.metrics, best=job.best, finite=job.finite)
        except Exception as failure:  # noqa: BLE001 - whatever it is, the one who waits must hear of it
            error = failure
        self._on_done(Outcome(job.snapshot.step, job.reason, time.monotonic() - job.submitted, generation, error))
