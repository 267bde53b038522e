"""`TrackedRun`: a run of the workspace whose loop is not the engine's.

Whoever loops tells it of steps, figures and the end, and asks between two steps what was wished for. All of this
belongs to the loop's thread; looking at the run and asking something of it is free for all.
"""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from nbtrain.config import TrainConfig
from nbtrain.core.control import Command, Control, Edit, Pause, Resume, Save, State, Stop, Ticket
from nbtrain.core.errors import CommandError, ConfigError, NbtrainError, Problem, TrainingError
from nbtrain.core.events import EpochEnd, Event, OptionEdited, RunFailed, StateChanged, Warned
from nbtrain.core.history import Column, History
from nbtrain.core.ports import OWN_LOOP, Resumption
from nbtrain.core.samples import Sampleless
from nbtrain.store.database import RunRecord
from nbtrain.store.workspace import Workspace
from nbtrain.tracking.clock import Clock
from nbtrain.tracking.figures import Figures
from nbtrain.tracking.rates import Rates
from nbtrain.tracking.record import Record

#: Seconds after which the workspace is told how far the loop is.
NOTE_EVERY = 2.0
_ACTIVITY = {State.RUNNING: "training", State.FINISHED: "finished", State.STOPPED: "stopped", State.FAILED: "failed"}


class TrackedRun(Sampleless):
    """As panels, lists and the workspace know runs.

    Args:
        name: for people.
        epochs: how often the loop goes through its data.
        length: steps of one epoch; None where that is not known.
        total: steps in all, where these are not those of whole epochs.
        rates: of the optimizers, where they were handed in.
        options: what else is to be remembered.
        more_epochs: True when `epochs` may be edited while the loop runs.
        on_begin, on_end: called when it has begun, and when it has ended.
    """

    def __init__(
        self, *, name: str, epochs: int = 1, length: int | None = None, total: int | None = None,
        rates: Rates | None = None, options: Mapping[str, Any] | None = None, more_epochs: bool = False,
        on_begin: Callable[[TrackedRun], None] = lambda _: None, on_end: Callable[[TrackedRun], None] = lambda _: None,
    ) -> None:
        self.id = ""  # until it begins
        self.name, self.epochs, self.length = name, epochs, length
        self.step, self.epochs_done = 0, 0
        self.reason = ""
        self.error: TrainingError | None = None
        self.resumed: Resumption | None = None
        self.parent: str | None = None
        self.history = History()
        self.control = Control(self._changed)
        self.figures = Figures(self.history, lambda message: self.publish(Warned(step=self.step, message=message)))
        self._rates = rates or Rates([])
        self._editable = [*(["epochs"] if more_epochs else []), *self._rates.options()]
        self._rate = self.history.column("learning_rate") if rates else Column()
        self._options = dict(options or {})
        self._on_begin, self._on_end = on_begin, on_end
        self._record: Record | None = None
        self._thread: int | None = None
        self._stops: list[Ticket] = []
        self._epoch_began = 0
        self._total = total
        self._clock, self._noted = Clock(), 0.0

    # -- how it stands --------------------------------------------------------------------------

    @property
    def state(self) -> State:
        """``preparing running paused finished stopped failed``; compares equal to these words."""
        return self.control.state

    @property
    def folder(self) -> Path:
        """Where its journal and its figures lie, from the first batch on."""
        if self._record is None:
            raise CommandError("The loop has not begun, so its run has no folder yet.")
        return self._record.folder

    @property
    def warnings(self) -> Sequence[str]:
        """What you should know that does not end the loop, a sentence each, the newest last."""
        return [] if self._record is None else self._record.warnings

    @property
    def events(self) -> list[Event]:
        return [] if self._record is None else list(self._record.events)

    @property
    def epoch(self) -> int:
        """The epoch the loop is in, from 1; 0 before the first step."""
        return min(self.epochs_done + 1, self.epochs) if self.step else 0

    @property
    def total_steps(self) -> int | None:
        if self._total is not None:
            return max(self.step, self._total)
        if self.length is None:
            return None
        left = max(0, self.epochs - self.epochs_done)
        return max(self.step, self._epoch_began + left * self.length) if left else self.step

    @property
    def progress(self) -> float:
        """0.0 to 1.0."""
        if self.state is State.FINISHED:
            return 1.0
        total = self.total_steps
        return min(1.0, self.step / total if total else self.epochs_done / self.epochs)

    @property
    def seconds(self) -> float:
        """Time spent in the loop, pauses left out."""
        return self._clock.seconds

    @property
    def samples_per_second(self) -> float | None:
        return self.history.last("samples_per_second")

    @property
    def seconds_left(self) -> float | None:
        total = self.total_steps
        if self.state.ended or not total or not self.step:
            return None
        return self.seconds / self.step * max(0, total - self.step)

    def options(self) -> Mapping[str, Any]:
        """What was handed in to be remembered, and what may be edited, as it is now."""
        return {**self._options, "epochs": self.epochs, **self._rates.options(), OWN_LOOP: self._editable}

    # -- steering -------------------------------------------------------------------------------

    def pause(self) -> Self:
        """Hold before the next batch."""
        return self._ask(Pause())

    def resume(self) -> Self:
        """Go on after a pause."""
        return self._ask(Resume())

    def stop(self) -> Self:
        """End before the next batch, as if the data had ended."""
        return self._ask(Stop())

    def set(self, **changes: Any) -> Self:
        """Edit learning_rate and weight_decay of the optimizer that was handed in; or epochs.

        Raises:
            ConfigError: it cannot be edited, or is out of range.
            CommandError: the run has ended.
        """
        return self._ask(Edit(changes))

    def wait(self, timeout: float | None = None) -> State:
        """Wait, in another thread than the loop's, until the run has ended; at most `timeout` seconds.

        Raises:
            TrainingError: the run failed.
            CommandError: this is the loop's thread, so the run cannot end meanwhile.
        """
        if self._thread == threading.get_ident() and not self.state.ended:
            raise CommandError("The loop runs in this thread, so it cannot wait for its own end.")
        self.control.wait_until_ended(timeout)
        if self.error is not None:
            raise TrainingError(str(self.error), step=self.error.step, details=self.error.details)
        return self.state

    def request(self, command: Command) -> Ticket:
        """Ask without waiting; the ticket tells when it took effect."""
        ticket = Ticket(command)
        try:
            if self.state.ended:
                raise CommandError(f"The run is {self.state}, and its loop is yours; run its cell again for a new one.")
            if isinstance(command, Save):
                raise CommandError(
                    "The loop is yours, so nbtrain does not know what to save; write torch.save into the loop.")
            if isinstance(command, Edit):
                command = Edit(self._checked(command.changes), id=command.id)
        except NbtrainError as error:
            ticket.resolve(error)
            return ticket
        return self.control.request(command)

    def _ask(self, command: Command) -> Self:
        ticket = self.request(command)
        if ticket.done or self._thread not in {None, threading.get_ident()}:  # the loop cannot wait for itself
            ticket.wait()
        return self

    def _checked(self, changes: Mapping[str, Any]) -> dict[str, Any]:
        """The changes, validated. Raises ConfigError."""
        hint = "" if self._rates else "; hand in optimizer= for its learning_rate and weight_decay"
        can = f"these can: {', '.join(self._editable) or 'none'}{hint}."
        wrong = [name for name in changes if name not in self._editable]
        if wrong:
            raise ConfigError([Problem(name, f"{name} cannot change while this loop runs; {can}") for name in wrong])
        checked = TrainConfig().replace(**changes)
        if "epochs" in changes and checked["epochs"] <= self.epochs_done:
            raise ConfigError([Problem(
                "epochs", f"epochs is {checked['epochs']}, but {self.epochs_done} are done already; give at least "
                          f"{self.epochs_done + 1}, or stop the run.")])
        return {name: checked[name] for name in changes}

    # -- the loop's side ------------------------------------------------------------------------

    def begin(self, workspace: Workspace) -> None:
        """The loop sets out. Raises WorkspaceError, with nothing left behind but an empty folder."""
        if self._record is not None:
            raise CommandError("This loop has begun already; make another for another.")
        self.id = workspace.new_run_id()
        row = RunRecord(id=self.id, name=self.name, total_steps=self.total_steps, options=dict(self.options()))
        self._record = Record(workspace, row, self.history)
        self._thread = threading.get_ident()
        self.control.move_to(State.RUNNING)
        self._on_begin(self)

    def set_out_from(self, step: int, epochs_done: int = 0) -> None:
        """The loop goes on with what was trained before."""
        self.step = self._epoch_began = step
        self.epochs_done = epochs_done

    @property
    def asked_to_stop(self) -> bool:
        return bool(self._stops)

    def heed(self) -> bool:
        """Carry out what was asked for, and wait here while paused. False when the loop shall end."""
        if not self.control.pending:
            return not self._stops
        self._clock.stop()
        try:
            while True:
                self._carry_out_all()
                if self._stops or self.control.state is not State.PAUSED:
                    return not self._stops
                self.figures.settle(wait=True)
                self.control.wait_for_command(0.2)  # in slices: one long wait does not see Ctrl-C on every platform
        finally:
            self._clock.start()

    def advance(self, step: int) -> None:
        """Step number `step` begins."""
        self.step = step
        if not self._clock.runs:  # from the first on, not from when its panel was drawn
            self._clock.start()
        if self._rates and "learning_rate" not in self.figures.names:
            self._rate.append(step, self._rates.learning_rate)

    def measure(self, samples: int) -> None:
        """A step is done that took `samples` samples."""
        self.figures.settle()
        speeds = self._clock.step(samples)
        if speeds is not None:
            self.history.append("steps_per_second", self.step, speeds[0])
            self.history.append("samples_per_second", self.step, speeds[1])
            if time.monotonic() - self._noted >= NOTE_EVERY:
                self._note()

    def log(self, **figures: Any) -> None:
        """Write figures of the present step: ``log(loss=loss, val_accuracy=0.9)``; numbers, or 0-d tensors.

        Raises:
            ConfigError: one of them is no number.
            CommandError: the run has ended.
        """
        if self.state.ended:
            raise CommandError(
                f"The run is {self.state}, so nothing can be logged any more; log inside the loop, or hold the run "
                "open for what comes after it: with nbtrain.track(…) as tracked:.")
        self.figures.log(self.step, figures)

    def close_epoch(self, *, whole: bool = True) -> None:
        """An epoch is over, after all of its data or not: write its mean loss, and what was logged last."""
        self.figures.settle(wait=True)
        mean = self.figures.take_mean()
        if mean is not None:
            self.history.append("train_loss", self.step, mean)
        metrics = dict(self.figures.latest) if mean is None else {"train_loss": mean, **self.figures.latest}
        if whole:
            self.length = self.step - self._epoch_began
        self._epoch_began, self.epochs_done = self.step, self.epochs_done + 1
        self.publish(EpochEnd(step=self.step, epoch=self.epochs_done, metrics=metrics))
        self._note(metrics=metrics)

    def finish(self) -> None:
        """The loop came to its end."""
        self._end(State.FINISHED, "")

    def end_early(self, reason: str = "") -> None:
        """The loop ends before its data does, because it was asked to, or for `reason`."""
        self._end(State.STOPPED, reason)

    def fail(self, said: str, details: str = "") -> None:
        """The loop was ended by an error."""
        if self.state.ended:
            return
        self.error = TrainingError(f"The run failed at step {self.step}: {said}", step=self.step, details=details)
        self.publish(RunFailed(step=self.step, kind="TrainingError", message=str(self.error), details=details))
        self._end(State.FAILED, str(self.error))

    def end_by(self, error: BaseException) -> None:
        """The loop was left by `error`, which goes on its way: an interrupt stops the run, an error fails it."""
        if isinstance(error, Exception):
            said = str(error) if isinstance(error, NbtrainError) else f"{type(error).__name__}: {error}"
            self.fail(said, "".join(traceback.format_exception(error)))
        else:
            self.end_early("Interrupted." if isinstance(error, KeyboardInterrupt) else f"{type(error).__name__}.")

    def publish(self, event: Event) -> None:
        if self._record is not None:
            self._record.publish(event)

    # -- inside ---------------------------------------------------------------------------------

    def _carry_out_all(self) -> None:
        tickets = self.control.take()
        try:
            while tickets:
                self._carry_out(tickets.pop(0))
        finally:
            for ticket in tickets:
                ticket.resolve(CommandError("The loop ended before the command was looked at."))

    def _carry_out(self, ticket: Ticket) -> None:
        try:
            match ticket.command:
                case Stop():
                    self._stops.append(ticket)
                    return
                case Pause():
                    self.control.move_to(State.PAUSED)
                case Resume():
                    self.control.move_to(State.RUNNING)
                case Edit(changes=changes):
                    self._edit(changes)
        except NbtrainError as error:
            ticket.resolve(error)
        except BaseException as error:
            ticket.resolve(CommandError(f"The command failed with {type(error).__name__}: {error}"))
            raise
        else:
            ticket.resolve()

    def _edit(self, changes: Mapping[str, Any]) -> None:
        before, self.epochs = self.options(), changes.get("epochs", self.epochs)
        self._rates.set(changes)
        for name, value in changes.items():
            if before[name] != value:
                self.publish(OptionEdited(step=self.step, name=name, old=before[name], new=value))
        self._note()

    def _end(self, state: State, reason: str) -> None:
        if self.state.ended or self._record is None:
            return
        self.reason = reason
        self._clock.stop()
        self.figures.settle(wait=True)
        self._options.update(self._rates.options())
        self._rates = Rates([])  # an optimizer holds what fills a GPU
        self._record.close_figures()
        self._on_end(self)
        self._note(metrics=dict(self.figures.latest))
        self.control.move_to(state, self.reason)
        self._record.close()
        for ticket in self._stops:
            ticket.resolve()

    def _changed(self, previous: State, state: State, reason: str) -> None:
        if state is State.RUNNING:
            self.reason = ""
        self.publish(StateChanged(step=self.step, previous=previous, state=state, reason=reason or self.reason))
        self._note()
        if self._record is not None and state in _ACTIVITY:
            self._record.add_activity(_ACTIVITY[state], self.name)

    def _note(self, **changes: Any) -> None:
        self._noted = time.monotonic()
        if self._record is not None:
            self._record.note(
                state=self.state, step=self.step, epoch=self.epoch, total_steps=self.total_steps,
                options=dict(self.options()), seconds=self.seconds, reason=self.reason,
                error=None if self.error is None else str(self.error), **changes)

    def __repr__(self) -> str:
        of = f"/{self.total_steps}" if self.total_steps else ""
        loss = self.history.last("loss")
        said = "" if loss is None else f", loss {loss:.4g}"
        return f"<{type(self).__name__} {self.id} {self.name!r}: {self.state}, step {self.step}{of}{said}>"
