"""A run that is not in this kernel, as the interface sees runs: read from the workspace, and not to be steered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from nbtrain.core.control import Command, State, Ticket
from nbtrain.core.errors import CommandError, TrainingError
from nbtrain.core.events import Warned
from nbtrain.core.history import History
from nbtrain.core.ports import OWN_LOOP, Resumption
from nbtrain.core.samples import Sample, Sign
from nbtrain.store import lock, metrics, samples
from nbtrain.store.database import RunRecord
from nbtrain.store.workspace import Workspace


class StoredRun:
    """What is on disk of a run: the record as it was when asked for, and its history."""

    def __init__(self, workspace: Workspace, record: RunRecord) -> None:
        self._folder = workspace.run_folder(record.id)
        self._journal = workspace.journal(record.id)
        self._record = record
        self._live = lock.is_held(self._folder)

    @property
    def id(self) -> str:
        return self._record.id

    @property
    def name(self) -> str:
        return self._record.name

    @property
    def state(self) -> State:
        """As recorded; a run whose kernel died reads as stopped, which it is."""
        if self._record.state.ended or self._live:
            return self._record.state
        return State.STOPPED

    @property
    def reason(self) -> str:
        if self._live:
            return "Another kernel trains this run; steer it there."
        if not self._record.state.ended and OWN_LOOP in self._record.options:
            return "Its kernel ended while the loop ran."
        if not self._record.state.ended:
            return f"Its kernel ended. Go on with nbtrain.resume({self.id!r})."
        return self._record.reason

    @cached_property
    def warnings(self) -> Sequence[str]:
        """Read when first asked for."""
        return [str(line.get("message")) for line in self._journal.read() if line.get("event") == Warned.__name__]

    @cached_property
    def signs(self) -> Sequence[Sign]:
        """Read when first asked for."""
        return samples.kept_signs(self._folder)

    @cached_property
    def sampled(self) -> Sequence[int]:
        """Read when first asked for."""
        return samples.sampled(self._folder)

    def samples(self, epoch: int | None = None) -> Sequence[Sample]:
        return samples.read(self._folder, epoch)

    @property
    def step(self) -> int:
        return self._record.step

    @property
    def total_steps(self) -> int | None:
        return self._record.total_steps

    @property
    def epoch(self) -> int:
        return self._record.epoch

    @property
    def epochs(self) -> int:
        return int(self._record.options.get("epochs", self._record.epoch))

    @property
    def progress(self) -> float:
        if self._record.state is State.FINISHED:
            return 1.0
        return min(1.0, self.step / self.total_steps) if self.total_steps else 0.0

    @property
    def samples_per_second(self) -> float | None:
        return self.history.last("samples_per_second")

    @property
    def seconds_left(self) -> float | None:
        return None

    @property
    def seconds(self) -> float:
        return self._record.seconds

    @cached_property
    def history(self) -> History:
        """Read when first asked for."""
        return metrics.load(self._folder)

    @property
    def error(self) -> Exception | None:
        return None if self._record.error is None else TrainingError(self._record.error, step=self.step)

    @property
    def resumed(self) -> Resumption | None:
        return self._record.resumed

    @property
    def parent(self) -> str | None:
        return self._record.parent

    def options(self) -> Mapping[str, Any]:
        return self._record.options

    def request(self, command: Command) -> Ticket:
        """Always refused: nothing of this run is in this kernel."""
        ticket = Ticket(command)
        ticket.resolve(CommandError(
            f"Run {self.id} is not in this kernel, so it cannot be steered from here; "
            f"{self.reason or 'resume it first.'}"))
        return ticket
