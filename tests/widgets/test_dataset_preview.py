from __future__ import annotations

import dataclasses
import re
import threading
from pathlib import Path
from typing import get_type_hints

import pytest

from nbtrain.core.errors import DataError
from nbtrain.core.table_views import CellText, MediaItem, Medium, Page, TableColumn
from nbtrain.core.tasks import Tasks
from nbtrain.data.looking import facts
from nbtrain.widgets.commands import Worker
from nbtrain.widgets.dataset_preview import MOST_EDGE, MOST_MEDIA, PAGE_ROWS, REMEMBERED, Calls, DatasetPreview

TYPESCRIPT = Path(__file__).parents[2] / "frontend" / "src" / "dataset_preview" / "wire.ts"


class View:
    """A table of a thousand rows, each page of which is the bytes of its offset."""

    name = "messages.csv"
    columns = (TableColumn(name="text", kind="text", type="VARCHAR"),)

    def __init__(self):
        self.tasks = Tasks()
        self.asked = []
        self.hold = threading.Event()
        self.hold.set()
        self.begun = threading.Event()
        self.known = None
        self.closed = False

    def page(self, query, offset, limit, progress):
        self.asked.append(("page", query, offset, limit))
        self.begun.set()
        while not self.hold.wait(0.005):
            progress.check()
        return Page(f"{offset}".encode(), 1000)

    def rows(self, query, progress):
        if query.get("search") == "broken":
            raise DataError("messages.csv, line 7: a quote is not closed.")
        return 1000

    def cell(self, query, offset, column, progress):
        return CellText(row=offset, text="whole", length=5, cut=False)

    def media(self, query, offset, limit, column, *, edge, progress):
        self.asked.append(("media", limit, edge))
        item = MediaItem(row=offset, kind="image/png", problem="", path="", bytes=3, width=1, height=1)
        return [Medium(item, b"png"), Medium({**item, "kind": ""}, b"")]

    def known_profile(self):
        return self.known

    def profile(self, target, tokenizer):
        self.asked.append(("profile", target, tokenizer))

        def work(progress):
            progress.report(1, 4)
            while not self.hold.wait(0.005):
                progress.check()
            self.known = {"rows": 1000, "columns": []}

        return self.tasks.start("profile", self.name, work)

    def close(self):
        self.closed = True


@pytest.fixture
def view():
    return View()


@pytest.fixture
def panel(view, browser, pump):
    made = DatasetPreview(view, target="text", pump=pump)
    yield made
    view.hold.set()
    if made.comm is not None:
        made.close()


@pytest.fixture
def ask(panel, browser, settle):
    def asked(kind, **fields):
        id_ = browser.ask(panel, kind, **fields)
        settle(lambda: browser.replies(id_))
        (reply,) = browser.replies(id_)
        return reply

    return asked


def test_what_the_browser_is_told_once(panel):
    assert panel.setup == {
        "name": "messages.csv", "columns": list(View.columns), "target": "text", "tokenizer": None,
        "page_rows": PAGE_ROWS, "importable": False}
    assert "data.search" in panel.words
    assert not [key for key in panel.words if key.startswith("option.")]
    assert repr(panel) == "nbtrain.DatasetPreview('messages.csv', 1 columns)"


def test_a_page_comes_as_a_buffer(panel, view, browser, ask):
    query = {"search": "ham"}
    assert ask("page", query=query, offset=200, limit=9999, call="a")["result"] == {"rows": 1000}
    (sent,) = browser.of(panel, "reply")
    assert [bytes(buffer) for buffer in sent.buffers] == [b"200"]
    assert view.asked == [("page", query, 200, PAGE_ROWS)]


def test_counts_cells_and_media(panel, view, browser, ask):
    assert ask("count", query={}, call="a")["result"] == {"rows": 1000}
    assert ask("cell", query={}, offset=3, column="text", call="b")["result"]["text"] == "whole"
    items = ask("media", query={}, offset=3, column="text", limit=99, edge=99_999, call="c")["result"]["items"]
    assert [item["kind"] for item in items] == ["image/png", ""]
    assert [bytes(buffer) for buffer in browser.of(panel, "reply")[-1].buffers] == [b"png", b""]
    assert view.asked == [("media", MOST_MEDIA, MOST_EDGE)]


def test_trouble_is_told_in_its_sentence(ask):
    reply = ask("count", query={"search": "broken"}, call="a")
    assert reply["error"]["message"] == "messages.csv, line 7: a quote is not closed."


@pytest.mark.parametrize("fields", [
    {"query": "all", "offset": 0, "limit": 1, "call": "a"}, {"query": {}, "offset": -1, "limit": 1, "call": "a"},
    {"query": {}, "offset": "0", "limit": 1, "call": "a"}, {"query": {}, "offset": 0, "limit": 1},
    {"query": {}, "offset": 0, "limit": 1, "call": "x" * 65},
])
def test_a_request_that_makes_no_sense_reads_nothing(ask, view, fields):
    reply = ask("page", **fields)
    assert (reply["ok"], reply["error"]["kind"]) == (False, "CommandError")
    assert view.asked == []


def test_a_page_that_is_wanted_no_more_is_called_off_while_it_is_read(panel, view, browser, settle, ask):
    view.hold.clear()
    id_ = browser.ask(panel, "page", query={}, offset=0, limit=100, call="mine")
    assert view.begun.wait(60)
    ask("cancel", call="mine")
    settle(lambda: browser.replies(id_))
    assert browser.replies(id_)[0]["error"]["kind"] == "CancelledError"


def test_a_page_called_off_before_its_turn_is_never_read(panel, view, ask):
    ask("cancel", call="early")
    assert ask("page", query={}, offset=0, limit=100, call="early")["error"]["kind"] == "CancelledError"
    assert view.asked == []
    assert ask("page", query={}, offset=0, limit=100, call="early")["ok"], "a name may be used again"


def test_a_page_does_not_wait_for_a_count(view, browser, pump, settle):
    worker = Worker("test", threads=2)
    panel = DatasetPreview(view, pump=pump, worker=worker)
    view.hold.clear()
    slow = browser.ask(panel, "page", query={}, offset=0, limit=1, call="slow")
    assert view.begun.wait(60)
    quick = browser.ask(panel, "count", query={}, call="quick")
    settle(lambda: browser.replies(quick))
    assert not browser.replies(slow)
    view.hold.set()
    settle(lambda: browser.replies(slow))
    panel.close()


def test_the_profile_is_begun_watched_and_read(panel, view, browser, settle, ask):
    browser.ask(panel, "hello")
    assert ask("profiled")["result"] == {"profile": None}
    view.hold.clear()
    task = ask("profile", target="text", tokenizer=None)["result"]["task"]
    assert view.asked == [("profile", "text", None)]
    view.hold.set()
    view.tasks.find(task).wait(60)
    assert ask("profiled")["result"] == {"profile": view.known}


def test_the_profile_is_called_off(view, ask):
    view.hold.clear()
    task = ask("profile")["result"]["task"]
    ask("cancel", task=task)
    with pytest.raises(Exception, match="called off"):
        view.tasks.find(task).wait(60)
    assert "no longer known" in ask("cancel", task="task-0")["error"]["message"]


def test_closing_lets_go_of_the_table(panel, view, browser):
    view.hold.clear()
    browser.ask(panel, "page", query={}, offset=0, limit=1, call="a")
    assert view.begun.wait(60)
    panel.close()
    assert view.closed


def test_calls_that_never_come_are_forgotten():
    calls = Calls()
    for number in range(REMEMBERED + 1):
        calls.cancel(str(number))
    assert calls.run("0", lambda _: "done") == "done"


def interfaces():
    found = re.findall(r"export interface (\w+) \{\n(.*?)\n\}", TYPESCRIPT.read_text(encoding="utf-8"), re.DOTALL)
    return {name: set(re.findall(r"^  (\w+)\??:", body, re.MULTILINE)) for name, body in found}


@pytest.mark.parametrize("kind", [TableColumn, CellText, MediaItem])
def test_views_have_the_same_fields_in_both_languages(kind):
    assert interfaces()[kind.__name__] == set(get_type_hints(kind))


@pytest.mark.parametrize("kind", [
    facts.Count, facts.Histogram, facts.Lengths, facts.Pictures, facts.ColumnProfile, facts.Profile,
])
def test_the_profile_has_the_same_fields_in_both_languages(kind):
    assert interfaces()[kind.__name__] == {field.name for field in dataclasses.fields(kind)}


def test_the_setup_has_the_fields_the_browser_reads(panel):
    assert interfaces()["Setup"] == set(panel.setup)


class Importer:
    """Imports nothing, for as long as a test wants."""

    def __init__(self, view):
        self.view = view
        self.begun = None

    def begin(self):
        self.begun = self.view.tasks.start("import", "a", lambda _: self.view.hold.wait(60))
        return self.begun

    def task(self):
        return self.begun

    def name(self):
        return None if self.begun is None or self.begun.phase != "done" else "messages"


def test_a_table_is_imported_and_its_name_told(view, browser, pump, settle):
    panel = DatasetPreview(view, importer=Importer(view), pump=pump, worker=Worker("test-preview"))
    assert panel.setup["importable"] is True

    def ask(kind):
        id_ = browser.ask(panel, kind)
        settle(lambda: browser.replies(id_))
        return browser.replies(id_)[0]["result"]

    assert ask("imported") == {"task": None, "name": None}
    view.hold.clear()
    begun = ask("import")
    assert ask("imported") == {**begun, "name": None}
    view.hold.set()
    view.tasks.find(begun["task"]).wait(60)
    assert ask("imported") == {**begun, "name": "messages"}


def test_what_cannot_be_imported_is_not_offered(panel, browser, settle):
    assert panel.setup["importable"] is False
    id_ = browser.ask(panel, "import")
    settle(lambda: browser.replies(id_))
    assert "cannot be imported" in browser.replies(id_)[0]["error"]["message"]
