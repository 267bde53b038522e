"""What a loop logs: numbers, checked, on their way into the history.

A number on a GPU is not waited for: a copy is on its way to the host while the loop goes on, and is written down once
it has come. No library of tensors is loaded here: what is logged brings its own.
"""

from __future__ import annotations

import math
import re
import sys
from collections import deque
from collections.abc import Callable, Mapping
from numbers import Real
from typing import Any, NamedTuple

from nbtrain.core.errors import ConfigError, Problem
from nbtrain.core.history import History

_NAME = re.compile(r"[^\W\d][\w./@%: -]{0,63}")
#: Types of numbers on a GPU; bool and complex are none.
_ON_GPU = re.compile(r"float|int")
#: What is counted here, so that nobody need log it.
COUNTED = frozenset({"step", "epoch"})


class _OnItsWay(NamedTuple):
    """A figure that is still on the device."""

    name: str
    step: int
    host: Any
    event: Any


class Figures:
    """Writes a loop's figures into `history`. Belongs to the loop's thread.

    Args:
        history: where they go.
        warn: told a sentence, once a name, when a figure is not finite.
    """

    def __init__(self, history: History, warn: Callable[[str], None]) -> None:
        self.latest: dict[str, float] = {}
        """The newest finite value of each name."""
        self.names: set[str] = set()
        """Everything that was ever logged."""
        self._history, self._warn = history, warn
        self._waiting: deque[_OnItsWay] = deque()
        self._told: set[str] = set()
        self._sum, self._count = 0.0, 0

    def log(self, step: int, figures: Mapping[str, Any]) -> None:
        """Write figures of `step`. Raises ConfigError, with nothing written, when one of them is no number."""
        ready: dict[str, Any] = {}
        problems = []
        for name, value in figures.items():
            if name not in self.names and (wrong := _wrong_name(name)):
                problems.append(Problem(str(name), wrong))
            elif type(value) is float:  # the usual one
                ready[name] = value
            elif (number := _number(value)) is None:
                problems.append(Problem(name, f"{name} is {_described(value)}; {_ADVICE}"))
            else:
                ready[name] = number
        if problems:
            raise ConfigError(problems)
        for name, number in ready.items():
            self.names.add(name)
            if type(number) is not float:
                self._waiting.append(_OnItsWay(name, step, *_sent_home(number)))
            elif self._waiting:  # figures of one name must not overtake one another
                self._waiting.append(_OnItsWay(name, step, number, None))
            else:
                self._write(name, step, number)

    def settle(self, *, wait: bool = False) -> None:
        """Write down what has come from the device; with `wait`, all that is on its way."""
        while self._waiting:
            name, step, host, event = self._waiting[0]
            if event is not None:
                if wait:
                    event.synchronize()
                elif not event.query():
                    return
            self._waiting.popleft()
            self._write(name, step, float(host))

    def take_mean(self) -> float | None:
        """The mean of the losses since this was asked for last; None where there were none."""
        mean = self._sum / self._count if self._count else None
        self._sum, self._count = 0.0, 0
        return mean

    def _write(self, name: str, step: int, value: float) -> None:
        self._history.append(name, step, value)
        if math.isfinite(value):
            self.latest[name] = value
            if name == "loss":
                self._sum += value
                self._count += 1
        elif name not in self._told:
            self._told.add(name)
            self._warn(
                f"{name} was {value} at step {step}, which is a gap in its curve. The loop is yours, so it went on; "
                "lower the learning rate, or look at the data of this step.")


_ADVICE = "log one number: a float, or a 0-d tensor such as loss.mean()."


def _wrong_name(name: object) -> str:
    """What is wrong with the name of a figure; empty when nothing is."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        return f"{name!r:.80} cannot be a figure's name; it begins with a letter and has at most 64, such as val_loss."
    if name in COUNTED:
        return f"{name} is counted by nbtrain itself; leave it out of log(…), or give what you count another name."
    return ""


def _number(value: Any) -> Any:
    """A float; or a 0-d tensor that is on a GPU. None for what is no number."""
    if getattr(value, "ndim", None) == 0:
        if getattr(value, "is_cuda", False):
            return value.detach() if _ON_GPU.search(str(value.dtype)) else None
        value = value.item()
    if type(value) is float:
        return value
    if isinstance(value, bool) or not isinstance(value, Real):
        return None
    try:
        return float(value)
    except OverflowError:
        return None


def _sent_home(tensor: Any) -> tuple[Any, Any]:
    """A copy in the host's memory, and the event after which it is there."""
    torch = sys.modules["torch"]  # it made the tensor
    host = torch.empty((), dtype=torch.float64, pin_memory=True)
    host.copy_(tensor, non_blocking=True)
    event = torch.cuda.Event()
    event.record(torch.cuda.current_stream(tensor.device))
    return host, event


def _described(value: Any) -> str:
    """A value that cannot be logged, in a few words."""
    shape = getattr(value, "shape", None)
    if shape is not None and len(shape):
        return f"a {type(value).__name__} of shape {tuple(shape)}"
    return f"{value!r:.60} ({type(value).__name__})"
