"""What a panel in the browser knows and draws."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Locator

from tests.browser.lab import SECONDS

#: The panel's services hang on the component that Preact drew into the panel's element.
_STORE = """root => {
    const find = node => node?.props?.panel ?? (node?.__k ?? []).map(find).find(Boolean);
    return find(root.__k).store;
}"""


def states(panel: Locator) -> list[dict[str, Any]]:
    """The states of the runs on show, as they were told last."""
    told: list[dict[str, Any]] = panel.evaluate(f"root => [...({_STORE})(root).states.get().values()]")
    return told


def series(panel: Locator, name: str) -> tuple[list[int], list[float]]:
    """Steps and values of a series of the one run on show."""
    steps, values = panel.evaluate(f"""(root, name) => {{
        const store = ({_STORE})(root);
        const [run] = store.states.get().keys();
        const series = store.series(run, name);
        return series ? [[...series.steps], [...series.values]] : [[], []];
    }}""", name)
    return steps, values


def pixels(chart: Locator) -> int:
    """How many pixels of the chart's lines are drawn: those that are neither clear nor grey."""
    count: int = chart.locator("canvas").first.evaluate("""canvas => {
        const {data} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
        let count = 0;
        for (let i = 0; i < data.length; i += 4) {
            const [r, g, b, a] = data.subarray(i, i + 4);
            if (a > 100 && Math.max(r, g, b) - Math.min(r, g, b) > 60) count++;
        }
        return count;
    }""")
    return count


def soon(panel: Locator, found: Callable[[], object], wanted: object) -> None:
    """Look until something is as it should be; the last look tells what it is instead."""
    until = time.monotonic() + SECONDS
    while found() != wanted and time.monotonic() < until:
        panel.page.wait_for_timeout(50)
    assert found() == wanted


def press(panel: Locator, name: str) -> None:
    """Click the button of this name."""
    panel.get_by_role("button", name=name, exact=True).click()


def state_of(panel: Locator) -> Locator:
    """Where a control panel says its run's state in a word."""
    return panel.locator(".nbt-run-state")
