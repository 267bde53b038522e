"""Pages at any depth, remembered and from a copy, are those that the table itself gives."""

import os
import subprocess
import sys
import threading

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbtrain.core.errors import CancelledError, ConfigError, DataError
from nbtrain.core.tasks import Progress
from nbtrain.data.looking import found, pages
from nbtrain.data.looking.pages import Pager
from nbtrain.data.query import Filter, Op, Query, Sort
from nbtrain.data.reading.opening import open_source
from nbtrain.data.table import ROW, Table
from tests.data import tables as some
from tests.waiting import until

MOST = Query((Filter("n", Op.GREATER, 10),), sort=(Sort("t", descending=True),))


@pytest.fixture
def eager(monkeypatch):
    """Everything is done as though the table were large."""
    monkeypatch.setattr(pages, "COPIED", 0)
    monkeypatch.setattr(pages, "_NEAR", 3)


@pytest.fixture
def csv(tmp_path, eager):
    path = tmp_path / "a.csv"
    path.write_text("n,t\n" + "".join(f"{i},{'abc'[i % 3]}{i % 7}\n" for i in range(500)), encoding="utf-8")
    return open_source(path)


@settings(deadline=None, max_examples=40)
@given(table=some.tables(), sort=st.sampled_from(list(some.COLUMNS)), descending=st.booleans(),
       search=st.sampled_from(["", "1", "a"]), offset=st.integers(0, 30), limit=st.integers(0, 12))
def test_any_page_of_any_query_is_as_the_table_gives_it(table, sort, descending, search, offset, limit):
    query = Query((Filter("tiny", Op.PRESENT),), search, (Sort(sort, descending),))
    with some.on_disk(table) as read, Pager(read) as pager, pytest.MonkeyPatch.context() as patch:
        patch.setattr(pages, "_NEAR", 3)
        for _ in range(2):  # found, and remembered
            mine = pager.page(query, offset=offset, limit=limit)
            assert str(mine.to_pylist()) == str(read.page(query, offset=offset, limit=limit).to_pylist())
        assert pager.rows(query) == read.rows(query) == pager.known_rows(query)


def test_once_found_no_page_asks_anew(tmp_path, eager, monkeypatch):
    table = some.parquet(tmp_path, pa.table({"n": range(100), "t": ["x"] * 100}))
    with Pager(table) as pager:
        assert pager.page(MOST, offset=50, limit=2)[ROW].to_pylist() == [61, 62]
        assert pager.known_rows(MOST) == 89
        monkeypatch.setattr(found.Found, "of", lambda *_: pytest.fail("It was looked for again."))
        assert pager.page(MOST, offset=87, limit=9)[ROW].to_pylist() == [98, 99]
        assert pager.page(MOST, offset=0, limit=1)[ROW].to_pylist() == [11]


def test_few_queries_are_remembered(tmp_path, eager):
    table = some.parquet(tmp_path, pa.table({"n": range(100), "t": ["x"] * 100}))
    queries = [Query((Filter("n", Op.GREATER, i),)) for i in range(6)]
    with Pager(table) as pager:
        for query in queries:
            pager.page(query, offset=50)
        assert [pager.known_rows(query) is not None for query in queries] == [False] * 2 + [True] * 4


def test_a_file_in_rows_is_copied_once_its_first_page_is_shown(csv):
    with Pager(csv) as pager:
        assert pager.table is csv
        assert pager.page(limit=2)[ROW].to_pylist() == [0, 1]
        assert pager._settled.wait(60)
        copy = pager.settled()
        assert copy is not csv
        assert copy.columnar
        assert pager.error is None
        assert [c.name for c in copy.columns] == ["n", "t"]
        for query in (Query(), MOST, Query(search="B6")):
            mine = pager.page(query, offset=60, limit=30).to_pylist()
            assert mine == csv.page(query, offset=60, limit=30).to_pylist()
            assert pager.rows(query) == csv.rows(query)
        folder = pager._folder
        assert list(folder.iterdir())
    assert not folder.exists()


def test_columns_and_other_expressions(csv):
    with Pager(csv) as pager:
        for offset in (0, 9):
            page = pager.page(MOST, offset=offset, limit=1, columns=["t"], shown={"t": "left(t, 1)"})
            assert page.column_names == [ROW, "t"]
            assert page["t"].to_pylist() == ["c"]


def test_where_the_disk_is_small_nothing_is_copied(csv, monkeypatch):
    monkeypatch.setattr(pages, "_SHARE", 0.0)
    with Pager(csv) as pager:
        assert pager.page(MOST, offset=60, limit=30).num_rows == 30
        assert pager.settled() is csv


def test_a_file_that_is_broken_far_down_still_shows_its_beginning(tmp_path, eager):
    path = tmp_path / "a.csv"
    path.write_text("n,t\n" + "".join(f"{i},x\n" for i in range(60_000)) + '5,"never closed\n' + "6,y\n" * 9,
                    encoding="utf-8")
    with Pager(open_source(path)) as pager:
        assert pager.page(limit=2)["n"].to_pylist() == [0, 1]
        assert pager.settled() is pager.table
        assert isinstance(pager.error, DataError)
        assert pager.page(offset=1, limit=2)["n"].to_pylist() == [1, 2]
        with pytest.raises(DataError):
            pager.rows()


def test_a_query_that_does_not_fit_is_told_and_not_kept(tmp_path):
    with Pager(some.parquet(tmp_path, pa.table({"n": [1]}))) as pager:
        for query in (Query((Filter("n", Op.LESS, "x"),)), Query((Filter("z", Op.LESS, 1),)), Query(sort=(Sort("z"),))):
            with pytest.raises(ConfigError):
                pager.page(query)
            with pytest.raises(ConfigError):
                pager.rows(query)
        with pytest.raises(DataError):
            pager.page(columns=["z"])


def test_two_that_ask_the_same_wait_for_one_answer(tmp_path, eager, monkeypatch):
    table = some.parquet(tmp_path, pa.table({"n": range(100), "t": ["x"] * 100}))
    asked, go = [], threading.Event()
    find = found.Found.of

    def slow(*args):
        asked.append(args)
        assert go.wait(60)
        return find(*args)

    monkeypatch.setattr(found.Found, "of", slow)
    results = []
    with Pager(table) as pager:
        def ask():
            results.append(pager.page(MOST, offset=50, limit=1)[ROW].to_pylist())

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        until(lambda: asked, "the first asks")
        called_off = Progress()
        threading.Timer(0.1, called_off.cancel).start()
        with pytest.raises(CancelledError):
            pager.page(MOST, offset=50, limit=1, progress=called_off)
        go.set()
        for thread in threads:
            thread.join()
    assert results == [[61]] * 4
    assert len(asked) == 1


def test_when_the_first_is_called_off_the_next_looks_for_itself(tmp_path, eager, monkeypatch):
    table = some.parquet(tmp_path, pa.table({"n": range(100), "t": ["x"] * 100}))
    begun, find, calls = threading.Event(), found.Found.of, []

    def first_is_called_off(*args):
        calls.append(args)
        if len(calls) == 1:
            begun.set()
            threading.Event().wait(0.1)
            raise CancelledError("called off")
        return find(*args)

    monkeypatch.setattr(found.Found, "of", first_is_called_off)
    with Pager(table) as pager:
        failed = []

        def ask():
            with pytest.raises(CancelledError):
                pager.page(MOST, offset=50)
            failed.append(True)

        thread = threading.Thread(target=ask)
        thread.start()
        assert begun.wait(60)
        assert pager.page(MOST, offset=50, limit=1)[ROW].to_pylist() == [61]
        thread.join()
        assert failed


def test_closing_calls_the_copy_off(eager):
    class Endless(Table):
        bytes = 1
        columnar = False

    pager = Pager(Endless("range(100_000_000_000) AS a(n)", name="numbers"))
    assert pager.page(limit=1)["n"].to_pylist() == [0]
    folder = pager._folder
    pager.close()
    assert pager.settled() is pager._source
    assert not folder.exists()


LEFT_OPEN = """
import sys, time
from nbtrain.data.looking import pages
from nbtrain.data.table import Table

class Endless(Table):
    bytes = 1
    columnar = False

pages.COPIED = 0
pager = pages.Pager(Endless("range(100_000_000_000) AS a(n)", name="numbers"))
pager.page(limit=1)
time.sleep(float(sys.argv[1]))
"""


@pytest.mark.parametrize("after", ["0", "0.1", "0.3"])
def test_a_script_that_leaves_it_open_ends_well_and_leaves_nothing(tmp_path, after):
    done = subprocess.run(
        [sys.executable, "-c", LEFT_OPEN, after], check=False, env={**os.environ, "TMPDIR": str(tmp_path)},
        capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr  # what Python's bindings say of leaks is no matter
    assert "Error" not in done.stderr
    assert list(tmp_path.iterdir()) == []
