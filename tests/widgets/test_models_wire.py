"""The model browser's two sides know the same views, and ask for what the widget answers."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args, get_type_hints

import pytest

from nbtrain.core import model_views
from nbtrain.core.tasks import Tasks
from nbtrain.widgets.models import Models

PANEL = Path(__file__).parents[2] / "frontend" / "src" / "models"
SHARED = PANEL.parent / "shared" / "work"
TWINS = [name for name in dir(model_views) if hasattr(getattr(model_views, name), "__required_keys__")]
#: A request, or one by a helper that takes its kind first: `request<T>("kind"`, `ask("kind"`, `change("kind"`.
ASKED = re.compile(r"""\b(?:request(?:WithBuffers)?(?:<[^;()]*>)?|ask|change)\(\s*"(\w+)"\s*[,)]""")


def interfaces():
    """Interface name → its fields, as the browser has them."""
    text = (PANEL / "wire.ts").read_text(encoding="utf-8")
    found = re.findall(r"export interface (\w+) \{\n(.*?)\n\}", text, re.DOTALL)
    return {name: re.findall(r"^  (\w+):", body, re.MULTILINE) for name, body in found}


def unions():
    """Names of the browser's closed lists of words → the words."""
    text = (PANEL / "wire.ts").read_text(encoding="utf-8")
    return {name: re.findall(r'"(\w+)"', words) for name, words in re.findall(r"export type (\w+) = ([^;]+);", text)}


def test_browser_knows_no_other_views():
    assert sorted(interfaces()) == sorted(TWINS)


@pytest.mark.parametrize("name", TWINS)
def test_same_fields_in_both_languages(name):
    assert list(get_type_hints(getattr(model_views, name))) == interfaces()[name]


@pytest.mark.parametrize("name", ["Stage", "Format"])
def test_same_words_in_both_languages(name):
    assert list(get_args(getattr(model_views, name))) == unions()[name]


class FakeDesk:
    """Has nothing but tasks: only the kinds of requests are looked at."""

    def __init__(self):
        self.tasks = Tasks()

    def __getattr__(self, name):
        return None


@pytest.mark.usefixtures("browser")
def test_the_browser_asks_for_nothing_the_widget_does_not_answer(pump, worker):
    asked = {
        kind for folder in (PANEL, SHARED) for path in folder.rglob("*.ts*")
        for kind in ASKED.findall(path.read_text(encoding="utf-8"))}
    answered = Models(FakeDesk(), pump=pump, worker=worker).handlers().keys()
    assert len(asked) > 25
    assert asked <= answered
