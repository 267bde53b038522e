"""What can happen to a run, as frozen dataclasses.

There is no event per step: what a step measured goes to the `History`, which is cheaper to write and
cheaper to read. Events are rare (a handful an epoch), are journalled, and may be listened to.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from nbtrain.core.control import State


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened at `step` (optimizer updates done so far), at `time` (seconds since 1970)."""

    step: int
    time: float = field(default_factory=time.time)

    def record(self) -> dict[str, Any]:
        """A plain dict for a journal line: ``{"event": "StateChanged", "step": …, "time": …, …}``."""
        return {"event": type(self).__name__, **dataclasses.asdict(self)}


@dataclass(frozen=True, slots=True, kw_only=True)
class StateChanged(Event):
    """The run went from `previous` to `state`; `reason` is a sentence, empty where the state says all."""

    previous: State
    state: State
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochEnd(Event):
    """Epoch `epoch` (1-based) is over; `metrics` holds its figures, e.g. ``{"val_loss": 0.31}``."""

    epoch: int
    metrics: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionEdited(Event):
    """A live edit took effect before step `step` + 1."""

    name: str
    old: Any
    new: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointSaved(Event):
    """A generation is on disk, verified; `seconds` in the background.

    `reason`: start, every, epoch, best, asked, stop, end or error.
    """

    generation: str
    reason: str
    seconds: float
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointFailed(Event):
    """A generation could not be written; the older ones are untouched."""

    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumed(Event):
    """The run goes on from a checkpoint. `exact` is False where `reasons` says why bits may differ."""

    generation: str
    exact: bool
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Warned(Event):
    """Something the user should know that does not end the run."""

    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplesMade(Event):
    """After epoch `epoch` (1-based) the model made `count` samples, which are in the run's folder."""

    epoch: int
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFailed(Event):
    """The run ended with an error. `details` is the traceback as text."""

    kind: str
    message: str
    details: str = ""


Listener = Callable[[Event], None]
