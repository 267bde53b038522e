from __future__ import annotations

import threading

import pytest

from nbtrain.core.control import State
from nbtrain.core.errors import DataError
from nbtrain.widgets.commands import REMEMBERED
from nbtrain.widgets.control_panel import ControlPanel
from nbtrain.widgets.live_charts import LiveCharts

from .conftest import FakeRun


@pytest.fixture
def run():
    run = FakeRun()
    run.control.move_to(State.RUNNING)
    return run


@pytest.fixture
def panel(browser, launcher, run, pump, worker):
    return ControlPanel(launcher, run, pump=pump, worker=worker)


def test_pause_is_answered_once_the_trainer_did_it(browser, panel, run, pump):
    id_ = browser.ask(panel, "pause")
    pump.tick()
    assert browser.replies(id_) == []
    run.obey()
    pump.tick()
    pump.tick()
    assert browser.replies(id_) == [{"type": "reply", "id": id_, "ok": True, "result": None}]
    assert run.state == "paused"


def test_second_copy_is_dropped(browser, panel, run, pump):
    browser.ask(panel, "save", id_="same")
    panel.desk.receive({"id": "same", "kind": "save", "widget": panel.model_id})
    assert len(run.control.take()) == 1
    for place in range(REMEMBERED + 10):
        browser.ask(panel, "hello", id_=f"other-{place}")
    assert len(panel.desk._seen) == REMEMBERED


def test_command_for_a_run_that_ended_is_refused_with_its_sentence(browser, panel, run, pump):
    run.control.move_to(State.FINISHED)
    id_ = browser.ask(panel, "pause")
    pump.tick()
    (reply,) = browser.replies(id_)
    assert reply["ok"] is False
    assert reply["error"]["kind"] == "CommandError"
    assert "has finished" in reply["error"]["message"]


def test_wrong_options_come_back_beside_their_fields(browser, panel, pump):
    id_ = browser.ask(panel, "check", options={"epochs": 0, "learning_rat": 1})
    pump.tick()
    (reply,) = browser.replies(id_)
    assert {problem["field"] for problem in reply["error"]["problems"]} == {"epochs", "learning_rat"}
    good = browser.ask(panel, "check", options={"epochs": 3})
    pump.tick()
    assert browser.replies(good)[0]["ok"] is True


def test_start_shows_the_new_run(browser, launcher, pump, worker, settle):
    panel = ControlPanel(launcher, pump=pump, worker=worker)
    browser.ask(panel, "hello")
    id_ = browser.ask(panel, "start", options={"epochs": 2}, model="net", data="Xy")
    settle(lambda: browser.replies(id_))
    assert browser.replies(id_)[0]["result"] == {"run": "r1"}
    assert launcher.started == [({"epochs": 2}, "net", "Xy")]
    assert [run.id for run in panel.runs] == ["r1"]
    settle(lambda: browser.of(panel, "snapshot")[-1].content["states"])
    assert browser.of(panel, "snapshot")[-1].content["states"][0]["run"] == "r1"


def test_slow_request_holds_up_neither_its_caller_nor_a_quick_one(browser, launcher, pump, worker, settle, run):
    launcher.hold = threading.Event()
    panel = ControlPanel(launcher, run, pump=pump, worker=worker)
    slow = browser.ask(panel, "start", options={})
    quick = browser.ask(panel, "check", options={})
    pump.tick()
    assert browser.replies(quick)
    assert not browser.replies(slow)
    launcher.hold.set()
    settle(lambda: browser.replies(slow))


def test_refused_start_is_answered_and_the_worker_goes_on(browser, launcher, pump, worker, settle):
    panel = ControlPanel(launcher, pump=pump, worker=worker)
    launcher.failure = DataError("The data is empty.")
    first = browser.ask(panel, "start", options={})
    second = browser.ask(panel, "runs")
    settle(lambda: browser.replies(first) and browser.replies(second))
    assert browser.replies(first)[0]["error"] == {"kind": "DataError", "message": "The data is empty.", "problems": []}
    settle(lambda: not any(thread.name == "test-requests" for thread in threading.enumerate()))


def test_exception_in_a_handler_reaches_the_browser(browser, launcher, pump, worker, settle, caplog):
    panel = ControlPanel(launcher, pump=pump, worker=worker)
    launcher.failure = ZeroDivisionError("division by zero")
    id_ = browser.ask(panel, "start", options={})
    settle(lambda: browser.replies(id_))
    error = browser.replies(id_)[0]["error"]
    assert (error["kind"], error["message"]) == ("ZeroDivisionError", "ZeroDivisionError: division by zero")
    assert "division by zero" in caplog.text


@pytest.mark.parametrize("request_", [
    {"kind": "nonsense"}, {"kind": None}, {"kind": ["pause"]}, {"kind": "edit"}, {"kind": "edit", "changes": []},
    {"kind": "check", "options": "epochs"}, {"kind": "watch", "runs": [1]}, {"kind": "watch", "runs": ["unknown"]},
    {"kind": "language", "language": 5}, {"kind": "language", "language": "xx"}, {"kind": "resume_run"},
    {"kind": "range", "run": "r1", "name": "loss", "first": "a", "last": 2, "points": 10},
    {"kind": "range", "run": "r1", "name": "loss", "first": float("nan"), "last": 2, "points": 10},
    {"kind": "range", "run": "r1", "name": "no", "first": 1, "last": 2, "points": 10},
    {"kind": "start", "options": {}, "model": 5}, {"kind": "check", "options": {"epochs": "many"}},
])
def test_any_request_is_answered_exactly_once(browser, panel, pump, settle, request_):
    id_ = browser.ask(panel, request_["kind"], **{name: value for name, value in request_.items() if name != "kind"})
    settle(lambda: browser.replies(id_))
    for _ in range(5):
        pump.tick()
    (reply,) = browser.replies(id_)
    assert reply["ok"] is False
    assert reply["error"]["message"]


@pytest.mark.parametrize("content", [None, 5, "pause", {}, {"kind": "pause"}, {"id": 7, "kind": "pause"},
                                     {"id": "", "kind": "pause"}, {"id": "x" * 65, "kind": "pause"}])
def test_request_without_an_id_is_told_of(browser, panel, run, pump, content):
    panel.desk.receive(content)
    pump.tick()
    (reply,) = browser.replies("")
    assert reply["ok"] is False
    assert not run.control.pending


def test_edit_takes_effect_and_is_told(browser, panel, run, pump, clock):
    browser.ask(panel, "hello")
    pump.tick()
    id_ = browser.ask(panel, "edit", changes={"learning_rate": 0.01})
    run.obey()
    clock.now += 1.0
    pump.tick()
    assert browser.replies(id_)[0]["ok"] is True
    assert browser.of(panel, "delta")[-1].content["states"][0]["live"]["learning_rate"] == 0.01


def test_range_gives_every_peak_between_two_steps(browser, launcher, run, pump, worker, settle):
    for step in range(20_000):
        run.measure(loss=9.0 if step == 15_000 else 0.5)
    panel = LiveCharts(launcher, run, pump=pump, worker=worker)
    id_ = browser.ask(panel, "range", run="r1", name="loss", first=10_001, last=20_000, points=100)
    settle(lambda: browser.replies(id_))
    (sent,) = browser.of(panel, "reply")
    result = sent.content["result"]
    steps = memoryview(sent.buffers[0]).cast("i").tolist()
    values = memoryview(sent.buffers[1]).cast("f").tolist()
    assert result["count"] == len(steps) == len(values) <= 100
    assert (steps[0], steps[-1]) == (10_001, 20_000)
    assert dict(zip(steps, values, strict=True))[15_001] == 9.0


def test_runs_are_told_without_figures_json_does_not_have(browser, launcher, panel, settle):
    launcher.start({})
    id_ = browser.ask(panel, "runs")
    settle(lambda: browser.replies(id_))
    assert browser.replies(id_)[0]["result"]["rows"][0]["metrics"] == {"accuracy": 0.5}


def test_what_the_form_holds_is_kept_for_the_next_page(browser, launcher, pump, worker):
    panel = ControlPanel(launcher, pump=pump, worker=worker)
    assert panel.draft == {}
    for epochs in (7, 8):
        browser.ask(panel, "draft", draft={"options": {"epochs": epochs}, "page": "a"})
    pump.tick()
    assert panel.draft == {"options": {"epochs": 8}, "page": "a"}
    wrong = browser.ask(panel, "draft", draft=["epochs"])
    huge = browser.ask(panel, "draft", draft={"columns": {"features": ["x" * 100] * 5000}})
    pump.tick()
    assert [browser.replies(id_)[0]["error"]["kind"] for id_ in (wrong, huge)] == ["CommandError", "CommandError"]
    assert panel.draft == {"options": {"epochs": 8}, "page": "a"}
