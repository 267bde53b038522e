"""Every byte of a small checkpoint is changed, every file is cut at every length: always noticed, never loaded."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nbtrain.core.errors import CheckpointError
from nbtrain.engine.checkpoint import CheckpointFolder, Generation
from nbtrain.engine.snapshot import Snapshot

FILES = ["model.safetensors", "optimizer.safetensors", "state.json", "manifest.json", "manifest.sha256"]


def two_generations(folder: Path) -> tuple[CheckpointFolder, Generation]:
    """A folder with the checkpoints of steps 1 and 2, and the second of them."""
    folder.mkdir(exist_ok=True)
    checkpoints = CheckpointFolder(folder, keep=2)
    for step in (1, 2):
        components = {"model": {"w": torch.full((3,), float(step))}, "optimizer": {}}
        generation = checkpoints.write(Snapshot(step, components, {"s": step}), "every", {"a": 0.5})
    return checkpoints, generation


def falls_back(checkpoints: CheckpointFolder) -> bool:
    """True when the broken second generation is noticed, said, and the first loaded whole."""
    loaded, generation, skipped = checkpoints.load()
    return (
        generation.step == 1 and loaded.state == {"s": 1} and loaded.components["model"]["w"].tolist() == [1.0] * 3
        and len(skipped) == 1 and skipped[0].startswith("The checkpoint step-000000002 was skipped: "))


@pytest.mark.parametrize("name", FILES)
def test_a_byte_that_changed_is_noticed_wherever_it_is(tmp_path: Path, name: str) -> None:
    checkpoints, generation = two_generations(tmp_path)
    whole = (generation.path / name).read_bytes()
    unnoticed = []
    for index in range(len(whole)):
        for bit in (0x01, 0x80):
            changed = bytearray(whole)
            changed[index] ^= bit
            (generation.path / name).write_bytes(changed)
            if not falls_back(checkpoints):
                unnoticed.append((index, bit))
    assert unnoticed == []
    (generation.path / name).write_bytes(whole)
    assert checkpoints.load()[1].step == 2


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_was_cut_or_grew_is_noticed_at_every_length(tmp_path: Path, name: str) -> None:
    checkpoints, generation = two_generations(tmp_path)
    whole = (generation.path / name).read_bytes()
    for length in range(len(whole)):
        (generation.path / name).write_bytes(whole[:length])
        assert falls_back(checkpoints), length
    (generation.path / name).write_bytes(whole + b"\n")
    assert falls_back(checkpoints)
    (generation.path / name).unlink()
    assert falls_back(checkpoints)
    (generation.path / name).mkdir()
    assert falls_back(checkpoints)


@given(st.sampled_from(FILES), st.binary(max_size=2000))
@settings(max_examples=100)
def test_noise_in_place_of_a_file_is_noticed(
    tmp_path_factory: pytest.TempPathFactory, name: str, noise: bytes
) -> None:
    checkpoints, generation = two_generations(tmp_path_factory.mktemp("run"))
    (generation.path / name).write_bytes(noise)
    assert falls_back(checkpoints)


def test_files_of_another_generation_are_noticed(tmp_path: Path) -> None:
    checkpoints, generation = two_generations(tmp_path)
    for name in FILES[:4]:
        whole = (generation.path / name).read_bytes()
        other = (tmp_path / "step-000000001" / name).read_bytes()
        if other != whole:
            (generation.path / name).write_bytes(other)
            assert falls_back(checkpoints), name
            (generation.path / name).write_bytes(whole)


def test_where_all_are_broken_each_is_said(tmp_path: Path) -> None:
    checkpoints, _ = two_generations(tmp_path)
    for path in tmp_path.glob("*/model.safetensors"):
        path.write_bytes(b"")
    with pytest.raises(CheckpointError) as caught:
        checkpoints.load()
    assert "step-000000001 was skipped" in str(caught.value)
    assert "step-000000002 was skipped" in str(caught.value)
