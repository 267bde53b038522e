from __future__ import annotations

import re
from pathlib import Path
from typing import get_args, get_type_hints

import pytest

from nbtrain.widgets import wire

TYPESCRIPT = Path(__file__).parents[2] / "frontend" / "src" / "shared" / "wire.ts"
TWINS = [
    "RunError", "Resumption", "Chef", "RunState", "SeriesPart", "GpuSample", "HardwareSample", "Snapshot", "Delta",
    "Beat", "Problem", "ReplyError", "Reply", "Field", "Preset", "RunRow", "Subject", "TaskState",
    "RecipeFace", "ColumnChoice", "TeacherChoice", "Foreseen", "SignView", "SampleView",
    "GroupView", "PairView", "WorstView", "ResultsView",
]


def interfaces() -> dict[str, dict[str, bool]]:
    """Interface name → field name → whether the browser must find it there."""
    found = re.findall(r"export interface (\w+) \{\n(.*?)\n\}", TYPESCRIPT.read_text(encoding="utf-8"), re.DOTALL)
    return {
        name: {field: not optional for field, optional in re.findall(r"^  (\w+)(\??):", body, re.MULTILINE)}
        for name, body in found
    }


def test_browser_knows_no_other_message():
    assert sorted(interfaces()) == sorted(TWINS)


@pytest.mark.parametrize("name", TWINS)
def test_same_fields_in_both_languages(name):
    python = getattr(wire, name)
    fields = {field: field in python.__required_keys__ for field in get_type_hints(python)}
    assert fields == interfaces()[name]


def test_same_stages_in_both_languages():
    stages = re.search(r"export type Stage = ([^;]+);", TYPESCRIPT.read_text(encoding="utf-8"))
    assert stages is not None
    assert set(re.findall(r'"(\w+)"', stages[1])) == set(get_args(wire.Stage))
