"""Results of a run that is not in this kernel: its model, rows and objective are made again from what is kept.

That can be of a run by a recipe without a teacher, whose model was given by a name, and whose dataset is still here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from nbtrain import ordering, recipes
from nbtrain.core.errors import CommandError, ConfigError, DatasetNotFoundError
from nbtrain.core.ports import OWN_LOOP
from nbtrain.data.keeping.library import Library
from nbtrain.engine import kept_state
from nbtrain.i18n import text
from nbtrain.results import Examined, Results, examine
from nbtrain.store import workspace as workspaces
from nbtrain.store.stored import StoredRun

if TYPE_CHECKING:
    from nbtrain.config import TrainConfig
    from nbtrain.core.tasks import Progress
    from nbtrain.engine.trainer import Restart


def can_revisit(run: StoredRun) -> bool:
    """Whether `revisit` has what it needs. Cheap: reads what the newest checkpoint says beside its weights."""
    if not run.state.ended or OWN_LOOP in run.options():
        return False
    state = kept_state.newest(workspaces.current().run_folder(run.id))
    try:
        return state is not None and _is_kept(state["handed_in"])
    except (KeyError, TypeError, AttributeError):  # of another nbtrain
        return False


def revisit(run: StoredRun, progress: Progress) -> Results:
    """As `Run.results` of its own rows, with the weights that the run left; its notes tell where those are damaged.

    Raises:
        CheckpointError: no checkpoint is sound, or the model does not fit it.
        DataError: the dataset was split anew since.
        DatasetNotFoundError, ModelNotFoundError, HubError: what it was made from is not there any more.
        CancelledError: `progress` was cancelled.
    """
    from nbtrain.engine import left_behind, revival  # noqa: PLC0415 - torch is not here yet
    from nbtrain.engine.evaluation import Evaluation  # noqa: PLC0415
    from nbtrain.engine.job import prepare  # noqa: PLC0415

    workspace = workspaces.current()
    progress.report(0)
    restart = revival.open_checkpoint(workspace, run.id)
    origin, config = revival.origin(restart), _here(revival.options(restart))
    if origin is None:
        raise CommandError(f"The checkpoint of run {run.id} does not tell what the run learned from.")
    progress.check()
    given = ordering.ingredients(
        *ordering.again(origin, config, model=None, model_origin=revival.model_origin(restart)))
    progress.check()
    job = prepare(given, config)
    try:
        revival.fits(restart, job.model)
        job.model.load_state_dict(left_behind.weights(run.state, restart.snapshot, job.model))
        return examine(Examined(
            name=run.name, folder=workspace.run_folder(run.id), step=restart.snapshot.step, model=job.model,
            given=given, evaluation=Evaluation(job, config), asked=ordering.Asked(origin, config, job.model),
        ), progress=progress, left=lambda: (job.model, _skipped(run, restart)))
    finally:
        job.close()


def _skipped(run: StoredRun, restart: Restart) -> tuple[str, ...]:
    """Which newer checkpoints are damaged, and that the weights are of an older step, where they are."""
    if restart.notes and restart.snapshot.step < run.step:
        return text("results.note.older", step=restart.snapshot.step), *restart.notes
    return restart.notes


def _is_kept(handed_in: Mapping[str, Any]) -> bool:
    """Whether all that a run was handed can be had again, and some of its rows were held out."""
    origin = handed_in.get("origin")
    if origin is None or handed_in.get("model_origin") is None or origin.get("recipe") not in recipes.names():
        return False
    if origin["validation_given"] or origin["split"] is None or handed_in.get("teacher") is not None:
        return False
    if ordering.UNNAMED in origin.get("asked", {}).values():
        return False
    try:
        Library().find(origin["dataset"])
    except DatasetNotFoundError:
        return False
    return True


def _here(config: TrainConfig) -> TrainConfig:
    """The options of a run without what makes training quicker; for the CPU, where its device is not here."""
    from nbtrain.engine.job import choose_device  # noqa: PLC0415 - as above

    config = config.replace(use_compile=False, gradient_checkpointing=False, multi_gpu=0)
    try:
        choose_device(config["device"])
    except ConfigError:
        return config.replace(device="cpu", mixed_precision="off")
    return config
