"""A real JupyterLab in Chromium for the benchmarks, and what a page tells of itself."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext

from benchmarks.common import ROOT
from tests import get_chromium
from tests.browser.lab import Lab, Notebook, browser

#: Keeps, in `window.nbt`, all redraws of charts as [start, milliseconds], when what was first there, and clicks.
WATCH = """
window.nbt = {redraws: [], first: {}, channel: null};
new PerformanceObserver((list) => {
  for (const {startTime, duration} of list.getEntriesByName("nbt-redraw")) nbt.redraws.push([startTime, duration]);
}).observe({entryTypes: ["measure"]});
nbt.see = () => {
  for (const selector of [".nbt-live", ".nbt-chart-value"]) {
    if (!(selector in nbt.first) && document.querySelector(selector)) nbt.first[selector] = performance.now();
  }
};
new MutationObserver(nbt.see).observe(document, {childList: true, subtree: true});
window.WebSocket = class extends WebSocket {
  constructor(...args) {
    super(...args);
    if (String(args[0]).includes("/channels")) this.addEventListener("open", () => nbt.channel ??= performance.now());
  }
};
"""


@contextmanager
def workplace() -> Iterator[tuple[Lab, Browser]]:
    """A JupyterLab on an empty folder and an empty workspace, whose kernels find this package; and a browser.

    Raises:
        SystemExit: there is no Chromium.
    """
    chromium = get_chromium.find()
    if chromium is None:
        sys.exit("There is no Chromium on this machine: `python tests/get_chromium.py` gets one.")
    with tempfile.TemporaryDirectory() as folder:
        environment = {"NBTRAIN_HOME": f"{folder}/workspace", "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
        with Lab(Path(folder) / "lab", environment=environment) as lab, browser(chromium) as chrome:
            yield lab, chrome


def notebook(chrome: Browser, lab: Lab, name: str, cells: Sequence[str]) -> Notebook:
    """A notebook of these cells in a tab that is watched."""
    return Notebook(chrome, lab, lab.write(name, cells), watched(chrome))


def watched(chrome: Browser) -> BrowserContext:
    """A context whose pages keep `window.nbt`."""
    context = chrome.new_context(viewport={"width": 1300, "height": 1100})
    context.add_init_script(WATCH)
    return context


def redraws(page: Notebook) -> list[tuple[float, float]]:
    """Start and duration, in milliseconds, of every redraw of a chart since this was last asked."""
    found: list[Any] = page.page.evaluate("nbt.redraws.splice(0)")
    return [(start, duration) for start, duration in found]


def frames(drawn: Sequence[tuple[float, float]]) -> list[float]:
    """Milliseconds spent drawing in each animation frame: charts drawn right after one another share it."""
    spent: list[float] = []
    end = float("-inf")
    for start, duration in sorted(drawn):
        if start - end < 2:
            spent[-1] += duration
        else:
            spent.append(duration)
        end = start + duration
    return spent
