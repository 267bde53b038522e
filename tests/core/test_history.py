import json
import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbtrain.core.decimate import minmax
from nbtrain.core.history import Column, History, Series


def test_columns_grow_and_keep_every_point():
    history = History()
    for step in range(5000):
        history.append("loss", step, step / 2)
    steps, values = history["loss"]
    assert steps.dtype == np.int64
    np.testing.assert_array_equal(steps, np.arange(5000))
    np.testing.assert_array_equal(values, np.arange(5000) / 2)
    assert history.last("loss") == 4999 / 2
    assert history.last("val_loss") is None


def test_what_was_read_does_not_change_when_the_run_goes_on():
    history = History()
    history.append("loss", 1, 1.0)
    before = history["loss"]
    history.truncate(0)
    history.append("loss", 1, 7.0)
    assert before.values.tolist() == [1.0]


def test_a_reader_never_sees_half_a_point():
    column = Column()
    torn = []

    def read():
        while len(column) < 200_000:
            steps, values = column.since(0)
            if not np.array_equal(steps.astype(float), values):
                torn.append(len(steps))

    reader = threading.Thread(target=read)
    reader.start()
    for step in range(200_000):
        column.append(step, step)
    reader.join()
    assert not torn


def test_truncate_forgets_what_came_after_a_step_and_says_so():
    history = History()
    for step in range(1, 11):
        history.append("loss", step, step)
    history.append("val_loss", 5, 0.5)
    history.append("val_loss", 10, 0.1)
    version = history.column("loss").version
    history.truncate(7)
    assert history["loss"].steps.tolist() == list(range(1, 8))
    assert history["val_loss"].steps.tolist() == [5]
    assert history.column("loss").version == version + 1


def test_the_table_has_one_row_a_step():
    history = History()
    for step in (1, 2):
        history.append("loss", step, step / 10)
    history.append("val_loss", 2, 0.5)
    frame = history.frame()
    assert frame.index.name == "step"
    assert frame["loss"].tolist() == [0.1, 0.2]
    assert np.isnan(frame["val_loss"][1])
    assert frame["val_loss"][2] == 0.5


def test_json_is_plain_and_strict():
    history = History()
    history.append("loss", 1, float("nan"))
    history.append("loss", 2, 0.5)
    text = json.dumps(history.to_json(), allow_nan=False)
    assert json.loads(text) == {"loss": {"steps": [1, 2], "values": [None, 0.5]}}


def test_an_unknown_column_is_answered_with_those_there_are():
    history = History()
    history.append("loss", 1, 1.0)
    with pytest.raises(KeyError, match=r"'los'.*loss"):
        history["los"]


FINITE = st.floats(allow_nan=False, allow_infinity=False, width=32)


@given(st.lists(FINITE, min_size=1, max_size=3000), st.integers(4, 200))
def test_decimation_keeps_ends_and_extremes(numbers, limit):
    values = np.array(numbers)
    series = minmax(Series(np.arange(len(values)), values), limit)
    assert len(series.values) <= max(limit, 4) or len(values) <= limit
    assert series.values[0] == values[0]
    assert series.values[-1] == values[-1]
    assert series.values.min() == values.min()
    assert series.values.max() == values.max()
    assert (np.diff(series.steps) > 0).all()
    np.testing.assert_array_equal(values[series.steps], series.values)


def test_a_value_that_is_not_finite_does_not_hide_a_peak():
    values = np.zeros(1000)
    values[500], values[501], values[502] = np.nan, np.inf, 9.0
    kept = minmax(Series(np.arange(1000), values), 20)
    assert 9.0 in kept.values


def test_too_few_points_to_keep_ends_and_extremes_are_refused():
    with pytest.raises(ValueError, match="at least 4"):
        minmax(Series(np.arange(10), np.zeros(10)), 3)
