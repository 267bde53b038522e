"""A library, and a small file to import into it."""

from __future__ import annotations

from pathlib import Path

import pytest

from nbtrain.data.keeping.library import Library


@pytest.fixture
def library() -> Library:
    """The datasets of the test's own workspace."""
    return Library()


@pytest.fixture
def reviews(tmp_path: Path) -> Path:
    """A CSV of three rows: label and text."""
    path = tmp_path / "reviews.csv"
    path.write_text('label,text\ngood,fine\nbad,poor\ngood,"well, yes"\n', "utf-8")
    return path
