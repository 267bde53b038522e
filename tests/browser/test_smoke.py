"""The one thing that must always work: Pause is heard while the very cell that shows the panel spins."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.lab import Lab, Notebook, browser

pytestmark = pytest.mark.browser

TRAIN = """
import time
import numpy as np, torch, nbtrain
X = np.random.default_rng(0).normal(size=(20_000, 16)).astype("float32")
y = (X[:, 0] > 0).astype("int64")
net = torch.nn.Sequential(torch.nn.Linear(16, 32), torch.nn.ReLU(), torch.nn.Linear(32, 2))
run = nbtrain.train(net, (X, y), epochs=1000)
end = time.monotonic() + 120
while run.state != "paused" and time.monotonic() < end:
    pass
print("seen:", run.state)
"""


@pytest.fixture(scope="module")
def chrome(chromium: str) -> Iterator[Browser]:
    with browser(chromium) as found:
        yield found


@pytest.fixture
def lab(tmp_path: Path, workspace: Path) -> Iterator[Lab]:
    with Lab(tmp_path / "lab", environment={"NBTRAIN_HOME": str(workspace)}) as running:
        yield running


def pause_while_the_cell_spins(chrome: Browser, lab: Lab, kernel: str) -> None:
    notebook = Notebook(chrome, lab, lab.write("smoke.ipynb", [TRAIN, "run.stop()"], kernel))
    notebook.run(0, wait=False)
    panel = notebook.panel(0)
    expect(panel.get_by_text("Running").first).to_be_visible(timeout=60_000)
    assert notebook.is_running(0)
    panel.get_by_role("button", name="Pause").click()
    expect(panel.get_by_text("Paused").first).to_be_visible(timeout=10_000)
    expect(notebook.cells.nth(0).get_by_text("seen: paused")).to_be_visible(timeout=10_000)
    notebook.run(1)
    assert [line for line in notebook.heard.console if line.startswith("error")] == []


def test_pause_is_heard_while_the_same_cell_spins(chrome: Browser, lab: Lab):
    pause_while_the_cell_spins(chrome, lab, "python3")


@pytest.mark.kernels
def test_pause_is_heard_in_older_kernels(chrome: Browser, lab: Lab, old_kernel: str):
    pause_while_the_cell_spins(chrome, lab, f"ipykernel-{old_kernel}")
