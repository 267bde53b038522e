"""Results of runs of an earlier kernel: found with what is kept, where that is all that is needed."""

from __future__ import annotations

import gc
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

import nbtrain
from nbtrain.core.errors import CancelledError, CommandError, DataError
from nbtrain.core.outcomes import Outcome
from nbtrain.core.tasks import Progress
from nbtrain.engine import kept_state
from nbtrain.i18n import text
from nbtrain.launcher import NotebookLauncher
from nbtrain.revisiting import can_revisit, revisit
from nbtrain.store import results as store
from nbtrain.store.stored import StoredRun
from tests.waiting import reached


@pytest.fixture
def launcher() -> NotebookLauncher:
    return NotebookLauncher()


@pytest.fixture
def frame() -> pd.DataFrame:
    draw = np.random.default_rng(0)
    size, colour = draw.normal(1000, 200, 200), draw.choice(["red", "green"], 200)
    return pd.DataFrame({"size": size, "colour": colour, "kind": np.where(size > 1000, "large", "little")})


def train(model: Any, data: Any, **options: Any) -> nbtrain.Run:
    return nbtrain.train(model, data, show=False, **{"epochs": 2, "batch_size": 16, "device": "cpu", **options})


def left(launcher: NotebookLauncher, model: Any, data: Any, **options: Any) -> tuple[str, Outcome | None]:
    """The id of a run that this kernel knows no more, and what it gave while it did; that is not kept."""
    run = train(model, data, **options)
    run.wait()
    run_id, folder = run.id, run.folder
    outcome = run.results().outcome if launcher.can_look(run_id) else None
    shutil.rmtree(folder / "results", ignore_errors=True)
    del run
    gc.collect()
    assert isinstance(launcher.view(run_id), StoredRun)
    assert launcher.results(run_id) is None
    return run_id, outcome


@pytest.mark.parametrize("options", [
    {"recipe": "tabular", "target": "kind", "use_ema": True, "test": 0.2},
    {"recipe": "tabular", "target": "size", "metrics": ["mae"]},
    {"recipe": "timeseries", "target": "size", "time": "when", "window": 8, "model": "tcn"},
    {"recipe": "text-classification", "text": "colour", "target": "kind", "model": "bert-tiny", "max_length": 8,
     "vocabulary_size": 100, "lora_rank": 2},
])
def test_a_run_of_an_earlier_kernel_gives_what_it_gave_there(launcher, frame, options):
    data = frame.assign(when=pd.date_range("2024-01-01", periods=200, freq="h")) if "time" in options else frame
    run_id, before = left(launcher, options.pop("model", "tabular-mlp"), data, **options)
    assert before is not None
    assert launcher.can_look(run_id)
    task = launcher.look(run_id)
    assert task.wait(60) == before
    assert launcher.results(run_id) == before
    assert task.progress.done == task.progress.total == before.rows


def test_a_run_that_was_stopped_is_looked_at_with_the_weights_it_stopped_with(launcher, frame):
    run = train(None, frame, recipe="tabular", target="kind", epochs=1000, use_ema=True, learning_rate=1e-2)
    reached(run, 60)
    run.stop()
    assert run.state == "stopped"
    run_id, before = run.id, run.results().outcome
    shutil.rmtree(run.folder / "results")
    del run
    gc.collect()
    assert launcher.look(run_id).wait(60) == before


def damage(weights: Path) -> str:
    """Turns a bit of a checkpoint's weights; gives how the reason for not taking it begins."""
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    return f"The checkpoint {weights.parent.name} was skipped: model.safetensors"


def test_where_the_newest_checkpoint_is_damaged_that_is_said_and_whether_an_older_step_is_looked_at(launcher, frame):
    run_id, before = left(launcher, "tabular-mlp", frame, recipe="tabular", target="kind", checkpoint_every=3)
    run = launcher.view(run_id)
    assert isinstance(run, StoredRun)
    assert before is not None
    *older, first, second = sorted((run._folder / "checkpoints").glob("step-*/model.safetensors"))
    assert second.parent.name == f"{first.parent.name}.2"  # the last step, written as an epoch's and as the run's end
    skipped = [damage(second)]
    same = launcher.look(run_id).wait(60)
    assert [note[:len(skipped[0])] for note in same.notes] == skipped
    assert replace(same, notes=()) == before
    skipped.append(damage(first))
    found = launcher.look(run_id).wait(60)
    assert f"step-{found.step:09d}" == older[-1].parent.name.partition(".")[0]
    assert found.step < before.step
    said, *why = found.notes
    assert said == text("results.note.older", step=found.step)
    assert [note[:len(start)] for note, start in zip(why, skipped, strict=True)] == skipped
    assert launcher.results(run_id) == found


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(1, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        said: torch.Tensor = self.head(x)
        return said


def test_a_run_that_cannot_be_made_again_is_not_offered_and_said_so(launcher, frame):
    numbers = frame[["size", "kind"]]
    for model, options in (
            (Net(), {"recipe": "tabular", "target": "kind", "features": ["size"]}),
            ("tabular-mlp", {"recipe": "tabular", "target": "kind", "loss": nn.functional.cross_entropy}),
            ("tabular-mlp", {"recipe": "tabular", "target": "kind", "validation": 0.0}),
            ("tabular-mlp", {"recipe": "tabular", "target": "kind", "validation": numbers.head(30)})):
        run_id, _ = left(launcher, model, numbers, **options)
        assert not launcher.can_look(run_id)
        with pytest.raises(CommandError, match="is not in this kernel"):
            launcher.look(run_id)
    x = torch.randn(60, 1)
    run_id, _ = left(launcher, Net(), (x, (x[:, 0] > 0).long()))
    assert not launcher.can_look(run_id)


def test_a_dataset_that_is_gone_or_split_anew_is_said(launcher, frame):
    data = nbtrain.load_dataset(frame, name="sizes")
    data.split(train=0.6, validation=0.2, test=0.2)
    run_id, before = left(launcher, "tabular-mlp", data, recipe="tabular", target="kind")
    assert before is not None
    data.split(train=0.6, validation=0.2, test=0.2, seed=9)
    with pytest.raises(DataError, match="split anew since the run began"):
        launcher.look(run_id).wait(60)
    assert launcher.results(run_id) is None
    data.delete()
    assert not launcher.can_look(run_id)
    data.restore()
    data.split(train=0.6, validation=0.2, test=0.2)
    assert launcher.look(run_id).wait(60) == before


def test_it_can_be_called_off_and_leaves_nothing(launcher, frame):
    run_id, _ = left(launcher, "tabular-mlp", frame, recipe="tabular", target="kind")
    run = launcher.view(run_id)
    assert isinstance(run, StoredRun)

    def heard(progress: Progress) -> None:
        if progress.unit:  # rows are judged
            progress.cancel()

    for progress in (Progress(heard), Progress()):
        if progress.done == 0 and progress._on_report is None:
            progress.cancel()
        with pytest.raises(CancelledError):
            revisit(run, progress)
        assert launcher.results(run_id) is None


def test_a_hand_at_the_checkpoints_is_no_error(launcher, frame):
    run_id, _ = left(launcher, "tabular-mlp", frame, recipe="tabular", target="kind")
    run = launcher.view(run_id)
    assert isinstance(run, StoredRun)
    assert can_revisit(run)
    states = sorted((run._folder / "checkpoints").glob("step-*/state.json"))
    odd = states[-1].parent.with_name("step-notes")
    odd.mkdir()
    (odd / "state.json").write_text('{"state": {}}')
    assert can_revisit(run)
    for content in ('{"state": {"handed_in": {"origin": {"recipe": "tabular"}, "model_origin": {}}}}', "{", "[]",
                    json.dumps({"state": {"handed_in": None}})):
        for path in states:
            path.write_text(content)
        assert not can_revisit(run)
    for path in [*states, odd / "state.json"]:
        path.unlink()
    assert kept_state.newest(run._folder) is None
    assert not can_revisit(run)
    assert store.kept(run._folder) is None
