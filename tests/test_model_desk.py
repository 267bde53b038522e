"""What the model browser asks for, of the real registry with real files, and of a Hub on this machine."""

from __future__ import annotations

import hashlib
import time
import zipfile
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

import nbtrain
from nbtrain import model_arrivals, studio, trying
from nbtrain.core.errors import (
    CommandError,
    ConfigError,
    DatasetNotFoundError,
    HubError,
    ModelFileError,
    ModelNotFoundError,
)
from nbtrain.dataset_desk import WorkspaceDatasets
from nbtrain.hub import telling
from nbtrain.hub.local import LocalHub, samples
from nbtrain.model_desk import WorkspaceModels
from nbtrain.models import architectures
from nbtrain.models.registry import Registry

SECONDS = 120
TOKEN = "hf_canaryCanaryCanaryCanary"  # noqa: S105 - looked for where it must not be
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content")  # the Hub client's own, of its HTTP library


@pytest.fixture(autouse=True)
def nothing_held():
    yield
    trying.forget()


@pytest.fixture
def desk():
    return WorkspaceModels()


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """A Hub with one tiny model, which is sent in pieces."""
    monkeypatch.setattr(telling, "FIRST_PAUSE", 0.0)  # before it asks again
    with LocalHub() as server, server.used(tmp_path / "cache"):
        samples.add(server, "nbtrain/tiny-bert", labels=("bad", "good"), downloads=7)
        yield server


@pytest.fixture
def done(desk):
    """Waits for a task; gives the model it made."""

    def wait(task):
        desk.tasks.find(task).wait(SECONDS)
        return desk.result(task)

    return wait


@pytest.fixture
def fetched(desk):
    """Waits for a download; gives it as it ended."""

    def wait(download, *phases):
        deadline = time.monotonic() + SECONDS
        while True:
            found = next(each for each in desk.downloads() if each["id"] == download)
            if found["phase"] in (phases or ("done", "failed", "stopped")):
                return found
            assert time.monotonic() < deadline, found
            time.sleep(0.02)

    return wait


@pytest.fixture
def net():
    torch.manual_seed(0)
    return architectures.build("mlp", inputs=4, outputs=2, hidden=[3])


@pytest.fixture
def kept(net):
    """A model in the registry."""
    return nbtrain.models.import_(net, name="first").model


def send(desk, path):
    """Upload a file as the page does; the task that imports it, and its hash."""
    data = path.read_bytes()
    begun = desk.upload(path.name, len(data), "stamp")
    middle = len(data) // 2
    for start, end in ((0, middle), (middle, len(data))):
        piece = data[start:end]
        desk.chunk(begun["upload"], start, memoryview(piece), hashlib.sha256(piece).hexdigest())
    return desk.uploaded(begun["upload"], None, {})


def test_a_file_is_imported_listed_and_shown(desk, done, tmp_path, net):
    save_file(net.state_dict(), tmp_path / "digits.safetensors")
    model = done(desk.import_source(str(tmp_path / "digits.safetensors"), None, {}))
    page = desk.models({}, 0, 50)
    (row,) = page["rows"]
    assert (page["total"], page["count"], page["categories"], page["tags"]) == (1, 1, [], [])
    assert (row["id"], row["name"], row["source"], row["source_args"]) == (
        model, "digits", "file", {"file": "digits.safetensors"})
    facts = desk.facts(model)
    assert facts["row"] == row
    (version,) = facts["versions"]
    assert (version["number"], version["stage"], version["exports"]) == (1, "none", ["safetensors"])
    assert [(file["path"], file["safe"]) for file in version["files"]] == [("model.safetensors", True)]
    assert Path(facts["folder"]).is_dir()


def test_a_model_of_the_notebook_is_imported_by_its_variable(desk, done, net, monkeypatch):
    monkeypatch.setattr(model_arrivals, "namespace", lambda: {"net": net})
    model = done(desk.import_source("net", None, {}))
    facts = desk.facts(model)
    assert (facts["row"]["name"], facts["row"]["source"], facts["row"]["source_args"]) == (
        "net", "object", {"name": "net"})
    assert facts["versions"][0]["tryable"]
    assert facts["versions"][0]["exports"] == ["safetensors", "onnx", "exported"]


@pytest.mark.parametrize(("source", "name", "options", "field", "sentence"), [
    ("", None, {}, "source", "The source is empty"),
    ("nowhere.pt", None, {}, "source", "no file, folder or variable 'nowhere.pt'"),
    ("owner/name", None, {}, "source", "to fetch it from the Hub, look for it there"),
    ("net", "first", {}, "name", "There is a model 'first' already"),
    ("net", "a/b", {}, "name", "cannot be"),
    ("net", None, {"covert": True}, "covert", "did you mean 'convert'"),
    ("net", None, {"convert": "yes"}, "convert", "must be true or false"),
])
def test_what_cannot_be_imported_is_said_before_anything_starts(
        desk, net, kept, monkeypatch, source, name, options, field, sentence):
    monkeypatch.setattr(model_arrivals, "namespace", lambda: {"net": net})
    with pytest.raises(ConfigError, match=sentence) as caught:
        desk.import_source(source, name, options)
    assert [problem.field for problem in caught.value.problems] == [field]
    assert desk.tasks.all() == []


@pytest.mark.parametrize(("ask", "field"), [
    (lambda desk, _: desk.models({}, "a", None), "offset"), (lambda desk, _: desk.facts(["first"]), "model"),
    (lambda desk, _: desk.import_source(None, None, {}), "source"),
    (lambda desk, _: desk.import_source(__file__, 5, {}), "name"),
    (lambda desk, _: desk.import_source(__file__, None, None), "options"),
    (lambda desk, kept: desk.export(kept, 1, "safetensors", None, {}), "path"),
    (lambda desk, kept: desk.export(kept, 1, ["safetensors"], "x", {}), "format"),
    (lambda desk, kept: desk.export(kept, 1, "safetensors", "x", None), "options"),
    (lambda desk, kept: desk.push(kept, 1, None, private=True), "repository"),
    (lambda desk, kept: desk.predict(kept, 1, None), "values"), (lambda desk, _: desk.upload(None, 5, "s"), "name"),
    (lambda desk, _: desk.upload("a", "5", "s"), "size"), (lambda desk, _: desk.uploaded(None, None, {}), "upload"),
    (lambda desk, _: desk.check_upload(None, 1, 1, ""), "upload"),
    (lambda desk, _: desk.chunk(None, 0, memoryview(b""), ""), "upload"),
    (lambda desk, _: desk.drop_upload(None), "upload"), (lambda desk, _: desk.stop_download(None), "download"),
    (lambda desk, _: desk.resume_download(None), "download"), (lambda desk, _: desk.drop_download(None), "download"),
])
def test_an_argument_of_another_type_is_said(desk, kept, ask, field):
    with pytest.raises(ConfigError, match="it must be a ") as caught:
        ask(desk, kept)
    assert caught.value.problems[0].field == field
    assert desk.tasks.all() == []


def test_a_pickle_is_asked_about_and_then_converted(desk, done, tmp_path):
    torch.save(nn.Linear(3, 2).state_dict(), tmp_path / "old.pt")
    task, _ = send(desk, tmp_path / "old.pt")
    with pytest.raises(ModelFileError):
        done(task)
    assert desk.question(task) == "convert"
    assert desk.result(task) is None
    assert desk.models({}, 0, 10)["total"] == 0
    model = done(desk.import_again(task, {"convert": True}))
    assert [file["path"] for file in desk.facts(model)["versions"][0]["files"]] == ["model.safetensors"]
    assert desk.uploads() == []
    with pytest.raises(CommandError, match="no longer known"):
        desk.import_again("task-0", {})
    assert desk.question("task-0") == ""


def test_an_upload_goes_on_and_is_answered_twice(desk, done, tmp_path, net):
    save_file(net.state_dict(), tmp_path / "a.safetensors")
    data = (tmp_path / "a.safetensors").read_bytes()
    begun = desk.upload("a.safetensors", len(data), "7")
    desk.chunk(begun["upload"], 0, memoryview(data[:100]), hashlib.sha256(data[:100]).hexdigest())
    assert desk.uploads() == [{"upload": begun["upload"], "name": "a.safetensors", "size": len(data), "have": 100}]
    assert WorkspaceDatasets().uploads() == []  # those are another panel's
    other = WorkspaceModels()  # a kernel later
    assert other.upload("a.safetensors", len(data), "7")["have"] == 100
    desk.chunk(begun["upload"], 100, memoryview(data[100:]), hashlib.sha256(data[100:]).hexdigest())
    first = desk.uploaded(begun["upload"], "mine", {})
    assert desk.uploaded(begun["upload"], "mine", {}) == first
    assert first[1] == hashlib.sha256(data).hexdigest()
    model = done(first[0])
    assert desk.uploaded(begun["upload"], "mine", {}) == first  # whoever missed the answer asks again
    assert desk.facts(model)["row"]["name"] == "mine"


def test_a_zip_that_leads_out_is_refused_and_leaves_nothing(desk, done, tmp_path):
    with zipfile.ZipFile(tmp_path / "evil.zip", "w") as archive:
        archive.writestr("../../evil.safetensors", b"x" * 100)
    task, _ = send(desk, tmp_path / "evil.zip")
    with pytest.raises(ModelFileError):
        done(task)
    assert desk.question(task) == ""
    assert desk.models({}, 0, 10)["total"] == 0
    assert not list(tmp_path.rglob("evil.safetensors"))


def test_what_the_user_says_of_a_model_is_kept(desk, kept):
    desk.rename(kept, "second")
    desk.tag(kept, ["vision", "سریع"])
    desk.categorise(kept, "digits")
    desk.note(kept, 1, "the first try")
    desk.move(kept, 1, "production")
    facts = desk.facts(kept)
    row = facts["row"]
    assert (row["name"], row["tags"], row["category"], row["stage"]) == (
        "second", ["vision", "سریع"], "digits", "production")
    assert facts["versions"][0]["note"] == "the first try"
    page = desk.models({"tag": "vision"}, 0, 10)
    assert (page["total"], page["categories"], page["tags"]) == (1, ["digits"], ["vision", "سریع"])
    assert desk.models({"search": "nothing"}, 0, 10)["total"] == 0
    with pytest.raises(ConfigError):
        desk.models({"sort": "luck"}, 0, 10)
    with pytest.raises(ConfigError):
        desk.move(kept, 1, "heaven")


def test_a_deleted_model_comes_back_and_is_no_longer_held(desk, kept):
    desk.predict(kept, 1, {"inputs": "1 2 3 4"})
    desk.delete(kept, None)
    assert trying.prediction.HELD.version is None
    assert desk.models({}, 0, 10)["total"] == 0
    with pytest.raises(ModelNotFoundError):
        desk.facts(kept)
    desk.undelete(kept, None)
    assert desk.facts(kept)["row"]["name"] == "first"


def test_one_version_is_deleted_and_comes_back(desk, kept, net):
    nbtrain.models.import_(net, model="first")
    desk.delete(kept, 1)
    assert [version["number"] for version in desk.facts(kept)["versions"]] == [2]
    desk.undelete(kept, 1)
    assert [version["number"] for version in desk.facts(kept)["versions"]] == [2, 1]


def test_verifying_finds_an_altered_file(desk, kept):
    task = desk.verify(kept, 1)
    desk.tasks.find(task).wait(SECONDS)
    assert desk.facts(kept)["running"] == {"verify": task}
    path = Registry().version(kept, 1).folder / "model.safetensors"
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-1] + b"\x7f")
    with pytest.raises(ModelFileError, match="altered"):
        desk.tasks.find(desk.verify(kept, 1)).wait(SECONDS)


def test_an_export_is_compared_and_its_files_are_told(desk, kept, tmp_path):
    task = desk.export(kept, 1, "onnx", str(tmp_path / "out.onnx"), {})
    assert desk.exported(task) is None or desk.tasks.find(task).ended
    desk.tasks.find(task).wait(SECONDS)
    said = desk.exported(task)
    assert said["difference"] <= 1e-4
    assert (tmp_path / "out.onnx").is_file()
    assert "out.onnx" in [file["path"] for file in said["files"]]
    assert desk.result(task) is None
    with pytest.raises(ConfigError) as caught:
        desk.export(kept, 1, "onnx", str(tmp_path / "out.onnx"), {})
    assert [problem.field for problem in caught.value.problems] == ["path"]
    with pytest.raises(ConfigError):
        desk.export(kept, 1, "transformers", str(tmp_path / "x"), {})
    with pytest.raises(ConfigError):
        desk.export(kept, 1, "onnx", str(tmp_path / "x.onnx"), {"colour": "red"})


def test_the_training_form_is_told_the_name(kept):
    told = []

    def take(name):
        told.append(name)
        return True

    assert WorkspaceModels(on_use=take).use(kept)
    assert told == ["first"]
    assert not WorkspaceModels().use(kept)
    assert not studio._offer_model("first")


def test_a_file_that_is_tried_is_an_upload_and_goes_afterwards(desk, tmp_path):
    from PIL import Image  # noqa: PLC0415 - only here

    model = nbtrain.models.import_(architectures.build("resnet", channels=1, outputs=2, width=4, blocks=[1])).model
    Image.new("L", (12, 12), 90).save(tmp_path / "a.png")
    data = (tmp_path / "a.png").read_bytes()
    begun = desk.upload("a.png", len(data), "")
    desk.chunk(begun["upload"], 0, memoryview(data), hashlib.sha256(data).hexdigest())
    said = desk.predict(model, 1, {"image": begun["upload"]})
    assert len(said["values"]) == 2
    with pytest.raises(DatasetNotFoundError, match="upload"):
        desk.predict(model, 1, {"image": begun["upload"]})
    with pytest.raises(DatasetNotFoundError):  # a page cannot name a path
        desk.predict(model, 1, {"image": str(tmp_path / "a.png")})


# -- the Hub ----------------------------------------------------------------------------------------


@pytest.mark.usefixtures("hub")
def test_a_model_of_the_hub_is_found_fetched_and_tried(desk, fetched):
    (row,) = desk.search({"search": "bert"}, None)["rows"]
    assert (row["id"], row["cached"]) == ("nbtrain/tiny-bert", False)
    facts = desk.hub_facts("nbtrain/tiny-bert", None, {})
    assert facts["download"] > 0
    ended = fetched(desk.download("nbtrain/tiny-bert", None, trust_remote_code=False))
    assert (ended["phase"], ended["error"], ended["have"]) == ("done", "", ended["total"])
    kept = desk.facts(ended["model"])
    assert (kept["row"]["name"], kept["row"]["source"]) == ("tiny-bert", "hub")
    assert kept["row"]["source_args"] == {"repository": "nbtrain/tiny-bert", "revision": facts["commit"]}
    assert kept["versions"][0]["labels"] == ["bad", "good"]
    said = desk.predict(ended["model"], 1, {"text": "a good film"})
    assert {guess["label"] for guess in said["guesses"]} == {"bad", "good"}
    assert desk.search({}, None)["rows"][0]["cached"]


def test_the_same_commit_is_kept_once_and_another_is_a_new_version(hub, desk, fetched):
    first = fetched(desk.download("nbtrain/tiny-bert", None, trust_remote_code=False))
    again = fetched(desk.download("nbtrain/tiny-bert", None, trust_remote_code=False))
    assert again["model"] == first["model"]
    assert [version["number"] for version in desk.facts(first["model"])["versions"]] == [1]
    hub.repositories.clear()
    samples.add(hub, "nbtrain/tiny-bert", labels=("bad", "good"), seed=9)
    other = fetched(desk.download("nbtrain/tiny-bert", None, trust_remote_code=False))
    assert other["model"] == first["model"]
    assert [version["number"] for version in desk.facts(first["model"])["versions"]] == [2, 1]


def test_a_download_is_stopped_and_gone_on_with_by_another_kernel(hub, desk, fetched):
    hub.pace("model.safetensors", 20_000)
    download = desk.download("nbtrain/tiny-bert", None, trust_remote_code=False)
    fetched(download, "running")
    desk.stop_download(download)
    assert fetched(download)["phase"] == "stopped"
    assert desk.models({}, 0, 10)["total"] == 0
    hub.mend()
    later = WorkspaceModels()
    assert later.resume_download(download) == download
    ended = fetched(download)
    assert (ended["phase"], later.facts(ended["model"])["row"]["name"]) == ("done", "tiny-bert")
    later.drop_download(download)
    assert desk.downloads() == []
    assert desk.models({}, 0, 10)["total"] == 1


def test_code_of_a_repository_runs_only_when_it_is_allowed(hub, desk, fetched, monkeypatch):
    monkeypatch.delenv("NBTRAIN_REMOTE_CODE_RAN", raising=False)
    hub.add("own/code", samples.own_code())
    refused = fetched(desk.download("own/code", None, trust_remote_code=False))
    assert refused["phase"] == "failed"
    assert "code" in refused["error"]
    assert desk.models({}, 0, 10)["total"] == 0


def test_a_model_is_pushed_and_the_token_is_nowhere(tmp_path, desk, kept, workspace, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    with LocalHub(token=TOKEN) as server, server.used(tmp_path / "cache"):
        with pytest.raises(ConfigError):
            desk.push(kept, 1, "no name", private=True)
        desk.tasks.find(desk.push(kept, 1, "local/mine", private=True)).wait(SECONDS)
        assert "local/mine" in server.repositories
        panel = nbtrain.ModelBrowser()
        assert TOKEN not in repr(panel.get_state())
        panel.close()
    assert not [path for path in workspace.rglob("*") if path.is_file() and TOKEN.encode() in path.read_bytes()]


def test_without_a_network_what_is_here_is_found_and_a_download_says_so(tmp_path, desk, fetched, monkeypatch):
    monkeypatch.setattr(telling, "FIRST_PAUSE", 0.0)
    server = LocalHub().start()
    with server.used(tmp_path / "cache"):
        server.stop()
        page = desk.search({}, None)
        assert page["offline"]
        assert page["note"]
        with pytest.raises(HubError):
            desk.hub_facts("nbtrain/tiny-bert", None, {})
        failed = fetched(desk.download("nbtrain/tiny-bert", None, trust_remote_code=False))
        assert (failed["phase"], "cannot be reached" in failed["error"]) == ("failed", True)
