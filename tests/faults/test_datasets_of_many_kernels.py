"""Several kernels that rename, delete and import datasets of one workspace at once: nothing is lost or there twice."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from nbtrain.data.keeping.library import Library
from nbtrain.data.keeping.tidying import ABANDONED_SECONDS
from nbtrain.store.datasets import name_key
from nbtrain.store.workspace import is_id
from tests.waiting import until

KERNELS = 3
ROUNDS = 60

pytestmark = pytest.mark.slow


def start(seed: int, rounds: int = ROUNDS) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.faults.dataset_kernel", str(seed), str(rounds)], stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2])


def imported(workspace: Path) -> set[str]:
    """The datasets that are whole, and not deleted."""
    return {path.name for path in workspace.glob("datasets/*") if is_id(path.name)}


def more(workspace: Path, before: set[str]) -> bool:
    return bool(imported(workspace) - before)


def check(library: Library) -> None:
    """Names are unique, every dataset is whole in its place, and nothing lies about."""
    library.tidy()
    there, gone = library.list(), library.list(deleted=True)
    keys = [name_key(record.name) for record in there]
    assert len(keys) == len(set(keys))
    for record in (*there, *gone):
        folder = library.folder(record.id)
        assert pq.read_table(folder / "data.parquet")["content"].to_pylist() == [record.fingerprint]
    datasets, trash = library.workspace.datasets_folder, library.workspace.trash_folder
    assert {path.name for path in datasets.iterdir() if is_id(path.name)} == {record.id for record in there}
    assert {path.name for path in trash.iterdir()} == {record.id for record in gone}


def test_kernels_that_want_the_same_names(workspace: Path) -> None:
    kernels = [start(seed) for seed in range(KERNELS)]
    said = [kernel.communicate(timeout=300) for kernel in kernels]
    assert [error for _, error in said] == [""] * KERNELS
    done, forestalled = (sum(int(out.split()[at]) for out, _ in said) for at in (0, 1))
    assert done + forestalled == KERNELS * ROUNDS
    assert forestalled > 0
    library = Library()
    check(library)
    told = [line.kind for line in library.workspace.database.activity(10_000)]
    assert told.count("dataset imported") == len(library.list()) + len(library.list(deleted=True))
    assert told.count("dataset deleted") - told.count("dataset restored") == len(library.list(deleted=True))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL.")
def test_kernels_that_are_killed(workspace: Path) -> None:
    chance = random.Random(5)  # noqa: S311 - not for secrets
    for seed in range(4):
        before = imported(workspace)
        kernels = [start(10 * seed + number, 100_000) for number in range(2)]
        # A kill before a kernel is at work would prove nothing; one that is killed half-way leaves no whole dataset.
        until(partial(more, workspace, before), "a kernel has imported a dataset")
        for kernel in kernels:
            time.sleep(0.2 + chance.random() * 0.3)
            assert kernel.poll() is None, kernel.communicate()[1]
            kernel.send_signal(signal.SIGKILL)
            kernel.communicate()
    library = Library()
    assert library.list() or library.list(deleted=True)
    for path in [*library.workspace.datasets_folder.iterdir(), *library.workspace.trash_folder.iterdir()]:
        if is_id(path.name):
            assert pq.read_table(path / "data.parquet").num_rows == 1
    for record in library.list(deleted=True):  # set right, whichever moment it was
        library.restore(record.id)
    for record in library.list():
        library.rename(record.id, f"again {record.id}")
        library.delete(record.id)
        library.restore(record.id)
    for path in library.workspace.datasets_folder.glob(".*.unfinished"):
        os.utime(path, (1, time.time() - ABANDONED_SECONDS - 60))
    check(library)
    assert not list(library.workspace.datasets_folder.glob(".*.unfinished"))
