from __future__ import annotations

import csv
import io
import json
import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nbtrain.core.errors import CancelledError
from nbtrain.core.tasks import Progress
from nbtrain.data.columns import Kind
from nbtrain.data.query import Filter, Op, Query, Sort
from nbtrain.data.reading.opening import ReadOptions, open_source, read_whole

ROWS: list[dict[str, Any]] = [
    {"n": 1, "x": 0.5, "text": "سلام"}, {"n": None, "x": None, "text": 'a "b",\nc'},
    {"n": -3, "x": 1e10, "text": None},
]


def whole(given_, **options):
    table = open_source(given_, ReadOptions(**options))
    return read_whole(table, lambda view: [row for batch in view.batches() for row in batch.to_pylist()])[0]


def write(path: Path, rows, form: str) -> Path:
    """Rows as a file of this form, written by others' libraries or as the format says."""
    path = path.with_name(f"{path.name}.{form}")
    kind = {"gz": "gzip", "zst": "zstd"}.get(form.rpartition(".")[2])
    with pa.output_stream(str(path), compression=kind) as out:
        out.write(_written(rows, form.split(".", maxsplit=1)[0]))
    return path


def _written(rows, form: str) -> bytes:
    if form in {"csv", "tsv"}:
        text = io.StringIO()
        writer = csv.writer(text, delimiter="," if form == "csv" else "\t", lineterminator="\n")
        writer.writerow(rows[0])
        lines = [text.getvalue()]
        mark = "," if form == "csv" else "\t"
        lines += [mark.join(_cell(value) for value in row.values()) + "\n" for row in rows]
        return "".join(lines).encode()
    if form == "json":
        return json.dumps(rows, ensure_ascii=False, indent=1).encode()
    if form == "jsonl":
        return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()
    table = pa.Table.from_pylist(rows, pa.schema([(name, _type(rows, name)) for name in rows[0]]))
    out = io.BytesIO()
    if form == "parquet":
        pq.write_table(table, out)
    elif form == "feather":
        pa.feather.write_feather(table, out)
    else:
        kind = pa.ipc.new_file if form == "arrow" else pa.ipc.new_stream
        with kind(out, table.schema) as writer:
            writer.write_table(table)
    return out.getvalue()


def _cell(value) -> str:
    """Texts in quotes and missing values without, so that an empty text is told from a missing one."""
    if value is None:
        return ""
    return '"' + value.replace('"', '""') + '"' if isinstance(value, str) else repr(value)


def _type(rows, name):
    values = [row[name] for row in rows if row[name] is not None]
    if any(isinstance(value, str) for value in values):
        return pa.string()
    return pa.float64() if any(isinstance(value, float) for value in values) else pa.int64()


#: Those of Arrow are read by a process of their own, which takes as long as ten examples of the others.
ARROW = ["arrow", "feather", "arrows"]
FORMS = ["csv", "tsv", "json", "jsonl", "parquet", *ARROW]


@pytest.mark.parametrize("packed", ["", ".gz", ".zst"])
@pytest.mark.parametrize("form", FORMS)
def test_every_format_gives_the_same_rows(tmp_path, form, packed):
    path = write(tmp_path / "a", ROWS, form + packed)
    table = open_source(path)
    assert [(column.name, column.kind) for column in table.columns] == [
        ("n", Kind.INTEGER), ("x", Kind.NUMBER), ("text", Kind.TEXT)]
    assert whole(path) == ROWS
    assert table.page(limit=2, offset=1).to_pylist() == [{"__row__": i, **ROWS[i]} for i in (1, 2)]
    assert table.rows() == 3


CELLS = {
    "i": st.none() | st.integers(-2**52, 2**52), "f": st.none() | st.floats(allow_nan=False, allow_infinity=False),
    "t": st.none() | st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=30),
}


@pytest.mark.parametrize(("forms", "examples", "fewest"), [(FORMS[:5], 50, 1), (ARROW, 6, 8)])
def test_what_was_written_is_read(forms, examples, fewest):
    @settings(max_examples=examples, suppress_health_check=[HealthCheck.too_slow])
    @given(st.lists(st.fixed_dictionaries(CELLS), min_size=fewest, max_size=12), st.sampled_from(forms))
    def check(rows, form):
        # Without one plain value a column of a text file has no type. The order of keys is drawn too.
        rows = [{"i": 1, "f": 0.5, "t": "a text"}, *({name: row[name] for name in CELLS} for row in rows)]
        with tempfile.TemporaryDirectory() as folder:
            path = write(Path(folder, "a"), rows, form)
            assert whole(path) == rows

    check()


def test_text_is_read_by_lines_and_by_paragraphs(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text('One "line,\nanother\tone\n\n\n  third\n', encoding="utf-8")
    assert [row["text"] for row in whole(path)] == ['One "line,', "another\tone", "", "", "  third"]
    assert [row["text"] for row in whole(path, lines="paragraphs")] == ['One "line,\nanother\tone', "  third"]


@pytest.mark.parametrize(("text", "rows"), [
    ('{"a": 1, "b": [1, 2]}', [{"a": 1, "b": [1, 2]}]),
    ('{"meta": {"n": 2}, "data": [{"a": 1},\n {"a": 2}], "end": null}', [{"a": 1}, {"a": 2}]),
    ("[1, 2]", [{"value": 1}, {"value": 2}]),
    ('[{"a": 1, "A": 2, "": 3}]', [{"a": 1, "A_2": 2, "column": 3}]),
    ('[{"a": {"b": [{"c": "x"}]}}]', [{"a": {"b": [{"c": "x"}]}}]),
    ('[{"a": 1}, {"a": "x"}, {"a": [2]}]', [{"a": "1"}, {"a": "x"}, {"a": "[2]"}]),
])
def test_json_in_its_shapes(tmp_path, text, rows):
    path = tmp_path / "a.json"
    path.write_text(text)
    assert whole(path) == rows


def test_what_lies_beside_the_rows_is_said(tmp_path):
    path = tmp_path / "a.json"
    path.write_text('{"version": 1, "data": [{"a": 1}]}')
    assert open_source(path).notes == ("a.json also holds 'version', left out.",)


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_the_dialect_of_a_csv_is_found(tmp_path, mark, end):
    path = tmp_path / "a.csv"
    path.write_bytes(end.join([mark.join(("n", "text")), mark.join(("1", '"a ""b""' + mark + '"')), ""]).encode())
    assert whole(path) == [{"n": 1, "text": f'a "b"{mark}'}]


def test_a_table_without_names_as_messy_as_in_life(tmp_path):
    path = tmp_path / "spam.tsv"
    path.write_text("".join(
        f'{"spam" if n % 7 == 0 else "ham"}\t{text}\t\t\t{"0" if n == 0 else ""}\n' for n, text in enumerate(
            ['"Go, ""now"""', 'a " stray', "it's 5\" long", "plain # text", '"quoted, words"'] * 400)))
    table = open_source(path)
    assert [column.name for column in table.columns] == ["column_1", "column_2"]
    assert table.rows() == 2000
    rows = whole(path)
    assert len(rows) == 2000
    assert {row["column_1"] for row in rows} == {"ham", "spam"}
    assert "1 stray" in table.notes[0]


@pytest.mark.parametrize("filled", [2, 500])
def test_columns_that_are_sparse_stay(tmp_path, filled):
    path = tmp_path / "a.csv"
    path.write_text("x,1,\ny,2,\n" * 2500 + "x,3,label\n" * filled)
    assert len(open_source(path).columns) == 3


def test_missing_values_are_spelled_in_many_ways(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text('n,x,t\n1,NaN,NA\n,null,"NA"\nN/A,2.5,\n"",None,""\n4,0.5,here\n')
    rows = whole(path)
    assert [row["n"] for row in rows] == [1, None, None, None, 4]
    assert [row["x"] for row in rows] == [None, None, 2.5, None, 0.5]
    assert rows[4]["t"] == "here"


def test_a_text_in_quotes_is_not_missing(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text('n,t\n1,"NA"\n2,NA\n3,""\n4,\n')
    assert [row["t"] for row in whole(path)] == ["NA", None, "", None]


def test_digits_are_not_lost(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("zip,id,answer\n00123,12345678901234567890,yes\n10115,12345678901234567891,no\n")
    assert whole(path)[0] == {"zip": "00123", "id": "12345678901234567890", "answer": "yes"}


@pytest.mark.parametrize("form", ["csv", "csv.gz"])
@pytest.mark.parametrize("rows", [5, 1500, 60_000])
@pytest.mark.parametrize("last", ["02134", "+33", "-07"])
def test_a_number_that_begins_with_0_or_plus_keeps_it(tmp_path, form, rows, last):
    path = write(tmp_path / "a", [*({"n": n, "m": n} for n in range(rows)), {"n": last, "m": 7}], form)
    table = open_source(path)
    found, _ = read_whole(table, lambda view: [row for batch in view.batches() for row in batch.to_pylist()])
    assert found[-1] == {"n": last, "m": 7}
    assert found[0] == {"n": "0", "m": 0}
    if rows > 20_480:  # else DuckDB may have seen it
        assert table.notes == ("The column 'n' was read as text: some of its numbers begin with 0 or +.",)


def test_a_postcode_among_other_faults_keeps_its_0(tmp_path):
    path = tmp_path / "a.csv"
    lines = "".join(f"{n},{n},x\n" for n in range(60_000)).encode()
    path.write_bytes(b"n,m,t\n" + lines + b"02134,1.5,caf\xe9\n" + b"1,many,x\n")
    assert whole(path)[-2:] == [{"n": "02134", "m": "1.5", "t": "café"}, {"n": "1", "m": "many", "t": "x"}]


@pytest.mark.parametrize(("last", "kind", "value"), [
    ("1.5", Kind.NUMBER, 1.5), ("nine", Kind.TEXT, "nine"), ("9007199254740993", Kind.INTEGER, 9007199254740993),
    ('""', Kind.INTEGER, None), ("NA", Kind.INTEGER, None), ("2020-01-01", Kind.TEXT, "2020-01-01"),
])
def test_a_type_that_turns_out_wrong_far_down_is_put_right(tmp_path, last, kind, value):
    path = tmp_path / "a.csv"
    path.write_text("n,t\n" + "".join(f"{n},x\n" for n in range(60_000)) + f"{last},y\n")
    table, calls = open_source(path), []

    def use(view):
        calls.append(view.column("n").kind)
        return [row for batch in view.batches() for row in batch.to_pylist()]

    rows, _ = read_whole(table, use)
    assert len(rows) == 60_001
    assert rows[-1]["n"] == value
    assert rows[59_999]["n"] == ("59999" if kind is Kind.TEXT else 59999)
    assert table.column("n").kind is kind
    assert calls[-1] is kind


def test_a_page_never_shows_a_rounded_number(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("n\n" + "".join(f"{n}\n" for n in range(60_000)) + "1.5\n")
    table = open_source(path)
    assert table.column("n").kind is Kind.INTEGER
    assert table.page(offset=60_000)["n"].to_pylist() == [1.5]
    assert table.column("n").kind is Kind.NUMBER
    assert table.page(Query((Filter("n", Op.GREATER, 59_998.5),), sort=(Sort("n"),)))["n"].to_pylist() == [59_999.0]


def test_several_threads_meet_the_same_fault(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("n\n" + "".join(f"{n}\n" for n in range(60_000)) + "many\n")
    table = open_source(path)
    with ThreadPoolExecutor(4) as threads:
        pages = list(threads.map(lambda n: table.page(offset=59_990 + n)["n"].to_pylist(), range(8)))
    assert pages == [[*(str(n) for n in range(59_990 + first, 60_000)), "many"] for first in range(8)]


@pytest.mark.parametrize("form", ["json", "jsonl"])
def test_fields_and_types_that_come_late_in_json_are_not_lost(tmp_path, form):
    path = tmp_path / f"a.{form}"
    rows = [{"a": 1, "text": "some words to make it long"}] * 60_000 + [{"a": 1.5, "text": "x", "late": "here"}]
    path.write_bytes(_written(rows, form))
    found = whole(path)
    assert found[-1] == {"a": 1.5, "text": "x", "late": "here"}
    assert found[0] == {"a": 1.0, "text": "some words to make it long", "late": None}


def test_names_are_made_unique(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("a,a,,A,__row__,a_2,file_row_number\n1,2,3,4,5,6,7\n8,9,1,2,3,4,5\n")
    table = open_source(path)
    names = [column.name for column in table.columns]
    assert names == ["a", "a_3", "column_3", "A_4", "__row___2", "a_2", "file_row_number_2"]
    assert "renamed" in table.notes[0]
    assert table.page(limit=1).to_pylist() == [dict(zip(["__row__", *names], [0, 1, 2, 3, 4, 5, 6, 7], strict=True))]


@pytest.mark.parametrize("form", ["parquet", "arrow"])
def test_reserved_names_in_a_file_with_types(tmp_path, form):
    path = write(tmp_path / "a", [{"__row__": 7, "b": 1}], form)
    assert open_source(path).page().to_pylist() == [{"__row__": 0, "__row___2": 7, "b": 1}]


def test_names_that_are_alike_in_an_arrow_file(tmp_path):
    path = tmp_path / "a.arrow"
    table = pa.table([[1], [2], [3]], names=["a", "A", "a"])
    with pa.ipc.new_file(str(path), table.schema) as writer:
        writer.write_table(table)
    assert whole(path) == [{"a": 1, "A_2": 2, "a_3": 3}]


def test_a_table_below_a_title(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("Sales of the year\n\nname,n\na,1\nb,2\n")
    table = open_source(path)
    assert [column.name for column in table.columns] == ["name", "n"]
    assert "left out" in table.notes[0]


def test_dates_are_dates(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("d,t\n2020-01-31,2020-01-31 10:00:00\n2020-02-01,2020-01-31 11:30:00\n")
    table = open_source(path)
    assert {column.kind for column in table.columns} == {Kind.DATE}
    assert whole(path)[0]["d"] == date(2020, 1, 31)


def test_a_folder_a_glob_and_a_list_are_read_in_order(tmp_path):
    (tmp_path / "in").mkdir()
    for n, name in enumerate(["b.csv", "a.csv", "in/c.csv", ".hidden.csv", "README.md"]):
        (tmp_path / name).write_text(f"n,t\n{n},{name}\n" if n % 2 else f"t,n\n{name},{n}\n")
    assert [row["t"] for row in whole(tmp_path)] == ["a.csv", "b.csv", "in/c.csv"]
    assert [row["t"] for row in whole(str(tmp_path / "*.csv"))] == ["a.csv", "b.csv"]
    several = [tmp_path / "b.csv", tmp_path / "a.csv", tmp_path / "b.csv"]
    assert [row["t"] for row in whole(several)] == ["b.csv", "a.csv"]
    assert open_source(tmp_path).name == "a.csv and 2 more"


def test_types_of_several_files_are_brought_together(tmp_path):
    (tmp_path / "a.csv").write_text("n\n1\n")
    (tmp_path / "b.csv").write_text("n\nx\n")
    assert whole(tmp_path) == [{"n": "1"}, {"n": "x"}]


def test_options_say_what_cannot_be_known(tmp_path):
    path = tmp_path / "a.data"
    path.write_text("ham~'a~b'\nspam~c\n")
    assert whole(path, format="csv", delimiter="~", quote="'", header=False) == [
        {"column_1": "ham", "column_2": "a~b"}, {"column_1": "spam", "column_2": "c"}]


def test_names_of_files_may_hold_quotes_and_marks(tmp_path):
    path = tmp_path / "it's; a [test] *.csv"
    path.write_text("a\n1\n2\n")
    assert whole(path) == [{"a": 1}, {"a": 2}]


def test_cells_are_text_whatever_they_say(tmp_path):
    cells = ["<script>alert(1)</script>", "=1+1", "'; DROP TABLE x; --", "../../etc/passwd", "{{7*7}}"]
    path = tmp_path / "a.csv"
    path.write_text("t,n\n" + "".join(f'"{cell}",1\n' for cell in cells))
    assert [row["t"] for row in whole(path)] == cells


def test_reading_can_be_called_off(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes("слово\n".encode("cp1251") * 1000)
    progress = Progress()
    progress.cancel()
    with pytest.raises(CancelledError):
        open_source(path, progress=progress)


def test_a_file_without_rows_has_columns(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("a,b\n")
    table = open_source(path)
    assert [column.name for column in table.columns] == ["a", "b"]
    assert (table.rows(), whole(path)) == (0, [])


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_a_link_is_followed(tmp_path):
    (tmp_path / "a.csv").write_text("a\n1\n")
    (tmp_path / "b.csv").symlink_to(tmp_path / "a.csv")
    assert whole(tmp_path / "b.csv") == [{"a": 1}]
