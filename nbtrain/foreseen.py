"""What a training would be, found out before it starts: the model and its size, rows, steps, time and memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from nbtrain.config import TrainConfig
from nbtrain.core.ports import Foreseen
from nbtrain.feeding import feed
from nbtrain.hub.memory import available
from nbtrain.ordering import ingredients, ordered
from nbtrain.recipes import CUSTOM
from nbtrain.recipes.base import Columns, Parts
from nbtrain.training import teacher_of

if TYPE_CHECKING:
    from nbtrain.core.tasks import Progress
    from nbtrain.engine.batch import BatchSource
    from nbtrain.engine.job import Ingredients


def foresee(
    model: Any, data: Any, columns: Mapping[str, Any], options: Mapping[str, Any], progress: Progress,
) -> Foreseen:
    """Do all that a training does before its first step, then a few steps that nobody keeps.

    Args:
        model: as `nbtrain.train` takes it; a module of the user's is copied, and stays as it is.
        data: likewise; a data frame becomes a dataset, as it does when the training begins.
        columns: ``target features text time group``, as far as they were said.
        options: flat.
        progress: hears how far it is, and may call it off.

    Raises:
        ConfigError, DataError, ModelError: as `nbtrain.train`.
    """
    from nbtrain.engine.job import prepare  # noqa: PLC0415 - torch loads when it is needed
    from nbtrain.engine.rehearsal import rehearse  # noqa: PLC0415

    progress.report(0.0, 1.0)
    given, config, name, recipe, parts = _ordered(_own(model), data, columns, options)
    progress.report(0.4, 1.0)
    teacher = teacher_of(None, config, given)
    job = prepare(given, config)  # without the teacher, which would be asked about every row
    try:
        progress.report(0.6, 1.0)
        found = rehearse(job, config, progress.check, teacher)
        device, free = available() if job.device.type == "cuda" else (str(job.device), None)
        if job.device.type == "cpu":
            device, free = "RAM", _ram()
        sources = {"train": job.train, "validation": job.validation, "test": job.test}
        rows = {part: _rows(source, config) for part, source in sources.items() if source is not None}
        if parts is not None:  # of the data, rather than the windows or sequences that were made of it
            tables = {"train": parts.train, "validation": parts.validation, "test": parts.test}
            rows = {part: table.rows() for part, table in tables.items() if table is not None}
        return Foreseen(
            model=name, recipe=recipe, parameters=sum(p.numel() for p in job.model.parameters()), rows=rows,
            steps=found.steps, seconds=found.seconds, memory=found.memory, device=device, free=free,
            notes=[*job.notes, *found.notes])
    finally:
        job.close()


def _ordered(
    model: Any, data: Any, columns: Mapping[str, Any], options: Mapping[str, Any],
) -> tuple[Ingredients, TrainConfig, str, str, Parts | None]:
    """What the engine would be handed, by which options; what model and recipe are called; its parts by a recipe."""
    from nbtrain.engine.job import Ingredients  # noqa: PLC0415 - as above

    features = columns.get("features")
    wanted = Columns(**{**columns, "features": None if features is None else tuple(features)})
    made = ordered(model, data, wanted, options)
    if made is not None:
        prepared = made.prepared()
        config = prepared.config or made.order.config
        return ingredients(made, prepared), config, prepared.name, made.recipe.name, made.order.parts
    config = TrainConfig(**options)
    fed = feed(data, None, target=columns.get("target"), features=features)
    module, name = model, type(model).__name__
    notes: tuple[str, ...] = ()
    if isinstance(model, str):
        from nbtrain.modelling import choose  # noqa: PLC0415 - composed beside; only names need it

        chosen = choose(model, fed, None, seed=config["seed"])
        module, name, notes, fed = chosen.module, chosen.name, chosen.notes, chosen.fed or fed
    given = Ingredients(module, fed.data, fed.validation, origin=fed.origin, notes=notes)
    return given, config, name, CUSTOM, None


def _own(model: Any) -> Any:
    """A copy of a module, for its weights move and its owner may be training it. Raises ModelError."""
    from torch import nn  # noqa: PLC0415 - torch loads when it is needed

    from nbtrain.engine.job import copy_of  # noqa: PLC0415 - as above

    if not isinstance(model, nn.Module):  # a name, or what is refused later
        return model
    return copy_of(model, "a forecast needs a copy, so start without one, or let go of what the model keeps.")


def _rows(source: BatchSource, config: TrainConfig) -> int:
    if source.samples is not None:
        return source.samples
    return (source.length or 0) * int(config["batch_size"])


def _ram() -> int:
    import psutil  # noqa: PLC0415 - loads quickly, but only here

    return int(psutil.virtual_memory().available)
