from __future__ import annotations

import threading

import pytest

from nbtrain.core.control import State
from nbtrain.widgets import display
from nbtrain.widgets import twin as twins
from nbtrain.widgets.hardware_monitor import HardwareMonitor
from nbtrain.widgets.kitchen import Kitchen
from nbtrain.widgets.studio import Studio

from .conftest import FakeRun, Source, until


@pytest.fixture
def page(monkeypatch):
    """What was put on the page, in order."""
    shown = []
    monkeypatch.setattr(display, "_publish", lambda data, **options: shown.append((data, options)))
    return shown


@pytest.fixture
def run():
    run = FakeRun()
    run.control.move_to(State.RUNNING)
    return run


def drawn(page, count):
    until(lambda: len(page) >= count)
    return len(page) == count


def test_panel_is_displayed_live_and_beside_it_static(browser, launcher, pump, worker, page, run):
    panel = Kitchen(launcher, run, pump=pump, worker=worker)
    panel._ipython_display_()
    (live, _), (static, options) = page
    assert live["application/vnd.jupyter.widget-view+json"]["model_id"] == panel.model_id
    assert live["text/plain"] == "nbtrain.Kitchen(digits)"
    assert "nbt-static" in static["text/html"]
    assert static["text/plain"] == "digits: Running, Step 0 of 1,000"
    assert options["display_id"]


def test_studio_shows_the_last_run_when_it_has_ended(browser, pump, worker, page, run):
    active = [run]
    studio = Studio({}, runs=lambda: active, pump=pump, worker=worker)
    studio._ipython_display_()
    run.control.move_to(State.FINISHED)
    active.clear()
    studio.look_after()
    assert drawn(page, 3)
    assert "Finished" in page[-1][0]["text/html"]


def test_machine_has_no_twin(browser, pump, worker, page):
    HardwareMonitor(Source(), pump=pump, worker=worker)._ipython_display_()
    assert len(page) == 1


def test_twin_follows_at_a_pause_every_half_minute_and_at_the_end(page, run, clock):
    kept = []
    twin = display.Twin(lambda: [run], lambda run_id, html: kept.append((run_id, html)), clock)
    run.measure(loss=0.5)
    twin.show()
    id_ = page[0][1]["display_id"]
    twin.look()
    assert drawn(page, 1)
    clock.now += 29
    twin.look()
    assert drawn(page, 1)
    clock.now += 1
    twin.look()
    assert drawn(page, 2)
    assert kept == []
    run.control.move_to(State.PAUSED)
    twin.look()
    assert drawn(page, 3)
    assert "Paused" in page[-1][0]["text/html"]
    until(lambda: len(kept) == 1)  # what rests is kept after it was drawn; a run that goes on at once is not
    clock.now += 100
    twin.look()
    assert drawn(page, 3), "nothing changes during a pause"
    run.control.move_to(State.RUNNING)
    run.step = 10
    twin.look()
    assert drawn(page, 4), "half a minute has passed since the last drawing"
    run.control.move_to(State.FINISHED)
    twin.look()
    assert drawn(page, 5)
    until(lambda: len(kept) == 2)
    assert [run_id for run_id, _ in kept] == ["r1", "r1"]
    assert "Finished" in kept[-1][1]
    assert kept[-1][1].startswith("<!doctype html>")
    assert {options["display_id"] for _, options in page} == {id_}
    assert all(options.get("update") for _, options in page[1:])


def test_run_shown_before_its_first_step_is_drawn_again_soon(page, run, clock):
    twin = display.Twin(lambda: [run], clock=clock)
    twin.show()
    run.measure(loss=0.5)
    clock.now += 1
    twin.look()
    assert drawn(page, 1)
    clock.now += 1
    twin.look()
    assert drawn(page, 2)
    assert "Step 1 of" in page[-1][0]["text/html"]
    clock.now += 2
    twin.look()
    assert drawn(page, 2)


def test_a_run_that_ends_while_its_twin_is_first_drawn_is_drawn_again_after_that(page, run, monkeypatch):
    twin = display.Twin(lambda: [run])
    render = twins.render

    def slowly(runs):
        html = render(runs)
        if run.state is State.RUNNING:  # the machine is busy: all the rest happens before this is on the page
            run.control.move_to(State.FINISHED)
            twin.look()
            threading.Event().wait(0.3)
        return html

    monkeypatch.setattr(twins, "render", slowly)
    twin.show()
    assert drawn(page, 2)
    assert ["update" in options for _, options in page] == [False, True]
    assert "Finished" in page[-1][0]["text/html"]


def test_twin_that_is_nowhere_is_not_drawn(page, run):
    twin = display.Twin(lambda: [run])
    run.control.move_to(State.FINISHED)
    twin.look()
    assert page == []


def test_end_is_drawn_though_nobody_looks_at_the_panel(browser, launcher, pump, worker, clock, page, run):
    panel = Kitchen(launcher, run, pump=pump, worker=worker)
    panel.twin = display.Twin(lambda: [run], clock=clock)  # a run that was just begun is drawn again after two seconds
    panel._ipython_display_()
    pump.tick()
    run.control.move_to(State.FINISHED)
    while (delay := pump.tick()) != float("inf"):
        clock.now += delay
    assert drawn(page, 3)
    assert "Finished" in page[-1][0]["text/html"]


def test_run_is_kept_in_its_folder_through_what_was_handed_in(browser, launcher, pump, worker, clock, page, run):
    kept: dict[str, str] = {}
    panel = Kitchen(launcher, run, pump=pump, worker=worker, keep=kept.__setitem__)
    panel._ipython_display_()
    run.control.move_to(State.STOPPED)
    panel.look_after()
    until(lambda: kept)
    assert "Stopped" in kept["r1"]
