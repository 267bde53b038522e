"""A page goes and comes back, a second one looks on, and a kernel dies: the run and what is seen of it."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.cells import RUN, SLOW
from tests.browser.conftest import Open
from tests.browser.inside import press, series, soon, state_of
from tests.browser.lab import Lab, Notebook

pytestmark = pytest.mark.browser


def knows_everything(notebook: Notebook, panel_of: int) -> None:
    """The panel of a paused run has each point that the kernel has, once."""
    steps = notebook.ask("run.history['loss'].steps.tolist()")
    assert len(steps) == notebook.ask("run.step") > 0
    panel = notebook.panel(panel_of)
    expect(panel.locator(".nbt-figures")).to_contain_text(f"{len(steps):,} /")
    soon(panel, lambda: series(panel, "loss")[0], steps)  # a change of state is told before the points


def test_a_reload_in_mid_run_comes_back_live_and_complete(notebooks: Open):
    notebook = notebooks(RUN, "")
    notebook.run(0)
    panel = notebook.panel(0)
    expect(panel.get_by_role("img", name="Loss (Training)")).to_be_visible()
    notebook.save()
    notebook.reload()
    expect(state_of(panel)).to_have_text("Running")
    loss = panel.get_by_role("img", name="Loss (Training)")
    said = loss.get_attribute("aria-label") or ""
    expect(loss).not_to_have_attribute("aria-label", said)
    press(panel, "Pause")
    expect(state_of(panel)).to_have_text("Paused")
    knows_everything(notebook, 0)


def test_an_unsaved_notebook_is_attached_again_by_show(notebooks: Open):
    notebook = notebooks(RUN, "nbtrain.show()", "")
    notebook.run(0)
    expect(state_of(notebook.panel(0))).to_have_text("Running")
    notebook.reload()
    expect(notebook.panel(0)).to_have_count(0)
    notebook.run(1)
    panel = notebook.panel(1)
    expect(state_of(panel)).to_have_text("Running")
    press(panel, "Pause")
    expect(state_of(panel)).to_have_text("Paused")
    knows_everything(notebook, 1)


def test_a_second_tab_agrees_and_steers(notebooks: Open):
    first = notebooks(RUN, "")
    first.run(0)
    expect(state_of(first.panel(0))).to_have_text("Running")
    first.save()
    second = notebooks(of=first)
    expect(state_of(second.panel(0))).to_have_text("Running")
    press(second.panel(0), "Pause")
    expect(state_of(second.panel(0))).to_have_text("Paused")
    expect(state_of(first.panel(0))).to_have_text("Paused")
    knows_everything(first, 0)
    soon(second.panel(0), lambda: series(second.panel(0), "loss"), series(first.panel(0), "loss"))
    press(first.panel(0), "Resume")
    expect(state_of(second.panel(0))).to_have_text("Running")


def test_a_kernel_that_restarts_is_said_and_the_run_goes_on_exactly(notebooks: Open, lab: Lab):
    notebook = notebooks(
        RUN, 'run.checkpoint(); print(run.id, flush=True); run.wait(1); print("step", run.step)',
        SLOW + 'run = nbtrain.resume(nbtrain.runs()[0]["id"], model=net, data=(X, y))', "")
    notebook.run(0)
    panel = notebook.panel(0)
    expect(state_of(panel)).to_have_text("Running")
    notebook.run(1)
    run_id = notebook.output(1).split()[0]
    lab.restart(notebook.name)
    expect(panel.get_by_text("The kernel is gone")).to_be_visible()
    expect(panel.locator(".nbt-actions button:enabled")).to_have_count(0)
    notebook.run(2)
    again = notebook.panel(2)
    expect(state_of(again)).to_have_text("Running")
    expect(again.get_by_text("Resumed exactly")).to_be_visible()
    assert notebook.ask("[run.id, run.resumed['exact'], run.pause().step > 0]") == [run_id, True, True]
    knows_everything(notebook, 2)
