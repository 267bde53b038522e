"""A Hub on this machine for each test, and one process-wide set of tiny models, which take seconds to make."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from nbtrain.hub.local import LocalHub, Repository, samples

TOKEN = "hf_canaryCanaryCanaryCanary"  # noqa: S105 - looked for where it must not be


@cache
def made() -> dict[str, Repository]:
    """The samples, made once."""
    hub = LocalHub()
    samples.add_all(hub)
    return hub.repositories


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalHub]:
    """An empty Hub that the client of this process uses, with a cache of its own, and nobody logged in."""
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", str(tmp_path / "no-token"))
    monkeypatch.setattr("time.sleep", lambda _: None)  # the client waits before it tries again
    with LocalHub() as server, server.used(tmp_path / "cache"):
        yield server


@pytest.fixture
def stocked(hub: LocalHub) -> LocalHub:
    """The same with the samples in it."""
    hub.repositories.update(made())
    return hub
