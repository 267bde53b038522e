from __future__ import annotations

import gzip

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from nbtrain.core.errors import ConfigError, DataFileError
from nbtrain.data.reading.formats import Compression, Format, format_of, recognised
from nbtrain.data.reading.read_options import ReadOptions


@pytest.mark.parametrize(("name", "form", "packed"), [
    ("a.csv", Format.CSV, Compression.NONE), ("A.CSV.GZ", Format.CSV, Compression.GZIP),
    ("a.b.tsv.zst", Format.TSV, Compression.ZSTD), ("a.ndjson", Format.JSONL, Compression.NONE),
    ("a.feather", Format.ARROW, Compression.NONE), ("a", None, Compression.NONE), ("a.gz", None, Compression.GZIP),
])
def test_a_name_says_format_and_compression(name, form, packed):
    assert format_of(name) == (form, packed)


@pytest.mark.parametrize(("name", "text", "form"), [
    ("a.csv", "a,b\n1,2\n", Format.CSV),
    ("a.json", '{"a": 1}\n{"a": 2}\n', Format.JSONL),
    ("a.jsonl", '[{"a": 1},\n {"a": 2}]', Format.JSON),
    ("a.jsonl", '{"a": 1}\n', Format.JSONL),
    ("a.json", '{"a": 1}\n', Format.JSON),
    ("a.csv", '{"a": 1, "b": 2}\n{"a": 2, "b": 2}\n', Format.JSONL),
    ("a.csv", "[x],b\n1,2\n", Format.CSV),
    ("a.txt", "a,b\n1,2\n", Format.TEXT),
    ("a.dat", "a\tb\n1\t2\n", Format.CSV),
    ("a.dat", "words and words\nmore words, too\n", Format.TEXT),
    ("a.csv", "PAR1,ORC\n1,2\n", Format.CSV),
])
def test_content_decides_before_the_name(tmp_path, name, text, form):
    path = tmp_path / name
    path.write_text(text)
    assert recognised(path).format is form


def test_a_wrong_extension_is_noticed_and_said(tmp_path):
    path = tmp_path / "a.csv"
    pq.write_table(pa.table({"a": [1]}), path)
    found = recognised(path)
    assert found.format is Format.PARQUET
    assert found.note == "a.csv is called csv but holds parquet; it was read as parquet."


def test_compression_is_found_whatever_the_name_is(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(gzip.compress(b"a,b\n1,2\n"))
    found = recognised(path)
    assert (found.format, found.compression, found.head) == (Format.CSV, Compression.GZIP, b"a,b\n1,2\n")


@pytest.mark.parametrize(("raw", "said"), [
    (b"PK\x03\x04\x14\x00", "Excel"), (b"\x89PNG\r\n\x1a\n\x00", "image"), (b"\x80\x04\x95\x10\x00", "pickle"),
    (b"SQLite format 3\x00", "SQLite"), (bytes(range(256)) * 10, "binary"), (b"", "empty"), (b" \n\n", "empty"),
])
def test_what_is_no_table_is_called_by_its_name(tmp_path, raw, said):
    path = tmp_path / "a.csv"
    path.write_bytes(raw)
    with pytest.raises(DataFileError, match=said):
        recognised(path)


def test_a_format_that_contradicts_the_content_is_refused(tmp_path):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"a": [1]}), path)
    with pytest.raises(DataFileError, match="is read as csv but is parquet"):
        recognised(path, Format.CSV)
    other = tmp_path / "b.csv"
    other.write_text("a\n1\n")
    with pytest.raises(DataFileError, match="no parquet file"):
        recognised(other, Format.PARQUET)


def test_options_say_all_that_is_wrong_at_once():
    with pytest.raises(ConfigError) as caught:
        ReadOptions(format="xls", delimiter="", encoding="utf-9", lines="words", on_error="hope")  # type: ignore[arg-type]
    assert [problem.field for problem in caught.value.problems] == [
        "format", "delimiter", "encoding", "lines", "on_error"]


def test_options_travel_as_json():
    options = ReadOptions(delimiter=";", header=False, on_error="skip")
    assert options.to_json() == {"delimiter": ";", "header": False, "on_error": "skip"}
    assert ReadOptions.from_json(options.to_json()) == options
    with pytest.raises(ConfigError, match="no reading option 'sep'"):
        ReadOptions.from_json({"sep": ";"})


@pytest.mark.parametrize("name", ["rot13", "zip", "hex", "utf\0", 8])
def test_a_codec_that_is_no_encoding_is_refused(name):
    with pytest.raises(ConfigError, match="encoding"):
        ReadOptions(encoding=name)
