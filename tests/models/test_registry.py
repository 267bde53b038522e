"""Models are kept whole or not at all, found again, changed, deleted and brought back."""

from __future__ import annotations

import errno
import json
import os
import stat
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nbtrain.core.errors import CancelledError, ConfigError, ModelFileError, ModelNotFoundError, WorkspaceError
from nbtrain.core.tasks import Progress
from nbtrain.models.package import About, Package
from nbtrain.models.registry import Registry
from nbtrain.store import workspace as workspaces
from nbtrain.store.workspace import Workspace

ABOUT = About(
    format="architecture", architecture="mlp", config={"inputs": 4}, task="tabular-classification",
    labels=("cat", "dog"), inputs={"kind": "tabular", "features": ["a", "b"]}, parameters=58, precision="float32",
    metrics={"loss": 0.5, "accuracy": 0.9}, options={"epochs": 3}, data="blake2b:1", source="run",
    source_args={"run": "20261122-0931-k3f9"})


@pytest.fixture
def registry() -> Registry:
    return Registry()


@pytest.fixture
def package(tmp_path: Path) -> Package:
    return make(tmp_path, b"weights")


def make(folder: Path, weights: bytes, **files: bytes) -> Package:
    folder.mkdir(exist_ok=True)
    made = {"model.safetensors": weights, "extra/vocabulary.json": b"{}", **files}
    for name, content in made.items():
        path = folder / f"source-{name.replace('/', '-')}"
        path.write_bytes(content)
    return Package(ABOUT, {name: folder / f"source-{name.replace('/', '-')}" for name in made})


def everything(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_a_model_is_a_folder_and_rows(registry: Registry, package: Package) -> None:
    version = registry.add(package, name="Classifier", note=" first ", tags=["small"], category="animals")
    assert (version.number, version.stage, version.note) == (1, "none", "first")
    assert version.about == ABOUT
    assert version.bytes == 9
    assert (version.folder / "model.safetensors").read_bytes() == b"weights"
    assert (version.folder / "extra/vocabulary.json").read_bytes() == b"{}"
    assert everything(version.folder) == {"model.safetensors", "extra/vocabulary.json", "nbtrain.json"}
    (record,), total = registry.list()
    assert total == 1
    assert (record.name, record.architecture, record.parameters, record.bytes) == ("Classifier", "mlp", 58, 9)
    assert (record.metric_name, record.metric_value, record.stage) == ("accuracy", 0.9, "none")
    assert (record.tags, record.category, record.versions) == (("small",), "animals", 1)
    assert (record.source, record.source_args) == ("run", {"run": "20261122-0931-k3f9"})
    assert registry.find("CLASSIFIER") == registry.find(record.id) == record
    assert registry.versions("classifier") == [version]


def test_the_source_may_go(registry: Registry, package: Package) -> None:
    version = registry.add(package, name="a")
    for path in package.files.values():
        path.unlink()
    registry.verify("a", 1)
    assert (version.folder / "model.safetensors").read_bytes() == b"weights"


def test_equal_content_lies_on_the_disk_once_and_is_read_only(registry: Registry, tmp_path: Path) -> None:
    one = registry.add(make(tmp_path / "1", b"same", **{"a.txt": b"1"}), name="one")
    two = registry.add(make(tmp_path / "2", b"same", **{"a.txt": b"2"}), name="two")
    first, second = (each.folder / "model.safetensors" for each in (one, two))
    assert first.samefile(second)
    assert not stat.S_IMODE(first.stat().st_mode) & 0o222
    assert not (one.folder / "a.txt").samefile(two.folder / "a.txt")
    assert one.files["model.safetensors"] == two.files["model.safetensors"]


def test_a_disk_without_links_gets_copies(
    registry: Registry, package: Package, monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    version = registry.add(package, name="a")
    registry.verify("a", 1)
    registry.objects.sweep(older_than=-1)
    assert (version.folder / "model.safetensors").read_bytes() == b"weights"
    registry.verify("a", 1)


def test_an_object_that_was_altered_does_not_spread(registry: Registry, tmp_path: Path) -> None:
    one = registry.add(make(tmp_path / "1", b"same"), name="one")
    path = one.folder / "model.safetensors"
    path.chmod(0o644)
    path.write_bytes(b"sane")
    two = registry.add(make(tmp_path / "2", b"same"), name="two")
    assert (two.folder / "model.safetensors").read_bytes() == b"same"
    registry.verify("two", 1)
    with pytest.raises(ModelFileError, match=r"model\.safetensors was altered"):
        registry.verify("one", 1)


def test_verifying_reads_every_byte_and_says_how_far(registry: Registry, tmp_path: Path) -> None:
    version = registry.add(make(tmp_path, b"x" * 5_000_000), name="a")
    progress = Progress()
    registry.verify("a", 1, progress)
    assert progress.done == progress.total == 5_000_002
    path = version.folder / "model.safetensors"
    path.chmod(0o644)
    with path.open("r+b") as file:
        file.seek(4_500_000)
        file.write(b"y")
    with pytest.raises(ModelFileError) as caught:
        registry.verify("a", 1)
    assert caught.value.file == "model.safetensors"
    path.unlink()
    with pytest.raises(ModelFileError, match="is missing"):
        registry.verify("a", 1)


def test_versions_are_numbered_and_the_right_one_is_taken(registry: Registry, tmp_path: Path) -> None:
    registry.add(make(tmp_path, b"1"), name="a")
    with pytest.raises(ConfigError, match="'A' already"):
        registry.add(make(tmp_path, b"2"), name="A")
    registry.add(make(tmp_path, b"2"), name="A", or_version=True)
    registry.add(make(tmp_path, b"3"), model="a")
    assert [version.number for version in registry.versions("a")] == [3, 2, 1]
    assert registry.version("a").number == 3
    registry.move("a", 1, "staging")
    assert registry.version("a").number == 1
    registry.move("a", 2, "production")
    assert registry.version("a").number == 2
    assert registry.version("a", 3).stage == "none"
    registry.move("a", 2, "archived")
    registry.move("a", 1, "archived")
    assert registry.version("a").number == 3
    with pytest.raises(ModelNotFoundError, match="has no version 4; there are: 1, 2, 3"):
        registry.version("a", 4)


def test_one_version_at_most_is_in_production(registry: Registry, tmp_path: Path) -> None:
    for number in range(3):
        registry.add(make(tmp_path, b"%d" % number), name="a", or_version=True)
    assert registry.move("a", 1, "production") == []
    assert registry.move("a", 2, "production") == [1]
    assert registry.move("a", 2, "production") == []
    assert [version.stage for version in registry.versions("a")] == ["none", "production", "archived"]
    assert registry.find("a").stage == "production"
    with pytest.raises(ConfigError, match="no stage 'live'"):
        registry.move("a", 1, "live")  # type: ignore[arg-type]
    with pytest.raises(ModelNotFoundError):
        registry.move("a", 9, "production")
    assert registry.find("a").stage == "production"


def test_without_a_name_it_gets_the_first_that_is_free(registry: Registry, package: Package) -> None:
    for _ in range(2):
        registry.add(package, else_name="owner/net.safetensors")
    assert {record.name for record in registry.list()[0]} == {"net", "net 2"}


@pytest.mark.parametrize("name", ["../x", "/x", "a//b", "a/./b", "", ".", "nbtrain.json", "lock", "c:x", "a\\b"])
def test_a_file_that_leads_out_is_refused_before_anything(registry: Registry, package: Package, name: str) -> None:
    with pytest.raises(ModelFileError, match="cannot be the name"):
        registry.add(Package(ABOUT, {name: package.files["model.safetensors"]}), name="a")
    assert not registry.workspace.models_folder.exists()


def test_what_is_called_off_or_fails_leaves_nothing(registry: Registry, tmp_path: Path, package: Package) -> None:
    progress = Progress(lambda told: progress.cancel() if told.done else None)
    with pytest.raises(CancelledError):
        registry.add(make(tmp_path, b"w" * 5_000_000), name="a", progress=progress)
    broken = Package(ABOUT, {**package.files, "gone": tmp_path / "gone"})
    with pytest.raises(WorkspaceError, match="not there"):
        registry.add(broken, name="a")
    registry.add(package, name="a")
    with pytest.raises(WorkspaceError, match="not there"):
        registry.add(broken, model="a")
    assert registry.find("a").versions == 1
    assert [path.name for path in registry.folder("a").iterdir()] == ["v1"]
    registry.objects.sweep(older_than=-1)
    assert len(everything(registry.objects.folder)) == 2


@pytest.mark.parametrize("version", [False, True])
def test_a_full_disk_leaves_nothing(registry: Registry, package: Package, version: bool) -> None:
    """At every single file that is written."""
    if version:
        registry.add(package, name="a")
    before = everything(registry.workspace.models_folder) if version else set()
    write, left = os.write, 0

    def full(file: int, data: Any) -> int:
        nonlocal left
        if left == 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        left -= 1
        return write(file, data)

    for allowed in range(4):
        left = allowed
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(os, "write", full)
            with pytest.raises(WorkspaceError, match="the disk is full"):
                registry.add(package, name="a", or_version=True)
        registry.objects.sweep(older_than=-1)
        assert everything(registry.workspace.models_folder) == before
    assert registry.list()[1] == int(version)
    assert registry.add(package, name="a", or_version=True).number == 1 + version


def test_labels_are_checked_and_kept_in_one_form(registry: Registry, package: Package) -> None:
    registry.add(package, name="a")
    assert registry.tag("a", [" Cafe\u0301 ", "CAFÉ", "زبان"]).tags == ("Café", "زبان")
    assert registry.categorise("a", "متن").category == "متن"
    registry.note("a", 1, "<b>bold</b>")
    assert registry.version("a", 1).note == "<b>bold</b>"
    assert registry.labels() == (1, ["متن"], ["Café", "زبان"])
    for wrong in ("text", [""], ["a\nb"], [5], ["x" * 61], ["x"] * 51):
        with pytest.raises(ConfigError) as caught:
            registry.tag("a", wrong)  # type: ignore[arg-type]
        assert caught.value.problems[0].field == "tags"
    with pytest.raises(ConfigError):
        registry.categorise("a", "a\x00b")
    with pytest.raises(ConfigError, match="2,001"):
        registry.note("a", 1, "x" * 2001)
    registry.measure("a", 1, {"val_accuracy": 0.7})
    assert registry.version("a", 1).about.metrics == {"loss": 0.5, "accuracy": 0.9, "val_accuracy": 0.7}
    assert registry.find("a").metric_name == "val_accuracy"


def test_a_deleted_model_comes_back_as_it_was(registry: Registry, package: Package) -> None:
    version = registry.add(package, name="a", tags=["t"])
    before = registry.find("a")
    registry.delete("a")
    assert registry.list() == ([], 0)
    assert not version.folder.exists()
    with pytest.raises(ModelNotFoundError, match=r"'a' .* was deleted; nbtrain\.models\.undo"):
        registry.find(before.id)
    with pytest.raises(ModelNotFoundError):
        registry.delete("a")
    registry.add(package, name="A")
    back = registry.restore()
    assert back == replace(before, name="a 2", updated=back.updated)
    assert registry.versions(before.id) == [version]
    registry.verify("a 2", 1)
    with pytest.raises(ModelNotFoundError, match="no model to bring back"):
        registry.restore()


def test_a_deleted_version_comes_back(registry: Registry, tmp_path: Path) -> None:
    registry.add(make(tmp_path, b"1"), name="a")
    with pytest.raises(ConfigError, match="the only one") as caught:
        registry.delete("a", 1)
    assert caught.value.problems[0].field == "version"
    second = registry.add(make(tmp_path, b"2"), model="a")
    registry.move("a", 2, "production")
    registry.delete("a", 2)
    assert not second.folder.exists()
    assert (registry.find("a").stage, registry.find("a").versions) == ("none", 1)
    registry.move("a", 1, "production")
    assert registry.add(make(tmp_path, b"3"), model="a").number == 3
    registry.restore("a", 2)
    assert [version.stage for version in registry.versions("a")] == ["none", "archived", "production"]
    registry.verify("a", 2)
    with pytest.raises(ModelNotFoundError, match="no deleted version 2"):
        registry.restore("a", 2)
    registry.delete("a", 3)
    registry.delete("a")
    assert registry.restore().name == "a"  # the model, which was deleted last
    assert registry.restore().versions == 3


def test_two_models_want_one_name_at_once(registry: Registry, tmp_path: Path) -> None:
    """As a new model that must have the name, as one that may have another, and as a version."""
    packages = [make(tmp_path / str(number), b"%d" % number) for number in range(9)]
    begin, told, got = threading.Barrier(9), [], []

    def add(number: int) -> None:
        begin.wait()
        kind = number % 3
        try:
            if kind == 0:
                got.append(registry.add(packages[number], name="Wanted"))
            elif kind == 1:
                got.append(registry.add(packages[number], else_name="wanted"))
            else:
                got.append(registry.add(packages[number], name="WANTED", or_version=True))
        except ConfigError as error:
            told.append(str(error))

    threads = [threading.Thread(target=add, args=(number,)) for number in range(9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) + len(told) == 9
    records, total = registry.list()
    assert len({record.name.casefold() for record in records}) == total
    assert sum(record.versions for record in records) == len(got)
    assert len({(version.model, version.number) for version in got}) == len(got)
    for version in got:
        registry.verify(version.model, version.number)
    assert {path.name for path in registry.workspace.models_folder.iterdir()} == {
        ".trash", "objects", *(record.id for record in records)}


RENAMING = """
import sys
from nbtrain.models.registry import Registry
from nbtrain.core.errors import ConfigError
registry, own, gone = Registry(), sys.argv[1], 0
print("ready", flush=True)
sys.stdin.readline()
for number in range(40):
    try:
        registry.rename(own, f"name {number}" if own < sys.argv[2] else f"NAME {number}")
        gone += 1
    except ConfigError as error:
        assert "already" in str(error), error
print(gone)
"""


def test_two_kernels_rename_at_once(registry: Registry, package: Package) -> None:
    one, two = (registry.add(package, else_name="m").model for _ in range(2))
    kernels = [subprocess.Popen([sys.executable, "-c", RENAMING, *names], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                text=True) for names in ((one, two), (two, one))]
    for kernel in kernels:
        assert kernel.stdout is not None
        assert kernel.stdout.readline() == "ready\n"
    for kernel in kernels:
        assert kernel.stdin is not None
        kernel.stdin.write("go\n")
        kernel.stdin.flush()
    told = [kernel.communicate(timeout=240)[0] for kernel in kernels]
    assert all(kernel.returncode == 0 for kernel in kernels)
    assert sum(map(int, told)) >= 40  # of each name at least one got it
    names = [registry.find(model).name.casefold() for model in (one, two)]
    assert names[0] != names[1]


def test_what_happened_is_in_the_diary(registry: Registry, package: Package) -> None:
    registry.add(package, name="a")
    registry.add(package, model="a")
    registry.rename("a", "b")
    registry.move("b", 1, "staging")
    registry.delete("b", 2)
    registry.restore()
    registry.delete("b")
    registry.restore()
    assert [(line.kind, line.text) for line in reversed(registry.workspace.database.activity())] == [
        ("model added", "a"), ("model version added", "a 2"), ("model renamed", "a → b"),
        ("model moved", "b 1 → staging"), ("model version deleted", "b 2"), ("model version restored", "b 2"),
        ("model deleted", "b"), ("model restored", "b")]


@pytest.mark.parametrize("model_id", ["..", "objects", ".trash", "a/b", "", "con", "20261122-0931-k3f9/.."])
def test_a_hostile_id_leads_nowhere(tmp_path: Path, model_id: str) -> None:
    with pytest.raises(ModelNotFoundError):
        Workspace(tmp_path).model_folder(model_id)


def test_another_kernel_sees_it_at_once(registry: Registry, package: Package) -> None:
    registry.add(package, name="a")
    script = (
        "import sys; from nbtrain.models.registry import Registry; "
        "print(Registry().version('A').about.architecture); print('torch' in sys.modules)")
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert done.stdout.split() == ["mlp", "False"]
    workspaces.close_all()


def test_what_is_known_of_a_version_may_be_of_numpy(registry: Registry, package: Package) -> None:
    import numpy as np  # noqa: PLC0415 - here alone

    found: Any = np.float32(0.5)
    about = replace(ABOUT, metrics={"accuracy": found}, options={"where": Path("a")})
    version = registry.add(Package(about, package.files), name="a")
    told = json.loads((version.folder / "nbtrain.json").read_text())
    assert (told["about"]["metrics"], told["about"]["options"]) == ({"accuracy": 0.5}, {"where": "a"})
