from __future__ import annotations

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.cells import SLOW
from tests.browser.conftest import Open
from tests.browser.inside import pixels, press, soon, state_of

pytestmark = pytest.mark.browser

PANEL = SLOW + "panel = nbtrain.ControlPanel(net, (X, y))\npanel"


def field(panel: Locator, name: str) -> Locator:
    return panel.get_by_role("textbox", name=name, exact=True)


def test_a_wrong_option_is_explained_beside_its_field_and_nothing_starts(notebooks: Open):
    notebook = notebooks(PANEL, "")
    notebook.run(0)
    panel = notebook.panel(0)
    epochs = field(panel, "Epochs")
    epochs.fill("0")
    expect(epochs).to_have_attribute("aria-invalid", "true")
    sentence = panel.locator(f"id={epochs.get_attribute('aria-describedby')}")
    expect(sentence).to_contain_text("epochs")
    expect(panel.get_by_text("1 option needs a change")).to_be_visible()
    press(panel, "Start")
    expect(panel.get_by_role("button", name="Start", exact=True)).to_be_enabled()
    assert notebook.ask("len(nbtrain.runs())") == 0
    epochs.fill("three")
    expect(sentence).to_contain_text("not a number")
    expect(panel.get_by_role("button", name="Start", exact=True)).to_be_disabled()
    epochs.fill("1")
    expect(sentence).to_have_count(0)
    press(panel, "Start")
    expect(panel.get_by_text("Finished").first).to_be_visible()
    assert notebook.ask("[panel.run.epochs, panel.run.state]") == [1, "finished"]


def test_a_run_is_started_steered_and_continued_from_the_form(notebooks: Open):
    notebook = notebooks(PANEL, "")
    notebook.run(0)
    panel = notebook.panel(0)
    state = state_of(panel)
    field(panel, "Epochs").fill("500")
    press(panel, "Start")
    expect(state).to_have_text("Running")

    # Charts and state bar move.
    loss = panel.get_by_role("img", name="Loss (Training) of Slow")
    said, step = loss.get_attribute("aria-label"), panel.locator(".nbt-figures").inner_text()
    soon(loss, lambda: pixels(loss) > 0, wanted=True)
    expect(loss).not_to_have_attribute("aria-label", said or "")
    expect(panel.locator(".nbt-figures")).not_to_have_text(step)

    press(panel, "Pause")
    expect(state).to_have_text("Paused")
    assert notebook.ask("panel.run.state") == "paused"
    press(panel, "Resume")
    expect(state).to_have_text("Running")

    # A live edit reaches the run and its journal.
    field(panel, "Learning rate").fill("0.00025")
    press(panel, "Apply")
    expect(panel.get_by_role("button", name="Apply")).to_have_count(0)
    assert notebook.ask("panel.run.config['learning_rate']") == 0.00025
    edits = notebook.ask(
        "[e for e in map(json.loads, (panel.run.folder / 'journal.jsonl').open()) if e['event'] == 'OptionEdited']")
    assert [(edit["name"], edit["new"]) for edit in edits] == [("learning_rate", 0.00025)]
    field(panel, "Learning rate").fill("1e9")
    press(panel, "Apply")
    expect(panel.locator(".nbt-field-problem")).to_contain_text("learning_rate")
    press(panel, "Cancel")

    # Stop asks once.
    press(panel, "Stop")
    press(panel, "Keep training")
    expect(state).to_have_text("Running")
    press(panel, "Stop")
    press(panel, "Stop the run")
    expect(state).to_have_text("Stopped")
    stopped = notebook.ask("[panel.run.id, panel.run.step, panel.run.state]")
    assert stopped[2] == "stopped"

    press(panel, "Resume from checkpoint")
    expect(state).to_have_text("Running")
    expect(panel.get_by_text("Resumed exactly")).to_be_visible()
    run, now = notebook.ask("[panel.run.id, panel.run.step]")
    assert run == stopped[0]
    assert now >= stopped[1]

    press(panel, "Stop")
    press(panel, "Stop the run")
    expect(state).to_have_text("Stopped")
    press(panel, "New run")
    expect(state).to_have_text("Running")
    assert notebook.ask("panel.run.id") != run
