"""Cells that DuckDB would read as a value of their column's type, though something of them is lost or made up."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

import pytest

from nbtrain.data.reading.opening import ReadOptions, open_source, read_whole

#: More rows than are looked at when a file is opened.
FAR = 21_000
AT = "2020-01-01 10:00:00"
OTHERS = {
    "1.5": ["1e400", "-1.0e400", "007", "+49", "1_000", "1_000.5", "9007199254740993", "12345678901234567"],
    "7": ["1_000", "1e400"],
    "true": ["t", "y", "1"],
    "2020-01-02": ["3-1-2", "03-01-02", "202-01-02", "infinity", "-infinity", "epoch"],
    AT: ["3-1-2", "03-01-02 10:00:00", "infinity", "epoch",
         f"{AT}+03:30", "2020-01-01T05:00:00-0800", "2020-01-01 10:00 Europe/Berlin", f"{AT}Z"],
    f"{AT}+00": [AT, "infinity"],
    "10:00:00": ["10:00:00+02", "24:00"],
}
VALUES: dict[str, dict[str, object]] = {
    "1.5": {"inf": float("inf"), "-2.5": -2.5, "9": 9.0, ".5": 0.5,
            "1e3": 1000.0, "1234567890123456": 1234567890123456.0, '""': None},
    "7": {"9007199254740993": 9007199254740993, "9" * 18: 10**18 - 1, "9223372036854775807": 2**63 - 1, '""': None},
    "true": {"FALSE": False, '""': None},
    "2020-01-02": {"1999-12-31": date(1999, 12, 31),
                   "0476-09-04": date(476, 9, 4), "2020-1-2": date(2020, 1, 2), '""': None},
    AT: {"2020-01-01": datetime.fromisoformat("2020-01-01"), f"{AT} UTC": datetime.fromisoformat(AT),
         "2020-01-01T10:00:00.5": datetime.fromisoformat(f"{AT}.500")},
    f"{AT}+00": {f"{AT}+03:30": datetime(2020, 1, 1, 6, 30, tzinfo=UTC),
                 f"{AT}Z": datetime(2020, 1, 1, 10, tzinfo=UTC)},
    "10:00:00": {"9:30": time(9, 30)},
}


def read(path, usual, other, rows, **options):
    """The value of the last cell, how many rows there are, the column's type, the notes."""
    path.write_text("i,c\n" + f"1,{usual}\n" * rows + f"2,{other}\n")
    table = open_source(path, ReadOptions(**options))
    found, _ = read_whole(table, lambda view: [
        value for batch in view.batches(["c"]) for value in batch["c"].to_pylist()])
    return found[-1], len(found), table.column("c").type, " ".join(table.notes)


@pytest.mark.parametrize(("usual", "other"), [(usual, other) for usual, some in OTHERS.items() for other in some])
def test_a_cell_that_would_be_misread_makes_text_wherever_it_stands(tmp_path, usual, other):
    for rows, options in (FAR, {}), (50, {}), (FAR, {"on_error": "skip"}):
        value, count, kind, notes = read(tmp_path / "a.csv", usual, other, rows, **options)
        assert (value, count, kind) == (other, rows + 1, "VARCHAR"), (rows, options)
        assert rows != FAR or "'c' was read as text" in notes


@pytest.mark.parametrize(("usual", "other", "wanted"), [
    (usual, *each) for usual, some in VALUES.items() for each in some.items()])
def test_a_value_is_one_wherever_it_stands(tmp_path, usual, other, wanted):
    for rows in (FAR, 50):
        value, count, kind, notes = read(tmp_path / "a.csv", usual, other, rows)
        assert (value, count, notes) == (wanted, rows + 1, ""), rows
        assert kind != "VARCHAR"


def test_dates_in_a_format_of_their_own(tmp_path):
    for rows in FAR, 50:
        assert read(tmp_path / "a.csv", "13/04/2020", "infinity", rows)[0] == "infinity"
        assert read(tmp_path / "a.csv", "13/04/2020", "14/04/2020", rows)[0] == date(2020, 4, 14)


@pytest.mark.parametrize("cells", [["3-1-2", "2-2-2"], ["1/2/3"], ["1/2/3 10:00"], ["1-2-0003", "3-1-2"]])
def test_numbers_of_one_digit_are_no_dates(tmp_path, cells):
    path = tmp_path / "a.csv"
    path.write_text("i,c\n" + "".join(f"1,{cell}\n" for cell in cells))
    assert open_source(path).column("c").type == "VARCHAR"
    assert open_source(path, ReadOptions(date_order="ymd")).page(limit=9)["c"].to_pylist() == cells


def test_years_of_two_digits_are_as_their_format_says(tmp_path):
    for rows in FAR, 50:
        assert read(tmp_path / "a.csv", "31-12-99", "1-2-00", rows)[0] == date(2000, 2, 1)
        assert read(tmp_path / "a.csv", "31-12-99", "10-2-3", rows)[0] == "10-2-3"


def test_a_number_beyond_all_numbers_is_said_to_be_text(tmp_path):
    assert read(tmp_path / "a.csv", "1e400", "1", 1)[::3] == (
        "1", "The column 'c' was read as text: 1 of its values are no DOUBLE.")


def test_a_column_of_times_with_and_without_offset_is_said_to_be_text(tmp_path):
    assert "not all of its values look like a TIMESTAMP WITH TIME ZONE" in read(
        tmp_path / "a.csv", AT, f"{AT}+03:30", 50)[3]
