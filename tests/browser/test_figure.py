"""`run.figure(live=True)`: plotly's own tools on a run that trains."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.cells import SLOW
from tests.browser.conftest import Open
from tests.browser.inside import soon
from tests.browser.lab import SECONDS

pytestmark = pytest.mark.browser

#: Paused in its first epoch, before which no validation has been; the run itself sees to that, whatever else is slow.
START = """
import threading
known = threading.Event()
forward = net.forward
def watched(x):
    if threading.current_thread() is not threading.main_thread():
        known.wait(60)
        if run.step == 5:
            run.pause()
    return forward(x)
net.forward = watched
run = nbtrain.train(net, (X, y), epochs=1000, show=False)
known.set()
while run.state != "paused":
    run.wait(0.05)
figure = run.figure(live=True)
figure
"""
LENGTHS = "plot => plot.data.map(trace => trace.x.length)"
TITLES = "plot => plot.layout.annotations.map(title => title.text)"
ZOOM = "plot => plot.layout.xaxis.range"


def test_it_follows_the_run_gains_its_metrics_and_keeps_the_zoom(notebooks: Open):
    notebook = notebooks(SLOW + START, "run.resume();", "run.pause();", "")
    notebook.run(0)
    plot = notebook.cells.nth(0).locator(".js-plotly-plot")
    expect(plot).to_be_visible()
    until(plot, "plot => plot.data[0].x.length > 1")
    assert "Accuracy" not in plot.evaluate(TITLES)

    # A person zooms; the figure grows on, and stays where it was put.
    area = plot.locator(".nsewdrag").first
    box = area.bounding_box()
    assert box
    mouse = notebook.page.mouse
    mouse.move(box["x"] + box["width"] * 0.2, box["y"] + box["height"] * 0.3)
    mouse.down()
    mouse.move(box["x"] + box["width"] * 0.6, box["y"] + box["height"] * 0.7, steps=5)
    mouse.up()
    until(plot, "plot => plot.layout.xaxis.autorange === false")
    zoomed, points = plot.evaluate(ZOOM), plot.evaluate(LENGTHS)[0]
    soon(plot, lambda: notebook.ask("figure.layout.xaxis.range is not None"), wanted=True)  # it has reached Python

    notebook.run(1)
    until(plot, "plot => plot.layout.annotations.some(title => title.text === 'Accuracy')")
    until(plot, "plot => plot.data.every(trace => trace.x.length > 0)")
    assert plot.evaluate(LENGTHS)[0] > points
    assert plot.evaluate(ZOOM) == zoomed

    notebook.run(2)
    last = notebook.ask("int(run.history['loss'].steps[-1])")
    until(plot, f"plot => plot.data[0].x.at(-1) === {last}")
    assert max(plot.evaluate(LENGTHS)) <= 2000


def until(plot: Locator, holds: str) -> None:
    """Wait until something is true of the figure."""
    plot.page.wait_for_function(holds, arg=plot.element_handle(), timeout=SECONDS * 1000)
