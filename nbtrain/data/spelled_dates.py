"""Dates as texts spell them, of the Gregorian calendar and of the Persian one, in Latin, Persian or Arabic digits."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from itertools import accumulate, product

import pyarrow as pa

#: What comes first where the year is last, or has two digits; as `date_order` of `ReadOptions`. Where all dates begin
#: with the year any order fits, and the first one here is taken: it guesses no day of 03/04/2026, should that come.
ORDERS = ("ymd", "dmy", "mdy")
CALENDARS = ("gregorian", "persian")
#: Every way to read a date: an order and a calendar.
WAYS = tuple(f"{order} {calendar}" for calendar, order in product(CALENDARS, ORDERS))

_TIME = (r"(?:[T ](?P<hour>\d{1,2}):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:[.,](?P<fraction>\d{1,6})\d*)?)?"
         r"(?: ?(?P<half>[AaPp])\.?[Mm]\.?)?(?: ?(?P<zone>Z|UTC|[+-]\d\d:?\d\d))?)?")
_YEAR_FIRST = re.compile(rf"(?P<year>\d{{4}})([-/.])(?P<month>\d{{1,2}})\2(?P<day>\d{{1,2}}){_TIME}")
_YEAR_LAST = re.compile(rf"(?P<a>\d{{1,2}})([-/.])(?P<b>\d{{1,2}})\2(?P<c>\d{{4}}|\d\d){_TIME}")
_NAMED = re.compile(
    rf"(?P<day>\d{{1,2}})[ -](?P<name>[a-z]{{3,}})\.?,?[ -](?P<year>\d{{4}}|\d\d){_TIME}", re.IGNORECASE)
_NAME_FIRST = re.compile(rf"(?P<name>[a-z]{{3,}})\.? (?P<day>\d{{1,2}}),? (?P<year>\d{{4}}){_TIME}", re.IGNORECASE)
_MONTHS = ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
           "december")
#: With such a year a date is of the Persian calendar, where it is not said which.
_PERSIAN_YEARS = range(1200, 1500)
#: In these years the Persian calendar leaps eight times in 33 years, at the same places.
_COUNTED = range(1178, 1634)
_SINCE = list(accumulate((366 if (25 * year + 11) % 33 < 8 else 365 for year in _COUNTED), initial=0))
_NOWRUZ = dt.date(2021, 3, 21).toordinal() - _SINCE[_COUNTED.index(1400)]


def dates(column: pa.Array, ways: Sequence[str] = WAYS, *, told: bool = False) -> dict[str, pa.Array]:
    """What a column of text says when it is read in each of these ways, as timestamps (µs); missing where it is none.

    A year of four digits that comes first is followed by the month, whatever the order; months may have their English
    names. Years of two digits are 1969 to 2068, and Gregorian. Times with a zone become those of UTC.

    Args:
        column: texts.
        ways: some of `WAYS`.
        told: whether the calendar is known; if not, years from 1200 to 1499 are Persian, and no others are.
    """
    spelled = column.dictionary_encode()
    parts = [_parts(cell) for cell in spelled.dictionary.to_pylist()]
    found = {}
    for way in ways:
        order, calendar = way.split()
        moments = [
            None if part is None else _moment(part, order, persian=calendar == CALENDARS[1], told=told)
            for part in parts]
        found[way] = pa.array(moments, pa.timestamp("us")).take(spelled.indices)
    return found


def _parts(cell: str) -> dict[str, str | None] | None:
    """What a date is written of; None for what is none."""
    cell = cell.strip()
    for pattern in (_YEAR_FIRST, _YEAR_LAST, _NAMED, _NAME_FIRST):
        if match := pattern.fullmatch(cell):
            return match.groupdict()
    return None


def _moment(part: dict[str, str | None], order: str, *, persian: bool, told: bool) -> dt.datetime | None:
    """None where there is no such day or time, or it is of the other calendar."""
    if "a" in part:
        part = part | {{"d": "day", "m": "month", "y": "year"}[sign]: part[at]
                       for sign, at in zip(order, "abc", strict=True)}
    written = part["year"] or ""
    year, day = int(written), int(part["day"] or 0)
    month = _month(name) if (name := part.get("name")) else int(part["month"] or 0)
    if len(written) == 2 and not persian:
        year += 2000 if year < 69 else 1900  # as POSIX has it
    elif len(written) != 4 or (not told and (year in _PERSIAN_YEARS) != persian):
        return None
    try:
        return _timed(_persian(year, month, day) if persian else dt.date(year, month, day), part)
    except (ValueError, OverflowError):  # no such day, no such time
        return None


def _persian(year: int, month: int, day: int) -> dt.date:
    """Raises ValueError where there is no such day, or its year is not one of those counted."""
    if year not in _COUNTED or not 1 <= month <= 12:
        raise ValueError(f"{year}-{month} is not counted.")
    start, end = _SINCE[_COUNTED.index(year):][:2]
    first = 31 * min(month - 1, 6) + 30 * max(month - 7, 0)
    length = 31 if month <= 6 else 30 if month < 12 else end - start - first
    if not 1 <= day <= length:
        raise ValueError(f"{year}-{month} has no day {day}.")
    return dt.date.fromordinal(_NOWRUZ + start + first + day - 1)


def _month(name: str) -> int:
    """By its English name, or three letters of it or more; 0 for no month."""
    return next((number for number, month in enumerate(_MONTHS, 1) if month.startswith(name.lower())), 0)


def _timed(date: dt.date, part: dict[str, str | None]) -> dt.datetime:
    """The date at its time; midnight without one. Raises ValueError where there is no such time."""
    hour = int(part["hour"] or 0)
    if half := (part["half"] or "").lower():
        if not 1 <= hour <= 12:
            raise ValueError(f"There is no hour {hour} {half}m.")
        hour = hour % 12 + 12 * (half == "p")
    found = dt.datetime(  # noqa: DTZ001 - texts seldom say a zone
        date.year, date.month, date.day, hour, int(part["minute"] or 0), int(part["second"] or 0),
        int((part["fraction"] or "0").ljust(6, "0")))
    zone = (part["zone"] or "").replace(":", "")
    if zone[:1] in {"+", "-"} and zone:
        ahead = dt.timedelta(hours=int(zone[1:3]), minutes=int(zone[3:]))
        found += ahead if zone[0] == "-" else -ahead
    return found
