"""kill -9 at random moments, resume, and compare every bit with a run that was left alone (see kill_loop.py)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
LOOP = Path(__file__).with_name("kill_loop.py")


def loop(kills, leave_out=""):
    done = subprocess.run(
        [sys.executable, str(LOOP), "--kills", str(kills), "--leave-out", leave_out], env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_40_of_40_killed_runs_resume_to_the_same_bits():
    found = loop(40)
    assert found["killed"] == 40
    assert min(found["steps"]) > 0
    assert max(found["steps"]) - min(found["steps"]) > 48, "the kills must fall into different epochs"
    assert found["differing"] == []
    assert found["same"] == 40


@pytest.mark.parametrize("component", [
    "model", "optimizer", "ema", "stopping", "step", "epoch", "batch", "samples", "loss_sum", "loss_count"])
def test_a_component_that_is_left_out_is_noticed(component):
    found = loop(3, leave_out=component)
    assert found["killed"] == 3
    assert found["same"] < 3, f"the comparison does not notice that {component} is missing"
