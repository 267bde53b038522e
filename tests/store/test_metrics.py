from __future__ import annotations

import errno
import math
import sqlite3
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbtrain.core.errors import WorkspaceError
from nbtrain.core.history import History
from nbtrain.store import metrics
from nbtrain.store.metrics import Recorder, load
from tests.waiting import until

PARAMETERS = ("loss", "learning_rate", "val_loss")


def same(one: History, other: History) -> bool:
    """True when both hold the same points to the same bits."""
    mine = {name: one[name] for name in one if len(one.column(name))}
    theirs = {name: other[name] for name in other if len(other.column(name))}
    return mine.keys() == theirs.keys() and all(
        np.array_equal(mine[name].steps, theirs[name].steps)
        and mine[name].values.tobytes() == theirs[name].values.tobytes() for name in mine)


def train(history: History, first: int, last: int) -> None:
    """Points as a run makes them: every step, a rate that is no float32, and now and then a validation."""
    for step in range(first, last):
        history.append("loss", step, float(np.float32(1 / (step + 1))))
        history.append("learning_rate", step, 0.1 * math.cos(step))
        if step % 97 == 3:
            history.append("val_loss", step, math.nan if step % 2 else math.inf)


def test_a_history_comes_back_to_the_same_bits(tmp_path: Path) -> None:
    history = History()
    recorder = Recorder(tmp_path, history)
    for first in range(0, 10_000, 701):
        train(history, first, min(first + 701, 10_000))
        recorder.flush()
        assert same(load(tmp_path), history)
    recorder.close()
    assert same(load(tmp_path), history)
    assert load(tmp_path).names == ["loss", "learning_rate", "val_loss"]


@given(st.lists(st.tuples(st.integers(0, 5), st.floats(width=32) | st.floats())))
def test_any_steps_and_values_come_back(
    tmp_path_factory: pytest.TempPathFactory, points: list[tuple[int, float]]
) -> None:
    folder = tmp_path_factory.mktemp("run")
    history, step = History(), -3
    for ahead, value in points:
        step += ahead
        history.append("m", step, float("nan") if math.isnan(value) else value)
    recorder = Recorder(folder, history)
    recorder.close()
    assert same(load(folder), history)


def test_a_run_without_a_file_has_an_empty_history(tmp_path: Path) -> None:
    assert load(tmp_path).names == []


def test_points_are_written_without_being_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "_SECONDS", 0.01)
    history = History()
    recorder = Recorder(tmp_path, history)
    history.append("loss", 1, 0.5)
    until(lambda: same(load(tmp_path), history), "the points are in the file")
    recorder.close()


def test_truncated_is_forgotten_on_disk_too(tmp_path: Path) -> None:
    history = History()
    train(history, 0, 6000)
    recorder = Recorder(tmp_path, history)
    recorder.flush()
    for step in (5999, 4500, 4096, 100, -1):
        recorder.truncate(step)
        found = load(tmp_path)
        assert same(found, history)
        assert all(found[name].steps[-1] <= step for name in found)
    train(history, 0, 3000)
    recorder.close()
    assert same(load(tmp_path), history)


def test_a_resume_goes_on_where_the_file_ends_without_writing_it_anew(tmp_path: Path) -> None:
    history = History()
    train(history, 0, 5000)
    Recorder(tmp_path, history).close()
    history = load(tmp_path)
    recorder = Recorder(tmp_path, history)
    assert recorder._connection.execute("SELECT total_changes()").fetchone() == (0,)
    recorder.flush()
    assert recorder._connection.execute("SELECT total_changes()").fetchone() == (0,)
    train(history, 5000, 5002)
    recorder.flush()
    assert recorder._connection.execute("SELECT total_changes()").fetchone()[0] <= 4  # two newest chunks, written anew
    recorder.close()
    assert same(load(tmp_path), history)


@pytest.mark.parametrize("step", [4999, 4097, 2500, 0, -1])
def test_a_resume_from_an_older_step_replaces_what_came_after(tmp_path: Path, step: int) -> None:
    history = History()
    train(history, 0, 5000)
    history.append("abandoned", 4000, 1.0)
    Recorder(tmp_path, history).close()
    history = load(tmp_path)
    history.truncate(step)
    recorder = Recorder(tmp_path, history)
    recorder.flush()
    assert same(load(tmp_path), history)
    history.append("loss", step + 1, 42.0)
    recorder.close()
    assert same(load(tmp_path), history)


def test_a_million_steps_stay_small(tmp_path: Path) -> None:
    history = History()
    steps = np.arange(200_000)
    history.column("loss").extend(steps, np.random.default_rng(0).random(200_000, dtype=np.float32))
    history.column("learning_rate").extend(steps, np.cos(steps))
    Recorder(tmp_path, history).close()
    size = sum(path.stat().st_size for path in tmp_path.iterdir())
    assert size < 200_000 * (4 + 8) * 1.1


def test_a_full_disk_is_told_once_and_made_up_for_later(tmp_path: Path) -> None:
    told: list[WorkspaceError] = []
    history = History()
    train(history, 0, 100)
    recorder = Recorder(tmp_path, history, told.append)
    recorder.flush()
    (pages,) = recorder._connection.execute("PRAGMA page_count").fetchone()
    recorder._connection.execute(f"PRAGMA max_page_count = {pages}")
    train(history, 100, 20_000)
    recorder._turn()
    recorder._turn()
    assert [error.errno for error in told] == [errno.ENOSPC]
    with pytest.raises(WorkspaceError, match="disk is full"):
        recorder.flush()
    assert len(load(tmp_path)["loss"].steps) == 100
    recorder._connection.execute("PRAGMA max_page_count = 100000")
    recorder._turn()
    assert same(load(tmp_path), history)
    recorder.close()
    recorder.close()  # nothing more to do


def test_a_full_disk_at_the_end_is_told_and_the_file_closed(tmp_path: Path) -> None:
    history = History()
    recorder = Recorder(tmp_path, history)
    recorder._connection.execute("PRAGMA max_page_count = 1")
    train(history, 0, 20_000)
    with pytest.raises(WorkspaceError):
        recorder.close()
    with pytest.raises(sqlite3.ProgrammingError):
        recorder._connection.execute("SELECT 1")


def test_reading_and_writing_at_the_same_time(tmp_path: Path) -> None:
    history = History()
    recorder = Recorder(tmp_path, history)
    end = threading.Event()

    def write() -> None:
        first = 0
        while not end.is_set():
            train(history, first, first + 500)
            first += 500
            recorder.flush()

    thread = threading.Thread(target=write)
    thread.start()
    for _ in range(30):
        found = load(tmp_path)
        for name in found:
            expected = history[name]
            assert np.array_equal(found[name].steps, expected.steps[: len(found[name].steps)])
    end.set()
    thread.join()
    recorder.close()
    assert same(load(tmp_path), history)
