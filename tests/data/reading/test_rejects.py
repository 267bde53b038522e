from __future__ import annotations

import csv

import pyarrow as pa
import pytest

from nbtrain.core.errors import DataFileError
from nbtrain.data.reading.opening import ReadOptions, open_source, read_whole
from nbtrain.data.reading.rejects import KEPT_TEXT, Reject, Rejects

SKIP = ReadOptions(on_error="skip")


def whole(given, options=SKIP):
    return read_whole(
        open_source(given, options), lambda table: [row for batch in table.batches() for row in batch.to_pylist()])


def test_rows_left_out_are_kept_in_a_file(tmp_path):
    rejects = Rejects()
    rows = [Reject("a.csv", 3, "n", "no number", '1,"x\ny"'), Reject("b", None, "", "cut short", "سلام\t=1+1")]
    rejects.add(rows)
    assert len(rejects) == 2
    assert list(rejects) == rows
    rejects.save(tmp_path / "rejected.csv")
    with (tmp_path / "rejected.csv").open(encoding="utf-8", newline="") as file:
        assert list(csv.reader(file)) == [
            ["file", "line", "column", "why", "text"], ["a.csv", "3", "n", "no number", '1,"x\ny"'],
            ["b", "", "", "cut short", "سلام\t=1+1"]]


def test_an_endless_text_is_cut():
    rejects = Rejects()
    rejects.add([Reject("a", 1, "", "too long", "x" * 10 * KEPT_TEXT)])
    assert len(next(iter(rejects)).text) == KEPT_TEXT


def test_ragged_rows_are_left_out_with_their_lines(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text('a,b\n1,"x\ny"\n2\n3,"z\n\nw"\n4,5,6\n7,8\n')
    rows, rejects = whole(path)
    assert rows == [{"a": 1, "b": "x\ny"}, {"a": 3, "b": "z\n\nw"}, {"a": 7, "b": "8"}]
    assert [(each.file, each.line, each.text) for each in rejects] == [(str(path), 4, "2"), (str(path), 8, "4,5,6")]


@pytest.mark.parametrize("quoted", ['1,"x %d"\n', "1,x %d\n"])
def test_a_quote_that_is_never_closed_costs_its_row_alone(tmp_path, quoted):
    path = tmp_path / "a.csv"
    body = [quoted % n for n in range(50_000)]
    path.write_text("a,b\n" + "".join(body[:30_000]) + '2,"open\n' + "".join(body[30_000:]))
    rows, rejects = whole(path)
    assert [row["b"] for row in rows] == [f"x {n}" for n in range(50_000)]
    assert [(each.line, each.text) for each in rejects] == [(30_002, '2,"open')]


def test_a_cell_of_several_lines_near_a_broken_quote_stays(tmp_path):
    path = tmp_path / "a.csv"
    body = '1,"x"\n' * 25_000
    path.write_text("a,b\n" + body + '2,"open\n' + "3,y\n" * 10 + '4,"two\nlines"\n' + body)
    rows, rejects = whole(path)
    assert [row["b"] for row in rows if row["a"] != 1] == ["y"] * 10 + ["two\nlines"]
    assert [each.line for each in rejects] == [25_002]


def test_lines_are_those_of_the_file_also_after_a_mended_quote(tmp_path):
    path = tmp_path / "a.csv"
    body = '1,"x"\n' * 25_000
    path.write_text("a,b\n" + body + '2,"open\n' + body + "3\n" + body)
    rows, rejects = whole(path)
    assert len(rows) == 75_000
    assert sorted(each.line for each in rejects) == [25_002, 50_003]


def test_an_endless_row_costs_no_other(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("a,b\n" + "1,x\n" * 100 + "2," + "y" * 40_000_000 + "\n" + "1,x\n" * 100)
    rows, rejects = whole(path)
    assert len(rows) == 200
    assert [(each.line, each.why) for each in rejects] == [(102, "The line is longer than 16 MiB.")]


def test_lines_that_are_no_json_are_left_out(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"a": 1}\n\n{"a": \n{"a": 2}\n{"a": "\\ud800"}\n{"a": 3} more\n' + '{"a":' * 200 + "1" + "}" * 200)
    rows, rejects = whole(path)
    assert rows == [{"a": 1}, {"a": 2}]
    assert [each.line for each in rejects] == [3, 5, 6, 7]
    assert next(iter(rejects)).text == '{"a": '


def test_of_an_array_that_is_cut_what_came_is_kept(tmp_path):
    path = tmp_path / "a.json"
    path.write_text('[{"a": 1},\n{"a": 2},\n{"a": ')
    rows, rejects = whole(path)
    assert rows == [{"a": 1}, {"a": 2}]
    assert [(each.line, each.why) for each in rejects] == [
        (3, "All that follows is left out: it ends in the middle; get the file again.")]


def test_when_nothing_can_be_read_that_is_an_error(tmp_path):
    path = tmp_path / "a.json"
    path.write_text('[{"a": ')
    with pytest.raises(DataFileError, match="no row of it can be read"):
        whole(path)


def test_rows_left_out_of_several_files_are_told_apart(tmp_path):
    for name, text in {"a.csv": "a,b\n1,2\n3\n", "b.csv": "a,b\n4\n5,6\n"}.items():
        (tmp_path / name).write_text(text)
    rows, rejects = whole(tmp_path)
    assert rows == [{"a": 1, "b": 2}, {"a": 5, "b": 6}]
    assert [(each.file, each.line) for each in rejects] == [
        (str(tmp_path / "a.csv"), 3), (str(tmp_path / "b.csv"), 2)]


def test_without_skipping_there_are_no_rejects(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("a,b\n1,2\n")
    assert whole(path, ReadOptions()) == ([{"a": 1, "b": 2}], None)


@pytest.mark.parametrize("ending", ["", ".gz"])
@pytest.mark.parametrize("size", [17, 31, 33])
def test_a_row_of_json_that_is_too_long_is_left_out_or_read(tmp_path, size, ending):
    small = [b'{"a": "x"}\n'] * 3
    path = tmp_path / f"a.jsonl{ending}"
    with pa.output_stream(str(path), compression="gzip" if ending else None) as out:
        out.writelines([*small, b'{"a": "' + b"y" * size * 2**20 + b'"}\n', *small])
    rows, rejects = read_whole(open_source(path, SKIP), lambda table: sum(batch.num_rows for batch in table.batches()))
    assert rejects is not None
    assert rows + len(rejects) == 7
    assert [reject.line for reject in rejects] == [4] * len(rejects)
