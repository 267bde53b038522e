"""kill -9 at random moments, resume, and compare every bit with a run that was left alone (see kill_loop.py)."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow
LOOP = Path(__file__).with_name("kill_loop.py")
COMPONENTS = ["model", "optimizer", "ema", "stopping", "step", "epoch", "batch", "samples", "loss_sum", "loss_count"]
#: Two processes at a time: a kill waits for the disk as often as it computes.
HALVES = 2


def loops(kills: int, *, seed: int = 0, leave_out: Sequence[str] = ()) -> list[dict[str, Any]]:
    """What kill_loop.py found: in one loop, or in one for each component that is left out."""
    done = subprocess.run(
        [sys.executable, str(LOOP), "--kills", str(kills), "--seed", str(seed), "--leave-out", *leave_out],
        capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(HALVES) as pool:
        yield pool


@pytest.fixture(scope="module")
def broken(pool: ThreadPoolExecutor) -> dict[str, dict[str, Any]]:
    """What a loop found for each component that is left out of the resume."""
    halves = [COMPONENTS[half::HALVES] for half in range(HALVES)]
    found = pool.map(lambda half: loops(3, leave_out=half), halves)
    return {component: one for half, of_half in zip(halves, found, strict=True)
            for component, one in zip(half, of_half, strict=True)}


def test_40_of_40_killed_runs_resume_to_the_same_bits(pool):
    halves = [half for [half] in pool.map(lambda seed: loops(40 // HALVES, seed=seed), range(HALVES))]
    steps = [step for half in halves for step in half["steps"]]
    assert sum(half["killed"] for half in halves) == len(steps) == 40
    assert min(steps) > 0
    assert max(steps) - min(steps) > 48, "the kills must fall into different epochs"
    assert [half["differing"] for half in halves] == [[], []]
    assert sum(half["same"] for half in halves) == 40


@pytest.mark.parametrize("component", COMPONENTS)
def test_a_component_that_is_left_out_is_noticed(component, broken):
    found = broken[component]
    assert found["killed"] == 3
    assert found["same"] < 3, f"the comparison does not notice that {component} is missing"
