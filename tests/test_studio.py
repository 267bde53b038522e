from __future__ import annotations

import numpy as np
import pytest
import torch

import nbtrain
from nbtrain import studio
from nbtrain.core.errors import ConfigError, RunNotFoundError
from nbtrain.i18n import catalogue
from nbtrain.launcher import NotebookLauncher
from nbtrain.widgets import base, channel, display
from nbtrain.widgets.base import PUMP
from tests.waiting import until


@pytest.fixture
def data():
    x = np.random.default_rng(0).normal(size=(200, 4)).astype("float32")
    return x, (x[:, 0] > 0).astype("int64")


@pytest.fixture
def net():
    torch.manual_seed(0)
    return torch.nn.Linear(4, 2)


@pytest.fixture(autouse=True)
def panels_close(monkeypatch):
    monkeypatch.setattr(base, "bundle", lambda name, kind: "")
    yield
    for panel in PUMP.clients:
        assert isinstance(panel, base.Panel)
        panel.close()
    catalogue.set_current("en")


@pytest.fixture
def page(monkeypatch):
    """What a notebook would show."""
    shown = []
    monkeypatch.setattr(display, "_publish", lambda data, **options: shown.append(data))
    monkeypatch.setattr(channel, "kernel", object)
    return shown


def ended(run):
    assert isinstance(run, nbtrain.Run)
    return run.wait()


def test_launcher_starts_what_was_handed_in(net, data):
    launcher = NotebookLauncher(net, data, {"epochs": 2})
    assert launcher.bound()
    assert launcher.subjects() == []
    assert launcher.defaults()["epochs"] == 2
    run = launcher.start({**launcher.defaults(), "batch_size": 50})
    assert run.id in {active.id for active in launcher.active()} | {row["id"] for row in launcher.runs()}
    assert ended(run) == "finished"
    assert launcher.view(run.id).options()["batch_size"] == 50
    assert launcher.active() == []


def test_launcher_finds_model_and_data_by_name(net, data, monkeypatch):
    monkeypatch.setattr("nbtrain.launcher.namespace", lambda: {"net": net, "X": data[0], "y": data[1]})
    launcher = NotebookLauncher()
    assert [each["name"] for each in launcher.subjects() if each["recipes"] is None] == ["net", "X, y"]
    assert ended(launcher.start({"epochs": 1}, "net", "X, y")) == "finished"
    with pytest.raises(ConfigError, match="No model was chosen"):
        launcher.start({"epochs": 1}, None, "X, y")
    with pytest.raises(ConfigError, match="epochs"):
        launcher.start({"epochs": 0}, "net", "X, y")


def test_half_of_model_and_data_is_refused(net, data):
    with pytest.raises(ConfigError, match="without data"):
        nbtrain.ControlPanel(net)
    with pytest.raises(ConfigError, match="without model"):
        nbtrain.ControlPanel(data=data)


def test_panel_starts_from_its_options(net, data):
    panel = nbtrain.ControlPanel(net, data, preset="fast", batch_size=7)
    defaults = {field["name"]: field["default"] for field in panel.setup["fields"]}
    assert (defaults["epochs"], defaults["batch_size"]) == (5, 7)
    assert panel.setup["bound"] is True


def test_show_says_that_there_is_nothing(capsys):
    nbtrain.show()
    assert "no runs yet" in capsys.readouterr().out


def test_show_reaches_for_what_runs_then_for_the_newest(net, data, page, capsys):
    run = nbtrain.train(net, data, epochs=1000, show=False).pause()
    nbtrain.show()
    assert "Paused" in page[-1]["text/plain"]
    run.stop()
    page.clear()
    nbtrain.show()
    assert "newest run" in capsys.readouterr().out
    assert "Stopped" in page[-1]["text/plain"]
    with pytest.raises(RunNotFoundError):
        nbtrain.show("no-such-run")


def test_show_outside_of_a_notebook_is_a_line_of_text(net, data, capsys):
    run = nbtrain.train(net, data, epochs=1)
    run.wait()
    nbtrain.show(run.id)
    assert capsys.readouterr().out.startswith("Linear: Finished")


def test_static_page_goes_into_the_runs_folder(net, data, page):
    run = nbtrain.train(net, data, epochs=1000, show=False).pause()
    panel = studio.panel_of(run)
    panel._ipython_display_()
    run.resume()
    run.stop()
    panel.look_after()
    until((run.folder / studio.PAGE).exists, "the page is in the folder of the run")
    assert "Stopped" in (run.folder / studio.PAGE).read_text(encoding="utf-8")


def test_every_panel_is_made_and_speaks_the_language():
    nbtrain.set_language("ru")
    whole = nbtrain.Studio()
    made = [whole, nbtrain.LiveCharts(), nbtrain.Kitchen(), nbtrain.HardwareMonitor(), nbtrain.ControlPanel()]
    assert {panel.language for panel in made} == {"ru"}
    assert [entry["name"] for entry in whole.setup["panels"]] == [
        "control_panel", "datasets", "models", "live_charts", "kitchen", "hardware_monitor"]
    for _, make in whole._panels.values():
        assert make().language == "ru"


def test_a_dataset_is_chosen_in_every_form_that_asks_for_data(net, data):
    offer = studio._offer
    assert not offer("rows")
    bound = nbtrain.ControlPanel(net, data)
    assert not offer("rows")
    first, second = nbtrain.ControlPanel(), nbtrain.ControlPanel()
    assert offer("rows")
    assert offer("other")
    other = {"name": "dataset:other", "count": 2}
    until(lambda: first.offered.get("data") == other == second.offered.get("data"), "both are offered the data")
    assert first.offered == second.offered == {"data": other}
    assert bound.offered == {}
    assert studio._offer_model("digits")
    until(lambda: "model" in first.offered, "the model is offered")
    assert first.offered == {"data": other, "model": {"name": "model:digits", "count": 3}}
