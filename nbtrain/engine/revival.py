"""Taking up a run where a checkpoint left it: open it, see whether it fits, and say whether it is exact."""

from __future__ import annotations

import dataclasses

from torch import nn

from nbtrain.core.errors import CheckpointError, DataError
from nbtrain.core.history import History
from nbtrain.engine.checkpoint import CheckpointFolder
from nbtrain.engine.job import Job
from nbtrain.engine.saver import CHECKPOINTS, environment
from nbtrain.engine.trainer import Restart
from nbtrain.store import metrics
from nbtrain.store.workspace import Workspace

_WORDS = {"torch": "torch version", "device": "device", "hardware": "processor", "threads": "number of threads"}


def open_checkpoint(workspace: Workspace, run_id: str, *, step: int | None = None, fork: bool = False) -> Restart:
    """The newest sound checkpoint of a run, or that of `step`.

    Raises:
        CheckpointError: there is none; the message names the steps there are.
    """
    folder = CheckpointFolder(workspace.run_folder(run_id) / CHECKPOINTS)
    snapshot, generation, skipped = folder.load(step)
    return Restart(snapshot, generation.name, fork=fork, notes=tuple(skipped))


def check(restart: Restart, job: Job) -> Restart:
    """The same, with every reason why the resume is not exact.

    Raises:
        CheckpointError: the model does not fit the checkpoint.
        DataError: the data is not what the run was trained on.
    """
    state = restart.snapshot.state
    fits(restart, job.model)
    if state["fingerprint"] != job.fingerprint:
        raise DataError(
            "The data is not what the run was trained on (its fingerprint differs); hand in the same rows in the same order, "
            "or start a new run.")
    now = environment(job.device)
    reasons = [
        f"the {_WORDS[name]} was {before} and is {now[name]}"
        for name, before in state["environment"].items() if now[name] != before]
    if job.train.inexact:
        reasons.append(job.train.inexact)
    return dataclasses.replace(restart, reasons=tuple(reasons))


def fits(restart: Restart, model: nn.Module) -> None:
    """Raises CheckpointError when names or shapes of the model's weights differ from the checkpoint's."""
    saved, own = restart.snapshot.components["model"], model.state_dict()
    differing = [
        f"{name} is {tuple(own[name].shape)}, was {tuple(saved[name].shape)}"
        for name in own if name in saved and own[name].shape != saved[name].shape]
    differing += [f"{name} is new" for name in own if name not in saved]
    differing += [f"{name} is gone" for name in saved if name not in own]
    if differing:
        more = f" and {len(differing) - 3} more" if len(differing) > 3 else ""
        raise CheckpointError(
            f"The model does not fit the checkpoint: {'; '.join(differing[:3])}{more}. "
            "Hand in a model of the same shape as the run's.")


def history(workspace: Workspace, run_id: str, step: int) -> History:
    """What the run had measured up to `step`."""
    measured = metrics.load(workspace.run_folder(run_id))
    measured.truncate(step)
    return measured
