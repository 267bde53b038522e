"""CSVs whose lines do not all end alike."""

from __future__ import annotations

import gzip

import pyarrow as pa
import pytest

from nbtrain.core.errors import DataFileError
from nbtrain.data.reading.formats import recognised
from nbtrain.data.reading.lines import write_unix
from nbtrain.data.reading.opening import ReadOptions, open_source, read_whole
from tests.data.reading.test_opening import whole


@pytest.mark.parametrize("on_error", ["raise", "skip"])
@pytest.mark.parametrize("rows", [5, 60_000])
@pytest.mark.parametrize(("most", "one"), [("\r\n", "\n"), ("\n", "\r\n")])
@pytest.mark.parametrize("ending", ["csv", "csv.gz"])
def test_one_line_that_ends_in_another_way(tmp_path, ending, most, one, rows, on_error):
    path = tmp_path / f"a.{ending}"
    raw = (f"n,t{most}" + f"1,x{most}" * rows + f"2,y{one}" + f"3,w{most}").encode()
    path.write_bytes(raw if ending == "csv" else gzip.compress(raw))
    found = whole(path, on_error=on_error)
    assert len(found) == rows + 2
    assert found[-3:] == [{"n": 1, "t": "x"}, {"n": 2, "t": "y"}, {"n": 3, "t": "w"}]


def test_it_is_said(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b"n,t\r\n1,x\r\n2,y\n3,z\r\n")
    assert open_source(path).notes == (
        "Some lines of a.csv end in CR LF and others in LF; all were read as ending in LF, also those inside of cells.",
    )


def test_other_faults_are_put_right_too(tmp_path):
    path = tmp_path / "a.csv"
    lines = b"".join(b"%d,x\r\n" % n for n in range(60_000))
    path.write_bytes(b"n,t\r\n" + lines + b"1,caf\xe9\n" + b"007,y\r\n")
    assert whole(path)[-2:] == [{"n": "1", "t": "café"}, {"n": "007", "t": "y"}]


def test_an_end_of_line_between_two_pieces(tmp_path):
    path, copy = tmp_path / "a.csv", tmp_path / "copy.csv"
    raw = b"n\n" + b"x" * (2**20 - 3) + b"\r\ny\r"
    path.write_bytes(raw)
    assert raw[2**20 - 1:2**20 + 1] == b"\r\n"
    assert write_unix(recognised(path, None), copy)
    assert copy.read_bytes() == raw.replace(b"\r\n", b"\n")


def test_a_quote_that_comes_after_the_rows_looked_at(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("n,t\n" + "1,x\n" * 40_000 + '2,"y\nz"\n')
    assert whole(path)[-1] == {"n": 2, "t": "y\nz"}


@pytest.mark.parametrize("ending", ["", ".gz"])
def test_lines_that_end_in_cr_alone_are_read_however_long_the_file(tmp_path, ending):
    rows = 2_200_000  # 17 MiB without one LF
    path = tmp_path / f"old.csv{ending}"
    with pa.output_stream(str(path), compression="gzip" if ending else None) as out:
        out.write(b"a,b\r" + b"12345,7\r" * rows)
    assert whole_rows(path) == rows


def test_lines_of_json_and_text_that_end_in_cr_alone(tmp_path):
    (tmp_path / "old.jsonl").write_bytes(b'{"a": 1}\r{"a": 2}\r')
    (tmp_path / "old.txt").write_bytes(b"one\rtwo\rthree")
    assert whole_rows(tmp_path / "old.jsonl") == 2
    assert whole_rows(tmp_path / "old.txt") == 3


def whole_rows(path):
    return read_whole(open_source(path), lambda view: sum(batch.num_rows for batch in view.batches()))[0]


@pytest.mark.parametrize("rows", [50, 60_000])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_cr_in_a_cell_without_quotes(tmp_path, end, rows):
    path = tmp_path / "a.csv"
    lines = ["i,n", *(f'{i},"x\ry"' for i in range(rows)), "60,a\rb", "62,c", ""]
    path.write_bytes(end.join(lines).encode())
    with pytest.raises(DataFileError, match="carriage return") as raised:
        whole(path)
    assert (raised.value.line, raised.value.column) == (rows + 2, 2)
    found, rejects = read_whole(open_source(path, ReadOptions(on_error="skip")), lambda view: [
        row for batch in view.batches() for row in batch.to_pylist()])
    assert (len(found), found[0]["n"], found[-1]["n"]) == (rows + 1, "x\ry", "c")
    assert rejects is not None
    assert [(each.line, each.text) for each in rejects] == [(rows + 2, "60,a\rb")]
