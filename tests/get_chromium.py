"""A Chromium for the browser tests: the one on the PATH, else Playwright's, else Debian's.

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
    if found := find():
        return found
    playwright = [sys.executable, "-m", "playwright"]
    downloaded = _run(*playwright, "install", "chromium")
    if downloaded and (found := find()):
        return found
    if shutil.which("apt-get") and os.geteuid() == 0:
        if downloaded:
            _run(*playwright, "install-deps", "chromium")
        else:
            _run("apt-get", "update", "-qq")
            _run("apt-get", "install", "-y", "-qq", "chromium")
    return find()


def _run(*command: str) -> bool:
    return subprocess.run(command, check=False).returncode == 0


if __name__ == "__main__":
    path = get()
    sys.exit(1 if path is None and os.environ.get("CI") == "true" else 0)
