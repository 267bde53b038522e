"""A loop of the user's own in a cell: its panel draws and is heard while the cell runs."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Open
from tests.browser.inside import pixels, press, soon, state_of

pytestmark = pytest.mark.browser

LOOP = """
import time
import torch, nbtrain
torch.manual_seed(0)
inputs = torch.randn(64, 8)
loader = [(inputs, inputs[:, 0])] * 100
net = torch.nn.Linear(8, 1)
optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
tracked = nbtrain.track(loader, epochs=1000, name="mine", model=net, optimizer=optimizer)
for x, y in tracked:
    loss = (net(x)[:, 0] - y).square().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    nbtrain.log(loss=loss)
    time.sleep(0.01)
print("left at", tracked.step, "in state", tracked.state)
"""


def test_the_panel_of_a_loop_is_heard_while_its_cell_runs(notebooks: Open):
    notebook = notebooks(LOOP, "")
    notebook.run(0, wait=False)
    panel = notebook.panel(0)
    state = state_of(panel)
    expect(state).to_have_text("Running")
    loss = panel.get_by_role("img", name="Loss (Training) of mine")
    expect(loss).to_be_visible()
    assert notebook.is_running(0)

    press(panel, "Pause")
    expect(state).to_have_text("Paused")
    soon(loss, lambda: pixels(loss) > 0, wanted=True)  # a change of state is told before the points
    step = panel.locator(".nbt-figures").inner_text()
    notebook.page.wait_for_timeout(500)
    assert panel.locator(".nbt-figures").inner_text() == step  # the cell waits
    assert notebook.is_running(0)

    # A live edit is carried out in the pause; there is nothing to save in a loop that is not ours.
    rate = panel.get_by_role("textbox", name="Learning rate", exact=True)
    rate.fill("0.02")
    press(panel, "Apply")
    expect(panel.get_by_role("button", name="Apply")).to_have_count(0)
    expect(panel.get_by_role("button", name="Save", exact=False)).to_have_count(0)

    press(panel, "Resume")
    expect(state).to_have_text("Running")
    expect(panel.locator(".nbt-figures")).not_to_have_text(step)

    press(panel, "Stop")
    panel.get_by_role("alertdialog").get_by_role("button").first.click()
    expect(state).to_have_text("Stopped")
    expect(notebook.cells.nth(0).get_by_text("in state stopped")).to_be_visible()
    expect(panel.get_by_role("button", name="Resume", exact=False)).to_have_count(0)
    assert notebook.ask("optimizer.param_groups[0]['lr']") == 0.02
    assert notebook.ask("[row['state'] for row in nbtrain.runs()]") == ["stopped"]
    expect(notebook.cells.nth(0).locator(".nbt-static")).to_contain_text("Stopped")  # its copy for the saved notebook


def test_an_interrupt_of_the_cell_stops_the_run(notebooks: Open, lab):
    notebook = notebooks(LOOP, "")
    notebook.run(0, wait=False)
    state = state_of(notebook.panel(0))
    expect(state).to_have_text("Running")
    lab.api(f"/api/kernels/{lab.kernel_id(notebook.name)}/interrupt", "POST")
    expect(state).to_have_text("Stopped")
    expect(notebook.cells.nth(0).get_by_text("KeyboardInterrupt").first).to_be_visible()
    assert notebook.ask("tracked.reason") == "Interrupted."
