"""Texts that say dates."""

from __future__ import annotations

import datetime as dt

import pyarrow as pa
import pytest

from nbtrain.core.errors import DataError
from nbtrain.data.processing import Recipe, ToDate


def read(cells, training=None, **options):
    """What the step makes of cells, when it has learned from others, or from these."""
    step = ToDate(columns="d", **options).fit([batch(cells if training is None else training)])
    return step.apply(batch(cells)).column("d").to_pylist()


def batch(cells):
    return pa.RecordBatch.from_pydict({"d": pa.array(cells, pa.string())})


def day(year, month, date, *time):
    return dt.datetime(year, month, date, *time)  # noqa: DTZ001 - as the texts say it


@pytest.mark.parametrize(("cell", "expected"), [
    ("2020-04-13", day(2020, 4, 13)), ("2020/4/3", day(2020, 4, 3)), (" 13.04.2020 ", day(2020, 4, 13)),
    ("13/04/20", day(2020, 4, 13)), ("13-04-69", day(1969, 4, 13)), ("13 April 2020", day(2020, 4, 13)),
    ("13-Apr-20", day(2020, 4, 13)), ("Apr 13, 2020", day(2020, 4, 13)), ("۱۳/۰۴/۲۰۲۰", day(2020, 4, 13)),
    ("2020-04-13T10:00:05.25", day(2020, 4, 13, 10, 0, 5, 250_000)), ("13/04/2020 1:00 PM", day(2020, 4, 13, 13)),
    ("13/04/2020 12:30 am", day(2020, 4, 13, 0, 30)), ("2020-04-13 00:30:00+03:30", day(2020, 4, 12, 21)),
    ("2020-04-13T10:00Z", day(2020, 4, 13, 10)),
    ("2020-02-30", None), ("13.04/2020", None), ("13 Foo 2020", None), ("2020-04-13 25:00", None), ("soon", None),
    ("13/04/2020 13:00 PM", None), ("1/2", None), ("0/0/0", None), ("", None), (None, None), ("0000-00-00", None),
])
def test_a_text_that_says_a_date(cell, expected):
    assert read([cell], training=["13/04/2020"]) == [expected]


@pytest.mark.parametrize(("order", "expected"), [
    ("dmy", day(2005, 4, 3)), ("mdy", day(2005, 3, 4)), ("ymd", day(2003, 4, 5)),
])
def test_the_order_is_as_it_is_said(order, expected):
    assert read(["03/04/05"], order=order) == [expected]


def test_the_order_is_told_by_all_training_rows():
    assert read(["03/04/2020"], training=["03/04/2020", "13/04/2020", "2020-12-25"]) == [day(2020, 4, 3)]
    assert read(["03/04/2020", "13/04/2020"], training=["04/13/2020"]) == [day(2020, 3, 4), None]


def test_an_order_that_no_training_row_tells_is_not_guessed_for_new_ones():
    cells = ["03/04/2020", "1399-01-01", "2020-04-13"]
    assert read(cells, training=["2020-01-31", "31 January 2020"]) == [None, None, day(2020, 4, 13)]


@pytest.mark.parametrize(("cells", "said"), [
    (["03/04/2020", "2020-01-31"], "can be read dmy or mdy, and these are different days; say which with order"),
    (["13/04/2020", "04/13/2020"], "no order and calendar fits all dates of column 'd'"),
    (["2020-01-01", "1399-01-01"], "no order and calendar fits all dates of column 'd'"),
    (["soon", None], "finds no date in the training rows of column 'd'"),
])
def test_what_the_rows_do_not_tell_is_asked(cells, said):
    with pytest.raises(DataError, match=said):
        read(cells)


def test_of_rows_that_fit_in_no_one_way_those_that_fit_the_way_that_is_said_are_read():
    assert read(["13/04/2020", "04/13/2020"], order="dmy") == [day(2020, 4, 13), None]
    assert read(["2020-01-01", "1399-01-01"], calendar="persian") == [None, day(2020, 3, 20)]
    assert read(["1399-01-01"], calendar="gregorian") == [day(1399, 1, 1)]


@pytest.mark.parametrize(("cell", "expected"), [
    ("1399/01/01", day(2020, 3, 20)), ("1399/02/31", day(2020, 5, 20)), ("1399/12/30", day(2021, 3, 20)),
    ("1400/12/30", None), ("1357-11-22", day(1979, 2, 11)), ("۱۴۰۳/۱۲/۳۰", day(2025, 3, 20)),
    ("31/04/1399", day(2020, 7, 21)), ("1399/07/31", None), ("1279/01/01", day(1900, 3, 21)),
])
def test_persian_dates_become_the_same_days(cell, expected):
    assert read([cell], training=["1399/01/01", "31/01/1399"]) == [expected]


def test_new_rows_are_read_as_the_training_rows_were():
    frame = pa.table({"d": ["13/04/2020", "03/04/2020", "04/13/2020x"]})
    recipe = Recipe([{"step": "to_date", "columns": ["d"]}, {"step": "dates", "columns": ["d"], "cycles": False}])
    fitted = Recipe.from_json(recipe.fit(frame).to_json())
    assert fitted.apply({"d": "05/06/2020"}).to_pylist() == [
        {"d_year": 2020, "d_month": 6, "d_day": 5, "d_weekday": 4}]
    stamp = fitted.apply({"d": day(2020, 6, 5)}).to_pylist()  # a frame may hold the dates themselves
    assert stamp == fitted.apply({"d": "05/06/2020"}).to_pylist()


@pytest.mark.parametrize("zone", [None, "UTC"])
@pytest.mark.parametrize("cell", [
    "1404-12-13", "13/12/1404", "1404/02/31 10:00", "۱۴۰۴-۱۲-۱۳", "2026-12-13, 1404-12-13"])
def test_a_jalali_date_is_not_read_as_one_of_the_middle_ages(cell, zone):
    days = pa.table({"d": pa.array([day(2026, 1, 1)], pa.timestamp("us", zone))})
    recipe = Recipe([{"step": "dates", "columns": ["d"]}])
    with pytest.raises(DataError, match="looks like a Jalali date; the dataset's are Gregorian"):
        recipe.fit(days).apply(pa.table({"d": cell.split(", ")}))


def test_dates_whose_order_was_told_may_be_of_the_middle_ages():
    days = pa.table({"d": pa.array([day(1404, 1, 1)], pa.timestamp("us"))})
    fitted = Recipe([{"step": "dates", "columns": ["d"], "cycles": False}]).fit(days)
    told = Recipe(fitted.steps, (), fitted.types, {"d": "ymd"})
    assert told.apply({"d": "1404-12-13"})["d_year"].to_pylist() == [1404]
