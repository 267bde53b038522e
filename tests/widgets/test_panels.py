from __future__ import annotations

import pytest

from nbtrain.config import fields
from nbtrain.core.control import State
from nbtrain.core.errors import ConfigError, NbtrainError
from nbtrain.i18n import catalogue
from nbtrain.widgets import base
from nbtrain.widgets.control_panel import ControlPanel
from nbtrain.widgets.hardware_monitor import HardwareMonitor
from nbtrain.widgets.kitchen import Kitchen
from nbtrain.widgets.live_charts import LiveCharts
from nbtrain.widgets.studio import Studio

from .conftest import FakeRun, Source


@pytest.fixture
def services(pump, worker):
    return {"pump": pump, "worker": worker}


def test_form_grows_out_of_the_schema(browser, launcher, services):
    panel = ControlPanel(launcher, **services)
    assert [field["name"] for field in panel.setup["fields"]] == [field["name"] for field in fields()]
    epochs = next(field for field in panel.setup["fields"] if field["name"] == "epochs")
    assert (epochs["default"], epochs["min"], epochs["max"]) == (7, 1, 1000)
    assert [preset["name"] for preset in panel.setup["presets"] if preset["recommended"]] == ["careful"]
    assert panel.words["option.epochs.label"] == "Epochs"


def test_words_of_the_form_travel_with_the_form_alone(browser, launcher, services):
    words = Kitchen(launcher, **services).words
    assert "chef.paused" in words
    assert not [key for key in words if key.startswith("option.")]


def test_language_changes_in_all_open_panels_in_one_message_each(browser, launcher, services, pump):
    panels = [ControlPanel(launcher, **services), Kitchen(launcher, **services)]
    id_ = browser.ask(panels[1], "language", language="fa")
    pump.tick()
    assert browser.replies(id_)[0]["ok"] is True
    for panel in panels:
        assert (panel.language, panel.direction) == ("fa", "rtl")
        assert panel.words["chef.paused"] not in {"", catalogue.words("en")["chef.paused"]}
    assert [sorted(state) for state in browser.traits] == [["direction", "language", "words"]] * 2
    assert Kitchen(launcher, **services).language == "fa"
    with pytest.raises(ConfigError):
        base.speak("xx", pump)


def test_studio_makes_each_panel_once_when_it_is_opened(browser, launcher, services, settle):
    made = []

    def make():
        made.append(Kitchen(launcher, **services))
        return made[-1]

    panels = {"kitchen": ("pot", make), "charts": ("chart", lambda: LiveCharts(launcher, **services))}
    studio = Studio(panels, **services)
    assert studio.setup == {"panels": [{"name": "kitchen", "icon": "pot"}, {"name": "charts", "icon": "chart"}]}
    assert (studio.children, made) == ({}, [])
    for _ in range(2):
        id_ = browser.ask(studio, "open", panel="kitchen")
        settle(lambda: browser.replies(id_))  # noqa: B023 - used before it changes
    assert len(made) == 1
    assert studio.children == {"kitchen": f"IPY_MODEL_{made[0].model_id}"}
    refused = browser.ask(studio, "open", panel="bakery")
    settle(lambda: browser.replies(refused))
    assert "bakery" in browser.replies(refused)[0]["error"]["message"]
    studio.close()
    assert made[0].comm is None


def test_machine_is_sampled_while_somebody_looks(browser, services, pump, clock):
    source = Source()
    panel = HardwareMonitor(source, **services)
    source.sample(1.0)
    assert source.onlookers == 0
    browser.ask(panel, "hello")
    browser.ask(panel, "hello")
    pump.tick()
    assert source.onlookers == 1
    (snapshot,) = browser.of(panel, "snapshot")
    assert [sample["cpu"] for sample in snapshot.content["hardware"]] == [0.123]
    source.sample(2.0)
    for _ in range(3):
        clock.now += 0.5
        pump.tick()
    assert [s.content["hardware"][0]["time"] for s in browser.of(panel, "delta")] == [2.0]
    browser.ask(panel, "bye")
    pump.tick()
    assert source.onlookers == 0
    browser.ask(panel, "hello")
    pump.tick()
    assert source.onlookers == 1
    panel.close()
    pump.tick()
    assert source.onlookers == 0


def test_kitchen_follows_the_run_that_was_started_last(browser, launcher, services, pump, clock):
    panel = Kitchen(launcher, **services)
    browser.ask(panel, "hello")
    pump.tick()
    first = launcher.start({})
    clock.now += 1.0
    pump.tick()
    assert panel.runs == [first]
    second = launcher.start({})
    clock.now += 1.0
    pump.tick()
    assert panel.runs == [second]
    for run in (first, second):
        run.control.move_to(State.STOPPED)
    clock.now += 1.0
    pump.tick()
    assert panel.runs == [second], "the last one stays on show"
    assert browser.of(panel, "snapshot")[-1].content["states"][0]["run"] == second.id


def test_charts_lay_a_new_run_over_one_that_still_trains(browser, launcher, services, pump, clock):
    panel = LiveCharts(launcher, **services)

    def shown():
        clock.now += 1.0
        pump.tick()
        return [run.id for run in panel.runs]

    first, second = launcher.start({}), launcher.start({})
    assert shown() == ["r1", "r2"]
    first.control.move_to(State.STOPPED)
    assert shown() == ["r1", "r2"]
    launcher.start({})
    assert shown() == ["r1", "r2", "r3"]
    for run in launcher.active():
        run.control.move_to(State.STOPPED)
    assert shown() == ["r1", "r2", "r3"]
    launcher.start({})
    assert shown() == ["r4"], "none of the others trains any more"
    assert second.state == "stopped"


def test_panel_closes_for_good(browser, launcher, services, pump):
    panel = ControlPanel(launcher, FakeRun(), **services)
    panel.close()
    panel.close()
    panel.say("ru")
    panel.watch(FakeRun("other"))
    pump.tick()
    assert pump.clients == []
    assert not pump.failures


def test_missing_bundle_is_said_clearly(monkeypatch):
    with pytest.raises(NbtrainError, match=r"nowhere\.js is missing.*make static"):
        base.bundle("nowhere", "js")


def test_panel_in_plain_text(browser, launcher, services):
    run = FakeRun(name="digits")
    run.control.move_to(State.RUNNING)
    run.measure(loss=0.25)
    panel = ControlPanel(launcher, run, **services)
    assert repr(panel) == "nbtrain.ControlPanel(digits: Running, Step 1 of 1,000, loss 0.25)"
