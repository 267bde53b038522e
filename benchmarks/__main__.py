"""Every benchmark, or those that are named, each in a process of its own.

Usage: ``python -m benchmarks [name …]``
"""

from __future__ import annotations

import subprocess
import sys

from benchmarks.common import ROOT

#: By name, with what it is called with.
ALL: dict[str, list[str]] = {
    "step": ["--peers"], "wire": [], "browser": [], "notebook": [], "checkpoint": [], "imports": [], "busy": [],
    "kills": [], "data": [], "tokenize": [], "models": [],
}


def main(names: list[str]) -> None:
    if unknown := set(names) - ALL.keys():
        sys.exit(f"There is no benchmark {', '.join(sorted(unknown))}; there are: {', '.join(ALL)}.")
    failed = [
        name for name in names or ALL
        if subprocess.run([sys.executable, "-m", f"benchmarks.{name}", *ALL[name]], cwd=ROOT, check=False).returncode]
    if failed:
        sys.exit(f"These benchmarks could not be taken: {', '.join(failed)}.")


if __name__ == "__main__":
    main(sys.argv[1:])
