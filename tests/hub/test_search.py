"""Searching, against the local Hub and without it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import constants, snapshot_download

from nbtrain.core.errors import ConfigError, HubError
from nbtrain.core.model_views import HubRow
from nbtrain.hub import contents, here, rows
from nbtrain.hub.local import samples
from nbtrain.hub.search import search
from tests.hub.conftest import TOKEN


@pytest.fixture(autouse=True)
def _asked_once(monkeypatch):
    monkeypatch.setenv("NBTRAIN_HUB_RETRIES", "0")


def ids(query: dict[str, Any], **rest: Any) -> list[str]:
    return [row["id"].split("/")[1] for row in search(query, **rest)["rows"]]


def test_a_row_says_what_the_hub_says(stocked):
    page = search({"search": "tiny-bert-nazar"})
    assert (page["next"], page["offline"], page["note"]) == (None, False, "")
    assert page["rows"] == [HubRow(
        id="nbtrain/tiny-bert-nazar", task="text-classification", library="transformers", languages=["fa"],
        licence="mit", parameters=23_714, downloads=8_400, likes=95, updated=page["rows"][0]["updated"], gated="",
        cached=False)]
    assert search({"search": "gated"})["rows"][0]["gated"] == "manual"


@pytest.mark.parametrize(("query", "found"), [
    ({"task": "image-classification"}, ["tiny-vit-shapes"]),
    ({"language": "ru"}, ["tiny-bert-otzyvy"]),
    ({"licence": "mit", "sort": "likes"}, ["tiny-gpt2", "tiny-bert-nazar", "tiny-bert-otzyvy"]),
    ({"licence": "mit", "sort": "downloads"}, ["tiny-gpt2", "tiny-bert-nazar", "tiny-bert-otzyvy"]),
    ({"licence": "mit", "sort": "trending"}, ["tiny-gpt2", "tiny-bert-nazar", "tiny-bert-otzyvy"]),
    ({"licence": "mit", "sort": "newest"}, ["tiny-bert-nazar", "tiny-bert-otzyvy", "tiny-gpt2"]),
    ({"library": "timm"}, []), ({"search": "PICKLE"}, ["tiny-bert-pickle"]),
    ({"size": "large"}, []), ({"size": "tiny", "search": "vit"}, ["tiny-vit-shapes"])])
def test_filters_and_orders(stocked, query, found):
    assert ids(query) == found


def test_sizes_meet_without_a_gap(hub):
    for number, parameters in enumerate([29_999_999, 30_000_000, 299_999_999, 300_000_000, 3_000_000_000]):
        hub.add(f"a/m{number}", parameters=parameters, downloads=number)
    found = {size: ids({"size": size}) for size in ("tiny", "small", "medium", "large")}
    assert found == {"tiny": ["m0"], "small": ["m2", "m1"], "medium": ["m3"], "large": ["m4"]}


def test_pages_go_on_to_the_end(hub):
    samples.add_plain(hub, 75)
    seen: list[str] = []
    cursor: str | None = None
    while True:
        page = search({"sort": "downloads"}, cursor, 30)
        seen += [row["id"] for row in page["rows"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) == 75
    assert len([asked for asked in hub.log if asked.path == "/api/models"]) == 3


def test_a_cursor_leads_nowhere_else(hub, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    with pytest.raises(HubError, match="refused"):
        search({}, "hub:http://evil.example/")
    assert {asked.path for asked in hub.log} == {"/api/models"}


@pytest.mark.parametrize(("query", "field", "said"), [
    ({"sort": "size"}, "sort", "sort is 'size'; choose one of downloads, likes, trending, newest."),
    ({"size": "huge"}, "size", "choose one of tiny, small, medium, large"),
    ({"language": "fa&x=1"}, "language", "give one word"), ({"colour": "red"}, "colour", "nothing a search asks for")])
def test_a_wrong_query_is_told_by_its_field(hub, query, field, said):
    with pytest.raises(ConfigError, match=said) as raised:
        search(query)
    assert [problem.field for problem in raised.value.problems] == [field]
    assert not hub.log


@pytest.mark.parametrize("answer", [b"<html>", b"{}", b"[1]", b"[{}]", b"null"])
def test_what_is_no_hub_is_told(hub, answer):
    hub.pretend("/api/models", answer)
    with pytest.raises(HubError, match="is this the address of a Hub"):
        search({})


@pytest.mark.parametrize("said", [
    {}, {"tags": 1, "safetensors": 2, "downloads": "x", "likes": -1, "lastModified": 5, "cardData": [], "gated": {}},
    {"tags": [1, None], "safetensors": {"total": float("nan")}, "lastModified": "yesterday",
     "cardData": {"language": 3}}])
def test_nonsense_of_the_hub_is_nothing(said):
    row = rows.of_hub({"id": "a/b", **said}, cached=False)
    assert row == HubRow(
        id="a/b", task="", library="", languages=[], licence="", parameters=None, downloads=None, likes=None,
        updated=None, gated="", cached=False)


@pytest.mark.parametrize(("trouble", "said"), [
    ("down", "cannot be reached"), ("offline", "HF_HUB_OFFLINE is set"), ("503", "has trouble (503)"),
    ("429", "asked too often")])
def test_without_the_hub_what_is_here_is_searched(stocked, monkeypatch, trouble, said):
    for name in ("tiny-bert-reviews", "tiny-bert-nazar", "tiny-gpt2", "tiny-vit-shapes"):
        snapshot_download(f"nbtrain/{name}")
    if trouble == "down":
        stocked.stop()
    elif trouble == "offline":
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    else:
        stocked.refuse("/api/models", int(trouble))
    page = search({"sort": "downloads"})
    assert page["offline"]
    assert said in page["note"]
    assert page["note"].endswith("Only what is on this machine was searched.")
    assert ids({}) == ["tiny-bert-nazar", "tiny-bert-reviews", "tiny-gpt2", "tiny-vit-shapes"]
    assert ids({"language": "fa"}) == ["tiny-bert-nazar"]
    assert ids({"task": "text-generation"}) == ["tiny-gpt2"]
    assert ids({"search": "vit"}) == ["tiny-vit-shapes"]
    assert ids({"licence": "apache-2.0", "size": "tiny"}) == ["tiny-bert-reviews", "tiny-vit-shapes"]
    assert ids({"size": "small"}) == []
    first = search({}, limit=3)
    assert ids({}, cursor=first["next"]) == ["tiny-vit-shapes"]
    row = first["rows"][0]
    assert (row["parameters"], row["downloads"], row["cached"]) == (23_714, None, True)
    with pytest.raises(HubError):  # a page that should follow one of the Hub's
        search({}, "hub:abc")


def test_what_is_here_is_marked_also_online(stocked):
    snapshot_download("nbtrain/tiny-gpt2")
    snapshot_download("nbtrain/tiny-bert-two-files")
    snapshot_download("nbtrain/tiny-vit-shapes", allow_patterns=["*.json"])
    marked = {row["id"]: row["cached"] for row in search({"search": "tiny"})["rows"]}
    assert [name for name, cached in marked.items() if cached] == ["nbtrain/tiny-gpt2", "nbtrain/tiny-bert-two-files"]
    folder = Path(constants.HF_HUB_CACHE, "models--nbtrain--tiny-bert-two-files", "snapshots")
    next(folder.rglob("model-00002*")).unlink()
    assert not search({"search": "two-files"})["rows"][0]["cached"]


def test_a_cache_that_is_damaged_is_searched_all_the_same(stocked, tmp_path):
    for name in ("tiny-gpt2", "tiny-bert-nazar"):
        snapshot_download(f"nbtrain/{name}")
    root = Path(constants.HF_HUB_CACHE)
    snapshot = here.model("nbtrain/tiny-gpt2").folder  # type: ignore[union-attr]
    damaged = {"README.md": b"---\na: [\n---\n", "config.json": b"[", "model.safetensors": b"\xff" * 20}
    for file, content in damaged.items():
        (snapshot / file).unlink()
        (snapshot / file).write_bytes(content)
    (root / "models--a--b").mkdir()
    (root / "models--c").write_text("no folder")
    (root / "models--d--e" / "snapshots").mkdir(parents=True)
    (root / "models--d--e" / "refs").mkdir()
    (root / "models--d--e" / "refs" / "main").write_text("../../../outside")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "config.json").write_text("{}")
    stocked.stop()
    found = {row["id"]: row for row in search({})["rows"]}
    assert sorted(found) == ["nbtrain/tiny-bert-nazar", "nbtrain/tiny-gpt2"]
    assert (found["nbtrain/tiny-gpt2"]["task"], found["nbtrain/tiny-gpt2"]["parameters"]) == ("", None)
    shutil.rmtree(root)
    assert search({})["rows"] == []


@pytest.mark.parametrize(("paths", "wanted"), [
    ("config.json model.safetensors pytorch_model.bin tf_model.h5 onnx/model.onnx model.fp16.safetensors",
     "config.json model.safetensors"),
    ("a.py model.safetensors.index.json model-00001-of-00002.safetensors model-00002-of-00002.safetensors b.model",
     "model-00001-of-00002.safetensors model-00002-of-00002.safetensors model.safetensors.index.json b.model"),
    ("pytorch_model.bin training_args.bin optimizer.pt config.json", "config.json pytorch_model.bin"),
    ("pytorch_model-00001-of-00001.bin pytorch_model.bin.index.json",
     "pytorch_model-00001-of-00001.bin pytorch_model.bin.index.json"),
    ("best.pt notes.md", "best.pt"), ("flax_model.msgpack a.onnx", "a.onnx"),
    ("README.md .gitattributes a/config.json", "README.md"), ("adapter_config.json adapter_model.safetensors",
     "adapter_config.json adapter_model.safetensors"), ("weights.safetensors", "weights.safetensors"), ("", "")])
def test_which_files_are_needed(paths, wanted):
    assert contents.needed(paths.split()) == sorted(wanted.split())


def test_code_is_needed_only_where_it_is_allowed():
    paths = ["config.json", "model.safetensors", "modeling.py"]
    assert contents.needed(paths) == ["config.json", "model.safetensors"]
    assert contents.needed(paths, code=True) == paths


@pytest.mark.parametrize(("path", "safe"), [
    ("model.safetensors", True), ("config.json", True), ("a/B.BIN", False), ("x.py", False), ("model.pt", False),
    ("model.onnx", True), ("model.gguf", True), ("data.pkl", False), ("README.md", True), ("x.tar.gz", False)])
def test_what_is_safe(path, safe):
    assert contents.is_safe(path) == safe
