"""Pause is heard while a cell computes: what a panel in a notebook stands or falls with."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.cells import RUN
from tests.browser.conftest import Open
from tests.browser.inside import press, state_of
from tests.browser.lab import Notebook

pytestmark = pytest.mark.browser

SPIN = """
import time
end = time.monotonic() + 120
while run.state != "paused" and time.monotonic() < end:
    pass
print("seen:", run.state)
"""
IN_A_THREAD = RUN.replace('name="slow"', 'name="slow", show=False') + """
import threading
thread = threading.Thread(target=run.show)
thread.start()
thread.join()
"""


def pause_is_heard(notebook: Notebook, panel_of: int, spins: int) -> None:
    """Click Pause in the panel below one cell while another, or the same, spins."""
    panel = notebook.panel(panel_of)
    expect(state_of(panel)).to_have_text("Running")
    assert notebook.is_running(spins)
    press(panel, "Pause")
    expect(state_of(panel)).to_have_text("Paused")
    expect(notebook.cells.nth(spins).get_by_text("seen: paused")).to_be_visible()


def test_while_the_same_cell_spins(notebooks: Open):
    notebook = notebooks(RUN + SPIN)
    notebook.run(0, wait=False)
    pause_is_heard(notebook, 0, 0)


@pytest.mark.kernels
def test_while_the_same_cell_spins_on_an_older_kernel(notebooks: Open, old_kernel: str):
    notebook = notebooks('import ipykernel; print("version", ipykernel.__version__)\n' + RUN + SPIN,
                         kernel=f"ipykernel-{old_kernel}")
    notebook.run(0, wait=False)
    pause_is_heard(notebook, 0, 0)
    assert f"version {old_kernel}." in notebook.output(0)


def test_when_a_thread_displayed_the_panel(notebooks: Open):
    notebook = notebooks(IN_A_THREAD + SPIN)
    notebook.run(0, wait=False)
    pause_is_heard(notebook, 0, 0)


def test_after_a_reload(notebooks: Open):
    notebook = notebooks(RUN, SPIN)
    notebook.run(0)
    expect(state_of(notebook.panel(0))).to_have_text("Running")
    notebook.save()
    notebook.reload()
    notebook.run(1, wait=False)
    pause_is_heard(notebook, 0, 1)
