"""What the data of a training asks of a model, and how it is brought into the order of one that has learnt already."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from nbtrain.core.errors import DataError
from nbtrain.feeding import Fed, again, classes_by_recipe, recipe_of
from nbtrain.models import continuing

if TYPE_CHECKING:
    from torch import Tensor

    from nbtrain.models.package import About, Version

#: A target of whole numbers with more different values than this is taken for amounts, not for classes.
MOST_CLASSES = 1_000
_LOSSES_OF_AMOUNTS = {"mse", "mae", "huber"}


def classes_of(fed: Fed, loss: Any) -> list[str]:
    """Names of the data's classes by their numbers; none where they have none."""
    return list(shown(fed, loss)[2] or classes_by_recipe(fed.origin))


def in_order(name: str, about: About, fed: Fed, validation: Any, loss: Any) -> Fed:
    """The data with its columns, and its classes where the model knows them all, as the model has them.

    Raises DataError when they cannot be brought into that order.
    """
    columns = continuing.columns(name, about, _columns(fed))
    given = classes_of(fed, loss)
    numbers = continuing.classes(continuing.named(about.labels), given)
    if columns is None and numbers is None:
        return fed
    if fed.origin is None and columns is not None:
        raise DataError(
            f"The model {name!r} learned from the same columns in another order; give them in its order: "
            f"data[{columns!r:.200}].")
    if numbers is not None and (fed.origin is None or fed.origin["classes"] is None):
        if fed.origin is None or numbers[:len(given)] != given:
            what = (
                f"give the target as pandas.Series(pandas.Categorical(target, {numbers!r:.200}))" if fed.origin is None
                else "leave the step categories off the target, and they are numbered as the model does")
            raise DataError(f"The model {name!r} numbers its classes otherwise than this data; {what}.")
        numbers = None  # by the recipe, and alike
    order = {"features": columns, "classes": numbers}
    assert fed.origin is not None  # noqa: S101 - told above
    return again({**fed.origin, **{key: value for key, value in order.items() if value is not None}}, validation)


def _columns(fed: Fed) -> list[str] | None:
    """The columns that the data's features are, where it has names for them."""
    from nbtrain.engine.arrays import TARGETS  # noqa: PLC0415 - loads torch
    from nbtrain.engine.columns import target_name  # noqa: PLC0415

    if fed.origin is not None:
        return list(fed.origin["features"])
    frame = fed.data[0] if isinstance(fed.data, tuple) and fed.data else fed.data
    if not hasattr(frame, "iloc") or not hasattr(frame, "columns"):
        return None
    target = target_name(frame, TARGETS) if frame is fed.data else None
    return [str(column) for column in frame.columns if column != target]


def unapplied(name: str, version: Version, fed: Fed) -> tuple[str, ...]:
    """Says that the data did not go through the steps that the model's did."""
    from nbtrain.data.processing import Recipe  # noqa: PLC0415 - loads Arrow

    if not (version.folder / "recipe.json").is_file():
        return ()
    own, recipe = Recipe.load(version.folder), recipe_of(fed.origin)
    steps = [step.name for step in own.steps]
    if not steps or (recipe is not None and [step.name for step in recipe.steps] == steps):
        return ()
    said = (
        f"The model {name!r} learned from data that went through {', '.join(steps)}, and these steps are not applied "
        "to this data; process it alike before: dataset.process(…).")
    return (said,)


# -- what the data asks for ---------------------------------------------------------------------------


def shown(fed: Fed, loss: Any) -> tuple[Any, int | None, Sequence[str] | None]:
    """Inputs as a model gets them, how many outputs they ask for, and the names of the classes; None where unknown."""
    from nbtrain.engine import arrays  # noqa: PLC0415 - loads torch

    named = fed.origin.get("classes") if fed.origin is not None else None
    data = arrays.prepare(fed.data)
    if isinstance(data, arrays.Arrays):
        classes = named or data.classes
        return data.inputs, _outputs(data.target, classes, loss), classes
    inputs, targets, own = _first_batch(data)
    classes = named or own
    return inputs, _outputs(targets, classes, loss), classes


def _first_batch(data: Any) -> tuple[Any, Tensor | None, Sequence[str] | None]:
    """Inputs of the first samples, all targets where the data tells them, and names of classes."""
    import torch  # noqa: PLC0415 - as above

    from nbtrain.config import TrainConfig  # noqa: PLC0415
    from nbtrain.engine.batches import as_source  # noqa: PLC0415
    from nbtrain.engine.samples import known_targets  # noqa: PLC0415

    config = TrainConfig(num_workers=0)
    source = as_source(
        data, batch_size=2, seed=0, train=False, pipeline=config.pipeline, device=torch.device("cpu"))
    try:
        batch = next(source.epoch(0), None)
        if batch is None:
            raise DataError("The data is empty: it gives no sample.")
        targets = source.targets if source.targets is not None else known_targets(data)
        if targets is None and batch.target is not None and batch.target.is_floating_point():
            targets = batch.target  # amounts: their number is that of each sample
        return batch.inputs, targets, source.classes
    finally:
        source.close()


def _outputs(target: Any, classes: Sequence[str] | None, loss: Any) -> int | None:
    """How many outputs a target asks for; None where it does not tell."""
    if classes:
        return len(classes)
    if target is None or not hasattr(target, "numel") or not target.numel():
        return None
    if target.is_floating_point() or target.ndim > 1:
        return int(target[0].numel())
    if loss in _LOSSES_OF_AMOUNTS or int(target.min()) < 0 or int(target.max()) >= MOST_CLASSES:
        return 1
    return max(2, int(target.max()) + 1)
