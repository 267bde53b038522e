"""What a run did on rows held out: asked for, followed, called off, and told to the browser."""

from __future__ import annotations

import math
import threading

import numpy as np
import pytest

from nbtrain.core.control import State
from nbtrain.core.errors import CancelledError, DataError
from nbtrain.core.outcomes import Group, Outcome, Worst
from nbtrain.widgets.control_panel import ControlPanel
from nbtrain.widgets.results import GROUPS, PAIRS, TABLE, view


@pytest.fixture
def panel(browser, launcher, pump, worker):
    run = launcher.start({})
    run.control.move_to(State.RUNNING)
    run.control.move_to(State.FINISHED)
    return ControlPanel(launcher, run, pump=pump, worker=worker)


def answer(browser, panel, settle, kind, **fields):
    id_ = browser.ask(panel, kind, **fields)
    settle(lambda: browser.replies(id_))
    [reply] = browser.replies(id_)
    return reply


def outcome(**known):
    return Outcome(**{"part": "test", "rows": 3, "step": 7, "metrics": {}, **known})


def test_a_look_is_begun_followed_and_kept(panel, browser, launcher, settle):
    assert answer(browser, panel, settle, "results", run="r1")["result"] == {
        "results": None, "can": True, "task": None}
    launcher.hold = threading.Event()
    task = answer(browser, panel, settle, "look", run="r1")["result"]["task"]
    assert answer(browser, panel, settle, "look", run="r1")["result"]["task"] == task  # it is under way
    assert answer(browser, panel, settle, "results", run="r1")["result"]["task"] == task
    assert answer(browser, panel, settle, "looked", task=task)["result"]["phase"] == "running"
    launcher.hold.set()
    launcher.tasks.find(task).wait(60)
    assert answer(browser, panel, settle, "looked", task=task)["result"] == {"phase": "done", "done": 10, "total": 10}
    told = answer(browser, panel, settle, "results", run="r1")["result"]
    assert (told["task"], told["results"]["metrics"]) == (None, {"accuracy": 0.5})


def test_a_look_is_called_off_and_what_ends_it_is_said(panel, browser, launcher, settle):
    launcher.hold = threading.Event()
    task = answer(browser, panel, settle, "look", run="r1")["result"]["task"]
    assert answer(browser, panel, settle, "look_off", task=task)["ok"]
    launcher.hold.set()
    with pytest.raises(CancelledError):
        launcher.tasks.find(task).wait(60)
    assert answer(browser, panel, settle, "looked", task=task)["result"]["phase"] == "cancelled"
    launcher.failure = DataError("Nothing was held out.")
    task = answer(browser, panel, settle, "look", run="r1")["result"]["task"]
    with pytest.raises(DataError):
        launcher.tasks.find(task).wait(60)
    asked = answer(browser, panel, settle, "results", run="r1")["result"]
    assert asked["task"] == task  # a page that was loaded anew hears of it too, once
    assert answer(browser, panel, settle, "looked", task=task)["error"]["message"] == "Nothing was held out."
    assert answer(browser, panel, settle, "results", run="r1")["result"]["task"] is None
    assert "under way" in answer(browser, panel, settle, "looked", task="task-0")["error"]["message"]


def test_classes_that_one_reads_are_a_table_and_others_pairs():
    told, _ = view(outcome(classes=("a", "<b>"), confusion=((0, 0, 5), (0, 1, 2), (1, 0, 3))))
    assert told["matrix"] == [[5, 2], [3, 0]]
    assert told["pairs"] == [
        {"truth": "<b>", "predicted": "a", "count": 3, "of": 3},
        {"truth": "a", "predicted": "<b>", "count": 2, "of": 7}]
    names = tuple(map(str, range(TABLE + 1)))
    told, _ = view(outcome(classes=names, confusion=tuple((n, (n + 1) % len(names), n + 1) for n in range(len(names)))))
    assert (told["matrix"], told["classes"]) == (None, [])
    assert told["pairs"] is not None
    assert (len(told["pairs"]), told["pairs"][0]["count"]) == (PAIRS, TABLE + 1)
    assert view(outcome())[0]["pairs"] is None  # without classes nothing is confused


def test_of_many_groups_the_lowest_are_told():
    many = tuple(Group(name=str(n), rows=1, figures={"precision": 1.0, "f1": n / 100}) for n in reversed(range(50)))
    told, _ = view(outcome(groups=many))
    assert (told["of_groups"], len(told["groups"])) == (50, GROUPS)
    assert [each["name"] for each in told["groups"][:3]] == ["0", "1", "2"]
    absent = tuple(Group(name=f"none {n}", rows=0, figures={"f1": 0.0}) for n in range(40))
    assert view(outcome(groups=(*absent, *many)))[0]["groups"] == told["groups"]


def test_pictures_and_points_are_buffers_and_what_is_no_number_is_none():
    worst = (Worst(row=4, truth="x" * 900, predicted="", measure=math.inf, image=b"png", mime="image/png"),
             Worst(row=5, truth="", predicted="", measure=1.0, chance=0.5))
    told, buffers = view(outcome(metrics={"r2": math.nan}, points=((1.0, 2.0), (3.0, 4.5)), worst=worst))
    assert told["metrics"] == {"r2": None}
    assert (told["points"], told["worst"][0]["image"]) == (0, 1)
    assert np.frombuffer(buffers[0], "<f8").tolist() == [1.0, 2.0, 3.0, 4.5]
    first, second = told["worst"]
    assert (buffers[1], first["measure"], len(first["truth"])) == (b"png", None, 300)
    assert (second["image"], second["chance"]) == (None, 0.5)


def test_an_outcome_reads_back_as_it_was_told():
    known = outcome(
        classes=("a", "b"), confusion=((0, 1, 2),), groups=(Group(name="a", rows=2, figures={"f1": 0.0}),),
        points=((0.5, 1.5),), notes=("So it is.",),
        worst=(Worst(row=0, truth="a", predicted="b", measure=2.0, cells=(("n", "1"),), image=b"1", mime="image/png"),))
    assert Outcome.from_json(known.to_json(), known.images) == known
    with pytest.raises(ValueError, match="pair of classes"):
        Outcome.from_json({**known.to_json(), "confusion": [[0, 2, 1]]}, known.images)
