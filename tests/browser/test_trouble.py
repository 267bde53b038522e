"""What goes wrong is said in the panel, in words, and the panel goes on."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.cells import SLOW
from tests.browser.conftest import Open
from tests.browser.inside import press, state_of

pytestmark = pytest.mark.browser

RAISES = SLOW + """
class Breaking(Slow):
    steps = 0
    def forward(self, x):
        if self.training:
            Breaking.steps += 1
            if Breaking.steps > 50:
                raise RuntimeError("The fifty-first batch was too much.")
        return super().forward(x)
run = nbtrain.train(Breaking(), (X, y), epochs=5, name="breaking")
"""
DIVERGES = """
def loss(output, target):
    value = torch.nn.functional.cross_entropy(output, target)
    return value * float("nan") if run_of and run_of[0].step >= 20 else value
run_of = []
run_of.append(nbtrain.train(net, (X, y), loss=loss, epochs=5, name="diverging"))
"""
HANDLER = """
panel = nbtrain.ControlPanel(net, (X, y))
def broken(*_):
    raise ZeroDivisionError("the launcher has a bug")
panel.launcher.start = broken
panel
"""


def test_a_model_that_raises(notebooks: Open):
    notebook = notebooks(RAISES, "nbtrain.Kitchen(run)", "")
    notebook.run(0)
    panel = notebook.panel(0)
    expect(state_of(panel)).to_have_text("Failed")
    said = panel.get_by_role("alert")
    expect(said).to_contain_text("The run failed")
    expect(said).to_contain_text("The fifty-first batch was too much.")
    expect(panel.locator(".nbt-figures")).to_contain_text("50 /")
    assert "fifty-first" in notebook.ask("str(run.error)")
    notebook.run(1)
    kitchen = notebook.panel(1)
    expect(kitchen.get_by_role("alert")).to_contain_text("The fifty-first batch was too much.")
    # Said once: the chef leaves it to the box.
    expect(kitchen.get_by_text("fifty-first")).to_have_count(1)
    expect(panel.get_by_role("button", name="Resume from checkpoint")).to_be_enabled()


def test_a_loss_that_is_not_finite(notebooks: Open):
    notebook = notebooks(SLOW, DIVERGES, "")
    notebook.run(0)
    notebook.run(1)
    panel = notebook.panel(1)
    expect(state_of(panel)).to_have_text("Failed")
    said = panel.get_by_role("alert")
    expect(said).to_contain_text("nan")
    expect(said).to_contain_text("The weights are those of the last good step.")
    expect(panel.locator(".nbt-chef-line")).to_contain_text("0.0001")
    assert notebook.ask("all(bool(p.isfinite().all()) for p in net.parameters())") is True


def test_a_handler_that_raises(notebooks: Open):
    notebook = notebooks(SLOW + HANDLER, "del panel.launcher.start", "")
    notebook.run(0)
    panel = notebook.panel(0)
    press(panel, "Start")
    said = panel.get_by_role("alert")
    expect(said).to_contain_text("ZeroDivisionError: the launcher has a bug")
    press(said, "Dismiss")
    expect(said).to_have_count(0)
    notebook.run(1)
    press(panel, "Start")
    expect(state_of(panel)).to_have_text("Running")
    notebook.heard.excused = "the launcher has a bug"  # told on the console too, for those who look for bugs
