"""kill -9 of trainings by recipes, as `test_kill` does of others (see kill_recipes.py)."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.kill_recipes import TRAININGS

pytestmark = pytest.mark.slow
LOOP = Path(__file__).with_name("kill_recipes.py")
ROOT = LOOP.parents[2]


#: As often as it takes to notice what is forgotten; `python -m benchmarks.kills --recipes` kills each ten times.
OFTEN = {"tabular": 10, "timeseries": 10, "text-classification": 10, "causal-lm": 10}


@pytest.mark.parametrize("recipe", sorted(TRAININGS))
def test_killed_runs_by_a_recipe_resume_to_the_same_bits(recipe):
    kills = OFTEN.get(recipe, 3)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tests.faults.kill_recipes", recipe, "--kills", str(kills)], cwd=ROOT,
        capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert (found["killed"], found["same"], found["differing"]) == (kills, kills, [])
    assert len(set(found["steps"])) > kills / 3, "the kills must fall into different steps"
