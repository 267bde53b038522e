"""What the columns of JSON are taken for."""

from __future__ import annotations

import json
from datetime import date

import pytest

from nbtrain.data.reading.opening import open_source, read_whole
from tests.data.reading.test_opening import whole, write


@pytest.mark.parametrize("form", ["json", "jsonl", "jsonl.gz"])
@pytest.mark.parametrize("spelled", ["13-01-2020", "01/25/2020", "2020/01/25", "13-01-2020 10:00:00"])
def test_dates_in_another_spelling_are_text(tmp_path, form, spelled):
    rows = [{"d": spelled, "plain": "2020-01-31", "in": {"DATE": [spelled], "n": n}} for n in range(30)]
    found = whole(write(tmp_path / "a", rows, form))
    assert len(found) == 30
    assert str(found[0]["d"]).replace("-", "/") == spelled.replace("-", "/")
    assert found[0]["plain"] == date(2020, 1, 31)


def test_a_date_in_another_spelling_far_down(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text("".join(
        json.dumps({"d": "2020-01-31" if n < 50_000 else "31.01.2020", "n": n}) + "\n" for n in range(50_010)))
    table = open_source(path)
    found, _ = read_whole(table, lambda view: [row for batch in view.batches() for row in batch.to_pylist()])
    assert (len(found), found[-1]["d"]) == (50_010, "31.01.2020")


@pytest.mark.parametrize("form", ["json", "jsonl"])
def test_long_numbers_keep_their_digits(tmp_path, form):
    rows = [{"id": 12345678901234567890123, "x": 1.5}, {"id": 1.5, "x": 2}, {"id": None, "x": 3}]
    path = write(tmp_path / "a", rows, form)
    assert [row["id"] for row in whole(path)] == ["12345678901234567890123", "1.5", None]
    assert open_source(path).notes == (
        "The column 'id' was read as text: some of its whole numbers have more digits than a number keeps.",)


def test_a_number_beyond_all_numbers_is_no_infinity(tmp_path):
    for rows in 2, 21_000:
        path = tmp_path / f"{rows}.jsonl"
        path.write_text('{"n": 1.5}\n' * rows + '{"n": 1e400}\n')
        assert [whole(path)[at]["n"] for at in (0, -1)] == ["1.5", "1e400"]
    assert open_source(tmp_path / "2.jsonl").notes == (
        "The column 'n' was read as text: some of its numbers are larger than a number can be.",)


@pytest.mark.parametrize(("usual", "other", "wanted"), [
    (1, True, "true"), (1.5, True, "true"), (1.5, "007", "007"), (True, 1, "1"),
    (1.5, 9007199254740993, "9007199254740993"), ("2020-01-02", "infinity", "infinity"),
    ("2020-01-02T10:00:00", "epoch", "epoch"),
    (1, 9007199254740993, 9007199254740993), (1.5, 7, 7.0), ("2020-01-02", "2021-01-02", date(2021, 1, 2)),
])
def test_a_value_of_another_type_wherever_it_stands(tmp_path, usual, other, wanted):
    for rows in 50, 21_000:
        found = whole(write(tmp_path / "a", [*[{"n": usual}] * rows, {"n": other}], "jsonl"))
        assert (len(found), found[-1]["n"], type(found[0]["n"])) == (rows + 1, wanted, type(wanted))
