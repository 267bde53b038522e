"""Guides whose examples build on one another, run from top to bottom."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from nbtrain import training

GUIDES = Path(__file__).parents[2] / "docs" / "recipes"


def run_guide(name: str) -> dict[str, Any]:
    """The names a guide leaves behind."""
    code = "\n".join(re.findall(r"```python\n(.*?)```", (GUIDES / name).read_text("utf-8"), flags=re.DOTALL))
    names: dict[str, Any] = {"__name__": name.removesuffix(".md")}
    exec(compile(code, name, "exec"), names)  # noqa: S102 - our own documentation
    return names


def test_your_own():
    run = run_guide("own.md")["run"]
    assert [row["state"] for row in training.runs()] == ["finished"] * 5
    assert run.predict([{"a": 50.0, "b": 0.0}]).tolist() == pytest.approx([150], abs=3)


def test_results():
    names = run_guide("results.md")
    found = names["found"]
    assert found.metrics["accuracy"] > 0.85
    assert found.confusion.to_numpy().sum() == len(found.predictions) == found.outcome.rows


def test_texts():
    names = run_guide("texts.md")
    assert [row["state"] for row in training.runs()] == ["finished"] * 2
    assert names["run"].predict(["really good"]).prediction.tolist() == ["yes"]
    assert len(names["writer"].samples()) > 0
