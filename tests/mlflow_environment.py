"""An environment with MLflow, made cheaply: ``python tests/mlflow_environment.py``.

MLflow wants an older pyarrow than ours, so it cannot lie in ours. This environment's own site-packages holds MLflow and
what only it needs; all else, torch and nbtrain included, comes from the environment that runs this script.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).parent.parent
VERSION = "3.17.2"
#: What its server needs, of what the whole of MLflow asks for.
NEEDED = (
    "aiohttp>=3.9,<4", "Flask>=3,<4", "Flask-CORS>=6,<7", "graphene>=3,<4", "alembic>=1.13,<2", "sqlalchemy>=2,<3",
    "huey>=2.5.4,<4")


def environment() -> Path:
    """Its folder."""
    return ROOT / ".venv-mlflow"


def python() -> Path:
    """Its interpreter."""
    return environment() / "bin" / "python"


def make() -> None:
    """Make the environment anew."""
    folder = environment()
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    own = Path(sysconfig.get_path("purelib", vars={"base": str(folder)}))
    (own / "shared.pth").write_text(f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})\n")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", "--python", str(python())]
    subprocess.run([*pip, "install", f"mlflow-skinny=={VERSION}", *NEEDED], check=True)
    whole = [f"mlflow=={VERSION}", f"mlflow-tracing=={VERSION}"]
    subprocess.run([*pip, "install", "--no-deps", *whole], check=True)  # ours is newer than the pyarrow they ask for


if __name__ == "__main__":
    make()
