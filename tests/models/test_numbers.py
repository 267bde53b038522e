"""A number means one version for good; what was deleted is brought back by name and number, or says why not."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from nbtrain import models
from nbtrain.core.errors import ConfigError, ModelNotFoundError, NbtrainError, WorkspaceError
from nbtrain.models import keeping
from nbtrain.models.package import About, Package
from nbtrain.models.registry import Registry
from nbtrain.store import database, model_rows, sqlite
from nbtrain.store.model_rows import MODEL
from nbtrain.store.models import ModelRecord, ModelRecords

ABOUT = About(format="module", architecture="Net")


@pytest.fixture
def registry() -> Registry:
    return Registry()


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path = tmp_path / "weights"
    path.write_bytes(b"first")
    return path


def package(weights: Path, content: bytes = b"first") -> Package:
    path = weights.with_name(content.decode())
    path.write_bytes(content)
    return Package(ABOUT, {"model.safetensors": path})


class Meanwhile:
    """Does something when the first file of an add is about to be read."""

    def __init__(self, do: Any) -> None:
        self._do: Any = do

    def report(self, *_: Any) -> None:
        do, self._do = self._do, None
        if do is not None:
            do()

    def check(self) -> None:
        """Nobody calls it off."""


def test_a_number_that_was_given_and_deleted_meanwhile_is_not_given_again(registry: Registry, weights: Path) -> None:
    registry.add(package(weights), name="m")

    def faster() -> None:
        Registry().add(package(weights, b"faster"), model="m")
        Registry().delete("m", 2)

    slow: Any = Meanwhile(faster)
    assert registry.add(package(weights, b"slow"), model="m", progress=slow).number == 3
    registry.restore("m", 2)
    assert [version.number for version in registry.versions("m")] == [3, 2, 1]
    for number, content in ((1, b"first"), (2, b"faster"), (3, b"slow")):
        version = registry.version("m", number)
        assert (version.folder / "model.safetensors").read_bytes() == content
        found = keeping.Manifest.read(version.folder)
        assert found is not None
        assert found.version.number == number
        registry.verify("m", number)


def test_nothing_is_left_when_the_model_is_deleted_meanwhile(registry: Registry, weights: Path) -> None:
    model = registry.add(package(weights), name="m").model
    gone: Any = Meanwhile(lambda: Registry().delete("m"))
    with pytest.raises(ModelNotFoundError, match="was deleted"):
        registry.add(package(weights, b"late"), model="m", progress=gone)
    registry.restore("m")
    assert [path.name for path in registry.folder("m").iterdir()] == ["v1"]
    assert registry.add(package(weights, b"later"), model=model).number == 2


def test_a_number_is_not_given_again_after_its_version_is_gone_for_good(registry: Registry, weights: Path) -> None:
    registry.add(package(weights), name="m")
    registry.add(package(weights, b"second"), model="m")
    registry.delete("m", 2)
    assert keeping.purge(registry.workspace, ModelRecords(registry.workspace.database), older_than_days=-1) == 1
    assert keeping.numbered(registry.folder("m")) == [1]
    assert registry.add(package(weights, b"third"), model="m").number == 3


@pytest.mark.parametrize("number", [1, 2, 3])
def test_undo_of_a_number_alone_brings_back_that_number(registry: Registry, weights: Path, number: int) -> None:
    registry.add(package(weights), name="m")
    for content in (b"b", b"c", b"d"):
        registry.add(package(weights, content), model="m")
    for deleted in (1, 2, 3):
        registry.delete("m", deleted)
    models.undo(version=number)
    assert [version.number for version in registry.versions("m")] == [4, number]
    with pytest.raises(ModelNotFoundError, match="no deleted version 4 to bring back"):
        models.undo(version=4)


def test_a_name_is_one_whatever_its_case_also_of_what_is_deleted(registry: Registry, weights: Path) -> None:
    registry.add(package(weights), name="Netz Ä")
    registry.delete("netz ä")
    assert registry.restore("NETZ Ä").name == "Netz Ä"


def test_what_lost_its_files_is_not_brought_back(registry: Registry, weights: Path) -> None:
    registry.add(package(weights), name="m")
    registry.add(package(weights, b"second"), model="m")
    registry.delete("m", 2)
    shutil.rmtree(registry.folder("m") / "deleted")
    with pytest.raises(WorkspaceError, match=r"Version 2 of 'm' cannot be brought back: its files are no longer in"):
        registry.restore("m", 2)
    assert [version.number for version in registry.versions("m")] == [1]
    registry.delete("m")
    shutil.rmtree(registry.workspace.models_trash_folder)
    with pytest.raises(WorkspaceError, match=r"The model 'm' cannot be brought back: its files are no longer in .*\.t"):
        registry.restore("m")
    assert registry.list() == ([], 0)


def test_what_lies_in_the_way_stops_a_move(registry: Registry, weights: Path) -> None:
    registry.add(package(weights), name="m")
    version = registry.add(package(weights, b"second"), model="m")
    kept = registry.folder("m") / "deleted" / "v2"
    kept.mkdir(parents=True)
    (kept / "model.safetensors").touch()
    with pytest.raises(WorkspaceError, match="there is one already"):
        registry.delete("m", 2)
    assert [each.number for each in registry.versions("m")] == [2, 1]
    shutil.rmtree(version.folder)  # a kernel that died had moved it
    registry.delete("m", 2)
    assert [each.number for each in registry.versions("m")] == [1]


BAD_NAMES: list[Any] = [None, 5, b"m", "\ud800", ["m"]]


@pytest.mark.parametrize("given", BAD_NAMES, ids=repr)
def test_what_can_be_no_model_is_told_in_a_sentence(registry: Registry, weights: Path, given: Any) -> None:
    registry.add(package(weights), name="m")
    for call in (models.get, models.versions, models.load, models.delete, models.verify, models.tag,
                 lambda each: models.rename(each, "n"), lambda each: models.move(each, 1, "staging")):
        with pytest.raises(ModelNotFoundError, match="is no model; give the name or the id of one"):
            call(given)
    if given is not None:
        with pytest.raises(ModelNotFoundError):
            models.undo(given)
    with pytest.raises(NbtrainError):
        registry.add(package(weights), name="n", note=given)


@pytest.mark.parametrize("number", [2**70, 0, -1, True, "1", 1.0], ids=repr)
def test_what_can_be_no_version_is_told_in_a_sentence(registry: Registry, weights: Path, number: Any) -> None:
    registry.add(package(weights), name="m")
    registry.add(package(weights, b"second"), model="m")
    calls: list[Any] = [
        models.get, models.load, models.delete, models.undo, models.verify,
        lambda model, number: models.move(model, number, "staging"),
        lambda model, number: registry.note(model, number, "n")]
    for call in calls:
        with pytest.raises(ModelNotFoundError, match="is no version; they are numbered from 1"):
            call("m", number)


@pytest.mark.parametrize("query", [
    {"search": "\ud800"}, {"search": 5}, {"tag": "\ud800"}, {"category": ["a"]}, {"sort": ["name"]}, {"sort": "\ud800"},
    {"stage": 5}, {"task": b"x"}, {"limit": "many"}, {"limit": -1}, {"limit": True}], ids=str)
def test_a_query_that_is_none_is_told_in_a_sentence(registry: Registry, query: Any) -> None:
    with pytest.raises(ConfigError, match=next(iter(query))):
        models.list(**query)
    assert models.list(limit=2**70) == []


def test_the_highest_number_of_a_model_from_before_is_known(tmp_path: Path) -> None:
    path = tmp_path / "nbtrain.db"
    before = sqlite.connect(path, database._MIGRATIONS[:3])
    record = ModelRecord(id="20261122-0931-k3f9", name="m")
    before.execute(
        f"INSERT INTO models ({', '.join(MODEL)}, name_key, search, stage_rank, tag_keys, category_key) "  # noqa: S608 - our names
        f"VALUES ({model_rows.marks(MODEL)}, 'm', '', 0, '', '')", model_rows.values(record, MODEL))
    for number in (1, 7):
        before.execute(
            "INSERT INTO model_versions VALUES (?, ?, 0, NULL, 'none', '', '{}', '{}')", (record.id, number))
    before.close()
    opened = database.Database(path)
    assert [tuple(row) for row in opened.select("SELECT name, highest FROM models")] == [("m", 7)]
    opened.close()
