from __future__ import annotations

from itertools import pairwise

import pytest

from nbtrain.core.control import State
from nbtrain.widgets.commands import Worker
from nbtrain.widgets.control_panel import ControlPanel
from nbtrain.widgets.kitchen import Kitchen
from nbtrain.widgets.live_charts import LiveCharts
from nbtrain.widgets.pump import FORGOTTEN_AFTER, Pump

from .conftest import FakeRun, until

FIGURES = {"loss": 0.5, "learning_rate": 1e-3, "grad_norm": 0.9, "samples_per_second": 3e5}


@pytest.fixture
def services(pump, worker):
    return {"pump": pump, "worker": worker}


def play(pump, clock, seconds, each=lambda: None):
    """Let the simulated clock run as the pump's thread would, with `each` called every hundredth of a second."""
    end = clock.now + seconds
    next_tick = clock.now
    while clock.now < end:
        if clock.now >= next_tick:
            before = clock.now
            delay = pump.tick()
            next_tick = max(clock.now, before + delay)
        clock.now = round(clock.now + 0.01, 6)
        each()


def worst_second(messages, weight):
    """The most that falls into any second."""
    return max(
        sum(weight(other) for other in messages if first.time <= other.time < first.time + 1.0) for first in messages)


def test_budget_holds_at_ten_thousand_steps_a_second(pump, clock, browser, launcher, services):
    runs = [FakeRun(f"r{i}", total_steps=10**7) for i in range(3)]
    charts = LiveCharts(launcher, *runs, **services)
    panels = [ControlPanel(launcher, runs[0], **services), charts, Kitchen(launcher, runs[0], **services)]
    for run in runs:
        run.control.move_to(State.RUNNING)
    for panel in panels:
        browser.ask(panel, "hello")

    def train():
        for run in runs:
            for _ in range(100):
                run.measure(**FIGURES)
            run.seconds += 0.01

    play(pump, clock, 5.0, train)
    pushed = [sent for panel in panels for sent in browser.of(panel, "delta", "beat")]
    assert worst_second(pushed, lambda _: 1) <= 10
    assert worst_second(pushed, lambda sent: sent.bytes + 1000) <= 50_000
    assert len(pushed) >= 45, "the budget is there to be used"
    told = {panel.name: sum(1 for sent in browser.of(panel, "delta")) for panel in panels}
    assert min(told.values()) >= 10, told
    parts = [part for sent in browser.of(charts, "delta") for part in sent.content["series"]]
    for run in runs:  # nothing is left behind: the last part of each series tells of nearly all points
        for name in FIGURES:
            assert [p["total"] for p in parts if (p["run"], p["name"]) == (run.id, name)][-1] >= 40_000


def test_slow_client_gets_fewer_messages_and_no_burst_afterwards(pump, clock, browser, launcher, services):
    run = FakeRun()
    run.control.move_to(State.RUNNING)
    panel = ControlPanel(launcher, run, **services)
    browser.ask(panel, "hello")
    browser.delay = 0.4
    play(pump, clock, 4.0, lambda: run.measure(loss=0.5))
    browser.delay = 0.0
    start = len(browser.of(panel, "delta"))
    play(pump, clock, 2.0, lambda: run.measure(loss=0.5))
    assert start <= 11
    assert worst_second(browser.of(panel, "delta")[start:], lambda _: 1) <= 10


def test_change_of_state_goes_before_those_that_waited_longer(pump, clock, browser, launcher, services):
    busy, other = FakeRun("busy"), FakeRun("other")
    for run in (busy, other):
        run.control.move_to(State.RUNNING)
    panels = [LiveCharts(launcher, busy, **services) for _ in range(4)] + [Kitchen(launcher, other, **services)]
    for panel in panels:
        browser.ask(panel, "hello")

    def train():
        busy.measure(loss=1.0)
        other.measure(loss=1.0)

    for _ in range(20):  # until the kitchen has had its turn just now, so that four others wait longer
        play(pump, clock, 0.1, train)
        if browser.messages[-1].widget == panels[-1].model_id:
            break
    count = len(browser.messages)
    other.control.move_to(State.PAUSED)
    play(pump, clock, 0.11, train)
    first = browser.messages[count]
    assert first.widget == panels[-1].model_id
    assert first.content["states"][0]["state"] == "paused"


def test_sequence_numbers_grow_by_one_in_each_panel(pump, clock, browser, launcher, services):
    run = FakeRun()
    run.control.move_to(State.RUNNING)
    panels = [ControlPanel(launcher, run, **services), Kitchen(launcher, run, **services)]
    for panel in panels:
        browser.ask(panel, "hello")
    play(pump, clock, 2.0, lambda: run.measure(loss=1.0))
    browser.ask(panels[0], "hello")
    play(pump, clock, 1.0, lambda: run.measure(loss=1.0))
    for panel in panels:
        numbers = [sent.content["seq"] for sent in browser.of(panel, "snapshot", "delta", "beat")]
        assert numbers == list(range(1, len(numbers) + 1))
        assert len(numbers) > 10


def test_hello_is_answered_with_everything_so_far(pump, browser, launcher, services):
    run = FakeRun()
    run.control.move_to(State.RUNNING)
    for step in range(10_000):
        run.measure(loss=1.0 / (step + 1))
    panel = ControlPanel(launcher, run, **services)
    id_ = browser.ask(panel, "hello")
    pump.tick()
    (snapshot,) = browser.of(panel, "snapshot")
    assert snapshot.content["states"][0]["step"] == 10_000
    (part,) = snapshot.content["series"]
    assert (part["total"], part["reset"]) == (10_000, False)
    assert 3000 < part["count"] <= 4000
    assert browser.replies(id_) == [{"type": "reply", "id": id_, "ok": True, "result": None}]


def test_nothing_is_sent_before_hello_and_after_bye(pump, clock, browser, launcher, services):
    run = FakeRun()
    run.control.move_to(State.RUNNING)
    panel = ControlPanel(launcher, run, **services)
    play(pump, clock, 2.0, lambda: run.measure(loss=1.0))
    assert browser.messages == []
    browser.ask(panel, "hello")
    play(pump, clock, 1.0, lambda: run.measure(loss=1.0))
    browser.ask(panel, "bye")
    pump.tick()
    count = len(browser.messages)
    assert count > 5
    play(pump, clock, 2.0, lambda: run.measure(loss=1.0))
    assert len(browser.messages) == count


def test_who_is_there_already_gets_a_snapshot_only_after_a_bye(pump, browser, launcher, services):
    panel = ControlPanel(launcher, FakeRun(), **services)
    browser.ask(panel, "hello")
    pump.tick()
    browser.ask(panel, "here")
    pump.tick()
    assert len(browser.of(panel, "snapshot")) == 1
    browser.ask(panel, "bye")  # of another tab
    browser.ask(panel, "here")
    pump.tick()
    assert len(browser.of(panel, "snapshot")) == 2


@pytest.mark.parametrize("control", [True, False])
def test_a_page_that_went_without_a_word_is_told_nothing_where_it_would_have_said_so(
    control, pump, clock, browser, launcher, services,
):
    """Jupyter's server keeps all messages for a page that lost its connection."""
    run = FakeRun()
    run.control.move_to(State.RUNNING)
    panel = ControlPanel(launcher, run, **services)

    def say(kind):
        browser.ask(panel, kind)
        if control:
            pump.heard(panel.model_id)

    say("hello")
    for _ in range(8):  # as long as it says that it is there, it is told what is new
        play(pump, clock, FORGOTTEN_AFTER / 4)
        say("here")
    before = len(browser.messages)
    play(pump, clock, 2.0, lambda: run.measure(loss=1.0))
    assert len(browser.messages) > before + 5
    play(pump, clock, FORGOTTEN_AFTER + 1.0)
    before = len(browser.messages)
    play(pump, clock, 2.0, lambda: run.measure(loss=1.0))
    assert (len(browser.messages) == before) is control
    before = len(browser.of(panel, "snapshot"))
    say("here")
    pump.tick()
    assert len(browser.of(panel, "snapshot")) == before + control


def test_heart_beats_when_nothing_is_new(pump, clock, browser, launcher, services):
    panels = [ControlPanel(launcher, **services), LiveCharts(launcher, **services)]
    for panel in panels:
        browser.ask(panel, "hello")
    play(pump, clock, 10.0)
    for panel in panels:
        times = [sent.time for sent in browser.of(panel, "snapshot", "beat")]
        gaps = [later - earlier for earlier, later in pairwise(times)]
        assert max(gaps) <= 1.2
        assert min(gaps) >= 0.8


def test_idle_pump_sleeps_and_an_unseen_one_for_good(pump, clock, browser, launcher, services):
    run = FakeRun()
    panel = ControlPanel(launcher, run, **services)
    run.control.move_to(State.RUNNING)
    run.control.move_to(State.FINISHED)
    clock.now += 2.0
    pump.tick()
    clock.now += 2.0
    assert pump.tick() == float("inf")
    browser.ask(panel, "hello")
    pump.tick()
    clock.now += 0.2
    assert pump.tick() > 0.5


def test_truncated_series_starts_anew(pump, clock, browser, launcher, services):
    run = FakeRun()
    run.control.move_to(State.RUNNING)
    panel = LiveCharts(launcher, run, **services)
    for _ in range(50):
        run.measure(loss=1.0)
    browser.ask(panel, "hello")
    play(pump, clock, 0.3)
    run.history.truncate(20)
    run.step = 20
    play(pump, clock, 0.3)
    (part,) = browser.of(panel, "delta")[-1].content["series"]
    assert (part["reset"], part["count"], part["total"], part["first"]) == (True, 20, 20, 1)


def test_error_in_a_feed_reaches_its_panel_and_stops_no_other(pump, clock, browser, launcher, services, monkeypatch):
    broken, sound = FakeRun("broken"), FakeRun("sound")
    for run in (broken, sound):
        run.control.move_to(State.RUNNING)
    panels = [Kitchen(launcher, broken, **services), Kitchen(launcher, sound, **services)]
    for panel in panels:
        browser.ask(panel, "hello")
    play(pump, clock, 0.5)
    monkeypatch.setattr(broken, "options", lambda: 1 / 0)
    play(pump, clock, 3.0, lambda: sound.measure(loss=1.0))
    errors = [s.content["error"] for s in browser.of(panels[0], "reply") if not s.content["ok"]]
    assert errors == [{"kind": "ZeroDivisionError", "message": "ZeroDivisionError: division by zero", "problems": []}]
    assert len(pump.failures) == 1
    assert len(browser.of(panels[1], "delta")) > 10
    assert browser.of(panels[0], "beat"), "a panel that cannot be told is not told that the kernel is gone"


def test_broken_comm_does_not_end_the_pump(pump, clock, browser, launcher, services):
    run = FakeRun()
    run.control.move_to(State.RUNNING)
    panel = Kitchen(launcher, run, **services)
    browser.ask(panel, "hello")
    browser.broken = OSError("socket closed")
    play(pump, clock, 0.5, lambda: run.measure(loss=1.0))
    browser.broken = None
    play(pump, clock, 0.5, lambda: run.measure(loss=1.0))
    assert [str(error) for error in pump.failures] == ["socket closed"]
    assert browser.of(panel, "delta")


def test_thread_is_there_while_a_panel_is_and_alone_sends(browser, launcher):
    pump = Pump()
    run = FakeRun()
    run.control.move_to(State.RUNNING)
    panels = [Kitchen(launcher, run, pump=pump, worker=Worker("w")) for _ in range(3)]
    thread = pump._thread
    assert thread is not None
    assert thread.is_alive()
    browser.ask(panels[0], "hello")
    run.measure(loss=1.0)
    until(lambda: browser.of(panels[0], "snapshot", "delta"))
    for panel in panels:
        panel.close()
    thread.join(60)
    assert not thread.is_alive()
    assert pump._thread is None
    assert browser.threads == {"nbtrain-pump"}
    again = Kitchen(launcher, run, pump=pump, worker=Worker("w"))
    second = pump._thread
    assert second is not None
    assert second is not thread
    again.close()
    second.join(60)
    assert not second.is_alive()
