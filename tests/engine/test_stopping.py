from __future__ import annotations

import json
import math

import pytest

from nbtrain.config import StoppingConfig
from nbtrain.engine.stopping import EarlyStopping


def stopping(*, higher: bool = False, patience: int = 2, threshold: float = 0.1) -> EarlyStopping:
    return EarlyStopping(StoppingConfig(patience=patience, threshold=threshold), higher_is_better=higher)


@pytest.mark.parametrize(("higher", "values", "better"), [
    (False, [1.0, 0.8, 0.75, 0.69, 0.9], [True, True, False, True, False]),
    (True, [0.5, 0.7, 0.75, 0.81, 0.2], [True, True, False, True, False]),
])
def test_better_means_beating_the_best_by_more_than_the_threshold(
    higher: bool, values: list[float], better: list[bool],
):
    stop = stopping(higher=higher)
    assert [stop.update(value, step) for step, value in enumerate(values)] == better
    assert (stop.best, stop.best_step) == (values[3], 3)


def test_it_stops_after_as_many_epochs_without_gain_as_it_has_patience():
    stop = stopping()
    waited = []
    for step, value in enumerate([1.0, 1.0, 0.5, 0.5, 0.5]):
        stop.update(value, step)
        waited.append((stop.waited, stop.should_stop))
    assert waited == [(0, False), (1, False), (0, False), (1, False), (2, True)]


def test_patience_can_be_edited_while_it_waits():
    stop = stopping()
    for step in range(3):
        stop.update(1.0, step)
    assert stop.should_stop
    stop.patience = 5
    assert not stop.should_stop


def test_nan_is_never_better_and_anything_is_better_than_nothing():
    stop = stopping()
    assert stop.update(math.nan, 0) is False
    assert stop.update(5.0, 1) is True
    assert stop.update(math.nan, 2) is False
    assert stop.best == 5.0


def test_its_state_is_json_and_takes_up_where_it_was():
    stop = stopping()
    stop.update(1.0, 10)
    stop.update(1.0, 20)
    again = stopping()
    again.load_state_dict(json.loads(json.dumps(stop.state_dict())))
    assert (again.best, again.best_step, again.waited) == (1.0, 10, 1)
    again.update(1.0, 30)
    assert again.should_stop
