"""Several kernels on one workspace, killed at random moments: nothing that was promised is lost, nothing is damaged."""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from nbtrain.store import lock, metrics
from nbtrain.store.workspace import Workspace
from tests.waiting import until

KERNELS = 3
ROUNDS = 6

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL."),
]


def kill_some_kernels(promises: Path, seed: int) -> None:
    """Start `KERNELS` kernels, each writing its promises to a file, and kill them one by one at random moments."""
    chance = random.Random(seed)  # noqa: S311 - not for secrets
    started = []
    for number in range(KERNELS):
        with (promises / f"{seed}-{number}").open("wb") as file:
            started.append(subprocess.Popen(
                [sys.executable, "-m", "tests.faults.kernel", "200"], stdout=file, stderr=subprocess.PIPE,
                cwd=Path(__file__).parents[2]))
    try:
        for number in range(KERNELS):  # a kill before the first promise would prove nothing
            until((promises / f"{seed}-{number}").read_bytes, "the kernel has made its first promise")
        for kernel in chance.sample(started, KERNELS):
            time.sleep(chance.random() * 0.3)
            assert kernel.poll() is None, kernel.communicate()[1].decode()
            kernel.send_signal(signal.SIGKILL)
    finally:
        for kernel in started:
            kernel.kill()
            _, said = kernel.communicate()
    assert said == b""


def promised(promises: Path) -> dict[str, dict[str, int]]:
    """Run → the last step of which its kernel was told that its record (`recorded`) and its metrics are written."""
    found: dict[str, dict[str, int]] = {}
    for file in promises.iterdir():
        for line in file.read_bytes().splitlines():
            promise = json.loads(line)
            found.setdefault(promise.pop("run"), {}).update(promise)
    return found


def intact(path: Path) -> bool:
    connection = sqlite3.connect(path)
    try:
        return connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    finally:
        connection.close()


def test_what_was_promised_is_there(tmp_path: Path, workspace: Path) -> None:
    promises = tmp_path / "promises"
    promises.mkdir()
    for seed in range(ROUNDS):
        kill_some_kernels(promises, seed)
    last = promised(promises)
    assert len(last) >= KERNELS * ROUNDS
    assert sum(promise["recorded"] > 0 for promise in last.values()) > KERNELS

    here = Workspace(workspace)
    assert intact(workspace / "workspace.db")
    assert {record.id for record in here.database.runs()} >= last.keys()
    activity = {(line.run, line.text) for line in here.database.activity(10**6)}
    for run_id, promise in last.items():
        recorded, measured = promise["recorded"], promise["measured"]
        folder = here.run_folder(run_id)
        record = here.database.run(run_id)
        assert record.step >= recorded
        assert recorded == 0 or record.metrics == {"loss": 1 / record.step}
        assert recorded == 0 or (run_id, str(recorded)) in activity
        history = metrics.load(folder)
        assert measured == 0 or history["loss"].steps.tolist()[:measured] == list(range(1, measured + 1))
        assert [line["step"] for line in here.journal(run_id).read()][:recorded] == list(range(1, recorded + 1))
        assert not (folder / "metrics.sqlite").exists() or intact(folder / "metrics.sqlite")
        assert not lock.is_held(folder)
    here.close()


def test_a_kernel_that_lives_holds_its_run_and_others_see_what_it_writes(workspace: Path) -> None:
    kernel = subprocess.Popen(  # of one run, which has not ended when it is stopped, however late that is
        [sys.executable, "-m", "tests.faults.kernel", "1000000"], stdout=subprocess.PIPE, cwd=Path(__file__).parents[2])
    try:
        assert kernel.stdout is not None
        run_id, step = "", 0
        while step < 10:
            promise = json.loads(kernel.stdout.readline())
            run_id, step = promise["run"], promise.get("measured", step)
        os.kill(kernel.pid, signal.SIGSTOP)  # alive, but doing nothing
        here = Workspace(workspace)
        assert here.database.run(run_id).step >= step
        assert len(metrics.load(here.run_folder(run_id))["loss"].steps) >= step
        assert lock.is_held(here.run_folder(run_id))
        os.kill(kernel.pid, signal.SIGCONT)
        here.close()
    finally:
        kernel.kill()
        kernel.communicate()
