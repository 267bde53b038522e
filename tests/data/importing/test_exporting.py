"""A table as a file: whole or not at all, and read back as it was."""

from __future__ import annotations

import csv
import errno
import json
import math
import resource
import tempfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbtrain.core.errors import CancelledError, DataError, WorkspaceError
from nbtrain.core.tasks import Progress
from nbtrain.data.columns import Kind
from nbtrain.data.importing import exporting
from nbtrain.data.importing.exporting import export
from nbtrain.data.importing.parquet import import_batches
from nbtrain.data.reading.opening import open_source
from nbtrain.data.table import ROW, Table
from nbtrain.store import atomic
from tests.data import tables as some

ENDINGS = [
    ".csv", ".csv.gz", ".tsv", ".tsv.zst", ".json", ".jsonl", ".jsonl.gz", ".ndjson", ".parquet", ".pq", ".arrow"]
WORDS = st.none() | st.sampled_from(["", '"', "a,b", "\t", "x\ny", "\r", "NULL", "=1", "ی", "\\", "'"]) | st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=5)
ROWS: list[dict[str, Any]] = [
    {"n": 1, "t": "x", "f": 0.5}, {"n": None, "t": "NA", "f": None}, {"n": -3, "t": "", "f": math.inf},
    {"n": 4, "t": None, "f": 1e-300}, {"n": 2**62, "t": '=1+1, "ی"\n\'', "f": -0.1}]


def table(sql: str = "SELECT * FROM range(10) r(i)") -> Table:
    return Table(f"({sql})", name="made up")


def kept(rows: list[dict[str, Any]], folder: Path) -> Table:
    import_batches([pa.RecordBatch.from_pylist(rows)], folder)
    return Table.of_parquet(folder / "data.parquet", name="kept")


@pytest.mark.parametrize("ending", ENDINGS)
def test_what_is_read_back_is_what_was_written(tmp_path, ending):
    path = tmp_path / f"out{ending}"
    export(kept(ROWS, tmp_path / "in"), path)
    again = open_source(path).page().to_pylist()
    assert [{name: cell for name, cell in row.items() if name != ROW} for row in again] == ROWS
    assert not list(tmp_path.glob(".*"))


def test_lists_and_structs_in_csv_are_json(tmp_path):
    export(table("SELECT [1, NULL] l, {'a': 'x', 'b': [true]} s UNION ALL SELECT NULL, NULL"), tmp_path / "a.csv")
    with (tmp_path / "a.csv").open(newline="") as file:
        first, second = csv.DictReader(file)
    assert [json.loads(cell) for cell in first.values()] == [[1, None], {"a": "x", "b": [True]}]
    assert set(second.values()) == {""}


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_formulas_are_kept_or_escaped(tmp_path, start):
    rows = [{"t": f"{start}1+1", "n": -1}, {"t": f"a{start}", "n": 2}]
    export(kept(rows, tmp_path / "in"), tmp_path / "kept.csv")
    export(kept(rows, tmp_path / "in"), tmp_path / "escaped.csv", formulas="escape")
    found = {}
    for name in ("kept", "escaped"):
        with (tmp_path / f"{name}.csv").open(newline="") as file:
            found[name] = [(row["t"], row["n"]) for row in csv.DictReader(file)]
    assert found["kept"] == [(f"{start}1+1", "-1"), (f"a{start}", "2")]
    assert found["escaped"] == [(f"'{start}1+1", "-1"), (f"a{start}", "2")]


def test_parquet_keeps_what_columns_hold(tmp_path):
    photo = pa.array([{"bytes": b"x", "path": "a"}], pa.struct([("bytes", pa.binary()), ("path", pa.string())]))
    imported = import_batches([pa.record_batch([photo], ["photo"])], tmp_path, media={"photo": Kind.IMAGE})
    given = Table.of_parquet(tmp_path / "data.parquet", name="kept", media={"photo": Kind.IMAGE})
    export(given, tmp_path / "out.parquet")
    noted = json.loads(pq.read_metadata(tmp_path / "out.parquet").metadata[b"nbtrain"])
    assert noted == {"media": {"photo": "image"}, "fingerprint": imported.fingerprint}
    with pytest.raises(DataError, match=r"'photo' holds bytes, which CSV cannot; export as \.parquet"):
        export(given, tmp_path / "out.csv")


def test_bytes_are_not_put_into_text(tmp_path):
    with pytest.raises(DataError, match="'b' holds bytes, which JSONL cannot"):
        export(table("SELECT 'x'::BLOB b"), tmp_path / "out.jsonl")


@pytest.mark.parametrize("name", ["out", "out.xlsx", "out.csv.bz2", "out.gz", "out.parquet.gz", ".csv.gz.zip"])
def test_an_unknown_ending_is_refused(tmp_path, name):
    with pytest.raises(DataError, match="does not say a format"):
        export(table(), tmp_path / name)
    assert not list(tmp_path.glob("*out*"))


def test_a_file_that_is_there_is_not_replaced_unasked(tmp_path):
    path = tmp_path / "out.csv"
    path.write_text("mine")
    with pytest.raises(DataError, match="is there already"):
        export(table(), path)
    assert path.read_text() == "mine"
    export(table("SELECT 1 AS a"), path, overwrite=True)
    assert path.read_text() == "a\n1\n"


@pytest.mark.parametrize("ending", [".csv", ".jsonl", ".parquet", ".arrow"])
def test_an_error_leaves_nothing_and_the_old_file(tmp_path, ending):
    path = tmp_path / f"out{ending}"
    path.write_text("mine")
    with pytest.raises(DataError, match="late"):
        export(table("SELECT CASE WHEN i = 300000 THEN error('late') ELSE i END FROM range(400000) r(i)"), path,
               overwrite=True)
    assert path.read_text() == "mine"
    assert [file.name for file in tmp_path.glob("*out*")] == [path.name]
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("ending", [".csv", ".parquet", ".arrow"])
def test_called_off_it_leaves_nothing(tmp_path, ending):
    progress = Progress()
    progress.cancel()
    with pytest.raises(CancelledError):
        export(table(), tmp_path / f"out{ending}", progress=progress)
    assert not list(tmp_path.glob("*out*")) + list(tmp_path.glob(".*"))


@pytest.mark.parametrize("ending", [".csv", ".csv.gz", ".json", ".jsonl.zst", ".parquet", ".arrow"])
def test_a_full_disk_leaves_nothing(tmp_path, ending):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(WorkspaceError, match=r"Cannot .*may not grow that large"):
            export(table("SELECT md5(i::VARCHAR) t FROM range(500000) r(i)"), tmp_path / f"out{ending}")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not list(tmp_path.glob("*out*")) + list(tmp_path.glob(".*"))


def test_a_folder_that_is_missing_is_said(tmp_path):
    with pytest.raises(WorkspaceError, match="not there"):
        export(table(), tmp_path / "no" / "out.csv")


def test_a_full_disk_is_said_in_our_words():
    if not Path("/dev/full").exists():
        pytest.skip("this system has no device that is always full")
    given = table("SELECT md5(i::VARCHAR) t FROM range(50000) r(i)")
    with (
        pytest.raises(WorkspaceError, match="the disk is full; free some space") as caught,
        atomic.told("write", Path("out.csv.gz")), exporting._opened(Path("/dev/full"), "gzip") as file,
    ):
        exporting._write_cells(given, file, ",", None, escape=False)
    assert caught.value.errno == errno.ENOSPC


@pytest.mark.parametrize("ending", [".csv", ".json", ".jsonl.gz", ".arrow"])
def test_how_far_it_is_and_calling_it_off_midway(tmp_path, ending):
    given = kept([{"i": i, "t": "x"} for i in range(60_000)], tmp_path / "in")
    told = []
    export(given, tmp_path / f"out{ending}", progress=Progress(lambda p: told.append((p.done, p.total, p.unit))))
    assert len(told) > 2
    assert told[-1] == (60_000, 60_000, "rows")
    midway = Progress(lambda p: p.cancel())
    with pytest.raises(CancelledError):
        export(given, tmp_path / f"again{ending}", progress=midway)
    assert 0 < midway.done < 60_000
    assert not list(tmp_path.glob("*again*")) + list(tmp_path.glob(".*"))


@pytest.mark.parametrize("ending", [".csv", ".tsv", ".json", ".jsonl"])
@settings(max_examples=25, deadline=None)
@given(rows=st.lists(st.fixed_dictionaries({"n": st.none() | some.integers, "t": WORDS, "u,": WORDS}), max_size=8))
def test_every_text_is_where_it_was(ending, rows):
    with tempfile.TemporaryDirectory() as folder:
        schema = pa.schema({"n": pa.int64(), "t": pa.string(), "u,": pa.string()})
        import_batches([pa.RecordBatch.from_pylist(rows, schema)], Path(folder) / "in")
        given = Table.of_parquet(Path(folder) / "in" / "data.parquet", name="kept")
        path = Path(folder) / f"out{ending}"
        export(given, path)
        assert read(path) == [
            row if "json" in ending else {name: "" if cell is None else str(cell) for name, cell in row.items()}
            for row in rows]


def read(path: Path) -> list[dict[str, Any]]:
    """The rows of a file, as Python reads them."""
    with path.open(encoding="utf-8", newline="") as file:
        if path.suffix == ".json":
            whole: list[dict[str, Any]] = json.load(file)
            return whole
        if path.suffix == ".jsonl":
            return [json.loads(line) for line in file.read().split("\n")[:-1]]
        return list(csv.DictReader(file, dialect="excel-tab" if path.suffix == ".tsv" else "excel"))
