"""A run without a trainer: as many steps a second as one asks for, after as long a history as one asks for."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from nbtrain.config import TrainConfig
from nbtrain.core.control import Command, Control, Pause, Resume, State, Stop, Ticket
from nbtrain.core.errors import CommandError
from nbtrain.core.history import History, Series
from nbtrain.core.ports import Resumption

#: Steps between two validations.
EPOCH = 1000
_EVERY_STEP = ("loss", "learning_rate", "grad_norm")
_EVERY_EPOCH = ("val_loss", "val_accuracy", "samples_per_second")


class FlowRun:
    """A `RunView` whose series grow by `rate` steps a second in a thread of its own, until it is stopped.

    Args:
        points: steps it has already done when it begins.
        rate: steps a second.
    """

    id, name, parent, reason = "flow", "flow", None, ""
    warnings: tuple[str, ...] = ()
    error: Exception | None = None
    resumed: Resumption | None = None
    epochs = 1000

    def __init__(self, points: int, rate: float) -> None:
        self.rate = rate
        self.step = 0
        self.total_steps: int | None = 10 * (points + 1_000_000)
        self.history = History()
        self._control = Control()
        self._config = TrainConfig(epochs=self.epochs)
        self._began = time.monotonic()
        self._noise = np.random.default_rng(0)
        self._grow(points)
        self._control.move_to(State.RUNNING)
        threading.Thread(target=self._flow, name="flow", daemon=True).start()

    @property
    def state(self) -> State:
        return self._control.state

    @property
    def epoch(self) -> int:
        return self.step // EPOCH + 1

    @property
    def progress(self) -> float:
        return self.step / self.total_steps if self.total_steps else 0.0

    @property
    def samples_per_second(self) -> float | None:
        return 32 * self.rate

    @property
    def seconds_left(self) -> float | None:
        return ((self.total_steps or 0) - self.step) / self.rate

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._began

    def options(self) -> Mapping[str, Any]:
        return self._config.flat()

    def request(self, command: Command) -> Ticket:
        return self._control.request(command)

    # -- its thread -----------------------------------------------------------------------------

    def _flow(self) -> None:
        due, before = 0.0, time.monotonic()
        while not self.state.ended:
            time.sleep(0.005)
            now = time.monotonic()
            if self.state is State.RUNNING:
                due += (now - before) * self.rate
                self._grow(int(due))
                due -= int(due)
            before = now
            self._obey()

    def _obey(self) -> None:
        for ticket in self._control.take():
            match ticket.command:
                case Pause():
                    self._control.move_to(State.PAUSED)
                case Resume():
                    self._control.move_to(State.RUNNING)
                case Stop():
                    self._control.move_to(State.STOPPED)
                case _:
                    ticket.resolve(CommandError("A flow knows pause, resume and stop alone."))
                    continue
            ticket.resolve()

    def _grow(self, count: int) -> None:
        steps = np.arange(self.step + 1, self.step + count + 1)
        for place, name in enumerate(_EVERY_STEP):
            self.history.column(name).extend(*self._curve(steps, place))
        ends = steps[steps % EPOCH == 0]
        for place, name in enumerate(_EVERY_EPOCH):
            self.history.column(name).extend(*self._curve(ends, place))
        self.step += count

    def _curve(self, steps: np.ndarray[Any, np.dtype[np.int64]], place: int) -> Series:
        """Falling like a loss, with noise on it."""
        return Series(steps, 3.0 / (1.0 + steps / 5e4) + place + 0.1 * self._noise.standard_normal(len(steps)))
