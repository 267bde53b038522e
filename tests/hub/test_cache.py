"""What the client's cache has is taken only when it is what the Hub says it is."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import huggingface_hub
import pytest
from huggingface_hub import constants

from nbtrain.hub.client import Client

BIG = os.urandom(400_000)


def fetch(folder: Path) -> bytes:
    client = Client("owner/name")
    found = client.download(client.listing(None), ["model.safetensors"], folder=folder / "parts")
    return found["model.safetensors"].read_bytes()


@pytest.mark.parametrize("spoilt", [BIG[:-8] + bytes(8), BIG[:200_000], b""], ids=["altered", "cut", "empty"])
@pytest.mark.parametrize("known", [True, False], ids=["listed", "by its etag"])
def test_what_the_client_has_and_is_not_what_it_should_be_is_fetched_anew(hub, tmp_path, spoilt, known):
    hub.add("owner/name", {"model.safetensors": BIG})
    real = Path(huggingface_hub.hf_hub_download("owner/name", "model.safetensors")).resolve()
    real.chmod(0o644)
    real.write_bytes(spoilt)
    client = Client("owner/name")
    listing = client.listing(None)
    have = len(BIG) if len(spoilt) == len(BIG) else 0
    assert client.have(listing, ["model.safetensors"], tmp_path / "parts") == have
    listing = listing if known else replace(listing, hashes={})
    for _ in range(2):
        hub.log.clear()
        path = client.download(listing, ["model.safetensors"], folder=tmp_path / "parts")["model.safetensors"]
        assert path.read_bytes() == real.read_bytes() == BIG
    assert not hub.downloads("model.safetensors")  # the second time it is sound


def test_a_copy_in_the_cache_that_is_spoilt_is_made_anew_of_its_sound_content(hub, tmp_path, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_SYMLINKS", True, raising=False)  # as Windows has it
    hub.add("owner/name", {"model.safetensors": BIG})
    fetch(tmp_path)
    client = Client("owner/name")
    shown = client.snapshot(client.listing(None)) / "model.safetensors"
    shown.unlink()
    shown.write_bytes(BIG[:-1] + b"!")
    hub.log.clear()
    assert fetch(tmp_path) == BIG
    assert not hub.downloads("model.safetensors")
