"""When a checkpoint is due, what is in it, and that nobody sees it before its metrics are safe."""

from __future__ import annotations

import platform
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from nbtrain.config import TrainConfig
from nbtrain.core.events import CheckpointFailed, CheckpointSaved, Event
from nbtrain.core.history import History
from nbtrain.engine.checkpoint import CheckpointFolder
from nbtrain.engine.checkpoint_writer import CheckpointWriter, Outcome
from nbtrain.engine.engine import Engine
from nbtrain.engine.job import Job
from nbtrain.engine.snapshot import Snapshot, flatten, unflatten
from nbtrain.store.metrics import Recorder

#: Name of the folder of generations in a run's folder.
CHECKPOINTS = "checkpoints"


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
        self._publish, self._on_failure = publish, on_failure
        self._recorder = Recorder(folder, history, lambda error: on_failure(str(error)))
        self._writer = CheckpointWriter(CheckpointFolder(folder / CHECKPOINTS, config["keep_checkpoints"]), self._done)
        self._fixed = {"fingerprint": job.fingerprint, "inexact": job.train.inexact, "environment": environment(job.device)}

    def after_step(self, engine: Engine) -> None:
        every = engine.checkpoint_every
        if every and engine.at.step % every == 0:
            self.save(engine, "every")

    def after_epoch(self, engine: Engine, *, improved: bool, figures: dict[str, float]) -> None:
        every = engine.options["save_frequency"]
        if improved:
            # An older best that still waits for the disk is best no more; so quick epochs never wait for it.
            self._writer.withdraw("best")
            self._submit(engine, "best", figures, best=True)
        elif every and engine.at.epoch % every == 0:
            self._submit(engine, "epoch", figures)

    def save(self, engine: Engine, reason: str) -> None:
        self._submit(engine, reason, {})

    def forget_after(self, step: int) -> None:
        """Remove generations of a future that will be trained anew."""
        self._writer.folder.truncate(step)

    def drain(self) -> None:
        """Wait until all is on disk."""
        self._writer.drain()
        self._recorder.flush()

    def close(self) -> None:
        """Write what is left, and end."""
        self._writer.close()
        self._recorder.close()

    def _submit(self, engine: Engine, reason: str, figures: dict[str, float], *, best: bool = False) -> None:
        components, trees = {}, {}
        for name, part in engine.components().items():
            components[name], trees[name] = flatten(part)
        state = {**engine.state(), **self._fixed, "trees": trees}
        snapshot = Snapshot(engine.at.step, self._writer.buffer.take(components), state)
        self._writer.submit(snapshot, reason, figures, best=best, before=self._recorder.flush)

    def _done(self, outcome: Outcome) -> None:
        """In the writer's thread."""
        if outcome.generation is not None:
            self._publish(CheckpointSaved(
                step=outcome.step, generation=outcome.generation.name, reason=outcome.reason, seconds=outcome.seconds,
                bytes=outcome.generation.bytes))
            return
        message = f"The checkpoint of step {outcome.step} could not be written: {outcome.error}"
        self._publish(CheckpointFailed(step=outcome.step, message=message))
        self._on_failure(message)


def unpack(snapshot: Snapshot) -> tuple[dict[str, Any], dict[str, Any]]:
    """The state dicts of `Engine.components`, and the rest of the state."""
    trees = snapshot.state["trees"]
    return {name: unflatten(snapshot.components[name], tree) for name, tree in trees.items()}, dict(snapshot.state)


def environment(device: torch.device) -> dict[str, Any]:
    """What must be the same for a resume to give the same bits."""
    kind = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.machine()
    return {"torch": torch.__version__, "device": device.type, "hardware": kind, "threads": torch.get_num_threads()}
