"""What a saved notebook shows of data when its kernel is gone."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from nbtrain.core.errors import DataError
from nbtrain.core.table_views import FirstRows, TableColumn
from nbtrain.core.tasks import Tasks
from nbtrain.i18n import catalogue
from nbtrain.widgets import data_twin, display
from nbtrain.widgets.data_twin import COLUMNS, DATASETS, MOST, ROWS, TableTwin
from nbtrain.widgets.dataset_preview import DatasetPreview

from .test_twin import HOSTILE, Reader

SECONDS = 60
COLUMNS_OF = [
    TableColumn(name="id", kind="integer", type="BIGINT"), TableColumn(name=HOSTILE, kind="text", type="VARCHAR"),
    TableColumn(name="score", kind="number", type="DOUBLE"), TableColumn(name="", kind="boolean", type="BOOLEAN"),
    TableColumn(name="photo", kind="image", type="BLOB"),
]


def rows(count=2, total=None):
    cells: list[list[str | float | None]] = [["1", HOSTILE, 0.123456789, "true", 2048.0], [None, "", None, None, None]]
    return FirstRows([cells[place % 2] for place in range(count)], total)


def columns(count):
    return [TableColumn(name=f"column {place}", kind="text", type="VARCHAR") for place in range(count)]


def test_a_table_is_its_name_its_counts_its_columns_and_its_first_rows():
    page = Reader(data_twin.table("a.csv", COLUMNS_OF, rows(2, 1234)))
    said = [text for text in page.texts if text.strip(" ·")]
    assert said[:3] == ["a.csv", "1,234 rows", "5 columns"]
    assert said[3:13] == [
        "id", "integer", HOSTILE, "text", "score", "number", "(no name)", "yes or no", "photo", "image"]
    assert said[13:18] == ["1", HOSTILE, "0.1234568", "true", "image, 2 KiB"]
    assert said[18:23] == ["Missing", "empty text", "Missing", "Missing", "Missing"]
    assert said[23:] == ["First rows shown: 2.", "A static copy. Run the cell again for the live panel."]
    assert not {"script", "img", "b", "br", "a"} & set(page.tags)
    assert page.open == []


def test_what_is_whole_is_not_said_to_be_a_part():
    assert "First rows shown" not in data_twin.table("a.csv", COLUMNS_OF, rows(2, 2))
    assert "not shown" not in data_twin.table("a.csv", COLUMNS_OF, rows(2, 2))


def test_columns_left_out_are_counted():
    page = data_twin.table("wide", columns(300), FirstRows([["x"] * COLUMNS], 1))
    assert f"Columns not shown: {300 - COLUMNS}." in page
    assert "300 columns" in page


def test_an_empty_table_has_a_name_and_counts():
    page = Reader(data_twin.table("nothing", COLUMNS_OF, FirstRows([], 0)))
    assert "0 rows" in page.text
    assert "table" not in page.tags


def test_it_is_small_whatever_the_cells_hold():
    worst = FirstRows([["<&'\"" * 50] * COLUMNS] * ROWS, None)
    assert len(data_twin.table("<" * 500, columns(COLUMNS), worst, "'" * 9000).encode()) <= MOST
    named = [TableColumn(name="&" * 300, kind="text", type="VARCHAR")] * COLUMNS
    assert len(data_twin.table("a", named, worst).encode()) <= MOST


def test_it_speaks_persian_and_a_cell_keeps_its_own_direction():
    page = data_twin.table("a.csv", columns(2), FirstRows([["سلام", "hello"]], 12), language="fa")
    assert "dir='rtl'" in page
    assert "۱۲ سطر" in page
    assert page.count("<span dir='auto'>") == 2


def listed(count, name="reviews"):
    return [{"id": "d", "name": f"{name} {place}", "rows": 1200, "columns": 3, "bytes": 3 << 20, "kind": "table",
             "created": 0.0, "source": "a.csv", "origin": None,
             "rejected": 0} for place in range(count)]


def test_datasets_are_a_list_with_rows_and_size():
    page = Reader(data_twin.datasets(listed(2)))
    assert [text for text in page.texts if text.strip()] == [
        "Datasets", "Name", "Rows", "Columns", "Size", "reviews 0", "1,200", "3", "3 MiB", "reviews 1", "1,200", "3",
        "3 MiB", "A static copy. Run the cell again for the live panel."]
    assert data_twin.datasets_line(listed(2)) == "reviews 0, reviews 1"


def test_many_datasets_are_cut_and_counted():
    page = data_twin.datasets(listed(5000, "<" * 200))
    assert len(page.encode()) <= MOST
    shown = page.count("<tr>") - 1
    assert 0 < shown <= DATASETS
    assert f"Datasets not shown: {5000 - shown:,}." in page


def test_no_dataset_is_said():
    assert "No datasets yet" in data_twin.datasets([])
    assert data_twin.datasets_line([]) == "No datasets yet"


class View:
    """A table whose first rows come when a test lets them."""

    name = "big.csv"
    columns = COLUMNS_OF

    def __init__(self, found=None):
        self.progress: Any = None
        self.tasks = Tasks()
        self.gate = threading.Event()
        self.found = found or rows()
        self.reading = 0

    def first(self, rows, columns, progress):
        self.progress = progress
        self.reading += 1
        assert (rows, columns) == (ROWS, COLUMNS)
        assert self.gate.wait(SECONDS)
        if isinstance(self.found, Exception):
            raise self.found
        return self.found

    def rows(self, query, progress):
        return 7 if query.get("filters") else 1000

    def close(self):
        pass


@pytest.fixture
def page(monkeypatch):
    """What was put on the page, in order."""
    shown = []
    monkeypatch.setattr(display, "_publish", lambda data, **options: shown.append((data, options)))
    return shown


def came(page, count):
    for _ in range(2000):
        if len(page) >= count:
            return page[count - 1]
        threading.Event().wait(0.005)
    return pytest.fail("It was not drawn.")


def test_the_preview_is_displayed_live_and_beside_it_static(browser, pump, worker, page):
    view: Any = View(rows(2, 1000))
    view.gate.set()
    panel = DatasetPreview(view, pump=pump, worker=worker)
    panel._ipython_display_()
    (live, _), (static, options) = page
    assert live["application/vnd.jupyter.widget-view+json"]["model_id"] == panel.model_id
    assert "0.1234568" in static["text/html"]
    assert static["text/plain"] == "big.csv: 1,000 rows, 5 columns"
    assert options["display_id"]
    panel._ipython_display_()
    assert view.reading == 1


def test_rows_that_take_long_are_put_in_when_they_come(page, monkeypatch):
    monkeypatch.setattr(data_twin, "WAIT", 0)
    view: Any = View()
    TableTwin(view).show()
    assert "0.1234568" not in page[0][0]["text/html"]
    assert "big.csv" in page[0][0]["text/html"]
    view.gate.set()
    data, options = came(page, 2)
    assert "0.1234568" in data["text/html"]
    assert options == {"display_id": page[0][1]["display_id"], "update": True}


def test_why_there_are_no_rows_is_said(page):
    view: Any = View(DataError(f"big.csv, line 7: {HOSTILE}"))
    view.gate.set()
    TableTwin(view).show()
    read = Reader(page[0][0]["text/html"])
    assert f"big.csv, line 7: {HOSTILE}" in read.texts


def test_the_number_of_rows_is_put_in_once_it_is_known(browser, pump, worker, settle, page):
    view: Any = View()
    view.gate.set()
    panel = DatasetPreview(view, pump=pump, worker=worker)
    panel._ipython_display_()
    browser.ask(panel, "count", id_="some", call="a", query={"filters": [{"column": "id"}]})
    settle(lambda: browser.replies("some"))
    browser.ask(panel, "count", id_="all", call="b", query={"filters": [], "search": ""})
    settle(lambda: browser.replies("all"))
    data, _ = came(page, 3)
    assert "1,000 rows" in data["text/html"]
    panel.close()
    assert view.progress.cancelled


def test_the_present_language_counts():
    catalogue.set_current("fa")
    assert "lang='fa'" in data_twin.datasets([])
