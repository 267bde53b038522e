"""`kill -9` at random moments of a run, resumed, and compared to the last bit with a run that was left alone.

Usage: ``python -m benchmarks.kills [kills]``
"""

from __future__ import annotations

import json
import subprocess
import sys

from benchmarks.common import ROOT, record


def main(arguments: list[str]) -> None:
    kills = int(arguments[0]) if arguments else 100
    loop = [sys.executable, str(ROOT / "tests" / "faults" / "kill_loop.py"), "--kills", str(kills)]
    out = subprocess.run(loop, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    told = json.loads(out.splitlines()[-1])
    steps = told["steps"]
    text = (
        f"{told['same']} of {told['killed']} killed runs came to the same SHA-256 of weights, optimizer, averaged "
        f"weights, state and metrics; killed at steps {steps[0]}–{steps[-1]}, the middle one {steps[len(steps) // 2]}; "
        f"{told['too_late']} kills came too late and do not count.")
    different = f"Different: {', '.join(told['differing']) or 'nothing'}."
    record("Kills", "python -m benchmarks.kills", [text, "", different])


if __name__ == "__main__":
    main(sys.argv[1:])
