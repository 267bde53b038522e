"""The examples of docs/own-loops.md run as they stand there, one after another."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import Any

import pytest

import nbtrain

GUIDE = Path(__file__).parents[2] / "docs" / "own-loops.md"


@pytest.mark.filterwarnings("ignore")  # the libraries' own
def test_every_example_of_the_guide_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    examples = re.findall(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    namespace: dict[str, Any] = {}
    run = 0
    for example in examples:
        if "import lightning" in example and importlib.util.find_spec("lightning") is None:
            continue
        exec(compile(example, str(GUIDE), "exec"), namespace)  # noqa: S102 - an example of our own
        run += 1
    rows = nbtrain.runs()
    assert run == len(rows) >= 3
    assert {row["state"] for row in rows} == {"finished"}
    assert rows[-1]["metrics"]["loss"] < 2.3  # it learns
    assert rows[-2]["metrics"]["val_accuracy"] > 0.5
