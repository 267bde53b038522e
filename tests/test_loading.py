"""`load_dataset` and `datasets`: from every kind of source to a dataset, and from a dataset to a training."""

from __future__ import annotations

import gzip
import json
import signal
import subprocess
import sys
import time

import datasets as huggingface
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import nbtrain
from nbtrain import data_verbs, dataset_facts
from nbtrain.core.errors import CancelledError, ConfigError, DataError, DataFileError, DatasetNotFoundError
from nbtrain.core.tasks import Progress
from nbtrain.data.keeping.library import Library
from nbtrain.loading import find_dataset

ROWS = [{"label": "good", "text": "fine"}, {"label": "bad", "text": "poor, really"}, {"label": "good", "text": "سلام"}]
FRAME = pd.DataFrame(ROWS)
TABLE = pa.Table.from_pylist(ROWS)


def written(folder, kind):
    """The rows as a file."""
    path = folder / f"rows.{kind}"
    match kind:
        case "csv":
            FRAME.to_csv(path, index=False)
        case "tsv":
            FRAME.to_csv(path, index=False, sep="\t")
        case "csv.gz":
            path.write_bytes(gzip.compress(FRAME.to_csv(index=False).encode()))
        case "json":
            path.write_text(json.dumps(ROWS), "utf-8")
        case "jsonl":
            path.write_text("\n".join(map(json.dumps, ROWS)), "utf-8")
        case "parquet":
            pq.write_table(TABLE, path)
        case "arrow":
            with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, TABLE.schema) as writer:
                writer.write_table(TABLE)
    return path


@pytest.mark.parametrize("kind", ["csv", "tsv", "csv.gz", "json", "jsonl", "parquet", "arrow"])
def test_files(tmp_path, kind):
    data = nbtrain.load_dataset(written(tmp_path, kind))
    assert data.name == "rows"
    assert data.arrow().to_pylist() == ROWS


@pytest.mark.parametrize("source", [
    FRAME, TABLE, ROWS, {"label": FRAME["label"].tolist(), "text": FRAME["text"].tolist()},
    huggingface.Dataset.from_list(ROWS),
])
def test_objects(source):
    data = nbtrain.load_dataset(source, name="mine")
    assert data.arrow().to_pylist() == ROWS
    assert nbtrain.load_dataset(source, name="mine") == data
    assert len(nbtrain.datasets()) == 1


def test_folders_globs_and_lists(tmp_path):
    folder = tmp_path / "many"
    folder.mkdir()
    paths = [folder / f"{n}.jsonl" for n in range(3)]
    for n, path in enumerate(paths):
        path.write_text(json.dumps({"n": n}), "utf-8")
    for source in (folder, str(folder / "*.jsonl"), paths):
        data = nbtrain.load_dataset(source, name=f"from {type(source).__name__}")
        assert data.frame()["n"].tolist() == [0, 1, 2]
        assert nbtrain.load_dataset(source) == data
    paths[0].write_text(json.dumps({"n": 7}), "utf-8")
    for source in (folder, str(folder / "*.jsonl"), paths):
        assert nbtrain.load_dataset(source, name=f"new {type(source).__name__}").frame()["n"].tolist() == [7, 1, 2]


def test_a_dataset_of_the_workspace(tmp_path, monkeypatch):
    data = nbtrain.load_dataset(written(tmp_path, "csv"), name="Reviews of 2025")
    assert nbtrain.load_dataset("reviews of 2025") == data
    assert nbtrain.load_dataset(data.id) == data
    assert nbtrain.load_dataset(data) is data
    assert find_dataset("REVIEWS OF 2025") == data
    monkeypatch.chdir(tmp_path)
    (tmp_path / "Reviews of 2025").write_text("a file goes first\n", "utf-8")
    assert nbtrain.load_dataset("Reviews of 2025", format="text").frame().iloc[0, 0] == "a file goes first"


def test_reading_options(tmp_path):
    path = tmp_path / "odd.txt"
    path.write_text("1;2\n3;4\n", "utf-8")
    data = nbtrain.load_dataset(path, format="csv", delimiter=";", header=False)
    assert data.arrow().num_columns == 2
    assert data.rows == 2
    assert Library().facts(data.id)["options"] == {"format": "csv", "delimiter": ";", "header": False}
    with pytest.raises(ConfigError, match="delimiter"):
        nbtrain.load_dataset(path, format="csv", delimiter="")
    with pytest.raises(DataError, match="delimeter"):
        nbtrain.load_dataset(path, delimeter=";")


def test_rows_that_cannot_be_read_are_left_out_and_kept(tmp_path):
    path = tmp_path / "ragged.csv"
    path.write_text("a,b\n" + "1,2\n" * 50 + "1,2,3\n" + "3,4\n" * 50, "utf-8")
    with pytest.raises(DataFileError) as caught:
        nbtrain.load_dataset(path)
    assert caught.value.line == 52
    assert nbtrain.datasets() == []
    data = nbtrain.load_dataset(path, on_error="skip")
    assert (data.rows, data.rejected) == (100, 1)
    rejected = pd.read_csv(data.folder / "rejected.csv")
    assert rejected["line"].tolist() == [52]
    assert "1 rows could not be read" in repr(data)
    assert nbtrain.load_dataset(path, on_error="skip").rejected == 1


@pytest.mark.parametrize("source", [None, 5, "nowhere.csv", "", "a\0b", "~nobody/x.csv", [], object()])
def test_what_is_no_data_is_told(source):
    with pytest.raises(DataError):
        nbtrain.load_dataset(source)
    assert nbtrain.datasets() == []


def test_it_can_be_called_off(tmp_path):
    progress = Progress()
    progress.cancel()
    with pytest.raises(CancelledError):
        nbtrain.load_dataset(written(tmp_path, "csv"), progress=progress)
    assert nbtrain.datasets() == []


# Whoever started the tests may have had interrupts ignored, which a child process takes over; a kernel hears them.
ENDLESS = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
import nbtrain
from nbtrain.data.table import Table
try:
    nbtrain.load_dataset(Table("range(1000000000000)", name="endless"))
except KeyboardInterrupt:
    print("interrupted", nbtrain.datasets())
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has another way to interrupt.")
def test_an_import_in_a_cell_is_interrupted_and_leaves_nothing(workspace):
    kernel = subprocess.Popen(
        [sys.executable, "-c", ENDLESS], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not list(workspace.glob("datasets/.*.unfinished/*")) and time.monotonic() < deadline:
        time.sleep(0.05)
    kernel.send_signal(signal.SIGINT)
    said = kernel.communicate(timeout=240)
    assert said == ('interrupted No datasets yet. Import one with nbtrain.load_dataset("file.csv").\n', "")
    assert [path.name for path in (workspace / "datasets").iterdir()] == [".trash"]


def test_another_kernel_finds_it_at_once(tmp_path):
    path = written(tmp_path, "csv")
    data = nbtrain.load_dataset(path)
    data.profile()
    code = f"""
import nbtrain
from nbtrain.data.importing import parquet as importing
from nbtrain.data.looking import profile
importing.import_table = profile.profile = None
data = nbtrain.load_dataset({str(path)!r})
print(data.id, data.profile().rows)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == f"{data.id} 3\n"


def test_the_list_is_a_table(tmp_path):
    assert repr(nbtrain.datasets()).startswith("No datasets yet.")
    nbtrain.load_dataset(written(tmp_path, "csv"))
    nbtrain.load_dataset(pd.DataFrame({"n": range(12_345)}), name="numbers")
    lines = repr(nbtrain.datasets()).splitlines()
    assert lines[0].split() == ["name", "id", "rows", "columns", "size", "created"]
    assert lines[1].startswith("numbers  ")
    assert "  12,345" in lines[1]
    assert len({line.index(":") for line in lines[1:]}) == 1
    with pytest.raises(DatasetNotFoundError, match="did you mean 'numbers'"):
        find_dataset("number")


def test_importing_the_names_loads_nothing_heavy():
    code = """
import sys, nbtrain
nbtrain.load_dataset
nbtrain.datasets()
print(sorted({"duckdb", "pyarrow", "torch", "pandas", "datasets", "transformers"} & sys.modules.keys()))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_hundred_thousand_rows_come_back_as_they_were():
    frame = pd.DataFrame({"n": np.arange(100_000), "x": np.random.default_rng(0).random(100_000)})
    pd.testing.assert_frame_equal(nbtrain.load_dataset(frame).frame(), frame)


def test_what_was_decided_when_it_was_read_is_kept(tmp_path):
    path = tmp_path / "days.csv"
    path.write_text("n,day\n1,03/04/2020\n2,05/06/2020\n", "utf-8")
    data = nbtrain.load_dataset(path)
    assert [column.type for column in data.columns] == ["BIGINT", "VARCHAR"]
    (note,) = nbtrain.datasets()[0].notes
    assert "say which with date_order" in note
    assert note in repr(data)
    assert dataset_facts.facts(data, None, {})["notes"] == [note]
    said = data_verbs.answer(["import", str(path), "--name", "said", "--date-order", "mdy"], "nbtrain data")
    assert said.notes == ()
    assert said.frame()["day"].astype(str).tolist() == ["2020-03-04", "2020-05-06"]
    with pytest.raises(ConfigError, match="date_order"):
        nbtrain.load_dataset(path, date_order="day first")
    (said.folder / "dataset.json").unlink()
    assert "day" in repr(said)
