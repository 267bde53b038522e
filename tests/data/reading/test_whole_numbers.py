"""Columns that begin with whole numbers, and what a value far down makes of them."""

from __future__ import annotations

import pytest

from nbtrain.data.reading.opening import ReadOptions, open_source, read_whole

FAR = 40_000


def read(folder, **options):
    """The last value of the column n, its type, the notes, and what was left out."""
    table = open_source(folder, ReadOptions(**options))
    assert table.column("n").type == "BIGINT"
    found, rejects = read_whole(table, lambda view: [
        value for batch in view.batches(["n"]) for value in batch["n"].to_pylist()])
    return found[-1], table.column("n").type, " ".join(table.notes), rejects


@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize(("late", "value", "kind", "note"), [
    ("1.5", 1.5, "DOUBLE", ""), ("1.0", 1.0, "DOUBLE", ""), ("1e3", 1000.0, "DOUBLE", ""), (" 5", 5, "BIGINT", ""),
    ("007", "007", "VARCHAR", "begin with 0 or +"), ("+49", "+49", "VARCHAR", "begin with 0 or +"),
    ("no", "no", "VARCHAR", "1 of its values are no BIGINT"), ("9" * 18, 10 ** 18 - 1, "BIGINT", ""),
    ("9" * 25, "9" * 25, "VARCHAR", "more digits than a number keeps"), ('""', None, "BIGINT", ""),
    ("", None, "BIGINT", ""),
])
def test_a_value_far_down(tmp_path, several, late, value, kind, note):
    rows = "".join(f"{n},{n}\n" for n in range(FAR))
    if several:
        (tmp_path / "a.csv").write_text(f"i,n\n{rows}")
    (tmp_path / "b.csv").write_text(f"i,n\n{rows}7,{late}\n")
    found, type_, notes, _ = read(tmp_path)
    assert (found, type_) == (value, kind)
    assert note in notes
    assert bool(note) == bool(notes)


@pytest.mark.parametrize(("late", "value", "rejected"), [
    ("no", FAR - 1, [FAR + 2]), ("007", "007", []), ("1.5", 1.5, [])])
def test_a_value_far_down_where_rows_are_left_out(tmp_path, late, value, rejected):
    (tmp_path / "a.csv").write_text("i,n\n" + "".join(f"{n},{n}\n" for n in range(FAR)) + f"7,{late}\n")
    found, _, _, rejects = read(tmp_path, on_error="skip")
    assert found == value
    assert [reject.line for reject in rejects] == rejected
