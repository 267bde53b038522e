"""What the training form offers to choose from: models, data, the columns of that data, and teachers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbtrain import feeding, modelling, recipes, teaching
from nbtrain import subjects as variables
from nbtrain.config.recipe_options import CUSTOM, IMAGES, LANDMARKS, LANGUAGE, SERIES, SPEECH, TABULAR, TEXTS, TOKENS
from nbtrain.core.errors import ConfigError, DataError, DatasetNotFoundError, ModelNotFoundError
from nbtrain.core.ports import ColumnChoice, Subject, TeacherChoice
from nbtrain.i18n import text
from nbtrain.models import architectures, continuing
from nbtrain.models.registry import Registry
from nbtrain.recipes.base import Columns
from nbtrain.recipes.small import MEANT_FOR, SMALL

if TYPE_CHECKING:
    from nbtrain.data.table import Table
    from nbtrain.models.package import About, Version

#: What an architecture's inputs are → the recipes that make such inputs. Another kind is the name of its recipe.
_RECIPES: Mapping[str, tuple[str, ...]] = {
    "tabular": ("tabular",),
    "series": ("timeseries",),
    "image": ("image-classification",),
    "text": (),  # token numbers as the data has them: the recipes of texts make their own
}
#: What the Hub calls what a recipe learns → that recipe.
_RECIPE_OF: Mapping[str, str] = {
    "tabular-classification": TABULAR, "time-series-classification": SERIES, "text-classification": TEXTS,
    "token-classification": TOKENS, "text-generation": LANGUAGE, "image-classification": IMAGES,
}
#: Recipes that have a name in words.
_OURS = {*_RECIPE_OF.values(), LANDMARKS, SPEECH}
#: What tells no classes apart, and so cannot teach.
_WITHOUT_CLASSES = {"tabular-regression", "time-series-forecasting", LANDMARKS, SPEECH}


def subjects(namespace: Mapping[str, Any]) -> list[Subject]:
    """The notebook's models and data, registered and built-in models, and the workspace's datasets."""
    return [
        *variables.subjects(namespace), *modelling.subjects(), *_architectures(), *_language_models(),
        *feeding.subjects()]


def columns(data: Any) -> list[ColumnChoice]:
    """The columns of a dataset of the workspace, or of a data frame; none of anything else.

    Raises:
        DatasetNotFoundError: it was deleted.
    """
    if isinstance(data, Path) or (isinstance(data, str) and Path(data).exists()):
        return []  # a file or folder, which is imported when the training starts
    if isinstance(data, str) or type(data).__module__ == "nbtrain.dataset":
        return _of_dataset(data)
    names = getattr(data, "columns", None)
    return [] if names is None else [ColumnChoice(name=str(name), kind="") for name in names]


def _of_dataset(data: Any) -> list[ColumnChoice]:
    from nbtrain.data.keeping.library import Library  # noqa: PLC0415 - loads DuckDB

    library = Library()
    name = data.removeprefix(feeding.PREFIX) if isinstance(data, str) else data.id
    table = library.table(library.find(name).id)
    return [ColumnChoice(name=column.name, kind=str(column.kind)) for column in table.columns]


def _architectures() -> Sequence[Subject]:
    return [
        Subject(name=modelling.ARCHITECTURE + name, kind="model", recipes=list(_RECIPES.get(kind, (kind,))),
                text=text("subject.architecture"))
        for name in architectures.names() for kind in (architectures.kind_of(name),)]


def _language_models() -> Sequence[Subject]:
    return [
        Subject(name=name, kind="model", recipes=list(MEANT_FOR[config["model_type"]]),
                text=text("subject.architecture"))
        for name, config in SMALL.items()]


# -- teachers -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Learnt:
    """What a training learns, as far as that can be told before it begins; None where it cannot."""

    recipe: str | None = None
    custom: bool = False
    """That it is no recipe is known."""
    classes: Sequence[str] | None = None
    features: Sequence[str] | None = None
    amount: bool = False


#: By dataset, recipe and columns: looking through all rows takes seconds where there are millions.
_LOOKED_AT: dict[tuple[str, str, str | None, Columns], _Learnt] = {}
_MOST_LOOKED_AT = 32


def teachers(recipe: str, model: str | None, data: Any, columns: Mapping[str, Any]) -> list[TeacherChoice]:
    """The registered models, as teachers of a training: those that know its classes first, those that cannot last.

    Args:
        recipe: its name, or ``auto``.
        model: that learns, by its name; None: it has none, or is recommended.
        data: what it learns from. Of a dataset of the workspace it is known what that has to teach.
        columns: ``target features text time group``, as far as they were said.
    """
    registry = Registry()
    records = registry.list(limit=modelling.OFFERED)[0]
    learnt = _learnt(recipe, model, data, columns) if records else _Learnt()
    found: list[tuple[int, TeacherChoice]] = []
    for record in records:
        with suppress(ModelNotFoundError):  # deleted this very moment
            version = registry.version(record.id)  # the one that its name means
            why = _why_not(version.about, learnt)
            found.append((_rank(version.about, learnt, why), TeacherChoice(
                name=record.name, text=_told(version), why=why)))
    return [choice for _, choice in sorted(found, key=lambda each: each[0])]


def _learnt(recipe: str, model: str | None, data: Any, columns: Mapping[str, Any]) -> _Learnt:
    named = None if recipe in {recipes.AUTO, CUSTOM} else recipe
    unknown = _Learnt(recipe=named, custom=recipe == CUSTOM)
    if type(data).__module__ == "nbtrain.dataset":  # other objects of the user's are not asked for anything
        data = data.id
    elif not (isinstance(data, str) and data.startswith(feeding.PREFIX)):
        return unknown
    from nbtrain.data.keeping.library import Library  # noqa: PLC0415 - loads DuckDB

    library = Library()
    try:
        record = library.find(data.removeprefix(feeding.PREFIX))
        table = library.table(record.id)
    except (DatasetNotFoundError, DataError):  # which is told when the training starts
        return unknown
    features = columns.get("features")
    wanted = Columns(**{**columns, "features": None if features is None else tuple(features)})
    if recipe == recipes.AUTO:
        with suppress(ConfigError):  # several would do, and nobody said which
            chosen = recipes.choose(recipe, model, table, wanted)
            named = None if chosen is None else chosen.name
    known = (record.id, record.fingerprint, named, wanted)
    if (found := _LOOKED_AT.get(known)) is None:
        while len(_LOOKED_AT) >= _MOST_LOOKED_AT:
            _LOOKED_AT.pop(next(iter(_LOOKED_AT)), None)
        found = _LOOKED_AT[known] = replace(_of_table(named, table, wanted), custom=unknown.custom)
    return found


def _of_table(recipe: str | None, table: Table, columns: Columns) -> _Learnt:
    from nbtrain.recipes import goals  # noqa: PLC0415 - loads Arrow

    if recipe in {TOKENS, LANGUAGE}:  # a row has many classes, or none
        return _Learnt(recipe=recipe)
    try:
        loss = "cross_entropy" if recipe in {TEXTS, IMAGES} else None
        goal, _ = goals.learn(table, table, goals.find(table, columns.target), loss)
        features = _features(recipe, table, columns, goal.column) if recipe in {TABULAR, SERIES} else None
    except DataError:  # which is told when the training starts
        return _Learnt(recipe=recipe)
    return _Learnt(recipe=recipe, classes=goal.names, features=features, amount=goal.names is None)


def _features(recipe: str | None, table: Table, columns: Columns, target: str) -> Sequence[str]:
    """The columns that the recipe would learn from. Raises DataError."""
    from nbtrain.recipes import encoding  # noqa: PLC0415 - loads Arrow
    from nbtrain.recipes.series import time_of  # noqa: PLC0415 - likewise

    time = time_of(table, columns.time) if recipe == SERIES else columns.time
    chosen, _ = encoding.choose(
        table, columns.features, dict.fromkeys((target, time, columns.group), ""), texts=recipe == TABULAR)
    return encoding.learn(table, chosen, asked=columns.features is not None)[0].features


def _why_not(about: About, learnt: _Learnt) -> str:
    """Why a model cannot teach; empty where nothing speaks against it."""
    if learnt.amount:
        return text("teacher.why.amount")
    if about.format == "module":
        return text("teacher.why.weights")
    if {about.inputs.get("recipe"), about.task} & _WITHOUT_CLASSES:
        return text("teacher.why.no_classes")
    return _misfit(about, learnt)


def _misfit(about: About, learnt: _Learnt) -> str:
    known = continuing.named(about.labels)
    if other := _other_inputs(about, learnt):
        return other
    if learnt.classes and known and known != list(learnt.classes):
        return text("teacher.why.classes", classes=_listed(known))
    if learnt.classes and about.labels and len(about.labels) != len(learnt.classes):
        return text("teacher.why.number", own=len(about.labels), classes=len(learnt.classes))
    return ""


def _other_inputs(about: About, learnt: _Learnt) -> str:
    """Why it reads rows another way, as far as that is known before they are read; `teaching` has the last word."""
    own, by, features = _recipe_of(about), about.inputs.get("recipe"), about.inputs.get("features")
    if learnt.custom and by is not None:
        return text("teacher.why.by_recipe", recipe=_called(by))
    if own is not None and learnt.recipe is not None and own != learnt.recipe:
        return text("teacher.why.recipe", recipe=_called(own))
    if by is None and learnt.recipe in teaching.ALONE:
        return text("teacher.why.no_recipe")
    if features and learnt.features and list(features) != list(learnt.features):
        return text("teacher.why.columns", columns=_listed(features))
    return ""


def _rank(about: About, learnt: _Learnt, why: str) -> int:
    if why:
        return 3
    if learnt.classes and continuing.named(about.labels):
        return 0
    return 1 if learnt.recipe is not None and _recipe_of(about) == learnt.recipe else 2


def _called(recipe: str) -> str:
    """A recipe in words; one of the user's own by its name."""
    return text(f"choice.recipe.{recipe}") if recipe in _OURS else recipe


def _recipe_of(about: About) -> str | None:
    """By which recipe a model learned, or one that learns the same."""
    return about.inputs.get("recipe") or _RECIPE_OF.get(about.task)


def _told(version: Version) -> str:
    stage = () if version.stage == "none" else (text(f"stage.{version.stage}"),)
    return " · ".join([text("models.version", number=version.number), *stage, version.about.architecture])


def _listed(names: Sequence[str], most: int = 5) -> str:
    return ", ".join(names[:most]) + (" …" if len(names) > most else "")
