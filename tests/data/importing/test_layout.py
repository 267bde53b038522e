"""The encoding of a column follows its values, and changes none of them."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from nbtrain.data.importing.parquet import import_batches

COUNT = 2_000


def test_each_column_gets_what_suits_it(tmp_path: Path):
    table = pa.table({
        "colour": ["red", "green"] * (COUNT // 2), "few.numbers": [1, 2] * (COUNT // 2), "id": list(range(COUNT)),
        "small": pa.array([i % 1_000 for i in range(COUNT)], pa.uint16()), "float": [i / 7 for i in range(COUNT)],
        "time": pa.array([dt.datetime(2024, 1, 1, tzinfo=dt.UTC) + dt.timedelta(seconds=i) for i in range(COUNT)]),
        "text": [f"text {i}" for i in range(COUNT)], "truth": [i % 3 == 0 for i in range(COUNT)],
        "list": [[i, None] for i in range(COUNT)], "struct": [{"a": i, "b": {"c": f"{i}"}} for i in range(COUNT)],
        "map": pa.array([[("k", i)] for i in range(COUNT)], pa.map_(pa.string(), pa.int64())),
        "none": pa.nulls(COUNT, pa.string()), "float of few": [0.5] * COUNT,
    })
    import_batches(table.to_batches(), tmp_path)
    file = pq.ParquetFile(tmp_path / "data.parquet")
    group = file.metadata.row_group(0)
    chunks = {group.column(i).path_in_schema: group.column(i) for i in range(group.num_columns)}
    assert {name for name, chunk in chunks.items() if chunk.has_dictionary_page} == {
        "colour", "few.numbers", "none", "float of few"}
    assert {name for name, chunk in chunks.items() if "DELTA_BINARY_PACKED" in chunk.encodings} == {
        "id", "small", "time"}
    assert {name for name, chunk in chunks.items() if chunk.compression == "UNCOMPRESSED"} == {
        "id", "small", "time", "float"}
    assert {chunk.compression for name, chunk in chunks.items() if name.startswith(("list", "map", "struct"))} == {
        "ZSTD"}
    assert file.read().to_pylist() == table.to_pylist()
