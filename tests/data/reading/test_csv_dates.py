from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from nbtrain.core.errors import ConfigError
from nbtrain.data.reading.opening import ReadOptions, open_source, read_whole

EITHER, DAY, MONTH = "03/04/2020", "13/04/2020", "04/13/2020"
#: More rows than are looked at when a file is opened.
FAR = 60_000


def write(folder: Path, **files: list[str]) -> Path:
    """Files of the columns n and d, with these dates."""
    for name, dates in files.items():
        lines = [f"{n},{each}" for n, each in enumerate(dates)]
        (folder / f"{name}.csv").write_text("\n".join(["n,d", *lines, ""]), "utf-8")
    return folder


def read(folder, **options):
    """The column d of all rows, its type before and after reading, the last notes, and what was left out."""
    table = open_source(folder, ReadOptions(**options))
    before = table.column("d").type
    found, rejects = read_whole(table, lambda view: [
        value for batch in view.batches(["d"]) for value in batch["d"].to_pylist()])
    return found, (before, table.column("d").type), " ".join(table.notes), rejects


def test_dates_that_fit_both_orders_are_text(tmp_path):
    found, types, notes, _ = read(write(tmp_path, a=[EITHER, "05/06/2020"] * 3))
    assert found[:2] == [EITHER, "05/06/2020"]
    assert types == ("VARCHAR", "VARCHAR")
    assert "'03/04/2020', can be read day first and month first; say which with date_order." in notes


@pytest.mark.parametrize(("order", "wanted"), [("dmy", date(2020, 4, 3)), ("mdy", date(2020, 3, 4))])
def test_the_user_says_the_order(tmp_path, order, wanted):
    found, types, notes, _ = read(write(tmp_path, a=[EITHER, "05/06/2020"] * 3), date_order=order)
    assert (found[0], types[1], notes) == (wanted, "DATE", "")


def test_dates_that_are_not_in_the_order_given_are_text(tmp_path):
    found, types, notes, _ = read(write(tmp_path, a=[EITHER, DAY] * 3), date_order="mdy")
    assert (found[1], types[1]) == (DAY, "VARCHAR")
    assert "month first, as date_order says" in notes


def test_an_order_that_is_none_is_refused():
    with pytest.raises(ConfigError, match="it must be dmy, mdy or ymd"):
        ReadOptions.from_json({"date_order": "dym"})


def test_years_of_two_digits(tmp_path):
    folder = write(tmp_path, a=["03/04/05", "06/07/08"] * 3)
    assert read(folder)[1][1] == "VARCHAR"
    assert read(folder, date_order="ymd")[0][0] == date(2003, 4, 5)
    assert read(folder, date_order="mdy")[0][0] == date(2005, 3, 4)


@pytest.mark.parametrize(("tells", "wanted"), [(DAY, date(2020, 4, 3)), (MONTH, date(2020, 3, 4))])
def test_one_file_tells_for_all(tmp_path, tells, wanted):
    found, types, notes, _ = read(write(tmp_path, a=[EITHER] * 3, b=[EITHER, tells], c=["", EITHER, EITHER]))
    assert found[0] == found[-1] == wanted
    assert (types, notes) == (("DATE", "DATE"), "")


def test_files_that_contradict_each_other_are_text_as_it_stands_there(tmp_path):
    found, types, notes, _ = read(write(tmp_path, a=[DAY] * 3, b=[MONTH] * 3, c=[EITHER] * 3))
    assert found == [DAY] * 3 + [MONTH] * 3 + [EITHER] * 3
    assert types == ("VARCHAR", "VARCHAR")
    assert "not all in the same order" in notes


@pytest.mark.parametrize(("last", "wanted"), [(DAY, date(2020, 4, 3)), (MONTH, date(2020, 3, 4))])
def test_a_date_far_down_tells(tmp_path, last, wanted):
    found, types, notes, _ = read(write(tmp_path, a=[EITHER] * FAR + [last], b=[EITHER] * 3))
    assert types == ("VARCHAR", "DATE")
    assert set(found) == {wanted, date(2020, 4, 13)}
    assert not notes


def test_no_date_tells_in_all_rows(tmp_path):
    folder = write(tmp_path, a=[EITHER] * FAR)
    assert "importing looks at all of them" in " ".join(open_source(folder).notes)
    found, types, notes, _ = read(folder)
    assert set(found) == {EITHER}
    assert types == ("VARCHAR", "VARCHAR")
    assert "all of its dates" in notes


@pytest.mark.parametrize("on_error", ["raise", "skip"])
@pytest.mark.parametrize("other", [True, False])
def test_a_date_far_down_contradicts(tmp_path, on_error, other):
    """Also where rows are left out: those that remained would else be wrong dates."""
    files = {"a": [DAY], "b": [EITHER] * FAR + [MONTH]} if other else {"a": [DAY] + [EITHER] * FAR + [MONTH]}
    found, types, notes, rejects = read(write(tmp_path, **files), on_error=on_error)
    assert found == [DAY] + [EITHER] * FAR + [MONTH]
    assert types == ("DATE", "VARCHAR")
    assert "was read as text" in notes
    assert not rejects


def test_what_is_no_date_far_down_is_left_out_where_that_is_wished(tmp_path):
    folder = write(tmp_path, a=[DAY] + [EITHER] * FAR + ["soon"])
    found, types, _, rejects = read(folder, on_error="skip")
    assert types[1] == "DATE"
    assert [(reject.line, reject.column) for reject in rejects] == [(FAR + 3, "d")]
    assert set(found) == {date(2020, 4, 13), date(2020, 4, 3)}
    assert read(folder)[0][-1] == "soon"


def test_each_column_tells_for_itself(tmp_path):
    lines = ["iso,d,e", *["2020-01-02,04/03/2020,03/14/2020", "2020-03-04,05/06/2020,05/06/2020"] * 3, ""]
    (tmp_path / "a.csv").write_text("\n".join(lines), "utf-8")
    (tmp_path / "b.csv").write_text("\n".join(line.partition(",")[2] for line in lines), "utf-8")
    table = open_source(tmp_path / "b.csv")
    assert [column.type for column in table.columns] == ["VARCHAR", "DATE"]
    assert table.page(limit=1)["e"].to_pylist() == [date(2020, 3, 14)]
    table = open_source(tmp_path / "a.csv")  # two formats at once DuckDB does not read
    assert [column.type for column in table.columns] == ["DATE", "VARCHAR", "VARCHAR"]
    assert "'e' was read as text: its dates are written in another way" in " ".join(table.notes)


@pytest.mark.parametrize(("spelled", "wanted"), [
    ("04/23/2020 10:11:12", "2020-04-23T10:11:12"), ("23.04.2020 10:11", "2020-04-23T10:11:00"),
    ("04/23/2020 10:11 PM", "2020-04-23T22:11:00"), ("23-04-2020T10:11:12", "2020-04-23T10:11:12"),
])
def test_points_in_time(tmp_path, spelled, wanted):
    assert read(write(tmp_path, a=[spelled] * 3))[0][0].isoformat() == wanted
    unclear = spelled.replace("23", "05", 1)
    assert read(write(tmp_path, a=[unclear] * 3))[0][0] == unclear
    assert read(write(tmp_path, a=[unclear] * 3), date_order="dmy")[1][1] == "TIMESTAMP"


def test_text_in_one_file_is_spelled_as_it_stands_in_all(tmp_path):
    found, *_ = read(write(tmp_path, a=["1.50", "2.00"], b=["1.50", "none of them"]))
    assert found == ["1.50", "2.00", "1.50", "none of them"]
