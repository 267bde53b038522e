"""Names of files and folders that mean something to DuckDB: they must mean nothing here."""

from __future__ import annotations

import os

import pytest

from nbtrain.data.columns import path_literal
from nbtrain.data.splits.spec import SplitSpec
from nbtrain.data.splits.splitting import part_of, split
from nbtrain.data.table import Table
from tests.data.reading.test_opening import whole, write

ROWS = [{"id": 7, "t": "a"}, {"id": 8, "t": "b"}]


@pytest.mark.parametrize("form", ["csv", "csv.gz", "tsv", "json", "jsonl", "parquet", "arrow"])
def test_a_folder_called_like_a_column_changes_no_cell(tmp_path, form):
    folder = tmp_path / "id=5"
    folder.mkdir()
    path = write(folder / "a", ROWS, form)
    assert whole(path) == ROWS
    assert whole(folder) == ROWS


def test_a_folder_called_like_the_text_changes_no_line(tmp_path):
    folder = tmp_path / "text=5"
    folder.mkdir()
    (folder / "a.txt").write_text("one\n\ntwo\n")
    assert [row["text"] for row in whole(folder)] == ["one", "", "two"]
    assert [row["text"] for row in whole(folder, lines="paragraphs")] == ["one", "two"]


@pytest.mark.skipif(os.name == "nt", reason="Windows allows no such names")
@pytest.mark.parametrize("form", ["csv", "csv.gz", "json", "jsonl", "parquet", "txt"])
@pytest.mark.parametrize("name", ["a[1]", "a*", "a?", "a[!b]", "[[]", "**"])
def test_a_name_is_no_pattern(tmp_path, form, name):
    for each in ("a1", "a2", "ab", "[", name):
        rows = [{"t": each, "n": 1}, {"t": each, "n": 2}]
        if form == "txt":
            (tmp_path / f"{each}.txt").write_text(f"{each}\n")
        else:
            write(tmp_path / each, rows, form)
    wanted = tmp_path / f"{name}.{form}"
    assert {row["text" if form == "txt" else "t"] for row in whole(wanted)} == {name}


def test_a_split_of_a_table_in_a_folder_with_marks(tmp_path):
    for folder in (tmp_path / "a[1]" / "id=5", tmp_path / "a1" / "id=5"):
        folder.mkdir(parents=True)
        rows = [{"id": n, "t": folder.parent.name} for n in range(40)]
        write(folder / "a", rows, "parquet")
    table = Table.of_parquet(tmp_path / "a[1]" / "id=5" / "a.parquet", name="a")
    made = split(table, SplitSpec())
    made.save(tmp_path / "a[1]" / "id=5")
    for folder in (None, tmp_path / "a[1]" / "id=5"):
        found = part_of(table, made, "train", folder=folder).page()
        assert set(found["t"].to_pylist()) == {"a[1]"}
        assert len(set(found["id"].to_pylist())) == found.num_rows


def test_a_path_as_sql_takes_it(tmp_path):
    assert path_literal(tmp_path / "it's [1].csv").endswith("it''s [[]1].csv'")
