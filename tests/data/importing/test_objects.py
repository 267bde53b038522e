"""Objects of the notebook as tables: what a user sees is what is trained on."""

from __future__ import annotations

import datetime as dt
import gc
import io
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet as pq
import pytest
from PIL import Image

from nbtrain.core.errors import DataError
from nbtrain.core.tasks import Progress
from nbtrain.data.columns import Kind
from nbtrain.data.importing.objects import as_table, is_paths, open_object
from nbtrain.data.importing.parquet import import_table
from nbtrain.data.table import ROW, Table
from tests.data.importing.test_media import image

ROWS = [{"n": 1, "t": "a"}, {"n": None, "t": "ب"}, {"n": 3, "t": None}]


def rows(given: Any) -> list[dict[str, Any]]:
    return [{name: cell for name, cell in row.items() if name != ROW} for row in as_table(given).page().to_pylist()]


def types(given: Any) -> dict[str, str]:
    return {column.name: column.type for column in as_table(given).columns}


class Stream:
    """What another library of data frames gives."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self._table.__arrow_c_stream__(requested_schema)


def as_dataset(table: pa.Table, folder: Path) -> pyarrow.dataset.Dataset:
    pq.write_table(table, folder / "a.parquet")
    return pyarrow.dataset.dataset(folder / "a.parquet")


TABLE = pa.Table.from_pylist(ROWS)


@pytest.mark.parametrize("make", [
    lambda _: pd.DataFrame({"n": pd.array([1, None, 3], "Int64"), "t": ["a", "ب", None]}),
    lambda _: TABLE,
    lambda _: pa.chunked_array([[1]]) and TABLE.combine_chunks().to_batches()[0],
    lambda _: TABLE.to_reader(),
    lambda folder: as_dataset(TABLE, folder),
    lambda _: Stream(TABLE),
    lambda _: datasets.Dataset.from_list(ROWS),
    lambda _: datasets.Dataset.from_list(ROWS).to_iterable_dataset(),
    lambda _: ROWS,
    lambda _: {"n": [1, None, 3], "t": ["a", "ب", None]},
], ids=["pandas", "table", "batch", "reader", "dataset", "stream", "datasets", "streamed", "dicts", "columns"])
def test_every_kind_gives_the_same_table_and_fingerprint(make, tmp_path):
    opened = open_object(make(tmp_path))
    assert rows(make(tmp_path)) == ROWS
    reference = import_table(as_table(TABLE), tmp_path / "reference")
    assert opened.import_to(tmp_path / "to").fingerprint == reference.fingerprint
    assert (tmp_path / "to" / "data.parquet").is_file()


def test_an_index_is_kept_when_it_has_a_name():
    frame = pd.DataFrame({"a": [1, 2]}, index=[7, 8])
    assert rows(frame) == [{"a": 1}, {"a": 2}]
    frame.index.name = "key"
    assert rows(frame) == [{"key": 7, "a": 1}, {"key": 8, "a": 2}]


def test_a_series_is_a_column():
    assert rows(pd.Series([1, 2], name="x")) == [{"x": 1}, {"x": 2}]


def test_types_of_pandas():
    frame = pd.DataFrame({
        "category": pd.Categorical(["a", "b"]), "time": pd.to_datetime(["2024-01-01", "NaT"]),
        "zone": pd.to_datetime(["2024-01-01", "NaT"]).tz_localize("Asia/Tehran"),
        "delta": pd.to_timedelta([90, None], unit="s"), "float": [0.5, np.nan], "flag": [True, False],
        "list": [[1, 2], None], "mixed": ["a", None], "day": [dt.date(2024, 1, 1), None],
    })
    assert types(frame) == {
        "category": "VARCHAR", "time": "TIMESTAMP", "zone": "TIMESTAMP WITH TIME ZONE", "delta": "DOUBLE",
        "float": "DOUBLE", "flag": "BOOLEAN", "list": "BIGINT[]", "mixed": "VARCHAR", "day": "DATE"}
    first, second = rows(frame)
    assert first["delta"] == 90.0
    assert first["zone"] == dt.datetime(2023, 12, 31, 20, 30, tzinfo=dt.UTC)
    assert [name for name, cell in second.items() if cell is None] == [
        "time", "zone", "delta", "float", "list", "mixed", "day"]


def test_arrow_types_that_parquet_has_not():
    table = pa.table({
        "half": pa.array([0.5], pa.float16()), "view": pa.array(["x"], pa.string_view()),
        "fixed": pa.array([b"ab"], pa.binary(2)), "pair": pa.array([[1, 2]], pa.list_(pa.int8(), 2)),
        "wide": pa.array([7], pa.decimal256(50, 0)), "code": pa.array(["a"]).dictionary_encode(),
        "nothing": pa.nulls(1), "date": pa.array([86_400_000], pa.date64()), "clock": pa.array([1], pa.time32("s")),
        "deep": pa.array([{"c": [0.5]}], pa.struct([("c", pa.large_list(pa.float16()))])),
        "seconds": pa.array([1], pa.timestamp("s")), "nanos": pa.array([1], pa.timestamp("ns")),
        "map": pa.array([[("k", 1)]], pa.map_(pa.string(), pa.int8())),
    })
    assert types(table) == {
        "half": "FLOAT", "view": "VARCHAR", "fixed": "BLOB", "pair": "TINYINT[]", "wide": "DECIMAL(38,0)",
        "code": "VARCHAR", "nothing": "VARCHAR", "date": "DATE", "clock": "TIME", "deep": "STRUCT(c FLOAT[])",
        "seconds": "TIMESTAMP", "nanos": "TIMESTAMP_NS", "map": "MAP(VARCHAR, TINYINT)"}
    assert rows(table)[0]["deep"] == {"c": [0.5]}
    with pytest.raises(DataError, match="column 'u' has the Arrow type dense_union"):
        as_table(pa.table({"u": pa.UnionArray.from_dense(
            pa.array([0], pa.int8()), pa.array([0], pa.int32()), [pa.array([1])])}))


def test_numpy_arrays():
    assert rows(np.array([[1, 2], [3, 4]])) == [{"column_0": 1, "column_1": 2}, {"column_0": 3, "column_1": 4}]
    assert rows(np.array([0.5, np.nan])) == [{"column_0": 0.5}, {"column_0": None}]
    structured = np.array([(1, "x")], dtype=[("a", np.int8), ("b", "U3")])
    assert rows(structured) == [{"a": 1, "b": "x"}]
    assert rows({"x": np.array([[1, 2], [3, 4]])}) == [{"x": [1, 2]}, {"x": [3, 4]}]
    with pytest.raises(DataError, match=r"numpy\.ndarray is no data"):
        as_table(np.zeros((2, 2, 2)))


def test_dicts_with_different_keys_and_lists_of_rows():
    assert rows([{"a": 1}, {"b": "x"}]) == [{"a": 1, "b": None}, {"a": None, "b": "x"}]
    assert rows([[1, "x"], [2]]) == [{"column_0": 1, "column_1": "x"}, {"column_0": 2, "column_1": None}]


def test_names_are_made_unique():
    assert list(types(pd.DataFrame([[1, 2, 3, 4]], columns=["a", "A", "", ROW]))) == [
        "a", "A_1", "column_2", f"{ROW}_1"]
    assert list(types(pd.DataFrame([[1, 2]], columns=["a", "a"]))) == ["a", "a_1"]
    assert list(types(pd.DataFrame(np.zeros((1, 2))))) == ["0", "1"]


@pytest.mark.parametrize(("given", "said"), [
    (7, "A int is no data that can be opened"), (None, "NoneType"), ([], "list"), ({}, "dict"), ([1, 2], "list"),
    ({"a": [1], "b": [1, 2]}, "'a' 1, 'b' 2"), ({"a": [1, "x"]}, "column 'a' holds values that do not fit one type"),
    ({"a": 5}, "column 'a' is a int; give a list"), ({"a": "text"}, "column 'a' is a str"),
    ({"a": [2**70]}, "column 'a'"), (pd.DataFrame({"a": [1, "x"]}), "column 'a'"),
    (pa.table({}), "no columns"),
])
def test_what_is_no_table_is_told(given, said):
    with pytest.raises(DataError, match=said):
        as_table(given)


FILE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


def labelled() -> datasets.Dataset:
    features = datasets.Features({
        "text": datasets.Value("string"), "label": datasets.ClassLabel(names=["neg", "pos"]),
        "photo": datasets.Image(), "voice": datasets.Audio()})
    photo = {"bytes": image(), "path": "a.png"}
    table = pa.table({
        "text": ["x", "y", "z"], "label": [1, 0, -1], "photo": pa.array([photo, None, photo], FILE),
        "voice": pa.array([None, {"bytes": b"RIFF", "path": "a.wav"}, None], FILE)})
    return datasets.Dataset(
        datasets.table.InMemoryTable(table.cast(features.arrow_schema)), info=datasets.DatasetInfo(features=features))


@pytest.mark.parametrize("streamed", [False, True])
def test_features_of_the_datasets_library(streamed):
    given = labelled().to_iterable_dataset() if streamed else labelled()
    table = as_table(given)
    assert {column.name: column.kind for column in table.columns} == {
        "text": Kind.TEXT, "label": Kind.TEXT, "photo": Kind.IMAGE, "voice": Kind.AUDIO}
    found = table.page().to_pylist()
    assert [row["label"] for row in found] == ["pos", "neg", None]
    assert found[0]["photo"] == {"bytes": image(), "path": "a.png"}
    assert found[1]["photo"] is None
    assert Image.open(io.BytesIO(found[2]["photo"]["bytes"])).size == (6, 4)


def test_files_that_a_dataset_only_names_are_read(tmp_path):
    (tmp_path / "a.png").write_bytes(image())
    given = datasets.Dataset.from_dict({"photo": [str(tmp_path / "a.png")]}).cast_column("photo", datasets.Image())
    assert rows(given) == [{"photo": {"bytes": image(), "path": "a.png"}}]
    (tmp_path / "a.png").unlink()
    with pytest.raises(DataError, match=r"a\.png cannot be read: No such file"):
        as_table(given)


def test_rows_chosen_and_shuffled_come_in_that_order():
    given = datasets.Dataset.from_dict({"a": list(range(10))}).select([7, 3, 5])
    assert rows(given) == [{"a": 7}, {"a": 3}, {"a": 5}]


def test_several_datasets_get_a_column_of_their_names():
    given = datasets.DatasetDict(train=labelled().select([0]), test=labelled().select([1]))
    assert [(row["split"], row["label"]) for row in rows(given)] == [("train", "pos"), ("test", "neg")]


def test_empty_datasets_have_columns():
    assert types(labelled().select([])) == {
        "text": "VARCHAR", "label": "VARCHAR", "photo": "STRUCT(bytes BLOB, path VARCHAR)",
        "voice": "STRUCT(bytes BLOB, path VARCHAR)"}


def test_the_temporary_file_goes_with_the_table():
    table = as_table(TABLE)
    assert isinstance(table, Table)
    path = Path(table.source.split("'")[1])
    assert path.is_file()
    del table
    gc.collect()
    assert not path.parent.exists()


def test_a_stream_can_be_looked_at_and_then_imported(tmp_path):
    opened = open_object(TABLE.to_reader())
    assert opened.table().rows() == 3
    assert opened.import_to(tmp_path).rows == 3
    assert opened.text == "a pyarrow RecordBatchReader"
    assert opened.recipe["kind"] == "object"


def test_progress_of_rows():
    seen: list[tuple[float, float | None, str]] = []
    as_table(pd.DataFrame({"a": range(300_000)}), progress=Progress(
        lambda each: seen.append((each.done, each.total, each.unit))))
    assert seen[-1] == (300_000, 300_000, "rows")
    assert len(seen) > 1


def test_lists_of_paths_are_told_apart():
    assert is_paths(["a.csv", Path("b.csv")])
    assert not is_paths([])
    assert not is_paths(["a.csv", 1])
    assert not is_paths("a.csv")
