"""When checkpoints are written, what is in them, and that what cannot be written is told and tried again."""

from __future__ import annotations

import errno
from typing import Any

import pytest
import torch

from nbtrain.config import TrainConfig
from nbtrain.core.control import Control
from nbtrain.core.errors import WorkspaceError
from nbtrain.core.events import CheckpointFailed, CheckpointSaved
from nbtrain.core.history import History
from nbtrain.engine import saver as savers
from nbtrain.engine.checkpoint import CheckpointFolder
from nbtrain.engine.engine import Engine
from nbtrain.engine.job import Ingredients, prepare
from nbtrain.engine.saver import CheckpointSaver, unpack
from nbtrain.store import metrics
from tests.engine import toys
from tests.faults.failing_files import FailingFiles


class Scene:
    """An engine with its saver, without a thread."""

    def __init__(self, folder, **options):
        config = TrainConfig(**{**toys.RICH, **options})
        self.folder, self.history = folder, History()
        self.events: list[Any] = []
        self.failures: list[str] = []
        self.job = prepare(Ingredients(toys.net(), toys.data(), loss="cross_entropy"), config)
        self.saver = CheckpointSaver(
            folder, self.history, config, self.job, publish=self.events.append, on_failure=self.failures.append
        )
        self.engine: Any = Engine(
            self.job, config, control=Control(), history=self.history, publish=self.events.append, saver=self.saver
        )

    def close(self):
        self.saver.close()
        self.job.close()

    @property
    def kept(self):
        return CheckpointFolder(self.folder / "checkpoints").generations()


@pytest.fixture
def scene(tmp_path):
    made = []

    def make(**options):
        made.append(Scene(tmp_path, **options))
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_a_checkpoint_holds_all_that_a_restored_engine_needs(scene):
    one = scene(checkpoint_every=0)
    one.engine.fit()
    one.saver.save(one.engine, "asked")
    assert one.saver.drain()
    snapshot, _, _ = CheckpointFolder(one.folder / "checkpoints").load()
    components, state = unpack(snapshot)
    assert set(components) == {"model", "optimizer", "ema"}
    assert state["handed_in"] == {"validation": False, "loss": "cross_entropy", "metrics": None, "origin": None,
        "model_origin": None, "step": None, "loss_weights": None, "teacher": None}
    assert state["environment"] == savers.environment(torch.device("cpu"))
    other: Any = Engine(
        one.job, TrainConfig(**toys.RICH), control=Control(), history=History(), publish=lambda _: None, saver=one.saver
    )
    one.engine.model.load_state_dict({k: torch.zeros_like(v) for k, v in one.engine.model.state_dict().items()})
    other.restore(components, state)
    assert other.at.step == one.engine.at.step
    assert toys.same_weights(other.ema.model, one.engine.ema.model)
    assert str(other.optimizer.state_dict()["state"]) == str(one.engine.optimizer.state_dict()["state"])
    assert other.stopping.state_dict() == one.engine.stopping.state_dict()


def test_an_average_that_begins_with_a_fork_begins_at_its_checkpoint(scene):
    one = scene(checkpoint_every=0, use_ema=False)
    before = {name: tensor.clone() for name, tensor in one.engine.model.state_dict().items()}
    one.saver.save(one.engine, "asked")
    one.engine.fit()
    one.saver.drain()
    components, state = unpack(CheckpointFolder(one.folder / "checkpoints").load(0)[0])
    options = TrainConfig(**{**toys.RICH, "use_ema": True})
    branch: Any = Engine(
        one.job, options, control=Control(), history=History(), publish=lambda _: None, saver=one.saver)
    branch.restore(components, state)
    assert all(torch.equal(before[name], tensor) for name, tensor in branch.ema.model.state_dict().items())


def test_a_checkpoint_appears_after_the_metrics_up_to_it(scene):
    one = scene(checkpoint_every=4)
    one.engine.fit()
    one.saver.drain()
    newest = one.kept[-1]
    assert newest.reason == "every"
    assert metrics.load(one.folder)["loss"].steps.tolist()[: newest.step] == list(range(1, newest.step + 1))


def test_best_states_are_written_every_few_seconds_and_the_last_one_always(scene, monkeypatch):
    monkeypatch.setattr(savers, "BEST_EVERY", 1e9)
    one = scene(checkpoint_every=0, learning_rate=0.01)
    one.engine.fit()
    one.saver.drain()
    written = [event for event in one.events if isinstance(event, CheckpointSaved)]
    assert [event.reason for event in written] == ["best"]  # of the first epoch
    best = one.engine.stopping.best_step
    assert best > written[0].step
    one.saver.save(one.engine, "end")
    one.saver.drain()
    assert [generation.step for generation in one.kept if generation.best] == [best] or one.kept[-1].step == best


def test_a_best_state_that_still_waits_is_written_at_the_close(scene, monkeypatch):
    monkeypatch.setattr(savers, "BEST_EVERY", 1e9)
    one = scene(checkpoint_every=0, learning_rate=0.01)
    one.engine.fit()
    best = one.engine.stopping.best_step
    one.saver.close()
    assert best in [generation.step for generation in one.kept]


def test_what_could_not_be_written_is_told_owed_and_written_after_the_pause(scene, monkeypatch):
    one = scene(checkpoint_every=0)
    disk = FailingFiles(one.folder, monkeypatch)
    disk.fail(0, errno.ENOSPC, 10**6)
    one.saver.save(one.engine, "asked")
    assert not one.saver.drain()
    assert len(one.failures) == 1
    assert "The checkpoint of step 0 could not be written: " in one.failures[0]
    assert "the disk is full" in one.failures[0]
    assert [event.message for event in one.events if isinstance(event, CheckpointFailed)] == one.failures
    disk.heal()
    assert one.kept == []
    one.saver.catch_up(one.engine)
    assert one.saver.drain()
    assert [(generation.step, generation.reason) for generation in one.kept] == [(0, "every")]
    one.saver.catch_up(one.engine)  # nothing is owed any more
    one.saver.drain()
    assert len(one.kept) == 1


def test_metrics_that_cannot_be_written_are_told_and_kept(scene, monkeypatch):
    one = scene(checkpoint_every=0)
    write = one.saver._recorder._write

    def fail():
        raise WorkspaceError("Cannot use the database: the disk is full; free some space.")

    monkeypatch.setattr(one.saver._recorder, "_write", fail)
    one.history.append("loss", 1, 0.5)
    assert not one.saver.drain()
    assert one.failures[-1].startswith("The metrics could not be written: Cannot use the database")
    monkeypatch.setattr(one.saver._recorder, "_write", write)
    assert one.saver.drain()
    assert metrics.load(one.folder)["loss"].values.tolist() == [0.5]


def test_a_future_that_is_trained_anew_is_forgotten(scene):
    one = scene(checkpoint_every=2, keep_checkpoints=50)
    one.engine.fit()
    one.saver.drain()
    assert one.kept[-1].step > 6
    one.saver.forget_after(6)
    assert one.kept[-1].step == 6
