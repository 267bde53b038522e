"""The trainer thread: one run from its preparation to its end, whatever that end is."""

from __future__ import annotations

import atexit
import contextlib
import gc
import sys
import threading
import time
import traceback
import weakref
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from nbtrain.config import TrainConfig
from nbtrain.core.control import Control, Hold, State, Stop
from nbtrain.core.errors import NbtrainError, TrainingError
from nbtrain.core.events import EpochEnd, Event, Resumed, RunFailed, StateChanged, Warned
from nbtrain.core.history import History
from nbtrain.core.ports import Resumption
from nbtrain.engine.crew import LostError
from nbtrain.engine.diary import Diary, Places
from nbtrain.engine.engine import Engine
from nbtrain.engine.evaluation import Evaluation
from nbtrain.engine.footing import Position
from nbtrain.engine.job import Job
from nbtrain.engine.saver import CheckpointSaver, unpack
from nbtrain.engine.snapshot import Snapshot
from nbtrain.engine.steering import StopRequested
from nbtrain.store.lock import RunLock
from nbtrain.store.samples import keep_signs

#: Seconds a thread may keep the interpreter while another waits for it; 5 ms, as Python has it, are long beside a step.
SWITCH_INTERVAL = 0.0002


@dataclass(frozen=True, slots=True)
class Restart:
    """Where a run takes up again: a verified snapshot, and what is to be said about it."""

    run_id: str
    """Whose checkpoint it is."""
    snapshot: Snapshot
    generation: str
    reasons: tuple[str, ...] = ()
    """Why bits may differ from an uninterrupted run; empty: exact."""
    fork: bool = False
    """True when the checkpoint belongs to another run, whose folder stays as it is."""
    notes: tuple[str, ...] = ()
    """What else the user should know, such as a newer checkpoint that was broken."""


class Trainer:
    """Owns the thread, the engine while it lives, and what remains after it.

    Args:
        places: where the run leaves its traces.
        job: what is trained; closed at the end.
        config: the options at the start.
        history: what was measured before, when the run goes on from a checkpoint.
        lock: of the run's folder, taken already; released at the end.
        name: for people.
        parent: id of the run this one was forked from.
        restart: where to take up; None starts from step 0.
        after: runs to wait for before the first step.
        on_end: called once, when the run has ended and holds nothing any more but its model.
    """

    def __init__(
        self, places: Places, job: Job, config: TrainConfig, history: History, *, lock: RunLock, name: str,
        parent: str | None = None, restart: Restart | None = None, after: Sequence[Trainer] = (),
        on_end: Callable[[], None] = lambda: None,
    ) -> None:
        self.places, self.id, self.folder, self.name, self.parent = places, places.id, places.folder, name, parent
        self.history = history
        self.model: nn.Module = job.model
        self.given = job.given
        self.fingerprint = job.fingerprint
        """Of the data."""
        self.options = config
        self.control = Control(self._changed)
        self.error: TrainingError | None = None
        self.reason = ""
        self.diary = Diary(places, self._hold_on)
        self.resumed: Resumption | None = None
        if restart is not None and not restart.fork:
            self.resumed = Resumption(exact=not restart.reasons, reasons=list(restart.reasons))
        self.at = Position(**restart.snapshot.state["position"]) if restart is not None else Position()
        self.total_steps: int | None = None
        self.evaluation = Evaluation(job, config)
        self._begin = (self.at.step, self.at.seconds)
        self._job: Job | None = job
        self._engine: Engine | None = None
        self._saver: CheckpointSaver | None = None
        self._restart = restart
        self._after = list(after)
        self._lock = lock
        self._on_end = on_end
        self._thread = threading.Thread(target=self._main, name=f"nbtrain-{self.id}", daemon=True)

    def start(self) -> None:
        """Begin. Raises WorkspaceError where the run's folder takes nothing."""
        keep_signs(self.folder, self.given.signs)
        _alive.add(self)
        self._thread.start()

    def join(self, timeout: float | None = None) -> None:
        self._thread.join(timeout)

    @property
    def here(self) -> bool:
        """True in the thread that trains: in a metric or loss of the user's, say, which cannot wait for itself."""
        return threading.current_thread() is self._thread

    @property
    def seconds(self) -> float:
        engine = self._engine
        return self.at.seconds if engine is None else engine.seconds

    @property
    def seconds_here(self) -> float:
        """Seconds trained in this kernel; with `steps_here`, the pace that an estimate goes by."""
        return self.seconds - self._begin[1]

    @property
    def steps_here(self) -> int:
        return self.at.step - self._begin[0]

    @property
    def events(self) -> list[Event]:
        return self.diary.events

    def predict(self, data: Any) -> Any:
        return self.evaluation.predict(self.model, data)

    def evaluate(self, data: Any) -> dict[str, float]:
        return self.evaluation.evaluate(self.model, data)

    # -- the thread -----------------------------------------------------------------------------

    def _main(self) -> None:
        torch.set_flush_denormal(True)  # of this thread and those torch starts for it; False where no CPU can
        with short_switch_interval():
            end = State.FAILED
            try:
                end = self._train()
            except BaseException as error:  # noqa: BLE001 - whatever it is, it must reach the user, and the thread must end
                self._fail(error)
            finally:
                stops = [] if self._engine is None else self._engine.steering.stops
                self._clean_up()
                # Last, so that who sees the run ended may train its model again at once.
                self.control.move_to(end, self.reason)
                self.diary.close()
                self._lock.release()
                _alive.discard(self)
                for ticket in stops:
                    ticket.resolve()

    def _train(self) -> State:
        job = self._job
        assert job is not None  # noqa: S101 - only `_clean_up`, at the end of this thread, takes it away
        saver = CheckpointSaver(
            self.folder, self.history, self.options, job, publish=self.diary.write, on_failure=self._hold_on)
        self._saver = saver
        engine = Engine(
            job, self.options, control=self.control, history=self.history, publish=self._engine_event, saver=saver)
        self._engine = engine
        for note in job.notes:
            self.publish(Warned(step=self.at.step, message=note))
        if self._restart is not None:
            self._take_up(engine, self._restart)
        if self._restart is None or self._restart.fork:
            saver.save(engine, "start")
            saver.drain()  # from the first step on there is always something to resume from
        self._restart = None  # it holds a copy of every tensor
        self.at, self.total_steps = engine.at, engine.total_steps
        if self._wait_for_others(engine):
            self.control.move_to(State.RUNNING)
            end = engine.fit()
        else:
            end = State.STOPPED
        end = self._save_last(engine, saver, end)
        if end is State.FINISHED and engine.at.epoch < engine.epochs:
            self.reason = (
                f"Early stopping: {engine.options['monitor']} has not got better for {engine.stopping.waited} epochs.")
        if engine.ema is not None and end is State.FINISHED:
            engine.ema.copy_to(self.model)
        return end

    def _save_last(self, engine: Engine, saver: CheckpointSaver, end: State) -> State:
        """The last checkpoint. A run that cannot write it pauses and tries again; one that is stopped ends anyhow."""
        saver.save(engine, "stop" if end is State.STOPPED else "end")
        while not saver.drain() and end is not State.STOPPED:
            try:
                engine.steering.obey()  # who could not write has asked for a pause
            except StopRequested:
                end = State.STOPPED
        return end

    def _take_up(self, engine: Engine, restart: Restart) -> None:
        components, state = unpack(restart.snapshot)
        engine.restore(components, state)
        if not restart.fork and self._saver is not None:
            self._saver.forget_after(engine.at.step)
        self.publish(Resumed(
            step=engine.at.step, generation=restart.generation, exact=not restart.reasons, reasons=restart.reasons))
        for note in restart.notes:
            self.publish(Warned(step=engine.at.step, message=note))

    def _wait_for_others(self, engine: Engine) -> bool:
        """Wait for the runs this one is queued behind. False when it was stopped meanwhile."""
        while True:
            self._after = [other for other in self._after if not other.control.state.ended]
            if not self._after or engine.steering.stops:
                self.reason = ""
                return not engine.steering.stops
            self.reason = f"Waiting for run {self._after[0].id} to end."
            self.control.wait_for_command(0.1)
            engine.steering.obey_while_queued()

    def _hold_on(self, message: str) -> None:
        """Something could not be written: pause, so that nothing more is at stake than there is now."""
        self.reason = message
        self.control.request(Hold())

    def _fail(self, error: BaseException) -> None:
        engine, saver = self._engine, self._saver
        step = self.at.step
        details = "".join(traceback.format_exception(error))
        if isinstance(error, TrainingError):
            failure = error
            failure.step, failure.details = failure.step or step, details
        else:
            said = str(error) if isinstance(error, NbtrainError) else f"{type(error).__name__}: {error}"
            failure = TrainingError(f"The run failed at step {step}: {said}", step=step, details=details)
            failure.__cause__ = error
        drop_frames(failure)
        if engine is not None and saver is not None and not engine.torn and self.control.state is not State.PREPARING:
            try:
                saver.save(engine, "error")
                saver.drain()
                if isinstance(failure, LostError):
                    failure.args = (f"{failure} The run was saved, and nbtrain.resume(…) goes on with it.",)
            except Exception as second:  # noqa: BLE001 - the first error is the one to report; this one is told beside it
                self.publish(Warned(step=step, message=f"The last state could not be saved: {second}"))
        self.error, self.reason = failure, str(failure)
        self.publish(RunFailed(step=step, kind=type(failure).__name__, message=str(failure), details=details))

    def _clean_up(self) -> None:
        """Let go of everything but the model, so that the device's memory is free for what comes next."""
        engine, saver, job = self._engine, self._saver, self._job
        if engine is not None:
            self.at.seconds = engine.seconds
        self.model.zero_grad(set_to_none=True)
        closing: list[tuple[str, Callable[[], None]]] = [("run", self._on_end)]
        if job is not None:
            closing.insert(0, ("data", job.close))
        if saver is not None:
            closing.insert(0, ("checkpoints", saver.close))
        for name, close in closing:
            try:
                close()
            except Exception as error:  # noqa: BLE001 - one thing that cannot be closed must not keep the others open
                self.publish(Warned(step=self.at.step, message=f"Closing the {name} failed: {error}"))
        self._engine = self._job = self._saver = self._restart = None
        del engine, job, saver, closing, close
        gc.collect()
        if torch.cuda.is_available() and torch.cuda.is_initialized():
            torch.cuda.empty_cache()

    # -- what happened --------------------------------------------------------------------------

    def publish(self, event: Event) -> None:
        self.diary.write(event)

    def _engine_event(self, event: Event) -> None:
        engine = self._engine
        if engine is not None:
            self.options, self.total_steps = engine.options, engine.total_steps
        self.publish(event)
        if isinstance(event, EpochEnd) and event.metrics:
            self._note(metrics=dict(event.metrics))

    def _changed(self, previous: State, state: State, reason: str) -> None:
        if state is State.RUNNING:
            self.reason = ""
        self.publish(StateChanged(step=self.at.step, previous=previous, state=state, reason=reason or self.reason))
        self._note()
        if state in _ACTIVITY:
            self.places.workspace.database.add_activity(_ACTIVITY[state], self.id, self.name)

    def _note(self, **changes: Any) -> None:
        self.places.workspace.database.update_run(
            self.id, state=self.control.state, step=self.at.step, epoch=self.at.epoch, total_steps=self.total_steps,
            options=self.options.flat(), seconds=self.seconds, reason=self.reason, resumed=self.resumed,
            error=None if self.error is None else str(self.error), **changes)


_ACTIVITY = {State.RUNNING: "training", State.FINISHED: "finished", State.STOPPED: "stopped", State.FAILED: "failed"}


def drop_frames(error: BaseException) -> None:
    """Cut the frames off an exception and all it came from: frames hold tensors."""
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        current = waiting.pop()
        if current is None or id(current) in seen:
            continue
        seen.add(id(current))
        if current.__traceback__ is not None:
            traceback.clear_frames(current.__traceback__)
            current.__traceback__ = None
        waiting += [current.__cause__, current.__context__, *getattr(current, "exceptions", ())]


_interval_lock = threading.Lock()
_intervals: list[float] = []


@contextlib.contextmanager
def short_switch_interval() -> Iterator[None]:
    """Python's threads take turns 25 times as often while a run is active; a busy cell then costs less."""
    with _interval_lock:
        _intervals.append(sys.getswitchinterval())
        sys.setswitchinterval(SWITCH_INTERVAL)
    try:
        yield
    finally:
        with _interval_lock:
            first = _intervals.pop(0)
            if not _intervals:
                sys.setswitchinterval(first)
            else:
                _intervals[0] = first


_alive: weakref.WeakSet[Trainer] = weakref.WeakSet()


@atexit.register
def _stop_all() -> None:
    """The interpreter ends: stop what trains, with a checkpoint, rather than have its thread torn down."""
    trainers = list(_alive)
    for trainer in trainers:
        trainer.control.request(Stop())
    until = time.monotonic() + 10.0
    for trainer in trainers:
        trainer.join(max(0.0, until - time.monotonic()))
