from __future__ import annotations

import math

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from nbtrain.core.errors import ConfigError, DataError
from nbtrain.data.processing import Clip, Missing, Scale, ToNumber

VALUES = st.lists(st.none() | st.floats(-1e6, 1e6, width=32), min_size=1, max_size=50)


def batch(values):
    return pa.RecordBatch.from_pydict({"x": pa.array(values, pa.float64())})


def pieces(values, size):
    return [batch(values[start:start + size]) for start in range(0, len(values), size)]


def plain(found):
    return found.column("x").to_pylist()


@pytest.mark.parametrize("method", ["standard", "min_max", "robust"])
@given(values=VALUES, size=st.integers(1, 20))
def test_scaled_numbers_come_back_and_batches_do_not_matter(method, values, size):
    assume(any(value is not None for value in values))
    step = Scale(columns="x", method=method).fit(pieces(values, size))
    back = plain(step.inverse(step.apply(batch(values))))
    for value, found in zip(values, back, strict=True):
        assert (value is None) == (found is None)
        assert value is None or math.isclose(value, found, rel_tol=1e-6, abs_tol=1e-6)
    whole = Scale(columns="x", method=method).fit([batch(values)]).learned()["x"]
    assert step.learned()["x"] == pytest.approx(whole, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize(("method", "center", "scale"), [
    ("standard", 2.5, math.sqrt(1.25)), ("min_max", 1.0, 3.0), ("robust", 2.5, 1.5),
])
def test_what_is_learned(method, center, scale):
    given = [batch([4.0, None, 1.0]), batch([math.inf, 2.0, 3.0, math.nan])]
    assert Scale(columns="x", method=method).fit(given).learned() == {
        "x": pytest.approx({"center": center, "scale": scale})}


def test_a_great_mean_costs_no_digits():
    values = 1e9 + np.arange(1000) % 2
    found = Scale(columns="x").fit(pieces(list(values), 7)).learned()["x"]
    assert found["scale"] == pytest.approx(0.5, rel=1e-6)


def test_a_column_that_never_changes_is_centred():
    step = Scale(columns="x").fit([batch([3.0, 3.0])])
    assert plain(step.apply(batch([3.0, 4.0]))) == [0.0, 1.0]


@pytest.mark.parametrize("step", [Scale(columns="x"), Scale(columns="x", method="robust"), Clip(columns="x"),
                                  Missing(columns="x", method="mean"), Missing(columns="x")])
def test_nothing_can_be_learned_from_nothing(step):
    with pytest.raises(DataError, match="'x' has no number in the training rows"):
        step.fit([batch([None, math.nan])])


def test_an_unfitted_step_says_so():
    with pytest.raises(DataError, match="scale has not learned"):
        Scale(columns="x").apply(batch([1.0]))


@pytest.mark.parametrize(("options", "expected"), [
    ({"by": "value", "low": 0.0, "high": 2.0}, [0.0, 1.0, 2.0, None, 2.0]),
    ({"by": "value", "high": 2.0}, [-5.0, 1.0, 2.0, None, 2.0]),
    ({"by": "quantile", "low": 0.0, "high": 0.5}, [-5.0, 1.0, 1.5, None, 1.5]),
    ({"by": "iqr", "reach": 0.0}, [-0.5, 1.0, 2.0, None, 26.5]),
])
def test_limits(options, expected):
    given = batch([-5.0, 1.0, 2.0, None, 100.0])
    assert plain(Clip(columns="x", **options).fit([given]).apply(given)) == pytest.approx(expected)


def test_limits_that_contradict_themselves_are_refused_together():
    with pytest.raises(ConfigError, match=r"low is 3\.0, above high, 2\.0"):
        Clip(by="value", low=3.0, high=2.0)
    with pytest.raises(ConfigError, match=r"low is -1\.0; a quantile is from 0 to 1") as caught:
        Clip(by="quantile", low=-1.0, high=2.0)
    assert {problem.field for problem in caught.value.problems} == {"low", "high"}


@pytest.mark.parametrize(("method", "expected"), [
    ("mean", [1.0, 3.0, 3.0, 8.0, 3.0]), ("median", [1.0, 2.0, 3.0, 8.0, 2.0]),
    ("most_frequent", [1.0, 1.0, 3.0, 8.0, 1.0]), ("constant", [1.0, 7.0, 3.0, 8.0, 7.0]),
])
def test_missing_numbers_are_filled_from_the_training_rows(method, expected):
    training = batch([1.0, 1.0, 3.0, 7.0, None, math.nan])
    step = Missing(columns="x", method=method, value="7").fit([training])
    assert plain(step.apply(batch([1.0, None, 3.0, 8.0, math.nan]))) == expected


def test_missing_cells_are_marked_and_rows_left_out():
    given = pa.RecordBatch.from_pydict({"x": [1, None], "t": ["a", "b"]})
    marked = Missing(columns="x", method="drop", indicator=True).fit([given])
    assert marked.apply(given).to_pylist() == [{"x": 1, "t": "a", "x_missing": 0}]
    assert marked.apply_new(given).column("x_missing").to_pylist() == [0, 1]
    assert marked.apply_new(given).num_rows == 2


def test_other_kinds_get_their_most_frequent_value_or_a_constant_that_fits():
    import datetime as dt  # noqa: PLC0415

    day = dt.date(2020, 1, 2)
    given = pa.RecordBatch.from_pydict({"d": [day, None], "b": [False, None], "t": ["a", None]})
    step = Missing(method="most_frequent").settled(given.schema).fit([given])
    assert step.apply(given).to_pylist()[1] == {"d": day, "b": False, "t": "a"}
    wrong = Missing(columns="d", method="constant", value="yesterday").fit([given])
    with pytest.raises(DataError, match="cannot put 'yesterday' into column 'd', which holds date32"):
        wrong.apply(given)
    with pytest.raises(DataError, match="'t' has no value in the training rows"):
        Missing(columns="t", method="most_frequent").fit([given.slice(1)])


def test_the_mean_is_for_numbers():
    with pytest.raises(DataError, match="cannot work on column 't', which holds text; it takes: integer, number"):
        Missing(columns="t", method="mean").settled(pa.schema([("t", pa.string())]))


@pytest.mark.parametrize(("decimal", "text", "expected"), [
    ("point", "1,234,567.5", 1234567.5), ("point", " ۱۲٫۵ ", 12.5), ("point", "۱٬۲۳۴", 1234.0),
    ("point", "-3e2", -300.0),
    ("point", "+4", 4.0), ("point", "1 000 000", 1e6), ("point", "\u22125", -5.0), ("point", ".5", 0.5),
    ("comma", "1.234,5", 1234.5), ("comma", "1 234,5", 1234.5), ("comma", "1.234.567", 1234567.0),
    ("point", "0,123", None), ("point", "1,2345", None), ("point", "1234,567", None), ("point", "1,234,56", None),
    ("comma", "0.123", None), ("comma", "1.5", None), ("point", "1 2345", None), ("point", "1 234,567", None),
    ("point", "12'345", 12345.0), ("point", "1e999", None), ("point", "12٫345", 12.345),
    ("point", "x", None), ("point", "", None), ("point", "1,23", None), ("point", "1.2.3", None), ("point", None, None),
])
def test_text_that_says_a_number(decimal, text, expected):
    given = pa.RecordBatch.from_pydict({"x": pa.array([text], pa.string())})
    assert plain(ToNumber(columns="x", decimal=decimal).apply(given)) == [expected]


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_number_is_read_as_python_writes_it(value):
    assert plain(ToNumber(columns="x").apply(pa.RecordBatch.from_pydict({"x": [repr(value)]}))) == [value]
