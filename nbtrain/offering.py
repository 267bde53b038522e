"""What the training form offers to choose from: models, data, and the columns of that data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from nbtrain import feeding, modelling
from nbtrain import subjects as variables
from nbtrain.core.ports import ColumnChoice, Subject
from nbtrain.i18n import text
from nbtrain.models import architectures
from nbtrain.recipes.small import MEANT_FOR, SMALL

#: What an architecture's inputs are → the recipes that make such inputs. Another kind is the name of its recipe.
_RECIPES: Mapping[str, tuple[str, ...]] = {
    "tabular": ("tabular",),
    "series": ("timeseries",),
    "image": ("image-classification",),
    "text": (),  # token numbers as the data has them: the recipes of texts make their own
}


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
