"""The thread that writes checkpoints while the training goes on."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from torch import Tensor

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


@dataclass(frozen=True, slots=True, eq=False)
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

    The trainer's stall is `buffer.take`, which waits only when the trainer is two checkpoints ahead of
    the disk. `on_done` is called in the background thread for every snapshot; nothing fails silently.
    """

    def __init__(self, folder: CheckpointFolder, on_done: Callable[[Outcome], None]) -> None:
        self.folder = folder
        self.buffer = SnapshotBuffer()
        self._on_done = on_done
        self._wake = threading.Condition()
        self._work: deque[_Job | Callable[[], None]] = deque()
        self._busy = False
        self._closed = False
        self._failure: BaseException | None = None
        self._thread: threading.Thread | None = None

    def prepare(self, components: Mapping[str, Mapping[str, Tensor]]) -> None:
        """Make the buffer's room for such tensors in the background; without, the first `take` is slow."""
        self._add(lambda: self.buffer.prepare(components))

    def submit(
        self, snapshot: Snapshot, reason: str, metrics: Mapping[str, float] | None = None, *,
        best: bool = False, finite: bool | None = None, before: Callable[[], None] | None = None,
    ) -> None:
        """Write `snapshot`, whose components `buffer.take` gave; returns at once.

        `before` runs first, in the background: what must be durable before this checkpoint may be seen
        (the recorder's flush). If it raises, the checkpoint is not written.
        """
        self.buffer.hold(snapshot.components)
        try:
            self._add(_Job(snapshot, reason, dict(metrics or {}), best, finite, before))
        except RuntimeError:
            self.buffer.release(snapshot.components)
            raise

    def drain(self, timeout: float | None = None) -> bool:
        """Wait until everything submitted is written and told; False when `timeout` seconds passed first.

        Raises what `on_done` raised, if it did.
        """
        with self._wake:
            done = self._wake.wait_for(lambda: not self._work and not self._busy, timeout)
            failure, self._failure = self._failure, None
        if failure is not None:
            raise failure
        return done

    def close(self) -> None:
        """Write what is left and end the thread. Raises as `drain`."""
        with self._wake:
            self._closed = True
            self._wake.notify_all()
        if self._thread is not None:
            self._thread.join()
        self.drain()

    def _add(self, work: _Job | Callable[[], None]) -> None:
        with self._wake:
            if self._closed:
                raise RuntimeError("The checkpoint writer is closed.")
            self._work.append(work)
            if self._thread is None:
                self._thread = threading.Thread(target=self._loop, name="nbtrain-checkpoint", daemon=True)
                self._thread.start()
            self._wake.notify_all()

    def _loop(self) -> None:
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._work or self._closed)
                if not self._work:
                    return
                work = self._work.popleft()
                self._busy = True
            try:
                if isinstance(work, _Job):
                    self._on_done(self._written(work))
                else:
                    work()
            except BaseException as error:  # noqa: BLE001 - the thread must live on; `drain` raises it
                self._failure = error
            finally:
                if isinstance(work, _Job):
                    self.buffer.release(work.snapshot.components)
                del work  # an idle thread must not keep tensors alive
                with self._wake:
                    self._busy = False
                    self._wake.notify_all()

    def _written(self, job: _Job) -> Outcome:
        generation, error = None, None
        try:
            if job.before is not None:
                job.before()
            generation = self.folder.write(job.snapshot, job.reason, job.metrics, best=job.best, finite=job.finite)
        except Exception as failure:  # noqa: BLE001 - whatever it is, the one who waits must hear of it
            error = failure
        return Outcome(job.snapshot.step, job.reason, time.monotonic() - job.submitted, generation, error)
