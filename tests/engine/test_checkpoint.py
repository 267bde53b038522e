from __future__ import annotations

import ast
import json
import logging
import math
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from nbtrain.core.errors import CheckpointError, WorkspaceError
from nbtrain.engine import checkpoint
from nbtrain.engine.checkpoint import CheckpointFolder
from nbtrain.engine.snapshot import Snapshot
from nbtrain.store import atomic

ROOT = Path(__file__).parents[2]


def snapshot(step: int, value: float | None = None) -> Snapshot:
    weight = torch.full((2, 2), float(step) if value is None else value)
    return Snapshot(step, {"model": {"weight": weight}, "optimizer": {}}, {"position": {"step": step}})


def steps(folder: CheckpointFolder) -> list[int]:
    return [generation.step for generation in folder.generations()]


def test_a_checkpoint_comes_back_as_it_was(tmp_path: Path) -> None:
    folder = CheckpointFolder(tmp_path / "checkpoints")
    state = {"lr": 0.1, "best": -math.inf, "tree": [1, None, "متن", {"a": True}]}
    components = {"model": {"w": torch.rand(3, 4), "n": torch.tensor(7)}, "ema": {"w": torch.rand(3, 4).bfloat16()}}
    written = folder.write(Snapshot(1000, components, state), "epoch", {"val_loss": 1 / 3}, best=True)
    loaded, generation, skipped = folder.load()
    assert skipped == []
    assert generation == written
    assert (generation.name, generation.step, generation.reason) == ("step-000001000", 1000, "epoch")
    assert (generation.metrics, generation.best, generation.finite) == ({"val_loss": 1 / 3}, True, True)
    assert (loaded.step, loaded.state) == (1000, state)
    for name, tensors in components.items():
        assert all(torch.equal(loaded.components[name][key], tensor) for key, tensor in tensors.items())
    assert generation.bytes == sum(
        path.stat().st_size for path in generation.path.iterdir() if not path.name.startswith("manifest"))


def test_the_files_are_as_the_documents_say(tmp_path: Path) -> None:
    generation = CheckpointFolder(tmp_path).write(snapshot(1000), "every")
    assert sorted(path.name for path in generation.path.iterdir()) == [
        "manifest.json", "manifest.sha256", "model.safetensors", "optimizer.safetensors", "state.json"]
    assert sorted(json.loads((generation.path / "manifest.json").read_text())["files"]) == [
        "model.safetensors", "optimizer.safetensors", "state.json"]
    if sys.platform == "linux":
        subprocess.run(["sha256sum", "--check", "--strict", "manifest.sha256"], cwd=generation.path, check=True)


def test_tied_weights_are_written_once_and_come_back_tied(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Embedding(50, 20), nn.Linear(20, 50, bias=False))
    model[1].weight = model[0].weight
    folder = CheckpointFolder(tmp_path)
    folder.write(Snapshot(1, {"model": model.state_dict()}), "every")
    assert (tmp_path / "step-000000001" / "model.safetensors").stat().st_size < 1.2 * 50 * 20 * 4
    tensors = folder.load()[0].components["model"]
    assert tensors["0.weight"] is tensors["1.weight"]
    assert list(tensors) == ["0.weight", "1.weight"]
    model.load_state_dict(dict(tensors))


def test_the_last_few_the_best_and_the_last_finite_are_kept(tmp_path: Path) -> None:
    folder = CheckpointFolder(tmp_path, keep=2)
    for step in (1, 2, 3, 4, 5, 6, 7):
        folder.write(snapshot(step, math.nan if step > 4 else 0.0), "every", best=step in {1, 2})
    assert steps(folder) == [2, 4, 6, 7]  # 2 is the best, 4 the last finite one
    assert [generation.finite for generation in folder.generations()] == [True, True, False, False]


def test_whether_weights_are_finite_is_looked_for_in_every_component(tmp_path: Path) -> None:
    folder = CheckpointFolder(tmp_path)
    good = torch.ones(2)
    for step, bad in enumerate((torch.tensor([1.0, math.inf]), torch.tensor([math.nan]).half(), good), start=1):
        folder.write(Snapshot(step, {"model": {"w": good}, "ema": {"n": torch.tensor(1), "w": bad}}), "every")
    assert [generation.finite for generation in folder.generations()] == [False, False, True]
    assert folder.write(Snapshot(9, {"model": {"w": good}}), "every", finite=False).finite is False


def test_a_step_written_again_replaces_the_older_one_after_it_is_verified(tmp_path: Path) -> None:
    folder = CheckpointFolder(tmp_path, keep=2)
    folder.write(snapshot(1), "every")
    folder.write(snapshot(2, 20.0), "every")
    again = folder.write(snapshot(2, 21.0), "end")
    assert again.name == "step-000000002.2"
    assert [generation.name for generation in folder.generations()] == ["step-000000001", "step-000000002.2"]
    assert folder.load(2)[0].components["model"]["weight"][0, 0] == 21.0
    assert folder.write(snapshot(2, 22.0), "end").name == "step-000000002.3"


def test_a_newer_one_that_is_broken_is_skipped_and_said(tmp_path: Path) -> None:
    folder = CheckpointFolder(tmp_path)
    folder.write(snapshot(1), "every")
    folder.write(snapshot(2), "every")
    (tmp_path / "step-000000002" / "model.safetensors").write_bytes(b"")
    loaded, generation, skipped = folder.load()
    assert (loaded.step, generation.step) == (1, 1)
    assert skipped == [
        "The checkpoint step-000000002 was skipped: model.safetensors has 0 bytes instead of 120."]
    with pytest.raises(CheckpointError, match=r"There is no sound checkpoint of step 2 .*; steps there are: 1\. The"):
        folder.load(2)
    folder.truncate(1)
    assert folder.load()[2] == []


def test_where_there_is_none_it_is_said(tmp_path: Path) -> None:
    folder = CheckpointFolder(tmp_path / "checkpoints")
    assert folder.generations() == []
    with pytest.raises(CheckpointError, match=r"There is no sound checkpoint in .*; steps there are: none\."):
        folder.load()
    folder.write(snapshot(5), "every")
    with pytest.raises(CheckpointError, match=r"of step 7 .*; steps there are: 5\."):
        folder.load(7)


def test_a_folder_that_was_renamed_does_not_pass_for_another_step(tmp_path: Path) -> None:
    folder = CheckpointFolder(tmp_path)
    folder.write(snapshot(1), "every").path.rename(tmp_path / "step-000000009")
    with pytest.raises(CheckpointError, match="It holds step 1; the folder was renamed"):
        folder.load()


def reseal(path: Path, manifest: object) -> None:
    """A manifest made by hand, with a seal that fits."""
    content = json.dumps(manifest).encode()
    (path / "manifest.json").write_bytes(content)
    (path / "manifest.sha256").write_bytes(checkpoint._seal(content))


@pytest.mark.parametrize("change", [
    {"files": {"state.json": {}}}, {"files": []}, {"files": {}}, {"files": {"../../x": {}}}, {"step": "1"},
    {"format": 2},
    {"files": {"../step-000000001/state.json": {"bytes": 1, "sha256": "x"}}},
])
def test_a_manifest_made_by_someone_else_is_refused_in_words(tmp_path: Path, change: dict[str, object]) -> None:
    folder = CheckpointFolder(tmp_path)
    path = folder.write(snapshot(1), "every").path
    reseal(path, json.loads((path / "manifest.json").read_text()) | change)
    with pytest.raises(CheckpointError, match="step-000000001 was skipped"):
        folder.load()


@pytest.mark.parametrize("content", [b"[]", b"null", b"{", b"\xff", b"[" * 5000])
def test_a_manifest_that_is_none_is_refused_in_words(tmp_path: Path, content: bytes) -> None:
    folder = CheckpointFolder(tmp_path)
    path = folder.write(snapshot(1), "every").path
    (path / "manifest.json").write_bytes(content)
    (path / "manifest.sha256").write_bytes(checkpoint._seal(content))
    with pytest.raises(CheckpointError, match="step-000000001 was skipped"):
        folder.load()


def test_what_an_unfinished_write_left_is_not_seen_and_cleared_away(tmp_path: Path) -> None:
    folder = CheckpointFolder(tmp_path)
    folder.write(snapshot(1), "every")
    left = tmp_path / ".step-000000002.0123abcd.unfinished"
    left.mkdir()
    (left / "model.safetensors").write_bytes(b"half")
    assert steps(folder) == [1]
    folder.write(snapshot(2), "every")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["step-000000001", "step-000000002"]


def test_what_does_not_read_back_is_taken_away_and_nothing_is_pruned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = CheckpointFolder(tmp_path, keep=1)
    folder.write(snapshot(1), "every")
    monkeypatch.setattr(atomic, "digest", lambda path: (0, "another"))
    with pytest.raises(CheckpointError, match=r"step 2 was written, but cannot be read back: .* older ones"):
        folder.write(snapshot(2), "every")
    monkeypatch.undo()
    assert steps(folder) == [1]


def test_an_old_one_that_will_not_go_harms_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    folder = CheckpointFolder(tmp_path, keep=1)
    folder.write(snapshot(1), "every")

    def stuck(path: Path) -> None:
        raise WorkspaceError(f"Cannot remove {path}: it is in use.")

    monkeypatch.setattr(atomic, "remove_folder", stuck)
    with caplog.at_level(logging.WARNING):
        folder.write(snapshot(2), "every")
    assert "stays for now" in caplog.text
    monkeypatch.undo()
    folder.write(snapshot(3), "every")
    assert steps(folder) == [3]


def test_what_comes_after_a_resumed_step_is_removed(tmp_path: Path) -> None:
    folder = CheckpointFolder(tmp_path, keep=9)
    for step in (1, 2, 3, 4):
        folder.write(snapshot(step), "every", best=step == 4)
    folder.truncate(2)
    assert steps(folder) == [1, 2]


def test_what_cannot_be_saved_is_named_and_nothing_is_left(tmp_path: Path) -> None:
    folder = CheckpointFolder(tmp_path)
    with pytest.raises(CheckpointError, match="w of the model cannot be saved"):
        folder.write(Snapshot(1, {"model": {"w": torch.eye(2).to_sparse()}}), "every")
    assert list(tmp_path.iterdir()) == []


#: Where files that can hold pickles are handled, and why that is safe.
PICKLES = {
    ("recipes/speech_clips.py", "np.load"),  # spectrograms, mapped; NumPy unpickles nothing unless it is told to
    ("recipes/speech_clips.py", "np.save"),
    ("engine/workers.py", "pickle.loads"),  # between a run and its own data workers, in memory
    ("engine/follower.py", "torch.save"),  # from a run to its own processes, in a folder that no other user can enter
    ("engine/follower.py", "torch.load"),
    ("hub/local/samples.py", "torch.save"),  # a repository as they are out there, for tests and notebooks
    ("models/exporting/program.py", "torch.export.save"),
    ("models/exporting/program.py", "torch.export.load"),  # what it has just written itself
    ("models/importing/objects.py", "torch.export.save"),
    ("models/importing/objects.py", "torch.jit.save"),
    ("models/importing/jobs/pickles.py", "torch.load"),  # in a process without rights, and weights alone
    ("models/importing/jobs/graphs.py", "torch.export.load"),  # likewise, after its operators were looked at
    ("models/loading.py", "torch.export.load"),  # the very bytes that were looked at when they came in
    ("models/loading.py", "torch.jit.load"),
}


#: Between a run and processes that it started itself: code of the notebook is meant to travel.
OWN_PROCESSES = {"engine/workers.py", "engine/follower.py"}


def test_no_pickle_is_ever_read_or_written_as_a_file() -> None:
    """But where it is said why."""
    forbidden = {"pickle", "cPickle", "dill", "joblib", "shelve", "marshal", "cloudpickle"}
    found, unsafe = set(), []
    for path in (ROOT / "nbtrain").rglob("*.py"):
        place = path.relative_to(ROOT / "nbtrain").as_posix()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if place not in OWN_PROCESSES and isinstance(node, ast.Import | ast.ImportFrom):
                names = [alias.name for alias in node.names] + [getattr(node, "module", None) or ""]
                unsafe += [(place, name) for name in names if name.split(".")[0] in forbidden]
            if isinstance(node, ast.Call) and (call := ast.unparse(node.func)).split(".")[-1] in {
                "load", "save", "dump", "loads"
            } and call.split(".")[0] in {"torch", "np", "numpy", "pd", "pandas", "pickle"}:
                found.add((place, call))
                weights_only = {word.arg: ast.unparse(word.value) for word in node.keywords}.get("weights_only")
                if call == "torch.load" and weights_only != "True" and place not in OWN_PROCESSES:
                    unsafe.append((place, call))
            if isinstance(node, ast.keyword) and node.arg == "allow_pickle":
                unsafe.append((place, node.arg))
    assert unsafe == []
    assert found == PICKLES
