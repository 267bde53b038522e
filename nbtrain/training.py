"""The verbs: `train`, `resume`, `fork`, `runs`. They put a run together from the rooms below."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from nbtrain import ordering
from nbtrain.config import TrainConfig
from nbtrain.core.control import State
from nbtrain.core.errors import CommandError, ConfigError, Problem
from nbtrain.core.history import History
from nbtrain.core.ports import OWN_LOOP, RunRow, RunView
from nbtrain.feeding import again, feed, is_dataset
from nbtrain.ordering import ingredients, ordered
from nbtrain.recipes.base import Columns
from nbtrain.run import Run
from nbtrain.store import lock
from nbtrain.store import workspace as workspaces
from nbtrain.store.database import RunRecord
from nbtrain.store.stored import StoredRun
from nbtrain.store.workspace import Workspace

if TYPE_CHECKING:
    from torch import nn

    from nbtrain.engine.job import Ingredients, Loss, Metrics
    from nbtrain.engine.objective import Step
    from nbtrain.engine.trainer import Restart
    from nbtrain.tracking.run import TrackedRun

#: Options that decide which row is in which part, and what a recipe draws.
_SPLIT = ("recipe", "validation", "test", "seed")

_lock = threading.Lock()
_active: dict[str, Run | TrackedRun] = {}
_known: weakref.WeakValueDictionary[str, Run | TrackedRun] = weakref.WeakValueDictionary()


def train(
    model: nn.Module | str | None, data: Any, *, target: str | None = None, features: Sequence[str] | None = None,
    text: str | None = None, time: str | None = None, group: str | None = None, validation: Any = None,
    loss: Loss | None = None, metrics: Metrics | None = None, step: Step | None = None,
    loss_weights: Mapping[str, float] | None = None, teacher: nn.Module | str | None = None,
    config: TrainConfig | None = None, name: str | None = None, queue: bool = False, show: bool = True, **options: Any,
) -> Run:
    """Train `model` on `data` in the background; returns at once.

    Args:
        model: any `torch.nn.Module`, which is trained in place; or a name: of a built-in architecture (``"mlp"``,
            ``"resnet"`` …), whose sizes are made to fit the data, of a registered model, or ``"hub:owner/name"``,
            with ``@revision`` behind it where it shall not be the newest; None for what the recipe recommends.
        data: ``(X, y)`` of tensors, NumPy arrays or pandas objects, a Dataset, or a DataLoader; or a dataset of the
            workspace, its name, a file, a folder, a glob or a Hub name, which is imported first.
        target: the column of such a dataset to learn; None takes the one its split names, or that is called `label`,
            `target` or `y`.
        features: its columns to learn from; None takes all others.
        text: its column of texts, for recipes of texts.
        time: its column of times, by which a recipe of series puts rows in order.
        group: its column that says which series a row belongs to.
        validation: a share to hold out (0–0.5, default 0.15), or data of its own. A dataset that was split brings its
            own.
        loss: a name (``cross_entropy bce mse mae huber``) or ``loss(output, target)`` giving a 0-d tensor, or several
            by name, each of which is logged: the one called ``loss`` is minimised, else the sum of all; a dict of
            losses by the names of the model's outputs and of the targets; None infers it from the targets.
        metrics: names (``accuracy macro_f1 r2 …``) or functions ``metric(output, target)``; None takes the task's
            usual ones.
        step: ``step(model, batch)`` in the place of the model's call and the loss: gives the loss, or several by name,
            with the model's ``"output"`` among them where metrics are to be measured. ``batch.inputs`` and
            ``batch.target`` are as the data gives them.
        loss_weights: of several losses by name, in their sum.
        teacher: a module, or the name of a registered model or one of the Hub, whose outputs the model learns beside
            the labels; see `distill_alpha` and `distill_temperature`.
        config: options made before; `options` go over it.
        name: how the run is called in lists; None takes the model's class name.
        queue: wait until the runs of this kernel that are active now have ended.
        show: show the run's panel when in a notebook.
        **options: any option, flat: ``epochs=5, learning_rate=1e-3, preset="fast"``; `recipe` names the kind of
            training (``"timeseries"``, see `nbtrain.recipes`) where model and data could mean several.

    Raises:
        ConfigError: an option is unknown or out of range; all problems in one message.
        DataError: the data cannot be read, is empty, not finite, or does not fit the model.
        ModelError: the model has nothing to train, or cannot take the data.
        ModelNotFoundError: there is no architecture and no registered model of this name.
        HubError: the Hub does not give the model.
        WorkspaceError: the workspace cannot be written.
    """
    from nbtrain.engine.job import Ingredients  # noqa: PLC0415 - torch loads when the first run starts

    if isinstance(validation, int | float) and not isinstance(validation, bool):
        options["validation"], validation = validation, None
    if isinstance(teacher, str):
        options["teacher"], teacher = teacher, None
    chosen_options = _config(config, options)
    columns = Columns(
        target=target, features=None if features is None else tuple(features), text=text, time=time, group=group)
    if step is not None and (loss is not None or isinstance(model, str)):
        raise ConfigError([Problem("step", (
            "A step of your own takes the place of the model's call and the loss: leave loss out, and hand in the "
            "model as a module."))])
    made = None
    if step is not None:
        ordering.check_without(chosen_options["recipe"], columns, options)
    else:
        made = ordered(model, data, columns, options, config, validation=validation, loss=loss, metrics=metrics)
    if made is not None:
        prepared = made.prepared()
        chosen_options, name = prepared.config or made.order.config, name or prepared.name
        given = ingredients(made, prepared)
    else:
        if isinstance(model, str):
            from nbtrain.modelling import check, choose  # noqa: PLC0415 - composed beside; only names need it

            check(model)  # first: data that does not fit is no news about a model that is not there
        fed = feed(data, validation, target=target, features=features)
        module, origin = model, None
        notes: tuple[str, ...] = ()
        if isinstance(model, str):
            chosen = choose(model, fed, validation, loss=loss, seed=chosen_options["seed"])
            module, origin, name = chosen.module, chosen.origin, name or chosen.name
            fed, notes = chosen.fed or fed, chosen.notes
        given = Ingredients(
            module, fed.data, fed.validation, loss, metrics, fed.origin, origin, notes, step=step,  # type: ignore[arg-type]  # `prepare` says what no module is
            loss_weights=loss_weights)
    given = replace(given, teacher=teacher_of(teacher, chosen_options, given))
    _check_taught(given, chosen_options)
    run = _start(given, chosen_options, name=name, queue=queue)
    if show:
        _show(run)
    return run


def _check_taught(given: Ingredients, config: TrainConfig) -> None:
    """Raises ConfigError for options of a distillation where nothing teaches."""
    usual = TrainConfig()
    problems = [
        Problem(name, (
            f"{name} is {config[name]:g}, but there is no teacher to learn from; say which: teacher=…, or leave "
            f"{name} out."))
        for name in ("distill_alpha", "distill_temperature") if config[name] != usual[name]]
    if given.teacher is None and problems:
        raise ConfigError(problems)


def resume(
    run_id: str, *, model: nn.Module | None = None, data: Any = None, validation: Any = None, loss: Loss | None = None,
    metrics: Metrics | None = None, step: Step | None = None, loss_weights: Mapping[str, float] | None = None,
    teacher: nn.Module | None = None, show: bool = True,
) -> Run:
    """Go on with a run from its last good checkpoint. `run.resumed` says “exact”, or why not.

    Args:
        run_id: from `nbtrain.runs()` or ``run.id``.
        model: the run's, or one of the same shape, where this kernel does not have it any more; one that was given by
            a name is built again by itself.
        data: what the run was started with, where this kernel does not have it any more; a dataset of the workspace
            is found by itself.
        validation: as `data`, if the run had validation data of its own.
        loss: the run's loss function; one given by name is remembered.
        metrics: the run's metrics; those given by name are remembered.
        step: the run's step, if it had one of its own.
        loss_weights: of its losses; those it began with are remembered.
        teacher: of a distillation; one that was given by name is found by itself.
        show: show the run's panel when in a notebook.

    Raises:
        RunNotFoundError: no such run.
        CommandError: it is still training, here or in another kernel, or it has finished.
        CheckpointError: no checkpoint can be read, or the model does not fit it.
        DataError: the model or the data are not here any more, so they must be handed in; or the data differs.
    """
    from nbtrain.engine import revival  # noqa: PLC0415 - torch loads when the first run starts

    workspace = workspaces.current()
    record = workspace.database.run(run_id)
    known = _known.get(run_id)
    if known is not None and not known.state.ended:
        raise CommandError(f"Run {run_id} is {known.state} in this kernel; use run.resume() after a pause.")
    if OWN_LOOP in record.options:
        raise CommandError(
            f"Run {run_id} was a loop of your own, which nbtrain cannot take up again; run the loop once more.")
    if record.state is State.FINISHED:
        raise CommandError(
            f"Run {run_id} has finished, so there is nothing left to resume; "
            "train on with run.fork(epochs=…), which branches from its last checkpoint.")
    held = lock.RunLock(workspace.run_folder(run_id))
    held.acquire()
    try:
        restart = revival.open_checkpoint(workspace, run_id)
        before = known._trainer.given if isinstance(known, Run) else None  # noqa: SLF001 - a Run is the trainer's face
        stored, made_from = revival.origin(restart), revival.model_origin(restart)
        origin: Mapping[str, Any] | None = None
        if stored is not None and "recipe" in stored and before is None:
            before = ingredients(*ordering.again(
                stored, revival.options(restart), model=model, validation=validation, loss=loss, metrics=metrics,
                model_origin=made_from))
            model = data = validation = loss = metrics = None  # they are in what the recipe prepared
        elif is_dataset(data):
            named = stored or {}
            fed = feed(
                data, validation, target=named.get("target"), features=named.get("features"),
                classes=named.get("classes"))
            data, validation, origin = fed.data, fed.validation, fed.origin
        elif data is None and before is None and stored is not None:
            fed = again(stored, validation)
            data, validation, origin = fed.data, fed.validation, fed.origin
        if model is None and before is None and made_from is not None:
            from nbtrain.modelling import again as built_again  # noqa: PLC0415 - as in `train`

            model = built_again(made_from)
        given = replace(revival.handed_in_again(
            run_id, restart, before, model=model, data=data, validation=validation, loss=loss, metrics=metrics,
            origin=origin, step=step, loss_weights=loss_weights,
            teacher=teacher_of(teacher, revival.options(restart), before)), model_origin=made_from)
        run = _start(given, revival.options(restart), record=record, restart=restart, held=held)
    except BaseException:
        held.release()
        raise
    if show:
        _show(run)
    return run


def fork(run: Run, *, step: int | None, model: nn.Module | None, name: str | None, **options: Any) -> Run:
    """See `Run.fork`."""
    from nbtrain.engine import job, recompute, revival  # noqa: PLC0415 - torch loads when the first run starts

    restart = revival.open_checkpoint(workspaces.current(), run.id, step=step, fork=True)
    before = revival.options(restart)
    config = before.replace(**options)
    _refuse_prepared(run, before, config)
    if model is None:
        model = job.copy_of(run.model)
        if run.config["gradient_checkpointing"]:
            recompute.forget(model)
    given = run._trainer.given.with_model(model)  # noqa: SLF001 - a Run is the trainer's face
    if config["teacher"] != before["teacher"]:
        given = replace(given, teacher=teacher_of(None, config, replace(given, teacher=None)))
    return _start(given, config, name=name or run.name, restart=restart, parent=run)


def _refuse_prepared(run: Run, before: TrainConfig, now: TrainConfig) -> None:
    """A fork takes over what a recipe prepared: raises ConfigError for changed options that went into that."""
    if not (run._trainer.given.origin or {}).get("recipe"):  # noqa: SLF001 - as above
        return
    from nbtrain.config.schema import fields  # noqa: PLC0415 - few forks are of a recipe's run

    problems = [
        Problem(name, f"{name} went into what the recipe prepared, which a fork takes over, so it cannot become "
                      f"{now[name]!r}; train anew: nbtrain.train(…, {name}={now[name]!r}).")
        for name in (*_SPLIT, *(field["name"] for field in fields() if field["recipes"] is not None))
        if name != "sample_every" and before[name] != now[name]]
    if problems:
        raise ConfigError(problems)


def runs() -> RunList:
    """Every run of the workspace, newest first."""
    workspace = workspaces.current()
    return RunList(_row(workspace, record) for record in workspace.database.runs())


def active() -> list[Run | TrackedRun]:
    """Runs of this kernel that have not ended, oldest first; tracked loops among them."""
    with _lock:
        return [run for run in _active.values() if not run.state.ended]


def find(run_id: str) -> RunView:
    """A run of this kernel, else its record in the workspace. Raises RunNotFoundError, naming the nearest."""
    run = _known.get(run_id)
    if run is not None:
        return run
    workspace = workspaces.current()
    return StoredRun(workspace, workspace.database.run(run_id))


class RunList(list[RunRow]):
    """Rows of runs, with a table for a repr."""

    def __repr__(self) -> str:
        if not self:
            return "No runs yet. Start one with nbtrain.train(model, data)."
        head = ("id", "name", "state", "step", "metrics")
        lines = [head, *(
            (row["id"], row["name"], row["state"] + ("" if row["live"] or row["state"] in _FINAL else " (interrupted)"),
             f"{row['step']}" + (f"/{row['total_steps']}" if row["total_steps"] else ""),
             ", ".join(f"{name} {value:.4g}" for name, value in row["metrics"].items()))
            for row in self)]
        widths = [max(len(line[column]) for line in lines) for column in range(len(head) - 1)]
        return "\n".join(
            "  ".join([*(cell.ljust(width) for cell, width in zip(line, widths, strict=False)), line[-1]]).rstrip()
            for line in lines)


_FINAL = {str(state) for state in State if state.ended}


def _config(config: TrainConfig | None, options: Mapping[str, Any]) -> TrainConfig:
    if config is None:
        return TrainConfig(**options)
    if not isinstance(config, TrainConfig):
        raise ConfigError([
            Problem("config", f"config is a {type(config).__name__}; it must be a nbtrain.TrainConfig.")])
    return config.replace(**options) if options else config


def teacher_of(module: nn.Module | None, config: TrainConfig, given: Ingredients | None) -> nn.Module | None:
    """The module that teaches, if any does. Raises ModelNotFoundError, ModelError or HubError."""
    if module is not None or config["teacher"] is None:
        return module
    if given is not None and given.teacher is not None:
        return given.teacher
    from nbtrain.modelling import loaded  # noqa: PLC0415 - composed beside; few have a teacher

    return loaded(config["teacher"], None if given is None else given.origin)


def _start(
    given: Ingredients, config: TrainConfig, *, name: str | None = None, queue: bool = False,
    record: RunRecord | None = None, restart: Restart | None = None, held: lock.RunLock | None = None,
    parent: Run | None = None,
) -> Run:
    """Prepare, write the run down, and start its thread."""
    from nbtrain.engine import revival  # noqa: PLC0415 - torch loads when the first run starts
    from nbtrain.engine.diary import Places  # noqa: PLC0415
    from nbtrain.engine.job import prepare  # noqa: PLC0415
    from nbtrain.engine.trainer import Trainer  # noqa: PLC0415
    from nbtrain.integrations import mlflow_mirror  # noqa: PLC0415

    if record is None:  # a resume does without rather than not at all
        mlflow_mirror.check(config)
    workspace = workspaces.current()
    with ExitStack() as stack:  # undone only when something is wrong
        job = prepare(given, config)
        stack.callback(job.close)
        history = History()
        if restart is not None:
            restart = revival.check(restart, job)
            history = revival.history(workspace, restart.run_id, restart.snapshot.step)
        if record is None or held is None:
            record = RunRecord(
                id=workspace.new_run_id(), name=name or type(given.model).__name__, options=config.flat(),
                parent=None if parent is None else parent.id)
            held = lock.RunLock(workspace.run_folder(record.id))
            held.acquire()
            stack.callback(held.release)
            workspace.database.add_run(record)
        run_id = record.id
        ahead = [run for run in active() if isinstance(run, Run)] if queue else []
        after = [run._trainer for run in ahead]  # noqa: SLF001 - a Run is the trainer's face
        trainer = Trainer(
            Places(workspace, run_id), job, config, history, lock=held, name=record.name, parent=record.parent,
            restart=restart, after=after, on_end=lambda: forget(run_id))
        run = Run(trainer)
        enter(run)
        stack.callback(forget, run_id)
        trainer.start()
        stack.pop_all()
    mlflow_mirror.begin(run)
    return run


def enter(run: Run | TrackedRun) -> None:
    """A run that has an id becomes known to all panels and lists of this kernel."""
    with _lock:
        _active[run.id] = _known[run.id] = run


def forget(run_id: str) -> None:
    """A run that has ended lives as long as someone holds it."""
    with _lock:
        _active.pop(run_id, None)


def _row(workspace: Workspace, record: RunRecord) -> RunRow:
    return RunRow(
        id=record.id, name=record.name, state=record.state, created=record.created, step=record.step,
        total_steps=record.total_steps, metrics=dict(record.metrics), parent=record.parent,
        live=lock.is_held(workspace.run_folder(record.id)))


def _show(run: Run) -> None:
    from nbtrain.studio import in_notebook, show  # noqa: PLC0415 - composed at the top; only notebooks need it

    if in_notebook():
        show(run)

