"""A model of the Hub is checked once, and again as soon as one byte of it is another."""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from nbtrain.core.errors import ModelFileError
from nbtrain.hub.client import Client
from nbtrain.hub.local import LocalHub, samples
from nbtrain.models import checked, pretrained
from nbtrain.models.fetching import arrived, fetched
from nbtrain.models.importing import child

pytestmark = pytest.mark.filterwarnings("ignore:Use 'content")  # the Hub client's own, of its HTTP library


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalHub]:
    monkeypatch.delenv("HF_TOKEN", raising=False)
    with LocalHub() as server, server.used(tmp_path / "cache"):
        samples.add(server, "a/bert")
        yield server


@pytest.fixture
def jobs(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was done in processes of their own."""
    done: list[str] = []
    run = child.run

    def counted(job: str, *given: Any, **options: Any) -> Any:
        done.append(job)
        return run(job, *given, **options)

    monkeypatch.setattr(child, "run", counted)
    return done


def test_what_was_checked_is_not_checked_again(hub: LocalHub, jobs: list[str]) -> None:
    with pretrained.of_hub("a/bert") as first:
        about = first.about
    assert jobs
    jobs.clear()
    with pretrained.of_hub("a/bert") as again:
        assert jobs == []
        assert again.about == about
        assert set(again.files) == set(first.files)
        assert all(path.is_file() for path in again.files.values())
        module = pretrained.build(again.files["config.json"].parent, again.about, None)
    assert all(torch.isfinite(p).all() for p in module.parameters())


def test_a_byte_that_is_another_is_checked(hub: LocalHub, workspace: Path) -> None:
    with pretrained.of_hub("a/bert") as first:
        weights = first.files["model.safetensors"].resolve()
    listing = Client("a/bert", "model").listing(None)
    with weights.open("r+b") as file:
        file.seek(-4, os.SEEK_END)
        file.write(struct.pack("<f", float("nan")))
    with pytest.raises(ModelFileError, match="are NaN or infinite"), arrived(listing):
        pass
    assert len(list((workspace / checked.PLACE).iterdir())) == 1  # what was refused is not written down


def test_what_was_written_down_and_cannot_be_read_is_checked_anew(
    hub: LocalHub, jobs: list[str], workspace: Path,
) -> None:
    with pretrained.of_hub("a/bert"):
        pass
    [told] = (workspace / checked.PLACE).iterdir()
    told.write_text("{}", encoding="utf-8")
    jobs.clear()
    with pretrained.of_hub("a/bert"):
        assert jobs


EDITS: list[Callable[[dict[str, Any]], object]] = [
    lambda told: told["about"].update(remote_code=True),
    lambda told: told["about"].update(format="nonsense"),
    lambda told: told["about"].update(architecture=7),
    lambda told: told["files"].update({"config.json": "/etc/passwd"}),
    lambda told: told["files"].update({"config.json": "../../config.json"}),
    lambda told: told["files"].update({"../config.json": "config.json"}),
    lambda told: told["files"].pop("config.json"),
    lambda told: told.update(notes="abc"),
    lambda told: told.update(notes=[1]),
]


def test_a_record_that_someone_edited_is_not_believed(hub: LocalHub, workspace: Path) -> None:
    with pretrained.of_hub("a/bert") as first:
        folder = first.files["config.json"].parent
    [path] = (workspace / checked.PLACE).iterdir()
    written = path.read_text(encoding="utf-8")
    for edit in EDITS:
        told = json.loads(written)
        edit(told)
        path.write_text(json.dumps(told), encoding="utf-8")
        assert checked.recall(path.stem, folder, "a/bert", trust=False) is None
    path.write_text(written, encoding="utf-8")
    package = checked.recall(path.stem, folder, "a/bert", trust=False)
    assert package is not None
    assert (package.files, package.notes) == (first.files, first.notes)


def test_code_runs_by_what_was_written_down_where_the_user_allows_it_now(hub: LocalHub, jobs: list[str]) -> None:
    hub.add("a/own", samples.own_code())
    for _ in range(2):
        jobs.clear()
        with fetched("a/own", trust_remote_code=True) as package:
            assert package.about.remote_code
    assert jobs == []


def test_what_memory_was_too_short_for_is_tried_the_next_time(
    hub: LocalHub, jobs: list[str], monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = child.run
    with monkeypatch.context() as short:
        short.setattr(child, "run", lambda *given, **options: run(*given, **options | {"bytes": 10**15}))
        with pretrained.of_hub("a/bert") as first:
            assert first.notes == ("It is too large for the memory that is free, so it was not tried.",)
    jobs.clear()
    with pretrained.of_hub("a/bert") as again:
        assert jobs
        assert again.notes == ()
