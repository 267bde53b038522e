from __future__ import annotations

import json
import math
import threading

import numpy as np
import pytest

from nbtrain.core.control import State
from nbtrain.core.errors import DataError
from nbtrain.core.history import Series
from nbtrain.core.tasks import Tasks
from nbtrain.widgets.feed import Feed, Packet, stride_of

from .conftest import FakeRun


@pytest.fixture
def run():
    run = FakeRun(total_steps=10**6)
    run.control.move_to(State.RUNNING)
    return run


def points(packet, name="loss"):
    """Steps and values of a series, as the browser reads them."""
    for part in packet.series:
        if part["name"] == name:
            values = np.frombuffer(packet.buffers[part["values"]], "<f4")
            assert len(values) == part["count"]
            if part["steps"] is None:
                return part["first"] + part["stride"] * np.arange(part["count"]), values
            return np.frombuffer(packet.buffers[part["steps"]], "<i4"), values
    return np.empty(0, int), np.empty(0)


def weight(packet):
    return len(json.dumps(packet.body()).encode()) + sum(map(len, packet.buffers))


def test_deltas_add_up_to_the_series(run):
    feed = Feed([run])
    feed.snapshot()
    steps, values = [], []
    for _ in range(10):
        for _ in range(37):
            run.measure(loss=float(run.step))
        packet = feed.delta(10_000)
        s, v = points(packet)
        steps += s.tolist()
        values += v.tolist()
    assert steps == list(range(1, 371))
    assert values == [step - 1 for step in steps]
    assert not feed.delta(10_000)


def test_even_steps_cost_no_buffer(run):
    for step in (10, 20, 30):
        run.history.append("accuracy", step, 0.5)
    for step in (1, 2, 4):
        run.history.append("loss", step, 0.5)
    packet = Feed([run]).snapshot()
    parts = {part["name"]: part for part in packet.series}
    assert (parts["accuracy"]["first"], parts["accuracy"]["stride"], parts["accuracy"]["steps"]) == (10, 10, None)
    assert points(packet)[0].tolist() == [1, 2, 4]
    assert len(packet.buffers) == 3


@pytest.mark.parametrize(("steps", "stride"), [([5], 1), ([], 1), ([1, 3, 5], 2), ([1, 3, 4, 7], None), ([2, 2], 0)])
def test_stride(steps, stride):
    assert stride_of(Series(np.array(steps, dtype=np.int64), np.zeros(len(steps)))) == stride


@pytest.mark.parametrize("budget", [1000, 3500, 20_000])
def test_budget_holds_and_peaks_stay(run, budget):
    feed = Feed([run])
    feed.snapshot()
    for place in range(5000):
        run.measure(loss=99.0 if place == 2500 else 0.5, learning_rate=1e-3, grad_norm=1.0, samples_per_second=1e4)
    seen = []
    for _ in range(20):
        packet = feed.delta(budget)
        if not packet:
            break
        # One state may be larger than the budget; what comes beside it may not.
        assert weight(packet) <= max(budget, 1200) + 300
        seen += points(packet)[1].tolist()
    assert 99.0 in seen
    assert all(cursor.size == 5000 for cursor in feed._cursors.values())


def test_no_series_waits_for_ever(run):
    feed = Feed([run])
    feed.snapshot()
    told = set()
    for _ in range(400):
        for place in range(30):
            run.measure(**{f"metric_{place}_{i}": 1.0 for i in range(30)})
        told |= {part["name"] for part in feed.delta(2500).series}
    assert len(told) == 900


def test_news_of_many_runs_share_the_budget():
    runs = [FakeRun(f"r{i}") for i in range(20)]
    for run in runs:
        run.control.move_to(State.RUNNING)
    feed = Feed(runs, curves=False)
    feed.snapshot()
    told = []
    for _ in range(20):
        for run in runs:
            run.step += 1
        packet = feed.delta(3500)
        assert weight(packet) <= 5000
        told += [state["run"] for state in packet.states]
    assert min(told.count(run.id) for run in runs) >= 3


def test_watching_another_run_begins_anew(run):
    feed = Feed([run])
    feed.snapshot()
    other = FakeRun("other")
    other.measure(loss=1.0)
    feed.watch([other])
    packet = feed.snapshot()
    assert [state["run"] for state in packet.states] == ["other"]


def test_resumed_run_has_its_id_and_a_new_view():
    ended, again = FakeRun("same"), FakeRun("same")
    ended.control.move_to(State.STOPPED)
    again.control.move_to(State.RUNNING)
    feed = Feed([ended], follow=lambda: [again])
    feed.snapshot()
    assert feed.refresh()
    assert feed.snapshot().states[0]["state"] == "running"
    assert not feed.refresh()


def test_run_that_ended_is_told_once_and_costs_nothing_more(run):
    feed = Feed([run])
    feed.snapshot()
    run.measure(loss=1.0)
    run.control.move_to(State.FINISHED)
    assert feed.urgent()
    packet = feed.delta(3500)
    assert (packet.states[0]["state"], len(packet.series)) == ("finished", 1)
    assert feed.pace() == float("inf")
    assert not feed.urgent()
    assert not feed.delta(3500)


def test_numbers_beyond_float32_become_infinite(run):
    run.measure(loss=1e300)
    assert points(Feed([run]).snapshot())[1].tolist() == [float("inf")]


def test_empty_packet_is_nothing_to_send():
    assert not Packet()


def test_tasks_are_told_once_and_again_when_they_changed():
    end, tasks = threading.Event(), Tasks()
    task = tasks.start("import", "a.csv", lambda _: end.wait(60))
    feed = Feed(tasks=tasks)
    assert [(told["task"], told["phase"]) for told in feed.snapshot().tasks or ()] == [(task.id, "running")]
    task.progress.report(2, 5, "rows")
    told = (feed.delta(4000).tasks or [])[0]
    assert (told["done"], told["total"], told["unit"]) == (2, 5, "rows")
    assert feed.pace() < math.inf
    assert not feed.urgent()
    end.set()
    task.wait(60)
    assert feed.urgent()
    assert [told["phase"] for told in feed.delta(4000).tasks or ()] == ["done"]
    assert not feed.urgent()
    assert not feed.delta(4000)
    assert feed.pace() == math.inf


def test_why_a_task_failed_is_told():
    def work(progress):
        raise DataError("Line 3 is cut short.")

    tasks = Tasks()
    with pytest.raises(DataError):
        tasks.start("import", "a.csv", work).wait(60)
    told = (Feed(tasks=tasks).snapshot().tasks or [])[0]
    assert told["error"] == {"kind": "DataError", "message": "Line 3 is cut short."}


def test_a_feed_without_tasks_says_nothing_of_them():
    assert "tasks" not in Feed().snapshot().body()
