from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from nbtrain.core.errors import CommandError, WorkspaceError
from nbtrain.store import lock
from nbtrain.store.lock import RunLock


def test_a_run_can_be_trained_once(tmp_path: Path) -> None:
    assert not lock.is_held(tmp_path)
    with RunLock(tmp_path) as held:
        assert held.held
        assert lock.is_held(tmp_path)
        with pytest.raises(CommandError, match="is being trained in this kernel already; stop it there first"):
            RunLock(tmp_path).acquire()
        held.acquire()  # has it already
    assert not lock.is_held(tmp_path)
    with RunLock(tmp_path):
        pass


def test_another_kernel_holds_it_until_it_dies(tmp_path: Path) -> None:
    script = (
        "import sys, time; from pathlib import Path; from nbtrain.store.lock import RunLock\n"
        "RunLock(Path(sys.argv[1])).acquire(); print('held', flush=True); time.sleep(600)\n")
    other = subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    try:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        assert lock.is_held(tmp_path)
        with pytest.raises(CommandError, match=rf"by another kernel \(process {other.pid}\)"):
            RunLock(tmp_path).acquire()
    finally:
        other.kill()
        other.communicate()
    assert not lock.is_held(tmp_path)
    with RunLock(tmp_path):
        assert lock.is_held(tmp_path)


def test_a_look_does_not_take_the_lock_from_anyone(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from nbtrain.store import lock\n"
        "print('looking', flush=True)\n"
        "while True: lock.is_held(Path(sys.argv[1]))\n")
    (tmp_path / "lock").touch()
    other = subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    try:
        assert other.stdout is not None
        other.stdout.readline()
        for _ in range(50):
            with RunLock(tmp_path) as held:
                assert held.held
    finally:
        other.send_signal(signal.SIGKILL if os.name != "nt" else signal.SIGTERM)
        other.communicate()


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError, match="is not there"):
        RunLock(tmp_path / "gone").acquire()
    assert not lock.is_held(tmp_path / "gone")
