"""From what the user asks for to a recipe's order, and from what the recipe prepared to what the engine takes.

A run by a recipe is always of a dataset of the workspace: files, frames and Hub datasets are imported first. So another
kernel can go on with it, and new rows go the way that its own went.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from nbtrain import recipes
from nbtrain.config import TrainConfig
from nbtrain.config.recipe_options import foreign
from nbtrain.core.errors import ConfigError, DataError, DatasetNotFoundError, ModelNotFoundError, Problem
from nbtrain.data.keeping.library import DatasetRecord, Library
from nbtrain.feeding import Handling, is_dataset, is_rows, record_of, split_of, table_of, test_of
from nbtrain.recipes.base import AnswersRows, Columns, Judges, Order, Parts, Prepared, Recipe, TakesObjects

if TYPE_CHECKING:
    from pathlib import Path

    from torch import nn

    from nbtrain.data.splits.splitting import Split
    from nbtrain.data.table import Table
    from nbtrain.engine.job import Ingredients, Loss, Metrics
    from nbtrain.recipes.judging.verdict import Judge


#: In the place of a function, which another kernel does not have.
UNNAMED = "<function>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ordered:
    """A recipe, what it is asked for, and of which rows."""

    recipe: Recipe
    order: Order
    dataset: str
    """Its id."""
    split: str | None
    """Which row is in which part, as a hash; None where all are in one."""
    test: str | None
    """Which rows are in the test part, as a hash; None where there is none."""
    validation_given: bool
    """Whether the validation data was handed in."""

    def prepared(self, fitted: Mapping[str, Any] | None = None) -> Prepared:
        """Raises as `Recipe.prepare`."""
        return self.recipe.prepare(self.order, fitted)


def ordered(
    model: str | nn.Module | None, data: Any, columns: Columns, options: Mapping[str, Any],
    config: TrainConfig | None = None, *,
    validation: Any = None, loss: Loss | None = None, metrics: Metrics | None = None,
) -> Ordered | None:
    """The recipe that is meant, and its order; None where none is, and model and data go to the engine as they are.

    Args:
        model: as `nbtrain.train` takes it.
        data: likewise.
        columns: which of the data are what.
        options: those that were given, over the recipe's defaults, or over `config`.
        config: options made before, which stand as they are.
        validation: as `nbtrain.train` takes it.
        loss: likewise.
        metrics: likewise.

    Raises:
        ConfigError: there is no such recipe, several would do, or an option is wrong or belongs to another recipe.
        DataError: the data is nothing that a recipe takes, or cannot be split.
    """
    chosen = (config.replace(**options) if options else config) if config is not None else TrainConfig(**options)
    asked = chosen["recipe"]
    if asked == recipes.CUSTOM or (asked == recipes.AUTO and not _may_mean_one(model, data, columns)):
        _refuse(asked, columns, options)
        return None
    if not (is_dataset(data) or is_rows(data) or isinstance(data, dict)):
        _check_takes(asked, data)
        _refuse(asked, columns, options)
        return None
    library = Library()
    record = record_of(library, data) if is_dataset(data) else library.add(data).dataset
    learnt = _learnt_by(model) if asked == recipes.AUTO else None
    recipe = recipes.choose(learnt or asked, model, library.table(record.id), columns)
    if recipe is None:
        _refuse(asked, columns, options)
        return None
    _refuse_foreign(recipe.name, options if config is None else {**config.flat(), **options})
    if config is None:
        chosen = TrainConfig(**{**options, "recipe": recipe.name})
    elif asked == recipes.AUTO:
        chosen = chosen.replace(recipe=recipe.name)
    return _ordered(library, record, recipe, Order(
        model=model, parts=_NO_PARTS, columns=columns, config=chosen, loss=loss, metrics=metrics,
        given=_named(options) if config is None else frozenset(config.flat())), validation)


def _named(options: Mapping[str, Any]) -> frozenset[str]:
    """The names of options, those in groups too."""
    grouped = (group for group in options.values() if isinstance(group, Mapping))
    return frozenset(options).union(*grouped)


def again(
    origin: Mapping[str, Any], config: TrainConfig, *, model: nn.Module | None, validation: Any = None,
    loss: Loss | None = None, metrics: Metrics | None = None, model_origin: Mapping[str, Any] | None = None,
) -> tuple[Ordered, Prepared]:
    """The order of a run that another kernel began, and what its recipe makes of it.

    Raises:
        DatasetNotFoundError: the dataset was deleted.
        DataError: it was split anew since; or validation data or a model must be handed in.
    """
    recipe = recipes.find(origin["recipe"])
    assert recipe is not None  # noqa: S101 - a run without a recipe has no such origin
    if origin["validation_given"] and validation is None:
        raise DataError("The run had validation data of its own, which must be handed in again: validation=….")
    if model is None and model_origin is None:
        raise DataError(
            "The model of the run was an object of a notebook that is gone, so it must be handed in again: model=net.")
    asked = origin.get("asked", {})
    loss = _asked_again("loss", asked.get("loss"), loss)
    metrics = _asked_again("metrics", asked.get("metrics"), metrics)
    library = Library()
    found = _ordered(library, library.find(origin["dataset"]), recipe, Order(
        model=model if model is not None else origin["model"], parts=_NO_PARTS, config=config, loss=loss,
        columns=Columns.from_json(origin["columns"]), metrics=metrics, model_origin=model_origin), validation)
    if found.split != origin["split"]:
        raise DataError(
            "The dataset was split anew since the run began, so its rows are in other parts; split it as it was, or "
            "train a new run.")
    return found, found.prepared(origin["fitted"])


def _asked_again(what: str, kept: Any, given: Any) -> Any:
    """What was asked for by its name, where it is not handed in. Raises DataError for what had none."""
    if given is None and kept == UNNAMED:
        raise DataError(
            f"The {what} of the run {'were functions' if what == 'metrics' else 'was a function'} of a notebook that "
            f"is gone, so {'they' if what == 'metrics' else 'it'} must be handed in again: {what}=….")
    return kept if given is None else given


def _by_name(given: Any) -> Any:
    """A loss or metrics as plain JSON: names, or `UNNAMED`."""
    if given is None or isinstance(given, str):
        return given
    parts = list(given.values()) if isinstance(given, Mapping) else given if isinstance(given, Sequence) else [given]
    if not all(isinstance(each, str) for each in parts):
        return UNNAMED
    return dict(given) if isinstance(given, Mapping) else parts


def ingredients(made: Ordered, prepared: Prepared) -> Ingredients:
    """What the engine is handed."""
    from nbtrain.engine.job import Ingredients  # noqa: PLC0415 - torch loads when the first run starts

    columns, fitted = prepared.columns, dict(prepared.fitted)
    origin = {
        "dataset": made.dataset, "recipe": made.recipe.name, "columns": columns.to_json(), "fitted": fitted,
        "model": made.order.model if isinstance(made.order.model, str) else None,
        "validation_given": made.validation_given, "split": made.split, "test": made.test,
        "target": columns.target, "features": list(columns.features or ()), "classes": fitted.get("classes"),
        "grey": fitted.get("grey"),
        "asked": {"loss": _by_name(made.order.loss), "metrics": _by_name(made.order.metrics)}}
    return Ingredients(
        prepared.model, prepared.train, prepared.validation, prepared.loss, prepared.metrics, origin,
        prepared.model_origin, tuple(prepared.notes), test=prepared.test, step=prepared.step,
        loss_weights=prepared.loss_weights, rates=prepared.rates, frozen=prepared.frozen or frozenset(),
        samples=prepared.samples, signs=tuple(prepared.signs), parted=True)


class Asked:
    """Questions to a run by a recipe, about rows it has not seen.

    Args:
        origin: of the run.
        config: of the run.
        model: that was trained.
        handling: of the rows of the run's dataset, where it may be gone; None looks at the dataset.
    """

    def __init__(
        self, origin: Mapping[str, Any], config: TrainConfig, model: nn.Module, handling: Handling | None = None,
    ) -> None:
        recipe = recipes.find(origin["recipe"])
        assert recipe is not None  # noqa: S101 - a run without a recipe has no such origin
        self._recipe, self._origin, self._handling = recipe, origin, handling
        self.made: Any = None
        """What the model was given for the rows asked about last."""
        self.table: Table | None = None
        """Those rows."""
        self._index: Any = None
        self.order = Order(
            model=model, parts=_NO_PARTS, columns=Columns.from_json(origin["columns"]), config=config)

    def rows(self, given: Any, *, labelled: bool) -> Any:
        """What `run.predict` or `run.evaluate` were given, as the model takes it. Raises DataError."""
        columns, fitted = self.order.columns, self._origin["fitted"]
        self._index = given.index if hasattr(given, "iloc") else None
        if isinstance(self._recipe, TakesObjects):
            given = self._recipe.named(fitted, given)
        if isinstance(given, str) and not is_dataset_here(given):
            given = [given]
        if isinstance(given, list) and given and all(isinstance(each, str) for each in given):
            if columns.text is None:
                raise DataError(
                    f"Texts were given, but the run learned from {', '.join(columns.features or ())}; give a data "
                    "frame, or a list of dicts.")
            given = [{columns.text: each} for each in given]
        needed = {*(columns.features or ()), *filter(None, (columns.text, columns.time, columns.group))}
        if labelled:  # `goals` is what a recipe learns where that is more than one column
            needed |= {*([columns.target] if columns.target is not None else []), *fitted.get("goals", ())}
        self.table = table_of(given, self._handling or self._origin["dataset"], needed)
        self.made = self._recipe.rows(self.order, self._origin["fitted"], self.table, labelled=labelled)
        return self.made

    def decoded(self, outputs: Any) -> Any:
        """What the model gave for the rows asked about last, in the data's own terms."""
        if isinstance(self._recipe, AnswersRows):
            return self._recipe.answers(self._origin["fitted"], self.made, outputs)
        answers = self._recipe.decode(self.order, self._origin["fitted"], outputs)
        if hasattr(answers, "iloc") and self._index is not None and len(answers) == len(self._index):
            answers.index = self._index  # a frame's answers go back to its rows
        return answers

    def part(self, name: str) -> Table | None:
        """A part of the run's dataset, as it was when the run began; None where it was deleted or split anew since."""
        given = self._origin["validation_given"]
        if given and name == "validation":
            return None
        library = Library()
        try:
            record = library.find(self._origin["dataset"])
            table = library.table(record.id)
        except DatasetNotFoundError:
            return None
        made = _split(library.folder(record.id), self._recipe, table, self.order, given=given)
        if made is None or sha256(made.parts.tobytes()).hexdigest() != self._origin["split"]:
            return None
        from nbtrain.data.splits.splitting import part_of  # noqa: PLC0415 - loads DuckDB and Arrow

        return part_of(table, made, name)

    def judge(self, rows: Any, table: Table | None) -> Judge | None:
        """Who lays the outputs for `rows`, made of `table`, beside the truth; None where the recipe does not say."""
        if not isinstance(self._recipe, Judges):
            return None
        return self._recipe.judge(self.order, self._origin["fitted"], rows, table)


def is_dataset_here(given: str) -> bool:
    """Whether a text names a dataset of the workspace or a file, and is no text to predict."""
    from nbtrain.feeding import says_where  # noqa: PLC0415 - few ask

    return says_where(given)


# -- parts ----------------------------------------------------------------------------------------


#: In the place of parts that are not looked at, or not made yet.
_NO_PARTS: Any = None


def _ordered(library: Library, record: DatasetRecord, recipe: Recipe, order: Order, validation: Any) -> Ordered:
    """The order with the rows of its dataset in parts."""
    table, folder = library.table(record.id), library.folder(record.id)
    made = _split(folder, recipe, table, order, given=validation is not None)
    if made is None:
        train, checked, test = table, None, None
    else:
        train, checked, test = _parts(table, made)
    if validation is not None:
        checked = table_of(validation, record.id, {column.name for column in table.columns})
    parts = Parts(
        name=record.name, train=train, validation=checked, test=test, whole=table, processing=_processing(folder))
    return Ordered(
        recipe=recipe, order=replace(order, parts=parts), dataset=record.id,
        split=None if made is None else sha256(made.parts.tobytes()).hexdigest(),
        test=None if made is None else test_of(made), validation_given=validation is not None)


def _split(folder: Path, recipe: Recipe, table: Table, order: Order, *, given: bool) -> Split | None:
    """The dataset's own split, else the one that the recipe proposes; None where all rows are trained on."""
    kept = split_of(folder)
    if kept is not None:
        return kept
    config = order.config
    if given or not (config["validation"] or config["test"]):
        return None
    from nbtrain.data.splits.splitting import split  # noqa: PLC0415 - loads DuckDB and Arrow

    spec = recipe.split(table, order.columns, config)
    if order.columns.group is not None and spec.group is None:  # those of one patient, say, come into one part
        spec = replace(spec, method="group", group=order.columns.group)
    return split(table, spec)


def _parts(table: Table, made: Split) -> tuple[Table, Table | None, Table | None]:
    from nbtrain.data.splits.splitting import part_of  # noqa: PLC0415 - as above

    counts = dict(zip(("train", "validation", "test"), made.counts, strict=False))
    if not counts["train"]:
        raise DataError("The training part of this dataset has no rows; split it anew: dataset.split(…).")
    held = {name: part_of(table, made, name) if rows else None for name, rows in counts.items()}
    train = held["train"]
    assert train is not None  # noqa: S101 - told above
    return train, held["validation"], held["test"]


def _processing(folder: Path) -> Any:
    from nbtrain.data.processing import Recipe as Processing  # noqa: PLC0415 - as above

    return Processing.load(folder) if (folder / "recipe.json").is_file() else None


# -- what is not for a recipe ----------------------------------------------------------------------


def _may_mean_one(model: Any, data: Any, columns: Columns) -> bool:
    """Whether a recipe could be meant though none was named: never where it works without one, as it always did."""
    named = columns.text or columns.time or columns.group
    return bool(named) or (is_dataset(data) and (model is None or isinstance(model, str))) or (
        is_rows(data) and (model is None or isinstance(model, str)))


def _learnt_by(model: Any) -> str | None:
    """The recipe that a registered model was trained by, which it goes on with; None for any other model."""
    if not isinstance(model, str) or model.startswith(("architecture:", "hub:")):
        return None
    from nbtrain.models.registry import Registry  # noqa: PLC0415 - few models are registered ones

    try:
        found = Registry().version(model.removeprefix("model:")).about.inputs.get("recipe")
    except ModelNotFoundError:
        return None
    return found if found in recipes.names() else None


def check_without(asked: str, columns: Columns, options: Mapping[str, Any]) -> None:
    """Raises ConfigError for a recipe, or what is said to one, where the user's own step is in its place."""
    if asked not in {recipes.AUTO, recipes.CUSTOM}:
        raise ConfigError([Problem("recipe", (
            f"recipe is {asked!r}, and a step of your own takes the place of a recipe; leave one of them out."))])
    _refuse(asked, columns, options)


def _refuse(asked: str, columns: Columns, options: Mapping[str, Any]) -> None:
    """Raises ConfigError for what was said to a recipe, where there is none."""
    given = next((name for name in ("text", "time", "group") if getattr(columns, name)), None)
    if given is not None:
        raise ConfigError([Problem("recipe", (
            f"{given}={getattr(columns, given)!r} is for a recipe, and the recipe is {asked!r}; say which: "
            f"recipe=…, one of {', '.join(name for name in recipes.names() if name != recipes.CUSTOM)}."))])
    _refuse_foreign(recipes.CUSTOM, options)


def _refuse_foreign(name: str, options: Mapping[str, Any]) -> None:
    """Raises ConfigError for options of other recipes; a form gives all, those that nobody changed among them."""
    usual = TrainConfig().flat()
    problems = foreign(name, [given for given, value in options.items() if value != usual.get(given, value)])
    if problems:
        raise ConfigError(problems)


def _check_takes(asked: str, data: Any) -> None:
    if asked != recipes.AUTO:
        raise DataError(
            f"The recipe {asked!r} takes a dataset, a file, a data frame or rows by name, and the data is a "
            f"{type(data).__name__}; give one of those, or leave the recipe out.")
