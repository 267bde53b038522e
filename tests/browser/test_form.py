"""What the form is told of teachers, and what is typed to change a run, in a real notebook."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.cells import SLOW
from tests.browser.conftest import Open
from tests.browser.inside import press, state_of

pytestmark = pytest.mark.browser

TAUGHT = """
import numpy as np, pandas as pd, nbtrain
draw = np.random.default_rng(0)
flowers = pd.DataFrame({"petals": draw.normal(size=120), "height": draw.normal(size=120)})
flowers["kind"] = np.where(flowers.petals > 0, "rose", "daisy")
flowers["colour"] = np.where(flowers.height > 0, "red", "blue")
few = flowers.drop(columns="colour")
nbtrain.load_dataset(few, name="flowers")
for target, data in {"kind": few, "colour": flowers.drop(columns="kind")}.items():
    run = nbtrain.train("tabular-mlp", data, target=target, recipe="tabular", epochs=1, show=False)
    run.wait()
    run.register("large-" + target, promote=False)
panel = nbtrain.ControlPanel()
panel
"""
STEERED = SLOW + "panel = nbtrain.ControlPanel(net, (X, y))\npanel"


def field(panel: Locator, name: str) -> Locator:
    return panel.get_by_role("textbox", name=name, exact=True)


def test_a_teacher_is_chosen_among_the_models_that_can_teach(notebooks: Open):
    notebook = notebooks(TAUGHT, "")
    notebook.run(0)
    panel = notebook.panel(0)
    for label, value in {"Recipe": "tabular", "Data": "dataset:flowers", "Target": "kind"}.items():
        panel.get_by_label(label, exact=True).select_option(value)
    field(panel, "Epochs").fill("1")
    panel.locator(".nbt-group").get_by_role("button").filter(has_text="Distillation").click()
    teacher = panel.get_by_role("combobox", name="Teacher", exact=True)
    expect(teacher.locator("option")).to_have_text(
        ["No teacher", "large-kind · Version 1 · tabular-mlp", "Another, by its name…"])
    panel.get_by_text("1 model cannot teach this").click()
    expect(panel.get_by_role("listitem").filter(has_text="large-colour")).to_contain_text(
        "it knows other classes: blue, red")

    # By the keyboard alone: to the field to type in, and back to the one that is known.
    teacher.focus()
    notebook.page.keyboard.press("End")
    typed = panel.get_by_role("textbox", name="Name of the teacher")
    expect(typed).to_be_focused()
    notebook.page.keyboard.type("hub:owner/name")
    expect(typed).to_have_value("hub:owner/name")
    teacher.select_option("large-kind")
    expect(typed).to_have_count(0)
    press(panel, "Start")
    expect(state_of(panel)).to_have_text("Finished")
    assert notebook.ask("panel.run.config['teacher']") == "large-kind"


def test_a_change_that_is_not_applied_is_there_after_a_reload_and_on_another_page(notebooks: Open):
    notebook = notebooks(STEERED, "")
    notebook.run(0)
    panel = notebook.panel(0)
    field(panel, "Epochs").fill("500")
    press(panel, "Start")
    expect(state_of(panel)).to_have_text("Running")
    notebook.save()
    rate = panel.get_by_role("textbox", name="Learning rate", exact=True)
    before = rate.input_value()
    rate.fill("0.00025")
    notebook.reload()  # at once, as one does
    there = notebook.panel(0)
    other = notebooks(of=notebook).panel(0)
    for page in (there, other):
        expect(field(page, "Learning rate")).to_have_value("0.00025")
        expect(page.locator(".nbt-live-pending")).to_contain_text("Not applied yet.")
    assert notebook.ask("panel.run.config['learning_rate']") == pytest.approx(float(before))

    press(other, "Apply")
    for page in (there, other):
        expect(page.locator(".nbt-live-pending")).to_have_count(0)
        expect(field(page, "Learning rate")).to_have_value("0.00025")
    assert notebook.ask("panel.run.config['learning_rate']") == 0.00025

    field(there, "Learning rate").fill("0.1")
    expect(other.locator(".nbt-live-pending")).to_have_count(1)
    notebook.ask("str(panel.run.stop())")
    expect(state_of(there)).to_have_text("Stopped")
    press(there, "Resume from checkpoint")
    expect(state_of(other)).to_have_text("Running")
    for page in (there, other):
        expect(field(page, "Learning rate")).to_have_value("0.00025")
    notebook.ask("str(panel.run.stop())")
