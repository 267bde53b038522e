"""Taking up a run where a checkpoint left it: open it, see whether it fits, and say whether it is exact."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from torch import nn

from nbtrain.config import TrainConfig
from nbtrain.core.errors import CheckpointError, DataError
from nbtrain.core.history import History
from nbtrain.engine.checkpoint import CheckpointFolder
from nbtrain.engine.job import Ingredients, Job, Loss, Metrics
from nbtrain.engine.objective import Step
from nbtrain.engine.saver import CHECKPOINTS, environment
from nbtrain.engine.trainer import Restart
from nbtrain.store import metrics
from nbtrain.store.workspace import Workspace

#: What a resume compares by name.
_ASKED = ("loss", "metrics", "step", "loss_weights", "teacher")
_WORDS = {"torch": "torch version", "device": "device", "hardware": "processor", "threads": "number of threads"}


def open_checkpoint(workspace: Workspace, run_id: str, *, step: int | None = None, fork: bool = False) -> Restart:
    """The newest sound checkpoint of a run, or that of `step`.

    Raises:
        CheckpointError: there is none; the message names the steps there are.
    """
    folder = CheckpointFolder(workspace.run_folder(run_id) / CHECKPOINTS)
    snapshot, generation, skipped = folder.load(step)
    return Restart(run_id, snapshot, generation.name, fork=fork, notes=tuple(skipped))


def options(restart: Restart) -> TrainConfig:
    """The options of the run when the checkpoint was written, live edits included."""
    return TrainConfig(**restart.snapshot.state["options"])


def origin(restart: Restart) -> Mapping[str, Any] | None:
    """Where the data of the run came from, when it was a dataset of the workspace."""
    found: Mapping[str, Any] | None = restart.snapshot.state["handed_in"].get("origin")  # runs of 0.1 have none
    return found


def model_origin(restart: Restart) -> Mapping[str, Any] | None:
    """What the model of the run was made from, when it was given by a name."""
    found: Mapping[str, Any] | None = restart.snapshot.state["handed_in"].get("model_origin")
    return found


def handed_in_again(
    run_id: str, restart: Restart, before: Ingredients | None, *, model: nn.Module | None, data: Any, validation: Any,
    loss: Loss | None, metrics: Metrics | None, origin: Mapping[str, Any] | None = None, step: Step | None = None,
    loss_weights: Mapping[str, float] | None = None, teacher: nn.Module | None = None,
) -> Ingredients:
    """What the run was started with: as `before` knows it in the same kernel, over that what is handed in now.

    Raises:
        DataError: something must be handed in; the message names all of it.
    """
    saved = restart.snapshot.state["handed_in"]
    if before is not None:
        given = {
            "model": model, "data": data, "validation": validation, "loss": loss, "metrics": metrics, "origin": origin,
            "step": step, "loss_weights": loss_weights, "teacher": teacher}
        again = dataclasses.replace(before, **{name: thing for name, thing in given.items() if thing is not None})
        if saved.get("teacher") and again.teacher is None:
            raise DataError(
                f"Run {run_id} learned from a teacher, which must be handed in again: "
                f"nbtrain.resume({run_id!r}, teacher=net).")
        return again
    missing = {
        "model": "net" if model is None else None,
        "data": "(X, y)" if data is None else None,
        "validation": "(X_val, y_val)" if validation is None and saved["validation"] else None,
        "loss": _function(saved["loss"]) if loss is None else None,
        "metrics": _functions(saved["metrics"]) if metrics is None else None,
        "step": _function(saved.get("step")) if step is None else None,
        "teacher": "teacher" if teacher is None and saved.get("teacher") else None,
    }
    missing = {name: example for name, example in missing.items() if example is not None}
    if missing:
        examples = ", ".join(f"{name}={example}" for name, example in missing.items())
        *first, last = missing
        what = f"{', '.join(first)}{' and ' * bool(first)}{last}"
        raise DataError(
            f"Run {run_id} was started in another kernel, so its {what} must be handed in: "
            f"nbtrain.resume({run_id!r}, {examples}).")
    assert model is not None  # noqa: S101 - it would be among the missing
    return Ingredients(
        model, data, validation, saved["loss"] if loss is None else loss,
        saved["metrics"] if metrics is None else metrics, origin, step=step,
        loss_weights=saved.get("loss_weights") if loss_weights is None else loss_weights, teacher=teacher)


def _function(described: str | dict[str, str] | None) -> str | None:
    """The name of a function, as `Ingredients.described` gives it; None for what was given by a name of nbtrain's."""
    if isinstance(described, dict):
        return "{…}" if any(map(_function, described.values())) else None
    return described[1:-1] if described is not None and described.startswith("<") else None


def _functions(described: list[str] | None) -> str | None:
    if not any(map(_function, described or ())):
        return None
    return "[" + ", ".join(_function(one) or repr(one) for one in described or ()) + "]"


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
            "The data is not what the run was trained on (its fingerprint differs); hand in the same rows in the same "
            "order, with the same validation data if it had its own, or start a new run.")
    now = environment(job.device)
    reasons = [
        f"the {_WORDS[name]} was {before} and is {now[name]}"
        for name, before in state["environment"].items() if now[name] != before]
    given, given_before = job.given.described(), state["handed_in"]
    reasons += [
        f"the {name} was {given_before[name]} and is {given[name]}" for name in _ASKED
        if given[name] != given_before.get(name)]
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
