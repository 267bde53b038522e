"""Every file call of a checkpoint fails in turn: an older generation always loads, and the next write goes well."""

from __future__ import annotations

import errno
import logging
from pathlib import Path

import pytest
import torch

from nbtrain.core.errors import CheckpointError, WorkspaceError
from nbtrain.engine.checkpoint import CheckpointFolder
from nbtrain.engine.snapshot import Snapshot
from nbtrain.store import atomic
from nbtrain.store.journal import Journal
from tests.faults.failing_files import FailingFiles

FOREVER = 10**6
CAUSES = {errno.ENOSPC: "the disk is full", errno.EIO: "input/output error", errno.EROFS: "may not be written to"}
ERRORS = [(errno.ENOSPC, 1), (errno.ENOSPC, FOREVER), (errno.EIO, 1), (errno.EIO, FOREVER), (errno.EROFS, FOREVER)]


def snapshot(step: int) -> Snapshot:
    components = {"model": {"w": torch.full((3,), float(step))}, "optimizer": {"m": torch.zeros(2)}}
    return Snapshot(step, components, {"a": step})


def sound(folder: CheckpointFolder) -> list[int]:
    """Steps of which every byte is as it was written."""
    found = []
    for generation in folder.generations():
        loaded, _, _ = folder.load(generation.step)
        assert loaded.state == {"a": generation.step}
        assert loaded.components["model"]["w"].tolist() == [float(generation.step)] * 3
        found.append(generation.step)
    return found


def calls_of_a_write(folder: Path, disk: FailingFiles) -> list[str]:
    """What a write asks of the disk when the folder has what the tests below give it."""
    checkpoints = CheckpointFolder(folder, keep=1)
    checkpoints.write(snapshot(1), "every")
    disk.heal()
    checkpoints.write(snapshot(2), "every")
    return list(disk.calls)


def test_a_write_asks_what_this_test_can_fail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = calls_of_a_write(tmp_path / "a", FailingFiles(tmp_path, monkeypatch))
    assert set(calls) >= {"mkdir", "open", "write", "fsync", "rename", "read"}
    assert calls.count("fsync") == 5 + 2  # five files, their folder, and the folder it appears in
    assert calls.index("rename") > max(index for index, call in enumerate(calls) if call == "write")


@pytest.mark.parametrize(("error", "times"), ERRORS)
def test_whichever_call_fails_an_older_checkpoint_loads_and_the_next_goes_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: int, times: int
) -> None:
    caplog.set_level(logging.CRITICAL)
    disk = FailingFiles(tmp_path, monkeypatch)
    count = len(calls_of_a_write(tmp_path / "dry", disk))
    said: list[str] = []
    for number in range(count):
        folder = CheckpointFolder(tmp_path / f"run{number}", keep=1)
        disk.heal()
        folder.write(snapshot(1), "every")
        disk.fail(number, error, times)
        try:
            folder.write(snapshot(2), "every")
        except (WorkspaceError, CheckpointError) as failure:
            said.append(str(failure))
            expected = {1, 2}
        else:
            expected = {2}
        assert disk.failed
        disk.heal()
        steps = sound(folder)
        assert steps
        assert expected & set(steps)
        folder.write(snapshot(3), "every")
        assert sound(folder) == [3]
        assert [path.name for path in folder.folder.iterdir()] == ["step-000000003"]
    assert len(said) > count / 2
    assert [sentence for sentence in said if CAUSES[error] not in sentence] == []


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO])
def test_a_disk_that_fails_says_so_and_keeps_every_older_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: int
) -> None:
    disk = FailingFiles(tmp_path, monkeypatch)
    folder = CheckpointFolder(tmp_path / "checkpoints", keep=3)
    for step in (1, 2, 3):
        folder.write(snapshot(step), "every")
    before = {path: path.read_bytes() for path in folder.folder.rglob("*.*") if path.is_file()}
    disk.heal()
    folder.write(snapshot(4), "every")
    writes = [number for number, call in enumerate(disk.calls) if call == "write"]
    folder.truncate(3)
    for path, content in before.items():  # the oldest was pruned
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
    for number in writes:
        disk.fail(number, error, FOREVER)
        with pytest.raises(WorkspaceError) as caught:
            folder.write(snapshot(4), "every")
        assert caught.value.errno == error
        disk.heal()
        assert {path: path.read_bytes() for path in before} == before


@pytest.mark.parametrize("error", [errno.EIO, errno.EACCES])
def test_whichever_call_fails_while_loading_an_older_one_is_given_and_it_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: int
) -> None:
    folder = CheckpointFolder(tmp_path, keep=2)
    folder.write(snapshot(1), "every")
    folder.write(snapshot(2), "every")
    disk = FailingFiles(tmp_path, monkeypatch)
    disk.heal()
    folder.load()
    for number in range(len(disk.calls)):
        disk.fail(number, error)
        loaded, generation, skipped = folder.load()
        assert (loaded.step, generation.step) == (1, 1)
        assert len(skipped) == 1
        assert "step-000000002 was skipped: Cannot read" in skipped[0]
    disk.fail(0, error, FOREVER)
    with pytest.raises(CheckpointError, match="step-000000001 was skipped: Cannot read"):
        folder.load()


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO])
def test_whichever_call_fails_a_file_is_the_old_one_or_the_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: int
) -> None:
    disk = FailingFiles(tmp_path, monkeypatch)
    file = tmp_path / "config.json"
    atomic.write_json(file, "old")
    disk.heal()
    atomic.write_json(file, "old")
    for number in range(len(disk.calls)):
        disk.fail(number, error)
        with pytest.raises(WorkspaceError):
            atomic.write_json(file, "new")
        disk.heal()
        assert file.read_text() in {'"old"\n', '"new"\n'}
        assert [path.name for path in tmp_path.iterdir()] == ["config.json"]
        atomic.write_json(file, "old")


@pytest.mark.parametrize(("error", "times"), [(errno.ENOSPC, 1), (errno.ENOSPC, FOREVER), (errno.EIO, FOREVER)])
def test_whichever_call_fails_the_journal_keeps_its_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: int, times: int
) -> None:
    disk = FailingFiles(tmp_path, monkeypatch)
    journal = Journal(tmp_path / "journal.jsonl")
    journal.append({"line": 0})
    disk.heal()
    journal.append({"line": 1})
    for number in range(len(disk.calls)):
        disk.fail(number, error, times)
        with pytest.raises(WorkspaceError):
            journal.append({"line": "failed"})
        disk.heal()
        lines = [record["line"] for record in journal.read()]
        assert lines == list(range(len(lines)))
        journal.append({"line": len(lines)})
        assert len(journal.read()) == len(lines) + 1
