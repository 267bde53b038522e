"""One door for whatever a user has."""

from __future__ import annotations

import json
from pathlib import Path

import datasets
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from nbtrain.core.errors import DataError, DataFileError
from nbtrain.data.columns import Kind
from nbtrain.data.importing import parquet as importing
from nbtrain.data.importing.sources import open_any
from nbtrain.data.reading.opening import ReadOptions
from nbtrain.data.table import Table
from tests.data.importing.test_media import image


def write_csv(path: Path, text: str = "a,b\n1,x\n2,y\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_a_file(tmp_path):
    path = write_csv(tmp_path / "reviews.csv")
    opened = open_any(str(path))
    assert (opened.name, opened.text, opened.files) == ("reviews", str(path), (path,))
    assert opened.recipe == {"kind": "files", "paths": [str(path)], "options": ReadOptions().to_json()}
    assert opened.table().rows() == 2
    assert opened.import_to(tmp_path / "to").rows == 2
    json.dumps(opened.recipe)


def test_options_reach_the_file(tmp_path):
    path = write_csv(tmp_path / "a.csv", "1;2\n3;4\n")
    table = open_any(path, ReadOptions(delimiter=";", header=False)).table()
    assert table.rows() == 2


def test_several_files_a_folder_and_a_pattern(tmp_path):
    one, two = write_csv(tmp_path / "many" / "1.csv"), write_csv(tmp_path / "many" / "2.csv")
    for given in ([one, two], [str(one), str(two)], tmp_path / "many", str(tmp_path / "many" / "*.csv")):
        assert open_any(given).import_to(tmp_path / "to").rows == 4
    assert open_any([one, two]).text == f"{one} and 1 more"
    assert open_any(str(tmp_path / "many" / "*.csv")).name == "many"
    assert open_any(write_csv(tmp_path / "a.b.csv.gz.csv")).name == "a.b"


def test_a_folder_of_images(tmp_path):
    (tmp_path / "pets" / "cat").mkdir(parents=True)
    (tmp_path / "pets" / "cat" / "a.png").write_bytes(image())
    (tmp_path / "pets" / "b.png").write_bytes(b"broken")
    opened = open_any(tmp_path / "pets", ReadOptions(on_error="skip"))
    assert opened.recipe["kind"] == "media"
    assert opened.import_to(tmp_path / "to").rejected == 1
    write_csv(tmp_path / "labels.csv", "file_name,label\ncat/a.png,cat\nb.png,none\n")
    opened = open_any(str(tmp_path / "pets"), ReadOptions(on_error="skip"), labels=tmp_path / "labels.csv")
    opened.import_to(tmp_path / "to")
    assert pq.read_table(tmp_path / "to" / "data.parquet")["label"].to_pylist() == ["cat"]


def test_an_object_and_a_table(tmp_path):
    opened = open_any(pd.DataFrame({"a": [1]}), name="mine")
    assert (opened.name, opened.text) == ("mine", "a pandas data frame")
    table = opened.table()
    assert open_any(table).table() is table
    assert open_any(table).import_to(tmp_path).rows == 1
    assert isinstance(table, Table)


@pytest.mark.parametrize(("given", "error", "said"), [
    ("nothing.csv", DataFileError, r"nothing\.csv"), (3, DataError, "A int is no data"),
    ("folder/nothing.csv", DataFileError, r"nothing\.csv"),
])
def test_what_cannot_be_opened_is_told(given, error, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error, match=said):
        open_any(given).table()


def test_options_of_another_kind_of_source_are_refused(tmp_path):
    path = write_csv(tmp_path / "a.csv")
    with pytest.raises(DataError, match="has no option 'split'; it has none"):
        open_any(path, split="train")
    with pytest.raises(DataError, match="has no option 'labels'; it has: config, revision, split"):
        open_any("hub://a/b", labels="x")


def test_parquet_of_the_datasets_library_keeps_its_meaning(tmp_path):
    features = datasets.Features({"label": datasets.ClassLabel(names=["neg", "pos"]), "photo": datasets.Image()})
    photo = {"bytes": image(), "path": "a.png"}
    given = datasets.Dataset.from_list([{"label": 1, "photo": photo}, {"label": 0, "photo": None}], features)
    given.to_parquet(tmp_path / "pets.parquet")
    opened = open_any(tmp_path / "pets.parquet")
    assert [column.kind for column in opened.table().columns] == [Kind.TEXT, Kind.IMAGE]
    opened.import_to(tmp_path / "to")
    found = pq.read_table(tmp_path / "to" / "data.parquet").to_pylist()
    assert found == [{"label": "pos", "photo": photo}, {"label": "neg", "photo": None}]
    again = open_any(tmp_path / "to" / "data.parquet").table()
    assert again.media == {"photo": Kind.IMAGE}


def test_heavy_rows_keep_their_meaning_too(tmp_path, monkeypatch):
    features = datasets.Features({"label": datasets.ClassLabel(names=["neg", "pos"]), "photo": datasets.Image()})
    files = [np.random.default_rng(i).bytes(40_000) for i in range(100)]
    rows = [{"label": i % 2, "photo": {"bytes": file, "path": f"{i}.png"}} for i, file in enumerate(files)]
    datasets.Dataset.from_list(rows, features).to_parquet(tmp_path / "pets.parquet")
    one = open_any(tmp_path / "pets.parquet").import_to(tmp_path / "arrow")
    monkeypatch.setattr(importing, "HEAVY", 10**9)
    assert open_any(tmp_path / "pets.parquet").import_to(tmp_path / "duckdb").fingerprint == one.fingerprint
