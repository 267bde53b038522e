from __future__ import annotations

import json
import math
import re
from pathlib import Path

import pytest

import nbtrain.widgets
from nbtrain.core.control import State
from nbtrain.core.errors import NonFiniteLossError, TrainingError
from nbtrain.i18n import catalogue
from nbtrain.widgets.story import FRESH_SECONDS, Story, stage_of

from .conftest import FakeRun


@pytest.fixture
def run():
    run = FakeRun()
    run.control.move_to(State.RUNNING)
    return run


def test_the_latest_warnings_are_told_once_each(run):
    run.warnings = ["a", "b", "c", "d", "c"]
    assert Story(run).tell()["warnings"] == ["c", "d"]


@pytest.mark.parametrize(("state", "step", "progress", "stage"), [
    (State.PREPARING, 0, 0.0, "preheating"), (State.RUNNING, 0, 0.0, "preheating"),
    (State.RUNNING, 1, 0.01, "simmering"), (State.RUNNING, 1, 0.2999, "simmering"),
    (State.RUNNING, 1, 0.3, "boiling"), (State.RUNNING, 1, 0.6999, "boiling"), (State.RUNNING, 1, 0.7, "finishing"),
    (State.FINISHED, 1, 1.0, "ready"), (State.FINISHED, 1, 0.4, "ready"), (State.FAILED, 5, 0.4, "burnt"),
    (State.PAUSED, 5, 0.4, "paused"), (State.STOPPED, 5, 0.4, "boiling"),
])
def test_stage_follows_state_and_progress(state, step, progress, stage):
    assert stage_of(state, step, progress) == stage


def said(run, losses, **more):
    story = Story(run)
    for loss in losses:
        run.measure(loss=loss)
    for name, values in more.items():
        for value in values:
            run.history.append(name, run.step, value)
    return story.tell()["chef"]


def wave(place):
    return 0.01 * math.sin(place * 2.1)


def test_chef_sees_where_the_loss_goes(run):
    assert said(run, [1.0])["key"] == "chef.started"
    falling = said(run, [2.0 - place / 200 + wave(place) for place in range(300)])
    assert falling["key"] == "chef.falling"
    assert falling["args"]["before"] > falling["args"]["now"]


def test_chef_looks_anew_after_more_points_and_a_while(run):
    story = Story(run)
    run.measure(loss=1.0)
    assert story.tell()["chef"]["key"] == "chef.started"
    for place in range(300):
        run.measure(loss=2.0 - place / 200 + wave(place))
    assert story.tell()["chef"]["key"] == "chef.started"
    run.seconds = FRESH_SECONDS
    assert story.tell()["chef"]["key"] == "chef.falling"


def test_chef_sees_a_plateau(run):
    assert said(run, [0.5 + wave(place) for place in range(400)])["key"] == "chef.plateau"


def test_chef_warns_of_a_climbing_loss(run):
    assert said(run, [0.5 + place / 200 + wave(place) for place in range(300)])["key"] == "chef.rising"


def test_chef_warns_of_overfitting(run):
    chef = said(run, [2.0 - place / 200 for place in range(300)], val_loss=[0.9, 0.5, 0.6, 0.7])
    assert chef == {"key": "chef.overfitting", "args": {"now": 0.7, "best": 0.5}}


def test_chef_speaks_of_a_low_flame(run):
    flat = [0.5 + wave(place) for place in range(400)]
    speeds = [1000.0] * 40
    assert said(run, flat, samples_per_second=[*speeds, 300.0])["key"] == "chef.plateau", "one reading is nothing"
    chef = said(run, flat, samples_per_second=[300.0] * 20)
    assert chef == {"key": "chef.slow", "args": {"now": 300.0, "best": 1000.0}}


def test_flame_is_as_high_as_throughput_against_its_best(run):
    story = Story(run)
    run.samples_per_second = 1000.0
    story.tell()
    run.samples_per_second = 300.0
    assert story.tell()["heat"] == 0.3


def test_flame_is_out_when_the_pot_is_off_the_heat(run):
    story = Story(run)
    run.samples_per_second = 1000.0
    run.measure(loss=1.0)
    run.measure(loss=3.0)
    before = story.tell()
    assert before["heat"] == 1.0
    assert 0.3 < before["bubbles"] < 0.4
    run.control.move_to(State.PAUSED)
    told = story.tell()
    assert (told["heat"], told["bubbles"], told["stage"]) == (0.0, 0.0, "paused")
    assert told["chef"] == {"key": "chef.paused", "args": {"step": 2}}


def test_last_words(run):
    story = Story(run)
    run.measure(loss=0.25)
    run.control.move_to(State.FINISHED)
    assert story.tell()["chef"] == {"key": "chef.early", "args": {"step": 1}}
    run.total_steps = 1
    assert story.tell()["chef"] == {"key": "chef.ready", "args": {"now": 0.25}}
    run.history.append("val_loss", 1, 0.3)
    assert story.tell()["chef"] == {"key": "chef.ready_validated", "args": {"best": 0.3}}


def test_burnt_says_why_and_what_to_try(run):
    run.error = NonFiniteLossError("The loss of step 3 is nan.", step=3)
    run.step = 2
    run.control.move_to(State.FAILED)
    told = Story(run).tell()
    assert told["chef"] == {"key": "chef.burnt_nonfinite", "args": {"step": 2, "suggestion": "0.0001"}}
    assert told["error"] == {"kind": "NonFiniteLossError", "message": "The loss of step 3 is nan."}
    run.error = TrainingError("x" * 5000)
    told = Story(run).tell()
    assert told["chef"] == {"key": "chef.burnt", "args": {"step": 2}}
    assert told["error"] == {"kind": "TrainingError", "message": "x" * 1999 + "…"}


def test_state_is_json_whatever_was_measured(run):
    run.measure(loss=float("nan"), accuracy=float("inf"))
    run.samples_per_second = run.seconds_left = float("nan")
    told = Story(run).tell()
    json.dumps(told, allow_nan=False)
    assert told["last"] == {"loss": None, "accuracy": None}
    assert told["live"]["learning_rate"] == 1e-3


def test_only_what_has_an_effect_can_be_edited(run):
    run.config = run.config.replace(early_stopping=False, use_ema=True)
    live = Story(run).tell()["live"]
    assert "patience" not in live
    assert "ema_decay" in live


def test_same_run_same_colour():
    first, second = FakeRun("colour-1"), FakeRun("colour-2")
    assert Story(first).tell()["colour"] == Story(first).tell()["colour"] != Story(second).tell()["colour"]


def test_every_sentence_is_in_the_catalogue():
    words = catalogue.words("en")
    source = "".join(path.read_text() for path in Path(nbtrain.widgets.__path__[0]).glob("*.py"))
    keys = set(re.findall(r'"((?:chef|twin|show)\.\w+)"', source)) | set(re.findall(r"'(twin\.\w+)'", source))
    assert len(keys) > 25
    assert keys <= set(words)
