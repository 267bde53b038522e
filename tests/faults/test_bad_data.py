"""Files of data that are broken, cut short, endless or hostile: one sentence with the place, and the kernel alive."""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import shutil
import subprocess
import sys
import zlib

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from nbtrain.core.errors import CancelledError, DataError, DataFileError
from nbtrain.core.tasks import Progress
from nbtrain.data.reading.files import watch
from nbtrain.data.reading.opening import ReadOptions, open_source, read_whole


def whole(given, **options):
    table = open_source(given, ReadOptions(**options))
    return read_whole(table, lambda view: sum(batch.num_rows for batch in view.batches()))[0]


def failing(given, **options) -> DataFileError:
    with pytest.raises(DataFileError) as caught:
        whole(given, **options)
    said = str(caught.value)
    assert "\n" not in said
    assert said.endswith(".")
    return caught.value


def test_a_delimiter_that_is_not_in_the_file(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("a,b\n1,2\n")
    error = failing(path, delimiter=";")
    assert str(error) == ("a.csv, line 1: the delimiter ';' is not in it, but ',' is; leave the delimiter out, or give "
                          "that.")
    assert error.line == 1


@pytest.mark.parametrize(("row", "column", "said"), [
    ("7", 2, "it has 1 cells where 2 are wanted"), ("7,8,9", 3, "it has 3 cells where 2 are wanted"),
])
def test_a_ragged_row_after_cells_of_several_lines(tmp_path, row, column, said):
    path = tmp_path / "a.csv"
    path.write_text('a,b\n1,"x\ny"\n2,"\n\n\n"\n' + row + "\n3,z\n")
    error = failing(path)
    assert (error.line, error.column, error.file) == (8, column, str(path))
    assert said in str(error)


@pytest.mark.parametrize("cell", ['"x %d"', "x %d"])
def test_a_broken_quote_far_into_a_file(tmp_path, cell):
    path = tmp_path / "a.csv"
    body = [f"{n},{cell % n}\n" for n in range(100_000)]
    path.write_text("a,b\n" + "".join(body[:90_000]) + '1,"open\n' + "".join(body[90_000:]))
    error = failing(path)
    assert error.line == 90_002
    assert "quote" in str(error)


@pytest.mark.parametrize("packing", ["gzip", "zstd"])
@pytest.mark.parametrize("ending", ["csv", "jsonl", "json", "txt", "parquet", "arrow"])
@pytest.mark.parametrize("share", [0.3, 0.97])
@pytest.mark.parametrize("rows", [500, 40_000])
def test_packed_files_that_are_cut_short(tmp_path, packing, ending, share, rows):
    path = tmp_path / f"a.{ending}.{packing[:2] if packing == 'gzip' else 'zst'}"
    whole_path = tmp_path / "whole"
    with pa.output_stream(str(whole_path), compression=packing) as out:
        out.write(_bytes(ending, rows))
    raw = whole_path.read_bytes()
    path.write_bytes(raw[:int(len(raw) * share)])
    assert "cut short" in str(failing(path))


@pytest.mark.parametrize("rows", [500, 40_000])
def test_gzip_whose_checksum_is_wrong(tmp_path, rows):
    path = tmp_path / "a.csv.gz"
    raw = bytearray(gzip.compress(_bytes("csv", rows)))
    raw[-6] ^= 0xFF
    path.write_bytes(raw)
    assert "damaged" in str(failing(path))


def test_zstd_that_is_cut_where_a_line_ends(tmp_path):
    """DuckDB takes the end of what is there for the end of the file."""
    path = tmp_path / "a.csv.zst"
    with pa.output_stream(str(path), compression="zstd") as out:
        for _ in range(40):
            out.write(b"1,words and words\n" * 10_000)
            out.flush()
    raw = path.read_bytes()
    for cut in range(len(raw) - 1, len(raw) - 6, -1):
        path.write_bytes(raw[:cut])
        assert "cut short" in str(failing(path))


@pytest.mark.parametrize("ending", ["parquet", "arrow"])
@pytest.mark.parametrize("share", [0.01, 0.5, 0.99])
def test_binary_files_that_are_cut_short(tmp_path, ending, share):
    path = tmp_path / f"a.{ending}"
    raw = _bytes(ending)
    path.write_bytes(raw[:max(9, int(len(raw) * share))])
    error = failing(path)
    assert "a." + ending in str(error)


def test_parquet_whose_pages_are_damaged(tmp_path):
    path = tmp_path / "a.parquet"
    raw = bytearray(_bytes("parquet"))
    raw[100:2000] = b"\xff" * 1900
    path.write_bytes(raw)
    assert "damaged" in str(failing(path))


def test_a_damaged_arrow_file_does_not_end_the_kernel(tmp_path):
    """Arrow's own reader dies of some of these (offsets beyond the end, a broken schema)."""
    path = tmp_path / "a.arrow"
    whole_file = _bytes("arrow", 300)
    for place in range(8, len(whole_file), len(whole_file) // 12):
        raw = bytearray(whole_file)
        raw[place:place + 200] = b"\x7f" * 200
        path.write_bytes(raw)
        with contextlib.suppress(DataFileError):
            whole(path)


@pytest.mark.skipif(shutil.which("false") is None, reason="no program that only fails")
def test_a_reader_that_dies_is_an_error(tmp_path, monkeypatch):
    path = tmp_path / "a.arrow"
    path.write_bytes(_bytes("arrow"))
    monkeypatch.setattr("sys.executable", shutil.which("false"))
    assert "it is damaged" in str(failing(path))


@pytest.mark.parametrize(("text", "line", "column", "said"), [
    ('{"a": 1}\n\n{"a": 2}\n{"a": \n{"a": 3}\n', 4, 7, "no JSON"),
    ('{"a": 1}\n{"a": 2} tail\n', 2, 10, "no JSON"),
    ('{"a": 1}\n' + '{"a":' * 500 + "1" + "}" * 500 + "\n", 2, 1, "deeper than 128"),
    ('{"a": 1}\n{"a": "\\udead"}\n', 2, 1, "half a character"),
])
def test_a_broken_line_of_jsonl(tmp_path, text, line, column, said):
    path = tmp_path / "a.jsonl"
    path.write_text(text)
    error = failing(path)
    assert (error.line, error.column) == (line, column)
    assert said in str(error)


def test_a_broken_line_far_into_jsonl(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"a": 1}\n' * 50_000 + '{"a": 1\n' + '{"a": 1}\n' * 10)
    assert failing(path).line == 50_001


@pytest.mark.parametrize(("text", "line", "column", "said"), [
    ('[{"a": 1},\n {"a": ', 2, 8, "ends in the middle"),
    ('[{"a": 1},\n {"a": 2}', 2, 10, "ends in the middle"),
    ('{"data": [{"a": 1},\n {"a": 2}], "more": ', 2, 21, "ends in the middle"),
    ('[{"a": 1}\n {"a": 2}]', 2, 2, ", must stand here"),
    ('[{"a": ' + "[" * 500 + "]" * 500 + "}]", 1, 2, "deeper than 128"),
    ("[" * 100_000, 1, 2, "deeper than 128"),
    ('x[{"a": 1}]', 1, None, "begins with 'x'"),
    ('{"a": [{"x": 1}], "b": [{"y": 1}]}', 1, 24, "several arrays"),
])
def test_json_that_is_broken(tmp_path, text, line, column, said):
    path = tmp_path / "a.json"
    path.write_text(text)
    error = failing(path)
    assert said in str(error)
    assert (error.line, error.column) == (line, column)


@pytest.mark.parametrize("ending", ["csv", "jsonl", "json", "txt"])
def test_a_field_of_100_megabytes(tmp_path, ending):
    path = tmp_path / f"a.{ending}"
    long = "x" * 100_000_000
    path.write_text({
        "csv": f"a,b\n1,2\n3,{long}\n", "jsonl": f'{{"a": 1}}\n{{"a": 2}}\n{{"a": "{long}"}}\n',
        "json": f'[{{"a": 1}},\n{{"a": 2}},\n{{"a": "{long}"}}]', "txt": f"a\nb\n{long}\n"}[ending])
    error = failing(path)
    assert "longer than 16 MiB" in str(error)
    assert error.line == 3


@pytest.mark.parametrize("name", ["bomb.csv.gz", "bomb.jsonl.gz", "bomb.parquet.gz", "bomb.txt.gz"])
def test_a_bomb_takes_no_memory(tmp_path, name):
    """Half a gigabyte of zeros, or of one letter, in one megabyte."""
    path = tmp_path / name
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    letter = b"\0" if "parquet" in name else b"x"
    start = b"PAR1\x15\x04" if "parquet" in name else b'{"a": "' if "jsonl" in name else b"a,b\n1,"
    pieces = [packer.compress(start)] + [packer.compress(letter * 2**20) for _ in range(512)] + [packer.flush()]
    path.write_bytes(b"".join(pieces))
    script = (
        "import resource, sys\nfrom nbtrain.data.reading.opening import open_source, read_whole\n"
        "from nbtrain.core.errors import DataFileError\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "try:\n    read_whole(open_source(sys.argv[1]), lambda t: sum(b.num_rows for b in t.batches()))\n"
        "except DataFileError as error:\n    print(error)\nelse:\n    print('read')\n"
        "print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)")
    said = subprocess.run(
        [sys.executable, "-c", script, str(path)], capture_output=True, text=True, timeout=120, check=True).stdout
    message, grown = said.rsplit("\n", 2)[:2]
    assert name in message
    assert int(grown) < 350


def test_a_file_that_is_empty_and_one_that_is_garbage(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b"")
    assert "empty" in str(failing(path))
    path.write_bytes(os.urandom(50_000))
    assert "a.csv" in str(failing(path))
    path.write_bytes(bytes(50_000))
    assert "binary" in str(failing(path))


def test_a_missing_file_and_the_one_that_was_meant(tmp_path):
    (tmp_path / "reviews.csv").write_text("a\n1\n")
    assert "the nearest name is reviews.csv" in str(failing(tmp_path / "reveiws.csv"))
    assert "no folder" in str(failing(tmp_path / "none" / "a.csv"))
    assert "look at the folder" in str(failing(tmp_path / "*.tsv"))
    assert "no name of a file" in str(failing("a\0b"))
    assert "list of files is empty" in str(failing([]))
    assert "cannot be opened" in str(failing("x" * 5000))


@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("a\n1\n")
    path.chmod(0)
    assert "may not be read" in str(failing(path))


def test_a_folder_of_several_formats_or_columns(tmp_path):
    (tmp_path / "a.csv").write_text("a,b\n1,2\n")
    (tmp_path / "b.jsonl").write_text('{"a": 1}\n')
    assert "several formats: csv (a.csv), jsonl (b.jsonl)" in str(failing(tmp_path))
    (tmp_path / "b.jsonl").unlink()
    (tmp_path / "b.csv").write_text("a,c\n1,2\n")
    assert "b.csv lacks 'b' and has 'c' more than a.csv" in str(failing(tmp_path))
    (tmp_path / "b.csv").unlink()
    (tmp_path / "a.csv").rename(tmp_path / "a.exe")
    assert "no file of a known format" in str(failing(tmp_path))
    (tmp_path / "a.exe").unlink()
    assert "no files" in str(failing(tmp_path))


@pytest.mark.parametrize("change", ["append", "replace", "remove"])
def test_a_file_that_changes_while_it_is_read(tmp_path, change):
    path = tmp_path / "a.csv"
    path.write_text("a,b\n" + "1,2\n" * 100)

    def use(view):
        count = sum(batch.num_rows for batch in view.batches())
        if change == "append":
            with path.open("a") as file:
                file.write("3,4\n")
        elif change == "replace":
            other = path.with_name("b")
            other.write_bytes(path.read_bytes())
            other.replace(path)
        else:
            path.unlink()
        return count

    with pytest.raises(DataFileError, match="changed while it was read"):
        read_whole(open_source(path), use)


def test_an_error_that_a_change_caused_is_told_as_the_change(tmp_path):
    path = tmp_path / "a"
    path.write_text("1")
    with pytest.raises(DataFileError, match="changed"), watch([path]):  # noqa: PT012 - the change is what fails
        path.write_text("22")
        raise DataError("line 7 is ragged.")
    with pytest.raises(DataError, match="ragged"), watch([path]):
        raise DataError("line 7 is ragged.")


def test_a_full_disk_leaves_no_copy(tmp_path, monkeypatch):
    copies = tmp_path / "copies"
    copies.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(copies))
    path = tmp_path / "a.txt"
    path.write_bytes(b"word\n" * 100_000 + "слово\n".encode("cp1251"))

    def full(_file, _encoding, target, **_options):
        target.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("nbtrain.data.reading.parts.to_utf8", full)
    table = open_source(path)
    with pytest.raises(DataError, match="No space left on device"):
        table.page(offset=99_999)
    assert not [each for each in copies.rglob("*") if each.is_file()]
    assert table.page(limit=1)["text"].to_pylist() == ["word"]


def test_calling_off_leaves_no_copy(tmp_path, monkeypatch):
    copies = tmp_path / "copies"
    copies.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(copies))
    path = tmp_path / "a.txt"
    path.write_bytes("слово\n".encode("cp1251") * 500_000)
    progress = Progress(lambda told: told.cancel())
    with pytest.raises(CancelledError):
        open_source(path, progress=progress)
    assert not [each for each in copies.rglob("*") if each.is_file()]


def _bytes(ending: str, count: int = 5000) -> bytes:
    rows = [{"n": n, "t": f"some text {n * 7919 % 10007}"} for n in range(count)]
    if ending == "csv":
        return ("n,t\n" + "".join(f"{row['n']},{row['t']}\n" for row in rows)).encode()
    if ending == "txt":
        return "".join(f"{row['t']}\n" for row in rows).encode()
    if ending == "json":
        return json.dumps(rows).encode()
    if ending == "jsonl":
        return "".join(json.dumps(row) + "\n" for row in rows).encode()
    out = pa.BufferOutputStream()
    table = pa.Table.from_pylist(rows)
    if ending == "parquet":
        pq.write_table(table, out)
    else:
        with pa.ipc.new_file(out, table.schema) as writer:
            writer.write_table(table, max_chunksize=max(1, count // 10))
    return bytes(out.getvalue().to_pybytes())
