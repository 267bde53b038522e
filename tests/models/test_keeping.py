"""Models stay in order, whatever a kernel died of."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from nbtrain.core.errors import ModelNotFoundError, WorkspaceError
from nbtrain.models import keeping
from nbtrain.models.keeping import ABANDONED_SECONDS, KEPT_DAYS, purge
from nbtrain.models.package import About, Package
from nbtrain.models.registry import Registry
from nbtrain.store import workspace as workspaces
from nbtrain.store.models import ModelRecords

LONG_AGO = time.time() - ABANDONED_SECONDS - 60

#: Dies at the moment that its argument names, as by `kill -9`.
DYING = """
import os, sys
from nbtrain.models import registry
from nbtrain.models.package import About, Package
from nbtrain.store import model_rows
from pathlib import Path
moment, path, name = sys.argv[1:]
if moment == "before the row":
    model_rows.insert = lambda *_: os._exit(9)
elif moment == "before the folder":
    keep = registry.Registry._fill
    registry.Registry._fill = lambda *given: (keep(*given), os._exit(9))
package = Package(About(format="module", architecture="Net"), {"model.safetensors": Path(path)})
registry.Registry().add(package, name=name, or_version=True, tags=["kept"], category="c", note="n")
"""


@pytest.fixture
def registry() -> Registry:
    return Registry()


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path = tmp_path / "weights"
    path.write_bytes(b"weights")
    return path


def package(weights: Path) -> Package:
    return Package(About(format="module", architecture="Net"), {"model.safetensors": weights})


def die(moment: str, weights: Path, name: str) -> None:
    done = subprocess.run([sys.executable, "-c", DYING, moment, str(weights), name], check=False)
    assert done.returncode == 9


def test_a_model_whose_kernel_died_before_its_row_becomes_known(registry: Registry, weights: Path) -> None:
    die("before the row", weights, "Late")
    (record,), total = registry.list()
    assert (total, record.name, record.tags, record.category) == (1, "Late", ("kept",), "c")
    assert registry.version("late").note == "n"
    registry.verify("late", 1)


def test_a_version_whose_kernel_died_before_its_row_becomes_known(registry: Registry, weights: Path) -> None:
    registry.add(package(weights), name="a")
    weights.write_bytes(b"other")
    die("before the row", weights, "a")
    assert [version.number for version in registry.versions("a")] == [2, 1]
    assert registry.find("a").versions == 2
    registry.verify("a", 2)


def test_its_name_may_have_been_given_away(registry: Registry, weights: Path) -> None:
    die("before the row", weights, "a")
    ModelRecords(registry.workspace.database).page()  # the table alone is looked at: nothing becomes known
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keeping, "adopt", lambda *_: None)
        registry.add(package(weights), name="a")
    assert sorted(record.name for record in registry.list()[0]) == ["a", "a 2"]


@pytest.mark.parametrize("before", [False, True])
def test_what_was_half_made_is_swept_when_no_kernel_holds_it(registry: Registry, weights: Path, before: bool) -> None:
    if before:
        registry.add(package(weights), name="a")
    die("before the folder", weights, "a")
    folder = registry.folder("a") if before else registry.workspace.models_folder
    left = list(folder.glob(".*.unfinished"))
    assert len(left) == 1
    assert registry.list()[1] == int(before)
    name = "a" if before else None
    registry.add(package(weights), name=name, or_version=True)
    assert left[0].exists()  # it may be another kernel's that is slow
    os.utime(left[0], (1, LONG_AGO))
    registry.add(package(weights), name=name, or_version=True)
    assert not left[0].exists()


def test_a_database_that_is_made_anew_knows_what_is_there(registry: Registry, weights: Path) -> None:
    for _ in range(2):
        registry.add(package(weights), name="a", or_version=True)
    registry.add(package(weights), name="deleted")
    registry.delete("deleted")
    registry.delete("a", 1)
    before = registry.versions("a")
    workspaces.close_all()
    for path in registry.workspace.home.glob("workspace.db*"):
        path.unlink()
    anew = Registry()
    assert [record.name for record in anew.list()[0]] == ["a"]
    assert anew.versions("a") == before


def test_a_folder_that_tells_nothing_is_left_alone(registry: Registry, weights: Path) -> None:
    registry.add(package(weights), name="a")
    foreign = registry.workspace.models_folder / "20200101-0000-aaaa"
    (foreign / "v1").mkdir(parents=True)
    assert registry.list()[1] == 1
    (foreign / "v1" / "nbtrain.json").write_text('{"name": "x", "version": "?"}')
    workspaces.close_all()
    assert Registry().list()[1] == 1
    copied = Registry().folder("a") / "v1" / "nbtrain.json"
    (foreign / "v1" / "nbtrain.json").write_bytes(copied.read_bytes())  # tells of another model
    workspaces.close_all()
    assert Registry().list()[1] == 1
    assert foreign.exists()


def test_what_was_deleted_long_ago_goes_with_its_objects(registry: Registry, weights: Path) -> None:
    records = ModelRecords(registry.workspace.database)
    registry.add(package(weights), name="old")
    weights.write_bytes(b"second")
    registry.add(package(weights), model="old")
    weights.write_bytes(b"shared")
    registry.add(package(weights), model="old")
    kept = registry.add(package(weights), name="kept")
    registry.delete("old", 2)
    assert purge(registry.workspace, records) == 0
    assert purge(registry.workspace, records, older_than_days=-1) == 1
    registry.delete("old")
    assert purge(registry.workspace, records, older_than_days=KEPT_DAYS) == 0
    assert purge(registry.workspace, records, older_than_days=-1) == 1
    with pytest.raises(ModelNotFoundError):
        registry.restore()
    assert {path.name for path in registry.workspace.models_folder.iterdir()} == {".trash", "objects", kept.model}
    assert not list(registry.workspace.models_trash_folder.iterdir())
    assert registry.objects.sweep() == 0  # they are too young
    assert registry.objects.sweep(older_than=-1) == 2
    registry.verify("kept", 1)
    assert [path.name for path in registry.objects.folder.glob("*/*")] == [kept.files["model.safetensors"].sha256]


def test_objects_may_be_swept_while_others_add(registry: Registry, tmp_path: Path, weights: Path) -> None:
    """The worst moment: between an object that is there and the link to it."""
    put = registry.objects.put

    def swept(*given: object) -> object:
        kept = put(*given)  # type: ignore[arg-type]
        assert registry.objects.sweep(older_than=-1) == 1
        return kept

    registry.objects.put = swept  # type: ignore[assignment, method-assign]
    version = registry.add(package(weights), name="a")
    assert (version.folder / "model.safetensors").read_bytes() == b"weights"
    registry.verify("a", 1)


def test_a_folder_that_cannot_be_moved_leaves_the_model(
    registry: Registry, weights: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    registry.add(package(weights), name="a")
    registry.add(package(weights), name="a", or_version=True)

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", refuse)
        for number in (None, 1):
            with pytest.raises(WorkspaceError):
                registry.delete("a", number)
    assert registry.find("a").versions == 2
    registry.delete("a")
    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", refuse)
        with pytest.raises(WorkspaceError):
            registry.restore()
    assert registry.restore().name == "a"


def test_a_model_deleted_while_a_version_is_added_is_told(registry: Registry, weights: Path) -> None:
    registry.add(package(weights), name="a")
    fill = registry._fill

    def slow(*given: object) -> object:
        done = fill(*given)  # type: ignore[arg-type]
        Registry().delete("a")
        return done

    registry._fill = slow  # type: ignore[assignment, method-assign]
    with pytest.raises(ModelNotFoundError, match="was deleted"):
        registry.add(package(weights), model="a")
    Registry().restore()
    assert Registry().find("a").versions == 1
