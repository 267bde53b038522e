"""What a notebook weighs on disk: saved by JupyterLab after a run of 10,000 steps, with its panel and charts on show.

Usage: ``python -m benchmarks.notebook``
"""

from __future__ import annotations

import json
import sys

from playwright.sync_api import expect

from benchmarks.common import Figure, record, table
from benchmarks.page import notebook, workplace

BYTES, STEPS = 100_000, 10_000

SETUP = """
import numpy as np, torch, nbtrain
torch.set_num_threads(1)
inputs = np.random.default_rng(0).normal(size=(8000, 16)).astype("float32")
labels = (inputs[:, 0] > 0).astype("int64")
net = torch.nn.Sequential(torch.nn.Linear(16, 32), torch.nn.ReLU(), torch.nn.Linear(32, 2))
"""
TRAIN = f"run = nbtrain.train(net, (inputs, labels), validation=0.2, batch_size=32, epochs={STEPS // 200})"
CELLS = [SETUP, "nbtrain.Studio()", TRAIN, "nbtrain.LiveCharts(run)", "print(run.wait(), run.step)"]


def measure() -> list[Figure]:
    """The saved notebook, and its outputs by cell, in kB."""
    with workplace() as (lab, chrome):
        page = notebook(chrome, lab, "saved.ipynb", CELLS)
        for place in range(len(CELLS)):
            page.run(place)
        expect(page.panel(2).get_by_text("Finished").first).to_be_visible(timeout=60_000)
        if page.output(4) != f"finished {STEPS}":
            raise RuntimeError(f"The run should have done {STEPS} steps, but the notebook says {page.output(4)!r}.")
        page.page.wait_for_timeout(2000)  # the static twins are drawn once more after the end
        page.save()
        content = (lab.folder / "saved.ipynb").read_bytes()
    sizes = [len(json.dumps(cell["outputs"])) / 1000 for cell in json.loads(content)["cells"]]
    return [
        Figure(f"notebook after {STEPS:,} steps: training, charts and Studio on show",
               [len(content) / 1000], "kB", BYTES / 1000),
        *(Figure(f"of it the output of `{what}`", [sizes[place]], "kB")
          for place, what in enumerate(("nbtrain.Studio", "nbtrain.train", "nbtrain.LiveCharts"), start=1)),
    ]


def main(arguments: list[str]) -> None:
    if arguments:
        sys.exit("benchmarks.notebook takes no arguments.")
    record("A saved notebook", "python -m benchmarks.notebook", table(measure()))


if __name__ == "__main__":
    main(sys.argv[1:])
