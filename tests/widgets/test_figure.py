"""When a live figure is brought up to date; what it shows is looked at in a browser."""

from __future__ import annotations

from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from nbtrain.core.control import State
from nbtrain.widgets import figure

from .conftest import FakeRun, until


@pytest.fixture
def run():
    run = FakeRun()
    run.control.move_to(State.RUNNING)
    run.measure(loss=0.5)
    return run


def test_a_run_that_has_ended_is_drawn_and_not_followed(run, monkeypatch):
    followed = []
    monkeypatch.setattr(figure, "_follow", lambda *given: followed.append(given))
    figure.figure(run, live=True)
    until(lambda: len(followed) == 1)
    run.control.move_to(State.FINISHED)
    drawn = figure.figure(run, live=True)
    assert drawn.data[0].y.tolist() == [0.5]
    assert len(followed) == 1


def test_a_page_has_time_to_draw_the_figure_before_it_changes(run, monkeypatch):
    happened = []
    monkeypatch.setattr(figure, "time", SimpleNamespace(sleep=lambda _: happened.append("waited")))
    charts = figure._charts(run.history.names)

    class Widget:
        data = tuple(SimpleNamespace() for names in charts.values() for _ in names)

        @contextmanager
        def batch_update(self):
            happened.append("changed")
            yield

    run.control.move_to(State.FINISHED)
    figure._follow(run, Widget(), charts)
    assert happened == ["waited", "changed"]
    assert Widget.data[0].y.tolist() == [0.5]
