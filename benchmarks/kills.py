"""`kill -9` at random moments of a run, resumed, and compared to the last bit with a run that was left alone.

Usage: ``python -m benchmarks.kills [kills]``, or ``python -m benchmarks.kills --recipes [kills]`` for each recipe.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from benchmarks.common import ROOT, record

_WHAT = "SHA-256 of weights, optimizer, averaged weights, state and metrics"


def told(script: list[str]) -> dict[str, Any]:
    """What a loop of kills says at its end; where it fails, its report is on the screen."""
    out = subprocess.run([sys.executable, *script], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
    found: dict[str, Any] = json.loads(out.splitlines()[-1])
    return found


def of_the_engine(kills: int) -> None:
    """Of a model and data that are handed in."""
    found = told(["tests/faults/kill_loop.py", "--kills", str(kills)])
    steps, differing = found["steps"], ", ".join(found["differing"]) or "nothing"
    text = (
        f"{found['same']} of {found['killed']} killed runs came to the same {_WHAT}; killed at steps "
        f"{steps[0]}–{steps[-1]}, the middle one {steps[len(steps) // 2]}; {found['too_late']} kills came too late "
        "and do not count.")
    record("Kills", "python -m benchmarks.kills", [text, "", f"Different: {differing}."])


def of_recipes(kills: int) -> None:
    """Of a training by each recipe, whose data and model the run finds again by itself."""
    from tests.faults.kill_recipes import TRAININGS

    lines = [
        f"Killed runs that came to the same {_WHAT}.", "", "| recipe | the same | killed at steps | different |",
        "|---|---|---|---|"]
    for recipe in TRAININGS:
        found = told(["-W", "ignore", "-m", "tests.faults.kill_recipes", recipe, "--kills", str(kills)])
        steps = found["steps"]
        lines.append(
            f"| {recipe} | {found['same']} of {found['killed']} | {steps[0]}–{steps[-1]} | "
            f"{', '.join(found['differing']) or 'nothing'} |")
        print(lines[-1], flush=True)
    record("Kills of recipes", "python -m benchmarks.kills --recipes", lines)


def main(arguments: list[str]) -> None:
    """Kill, and write down what became of it."""
    numbers = [int(each) for each in arguments if each != "--recipes"]
    if "--recipes" in arguments:
        of_recipes(*numbers or [10])
    else:
        of_the_engine(*numbers or [100])


if __name__ == "__main__":
    main(sys.argv[1:])
