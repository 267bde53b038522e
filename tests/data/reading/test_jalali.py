"""Dates of the Solar Hijri calendar are never read as those of the Middle Ages."""

from __future__ import annotations

import json
from datetime import date

import pytest

from nbtrain.data.reading.opening import ReadOptions, open_source
from tests.data.reading.test_opening import whole

SAID = "The column 'd' was read as text: its years are 1200 to 1499, so it looks like Jalali dates"


@pytest.mark.parametrize("spelled", [
    ["1402/07/01", "1402/08/03"], ["1402-07-01"], ["1399/02/31", "1399/12/01"], ["01/07/1402", "13/07/1402"],
    ["1402/07/01 10:00"], ["۱۳۹۹/۰۱/۳۱"], ["1402/07/01", ""],
])
def test_they_are_text(tmp_path, spelled):
    path = tmp_path / "a.csv"
    path.write_text("n,d\n" + "".join(f"1,{each}\n" for each in spelled * 20), "utf-8")
    assert [row["d"] or "" for row in whole(path)[:len(spelled)]] == spelled
    assert [note for note in open_source(path).notes if note.startswith(SAID)]


def test_the_user_says_that_they_are_of_the_other_calendar(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("n,d\n" + "1,1402/07/01\n" * 20)
    assert whole(path, date_order="ymd")[0]["d"] == date(1402, 7, 1)
    assert open_source(path, ReadOptions(date_order="ymd")).notes == ()


@pytest.mark.parametrize("spelled", ["2020/01/31", "1850-01-31", "31.12.1612"])
def test_other_years_are_dates(tmp_path, spelled):
    path = tmp_path / "a.csv"
    path.write_text("n,d\n" + f"1,{spelled}\n" * 20)
    assert open_source(path).column("d").type == "DATE"


def test_of_json(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps({"d": "1402-07-01", "e": "2020-01-02"}) + "\n" for _ in range(20)))
    assert whole(path)[0] == {"d": "1402-07-01", "e": date(2020, 1, 2)}
    assert open_source(path).notes[0].startswith(SAID)
