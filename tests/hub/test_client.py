"""Repositories of the Hub: their lists of files, by the real client, and what is used where nobody answers."""

from __future__ import annotations

import email.utils
import time
from pathlib import Path
from typing import Any

import huggingface_hub
import pytest
from huggingface_hub import constants, errors

from nbtrain.core.errors import HubError
from nbtrain.hub import telling
from nbtrain.hub.client import Client, Listing
from nbtrain.hub.downloads import Downloads
from nbtrain.hub.local import reading
from tests.hub.conftest import TOKEN
from tests.waiting import until


def test_a_list_of_files_has_sizes_hashes_and_the_card(hub, monkeypatch):
    monkeypatch.setattr(reading, "PAGE", 2)
    card = b"---\nlicense: mit\n---\n"
    repository = hub.add("owner/name", {
        "README.md": card, "a/b.json": b"{}", "model.safetensors": b"x" * 8, "z.txt": b"", "config.json": b"{}"})
    listing = Client("owner/name").listing(None)
    blobs = repository.commits[repository.head]
    assert (listing.repository, listing.commit, listing.revision) == ("owner/name", repository.head, "main")
    assert listing.files == {path: len(blob.data) for path, blob in blobs.items()}
    assert listing.hashes == {path: blob.etag for path, blob in blobs.items()}
    assert (listing.card["license"], listing.note) == ("mit", "")
    assert len([asked for asked in hub.log if "/tree/" in asked.path]) == 3


def test_models_and_datasets_of_the_same_name_are_two(hub):
    hub.add("owner/name", {"config.json": b"{}"})
    hub.add("owner/name", {"train.csv": b"a\n1\n"}, kind="dataset")
    assert set(Client("owner/name").listing("main").files) == {"config.json"}
    assert set(Client("owner/name", "dataset").listing("main").files) == {"train.csv"}
    hub.stop()
    assert set(Client("owner/name").listing("main").files) == {"config.json"}
    assert set(Client("owner/name", "dataset").listing("main").files) == {"train.csv"}


@pytest.mark.parametrize("status", [429, 502])
def test_trouble_that_passes_is_asked_again(hub, monkeypatch, status):
    monkeypatch.setenv("NBTRAIN_HUB_RETRIES", "2")
    hub.add("owner/name", {"config.json": b"{}"})
    hub.refuse("/tree/", status, times=2)
    assert Client("owner/name").listing(None).note == ""
    hub.refuse("/api/", status, times=3)
    assert f"({status})" in Client("owner/name").listing(None).note
    hub.mend()
    monkeypatch.setenv("NBTRAIN_HUB_RETRIES", "0")
    hub.refuse("/api/", status, times=1)
    assert f"({status})" in Client("owner/name").listing(None).note


def test_a_server_that_is_no_hub_is_told(hub):
    hub.add("owner/name", {"config.json": b"{}"})
    hub.refuse("/tree/", 200)
    with pytest.raises(HubError, match="no list of the files of owner/name; is this the address of a Hub"):
        Client("owner/name").listing(None)


def test_a_commit_that_leads_elsewhere_is_refused(hub):
    repository = hub.add("owner/name", {"config.json": b"{}"})
    repository.commits["../../up"] = repository.commits[repository.head]
    repository.branches["main"] = "../../up"
    with pytest.raises(HubError, match=r"names '../../up' as the commit of owner/name, which is none"):
        Client("owner/name").listing(None)


def test_the_next_page_is_asked_for_at_our_address_alone(hub, monkeypatch):
    monkeypatch.setattr(reading, "PAGE", 1)
    hub.token = TOKEN
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    hub.add("owner/name", {"a.json": b"{}", "b.json": b"{}"})
    real = reading._link

    def elsewhere(*given: Any) -> dict[str, str]:
        return {name: value.replace(hub.address, hub.storage_address) for name, value in real(*given).items()}

    monkeypatch.setattr(reading, "_link", elsewhere)
    assert set(Client("owner/name").listing(None).files) == {"a.json", "b.json"}
    assert len([asked for asked in hub.log if "/tree/" in asked.path]) == 2


def test_what_was_kept_and_is_spoilt_is_not_used(hub, workspace):
    hub.add("owner/name", {"config.json": b"{}"})
    Client("owner/name").listing(None)
    (kept,) = (workspace / "hub").glob("*.json")
    kept.write_text("{")
    hub.stop()
    with pytest.raises(HubError, match="Nothing of owner/name was downloaded earlier") as raised:
        Client("owner/name").listing(None)
    assert raised.value.offline


def test_a_model_that_the_client_downloaded_by_itself_is_used_without_a_network(stocked, monkeypatch):
    name = next(name for name, each in stocked.of_kind("model") if "model.safetensors" in each.files)
    huggingface_hub.snapshot_download(name)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    client = Client(name)
    listing = client.listing(None)
    assert "What was downloaded earlier is used" in listing.note
    assert client.download(listing, ["model.safetensors"])["model.safetensors"].is_file()


def test_plain_transformers_loads_what_was_downloaded(stocked, monkeypatch):
    transformers = pytest.importorskip("transformers")
    name = next(
        name for name, each in stocked.of_kind("model")
        if each.config().get("architectures") == ["BertForSequenceClassification"])
    made: set[str] = set()

    def make(listing: Listing, files: dict[str, Path]) -> str:
        made.update(files)
        return listing.repository

    queue = Downloads()
    begun = queue.begin(name, on_done=make)
    until(lambda: queue.find(begun.id).phase not in {"waiting", "running"}, "the download has ended")
    assert queue.find(begun.id).error == ""
    assert {"config.json", "model.safetensors"} <= made
    stocked.stop()
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    model = transformers.AutoModelForSequenceClassification.from_pretrained(name)
    assert type(model).__name__ == "BertForSequenceClassification"


def refusal(status: int, **headers: str) -> errors.HfHubHTTPError:
    request = telling._http.Request("GET", "https://huggingface.co")
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return errors.HfHubHTTPError("no", response=telling._http.Response(status, headers=named, request=request))


@pytest.mark.parametrize(("error", "seconds"), [
    (refusal(429, Retry_After="7"), 7), (refusal(503, Retry_After="7"), 7), (refusal(429, Retry_After="61"), None),
    (refusal(429, RateLimit='"api";r=0;t=9'), 9), (refusal(429, Retry_After="soon"), 2), (refusal(500), 2),
    (refusal(404), None), (refusal(403), None), (OSError(), None), (telling.ConnectError("no"), 2),
    (refusal(429, Retry_After=email.utils.formatdate(time.time() - 10, usegmt=True)), 0)])
def test_how_long_is_waited_before_it_is_asked_again(error, seconds):
    assert telling.pause(error, 2) == seconds


def test_pauses_grow_up_to_a_bound():
    assert [telling.pause(refusal(500), number) for number in range(7)] == [0.5, 1, 2, 4, 8, 8, 8]


def test_how_long_the_hub_wants_to_be_left_alone_is_told():
    with pytest.raises(HubError, match=r"asked too often \(429\); wait 300 seconds, or log in") as raised, \
            telling.told("x", "https://huggingface.co"):
        raise refusal(429, Retry_After="300")
    assert raised.value.offline
