from __future__ import annotations

import re
from pathlib import Path

import pytest

from nbtrain.i18n import catalogue
from nbtrain.widgets.base import Panel
from nbtrain.widgets.control_panel import ControlPanel
from nbtrain.widgets.dataset_preview import DatasetPreview
from nbtrain.widgets.datasets import Datasets
from nbtrain.widgets.hardware_monitor import HardwareMonitor
from nbtrain.widgets.kitchen import Kitchen
from nbtrain.widgets.live_charts import LiveCharts
from nbtrain.widgets.studio import Studio
from tests.i18n import usage

SOURCES = Path(__file__).parents[2] / "frontend" / "src"
PANELS = [ControlPanel, DatasetPreview, Datasets, HardwareMonitor, Kitchen, LiveCharts, Studio]


def bundled(path: Path, found: set[Path]) -> set[Path]:
    """A source and all that it imports of ours, as the bundler follows it."""
    if path not in found:
        found.add(path)
        for name in re.findall(r'from "(\.[^"]+)"', path.read_text("utf-8")):
            there = (path.parent / name).resolve()
            candidates = [there.with_name(f"{there.name}.ts"), there.with_name(f"{there.name}.tsx"), there / "index.ts"]
            bundled(next(file for file in candidates if file.is_file()), found)
    return found


@pytest.mark.parametrize("panel", PANELS)
def test_a_panel_is_given_the_words_its_sources_ask_for_and_no_other_rooms(panel: type[Panel]):
    sources = bundled(SOURCES / panel.name / "index.tsx", set())
    rooms = {key.split(".")[0] for key in catalogue.words("en")}
    asked = {
        key.split(".")[0] for path in sources for _, key in usage.QUOTED.findall(path.read_text("utf-8"))
        if "." in key and key.split(".")[0] in rooms}
    given = {room.removesuffix(".") for room in panel.said}
    if any("chef.key" in path.read_text("utf-8") for path in sources):  # a key that Python chose
        asked.add("chef")
    assert len(sources) > 10
    assert sorted(given) == sorted(asked)
