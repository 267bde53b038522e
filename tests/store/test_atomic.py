from __future__ import annotations

import contextlib
import errno
import json
import os
from hashlib import sha256
from pathlib import Path

import pytest

from nbtrain.core.errors import WorkspaceError
from nbtrain.store import atomic


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    atomic.write_text(file, "old")
    atomic.write_text(file, "نو")
    assert file.read_text(encoding="utf-8") == "نو"
    assert names(tmp_path) == ["a.txt"]


def test_floats_come_back_from_json_to_the_same_bits(tmp_path: Path) -> None:
    values = [0.1, 1e-320, float("inf"), -0.0, 2**-1074, 1 / 3]
    atomic.write_json(tmp_path / "a.json", values)
    back = json.loads(atomic.read_bytes(tmp_path / "a.json"))
    assert [value.hex() for value in back] == [value.hex() for value in values]


def test_what_cannot_be_written_leaves_the_old_file_and_nothing_beside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "a.txt"
    atomic.write_text(file, "old")

    def full(descriptor: int, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(WorkspaceError, match=r"a\.txt: the disk is full; free some space\.") as caught:
        atomic.write_text(file, "new")
    assert caught.value.errno == errno.ENOSPC
    assert file.read_text() == "old"
    assert names(tmp_path) == ["a.txt"]


def test_a_system_that_takes_a_few_bytes_at_a_time_gets_them_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, bytes(data[:7])))
    atomic.write_bytes(tmp_path / "a", bytes(range(256)))
    size, digest = atomic.write_new(tmp_path / "b", [b"one", memoryview(bytes(range(256)))])
    atomic.append_line(tmp_path / "c", "a line of some length")
    monkeypatch.undo()
    assert (tmp_path / "a").read_bytes() == bytes(range(256))
    assert (tmp_path / "b").read_bytes() == b"one" + bytes(range(256))
    assert (size, digest) == (259, sha256(b"one" + bytes(range(256))).hexdigest())
    assert (tmp_path / "c").read_text() == "a line of some length\n"


def test_a_system_that_takes_nothing_is_an_error_not_a_hang(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "write", lambda descriptor, data: 0)
    with pytest.raises(WorkspaceError, match="input/output error"):
        atomic.write_bytes(tmp_path / "a", b"text")


def test_the_digest_of_a_file_larger_than_a_chunk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(atomic, "CHUNK", 10)
    written = atomic.write_new(tmp_path / "a", [bytes(range(95)), b"", bytes(33)])
    content = bytes(range(95)) + bytes(33)
    assert written == atomic.digest(tmp_path / "a") == (128, sha256(content).hexdigest())


def test_a_folder_appears_whole(tmp_path: Path) -> None:
    with atomic.new_folder(tmp_path / "new") as folder:
        atomic.write_new(folder / "a", [b"1"])
        assert not (tmp_path / "new").exists()
    assert (tmp_path / "new" / "a").read_bytes() == b"1"
    assert names(tmp_path) == ["new"]


def test_a_folder_that_fails_leaves_nothing(tmp_path: Path) -> None:
    with contextlib.suppress(KeyError), atomic.new_folder(tmp_path / "new") as folder:
        atomic.write_new(folder / "a", [b"1"])
        raise KeyError
    assert names(tmp_path) == []


def test_files_and_folders_are_flushed_before_the_folder_appears(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    happened: list[str] = []
    fsync, rename = os.fsync, os.rename

    def told_fsync(descriptor: int) -> None:
        happened.append(Path(f"/proc/self/fd/{descriptor}").readlink().name.split(".")[-1])
        fsync(descriptor)

    def told_rename(source: Path, target: Path) -> None:
        happened.append("rename")
        rename(source, target)

    if not Path("/proc/self/fd").exists():
        pytest.skip("This system does not tell the name behind a descriptor.")
    monkeypatch.setattr(os, "fsync", told_fsync)
    monkeypatch.setattr(os, "rename", told_rename)
    with atomic.new_folder(tmp_path / "new") as folder:
        atomic.write_new(folder / "a", [b"1"])
        (folder / "b").mkdir()
        atomic.write_new(folder / "b" / "inner", [b"2"])
    assert happened == ["a", "inner", "b", "unfinished", "rename", tmp_path.name]


def test_a_line_cut_short_spoils_only_itself(tmp_path: Path) -> None:
    file = tmp_path / "lines"
    file.write_bytes(b"one\ntw")
    atomic.append_line(file, "three")
    assert file.read_bytes() == b"one\ntw\nthree\n"


def test_a_line_that_does_not_fit_is_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "lines"
    atomic.append_line(file, "one")
    write = os.write

    def nearly_full(descriptor: int, data: bytes) -> int:
        if len(data) < 5:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(descriptor, bytes(data[:5]))

    monkeypatch.setattr(os, "write", nearly_full)
    with pytest.raises(WorkspaceError, match="disk is full"):
        atomic.append_line(file, "twelve")
    monkeypatch.undo()
    assert file.read_bytes() == b"one\n"


def test_a_removed_folder_is_gone_at_once_and_its_rest_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "a").write_bytes(b"1")
    unlink = os.unlink

    def stuck(path: str, **options: int) -> None:
        if path.endswith("a"):
            raise OSError(errno.EBUSY, "Device or resource busy")
        unlink(path, **options)

    monkeypatch.setattr(os, "unlink", stuck)
    with pytest.raises(WorkspaceError):
        atomic.remove_folder(tmp_path / "old")
    assert not (tmp_path / "old").exists()
    monkeypatch.undo()
    atomic.remove_unfinished(tmp_path)
    assert names(tmp_path) == []


@pytest.mark.parametrize(("code", "said"), [
    (errno.ENOSPC, "the disk is full; free some space"),
    (errno.EROFS, "may not be written to; choose another workspace"),
    (errno.EACCES, "may not be written to; choose another workspace"),
    (errno.EIO, "input/output error"),
    (errno.ELOOP, "Too many levels"),
])
def test_errors_say_what_and_why(code: int, said: str) -> None:
    with pytest.raises(WorkspaceError, match=f"^Cannot write x: .*{said}") as caught, atomic.told("write", Path("x")):
        raise OSError(code, os.strerror(code))
    assert caught.value.errno == code
    assert isinstance(caught.value.__cause__, OSError)
