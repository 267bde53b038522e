"""A real disk that is full, and one that is read-only: small ones, mounted for the test alone."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

IN_OWN_MOUNTS = ["unshare", "--user", "--map-root-user", "--mount"]


@pytest.fixture(scope="module")
def own_mounts() -> list[str]:
    """How to start a process that may mount what only it sees."""
    if shutil.which("unshare") is None or subprocess.run(
        [*IN_OWN_MOUNTS, "true"], check=False, capture_output=True
    ).returncode:
        pytest.skip("This system lets nobody but root mount a disk.")
    return IN_OWN_MOUNTS


@pytest.mark.parametrize("what", ["full", "read_only", "data"])
def test_a_small_disk(tmp_path: Path, own_mounts: list[str], what: str) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    script = shlex.join([sys.executable, "-m", "tests.faults.small_disk", what, str(disk)])
    mount = shlex.join(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(disk)])
    ended = subprocess.run(
        [*own_mounts, "sh", "-c", f"{mount} && exec {script}"], cwd=Path(__file__).parents[2], check=False,
        capture_output=True, text=True, timeout=300)
    assert ended.returncode == 0, ended.stderr
