"""Environments with an older ipykernel, made cheaply: ``python tests/old_kernels.py 6.31``.

The environment's own site-packages holds that ipykernel and what only it needs; all else, torch
included, comes from the environment that runs this script.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).parent.parent
VERSIONS = ("6.31", "7.3")


def environment(version: str) -> Path:
    """The folder of the environment with this ipykernel; its kernel spec is named ``ipykernel-<version>``."""
    return ROOT / f".venv-kernel-{version}"


def python(version: str) -> Path:
    """The interpreter of that environment."""
    return environment(version) / "bin" / "python"


def make(version: str) -> None:
    """Make the environment anew."""
    folder = environment(version)
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    own = Path(sysconfig.get_path("purelib", vars={"base": str(folder)}))
    # addsitedir appends, so the own ipykernel wins, and it follows the .pth files of editable installs.
    (own / "shared.pth").write_text(f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})\n")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", "--python", str(python(version))]
    subprocess.run([*pip, "install", f"ipykernel=={version}.*"], check=True)
    install = [str(python(version)), "-m", "ipykernel", "install", "--sys-prefix"]
    names = ["--name", f"ipykernel-{version}", "--display-name", f"ipykernel {version}"]
    subprocess.run([*install, *names], check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    for wanted in sys.argv[1:] or VERSIONS:
        make(wanted)
