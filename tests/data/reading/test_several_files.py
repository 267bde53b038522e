"""Files of one table that are not alike, or have the same fault each."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from nbtrain.core.errors import DataFileError
from nbtrain.data.reading.opening import ReadOptions, open_source, read_whole

FAR = 21_000
VALUES = {
    "BIGINT": "1", "DOUBLE": "1.5", "DATE": "2020-01-02", "TIMESTAMP": "2020-01-02 10:00:00", "TIME": "10:00:00",
    "TIMESTAMP WITH TIME ZONE": "2020-01-02 10:00:00+02:00", "BOOLEAN": "true", "text": "hello",
}


def write(folder, **cells):
    """Files with these cells in the column c."""
    for name, each in cells.items():
        (folder / f"{name}.csv").write_text("i,c\n" + "".join(f"{i},{cell}\n" for i, cell in enumerate(each)))
    return folder


def read(folder, **options):
    """The column c of all rows, its type, the notes, and how often reading began."""
    table, begun = open_source(folder, ReadOptions(**options)), []

    def use(view):
        begun.append(view)
        return [value for batch in view.batches(["c"]) for value in batch["c"].to_pylist()]

    found, _ = read_whole(table, use)
    return found, table.column("c").type, " ".join(table.notes), len(begun)


def test_many_files_with_the_same_fault_are_read(tmp_path):
    late = [*["1"] * FAR, "1.5"]
    found, kind, notes, begun = read(write(tmp_path, **{f"f{n}": late for n in range(20)}))
    assert (len(found), kind, notes, set(found)) == (20 * (FAR + 1), "DOUBLE", "", {1.0, 1.5})
    assert begun <= 3


def test_many_files_with_a_line_that_is_not_utf_8_are_read(tmp_path):
    for n in range(18):
        (tmp_path / f"f{n}.csv").write_bytes(b"i,c\n" + b"1,a\n" * FAR + b"2,caf\xe9\n")
    assert read(tmp_path)[0].count("café") == 18


@pytest.mark.parametrize("b", VALUES)
@pytest.mark.parametrize("a", VALUES)
def test_columns_of_different_sorts_are_spelled_as_they_stand(tmp_path, a, b):
    found, kind, notes, _ = read(write(tmp_path, a=[VALUES[a]] * 2, b=[VALUES[b]] * 2))
    if a == b or {a, b} in ({"BIGINT", "DOUBLE"}, {"DATE", "TIMESTAMP"}):
        assert not notes
        assert kind in {a, b, "VARCHAR"}
        return
    assert (found, kind) == ([VALUES[a]] * 2 + [VALUES[b]] * 2, "VARCHAR")
    assert notes == f"The column 'c' was read as text: it holds {a} in a.csv and {b} in b.csv."


def test_a_large_number_beside_fractions_in_another_file_keeps_its_digits(tmp_path):
    found, kind, notes, _ = read(write(tmp_path, a=["9007199254740993"], b=["1.5"]))
    assert (found, kind) == (["9007199254740993", "1.5"], "VARCHAR")
    assert "more digits than a number keeps" in notes


@pytest.mark.parametrize("late", [[], ["n/a, really"], ["007"]])
def test_an_empty_column_goes_with_those_of_the_other_files(tmp_path, late):
    folder = write(tmp_path, a=["", "NA"], b=["7", "8"], c=[*["NA"] * FAR, *(f'"{cell}"' for cell in late)])
    found, kind, _, _ = read(folder)
    assert kind == ("VARCHAR" if late else "BIGINT")
    assert [value for value in found if value is not None] == (["7", "8", *late] if late else [7, 8])


@pytest.mark.parametrize(("usual", "wanted"), [
    ("13/04/2020", date(2020, 4, 13)), ("2020-04-13", date(2020, 4, 13)),
    ("13.04.2020 10:00", datetime.fromisoformat("2020-04-13 10:00"))])
def test_dates_beside_an_empty_column(tmp_path, usual, wanted):
    found, _, notes, _ = read(write(tmp_path, a=[""], b=[usual] * 2, c=[*[""] * FAR, usual]))
    assert (found[0], found[1], found[-1], notes) == (None, wanted, wanted, "")


def test_files_of_json_with_columns_of_different_sorts_are_named(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"c": "2020-01-02"}\n')
    (tmp_path / "b.jsonl").write_text('{"c": 20200102}\n')
    with pytest.raises(DataFileError, match=r"The column 'c' is BIGINT in b\.jsonl and DATE in a\.jsonl; read"):
        read(tmp_path)
