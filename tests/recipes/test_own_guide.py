"""The guide to losses, steps, teachers and recipes of one's own, run from top to bottom."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from nbtrain import training


def test_the_guide_runs_and_its_runs_end_well():
    text = (Path(__file__).parents[2] / "docs" / "recipes" / "own.md").read_text("utf-8")
    code = "\n".join(re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL))
    names: dict[str, object] = {"__name__": "own"}
    exec(compile(code, "own.md", "exec"), names)  # noqa: S102 - our own documentation
    assert [row["state"] for row in training.runs()] == ["finished"] * 5
    run = names["run"]
    assert run.predict([{"a": 50.0, "b": 0.0}]).tolist() == pytest.approx([150], abs=3)  # type: ignore[attr-defined]
