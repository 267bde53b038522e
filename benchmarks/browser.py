"""What the panels cost the page, and how soon it answers: in Chromium, through JupyterLab.

Usage: ``python -m benchmarks.browser [redraw] [load] [reload] [pause]``
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

from playwright.sync_api import Browser, expect

from benchmarks.common import Figure, record, table
from benchmarks.page import frames, notebook, redraws, workplace
from tests.browser.lab import Lab, Notebook

REDRAW_MS, LOAD_BYTES, RELOAD_MS, PAUSE_MS = 16, 500_000, 1000, 250
POINTS, RELOAD_POINTS = 1_000_000, 100_000
RELOADS, CLICKS = 5, 9

#: All points go to the page, not the 4,000 a line that it is sent otherwise.
MILLION = f"""
import nbtrain
from nbtrain.widgets import feed
from benchmarks.flow import FlowRun
feed.SNAPSHOT_POINTS = 10 * {POINTS}
run = FlowRun({POINTS}, rate=1000)
nbtrain.LiveCharts(run)
"""
STUDIO = """
import nbtrain
from nbtrain import training
from benchmarks.flow import FlowRun
run = FlowRun(0, rate=0.001)
training.active = lambda: [run]
"""
LONG = f"""
import nbtrain
from benchmarks.flow import FlowRun
run = FlowRun({RELOAD_POINTS}, rate=1000)
nbtrain.LiveCharts(run)
"""
TRAIN = """
import time
import numpy as np, torch, nbtrain
torch.set_num_threads(1)
inputs = np.random.default_rng(0).normal(size=(100_000, 64)).astype("float32")
labels = (inputs[:, 0] > 0).astype("int64")
net = torch.nn.Sequential(torch.nn.Linear(64, 512), torch.nn.ReLU(), torch.nn.Linear(512, 2))
run = nbtrain.train(net, (inputs, labels), epochs=1000, batch_size=256)
end = time.monotonic() + 300
while time.monotonic() < end and not run.state.ended:
    pass
"""
TOLD = """
from nbtrain.core.events import StateChanged
print([[str(e.state), e.time] for e in run.events if isinstance(e, StateChanged)], run.seconds / run.step)
"""
PAUSED = "document.querySelector('.nbt-run-state').textContent.includes('Paused')"


def redraw(lab: Lab, chrome: Browser) -> list[Figure]:
    """Charts of a million points a line: while they grow, smoothed, and zoomed into."""
    page = notebook(chrome, lab, "redraw.ipynb", [MILLION])
    page.run(0)
    panel = page.panel(0)
    expect(panel.locator(".nbt-chart-value").first).to_be_visible(timeout=60_000)
    page.page.wait_for_timeout(3000)  # the first drawing takes all points in
    figures = _drawing(page, "growing")
    panel.locator(".nbt-chart-smoothing input").first.evaluate(
        "slider => { slider.value = 0.9; slider.dispatchEvent(new Event('input', {bubbles: true})); }")
    page.page.wait_for_timeout(2000)
    figures += _drawing(page, "growing, smoothed")
    box = panel.locator(".nbt-chart-canvas").first.bounding_box()
    if box is None:
        raise RuntimeError("The first chart is not on the page.")
    page.page.mouse.move(box["x"] + 150, box["y"] + 80)
    page.page.mouse.down()
    page.page.mouse.move(box["x"] + 250, box["y"] + 80, steps=5)
    page.page.mouse.up()
    return figures + _drawing(page, "zoomed, smoothed")


def _drawing(page: Notebook, how: str) -> list[Figure]:
    redraws(page)
    page.page.wait_for_timeout(5000)
    drawn = redraws(page)
    if not drawn:
        raise RuntimeError(f"No chart was drawn in five seconds ({how}).")
    return [
        Figure(f"redraw of a chart, {how}", [took for _, took in drawn], "ms", REDRAW_MS),
        Figure(f"all charts of a frame, {how}", frames(drawn), "ms", REDRAW_MS),
    ]


def load(lab: Lab, chrome: Browser) -> list[Figure]:
    """Bytes that come for a Studio, from a run of its cell until its first panel, and all of its panels, are drawn."""
    first: list[float] = []
    whole: list[float] = []
    for turn in range(3):
        page = notebook(chrome, lab, f"load{turn}.ipynb", [STUDIO, "nbtrain.Studio()"])
        page.run(0)
        page.page.wait_for_timeout(1000)
        page.meter.reset()
        page.run(1)
        panel = page.panel(1)
        expect(panel.locator(".nbt-train")).to_be_visible(timeout=30_000)
        page.page.wait_for_timeout(500)
        first.append(page.meter.received)
        tabs = panel.get_by_role("tab")
        for place in range(1, tabs.count()):
            tabs.nth(place).click()
            expect(panel.get_by_role("tabpanel").locator(".nbt-live")).to_be_visible(timeout=30_000)
        page.page.wait_for_timeout(500)
        whole.append(page.meter.received)
        page.page.context.close()
    return [
        Figure("first load of Studio, its first panel drawn", [size / 1000 for size in first], "kB", LOAD_BYTES / 1000),
        Figure("the same, all its panels opened", [size / 1000 for size in whole], "kB", LOAD_BYTES / 1000),
    ]


def reload(lab: Lab, chrome: Browser) -> list[Figure]:
    """From the page's connection to the kernel until all charts of a run in progress are drawn, after a reload."""
    page = notebook(chrome, lab, "reload.ipynb", [LONG])
    page.run(0)
    expect(page.panel(0).locator(".nbt-chart-value").first).to_be_visible(timeout=30_000)
    page.save()
    charts = page.panel(0).locator(".nbt-chart").count()
    connected: list[float] = []
    alive: list[float] = []
    total: list[float] = []
    for _ in range(RELOADS):
        page.page.reload()
        page.page.wait_for_function(
            "charts => document.querySelectorAll('.nbt-chart-value').length >= charts && nbt.redraws.length >= charts",
            arg=charts, timeout=60_000)
        drawn = redraws(page)
        complete = sum(drawn[charts - 1])
        seen = page.page.evaluate("({channel: nbt.channel, live: nbt.first['.nbt-live']})")
        connected.append(complete - seen["channel"])
        alive.append(complete - seen["live"])
        total.append(complete)
        page.wait_ready()
    return [
        Figure("reload: connection to the kernel → charts complete", connected, "ms", RELOAD_MS),
        Figure("reload: panel on the page → charts complete", alive, "ms"),
        Figure("reload: key pressed → charts complete, JupyterLab's own start included", total, "ms"),
    ]


def pause(lab: Lab, chrome: Browser) -> list[Figure]:
    """From a click on Pause until the trainer is paused, while the cell that started it spins in pure Python."""
    page = notebook(chrome, lab, "pause.ipynb", [TRAIN, TOLD])
    page.run(0, wait=False)
    panel = page.panel(0)
    expect(panel.get_by_text("Running").first).to_be_visible(timeout=60_000)
    page.page.evaluate("""() => {
      nbt.clicks = []; nbt.shown = [];
      document.addEventListener("click", () => nbt.clicks.push(Date.now()), true);
    }""")
    clicks: list[float] = []
    shown: list[float] = []
    for _ in range(CLICKS):
        page.page.wait_for_timeout(700)
        panel.get_by_role("button", name="Pause").click()
        page.page.wait_for_function(PAUSED, polling=5)
        shown.append(time.time() * 1000)
        clicks.append(page.page.evaluate("nbt.clicks.at(-1)"))
        panel.get_by_role("button", name="Resume").click()
        expect(panel.locator(".nbt-run-state")).to_contain_text("Running", timeout=10_000)
    if not page.is_running(0):
        raise RuntimeError("The cell had ended; the clicks were not made beside it.")
    page.page.keyboard.press("Escape")
    panel.get_by_role("button", name="Stop").click()
    panel.get_by_role("button", name="Stop").last.click()
    page.run(1)
    states, step = page.output(1).rsplit(" ", 1)
    pauses = [when * 1000 for state, when in eval(states) if state == "paused"]  # noqa: S307 - our own cell's
    if len(pauses) != CLICKS:
        raise RuntimeError(f"{CLICKS} clicks on Pause made {len(pauses)} pauses.")
    step_ms = float(step) * 1000
    return [
        Figure(f"Pause clicked → trainer paused, the cell spinning (a step takes {step_ms:.0f} ms)",
               [done - click for done, click in zip(pauses, clicks, strict=True)], "ms", PAUSE_MS + step_ms,
               always=True),
        Figure("Pause clicked → the panel says so",
               [told - click for told, click in zip(shown, clicks, strict=True)], "ms"),
    ]


PARTS: dict[str, Callable[[Lab, Browser], list[Figure]]] = {
    "redraw": redraw, "load": load, "reload": reload, "pause": pause}


def main(arguments: list[str]) -> None:
    figures: list[Figure] = []
    for name in arguments or PARTS:
        with workplace() as (lab, chrome):
            figures += PARTS[name](lab, chrome)
    record("In the browser", f"python -m benchmarks.browser {' '.join(arguments)}".strip(), table(figures))


if __name__ == "__main__":
    main(sys.argv[1:])
