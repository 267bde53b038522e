"""A model that another kernel finds between its folder and its row is nobody's under a name that was not asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from nbtrain.core.errors import ConfigError
from nbtrain.models.package import About, Package
from nbtrain.models.registry import Registry

ABOUT = About(format="architecture", architecture="mlp", labels=("cat", "dog"))


@pytest.fixture
def package(tmp_path: Path) -> Package:
    weights = tmp_path / "weights"
    weights.write_bytes(b"w")
    return Package(ABOUT, {"model.safetensors": weights})


@pytest.fixture
def registry(package: Package, monkeypatch: pytest.MonkeyPatch) -> Registry:
    """One of a kernel that is slow: the name is given away while it writes, and its folder found before it says so."""
    slow, register = Registry(), Registry._register
    tidy = slow.tidy

    def late(manifest: Any, *, exact: bool) -> Any:
        Registry().list()
        return register(slow, manifest, exact=exact)

    def overtaken() -> None:
        monkeypatch.setattr(slow, "tidy", tidy)
        Registry().add(package, name="shared")
        tidy()

    monkeypatch.setattr(slow, "tidy", overtaken)
    monkeypatch.setattr(slow, "_register", late)
    return slow


def test_it_becomes_a_version_of_the_model_that_has_the_name(registry: Registry, package: Package):
    version = registry.add(package, name="shared", or_version=True)
    assert version.number == 2
    records, total = registry.list()
    assert [(record.name, record.versions) for record in records] == [("shared", 2)]
    assert total == 1


def test_or_is_refused_and_leaves_nothing(registry: Registry, package: Package):
    with pytest.raises(ConfigError, match="There is a model 'shared' already"):
        registry.add(package, name="shared")
    records, _ = registry.list()
    assert [(record.name, record.versions) for record in records] == [("shared", 1)]
    Registry().tidy()
    assert [record.name for record in registry.list()[0]] == ["shared"]
