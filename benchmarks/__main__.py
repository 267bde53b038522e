"""Every benchmark, or those that are named, each in a process of its own.

Usage: ``python -m benchmarks [--data FOLDER] [name …]``, FOLDER for `benchmarks.learning`.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from benchmarks.common import ROOT

#: By name, with what Python is called with.
ALL: dict[str, list[str]] = {
    "step": ["benchmarks.step", "--peers"],
    **{name: [f"benchmarks.{name}"] for name in (
        "wire", "browser", "notebook", "checkpoint", "imports", "busy", "kills", "data", "tokenize", "models",
        "learning")},
    "kills_of_recipes": ["benchmarks.kills", "--recipes"],
}


def main(names: list[str], data: Path | None = None) -> None:
    """Take the figures, one benchmark after the other. Ends with a sentence where some could not be taken."""
    if unknown := set(names) - ALL.keys():
        sys.exit(f"There is no benchmark {', '.join(sorted(unknown))}; there are: {', '.join(ALL)}.")
    failed = []
    for name in names or ALL:
        more = ["--data", str(data.resolve())] if name == "learning" and data is not None else []
        if subprocess.run([sys.executable, "-m", *ALL[name], *more], cwd=ROOT, check=False).returncode:
            failed.append(name)
    if failed:
        sys.exit(f"These benchmarks could not be taken: {', '.join(failed)}.")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--data", type=Path)
    given = parser.parse_args()
    main(given.names, given.data)
