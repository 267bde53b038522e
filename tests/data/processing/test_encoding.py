from __future__ import annotations

import datetime as dt
import math

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbtrain.core.errors import ConfigError, DataError
from nbtrain.data.processing import Booleans, Categories, Dates, categories


def batch(values, name="c"):
    return pa.RecordBatch.from_pydict({name: values})


TRAINING = batch(["b", "a", "a", "c", "c", None])


@pytest.mark.parametrize(("options", "expected"), [
    ({}, {"c": [1, 3, 3]}),
    ({"unknown": "missing"}, {"c": [1, None, None]}),
    ({"rare": 2}, {"c": [2, 2, 2]}),
    ({"method": "frequency"}, {"c": [0.2, 0.0, 0.0]}),
    ({"method": "frequency", "rare": 2}, {"c": [0.2, 0.2, 0.2]}),
    ({"method": "one_hot"}, {"c=a": [0, 0, 0], "c=b": [1, 0, 0], "c=c": [0, 0, 0], "c=other": [0, 1, 1]}),
    ({"method": "one_hot", "most": 1}, {"c=a": [0, 0, 0], "c=other": [1, 1, 1]}),
])
def test_values_become_numbers(options, expected):
    step = Categories(columns="c", **options).fit([TRAINING.slice(0, 2), TRAINING.slice(2)])
    assert step.apply(batch(["b", "new", None])).to_pydict() == expected


@given(st.lists(st.none() | st.text(max_size=3) | st.just("other"), min_size=1), st.integers(1, 3))
def test_codes_come_back_as_the_values_that_were_kept(values, rare):
    given = batch(pa.array(values, pa.string()))
    step = Categories(columns="c", rare=rare).fit([given])
    kept = set(step.classes("c"))
    assert step.inverse(step.apply(given)).column("c").to_pylist() == [v if v in kept else None for v in values]
    hot = Categories(columns="c", rare=rare, method="one_hot").fit([given]).apply(given)
    assert hot.num_columns == len(kept) + 1
    assert all(sum(row.values()) == 1 for row in hot.to_pylist())


def test_whole_numbers_and_booleans_are_categories_too():
    given = pa.RecordBatch.from_pydict({"n": [10, 2, 2], "b": [True, False, None]})
    step = Categories(columns=["n", "b"]).fit([given])
    assert step.classes("n") == [2, 10]
    assert step.apply(given).to_pydict() == {"n": [1, 0, 0], "b": [1, 0, 2]}
    assert Categories().settled(pa.schema([("n", pa.int64()), ("t", pa.string())])).columns == ("t",)


def test_too_many_columns_are_refused(monkeypatch):
    monkeypatch.setattr(categories, "WIDEST", 2)
    with pytest.raises(DataError, match="'c' has 3 values, too many for a column each"):
        Categories(columns="c", method="one_hot").fit([TRAINING])


def test_a_date_in_parts():
    moment = dt.datetime(2024, 12, 30, 18, 0, tzinfo=None)  # noqa: DTZ001 - a table's time without a zone
    step = Dates(columns="d", hour=True, since="2024-12-28")
    [row, none] = step.apply(batch([moment, None], "d")).to_pylist()
    assert {name: row[f"d_{name}"] for name in ("year", "month", "day", "weekday", "hour", "days")} == {
        "year": 2024, "month": 12, "day": 30, "weekday": 0, "hour": 18, "days": 2.75}
    assert (row["d_month_sin"], row["d_month_cos"]) == pytest.approx(
        (math.sin(2 * math.pi * 11 / 12), math.cos(2 * math.pi * 11 / 12)))
    assert (row["d_weekday_sin"], row["d_weekday_cos"]) == pytest.approx((0, 1))
    assert (row["d_hour_sin"], row["d_hour_cos"]) == pytest.approx((-1, 0), abs=1e-9)
    assert set(none.values()) == {None}
    assert "d" not in row


@given(st.dates(dt.date(1700, 1, 1), dt.date(2200, 1, 1)), st.dates(dt.date(1700, 1, 1), dt.date(2200, 1, 1)))
def test_days_since(day, start):
    step = Dates(columns="d", since=start.isoformat(), keep=True, cycles=False)
    found = step.apply(batch([day], "d")).to_pylist()[0]
    assert found == {"d": day, "d_year": day.year, "d_month": day.month, "d_day": day.day, "d_weekday": day.weekday(),
                     "d_days": (day - start).days}


def test_a_time_with_a_zone_is_read_in_its_zone():
    moment = pa.array([dt.datetime(2024, 1, 1, 22, tzinfo=dt.UTC)]).cast(pa.timestamp("us", "Asia/Tehran"))
    found = Dates(columns="d", hour=True, since="2024-01-01").apply(batch(moment, "d")).to_pylist()[0]
    assert (found["d_day"], found["d_hour"], found["d_days"]) == (2, 1, pytest.approx(25.5 / 24))


def test_a_day_that_is_none_is_refused():
    with pytest.raises(ConfigError, match="since is 'soon'; it must be a date such as 2020-01-31, or empty"):
        Dates(since="soon")


def test_yes_and_no():
    given = pa.RecordBatch.from_pydict({
        "t": [" Yes", "خیر", "Да", "maybe", None], "b": [True, False, None, True, False]})
    found = Booleans(columns=["t", "b"]).apply(given).to_pydict()
    assert found == {"t": [1, 0, 1, None, None], "b": [1, 0, None, 1, 0]}
    assert Booleans().settled(given.schema).columns == ("b",)
