"""Files of the Hub, by its real client's session against a server on this machine that does wrong what networks do."""

from __future__ import annotations

import errno
import logging
import os
import shutil
import threading
import traceback
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import huggingface_hub
import pytest
from huggingface_hub import close_session, constants

from nbtrain.core.errors import CancelledError, HubError, WorkspaceError
from nbtrain.core.tasks import Progress
from nbtrain.hub import fetching, telling
from nbtrain.hub.client import Client
from tests.hub.conftest import TOKEN

BIG = os.urandom(400_000)
#: What keeps a connection from being opened: nobody listens there.
NOWHERE = "http://127.0.0.1:9"


@pytest.fixture(autouse=True)
def hasty(monkeypatch):
    monkeypatch.setattr(telling, "FIRST_PAUSE", 0.0)  # before it asks again


@pytest.fixture
def folder(workspace: Path) -> Path:
    return workspace / "parts"


def fetch(folder: Path, file: str = "model.safetensors", progress: Progress | None = None) -> bytes:
    client = Client("owner/name")
    return client.download(client.listing(None), [file], progress, folder=folder)[file].read_bytes()


def logged(caplog: pytest.LogCaptureFixture) -> str:
    """What was logged, but for the trace of the HTTP library, which repeats what this server says."""
    return "\n".join(record.getMessage() for record in caplog.records if not record.name.startswith("httpcore"))


def test_what_is_fetched_is_found_by_the_client_itself(hub, folder, monkeypatch):
    repository = hub.add("owner/name", {"config.json": b"{}", "model.safetensors": BIG, "a/b/empty.txt": b""})
    client = Client("owner/name")
    found = client.download(client.listing(None), ["config.json", "model.safetensors", "a/b/empty.txt"], folder=folder)
    assert [path.read_bytes() for path in found.values()] == [b"{}", BIG, b""]
    hub.stop()
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    for file, path in found.items():
        assert huggingface_hub.hf_hub_download("owner/name", file) == str(path)
        assert huggingface_hub.try_to_load_from_cache("owner/name", file, revision=repository.head) == str(path)
    snapshot = Path(huggingface_hub.snapshot_download("owner/name", local_files_only=True))
    assert snapshot == client.snapshot(client.listing(None))
    (cached,) = huggingface_hub.scan_cache_dir(constants.HF_HUB_CACHE).repos
    assert (cached.repo_id, cached.nb_files, cached.size_on_disk) == ("owner/name", 3, len(BIG) + 2)
    assert not list(folder.iterdir())


def test_what_the_client_has_is_not_fetched(hub, folder):
    hub.add("owner/name", {"model.safetensors": BIG})
    huggingface_hub.hf_hub_download("owner/name", "model.safetensors")
    hub.log.clear()
    assert fetch(folder) == BIG
    assert not hub.downloads("model.safetensors")


def test_the_same_content_at_another_commit_is_not_fetched_again(hub, folder):
    repository = hub.add("owner/name", {"model.safetensors": BIG})
    fetch(folder)
    repository.commit({"model.safetensors": BIG, "README.md": b"new"})
    assert fetch(folder) == BIG
    assert hub.downloads("model.safetensors") == [None]
    assert huggingface_hub.try_to_load_from_cache("owner/name", "model.safetensors", revision=repository.head)


def test_a_connection_that_is_cut_goes_on_with_what_is_missing(hub, folder):
    hub.add("owner/name", {"model.safetensors": BIG})
    hub.cut("model.safetensors", [100_001, 50_002])
    seen: list[tuple[float, float | None]] = []
    assert fetch(folder, progress=Progress(lambda each: seen.append((each.done, each.total)))) == BIG
    assert hub.downloads("model.safetensors") == [None, "bytes=100001-", "bytes=150003-"]
    assert seen[-1] == (len(BIG), len(BIG))
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


def test_another_call_goes_on_with_what_an_earlier_one_left(hub, folder, monkeypatch):
    monkeypatch.setenv("NBTRAIN_HUB_RETRIES", "0")
    hub.add("owner/name", {"model.safetensors": BIG})
    hub.cut("model.safetensors", [123_456])
    with pytest.raises(HubError, match=r"owner/name is not downloaded yet; what arrived of it is kept"):
        fetch(folder)
    hub.log.clear()
    assert fetch(folder) == BIG
    assert hub.downloads("model.safetensors") == ["bytes=123456-"]


def test_a_part_of_another_content_is_begun_anew(hub, folder, monkeypatch):
    monkeypatch.setenv("NBTRAIN_HUB_RETRIES", "0")
    hub.add("owner/name", {"model.safetensors": BIG})
    hub.cut("model.safetensors", [123_456])
    with pytest.raises(HubError):
        fetch(folder)
    (facts,) = folder.glob("*.json")
    facts.write_text(facts.read_text().replace('"etag": "', '"etag": "f00'))
    hub.log.clear()
    assert fetch(folder) == BIG
    assert hub.downloads("model.safetensors") == ["bytes=123456-", None]


@pytest.mark.parametrize("spoilt", ["", "{", "[]", '{"path": "other", "commit": "", "size": 1, "etag": "x"}'])
def test_a_part_of_which_nothing_is_known_is_begun_anew(hub, folder, monkeypatch, spoilt):
    monkeypatch.setenv("NBTRAIN_HUB_RETRIES", "0")
    hub.add("owner/name", {"model.safetensors": BIG})
    hub.cut("model.safetensors", [123_456])
    with pytest.raises(HubError):
        fetch(folder)
    (facts,) = folder.glob("*.json")
    facts.write_text(spoilt)
    hub.log.clear()
    assert fetch(folder) == BIG
    assert hub.downloads("model.safetensors") == [None]


def test_large_files_are_asked_for_piece_by_piece(hub, folder, monkeypatch):
    monkeypatch.setattr(fetching, "LARGEST_REQUEST", 150_000)
    hub.add("owner/name", {"model.safetensors": BIG})
    assert fetch(folder) == BIG
    assert hub.downloads("model.safetensors") == ["bytes=0-149999", "bytes=150000-299999", "bytes=300000-"]


@pytest.mark.parametrize("file", ["model.safetensors", "config.json"])
def test_a_wrong_hash_is_told_and_nothing_of_it_is_kept(hub, folder, tmp_path, file):
    hub.add("owner/name", {file: BIG})
    hub.corrupt(file)
    with pytest.raises(HubError, match=rf"{file} of owner/name did not arrive as it is on .*: its hash is \w+…"):
        fetch(folder, file)
    assert not list(folder.iterdir())
    assert not list((tmp_path / "cache").rglob("blobs/*"))
    hub.mend()
    assert fetch(folder, file) == BIG


def test_a_part_that_was_damaged_here_is_found_out(hub, folder, monkeypatch):
    monkeypatch.setenv("NBTRAIN_HUB_RETRIES", "0")
    hub.add("owner/name", {"model.safetensors": BIG})
    hub.cut("model.safetensors", [1_000])
    with pytest.raises(HubError):
        fetch(folder)
    (part,) = folder.glob("*.part")
    part.write_bytes(b"x" * 1_000)
    with pytest.raises(HubError, match="did not arrive as it is on the Hub"):
        fetch(folder)
    assert fetch(folder) == BIG


def test_calling_off_wakes_who_waits_and_keeps_what_arrived(hub, folder, monkeypatch):
    monkeypatch.setenv("NBTRAIN_HUB_TIMEOUT", "120")
    hub.add("owner/name", {"model.safetensors": BIG, "late.json": b"{}"})
    hub.pace("model.safetensors", 40_000)
    hub.slow("late.json", 100)
    arrived = threading.Event()
    progress = Progress(lambda each: arrived.set() if each.done > 20_000 else None)
    errors: list[BaseException] = []

    def work() -> None:
        client = Client("owner/name")
        try:
            client.download(client.listing(None), ["late.json", "model.safetensors"], progress, folder=folder)
        except CancelledError as error:
            errors.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    assert arrived.wait(60)
    progress.cancel()
    thread.join(60)
    assert errors
    (part,) = folder.glob("*.part")
    kept = part.stat().st_size
    assert 20_000 < kept < len(BIG)
    hub.mend()
    hub.log.clear()
    assert fetch(folder) == BIG
    assert hub.downloads("model.safetensors") == [f"bytes={kept}-"]


def test_one_file_that_fails_ends_the_others_and_is_the_one_told(hub, folder):
    hub.add("owner/name", {"model.safetensors": BIG, "a.json": b"{}"})
    hub.pace("model.safetensors", 50_000)
    hub.refuse("a.json", 404, "EntryNotFound")
    client = Client("owner/name")
    with pytest.raises(HubError, match=r"a\.json of owner/name is not on the Hub"):
        client.download(client.listing(None), ["model.safetensors", "a.json"], folder=folder)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_trouble_that_passes_is_waited_for(hub, folder, monkeypatch, status):
    monkeypatch.setattr(fetching, "LARGEST_REQUEST", 150_000)
    hub.add("owner/name", {"model.safetensors": BIG})
    client = Client("owner/name")
    listing = client.listing(None)
    hub.refuse("/resolve/", status, times=2)
    assert client.download(listing, ["model.safetensors"], folder=folder)["model.safetensors"].read_bytes() == BIG


def test_trouble_that_lasts_is_told(hub, folder):
    hub.add("owner/name", {"model.safetensors": BIG})
    client = Client("owner/name")
    listing = client.listing(None)
    hub.refuse("/resolve/", 503)
    with pytest.raises(HubError, match=r"has trouble \(503\).*not downloaded yet") as raised:
        client.download(listing, ["model.safetensors"], folder=folder)
    assert raised.value.offline
    assert sum(asked.path.endswith("model.safetensors") for asked in hub.log) == 4


@pytest.mark.parametrize(("trouble", "said"), [
    ((401, "RepoNotFound"), r"is private: check the name; if private log in"),
    ((401, ""), r"may not be read \(401\)"),
    ((403, "GatedRepo"), "accept its conditions"),
    ((404, "RevisionNotFound"), r"has no revision '[0-9a-f]{40}' \(any more\)"),
    ((404, "EntryNotFound"), r"is not on the Hub \(any more\)"),
    ((418, ""), r"refused model.safetensors of owner/name \(418\)"),
])
def test_refusals_are_told_at_once_in_a_sentence(hub, folder, monkeypatch, caplog, trouble, said):
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    caplog.set_level(logging.DEBUG)
    hub.add("owner/name", {"model.safetensors": BIG})
    client = Client("owner/name")
    listing = client.listing(None)
    hub.refuse("/resolve/", *trouble)
    hub.log.clear()
    with pytest.raises(HubError, match=said) as raised:
        client.download(listing, ["model.safetensors"], folder=folder)
    assert len(hub.log) == 1
    assert not raised.value.offline
    assert TOKEN not in "".join(traceback.format_exception(raised.value)) + logged(caplog) + repr(client)
    assert f"Bearer {TOKEN}" in hub.tokens


def test_the_token_goes_to_the_hub_alone_and_is_written_nowhere(hub, folder, workspace, tmp_path, monkeypatch, caplog):
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    caplog.set_level(logging.DEBUG)
    hub.token = TOKEN
    hub.add("owner/name", {"model.safetensors": BIG, "config.json": b"{}"}, gated="auto", accepted=True)
    hub.cut("model.safetensors", [1_000, 2_000])  # the storage refuses whoever sends it a token
    assert fetch(folder) == BIG
    assert fetch(folder, "config.json") == b"{}"
    assert hub.tokens == {f"Bearer {TOKEN}", None}
    assert TOKEN not in logged(caplog)
    for root in (workspace, tmp_path / "cache"):
        assert not [path for path in root.rglob("*") if path.is_file() and TOKEN.encode() in path.read_bytes()]


def test_a_wrong_token_is_told(hub, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    hub.token = "hf_another"  # noqa: S105 - of a test
    hub.add("owner/name", {"config.json": b"{}"})
    with pytest.raises(HubError, match="log in with") as raised:
        Client("owner/name").listing(None)
    assert TOKEN not in str(raised.value)


def test_without_a_network_what_is_cached_is_used(hub, folder, monkeypatch):
    hub.add("owner/name", {"config.json": b"{}", "model.safetensors": BIG})
    assert fetch(folder) == BIG
    hub.stop()
    client = Client("owner/name")
    listing = client.listing(None)
    assert "cannot be reached. What was downloaded earlier is used" in listing.note
    assert client.download(listing, ["model.safetensors"], folder=folder)["model.safetensors"].read_bytes() == BIG
    with pytest.raises(HubError, match=r"cannot be reached.*config\.json of .* not downloaded yet") as raised:
        client.download(listing, ["config.json"], folder=folder)
    assert raised.value.offline
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(HubError, match=r"HF_HUB_OFFLINE is set.*Nothing of owner/other was downloaded earlier"):
        Client("owner/other").listing(None)


class _Full:
    """A disk that takes no more after so many bytes."""

    def __init__(self, room: int) -> None:
        self.room = room

    def write_all(self, file, piece):
        taken = piece[:self.room]
        self.room -= len(taken)
        file.write(taken)
        if len(taken) < len(piece):
            raise OSError(errno.ENOSPC, "No space left on device")


def test_a_disk_that_fills_up_keeps_what_arrived(hub, folder, monkeypatch):
    hub.add("owner/name", {"model.safetensors": BIG})
    with monkeypatch.context() as patch:
        patch.setattr(fetching, "_write_all", _Full(100_000).write_all)
        with pytest.raises(WorkspaceError, match=r"at byte 100000 of 400000, and they are kept: the disk is full"):
            fetch(folder)
    hub.log.clear()
    assert fetch(folder) == BIG
    assert hub.downloads("model.safetensors") == ["bytes=100000-"]


def test_what_has_no_room_is_not_begun(hub, folder, monkeypatch):
    hub.add("owner/name", {"model.safetensors": BIG})
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 399_999}))
    with pytest.raises(WorkspaceError, match=r"400,000 bytes are missing of .*, and 399,999 are free at .*full"):
        fetch(folder)
    assert not hub.downloads("model.safetensors")


@pytest.mark.parametrize("name", [
    "../up.json", "a/../../up.json", "/etc/up.json", "a\\..\\up.json", "C:/up.json", "a//b.json", "./a.json", "con",
    "sub/NUL.txt", "line\nbreak", "ends.", "ends ", "a/..", "", "x" * 256, "\u202etxt.exe"])
def test_names_that_lead_elsewhere_are_refused(hub, folder, tmp_path, name):
    hub.add("owner/name", {name: b"{}", "config.json": b"{}"})
    before = set(tmp_path.rglob("*"))
    with pytest.raises(HubError, match=r"a file that is called .* it is not downloaded: ask the owner to rename it\."):
        fetch(folder, name)
    assert {path for path in set(tmp_path.rglob("*")) - before if path.name != "hub" and path.suffix != ".json"} <= {
        tmp_path / "workspace", tmp_path / "workspace" / "runs"}
    assert fetch(folder, "config.json") == b"{}"


@pytest.mark.parametrize("name", ["", "a/b/c", "../x", "a/..", "https://hf.co/a/b", "a b", "a--b", "a\n", None])
def test_names_of_no_repository_are_refused(hub, name):
    with pytest.raises(HubError, match="is no name of a repository"):
        Client(name)
    assert not hub.log


def test_without_a_list_of_hashes_the_marks_of_the_hub_tell(hub, folder, monkeypatch):
    hub.add("owner/name", {"model.safetensors": BIG, "config.json": b"{}"})
    client = Client("owner/name")
    listing = replace(client.listing(None), hashes={})
    found = client.download(listing, ["model.safetensors", "config.json", "config.json"], folder=folder)
    assert [path.read_bytes() for path in found.values()] == [BIG, b"{}"]
    shutil.rmtree(client.cache)
    monkeypatch.setattr(fetching, "_etag_of", lambda _: "")
    with pytest.raises(HubError, match=r"does not say how large config\.json of owner/name is and which hash"):
        client.download(listing, ["config.json"], folder=folder)


class _Silent(BaseHTTPRequestHandler):
    """Says that all is well and sends nothing."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.write(b"0\r\n\r\n")

    def log_message(self, *_: object) -> None:
        pass


def test_a_server_that_sends_nothing_is_given_up(hub, folder, monkeypatch):
    hub.add("owner/name", {"model.safetensors": BIG})
    listing = Client("owner/name").listing(None)
    with ThreadingHTTPServer(("127.0.0.1", 0), _Silent) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_address[1]}")
        with pytest.raises(HubError, match="is not downloaded yet"):
            Client("owner/name").download(listing, ["model.safetensors"], folder=folder)
        close_session()  # the server waits for its connections
        server.shutdown()
        thread.join()


def test_two_at_once_do_not_disturb_one_another(hub, tmp_path):
    hub.add("owner/name", {"model.safetensors": BIG})
    hub.pace("model.safetensors", 400_000)
    client = Client("owner/name")
    listing = client.listing(None)
    found: list[bytes] = []
    threads = [
        threading.Thread(
            target=lambda: found.append(
                client.download(listing, ["model.safetensors"])["model.safetensors"].read_bytes()))
        for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert found == [BIG, BIG]
