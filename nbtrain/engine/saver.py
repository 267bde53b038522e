"""When a checkpoint is due, what is in it, and that nobody sees it before its metrics are safe."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

from nbtrain.config import TrainConfig
from nbtrain.core.errors import WorkspaceError
from nbtrain.core.events import CheckpointFailed, CheckpointSaved, Event, SamplesMade
from nbtrain.core.history import History
from nbtrain.core.samples import Sample
from nbtrain.engine.checkpoint import CheckpointFolder
from nbtrain.engine.checkpoint_writer import CheckpointWriter, Outcome
from nbtrain.engine.engine import Engine
from nbtrain.engine.job import Job
from nbtrain.engine.snapshot import Components, Snapshot, flatten, unflatten
from nbtrain.store import samples as kept_samples
from nbtrain.store.metrics import Recorder

#: Name of the folder of generations in a run's folder.
CHECKPOINTS = "checkpoints"
#: Seconds between two writes of a best state.
BEST_EVERY = 5.0


class CheckpointSaver:
    """The engine's `Saver` onto disk. Copies the state between two steps; a background thread does the rest.

    Args:
        folder: the run's.
        history: recorded beside the checkpoints; a checkpoint of step N appears after the metrics up to N.
        on_failure: called (in the background) with a sentence when a checkpoint could not be written.
    """

    def __init__(
        self, folder: Path, history: History, config: TrainConfig, job: Job, *,
        publish: Callable[[Event], None], on_failure: Callable[[str], None],
    ) -> None:
        self._publish, self._on_failure, self._folder = publish, on_failure, folder
        self._recorder = Recorder(folder, history, self._not_recorded)
        self._writer = CheckpointWriter(CheckpointFolder(folder / CHECKPOINTS, config["keep_checkpoints"]), self._done)
        self._best: tuple[Snapshot, dict[str, float]] | None = None
        self._best_due = 0.0
        self._owed = False
        self._prepared = False
        self._fixed = {
            "fingerprint": job.fingerprint, "inexact": job.train.inexact, "environment": environment(job.device),
            "handed_in": job.given.described()}

    def after_step(self, engine: Engine) -> None:
        if not self._prepared:  # only now does the optimizer have all of its state
            self._prepared = True
            self._writer.prepare(_flattened(engine)[0])
        every = engine.checkpoint_every
        if every and engine.at.step % every == 0:
            self.save(engine, "every")
        elif self._best is not None and time.monotonic() >= self._best_due:
            self._write_best()

    def keep_samples(self, engine: Engine, samples: Sequence[Sample]) -> None:
        """Raises WorkspaceError."""
        kept_samples.keep(self._folder, engine.at.epoch, engine.at.step, samples)
        self._publish(SamplesMade(step=engine.at.step, epoch=engine.at.epoch, count=len(samples)))

    def after_epoch(self, engine: Engine, *, improved: bool, figures: dict[str, float]) -> None:
        every = engine.options["save_frequency"]
        if improved:
            self._keep_best(engine, figures)
        if every and engine.at.epoch % every == 0:
            self._submit(engine, "epoch", figures)

    def save(self, engine: Engine, reason: str) -> None:
        self._submit(engine, reason, {})

    def settle(self) -> None:
        """Where a write failed, wait for those behind it: what fails among them is owed with it, and no new failure."""
        if self._owed:
            self._writer.drain()

    def catch_up(self, engine: Engine) -> None:
        """After a pause: write now what could not be written before."""
        if self._owed:
            self._owed = False
            self.save(engine, "every")

    def _keep_best(self, engine: Engine, figures: dict[str, float]) -> None:
        """Copy the best state now, and write it when the last one is some seconds old.

        Epochs may be shorter than a write takes; while each is better than the one before, most need never be written.
        """
        if self._best is not None:
            self._writer.buffer.release(self._best[0].components)
        snapshot = self._snapshot(engine)
        self._writer.buffer.hold(snapshot.components)
        self._best = (snapshot, figures)
        if time.monotonic() >= self._best_due:
            self._write_best()

    def _write_best(self) -> None:
        if self._best is not None:
            (snapshot, figures), self._best = self._best, None
            self._best_due = time.monotonic() + BEST_EVERY
            self._writer.submit(snapshot, "best", figures, best=True, before=self._recorder.flush)

    def forget_after(self, step: int) -> None:
        """Remove generations of a future that will be trained anew."""
        self._writer.folder.truncate(step)

    def drain(self) -> bool:
        """Wait until all is on disk. False when something could not be written; `on_failure` was told what."""
        self._writer.drain()
        try:
            self._recorder.flush()
        except WorkspaceError as error:
            self._not_recorded(error)
            return False
        return not self._owed

    def close(self) -> None:
        """Write what is left, and end."""
        self._write_best()
        try:
            self._writer.close()
        finally:
            self._recorder.close()

    def _submit(self, engine: Engine, reason: str, figures: dict[str, float]) -> None:
        self._write_best()  # first: a resume from the checkpoint that follows would not find the best again
        self._writer.submit(self._snapshot(engine), reason, figures, before=self._recorder.flush)

    def _snapshot(self, engine: Engine) -> Snapshot:
        components, trees = _flattened(engine)
        state = {**engine.state(), **self._fixed, "trees": trees}
        return Snapshot(engine.at.step, self._writer.buffer.take(components), state)

    def _done(self, outcome: Outcome) -> None:
        """In the writer's thread."""
        if outcome.generation is not None:
            self._publish(CheckpointSaved(
                step=outcome.step, generation=outcome.generation.name, reason=outcome.reason, seconds=outcome.seconds,
                bytes=outcome.generation.bytes))
            return
        self._owed = True
        message = f"The checkpoint of step {outcome.step} could not be written: {outcome.error}"
        self._publish(CheckpointFailed(step=outcome.step, message=message))
        self._on_failure(message)

    def _not_recorded(self, error: WorkspaceError) -> None:
        """In the store's thread. The points are still there, and tried again twice a second."""
        self._on_failure(f"The metrics could not be written: {error}")


def _flattened(engine: Engine) -> tuple[Components, dict[str, Any]]:
    """The engine's components as tensors by name, and as the trees they came from."""
    parts = {name: flatten(part) for name, part in engine.components().items()}
    return {name: part[0] for name, part in parts.items()}, {name: part[1] for name, part in parts.items()}


def unpack(snapshot: Snapshot) -> tuple[dict[str, Any], dict[str, Any]]:
    """The state dicts of `Engine.components`, and the rest of the state."""
    trees = snapshot.state["trees"]
    return {name: unflatten(snapshot.components[name], tree) for name, tree in trees.items()}, dict(snapshot.state)


def environment(device: torch.device) -> dict[str, Any]:
    """What must be the same for a resume to give the same bits."""
    kind = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.machine()
    return {"torch": torch.__version__, "device": device.type, "hardware": kind, "threads": torch.get_num_threads()}
