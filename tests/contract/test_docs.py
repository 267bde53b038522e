"""The documentation builds without a warning, and its reference page has every option."""

from __future__ import annotations

import html
import re
import subprocess
import sys
from pathlib import Path

import pytest

from nbtrain.config import PRESETS, fields
from nbtrain.config.recipe_defaults import DEFAULTS
from nbtrain.data.processing import steps_schema

ROOT = Path(__file__).parents[2]


LOADS = re.compile(r"""<(?:script|link|img)[^>]+(?:src|href)=["']https?://[^"']+""")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    build = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    done = subprocess.run(build, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_the_reference_page_has_every_option_and_preset(site: Path) -> None:
    page = html.unescape((site / "options" / "index.html").read_text(encoding="utf-8"))
    assert set(re.findall(r'<h3 id="(\w+)"', page)) == {field["name"] for field in fields()}
    assert [name for name in PRESETS if f'preset="{name}"' not in page] == []
    assert [name for name, options in DEFAULTS.items() if options and f'recipe="{name}"' not in page] == []


def test_the_page_of_steps_has_every_step(site: Path) -> None:
    page = (site / "steps" / "index.html").read_text(encoding="utf-8")
    assert set(re.findall(r'<h3 id="(\w+)"', page)) == {step["name"] for step in steps_schema()}


def test_the_site_loads_nothing_from_another_host(site: Path) -> None:
    pages = [path.read_text(encoding="utf-8") for path in site.rglob("*.html")]
    assert pages
    assert [found for page in pages for found in LOADS.findall(page)] == []
