from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from nbtrain import i18n
from nbtrain.commandline.summary import duration, summary
from nbtrain.core.control import Command, State, Ticket
from nbtrain.core.errors import NonFiniteLossError
from nbtrain.core.history import History
from nbtrain.core.samples import Sampleless


@dataclass
class View(Sampleless):
    """A run as the summary sees it."""

    state: State = State.RUNNING
    id: str = "run-1"
    name: str = "digits"
    reason: str = ""
    warnings: tuple[str, ...] = ()
    step: int = 240
    total_steps: int | None = 1200
    epoch: int = 3
    epochs: int = 15
    progress: float = 0.2
    samples_per_second: float | None = 5123.4
    seconds_left: float | None = 75.2
    seconds: float = 20.0
    history: History = field(default_factory=History)
    error: Exception | None = None
    parent: str | None = None
    resumed: Any = None

    def options(self) -> Mapping[str, Any]:
        return {}

    def request(self, command: Command) -> Ticket:
        raise AssertionError(command)

    def __post_init__(self):
        for name, value in {"loss": 0.123456, "val_accuracy": 0.9, "learning_rate": 1e-3}.items():
            self.history.append(name, 240, value)


@pytest.fixture(autouse=True)
def english(monkeypatch):
    monkeypatch.setattr(i18n.catalogue, "_chosen", "en")


def test_a_run_in_training():
    assert summary(View()) == (
        "digits (run-1) is training. Epoch 3 of 15, step 240 of 1,200, 20%. 5,123 samples/s. About 1m 15s left. "
        "loss 0.1235 · val_accuracy 0.9.")


def test_a_run_in_persian_and_russian():
    i18n.set_current("fa")
    assert "گام ۲۴۰ از ۱٬۲۰۰، ۲۰٪. ۵٬۱۲۳ نمونه در ثانیه." in summary(View())
    i18n.set_current("ru")
    assert "Осталось около 1 мин 15 с. loss 0,1235" in summary(View())


def test_a_run_that_does_not_train_now_has_no_speed():
    for state in (State.PAUSED, State.STOPPED):
        said = summary(View(state=state, seconds_left=None))
        assert "samples/s" not in said
        assert "left" not in said


def test_a_run_that_ended_tells_its_time_and_its_error():
    said = summary(View(state=State.FAILED, error=NonFiniteLossError("The loss is NaN."), parent="run-0"))
    assert said.startswith("digits (run-1) has failed.")
    assert "Trained for 20s. Branched from run-0." in said
    assert said.endswith("NonFiniteLossError: The loss is NaN.")


def test_a_run_that_has_not_begun_gives_its_reason():
    waiting = View(State.PREPARING, step=0, reason="Waiting for run-0.", samples_per_second=None, seconds_left=None)
    waiting.history = History()
    assert summary(waiting) == "digits (run-1) is being prepared. Waiting for run-0."


def test_a_run_without_a_known_length():
    assert "Epoch 3 of 15, step 240." in summary(View(total_steps=None))


@pytest.mark.parametrize(("seconds", "expected"), [
    (0.2, "0s"), (59.6, "1m"), (61, "1m 1s"), (3600, "1h"), (3725, "1h 2m"), (90_000, "1d 1h"),
])
def test_durations_have_two_units_at_most(seconds, expected):
    assert duration(seconds) == expected
