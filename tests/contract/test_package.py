"""What is handed to users: a source distribution, and a wheel built from it with its panels inside."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def test_the_lock_file_names_no_other_host_than_the_public_registry() -> None:
    lock = json.loads((ROOT / "frontend" / "package-lock.json").read_text(encoding="utf-8"))
    sources = {entry["resolved"] for entry in lock["packages"].values() if "resolved" in entry}
    assert [url for url in sources if not url.startswith("https://registry.npmjs.org/")] == []
    assert all("integrity" in entry for path, entry in lock["packages"].items() if path)


@pytest.mark.slow
def test_a_wheel_built_from_the_source_distribution_holds_the_panels(tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        (checkout / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, checkout / name)

    _build(checkout, "sdist", tmp_path)
    with tarfile.open(next(tmp_path.glob("*.tar.gz"))) as archive:
        archive.extractall(tmp_path / "source", filter="data")
    source = next((tmp_path / "source").iterdir())
    assert not (source / "frontend" / "node_modules").exists()
    assert not (source / "nbtrain" / "widgets" / "static").exists()

    _build(source, "wheel", tmp_path)
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        names = set(wheel.namelist())
    panels = {path.parent.name for path in (ROOT / "frontend" / "src").glob("*/index.ts*")}
    assert panels
    assert {f"nbtrain/widgets/static/{panel}.{kind}" for panel in panels for kind in ("js", "css")} <= names
    words = {path.relative_to(ROOT).as_posix() for path in (ROOT / "nbtrain" / "i18n").glob("*.json")}
    assert words | {"nbtrain/py.typed"} <= names


def _build(folder: Path, target: str, into: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(into)],
        cwd=folder, capture_output=True, text=True, check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
