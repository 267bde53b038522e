"""What a run took for what and where it errs most: looked at in its panel, there again after a reload."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.conftest import Open
from tests.browser.inside import press
from tests.browser.lab import Notebook

pytestmark = pytest.mark.browser

#: A run that has ended, with test rows that are told apart by a number and a word, some of them wrongly.
RUN = """
import numpy as np, pandas as pd, nbtrain
draw = np.random.default_rng(0)
rows = pd.DataFrame({"size": draw.normal(100, 20, 300).round(1), "colour": draw.choice(["red", "<b>blue</b>"], 300)})
rows["kind"] = np.where(rows["size"] + draw.normal(0, 12, 300) > 100, "<i>large</i>", "کوچک")
run = nbtrain.train(
    "tabular-mlp", rows, recipe="tabular", target="kind", epochs=6, learning_rate=5e-3, test=0.2, name="sizes",
    show=False)
run.wait()
nbtrain.show(run)
"""


def opened(notebooks: Open, cell: str) -> tuple[Notebook, Locator]:
    notebook = notebooks(cell, "")
    notebook.run(0)
    return notebook, notebook.panel(0)


def test_results_are_looked_at_and_are_there_after_a_reload(notebooks: Open):
    notebook, panel = opened(notebooks, RUN)
    results = panel.get_by_role("region", name="Results")
    press(panel, "Look at the results")
    table = results.get_by_role("table").first
    expect(table).to_be_visible()
    heads = table.locator("tbody th")
    expect(heads).to_have_text(["<i>large</i>", "کوچک"])
    counts = [int(cell.inner_text().split()[0]) for cell in table.locator("tbody td").all()]
    found = "run.results()"
    assert counts == notebook.ask(f"{found}.confusion.to_numpy().ravel().tolist()")
    worst = results.get_by_role("listitem")
    assert worst.count() == 12
    first = notebook.ask(f"int({found}.worst['row'].iloc[0])")
    expect(worst.first).to_contain_text(f"Row {first}")
    expect(worst.first).to_contain_text("colour")
    assert results.locator("i, b").count() == 0
    notebook.save()
    notebook.reload()
    again = notebook.panel(0).get_by_role("region", name="Results")
    again.get_by_role("button", name="Results Accuracy").click()
    expect(again.get_by_role("listitem").first).to_contain_text(f"Row {first}")
