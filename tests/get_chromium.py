"""A Chromium for the browser tests: the one on the PATH, else Playwright's, else the distribution's.

``python tests/get_chromium.py`` gets one where none is there. It fails only under ``CI=true``:
elsewhere the browser tests are skipped, and say so.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")


def find() -> str | None:
    """The path of a Chromium that starts on this machine, or None."""
    with sync_playwright() as playwright:
        own = playwright.chromium.executable_path
    for path in filter(None, [*map(shutil.which, NAMES), own]):
        if Path(path).is_file() and _run(path, "--version"):
            return path
    return None


def get() -> str | None:
    """As `find`, installing one first where none is there."""
    can_apt = shutil.which("apt-get") is not None and os.geteuid() == 0
    for way in _by_playwright, _by_apt:
        if found := find():
            return found
        way(with_apt=can_apt)
    return find()


def _by_playwright(*, with_apt: bool) -> None:
    _run(sys.executable, "-m", "playwright", "install", *(["--with-deps"] if with_apt else []), "chromium")


def _by_apt(*, with_apt: bool) -> None:
    if with_apt and _run("apt-get", "update", "-qq"):
        _run("apt-get", "install", "-y", "-qq", "chromium")


def _run(*command: str) -> bool:
    return subprocess.run(command, check=False).returncode == 0


if __name__ == "__main__":
    path = get()
    sys.exit(1 if path is None and os.environ.get("CI") == "true" else 0)
