"""Panels fit a narrow cell and a wide one, in every language: nothing is cut off, nothing runs over the edge."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.cells import RUN
from tests.browser.conftest import Open
from tests.browser.lab import Notebook

pytestmark = pytest.mark.browser

#: As a user widens and narrows the window; the cell is what the page leaves to it.
WIDTHS = (1100, 600)
#: What sticks out of its panel sideways, and buttons whose words do not fit. Charts take a frame to take the new size.
MISFITS = """async root => {
    for (let frame = 0; frame < 2; frame++) await new Promise(requestAnimationFrame);
    const box = root.getBoundingClientRect();
    const seen = [...root.querySelectorAll('*')].filter(node => node.checkVisibility() && !node.closest('.u-over'));
    const out = seen.filter(node => {
        const { left, right, width } = node.getBoundingClientRect();
        return width > 1 && !node.closest('.nbt-hidden, svg') && (left < box.left - 1 || right > box.right + 1);
    });
    const cut = seen.filter(node => node.matches('button, label') && node.scrollWidth > node.clientWidth + 1
        && getComputedStyle(node).display !== 'inline');
    return [...out, ...cut].map(node => node.outerHTML.slice(0, 160));
}"""


def test_every_panel_fits_in_every_language(notebooks: Open):
    notebook = notebooks(RUN, "run.pause(); nbtrain.Studio()", "")
    notebook.run(0)
    expect(notebook.panel(0).get_by_role("img").nth(1)).to_be_visible()
    notebook.run(1)
    studio = notebook.panel(1)
    tabs = studio.get_by_role("tab")
    for tab in tabs.all():
        tab.click()
        expect(studio.locator("[role=tabpanel]:not([hidden]) .nbt-live")).to_be_visible()
    misfits: list[tuple[int, str, str, str]] = []
    for width in WIDTHS:
        widen(notebook, width)
        for language in ("ru", "fa", "en"):
            studio.locator(".nbt-studio-language select").select_option(language)
            expect(notebook.panel(0)).to_have_attribute("lang", language)
            misfits += [(width, language, "alone", found) for found in notebook.panel(0).evaluate(MISFITS)]
            for tab in tabs.all():
                tab.click()
                misfits += [(width, language, tab.inner_text(), found) for found in studio.evaluate(MISFITS)]
                height = studio.locator("[role=tabpanel]:not([hidden]) .nbt-live").evaluate("node => node.clientHeight")
                assert height <= 562, (width, language, tab.inner_text())
    assert misfits == []


def widen(notebook: Notebook, width: int) -> None:
    """Give the window the size at which a cell's output is this wide."""
    page = notebook.page
    now = notebook.panel(0).evaluate("node => node.getBoundingClientRect().width")
    size = page.viewport_size
    assert size
    page.set_viewport_size({"width": round(size["width"] + width - now), "height": size["height"]})
    page.wait_for_function(
        "([node, width]) => Math.abs(node.getBoundingClientRect().width - width) < 2",
        arg=[notebook.panel(0).element_handle(), width])
