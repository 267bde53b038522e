from __future__ import annotations

import re
import threading
from pathlib import Path
from typing import Any, get_type_hints

import pytest

from nbtrain.core import dataset_views
from nbtrain.core.dataset_views import DatasetRow
from nbtrain.core.errors import ConfigError, DataError, DatasetNotFoundError, Problem
from nbtrain.core.tasks import Tasks
from nbtrain.widgets import display
from nbtrain.widgets.arriving import CHUNK
from nbtrain.widgets.datasets import MOST_ROWS, PREVIEWS, Datasets, row_numbers
from nbtrain.widgets.live_charts import LiveCharts

from .conftest import until

TYPESCRIPT = Path(__file__).parents[2] / "frontend" / "src" / "datasets" / "wire.ts"
TWINS = [name for name in dir(dataset_views) if hasattr(getattr(dataset_views, name), "__required_keys__")]


class FakeDesk:
    """Keeps what it was asked, and names of datasets; its work lasts until a test lets it end."""

    def __init__(self) -> None:
        self.tasks = Tasks()
        self.asked: list[tuple[Any, ...]] = []
        self.names = {"d1": "digits", "d2": "reviews"}
        self.gate = threading.Event()
        self.refusal: Exception | None = None

    def rows(self) -> list[DatasetRow]:
        return [
            DatasetRow(
                id=id_, name=name, rows=3, columns=2, bytes=10, kind="table", created=0.0, source="a.csv", origin=None,
                rejected=0)
            for id_, name in self.names.items()]

    def steps(self) -> list[Any]:
        return []

    def uploads(self) -> list[Any]:
        return [{"upload": "u1", "name": "a.csv", "size": 10, "have": 4}]

    def chunk(self, upload: str, offset: int, data: memoryview, digest: str) -> int:
        self.asked.append(("chunk", upload, offset, bytes(data), digest))
        return offset + len(data)

    def delete(self, dataset: str) -> None:
        if dataset not in self.names:
            raise DatasetNotFoundError(f"There is no dataset {dataset!r}.")
        del self.names[dataset]

    def __getattr__(self, kind: str) -> Any:
        """Everything else begins a task, or is only noted."""

        def note(*given: Any) -> str:
            self.asked.append((kind, *given))
            if self.refusal is not None:
                raise self.refusal
            return self.tasks.start(kind, "a", self._work).id

        return note

    def _work(self, progress: Any) -> None:
        progress.report(1, 2, "rows")
        while not self.gate.wait(0.005):
            progress.check()


@pytest.fixture
def desk():
    made = FakeDesk()
    yield made
    made.gate.set()


@pytest.fixture
def panel(browser, desk, launcher, pump, worker):
    def preview(dataset, rows):
        desk.asked.append(("preview", dataset, rows))
        return LiveCharts(launcher, pump=pump, worker=worker)

    return Datasets(desk, preview, pump=pump, worker=worker)


@pytest.fixture
def answer(browser, panel, settle):
    def ask(kind, **fields):
        id_ = browser.ask(panel, kind, **fields)
        settle(lambda: browser.replies(id_))
        return browser.replies(id_)[0]

    return ask


def interfaces():
    """Interface name → its fields, as the browser has them."""
    found = re.findall(r"export interface (\w+) \{\n(.*?)\n\}", TYPESCRIPT.read_text(encoding="utf-8"), re.DOTALL)
    return {name: re.findall(r"^  (\w+):", body, re.MULTILINE) for name, body in found}


def test_browser_knows_no_other_views():
    assert sorted(interfaces()) == sorted(TWINS)


@pytest.mark.parametrize("name", TWINS)
def test_same_fields_in_both_languages(name):
    assert list(get_type_hints(getattr(dataset_views, name))) == interfaces()[name]


def test_the_list_is_told_with_uploads_left_half_way_and_what_was_put_away(answer):
    answer("dismiss", task="task-7")
    result = answer("datasets")["result"]
    assert [row["name"] for row in result["rows"]] == ["digits", "reviews"]
    assert result["uploads"][0]["have"] == 4
    assert result["dismissed"] == ["task-7"]


@pytest.mark.parametrize(("kind", "fields", "asked"), [
    ("import", {"source": "a*.csv", "name": None, "options": {"header": True}},
     ("import_source", "a*.csv", None, {"header": True})),
    ("import_again", {"task": "t", "options": {"on_error": "skip"}}, ("import_again", "t", {"on_error": "skip"})),
    ("sample", {}, ("sample",)),
    ("profile", {"dataset": "d1", "target": "y"}, ("profile", "d1", "y")),
    ("split", {"dataset": "d1", "spec": {"method": "random"}}, ("split", "d1", {"method": "random"})),
    ("quality", {"dataset": "d1", "target": None}, ("quality", "d1", None)),
    ("process", {"dataset": "d1", "steps": [{"step": "html"}], "name": "x"},
     ("process", "d1", [{"step": "html"}], "x")),
    ("export", {"dataset": "d1", "path": "o.csv"}, ("export", "d1", "o.csv")),
])
def test_long_work_is_begun_and_named(answer, desk, kind, fields, asked):
    reply = answer(kind, **fields)
    assert reply["ok"], reply
    assert desk.asked == [asked]
    assert desk.tasks.find(reply["result"]["task"]) is not None


def test_work_is_shown_as_it_goes_on_also_to_a_page_that_comes_later_and_can_be_called_off(
    answer, browser, panel, desk, pump, clock, settle,
):
    task = answer("import", source="a.csv", options={})["result"]["task"]
    settle(lambda: desk.tasks.find(task).progress.done == 1)
    browser.ask(panel, "hello")
    pump.tick()
    (snapshot,) = browser.of(panel, "snapshot")
    (told,) = snapshot.content["tasks"]
    assert (told["task"], told["phase"], told["done"], told["total"]) == (task, "running", 1, 2)
    assert answer("cancel", task=task)["ok"]
    settle(lambda: desk.tasks.find(task).ended)
    clock.now += 1.0
    pump.tick()
    assert browser.of(panel, "delta")[-1].content["tasks"][0]["phase"] == "cancelled"
    assert "no longer known" in answer("cancel", task="task-none")["error"]["message"]


def test_bytes_of_an_upload_arrive_as_they_were_sent(browser, panel, desk, settle):
    content = {"id": "c1", "kind": "chunk", "upload": "u1", "offset": 4, "digest": "d"}
    message = {"content": {"data": {"method": "custom", "content": content}}, "buffers": [memoryview(b"\x00\xffab")]}
    panel.comm.handle_msg(message)
    settle(lambda: browser.replies("c1"))
    assert browser.replies("c1")[0]["result"] == {"have": 8}
    assert desk.asked == [("chunk", "u1", 4, b"\x00\xffab", "d")]


def test_what_has_arrived_is_compared_in_pieces_as_they_are_sent(answer, desk):
    answer("check_upload", upload="u1", have=9, digest="d")
    assert desk.asked == [("check_upload", "u1", 9, CHUNK, "d")]


def test_a_piece_without_its_bytes_is_refused(answer, desk):
    for fields in ({}, {"buffers": ["text"]}):
        reply = answer("chunk", upload="u1", offset=0, digest="d", **fields)
        assert "one buffer" in reply["error"]["message"]
    assert desk.asked == []


def test_what_is_wrong_is_said_by_field(answer, desk):
    desk.refusal = ConfigError([Problem("seed", "seed is -1; it must be at least 0.")])
    error = answer("split", dataset="d1", spec={"seed": -1})["error"]
    assert error["problems"] == [{"field": "seed", "message": "seed is -1; it must be at least 0."}]
    desk.refusal = DataError("There is no file b.csv.")
    assert answer("import", source="b.csv", options={})["error"]["kind"] == "DataError"
    for fields in ({"source": 7, "options": {}}, {"source": "a", "options": []}):
        assert answer("import", **fields)["error"]["kind"] == "CommandError"
    assert answer("process", dataset="d1", steps=["html"], name="x")["error"]["kind"] == "CommandError"


def test_previews_are_made_once_and_the_oldest_let_go(answer, panel, desk):
    for name in ("d1", "d1", "d1:3,17"):
        assert answer("open", panel=name)["ok"]
    assert desk.asked == [("preview", "d1", []), ("preview", "d1", [3, 17])]
    assert list(panel.children) == ["d1", "d1:3,17"]
    first = panel._previews["d1"]
    for number in range(PREVIEWS - 1):
        answer("open", panel=f"d2:{number}")
    assert first.comm is None
    assert "d1" not in panel.children
    assert len(panel.children) == PREVIEWS


def test_a_deleted_dataset_takes_its_previews_along(answer, panel):
    for name in ("d1", "d1:3", "d2"):
        answer("open", panel=name)
    assert answer("delete", dataset="d1")["ok"]
    assert list(panel.children) == ["d2"]
    assert answer("delete", dataset="d1")["error"]["kind"] == "DatasetNotFoundError"


def test_closing_the_panel_closes_its_previews(answer, panel):
    answer("open", panel="d1")
    preview = panel._previews["d1"]
    panel.close()
    assert preview.comm is None


@pytest.mark.parametrize("listed", ["-1", "1.5", "1,,2", "¹", "x", ",".join(["1"] * (MOST_ROWS + 1))])
def test_rows_are_numbers(answer, listed):
    assert answer("open", panel=f"d1:{listed}")["error"]["kind"] == "CommandError"


def test_row_numbers_are_read():
    assert row_numbers("") == []
    assert row_numbers("3,17,0") == [3, 17, 0]


def test_its_static_copy_lists_what_the_panel_lists(browser, panel, answer, desk, monkeypatch):
    shown = []
    monkeypatch.setattr(display, "_publish", lambda data, **options: shown.append(data))
    panel._ipython_display_()
    live, static = shown
    assert live["application/vnd.jupyter.widget-view+json"]["model_id"] == panel.model_id
    assert static["text/plain"] == "digits, reviews"
    assert "digits" in static["text/html"]
    answer("datasets")
    assert len(shown) == 2, "nothing is new"
    answer("delete", dataset="d1")
    answer("datasets")
    until(lambda: len(shown) > 2)
    assert shown[-1]["text/plain"] == "reviews"


def test_a_remedy_is_carried_out_as_it_was_shown(answer, desk):
    reply = answer("remedy", dataset="d1", finding=2, finding_kind="duplicates", count=4)
    assert desk.asked == [("remedy", "d1", 2, "duplicates", 4)]
    assert reply["result"] == desk.tasks.all()[0].id
