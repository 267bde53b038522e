"""The queue of downloads, in kernels that are stopped, killed and started again."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import huggingface_hub
import pytest

from nbtrain.core.errors import CancelledError, CommandError, HubError, ModelError, ModelNotFoundError
from nbtrain.core.tasks import Tasks
from nbtrain.hub import downloads as room
from nbtrain.hub import queued, telling
from nbtrain.hub.client import Listing
from nbtrain.hub.downloads import Download, Downloads
from nbtrain.hub.local import LocalHub
from tests.hub.conftest import TOKEN
from tests.waiting import until as waited_for

BIG = os.urandom(400_000)


@pytest.fixture(autouse=True)
def hasty(monkeypatch):
    monkeypatch.setattr(telling, "FIRST_PAUSE", 0.0)  # before it asks again


@pytest.fixture
def tasks() -> Tasks:
    return Tasks()


@pytest.fixture
def queue(hub, tasks: Tasks) -> Downloads:
    """A queue that takes all files, whatever they are."""
    return another(tasks)


def another(tasks: Tasks | None = None) -> Downloads:
    return Downloads(tasks=tasks, choose=lambda listing: list(listing.files))


def keeper(kept: dict[str, bytes]) -> Callable[[Listing, dict[str, Path]], str]:
    def make(listing: Listing, files: dict[str, Path]) -> str:
        kept.update({path: file.read_bytes() for path, file in files.items()})
        return f"model of {listing.repository}"
    return make


def until(queue: Downloads, download: Download, *phases: str) -> Download:
    """How it is when it is in one of these phases."""
    return when(queue, download, lambda now: now.phase in phases)


def when(queue: Downloads, download: Download, holds: Callable[[Download], bool]) -> Download:
    seen = [queue.find(download.id)]

    def look() -> bool:
        seen[0] = queue.find(download.id)
        return holds(seen[0])

    waited_for(look, f"{download} has come as far")
    return seen[0]


def test_a_download_becomes_a_model(hub, queue, tasks, workspace):
    repository = hub.add("owner/name", {"config.json": b"{}", "model.safetensors": BIG})
    kept: dict[str, bytes] = {}
    begun = queue.begin("owner/name", on_done=keeper(kept))
    (task,) = tasks.all()
    assert (begun.task, task.kind, task.title) == (task.id, "download", "owner/name")
    assert task.wait(60) == "model of owner/name"
    now = until(queue, begun, "done")
    assert (now.repository, now.revision, now.commit) == ("owner/name", "", repository.head)
    assert (now.have, now.total, now.model, now.task) == (400_002, 400_002, "model of owner/name", "")
    assert kept == {"config.json": b"{}", "model.safetensors": BIG}
    assert {path.name for path in (workspace / "downloads" / begun.id).iterdir()} == {"download.json", "lock"}
    queue.drop(begun.id)
    assert not queue.all()
    assert not (workspace / "downloads" / begun.id).exists()


def test_stopped_and_gone_on_with(hub, queue, tasks):
    hub.add("owner/name", {"model.safetensors": BIG})
    hub.pace("model.safetensors", 40_000)  # ten seconds, of which the test needs little more than one
    kept: dict[str, bytes] = {}
    begun = queue.begin("owner/name", on_done=keeper(kept))
    running = when(queue, begun, lambda now: now.have > 20_000 and now.speed is not None)
    assert running.phase == "running"
    assert running.speed is not None
    assert running.left == (running.total - running.have) / running.speed
    queue.stop(begun.id)
    stopped = until(queue, begun, "stopped")
    assert 20_000 < stopped.have < stopped.total == 400_000
    assert (stopped.task, stopped.error, stopped.speed, stopped.left) == ("", "", None, None)
    with pytest.raises(CancelledError, match="stopped; what arrived is kept"):
        tasks.all()[0].wait(60)
    hub.mend()
    hub.log.clear()
    assert another().find(begun.id) == stopped  # as another kernel finds it
    assert queue.resume(begun.id).id == begun.id
    assert until(queue, begun, "done").model == "model of owner/name"
    assert hub.downloads("model.safetensors") == [f"bytes={stopped.have}-"]
    assert kept["model.safetensors"] == BIG
    assert queue.resume(begun.id).phase == "done"  # nothing is left to do
    assert len(tasks.all()) == 2


def test_begun_again_it_goes_on(hub, queue):
    hub.add("owner/name", {"model.safetensors": BIG})
    hub.pace("model.safetensors", 40_000)
    begun = queue.begin("owner/name")
    when(queue, begun, lambda now: now.have > 20_000)
    assert queue.begin("owner/name").id == begun.id
    queue.stop(begun.id)
    until(queue, begun, "stopped")
    hub.mend()
    assert queue.begin("owner/name").id == begun.id
    until(queue, begun, "done")
    assert len(queue.all()) == 1


CHILD = """
import sys, resource, threading
from nbtrain.hub.downloads import Downloads
limit = int(sys.argv[1])
if limit:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
queue = Downloads(choose=lambda listing: list(listing.files))
begun = queue.begin("owner/name", trust_remote_code=True)
print(begun.id, flush=True)
pause = threading.Event()
while queue.find(begun.id).phase in ("running", "waiting"):
    if len(sys.argv) > 2 and queue.find(begun.id).have > int(sys.argv[2]):
        sys.exit()
    pause.wait(0.05)
print(queue.find(begun.id).error)
"""


def child(hub: LocalHub, tmp_path: Path, *arguments: int) -> subprocess.Popen[str]:
    environment = {
        **os.environ, **hub.environment(), "HF_HUB_CACHE": str(tmp_path / "cache"), "HF_HOME": str(tmp_path),
        "HF_TOKEN": TOKEN}
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, *map(str, arguments or [0])], env=environment, stdout=subprocess.PIPE, text=True)


def test_a_kernel_that_is_killed_leaves_what_another_goes_on_with(hub, queue, workspace, tmp_path):
    hub.add("owner/name", {"config.json": b"{}", "model.safetensors": BIG})
    hub.pace("model.safetensors", 40_000)
    with child(hub, tmp_path) as process:
        assert process.stdout is not None
        number = process.stdout.readline().strip()
        now = when(queue, queue.find(number), lambda now: now.have > 20_000 and now.speed is not None)
        assert (now.phase, now.task) == ("running", "")  # in another kernel
        for refused in (queue.resume, queue.stop, queue.drop):
            with pytest.raises(CommandError, match=rf"is under way by another kernel \(process {process.pid}\)"):
                refused(number)
        assert queue.begin("owner/name", trust_remote_code=True).id == number
        process.send_signal(signal.SIGKILL)
    (found,) = queue.all()
    assert (found.id, found.phase, found.total, found.remote_code) == (number, "stopped", 400_002, True)
    (part,) = (path for path in (workspace / "downloads" / number).glob("*.part") if path.stat().st_size > 2)
    arrived = part.stat().st_size
    assert found.have == arrived + 2  # the small one is whole
    hub.mend()
    hub.log.clear()
    kept: dict[str, bytes] = {}
    queue.resume(number, on_done=keeper(kept))
    until(queue, found, "done")
    assert kept == {"config.json": b"{}", "model.safetensors": BIG}
    assert hub.downloads("model.safetensors") == [f"bytes={arrived}-"]
    assert not hub.downloads("config.json")
    assert f"Bearer {TOKEN}" in hub.tokens
    for root in (workspace, tmp_path / "cache"):
        assert not [path for path in root.rglob("*") if path.is_file() and TOKEN.encode() in path.read_bytes()]


def test_a_kernel_that_ends_does_not_wait_for_its_downloads(hub, queue, tmp_path):
    hub.add("owner/name", {"model.safetensors": BIG})
    hub.pace("model.safetensors", 1_000)  # some minutes
    with child(hub, tmp_path, 0, 100) as process:
        number, _ = process.communicate(timeout=240)
    assert process.returncode == 0
    assert queue.find(number.strip()).phase == "stopped"


def test_a_disk_that_takes_no_more_keeps_what_arrived(hub, queue, tmp_path):
    hub.add("owner/name", {"model.safetensors": BIG})
    with child(hub, tmp_path, 150_000) as process:
        said, _ = process.communicate(timeout=240)
    number, error = said.splitlines()
    assert error.startswith("model.safetensors of owner/name stopped at byte 150000 of 400000, and they are kept: ")
    found = queue.find(number)
    assert (found.phase, found.have, found.error) == ("failed", 150_000, error)
    hub.log.clear()
    queue.resume(number)
    until(queue, found, "done")
    assert hub.downloads("model.safetensors") == ["bytes=150000-"]


@pytest.mark.parametrize(("trouble", "said"), [
    (("/api/", 404, "RepoNotFound"), "is not on the Hub"), (("/api/", 404, "RevisionNotFound"), "has no revision 'v9'"),
    (("/resolve/", 403, "GatedRepo"), "accept its conditions"), (("/resolve/", 500, ""), r"has trouble \(500\)"),
    (("/resolve/", 404, "RevisionNotFound"), "has no revision")])
def test_what_fails_is_told_and_tried_again(hub, queue, tasks, monkeypatch, caplog, trouble, said):
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    caplog.set_level(logging.INFO)
    hub.add("owner/name", {"config.json": b"{}"}, revisions={"v9": {"config.json": b"{}"}})
    hub.refuse(*trouble)
    begun = queue.begin("owner/name", "v9")
    failed = until(queue, begun, "failed")
    with pytest.raises(HubError, match=said) as raised:
        tasks.all()[0].wait(60)
    assert failed.error == str(raised.value)
    assert TOKEN not in failed.error + caplog.text + repr(queue.all()) + repr(tasks.all())
    hub.mend()
    assert queue.resume(begun.id).error == ""
    until(queue, begun, "done")


def test_a_commit_that_is_gone_is_found_anew(hub, queue):
    repository = hub.add("owner/name", {"config.json": b"{}"}, revisions={"v9": {"config.json": b"{1}"}})
    hub.refuse("/resolve/", 503)
    begun = queue.begin("owner/name", "v9")
    old = until(queue, begun, "failed").commit
    hub.mend()
    repository.drop("v9")
    queue.resume(begun.id)
    assert f"has no revision '{old}' (any more)" in until(queue, begun, "failed").error
    new = repository.commit({"config.json": b"{2}"}, "v9")
    kept: dict[str, bytes] = {}
    queue.resume(begun.id, on_done=keeper(kept))
    assert until(queue, begun, "done").commit == new
    assert kept == {"config.json": b"{2}"}


def test_a_model_that_cannot_be_made_fails_the_download_and_is_made_later(hub, queue):
    hub.add("owner/name", {"config.json": b"{}"})

    def refuse(listing: Listing, files: dict[str, Path]) -> str:
        raise ModelError("It is no model.")

    begun = queue.begin("owner/name", on_done=refuse)
    assert until(queue, begun, "failed").error == "It is no model."
    hub.stop()
    queue.resume(begun.id, on_done=keeper({}))  # what is here needs no network
    assert until(queue, begun, "done").model == "model of owner/name"


def test_an_error_that_nobody_expected_is_named_not_repeated(hub, queue, caplog):
    hub.add("owner/name", {"config.json": b"{}"})

    def break_down(listing: Listing, files: dict[str, Path]) -> str:
        raise RuntimeError(TOKEN)

    begun = queue.begin("owner/name", on_done=break_down)
    assert until(queue, begun, "failed").error == (
        "It ended by an error that nobody expected (RuntimeError); the log of the kernel has it.")


@pytest.mark.parametrize("code", [False, True])
def test_what_loading_needs_is_what_is_fetched(hub, code):
    hub.add("owner/name", {
        "config.json": b"{}", "model.safetensors": BIG, "pytorch_model.bin": b"x", "model.py": b"", "big.onnx": b"x"})
    hub.add("owner/none", {"notes.md": b""})
    queue = Downloads()
    kept: dict[str, bytes] = {}
    until(queue, queue.begin("owner/name", trust_remote_code=code, on_done=keeper(kept)), "done")
    assert set(kept) == {"config.json", "model.safetensors"} | ({"model.py"} if code else set())
    assert "has no weights that can be loaded" in until(queue, queue.begin("owner/none"), "failed").error


def test_dropped_while_it_runs_nothing_is_left(hub, queue, tasks, workspace):
    hub.add("owner/name", {"model.safetensors": BIG})
    hub.pace("model.safetensors", 40_000)
    begun = queue.begin("owner/name")
    when(queue, begun, lambda now: now.have > 10_000)
    queue.drop(begun.id)
    assert not queue.all()
    for call in (queue.find, queue.stop, queue.resume, queue.drop):
        with pytest.raises(ModelNotFoundError, match="no download"):
            call(begun.id)
    with pytest.raises(CancelledError):
        tasks.all()[0].wait(60)
    assert [path.name for path in (workspace / "downloads").iterdir()] == ["lock"]
    assert queue.begin("owner/name").id != begun.id


def test_more_than_there_are_turns_wait(hub, queue):
    names = [f"owner/name{number}" for number in range(room.AT_ONCE + 2)]
    for name in names:
        hub.add(name, {"model.safetensors": os.urandom(30_000)})
    hub.slow("/tree/", 600)
    begun = [queue.begin(name) for name in names]

    def asked() -> int:
        return sum("/tree/" in each.path for each in list(hub.log))

    waited_for(lambda: asked() == room.AT_ONCE, "as many as there are turns have asked for their files")
    assert Counter(now.phase for now in queue.all()) == {"running": room.AT_ONCE, "waiting": 2}
    assert asked() == room.AT_ONCE
    hub.mend()
    for each in begun:
        until(queue, each, "done")
    assert [now.id for now in queue.all()] == [each.id for each in begun]


def test_the_turn_of_one_is_given_on_once_its_end_is_written(hub, queue, monkeypatch):
    """Else more would show as running than there are turns."""
    write, free = queued.write, []

    def watched(folder, facts):
        free.append((facts.phase, room._slots._value))
        write(folder, facts)

    hub.add("owner/name", {"model.safetensors": BIG})
    monkeypatch.setattr(queued, "write", watched)
    until(queue, queue.begin("owner/name"), "done")
    assert free[-1] == ("done", room.AT_ONCE - 1)
    waited_for(lambda: room._slots._value == room.AT_ONCE, "its turn is given on")


def test_one_that_waits_is_stopped(hub, queue):
    names = [f"owner/name{number}" for number in range(room.AT_ONCE + 1)]
    for name in names:
        hub.add(name, {"model.safetensors": os.urandom(30_000)})
    hub.slow("/tree/", 600)
    begun = [queue.begin(name) for name in names]
    waited_for(lambda: Counter(now.phase for now in queue.all()) == {"running": room.AT_ONCE, "waiting": 1},
               "all but one have their turns")
    (last,) = (now for now in queue.all() if now.phase == "waiting")
    queue.stop(last.id)
    assert until(queue, last, "stopped").total == 0
    hub.mend()
    for each in (each for each in begun if each.id != last.id):
        until(queue, each, "done")


def test_offline_what_is_cached_becomes_a_model(hub, queue, monkeypatch):
    hub.add("owner/name", {"config.json": b"{}"})
    huggingface_hub.hf_hub_download("owner/name", "config.json")
    first = queue.begin("owner/name")
    until(queue, first, "done")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert until(queue, queue.begin("owner/name", on_done=keeper({})), "done").model == "model of owner/name"
    other = until(queue, queue.begin("owner/other"), "failed")
    assert other.error.startswith("HF_HUB_OFFLINE is set")


@pytest.mark.parametrize("number", ["", "..", "../runs", "20261122-0931-k3f9/..", "nonsense"])
def test_ids_that_lead_elsewhere_are_refused(queue, number):
    for call in (queue.find, queue.stop, queue.resume, queue.drop):
        with pytest.raises(ModelNotFoundError):
            call(number)


def test_wrong_names_and_settings_are_told_before_anything_starts(hub, queue, monkeypatch):
    with pytest.raises(HubError, match="is no name of a repository"):
        queue.begin("https://somewhere/else")
    monkeypatch.setenv("NBTRAIN_HUB_RETRIES", "99")
    with pytest.raises(ValueError, match="retries"):
        queue.begin("owner/name")
    assert not queue.all()
    assert not hub.log


def test_what_is_kept_is_json_that_can_be_read(hub, queue, workspace):
    hub.add("owner/name", {"config.json": b"{}"})
    begun = queue.begin("owner/name")
    until(queue, begun, "done")
    facts = json.loads((workspace / "downloads" / begun.id / "download.json").read_text())
    assert facts["listing"]["files"] == {"config.json": 2}
    assert (facts["repository"], facts["phase"], facts["files"]) == ("owner/name", "done", ["config.json"])
