"""A copy of a table in rows holds the same rows, also where the file must be read in another way; and can be ended."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings

from nbtrain.core.errors import CancelledError, DataError, WorkspaceError
from nbtrain.core.tasks import Progress
from nbtrain.data.importing import parquet
from nbtrain.data.looking.copying import write_copy
from nbtrain.data.reading.opening import open_source
from nbtrain.data.table import Table
from tests.data import tables as some


@settings(deadline=None, max_examples=30)
@given(table=some.tables())
def test_a_copy_holds_the_same_rows(table):
    with some.on_disk(table) as read:
        path = read.files[0].with_name("copy's.parquet")
        write_copy(some.in_rows(read), path)
        copy = Table.of_parquet(path, name="copy")
        assert str(copy.page(limit=10_000).to_pylist()) == str(read.page(limit=10_000).to_pylist())
        assert [(c.name, c.kind) for c in copy.columns] == [(c.name, c.kind) for c in read.columns]


def test_many_rows_keep_their_order_in_row_groups(tmp_path, monkeypatch):
    monkeypatch.setattr(parquet, "GROUP_ROWS", 20_000)
    write_copy(Table("range(100_000) AS a(n)", name="numbers"), tmp_path / "a.parquet")
    file = pq.ParquetFile(tmp_path / "a.parquet")
    assert file.num_row_groups >= 5
    assert file.read()["n"].to_pylist() == list(range(100_000))


def test_a_number_that_is_text_far_down_is_text_in_the_copy(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("n,t\n" + "".join(f"{i},x\n" for i in range(200_000)) + "seven,y\n", encoding="utf-8")
    table = open_source(path)
    assert [c.type for c in table.columns] == ["BIGINT", "VARCHAR"]
    write_copy(table, tmp_path / "a.parquet")
    copied = pq.read_table(tmp_path / "a.parquet")
    assert copied.num_rows == 200_001
    assert copied["n"][-1].as_py() == "seven"
    assert [c.type for c in table.columns] == ["VARCHAR", "VARCHAR"]


def test_a_table_that_fails_says_so(tmp_path):
    late = Table("(SELECT CASE WHEN i = 300000 THEN error('late') END n FROM range(400000) r(i))", name="made up")
    with pytest.raises(DataError, match=r"made up cannot be read: .*late"):
        write_copy(late, tmp_path / "a.parquet")


def test_a_disk_that_takes_nothing_is_said(tmp_path):
    with pytest.raises(WorkspaceError, match="not there"):
        write_copy(Table("range(3) AS a(n)", name="numbers"), tmp_path / "no" / "a.parquet")


def test_it_can_be_called_off(tmp_path, monkeypatch):
    progress = Progress()
    written = pq.ParquetWriter.write_table

    def then_cancel(*args, **options):
        written(*args, **options)
        progress.cancel()

    monkeypatch.setattr(pq.ParquetWriter, "write_table", then_cancel)
    with pytest.raises(CancelledError):
        write_copy(Table("range(100_000_000_000) AS a(n)", name="numbers"), tmp_path / "a.parquet", progress=progress)


def test_no_rows_have_their_columns_too(tmp_path):
    write_copy(Table("(SELECT 1 AS a, 'x' AS t WHERE false)", name="none"), tmp_path / "a.parquet")
    assert pq.read_schema(tmp_path / "a.parquet") == pa.schema({"a": pa.int32(), "t": pa.string()})
