"""The local Hub, asked by the real client."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, cast

import pytest
from huggingface_hub import HfApi, constants, errors, hf_hub_download, snapshot_download
from huggingface_hub.utils._http import get_session

from nbtrain.hub.local import LocalHub, samples
from nbtrain.hub.local.repositories import front_matter, git_oid
from tests.hub.conftest import TOKEN


@pytest.fixture
def api(hub: LocalHub) -> HfApi:
    return HfApi(endpoint=hub.address, token=TOKEN)


def test_a_search_filters_sorts_and_pages(hub, api):
    samples.add_plain(hub, 250)
    assert len(list(api.list_models())) == 250
    liked = [model.likes for model in api.list_models(sort="likes", limit=120)]
    assert liked == sorted(liked, reverse=True)
    assert len(liked) == 120
    found = list(api.list_models(
        search="model-00", filter=["fa", "license:apache-2.0"], pipeline_tag="text-generation",
        num_parameters="min:100M,max:3B", expand=["safetensors", "tags", "pipeline_tag"]))
    assert 0 < len(found) < 25
    assert all(model.pipeline_tag == "text-generation" for model in found)
    assert all({"fa", "license:apache-2.0"} <= set(model.tags or ()) for model in found)
    assert all(model.safetensors and 10**8 <= model.safetensors.total <= 3 * 10**9 for model in found)
    with pytest.raises(errors.BadRequestError, match="Cannot sort"):
        list(api.list_models(sort=cast(Any, "colour")))


def test_pages_follow_one_another_by_the_link(hub):
    samples.add_plain(hub, 25)
    session = get_session()
    assert session.get(f"{hub.address}/api/models?filter=en&filter=x").json() == []
    names: list[str] = []
    address = f"{hub.address}/api/models?limit=10&sort=downloads"
    while address:
        answer = session.get(address)
        names += [each["id"] for each in answer.json()]
        address = answer.links.get("next", {}).get("url", "")
    assert len(names) == len(set(names)) == 25
    assert session.get(f"{hub.address}/api/models?cursor=nonsense").status_code == 400


def test_facts_and_tree(hub, api):
    hub.add("a/b", {"config.json": b'{"model_type": "bert"}', "x/y.txt": b"1", "x/z/w.bin": b"22"}, downloads=7)
    info = api.model_info("a/b", files_metadata=True)
    assert (info.downloads, info.library_name, info.config) == (7, "transformers", {"model_type": "bert"})
    sizes = {file.rfilename: file.size for file in info.siblings or ()}
    assert sizes == {"config.json": 22, "x/y.txt": 1, "x/z/w.bin": 2}
    assert {entry.path for entry in api.list_repo_tree("a/b")} == {"config.json", "x"}
    assert {entry.path for entry in api.list_repo_tree("a/b", recursive=True)} == {*sizes, "x", "x/z"}
    assert {entry.path for entry in api.list_repo_tree("a/b", "x")} == {"x/y.txt", "x/z"}
    with pytest.raises(errors.EntryNotFoundError):
        list(api.list_repo_tree("a/b", "none"))
    with pytest.raises(errors.RevisionNotFoundError):
        api.model_info("a/b", revision="v9")
    with pytest.raises(errors.RepositoryNotFoundError):
        api.model_info("a/none")


def test_files_come_with_the_hashes_that_git_gives_them(hub, tmp_path):
    (tmp_path / "file").write_bytes(b"some text")
    said = subprocess.run(["git", "hash-object", tmp_path / "file"], capture_output=True, text=True, check=True)
    assert git_oid(b"some text") == said.stdout.strip()
    repository = hub.add("a/b", {"small.json": b"some text", "large.safetensors": b"weights"})
    for file, oid in (
            ("small.json", git_oid(b"some text")), ("large.safetensors", hashlib.sha256(b"weights").hexdigest())):
        path = Path(hf_hub_download("a/b", file))
        assert path.read_bytes() == repository.files[file]
        assert path.resolve().name == oid


def test_a_revision_has_its_own_files(hub):
    hub.add("a/b", {"a.txt": b"1"}, revisions={"v2": {"a.txt": b"2"}, "refs/pr/1": {"a.txt": b"3"}})
    assert Path(hf_hub_download("a/b", "a.txt", revision="v2")).read_bytes() == b"2"
    assert Path(hf_hub_download("a/b", "a.txt", revision="refs/pr/1")).read_bytes() == b"3"
    hub.repositories["a/b"].drop("v2")
    with pytest.raises(errors.RevisionNotFoundError):
        hf_hub_download("a/b", "a.txt", revision="v2", force_download=True)


def test_the_storage_of_large_files_never_sees_the_token(hub, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    hub.add("a/b", {"w.safetensors": b"weights"})
    assert Path(hf_hub_download("a/b", "w.safetensors")).read_bytes() == b"weights"
    assert hub.tokens == {f"Bearer {TOKEN}", None}
    sha256 = hashlib.sha256(b"weights").hexdigest()
    answer = get_session().get(
        f"{hub.storage_address}/storage/{sha256}/w.safetensors", headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 400


def test_a_cut_connection_goes_on_by_a_range(hub, monkeypatch):
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 1_000)
    data = os.urandom(50_000)
    hub.add("a/b", {"w.safetensors": data})
    hub.cut("w.safetensors", [20_000, 9_000])
    assert Path(hf_hub_download("a/b", "w.safetensors")).read_bytes() == data
    assert hub.downloads("w.safetensors") == [None, "bytes=20000-", "bytes=29000-"]


@pytest.mark.parametrize(("span", "status", "got"), [
    ("bytes=2-4", 206, b"cde"), ("bytes=8-", 206, b"ij"), ("bytes=-3", 206, b"hij"), ("bytes=5-99", 206, b"fghij"),
    ("bytes=10-", 416, None), ("lines=1-2", 200, b"abcdefghij")])
def test_ranges(hub, span, status, got):
    hub.add("a/b", {"w.bin": b"abcdefghij"})
    answer = get_session().get(
        f"{hub.address}/a/b/resolve/main/w.bin", headers={"Range": span, "Accept-Encoding": "identity"})
    assert answer.status_code == status
    if got is not None:
        assert answer.content == got


@pytest.mark.parametrize(("status", "code", "error"), [
    (403, "GatedRepo", errors.GatedRepoError), (404, "RepoNotFound", errors.RepositoryNotFoundError),
    (404, "EntryNotFound", errors.EntryNotFoundError), (429, "", errors.HfHubHTTPError),
    (500, "", errors.HfHubHTTPError)])
def test_refusals_are_those_of_the_hub(hub, api, status, code, error):
    hub.add("a/b", {"a.txt": b"1"})
    hub.refuse("/api/models/a/b", status, code)
    with pytest.raises(error) as raised:
        api.model_info("a/b")
    assert raised.value.response.status_code == status
    hub.mend()
    assert api.model_info("a/b").id == "a/b"


def test_a_refusal_may_be_given_so_many_times(hub):
    hub.add("a/b", {"a.bin": b"1"})
    hub.refuse("/storage/", 429, times=2)
    assert Path(hf_hub_download("a/b", "a.bin")).read_bytes() == b"1"
    assert hub.downloads("a.bin") == [None] * 3


def test_corrupted_bytes_have_the_right_length_and_name(hub):
    hub.add("a/b", {"a.bin": b"12345"})
    hub.corrupt("a.bin")
    path = Path(hf_hub_download("a/b", "a.bin"))
    assert path.read_bytes() != b"12345"
    assert path.stat().st_size == 5
    assert path.resolve().name == hashlib.sha256(b"12345").hexdigest()


def test_who_may_see_what(hub, api):
    hub.token = TOKEN
    hub.add("a/private", {"a.txt": b"1"}, private=True)
    hub.add("a/gated", {"a.txt": b"1"}, gated="manual")
    nobody, other = (HfApi(endpoint=hub.address, token=token) for token in (False, "hf_other"))
    with pytest.raises(errors.RepositoryNotFoundError):
        nobody.model_info("a/private")
    assert api.model_info("a/private").private
    assert [model.id for model in nobody.list_models()] == ["a/gated"]
    assert nobody.model_info("a/gated").gated == "manual"
    for token in (False, TOKEN):
        with pytest.raises(errors.GatedRepoError):
            hf_hub_download("a/gated", "a.txt", token=token)
    hub.repositories["a/gated"].facts.accepted = True
    assert Path(hf_hub_download("a/gated", "a.txt", token=TOKEN)).read_bytes() == b"1"
    with pytest.raises(errors.HfHubHTTPError, match="401"):
        other.model_info("a/gated")
    assert api.whoami()["name"] == "local"


@pytest.mark.filterwarnings("ignore:Use 'content")  # the client's own way of sending a file
def test_a_folder_is_uploaded_and_comes_back_the_same(hub, api, tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    content = {"README.md": b"---\nlicense: mit\n---\nhello", "w.safetensors": os.urandom(3_000), "config.json": b"{}"}
    for name, data in content.items():
        (folder / name).write_bytes(data)
    assert api.create_repo("me/new", private=True).repo_id == "me/new"
    with pytest.raises(errors.HfHubHTTPError, match="409"):
        api.create_repo("me/new")
    done = api.upload_folder(repo_id="me/new", folder_path=folder, commit_message="first")
    repository = hub.repositories["me/new"]
    assert (repository.files, repository.head, repository.facts.private) == (content, done.oid, True)
    assert any(asked.path.startswith("/upload/") for asked in hub.log)
    (folder / "w.safetensors").unlink()
    (folder / "more.txt").write_bytes(b"more")
    api.upload_folder(repo_id="me/new", folder_path=folder, delete_patterns="*.safetensors")
    assert sorted(repository.files) == ["README.md", "config.json", "more.txt"]
    assert repository.tags() == ["transformers", "license:mit"] or "license:mit" in repository.tags()
    kept = Path(snapshot_download("me/new", token=TOKEN))
    assert sorted(os.listdir(kept)) == sorted(repository.files)


def test_nobody_uploads_without_a_token(hub, tmp_path):
    nobody = HfApi(endpoint=hub.address, token=False)
    with pytest.raises(errors.HfHubHTTPError, match="401"):
        nobody.create_repo("me/new")
    hub.add("me/there", {"a.txt": b"1"})
    with pytest.raises(errors.HfHubHTTPError):
        nobody.upload_file(repo_id="me/there", path_or_fileobj=b"2", path_in_repo="a.txt")
    assert hub.repositories["me/there"].files == {"a.txt": b"1"}


def test_an_upload_that_is_not_what_it_was_announced_as_is_refused(hub):
    sha256 = hashlib.sha256(b"right").hexdigest()
    address = f"{hub.storage_address}/upload/{sha256}"
    assert get_session().put(address, content=b"wrong").status_code == 400
    assert hub.blob(sha256) is None
    assert get_session().put(address, content=b"right").status_code == 200
    assert hub.blob(sha256).data == b"right"


def test_datasets_are_apart_from_models(hub, api):
    hub.add("a/b", {"a.txt": b"model"})
    hub.add("a/b", {"a.txt": b"dataset"}, kind="dataset", revisions={"refs/convert/parquet": {"x.parquet": b"P"}})
    assert Path(hf_hub_download("a/b", "a.txt", repo_type="dataset")).read_bytes() == b"dataset"
    assert Path(hf_hub_download("a/b", "a.txt")).read_bytes() == b"model"
    tree = api.list_repo_tree("a/b", revision="refs/convert/parquet", repo_type="dataset")
    assert [entry.path for entry in tree] == ["x.parquet"]
    assert [each.id for each in api.list_datasets()] == ["a/b"]


def test_a_hub_that_stopped_answers_nobody(hub, api):
    hub.add("a/b", {"a.txt": b"1"})
    hub.pace("a.txt", 1)
    hub.stop()
    with pytest.raises(Exception, match=r"(?i)connect|refused|closed"):
        api.model_info("a/b")


def test_what_the_client_was_told_is_taken_back(hub):
    before = os.environ.get("HF_ENDPOINT"), constants.ENDPOINT
    with LocalHub() as other, other.used():
        assert os.environ["HF_ENDPOINT"] == constants.ENDPOINT == other.address
    assert (os.environ.get("HF_ENDPOINT"), constants.ENDPOINT) == before
    with LocalHub() as other:
        other.use()
        other.use("elsewhere")
        assert (os.environ["HF_ENDPOINT"], constants.HF_HUB_CACHE) == (other.address, "elsewhere")
    assert (os.environ.get("HF_ENDPOINT"), constants.ENDPOINT) == before
    assert constants.HF_HUB_CACHE != "elsewhere"


def test_cards_are_read_as_far_as_ours_go():
    text = "---\nlicense: mit\nlanguage:\n- fa\n- ru\nempty:\nname: 'a: b'\n---\n# Title\nkey: value\n"
    assert front_matter(text) == {"license": "mit", "language": ["fa", "ru"], "empty": [], "name": "a: b"}
    assert front_matter("# no metadata\n---\na: b\n---\n") == {}


@pytest.mark.parametrize(("name", "auto"), [
    ("nbtrain/tiny-bert-reviews", "AutoModelForSequenceClassification"), ("nbtrain/tiny-gpt2", "AutoModelForCausalLM"),
    ("nbtrain/tiny-vit-shapes", "AutoModelForImageClassification"),
    ("nbtrain/tiny-bert-two-files", "AutoModelForSequenceClassification")])
def test_samples_load_with_plain_transformers(stocked, name, auto):
    import transformers  # noqa: PLC0415 - takes a second

    model: Any = getattr(transformers, auto).from_pretrained(name)
    assert model.num_parameters() == sum(stocked.repositories[name].parameters().values())


def test_samples_are_the_same_each_time():
    first, again = (samples.files("BertForSequenceClassification", seed=5) for _ in range(2))
    assert first == again
    assert samples.files("BertForSequenceClassification", seed=6)["model.safetensors"] != first["model.safetensors"]


def test_the_server_needs_the_standard_library_alone():
    code = (
        "import sys; from nbtrain.hub.local import LocalHub; LocalHub().start().stop(); "
        "assert not {'torch', 'transformers', 'huggingface_hub', 'numpy'} & set(sys.modules), sys.modules.keys()")
    subprocess.run([sys.executable, "-c", code], check=True)
