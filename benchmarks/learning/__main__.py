"""Every benchmark of what is learnt, or those that are named, each in a process of its own.

Usage: ``python -m benchmarks.learning [--data FOLDER] [name …]``, FOLDER with the data that cannot be made here:
``sms_spam.tsv`` and ``stocks.csv``, as `spam` and `stocks` say. What needs a file that is not there is left out.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from benchmarks.common import ROOT

#: By name, with the file that it needs.
ALL: dict[str, str | None] = {
    "tabular": None, "spam": "sms_spam.tsv", "next_token": "sms_spam.tsv", "stocks": "stocks.csv",
    "landmarks": None, "speech": None, "distillation": None,
}


def main(names: list[str], data: Path | None) -> None:
    """Take the figures, one benchmark after the other. Ends with a sentence where some could not be taken."""
    if unknown := set(names) - ALL.keys():
        sys.exit(f"There is no benchmark {', '.join(sorted(unknown))} of learning; there are: {', '.join(ALL)}.")
    failed = []
    for name in names or ALL:
        needed = ALL[name]
        file = None if needed is None or data is None else data / needed
        if needed is not None and (file is None or not file.is_file()):
            print(f"{name} needs {needed}, which is not there; give its folder: --data FOLDER.", flush=True)
            if names:
                failed.append(name)
            continue
        command = [sys.executable, "-m", f"benchmarks.learning.{name}", *([] if file is None else [str(file)])]
        if subprocess.run(command, cwd=ROOT, check=False).returncode:
            failed.append(name)
    if failed:
        sys.exit(f"These benchmarks of learning could not be taken: {', '.join(failed)}.")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--data", type=Path)
    given = parser.parse_args()
    main(given.names, None if given.data is None else given.data.resolve())
