"""What is kept of a download is read with care: one that cannot be used neither breaks the list nor the others."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from nbtrain.core.errors import CommandError, HubError
from nbtrain.core.tasks import Tasks
from nbtrain.hub.downloads import Download, Downloads
from nbtrain.hub.local import LocalHub

BIG = os.urandom(400_000)


def ended(tasks: Tasks) -> None:
    for task in tasks.all():
        task.wait(60)


@pytest.mark.parametrize("file", ["aux.model", "con.safetensors", "a:b.model"])
def test_a_name_that_may_not_be_written_fails_its_own_download_alone(hub: LocalHub, file: str) -> None:
    hub.add("bad/name", {"config.json": b"{}", file: b"x", "model.safetensors": b"1234"})
    hub.add("bad/weights", {file: b"x", "con.safetensors": b"1234"})
    hub.add("good/model", {"model.safetensors": BIG})
    tasks = Tasks()
    queue = Downloads(tasks=tasks)
    bad = queue.begin("bad/name" if file.endswith(".model") else "bad/weights")
    with pytest.raises(HubError, match="it is not downloaded"):
        ended(tasks)
    tasks = Tasks()
    good = Downloads(tasks=tasks).begin("good/model")
    ended(tasks)
    assert [(each.id, each.phase) for each in Downloads().all()] == [(bad.id, "failed"), (good.id, "done")]
    assert file[:2] in Downloads().find(bad.id).error
    assert not hub.downloads(file)


@pytest.mark.parametrize("spoilt", [
    b"", b"{", b"[]", b"null", b"{}", b"\xff",
    {"files": 5}, {"files": ["../escape"]}, {"files": ["aux.model"]}, {"listing": 5}, {"listing": {"files": []}},
    {"begun": "never"}, {"repository": "../up"}, {"revision": 5}, {"phase": 5}, {"unknown": 1},
    {"listing": {"repository": "a/b", "commit": "c", "files": {"a": "b"}}},
], ids=str)
def test_what_was_kept_and_cannot_be_read_is_a_download_that_failed(hub: LocalHub, workspace, spoilt) -> None:
    hub.add("owner/name", {"model.safetensors": BIG})
    tasks = Tasks()
    begun = Downloads(tasks=tasks).begin("owner/name")
    ended(tasks)
    path = workspace / "downloads" / begun.id / "download.json"
    told = {**json.loads(path.read_bytes()), "phase": "stopped"}
    path.write_bytes(spoilt if isinstance(spoilt, bytes) else json.dumps({**told, **spoilt}).encode())
    (found,) = Downloads().all()
    assert (found.id, found.phase, found.have) == (begun.id, "failed", 0)
    assert found.error
    with pytest.raises(CommandError):
        Downloads().resume(begun.id)
    tasks = Tasks()
    other: Download = Downloads(tasks=tasks).begin("owner/name")
    ended(tasks)
    assert other.id != begun.id
    Downloads().drop(begun.id)
    assert [each.id for each in Downloads().all()] == [other.id]


BOTH = """
import sys, time
from nbtrain.hub.downloads import Downloads
queue = Downloads(choose=lambda listing: list(listing.files))
print("ready", flush=True)
sys.stdin.readline()
begun = queue.begin("owner/name")
print(begun.id, flush=True)
while queue.find(begun.id).phase in ("running", "waiting"):
    time.sleep(0.05)
print(queue.find(begun.id).phase, flush=True)
"""


def test_two_kernels_that_begin_the_same_fetch_it_once(hub: LocalHub, workspace, tmp_path: Path) -> None:
    hub.add("owner/name", {"model.safetensors": BIG})
    hub.pace("model.safetensors", 2_000)  # until the last of them has begun
    environment = {
        **os.environ, **hub.environment(), "HF_HUB_CACHE": str(tmp_path / "cache"), "HF_HOME": str(tmp_path)}
    kernels = [
        subprocess.Popen([sys.executable, "-c", BOTH], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                         text=True) for _ in range(3)]
    assert all(kernel.stdout is not None and kernel.stdout.readline() for kernel in kernels)
    for kernel in kernels:
        assert kernel.stdin is not None
        kernel.stdin.write("\n")
        kernel.stdin.flush()
    begun = [kernel.stdout is not None and kernel.stdout.readline().strip() for kernel in kernels]
    hub.mend()
    assert [kernel.communicate(timeout=120)[0].strip() for kernel in kernels] == ["done"] * 3
    assert begun == [Downloads().all()[0].id] * 3
    assert len(hub.downloads("model.safetensors")) == 1


HOLD = """
import sys
from pathlib import Path
from nbtrain.store.lock import FolderLock
with FolderLock(Path(sys.argv[1]), ""):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_kernel_that_is_just_beginning_is_waited_for(hub: LocalHub, workspace, monkeypatch) -> None:
    monkeypatch.setattr("nbtrain.hub.downloads._BEGINNING_SECONDS", 0.1)
    (workspace / "downloads").mkdir(parents=True)
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(workspace / "downloads")], stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, text=True)
    with holder:
        assert holder.stdout is not None and holder.stdout.readline()  # noqa: PT018
        with pytest.raises(CommandError, match=rf"just being begun by another kernel \(process {holder.pid}\)"):
            Downloads().begin("owner/name")


def test_what_is_allowed_later_goes_on_with_the_same_download(hub: LocalHub, workspace) -> None:
    class WantedError(HubError):
        question = "convert"

    def refuse(*_):
        raise WantedError("It is a pickle.")

    hub.add("owner/name", {"config.json": b"{}", "model.safetensors": BIG, "own.py": b""})
    begun = Downloads(tasks=(tasks := Tasks())).begin("owner/name", on_done=refuse)
    with pytest.raises(WantedError):
        ended(tasks)
    (found,) = Downloads().all()
    assert (found.phase, found.question, found.convert, found.remote_code) == ("failed", "convert", False, False)
    again = Downloads(tasks=(tasks := Tasks())).begin(
        "owner/name", convert=True, trust_remote_code=True, on_done=lambda listing, files: " ".join(sorted(files)))
    ended(tasks)
    (found,) = Downloads().all()
    assert (found.id, again.id) == (begun.id, begun.id)
    assert (found.question, found.convert, found.model) == ("", True, "config.json model.safetensors own.py")
    assert len(hub.downloads("model.safetensors")) == 1
