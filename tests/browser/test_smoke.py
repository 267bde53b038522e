from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.lab import Lab, Notebook, browser

pytestmark = pytest.mark.browser

MAKE = """
import numpy as np, torch, nbtrain
X = np.random.default_rng(0).normal(size=(20_000, 16)).astype("float32")
y = (X[:, 0] > 0).astype("int64")
net = torch.nn.Sequential(torch.nn.Linear(16, 32), torch.nn.ReLU(), torch.nn.Linear(32, 2))
run = nbtrain.train(net, (X, y), epochs=1000)
"""
SPIN = """
import time
end = time.monotonic() + 60
while run.state != "paused" and time.monotonic() < end:
    pass
print("seen:", run.state)
"""


@pytest.fixture(scope="module")
def chrome(chromium: str):
    with browser(chromium) as found:
        yield found


def test_pause_is_heard_while_the_same_cell_spins(chrome: Browser, tmp_path: Path, workspace: Path):
    with Lab(tmp_path / "lab", environment={"NBTRAIN_HOME": str(workspace)}) as lab:
        notebook = Notebook(chrome, lab, lab.write("smoke.ipynb", [MAKE + SPIN, "run.stop()"]))
        notebook.run(0, wait=False)
        panel = notebook.panel(0)
        expect(panel.get_by_text("Running").first).to_be_visible(timeout=60_000)
        assert notebook.is_running(0)
        panel.get_by_role("button", name="Pause").click()
        expect(panel.get_by_text("Paused").first).to_be_visible(timeout=10_000)
        expect(notebook.cells.nth(0).get_by_text("seen: paused")).to_be_visible(timeout=10_000)
        notebook.run(1)
        assert [line for line in notebook.heard.console if line.startswith("error")] == []
