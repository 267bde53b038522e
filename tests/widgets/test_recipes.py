"""What the form asks of recipes, and what is seen and heard of a run by one."""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass, field

import pytest

from nbtrain.core.errors import DataError, WorkspaceError
from nbtrain.core.samples import Sample, Sign
from nbtrain.widgets import twin
from nbtrain.widgets.control_panel import ControlPanel
from nbtrain.widgets.story import Story

from .conftest import FakeRun

SAMPLES = [
    Sample(title="<b>Once", kind="text", content="سلام <i>".encode()),
    Sample(title="mel", kind="image", content=b"png", mime="image/png"),
]


@pytest.fixture
def panel(browser, launcher, pump, worker):
    return ControlPanel(launcher, pump=pump, worker=worker)


@dataclass
class Sampled:
    """Epochs, and what reading their samples gives."""

    sampled: list[int] = field(default_factory=lambda: [1, 4])
    signs: tuple[Sign, ...] = (Sign(name="loss", low=1, high=10), Sign(name="kl", low=0, high=1))
    failure: Exception | None = None


class SampledRun(FakeRun):
    def __init__(self) -> None:
        super().__init__()
        self.told = Sampled()

    @property
    def signs(self):
        return self.told.signs

    @property
    def sampled(self):
        return self.told.sampled

    def samples(self, epoch=None):
        if self.told.failure is not None:
            raise self.told.failure
        return SAMPLES if epoch in {None, 4} else SAMPLES[:1]


def answer(browser, panel, settle, kind, **fields):
    id_ = browser.ask(panel, kind, **fields)
    settle(lambda: browser.replies(id_))
    [reply] = browser.replies(id_)
    return reply


def test_the_form_knows_the_recipes_there_are_and_which_options_are_theirs(panel):
    assert [each["name"] for each in panel.setup["recipes"]] == ["auto", "custom", "timeseries", "mine"]
    fields = {each["name"]: each for each in panel.setup["fields"]}
    assert fields["recipe"]["choices"] == ["auto", "custom", "timeseries", "mine"]
    assert fields["window"]["recipes"] == ["timeseries", "mine"], "a recipe of the user's may look at any"
    assert fields["epochs"]["recipes"] is None


def test_what_was_given_to_start_from_goes_before_a_recipes_default(panel):
    timeseries = next(each for each in panel.setup["recipes"] if each["name"] == "timeseries")
    assert "epochs" not in timeseries["options"], "the launcher begins with 7"
    assert timeseries["options"]["batch_size"] == 128


def test_columns_are_told_and_sent(panel, browser, launcher, settle):
    assert answer(browser, panel, settle, "columns", data="dataset:x")["result"] == {
        "columns": [{"name": "of dataset:x", "kind": "text"}]}
    columns = {"target": "y", "features": ["a", "b"]}
    answer(browser, panel, settle, "start", options={"epochs": 2}, data="dataset:x", columns=columns)
    assert launcher.started == [({"epochs": 2}, None, "dataset:x", columns)]
    reply = answer(browser, panel, settle, "start", options={}, columns=[1])
    assert "needs named values as 'columns'" in reply["error"]["message"]


def test_teachers_are_told_for_the_training_as_it_is_asked_for(panel, browser, settle):
    asked = {"options": {"recipe": "timeseries"}, "model": "tcn", "data": "dataset:x", "columns": {"target": "y"}}
    [told] = answer(browser, panel, settle, "teachers", **asked)["result"]["teachers"]
    assert told == {"name": "large", "text": "{'recipe': 'timeseries'} tcn dataset:x {'target': 'y'}", "why": ""}


def test_offers_and_suggestions_are_counted_in_the_order_in_which_they_came(panel, pump):
    panel.offer("dataset:rows")
    panel.suggest({"epochs": 3})
    panel.offer(model="model:tiny")
    pump.tick()
    assert panel.suggested == {"options": {"epochs": 3}, "count": 2}
    assert panel.offered == {
        "data": {"name": "dataset:rows", "count": 1}, "model": {"name": "model:tiny", "count": 3}}


def test_what_will_happen_is_begun_and_asked_for(panel, browser, launcher, settle):
    launcher.hold = threading.Event()
    wish = {"options": {"recipe": "timeseries"}, "data": "dataset:x"}
    task = answer(browser, panel, settle, "foresee", **wish)["result"]["task"]
    assert answer(browser, panel, settle, "foreseen", task=task)["result"] == {"task": task, "foreseen": None}
    launcher.hold.set()
    launcher.tasks.find(task).wait(60)
    told = answer(browser, panel, settle, "foreseen", task=task)["result"]["foreseen"]
    assert (told["model"], told["steps"]) == ("None dataset:x None", 10)
    launcher.failure = DataError("The target is constant.")
    newer = answer(browser, panel, settle, "foresee", **wish)["result"]["task"]
    with pytest.raises(DataError):
        launcher.tasks.find(newer).wait(60)
    assert answer(browser, panel, settle, "foreseen", task=newer)["error"]["message"] == "The target is constant."
    assert answer(browser, panel, settle, "foreseen", task=task)["result"] == {"task": None, "foreseen": None}


def test_a_newer_wish_calls_off_the_older(panel, browser, launcher, settle):
    launcher.hold = threading.Event()
    tasks = [
        launcher.tasks.find(answer(browser, panel, settle, "foresee", options={"recipe": "x"})["result"]["task"])
        for _ in range(2)]
    assert [task.progress.cancelled for task in tasks] == [True, False]
    launcher.hold.set()


def test_samples_travel_once_as_bytes(panel, browser, settle, pump):
    run = SampledRun()
    panel.watch(run)
    pump.tick()
    id_ = browser.ask(panel, "samples", run="r1", epoch=4)
    settle(lambda: browser.replies(id_))
    [sent] = [each for each in browser.of(panel, "reply") if each.content["id"] == id_]
    assert sent.content["result"] == {"epoch": 4, "samples": [
        {"title": "<b>Once", "kind": "text", "mime": "text/plain"},
        {"title": "mel", "kind": "image", "mime": "image/png"}]}
    assert sent.buffers == [each.content for each in SAMPLES]
    run.told.failure = WorkspaceError("The samples of epoch 4 cannot be read.")
    assert answer(browser, panel, settle, "samples", run="r1", epoch=4)["error"]["kind"] == "WorkspaceError"


def test_signs_say_whether_a_run_is_well():
    run = SampledRun()
    assert Story(run).tell()["signs"] == []
    run.measure(loss=3.0)
    run.measure(loss=30.0, kl=math.nan)
    told = Story(run).tell()
    assert told["signs"] == [
        {"name": "loss", "value": 30.0, "low": 1, "high": 10, "health": "off"},
        {"name": "kl", "value": None, "low": 0, "high": 1, "health": "bad"}]
    assert told["sampled"] == [1, 4]
    run.measure(loss=10.0)
    assert Story(run).tell()["signs"][0]["health"] == "good"


def test_the_static_copy_has_the_last_samples_as_text():
    run = SampledRun()
    page = twin.render([run], "en")
    assert "Epoch 4" in page
    assert "سلام &lt;i&gt;" in page
    assert "&lt;b&gt;Once" in page
    assert "mel" in page
    assert "<i>" not in page
    run.told.failure = WorkspaceError("gone")
    assert "Epoch 4" not in twin.render([run], "en")
