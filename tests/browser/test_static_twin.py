"""What a saved notebook shows of a run when its kernel is gone."""

from __future__ import annotations

import subprocess
import sys

import nbformat
import pytest
from playwright.sync_api import Browser, Locator, expect

from tests.browser.cells import SLOW
from tests.browser.conftest import Open
from tests.browser.lab import SECONDS, Lab

pytestmark = pytest.mark.browser

RUN = SLOW + 'run = nbtrain.train(net, (X, y), epochs=2, name="digits")'


def shows_the_run(twin: Locator, loss: str) -> None:
    expect(twin).to_be_visible()
    expect(twin).to_contain_text("Finished")
    curves = twin.get_by_role("img", name="Loss over 170 steps")
    expect(curves).to_be_visible()
    assert curves.evaluate("image => image.decode().then(() => image.naturalWidth)") > 0
    expect(twin.get_by_role("row", name="Loss").first).to_contain_text(loss)


def test_without_its_kernel_a_saved_notebook_shows_curves_and_figures(notebooks: Open, lab: Lab, chrome: Browser):
    notebook = notebooks(RUN, "run.wait();", "")
    notebook.run(0)
    twin = notebook.cells.nth(0).locator(".nbt-static")
    notebook.run(1)
    expect(notebook.panel(0).get_by_text("Finished").first).to_be_visible()
    expect(twin).to_contain_text("Finished")  # brought up to date
    expect(twin).to_be_hidden()  # for the live panel stands beside it
    loss = notebook.ask("format(run.history.last('loss'), '.4g')")
    notebook.save()
    notebook.close()

    # JupyterLab gives it a new kernel, which knows nothing of the panel.
    later = notebooks(of=notebook)
    shows_the_run(later.cells.nth(0).locator(".nbt-static"), loss)
    dead = later.page.get_by_text("Error displaying widget")
    expect(dead).to_be_attached()
    expect(dead).to_be_hidden()
    later.heard.excused = "widget model not found"  # JupyterLab's own complaint, which is right

    later.close()

    # Opened by somebody else, or changed by another program, it is not trusted: JupyterLab leaves out styles and SVG.
    file = lab.folder / notebook.name
    content = nbformat.read(file, nbformat.NO_CONVERT)
    content.cells[0].outputs[-1]["metadata"]["changed"] = True
    nbformat.write(content, file)
    others = notebooks(of=notebook)
    shows_the_run(others.cells.nth(0).locator(".nbt-static"), loss)
    assert others.cells.nth(0).locator("style").count() == 0  # which shows that it is not trusted
    others.heard.excused = "widget model not found"

    # As a page that nbconvert makes, with no JupyterLab around it.
    page = lab.folder / "page.html"
    subprocess.run(
        [sys.executable, "-m", "nbconvert", "--to", "html", "--output", str(page), str(lab.folder / notebook.name)],
        check=True, capture_output=True, timeout=SECONDS)
    tab = chrome.new_context().new_page()
    tab.route("http*://**", lambda route: route.abort())  # nbconvert's own scripts come from elsewhere
    tab.goto(page.as_uri())
    shows_the_run(tab.locator(".nbt-static"), loss)
    tab.close()
