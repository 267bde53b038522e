from __future__ import annotations

import os
import re
import secrets
import subprocess
import sys
import threading
import time
from pathlib import Path

import platformdirs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbtrain.core.errors import DatasetNotFoundError, RunNotFoundError, WorkspaceError
from nbtrain.store.database import RunRecord
from nbtrain.store.workspace import Workspace, close_all, current, is_id

HOSTILE = [
    "", ".", "..", "../x", "a/b", "/etc", "a\\b", "a\x00b", "a\nb", "%2e%2e", "con", "NUL", "com1", "lpt9", "~", "-rf",
    "a.", "a ", "a:b", "runs/../..", "\u202egnp", "x" * 300, "٣", "a\u0301",
]


@pytest.mark.parametrize("run_id", HOSTILE)
def test_a_hostile_id_leads_nowhere(tmp_path: Path, run_id: str) -> None:
    with pytest.raises(RunNotFoundError, match=r"is not the id of a run; ids look like"):
        Workspace(tmp_path).run_folder(run_id)


@given(st.text(max_size=40))
def test_no_id_leads_out_of_the_folder_of_runs(tmp_path_factory: pytest.TempPathFactory, run_id: str) -> None:
    workspace = Workspace(tmp_path_factory.getbasetemp() / "shared")
    try:
        folder = workspace.run_folder(run_id)
    except RunNotFoundError:
        return
    assert Path(os.path.normpath(folder)).parent == workspace.runs_folder
    assert folder.name == run_id


@pytest.mark.skipif(sys.platform == "win32", reason="Links need rights there.")
def test_a_link_out_of_the_workspace_is_not_followed(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "home")
    outside = tmp_path / "outside"
    outside.mkdir()
    (workspace.runs_folder / "innocent").symlink_to(outside)
    with pytest.raises(RunNotFoundError):
        workspace.run_folder("innocent")


def test_ids_are_short_sortable_readable_and_taken(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    ids = [workspace.new_run_id() for _ in range(20)]
    assert all(re.fullmatch(r"\d{8}-\d{4}-[a-z2-9]{4}", run_id) for run_id in ids)
    assert len(set(ids)) == 20
    assert all(workspace.run_folder(run_id).is_dir() for run_id in ids)


def test_an_id_that_another_kernel_took_is_not_given_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = Workspace(tmp_path)
    letters = iter("aaaaaaaabbbb")
    monkeypatch.setattr(secrets, "choice", lambda _: next(letters))
    monkeypatch.setattr(time, "strftime", lambda _: "20261122-0931")
    assert [workspace.new_run_id(), workspace.new_run_id()] == ["20261122-0931-aaaa", "20261122-0931-bbbb"]


def test_home_is_what_is_given_else_the_environment_else_the_platforms(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NBTRAIN_HOME", str(tmp_path / "environment"))
    assert Workspace(tmp_path / "given").home == (tmp_path / "given").resolve()
    assert Workspace().home == (tmp_path / "environment").resolve()
    monkeypatch.delenv("NBTRAIN_HOME")
    monkeypatch.setattr(platformdirs, "user_data_path", lambda *_, **__: tmp_path / "platform")
    assert Workspace().home == (tmp_path / "platform").resolve()


def test_one_workspace_object_for_one_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NBTRAIN_HOME", str(tmp_path / "a"))
    first = current()
    monkeypatch.chdir(tmp_path)
    assert current("a") is first
    assert current(tmp_path / "a" / ".." / "a") is first
    monkeypatch.setenv("NBTRAIN_HOME", str(tmp_path / "b"))
    assert current() is not first
    assert current().database is current().database
    assert first.database is not current().database


def test_several_threads_share_one_database(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    begin = threading.Barrier(8)
    found: list[object] = []

    def look() -> None:
        begin.wait()
        found.append(workspace.database)

    threads = [threading.Thread(target=look) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(map(id, found))) == 1
    workspace.close()


def test_all_can_be_closed_and_open_anew(tmp_path: Path) -> None:
    workspace = current(tmp_path)
    database = workspace.database
    database.add_run(RunRecord(id="a", name="n"))
    database.update_run("a", step=5)
    close_all()
    with pytest.raises(WorkspaceError, match="closed"):
        database.runs()
    assert current(tmp_path) is not workspace
    assert workspace.database.run("a").step == 5
    workspace.close()
    close_all()


def test_what_was_queued_when_the_kernel_ends_is_written(tmp_path: Path) -> None:
    script = (
        "from nbtrain.store.workspace import current; from nbtrain.store.database import RunRecord\n"
        "database = current().database; database.add_run(RunRecord(id='a', name='n'))\n"
        "for step in range(1000): database.update_run('a', step=step)\n")
    subprocess.run([sys.executable, "-c", script], check=True, env={**os.environ, "NBTRAIN_HOME": str(tmp_path)})
    assert current(tmp_path).database.run("a").step == 999


def test_a_home_that_is_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file")
    with pytest.raises(WorkspaceError, match=r"Cannot use the workspace .*home"):
        Workspace(tmp_path / "home")
    with pytest.raises(WorkspaceError, match="Cannot use the workspace"):
        Workspace(tmp_path / "home" / "inside")


def test_nothing_is_left_by_the_check(tmp_path: Path) -> None:
    Workspace(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["runs"]


def test_the_journal_lies_in_the_runs_folder(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    run_id = workspace.new_run_id()
    workspace.journal(run_id).append({"event": "x"})
    assert (tmp_path / "runs" / run_id / "journal.jsonl").read_bytes() == b'{"event": "x"}\n'
    with pytest.raises(RunNotFoundError):
        workspace.journal("../x")


@pytest.mark.parametrize("dataset_id", HOSTILE)
def test_a_hostile_id_of_a_dataset_or_an_upload_leads_nowhere(tmp_path: Path, dataset_id: str) -> None:
    workspace = Workspace(tmp_path)
    with pytest.raises(DatasetNotFoundError, match="is not the id of a dataset"):
        workspace.dataset_folder(dataset_id)
    with pytest.raises(DatasetNotFoundError, match="is not the id of an upload"):
        workspace.upload_folder(dataset_id)


def test_a_dataset_is_found_where_it_is(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    dataset_id = workspace.new_dataset_id()
    assert is_id(dataset_id)
    assert not is_id(f"{dataset_id}x")
    assert workspace.dataset_folder(dataset_id) == tmp_path.resolve() / "datasets" / dataset_id
    (workspace.trash_folder / dataset_id).mkdir(parents=True)
    assert workspace.dataset_folder(dataset_id) == workspace.trash_folder / dataset_id
    (workspace.datasets_folder / dataset_id).mkdir()
    assert workspace.dataset_folder(dataset_id) == workspace.datasets_folder / dataset_id


def test_an_id_of_a_dataset_that_is_or_was_is_not_given_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = Workspace(tmp_path)
    letters = iter("aaaabbbbcccc")
    monkeypatch.setattr(secrets, "choice", lambda _: next(letters))
    monkeypatch.setattr(time, "strftime", lambda _: "20261122-0931")
    (workspace.datasets_folder / "20261122-0931-aaaa").mkdir(parents=True)
    (workspace.trash_folder / "20261122-0931-bbbb").mkdir(parents=True)
    assert workspace.new_dataset_id() == "20261122-0931-cccc"
