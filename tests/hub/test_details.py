"""What is known of a model before it is downloaded, against the local Hub and without it."""

from __future__ import annotations

import json
import traceback
from typing import Any

import pytest
from huggingface_hub import hf_hub_download, snapshot_download

from nbtrain.core.errors import HubError
from nbtrain.core.model_views import HubFacts
from nbtrain.hub.client import Client
from nbtrain.hub.details import details, needed
from tests.hub.conftest import TOKEN

BERT = "nbtrain/tiny-bert-reviews"


@pytest.fixture(autouse=True)
def _asked_once(monkeypatch):
    monkeypatch.setenv("NBTRAIN_HUB_RETRIES", "0")


def test_all_that_is_known_of_a_model(stocked):
    facts = details(BERT)
    assert set(facts) == set(HubFacts.__annotations__)
    repository = stocked.repositories[BERT]
    assert (facts["row"]["id"], facts["row"]["parameters"], facts["row"]["languages"]) == (BERT, 23_874, ["en"])
    assert (facts["revision"], facts["commit"]) == ("main", repository.head)
    assert (facts["architecture"], facts["precision"]) == ("BertForSequenceClassification", "float32")
    assert facts["card"][0]["spans"][0]["text"] == "Tiny BERT for reviews"
    assert {file["path"]: file["size"] for file in facts["files"]} == {
        path: len(data) for path, data in repository.files.items()}
    assert all(file["safe"] for file in facts["files"])
    assert (facts["download"], facts["have"]) == (sum(map(len, repository.files.values())), 0)
    assert (facts["remote_code"], facts["offline"], facts["note"], facts["problem"]) == (False, False, "", "")
    assert "tiny" in facts["tags"]
    assert facts["fit"]["inference_verdict"] == "fits"
    assert {part["name"] for part in facts["fit"]["parts"]} == {"weights", "gradients", "optimizer", "activations"}
    json.dumps(facts)


def test_three_requests_are_enough_and_run_at_once(stocked):
    details(BERT)
    asked = [each.path for each in stocked.log if "resolve-cache" not in each.path]
    assert sorted(asked) == [
        f"/api/models/{BERT}", f"/{BERT}/resolve/main/README.md", f"/{BERT}/resolve/main/config.json"]


def test_the_training_decides_what_it_takes(stocked):
    small, large = (details(BERT, training={"batch_size": size})["fit"]["training"] for size in (1, 64))
    assert large > small  # type: ignore[operator]


def test_files_that_could_run_code_are_told_apart(stocked):
    facts = details("old-lab/tiny-bert-pickle")
    assert {file["path"] for file in facts["files"] if not file["safe"]} == {"pytorch_model.bin"}
    assert "files that can run code" in facts["note"]
    assert (facts["problem"], facts["row"]["parameters"]) == ("", None)
    assert facts["fit"]["inference"] > 100_000  # type: ignore[operator]  # by the size of the file


def test_code_of_its_own_is_told_and_counted(stocked):
    facts = details("own-lab/needs-its-code")
    assert facts["remote_code"]
    assert facts["download"] == sum(map(len, stocked.repositories["own-lab/needs-its-code"].files.values()))
    assert [file["path"] for file in facts["files"] if not file["safe"]] == ["modeling_own.py"]


def test_a_gated_model_is_shown_but_says_what_to_do(stocked):
    facts = details("careful-lab/gated-bert")
    assert facts["row"]["gated"] == "manual"
    assert "accept its conditions" in facts["problem"]
    assert facts["architecture"] == "BertForSequenceClassification"  # the Hub's facts say it too


def test_what_may_not_be_seen_is_told_without_the_token(stocked, monkeypatch):
    with pytest.raises(HubError, match=r"not on the Hub at .* is private: check the name"):
        details("local/private-bert")
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    assert details("local/private-bert")["row"]["id"] == "local/private-bert"
    stocked.token = "hf_other"  # noqa: S105
    with pytest.raises(HubError, match="401") as raised:
        details(BERT)
    assert TOKEN not in "".join(traceback.format_exception(raised.value))


def test_a_revision_that_is_gone(stocked):
    stocked.add("a/b", {"config.json": b"{}"}, revisions={"v2/x": {"config.json": b'{"architectures": ["Two"]}'}})
    assert details("a/b", "v2/x")["architecture"] == "Two"
    stocked.repositories["a/b"].drop("v2/x")
    with pytest.raises(HubError, match="has no revision 'v2/x'"):
        details("a/b", "v2/x")


@pytest.mark.parametrize("name", ["", "a/b/c", "../../etc", "a b", "https://evil.example/a", "a/b?x=1"])
def test_names_that_are_none_are_asked_for_nowhere(hub, name):
    with pytest.raises(HubError, match="no name of a repository"):
        details(name)
    assert not hub.log


def test_what_is_here_need_not_be_fetched(stocked):
    whole = details(BERT)["download"]
    hf_hub_download(BERT, "model.safetensors")
    facts = details(BERT)
    assert facts["have"] == len(stocked.repositories[BERT].files["model.safetensors"])
    assert facts["have"] + facts["download"] == whole
    snapshot_download(BERT)
    facts = details(BERT)
    assert (facts["download"], facts["row"]["cached"]) == (0, True)
    content = stocked.repositories[BERT].files
    stocked.add("a/copy", {**content, "README.md": b"new"})
    assert details("a/copy")["have"] == 0


def test_a_new_commit_takes_only_what_changed(hub):
    repository = hub.add("a/b", {"config.json": b"{}", "model.safetensors": b"weights"})
    snapshot_download("a/b")
    repository.commit({**repository.files, "config.json": b'{"a": 1}'})
    facts = details("a/b")
    assert (facts["have"], facts["download"]) == (7, 8)


def test_nothing_to_load_is_a_problem(hub):
    hub.add("a/gguf", {"model.gguf": b"GGUF", "README.md": b"# Title"})
    assert "has its weights as GGUF alone" in details("a/gguf")["problem"]


@pytest.mark.parametrize(("trouble", "said"), [("down", "cannot be reached"), ("503", "has trouble (503)")])
def test_without_the_hub_what_is_here_is_shown(stocked, trouble, said):
    snapshot_download(BERT)
    if trouble == "down":
        stocked.stop()
    else:
        stocked.refuse("/api/", 503)
    facts = details(BERT)
    assert (facts["offline"], facts["download"], facts["architecture"]) == (True, 0, "BertForSequenceClassification")
    assert said in facts["note"]
    assert facts["card"][0]["type"] == "heading"
    assert facts["row"]["parameters"] == 23_874
    with pytest.raises(HubError, match=r"Nothing of nbtrain/tiny-gpt2 was downloaded earlier") as raised:
        details("nbtrain/tiny-gpt2")
    assert raised.value.offline


def test_a_card_that_cannot_be_read_now_is_told(stocked):
    stocked.refuse("README.md", 500)
    facts = details(BERT)
    assert (facts["card"], facts["problem"]) == ([], "")
    assert "README.md of nbtrain/tiny-bert-reviews could not be read" in facts["note"]


def test_a_huge_card_is_not_read_to_its_end_nor_with_the_token(hub, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", TOKEN)  # the storage, at another address, refuses whoever sends it
    hub.add("a/b", {"README.md": b"word " * 4_000_000, "model.safetensors": b"1", "config.json": b"{}"})
    hub.cut("README.md", [12_000_000])  # whoever reads on meets the end of the connection
    facts = details("a/b")
    assert "left out here" in facts["card"][-1]["spans"][0]["text"]
    assert any(asked.path.startswith("/storage/") for asked in hub.log)


@pytest.mark.parametrize("page", [b"<html>", b"[]", b"{}", b'{"siblings": 1, "sha": "x"}', b'{"siblings": []}'])
def test_what_is_no_hub_is_told(hub, page):
    hub.pretend("/", page)
    with pytest.raises(HubError, match="is this the address of a Hub"):
        details("a/b")


@pytest.mark.parametrize("said", [
    {"siblings": [1, {"rfilename": 5}, {"rfilename": "a\nb"}, {"rfilename": "c", "size": "x", "lfs": 3}]},
    {"siblings": [], "config": [], "safetensors": {"parameters": [], "total": "x"}, "cardData": 3},
    {"siblings": [], "config": {"auto_map": 1, "architectures": {}}, "safetensors": {"parameters": {"F32": "x"}}}])
def test_nonsense_of_the_hub_is_left_out(hub, said):
    hub.pretend("/api/", json.dumps({"sha": "1" * 40, **said}).encode())
    facts: Any = details("a/b")
    assert [file["path"] for file in facts["files"]] == (["c"] if len(said["siblings"]) else [])


def test_needed_files_are_those_of_a_listing_of_the_client(stocked):
    listing = Client("nbtrain/tiny-bert-two-files").listing(None)
    wanted = needed(listing)
    assert sorted(wanted) == sorted(stocked.repositories["nbtrain/tiny-bert-two-files"].files)
    assert needed(Client("own-lab/needs-its-code").listing(None)) == ["README.md", "config.json", "model.safetensors"]
    assert "modeling_own.py" in needed(Client("own-lab/needs-its-code").listing(None), code=True)
