"""Models of the Hub on their way into the registry: what is asked and refused is so before anything is fetched."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import nbtrain
from nbtrain import model_verbs, models
from nbtrain.core.errors import ConfigError, HubError, ModelError, NbtrainError
from nbtrain.hub import contents, telling
from nbtrain.hub.downloads import Downloads
from nbtrain.hub.local import LocalHub, samples
from nbtrain.model_desk import WorkspaceModels
from nbtrain.models.importing import NeedsPermission, open_model
from nbtrain.models.registry import Registry

SECONDS = 120
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content")  # the Hub client's own, of its HTTP library


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalHub]:
    monkeypatch.setattr(telling, "FIRST_PAUSE", 0.0)
    monkeypatch.delenv("HF_TOKEN", raising=False)
    with LocalHub() as server, server.used(tmp_path / "cache"):
        samples.add(server, "a/pickle", pickle=True)
        samples.add(server, "a/bert")
        yield server


def weights_of(hub: LocalHub) -> list[Any]:
    return [*hub.downloads("pytorch_model.bin"), *hub.downloads("model.safetensors")]


@pytest.mark.parametrize("name", ["Taken", "con", "a/b", "\ud800", 5], ids=repr)
def test_a_name_that_cannot_be_had_is_told_before_anything_is_fetched_or_read(
    hub: LocalHub, tmp_path: Path, name: Any,
) -> None:
    models.import_({"w": torch.ones(2)}, name="taken")
    before = [each for each in hub.log if "api" in each.path]
    calls: list[Callable[[], Any]] = [
        lambda: models.download("a/bert", name=name),
        lambda: model_verbs.answer(["download", "a/bert", "--name", name], "nbtrain models"),
        lambda: models.import_(tmp_path / "is not there", name=name),
        lambda: WorkspaceModels().import_source(__file__, name, {}),
    ]
    if not isinstance(name, str):
        calls = [calls[0], calls[2]]
    for call in calls:
        with pytest.raises(ConfigError) as caught:
            call()
        assert [problem.field for problem in caught.value.problems] == ["name"]
    assert [each for each in hub.log if "api" in each.path] == before
    assert not weights_of(hub)
    with pytest.raises(NbtrainError, match="no model"):
        models.import_(tmp_path / "is not there", model="nowhere")


def test_a_name_that_the_same_repository_has_is_its_own(hub: LocalHub) -> None:
    first = models.download("a/bert", name="mine")
    assert models.download("a/bert", name="MINE") == first
    samples.add(hub, "a/bert", seed=5)
    assert models.download("a/bert", name="mine").number == 2
    assert len(models.list()) == 1


def test_pickles_are_fetched_and_converted_when_that_is_allowed(hub: LocalHub) -> None:
    with pytest.raises(NeedsPermission, match=r"pytorch_model.bin of a/pickle is a pickle.*convert=True") as asked:
        models.download("a/pickle")
    assert asked.value.question == "convert"
    assert not weights_of(hub)
    version = models.download("a/pickle", convert=True)
    assert sorted(path for path in version.files if contents.weights([path])) == ["model.safetensors"]
    assert dict(version.about.source_args)["repository"] == "a/pickle"
    assert isinstance(models.load("pickle"), torch.nn.Module)
    with pytest.raises(ModelError, match=r"pickles, .* use nbtrain.models.download\('a/pickle', convert=True\)"):
        nbtrain.train("hub:a/pickle", (np.zeros((4, 8), np.int64), np.zeros(4)), show=False)


def test_the_desk_asks_for_what_a_download_needs_and_goes_on_with_it(hub: LocalHub) -> None:
    desk = WorkspaceModels()

    def ended(task: str) -> None:
        found = desk.tasks.find(task)
        assert found is not None
        found.wait(SECONDS)

    begun = desk.download("a/pickle", None)
    with pytest.raises(NeedsPermission):
        ended(desk.downloads()[0]["task"] or desk.tasks.all()[0].id)
    (failed,) = desk.downloads()
    assert (failed["phase"], failed["question"]) == ("failed", "convert")
    assert desk.question(desk.tasks.all()[0].id) == "convert"
    later = WorkspaceModels()  # of another kernel, which knows no task of this one
    assert later.downloads()[0]["question"] == "convert"
    with pytest.raises(ConfigError):
        desk.resume_download(begun, {"anything": True})
    fetched = len(hub.downloads("pytorch_model.bin"))
    assert desk.resume_download(begun, {"convert": True}) == begun
    ended(desk.tasks.all()[-1].id)
    (done,) = desk.downloads()
    assert (done["phase"], done["question"], done["error"]) == ("done", "", "")
    assert Registry().find(done["model"]).name == "pickle"
    assert len(hub.downloads("pytorch_model.bin")) == fetched  # what has arrived is not fetched again
    desk.drop_download(begun)
    again = desk.download("a/pickle", None, convert=True)
    ended(desk.tasks.all()[-1].id)
    assert Downloads().find(again).model == done["model"]


def test_the_line_of_a_notebook_can_allow_it_too(hub: LocalHub) -> None:
    with pytest.raises(NeedsPermission, match="is a pickle"):
        model_verbs.answer(["download", "a/pickle"], "nbtrain models")
    assert "pickle" in model_verbs.answer(["download", "a/pickle", "--convert"], "nbtrain models")
    assert [record.name for record in models.list()] == ["pickle"]


@pytest.mark.parametrize("files", [
    {"tf_model.h5": b"\x89HDF\r\n\x1a\n"}, {"model.onnx": b"0"}, {"adapter_model.safetensors": b"0"},
    {"mine.safetensors": b"0"}, {"flax_model.msgpack": b"0"}], ids=lambda files: next(iter(files)))
def test_what_is_not_fetched_would_not_have_been_imported(
    hub: LocalHub, tmp_path: Path, files: dict[str, bytes],
) -> None:
    config = b'{"model_type": "bert", "architectures": ["BertModel"]}'
    hub.add("a/other", {"config.json": config, **files})
    with pytest.raises(HubError, match="a/other") as refused:
        models.download("a/other")
    assert str(refused.value) == models.details("a/other")["problem"]
    assert not any(map(hub.downloads, files))
    for path, content in {"config.json": config, **files}.items():
        (tmp_path / path).write_bytes(content)
    with pytest.raises(ModelError), open_model(tmp_path):
        pass


@pytest.mark.parametrize("revision", [5, "", "\ud800", "a\nb"], ids=repr)
def test_what_can_be_no_revision_is_told_in_a_sentence(hub: LocalHub, revision: Any) -> None:
    calls: list[Callable[[str, Any], Any]] = [models.download, models.details, Downloads().begin]
    for call in calls:
        with pytest.raises(HubError, match="is no revision; give a branch, a tag or a commit"):
            call("a/bert", revision)
    with pytest.raises(HubError, match="no name of a repository"):
        models.download("\ud800")


@pytest.mark.usefixtures("hub")
@pytest.mark.parametrize("query", [{"cursor": 5}, {"cursor": "\ud800"}, {"limit": "x"}, {"search": "\ud800"}], ids=str)
def test_a_search_that_is_none_is_told_in_a_sentence(query: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=next(iter(query))):
        models.search(**query)


@pytest.mark.parametrize("device", ["nope", "cuda:99", None, 2.5], ids=repr)
def test_a_device_that_is_not_here_is_told_in_a_sentence(device: Any) -> None:
    models.import_(torch.nn.Linear(2, 2), name="net")
    with pytest.raises(ConfigError, match=r"device is .*, which is not here; there are: cpu"):
        models.load("net", module=torch.nn.Linear(2, 2), device=device)


def test_a_training_takes_the_revision_that_it_is_given(hub: LocalHub) -> None:
    repository = hub.repositories["a/bert"]
    first = repository.head
    repository.commit(samples.files("BertForSequenceClassification", seed=5))
    tokens, classes = np.ones((8, 4), np.int64), np.array([0, 1] * 4)
    options: dict[str, Any] = {"epochs": 1, "show": False, "device": "cpu"}
    for given, commit in ((f"hub:a/bert@{first}", first), ("hub:a/bert", repository.head)):
        hub.log.clear()
        run = nbtrain.train(given, {"input_ids": tokens, "labels": classes}, **options)
        assert run.wait() == "finished"
        asked = " ".join(each.path for each in hub.log if "/resolve/" in each.path)
        assert [each for each in (first, repository.head) if each in asked] == [commit]
    with pytest.raises(HubError, match="no revision"):
        nbtrain.train("hub:a/bert@", {"input_ids": tokens, "labels": classes}, **options)
