"""What an import writes: every row, in order, in its type, under a fingerprint; or nothing at all."""

from __future__ import annotations

import datetime as dt
import json
import resource
import threading
from collections.abc import Iterator
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbtrain.core.errors import CancelledError, DataError, DataFileError, WorkspaceError
from nbtrain.core.tasks import Progress
from nbtrain.data.columns import Kind
from nbtrain.data.importing import parquet as importing
from nbtrain.data.importing.exporting import export
from nbtrain.data.importing.parquet import Imported, copy_import, facts_of, import_batches, import_table
from nbtrain.data.reading.opening import FileTable, ReadOptions, open_source
from nbtrain.data.table import Table

TYPES = {
    "i8": "TINYINT", "u64": "UBIGINT", "i64": "BIGINT", "f32": "FLOAT", "f64": "DOUBLE", "d": "DECIMAL(9,2)",
    "b": "BOOLEAN", "t": "VARCHAR", "raw": "BLOB", "day": "DATE", "clock": "TIME", "ts": "TIMESTAMP",
    "ns": "TIMESTAMP_NS", "tz": "TIMESTAMP WITH TIME ZONE", "l": "INTEGER[]", "s": "STRUCT(a INTEGER, b VARCHAR[])",
    "m": "MAP(VARCHAR, DOUBLE)",
}

#: A point in time without a zone.
LOCAL = partial(dt.datetime, tzinfo=None)


def rows_of(folder: Path) -> list[dict[str, Any]]:
    return list(pq.read_table(folder / "data.parquet").to_pylist())


def table(sql: str) -> Table:
    return Table(f"({sql})", name="made up")


def test_types_and_values_stay(tmp_path):
    given = table(
        "SELECT 1::TINYINT i8, 18446744073709551615::UBIGINT u64, -5::BIGINT i64, 0.1::FLOAT f32, 0.1::DOUBLE f64, "
        "1.25::DECIMAL(9,2) d, true b, 'سلام' t, '\\x00\\xFF'::BLOB raw, DATE '2024-02-29' \"day\", TIME '23:59:59.5' "
        "clock, TIMESTAMP '1969-12-31 23:59:59.000001' ts, '2024-01-01 00:00:00.123456789'::TIMESTAMP_NS ns, "
        "TIMESTAMPTZ '2024-01-01 12:00:00+03:30' tz, [1, NULL, 3] l, "
        "{'a': 1, 'b': ['x', NULL]} s, MAP {'k': 0.5::DOUBLE} m "
        f"UNION ALL SELECT {', '.join('NULL' for _ in TYPES)}")
    imported = import_table(given, tmp_path)
    again = Table.of_parquet(tmp_path / "data.parquet", name="again")
    assert {column.name: column.type for column in again.columns} == TYPES
    first, missing = rows_of(tmp_path)
    assert list(first.values()) == [
        1, 2**64 - 1, -5, pytest.approx(0.1), 0.1, Decimal("1.25"), True, "سلام", b"\x00\xff", dt.date(2024, 2, 29),
        dt.time(23, 59, 59, 500_000), LOCAL(1969, 12, 31, 23, 59, 59, 1), first["ns"],
        dt.datetime(2024, 1, 1, 8, 30, tzinfo=dt.UTC), [1, None, 3], {"a": 1, "b": ["x", None]}, [("k", 0.5)]]
    assert first["ns"].value == 1_704_067_200_123_456_789
    assert set(missing.values()) == {None}
    assert (imported.rows, imported.columns, imported.rejected) == (2, len(TYPES), 0)
    assert imported.bytes == (tmp_path / "data.parquet").stat().st_size


def test_other_types_become_the_nearest_that_parquet_keeps(tmp_path):
    import_table(table(
        "SELECT 'a'::ENUM('a', 'b') e, '2f000000-0000-0000-0000-000000000001'::UUID u, [1, 2]::INTEGER[2] f, "
        "INTERVAL 90 SECOND iv, 7::HUGEINT h, '{\"a\": 1}'::JSON j, NULL n, TIMESTAMP_S '2024-01-01 00:00:00' s, "
        "{'e': 'b'::ENUM('a', 'b'), 'l': [INTERVAL 1 DAY]} nested"), tmp_path)
    again = Table.of_parquet(tmp_path / "data.parquet", name="again")
    assert [column.type for column in again.columns] == [
        "VARCHAR", "VARCHAR", "INTEGER[]", "DOUBLE", "DECIMAL(38,0)", "VARCHAR", "VARCHAR", "TIMESTAMP",
        "STRUCT(e VARCHAR, l VARCHAR[])"]
    assert list(rows_of(tmp_path)[0].values()) == [
        "a", "2f000000-0000-0000-0000-000000000001", [1, 2], 90.0, 7, '{"a": 1}', None, LOCAL(2024, 1, 1),
        {"e": "b", "l": ["1 day"]}]


def test_names_that_are_needed_elsewhere_are_changed(tmp_path):
    import_table(table('SELECT 1 AS "__row__", 2 AS "file_row_number", 3 AS "file_row_number_"'), tmp_path)
    again = Table.of_parquet(tmp_path / "data.parquet", name="again")
    assert [column.name for column in again.columns] == ["__row___", "file_row_number__", "file_row_number_"]
    assert again.page().to_pylist() == [
        {"__row__": 0, "__row___": 1, "file_row_number__": 2, "file_row_number_": 3}]


def test_the_same_rows_have_the_same_fingerprint_from_csv_and_parquet(tmp_path):
    (tmp_path / "a.csv").write_text("id,name,score,day\n1,a,0.5,2024-01-01\n2,,1.5,\n3,ج,,2024-01-03\n")
    from_csv = import_table(open_source(tmp_path / "a.csv"), tmp_path / "csv")
    pq.write_table(pa.table({
        "id": pa.array([1, 2, 3]), "name": pa.array(["a", None, "ج"]), "score": pa.array([0.5, 1.5, None]),
        "day": pa.array([dt.date(2024, 1, 1), None, dt.date(2024, 1, 3)]),
    }), tmp_path / "a.parquet", compression="gzip", row_group_size=1)
    from_parquet = import_table(open_source(tmp_path / "a.parquet"), tmp_path / "parquet")
    assert from_csv.fingerprint == from_parquet.fingerprint
    assert facts_of(tmp_path / "csv" / "data.parquet") == ({}, from_csv.fingerprint)


def test_many_rows_keep_their_order_in_row_groups(tmp_path, monkeypatch):
    monkeypatch.setattr(importing, "GROUP_ROWS", 20_000)
    imported = import_table(table("SELECT i, 'x' || i AS t FROM range(100_000) r(i)"), tmp_path)
    file = pq.ParquetFile(tmp_path / "data.parquet")
    assert imported.rows == file.metadata.num_rows == 100_000
    assert max(file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)) <= 20_000
    assert file.read()["i"].to_pylist() == list(range(100_000))


def test_row_groups_are_small_in_bytes_too(tmp_path, monkeypatch):
    monkeypatch.setattr(importing, "GROUP_BYTES", 10_000)
    given = pa.record_batch([pa.array(["ab" * 500] * 95)], ["t"])
    import_batches([given], tmp_path)
    file = pq.ParquetFile(tmp_path / "data.parquet")
    groups = [file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)]
    assert sum(groups) == 95
    assert max(groups) <= 10


def test_no_rows_are_a_table_too(tmp_path):
    imported = import_table(table("SELECT 1 AS a, 'x' AS b LIMIT 0"), tmp_path)
    assert imported.rows == 0
    again = Table.of_parquet(tmp_path / "data.parquet", name="again")
    assert [column.type for column in again.columns] == ["INTEGER", "VARCHAR"]


def test_media_are_noted_in_the_file(tmp_path):
    image = pa.array([{"bytes": b"x", "path": "a.png"}], pa.struct([("bytes", pa.binary()), ("path", pa.string())]))
    imported = import_batches([pa.record_batch([image], ["photo"])], tmp_path, media={"photo": Kind.IMAGE})
    assert facts_of(tmp_path / "data.parquet") == ({"photo": Kind.IMAGE}, imported.fingerprint)
    noted = json.loads(pq.read_metadata(tmp_path / "data.parquet").metadata[b"nbtrain"])
    assert noted == {"media": {"photo": "image"}, "fingerprint": imported.fingerprint}


def test_progress_is_told_in_bytes_of_a_file_and_in_rows_else(tmp_path):
    seen: list[tuple[float, float | None, str]] = []
    progress = Progress(lambda each: seen.append((each.done, each.total, each.unit)))
    (tmp_path / "a.csv").write_text("a\n" + "1\n" * 300_000)
    size = (tmp_path / "a.csv").stat().st_size
    import_table(open_source(tmp_path / "a.csv"), tmp_path / "csv", progress=progress)
    assert {(total, unit) for _, total, unit in seen} == {(size, "bytes")}
    assert [done for done, _, _ in seen] == sorted(done for done, _, _ in seen)
    assert 0 < seen[-1][0] <= size
    seen.clear()
    import_table(table("SELECT * FROM range(300_000)"), tmp_path / "rows", progress=progress)
    assert seen[-1] == (300_000, None, "rows")


def test_called_off_it_leaves_nothing(tmp_path):
    def cancel(progress: Progress) -> None:
        if progress.done > 100_000:
            progress.cancel()

    with pytest.raises(CancelledError):
        import_table(table("SELECT * FROM range(50_000_000)"), tmp_path / "new", progress=Progress(cancel))
    assert not (tmp_path / "new").exists()


def test_called_off_from_another_thread_it_leaves_nothing(tmp_path):
    progress = Progress()
    timer = threading.Timer(0.2, progress.cancel)
    timer.start()
    with pytest.raises(CancelledError):
        import_table(table("SELECT sum(a.range) FROM range(1_000_000) a, range(1_000_000) b"), tmp_path,
                     progress=progress)
    timer.join()
    assert list(tmp_path.iterdir()) == [tmp_path / "workspace"] or not list(tmp_path.iterdir())


def test_a_full_disk_is_told_and_leaves_nothing(tmp_path):
    # A file that may not grow stands for a disk that is full: the system refuses the write likewise.
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, hard))
    try:
        with pytest.raises(WorkspaceError, match="may not grow that large") as raised:
            import_table(table("SELECT md5(i::VARCHAR) AS t FROM range(1_000_000) r(i)"), tmp_path / "new")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert raised.value.errno is not None
    assert not (tmp_path / "new").exists()


def test_a_row_that_cannot_be_read_leaves_nothing(tmp_path):
    with pytest.raises(DataError, match="late") as raised:
        import_table(table(
            "SELECT CASE WHEN i = 400000 THEN error('late') ELSE i END AS x FROM range(500000) r(i)"), tmp_path / "new")
    assert not isinstance(raised.value, CancelledError)
    assert not (tmp_path / "new").exists()


def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path):
    source = tmp_path / "a.csv"
    source.write_text("a,b\n" + "1,2\n" * 400_000)

    def change(progress: Progress) -> None:
        with source.open("a") as file:
            file.write("3,4\n")

    with pytest.raises(DataFileError, match=r"a\.csv.*chang") as raised:
        import_table(open_source(source), tmp_path / "new", progress=Progress(change))
    assert raised.value.file == str(source)
    assert not (tmp_path / "new").exists()


def test_rows_left_out_are_kept_beside(tmp_path):
    (tmp_path / "a.csv").write_text("a,b\n" + "1,2\n" * 50 + "1,2,3,4\n" + "5,6\n")
    opened = open_source(tmp_path / "a.csv", ReadOptions(on_error="skip"))
    imported = import_table(opened, tmp_path / "new")
    assert (imported.rows, imported.rejected) == (51, 1)
    assert "1,2,3,4" in (tmp_path / "new" / "rejected.csv").read_text()


def test_an_earlier_file_stays_when_an_import_fails(tmp_path):
    first = import_table(table("SELECT 1 AS a"), tmp_path)
    with pytest.raises(DataError):
        import_table(table("SELECT error('no') AS a"), tmp_path)
    assert facts_of(tmp_path / "data.parquet")[1] == first.fingerprint


def test_nothing_to_import_is_said(tmp_path):
    with pytest.raises(DataError, match="no columns"):
        import_batches([], tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_copy_is_the_same(tmp_path):
    imported = import_table(table("SELECT 1 AS a"), tmp_path / "one")
    assert copy_import(imported, tmp_path / "one", tmp_path / "two") == imported
    assert rows_of(tmp_path / "two") == [{"a": 1}]


def test_what_is_no_parquet_is_said(tmp_path):
    (tmp_path / "a.parquet").write_bytes(b"no")
    with pytest.raises(DataFileError, match=r"a\.parquet cannot be read as Parquet"):
        facts_of(tmp_path / "a.parquet")


#: A file with a NUL is taken for no text.
LETTERS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
CELLS = {
    "whole": st.none() | st.integers(-2**63, 2**63 - 1),
    "float": st.none() | st.floats(allow_nan=False, allow_infinity=False),
    "truth": st.none() | st.booleans(),
    "text": st.none() | LETTERS | st.sampled_from(["NA", "null", "1", "=1+1", '"', "a\nb", "\t"]),
    "day": st.none() | st.dates(dt.date(1900, 1, 1), dt.date(2100, 1, 1)),
}
SCHEMA = pa.schema([
    ("whole", pa.int64()), ("float", pa.float64()), ("truth", pa.bool_()), ("text", pa.string()), ("day", pa.date32())])


def around(rows: list[dict[str, object]], folder: Path, ending: str) -> tuple[Imported, Imported]:
    """Import, export, import; every column has a value in the first row, so that text formats tell its type."""
    full = {"whole": 2**40, "float": 0.5, "truth": True, "text": "word", "day": dt.date(2024, 1, 1)}
    first = import_batches([pa.RecordBatch.from_pylist([full, *rows], SCHEMA)], folder / "one")
    export(Table.of_parquet(folder / "one" / "data.parquet", name="one"), folder / f"out{ending}")
    second = import_table(open_source(folder / f"out{ending}"), folder / "two")
    assert pq.read_table(folder / "two" / "data.parquet").to_pylist() == [full, *rows]
    return first, second


# An Arrow file is read by a process of its own, which takes as long as ten examples of the others.
@pytest.mark.parametrize(("ending", "examples", "fewest"), [
    (".parquet", 40, 1), (".arrow", 6, 5), (".csv", 40, 1), (".jsonl", 40, 1)])
def test_export_and_import_give_the_same_table(ending, examples, fewest, tmp_path_factory):
    @settings(max_examples=examples)
    @given(rows=st.lists(st.fixed_dictionaries(CELLS), min_size=fewest, max_size=8))
    def check(rows):
        first, second = around(rows, tmp_path_factory.mktemp("around"), ending)
        assert first.fingerprint == second.fingerprint

    check()


def heavy(count: int) -> pa.Table:
    """Rows of 40 kB."""
    return pa.table({"n": list(range(count)), "raw": [np.random.default_rng(n).bytes(40_000) for n in range(count)]})


def test_heavy_rows_of_parquet_come_a_few_at_a_time(tmp_path, monkeypatch):
    pq.write_table(heavy(900), tmp_path / "a.parquet")
    wanted = import_batches(heavy(900).to_batches(), tmp_path / "wanted")
    monkeypatch.setattr(FileTable, "stream", refuse)
    sizes: list[int] = []
    cut = importing._parts

    def weighed(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
        sizes.append(batch.nbytes)
        return cut(batch)

    monkeypatch.setattr(importing, "_parts", weighed)
    imported = import_table(open_source(tmp_path / "a.parquet"), tmp_path / "to")
    assert (imported.rows, imported.fingerprint) == (wanted.rows, wanted.fingerprint)
    assert max(sizes) <= importing.GROUP_BYTES // 2


def refuse(*_: object, **__: object) -> None:
    pytest.fail("DuckDB would read thousands of these at once.")
