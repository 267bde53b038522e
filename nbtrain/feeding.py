"""What `nbtrain.train` is given when it is a dataset, or where one is: made into what the engine takes.

A file, folder, glob or Hub name is imported first, so that the run is of rows that stay as they are; a dataset that was
split is trained on its training part and validated on its validation part.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from hashlib import sha256
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbtrain import scaled
from nbtrain.core.errors import DataError, DatasetNotFoundError
from nbtrain.core.ports import Subject
from nbtrain.data.columns import Kind
from nbtrain.data.keeping.library import DatasetRecord, Library
from nbtrain.i18n import text

if TYPE_CHECKING:
    import pyarrow as pa

    from nbtrain.data.augmented import Change
    from nbtrain.data.examples import Examples
    from nbtrain.data.pictures import Augment
    from nbtrain.data.processing import Recipe
    from nbtrain.data.splits.splitting import Split
    from nbtrain.data.table import Table

#: Before the name of a dataset, where a variable of the notebook could be meant as well.
PREFIX = "dataset:"


@dataclass(frozen=True, slots=True)
class Fed:
    """What the engine takes, and where it came from."""

    data: Any
    validation: Any
    origin: dict[str, Any] | None
    """The dataset, its target and features as plain JSON, so that another kernel can feed the run again."""


@dataclass(frozen=True, slots=True)
class Handling:
    """How the rows of a dataset became what was learnt from, so that new ones go the same way."""

    folder: Path
    """Where the recipe of processing lies, if there is one."""
    media: Mapping[str, Kind]
    reading: Mapping[str, Any]
    """How its file was read."""


def feed(
    given: Any, validation: Any = None, *, target: str | None = None, features: Sequence[str] | None = None,
    classes: Sequence[str] | None = None,
) -> Fed:
    """Data for a training; what is no dataset, and does not name one, comes back as it is.

    Args:
        given: a dataset, its name, a path, a glob, the name of a Hub dataset, or whatever the engine takes.
        validation: the same, or None for the validation part of a dataset that was split.
        target: the column to learn; see `nbtrain.data.examples`.
        features: the columns to learn from.
        classes: of a target of text, in the order of their numbers; None takes those of the dataset, sorted.

    Raises:
        DataError: there is no such dataset or file, it cannot be read, or a column cannot be trained on.
    """
    if not is_dataset(given):
        if target is not None or features is not None:
            raise DataError(
                f"target and features choose columns of a dataset, but the data is a {type(given).__name__}; leave "
                "them out, or give a file or a dataset.")
        return Fed(given, validation, None)
    library = Library()
    record = record_of(library, given)
    return _fed(library, record, validation, target, features, classes)


def again(origin: Mapping[str, Any], validation: Any = None) -> Fed:
    """What a run was fed before, from the `origin` of `Fed`.

    Raises:
        DatasetNotFoundError: the dataset was deleted.
        DataError: it was split anew since.
    """
    library = Library()
    fed = _fed(
        library, library.find(origin["dataset"]), validation, origin["target"], origin["features"], origin["classes"])
    if fed.origin is None or fed.origin["split"] != origin["split"]:
        raise DataError(
            "The dataset was split anew since the run began, so its rows are in other parts; split it as it was, or "
            "hand in the data: nbtrain.resume(id, model=…, data=…).")
    return fed


def is_dataset(given: Any) -> bool:
    """Whether it is a dataset of the workspace, or says where one is."""
    return isinstance(given, str | Path | DatasetRecord) or _id_of(given) is not None


def says_where(name: str) -> bool:
    """Whether a text names a dataset of the workspace, or a file, folder or glob that is there."""
    if name.startswith(PREFIX) or _exists(name) or "*" in name or "://" in name:
        return True
    return any(record.name.casefold() == name.casefold() for record in Library().list())


def subjects() -> list[Subject]:
    """The datasets of the workspace, as a person would choose among them."""
    return [
        Subject(name=PREFIX + record.name, kind="data", recipes=None,
                text=text("subject.dataset", rows=record.rows, columns=record.columns))
        for record in Library().list()]


def new_rows(given: Any, origin: Mapping[str, Any] | None, *, labelled: bool = True) -> Any:
    """Rows to predict or evaluate, made into inputs as those of the run's dataset were.

    A data frame, a list of dicts, the dict of one row, a file or another dataset is processed by the recipe of the
    run's dataset, if it has one; a table of that dataset itself is taken as it is. What is none of these, and
    all that is given to a run that was not fed from a dataset, comes back as it is.

    Args:
        given: the rows.
        origin: of the run.
        labelled: False for rows to predict, whose target is not looked at.

    Raises:
        DataError: a column is missing, or its cells do not fit.
        DatasetNotFoundError: the run's dataset, whose recipe is needed, was deleted.
    """
    from nbtrain.data.examples import examples  # noqa: PLC0415 - loads DuckDB and Arrow
    from nbtrain.data.table import Table  # noqa: PLC0415

    if origin is None or not (is_dataset(given) or isinstance(given, Table | dict) or is_rows(given)):
        return given
    goal = [origin["target"]] if labelled and origin["target"] is not None else []
    rows = table_of(given, origin["dataset"], {*origin["features"], *goal})
    if goal:
        rows.column(goal[0])  # raises where there is nothing to evaluate against
    return examples(
        rows, target=origin["target"], features=origin["features"], classes=origin["classes"], grey=origin["grey"],
        labelled=bool(goal)).data


def table_of(given: Any, dataset: str | Handling, needed: set[str]) -> Table:
    """Rows as a table, processed as those of a dataset of this id were; a part of that dataset as it is.

    Args:
        given: as `new_rows` takes it.
        dataset: whose recipe of processing is applied, where it has one: its id, or how its rows were handled.
        needed: columns that must be there afterwards.

    Raises:
        DataError: a column is missing, or its cells do not fit.
        DatasetNotFoundError: the dataset was deleted.
    """
    from nbtrain.data.processing import Recipe  # noqa: PLC0415 - loads DuckDB and Arrow
    from nbtrain.data.processing.rows import as_batch  # noqa: PLC0415
    from nbtrain.data.table import Table  # noqa: PLC0415

    library = Library()
    if isinstance(dataset, str):
        known = library.find(dataset).id
        dataset = Handling(library.folder(known), library.table(known).media, library.reading(known))
    folder, media = dataset.folder, dataset.media
    recipe = Recipe.load(folder) if (folder / "recipe.json").is_file() else None
    if isinstance(given, str | Path) and _exists(given):
        given = _read(given, dataset.reading, recipe)
    elif is_dataset(given):
        given = library.table(record_of(library, given).id)
    own = isinstance(given, Table) and str(folder) in given.source
    if isinstance(given, dict):
        given = [given]
    if not own and recipe is not None:
        return _written(recipe.stream_new(given, also=needed), media)
    return given if isinstance(given, Table) else _written(iter([as_batch(given, needed)]), media)


def _read(given: str | Path, reading: Mapping[str, Any], recipe: Recipe | None) -> Table:
    """A file of new rows, read as those of the dataset were; rows that are looked at once are not kept."""
    from nbtrain.data.importing.sources import open_any  # noqa: PLC0415 - as above
    from nbtrain.data.reading.opening import FileTable, ReadOptions  # noqa: PLC0415

    known = {each.name for each in fields(ReadOptions)} - {"format", "on_error"}  # each row has its answer
    table = open_any(given, ReadOptions.from_json(
        {name: value for name, value in reading.get("options", {}).items() if name in known})).table()
    if recipe is not None and isinstance(table, FileTable):
        # A text that looks like a number is the text that was trained on; a date has the order of those.
        types = recipe.types or {}
        return table.spelled({*recipe.dates, *(name for name, kind in types.items() if kind == "string")})
    return table


def _written(batches: Iterator[pa.RecordBatch], media: Mapping[str, Kind]) -> Table:
    """A table of a temporary file, to which the rows go batch by batch."""
    from nbtrain.data.importing.opened import Opened  # noqa: PLC0415 - as above
    from nbtrain.data.importing.parquet import import_batches  # noqa: PLC0415
    from nbtrain.data.importing.plain import plain_batches  # noqa: PLC0415

    first = next(batches)
    there = {name: kind for name, kind in media.items() if name in first.schema.names}
    return Opened("new rows", "", {}, write=lambda folder, progress: import_batches(
        plain_batches(chain([first], batches)), folder, media=there, progress=progress)).table()


def held_out(origin: Mapping[str, Any] | None) -> Any:
    """The test part of the run's dataset; None where there was none when the run began.

    Raises:
        DataError: the dataset was split anew since, so that rows the run was trained on may be in its test part now.
        DatasetNotFoundError: it was deleted.
    """
    if origin is None or origin["test"] is None:
        return None
    from nbtrain.data.splits.splitting import part_of  # noqa: PLC0415 - as above

    library = Library()
    record = library.find(origin["dataset"])
    table = library.table(record.id)  # raises where its file is gone, and the split with it
    made = split_of(library.folder(record.id))
    if made is None or test_of(made) != origin["test"]:
        raise DataError(
            "The dataset was split anew since the run began, so its test part may hold rows that the run was trained "
            "on; hand in what to evaluate on: run.evaluate(data).")
    return new_rows(part_of(table, made, "test"), origin)


def _fed(  # noqa: PLR0917 - what `feed` was given
    library: Library, record: DatasetRecord, validation: Any, target: str | None, features: Sequence[str] | None,
    classes: Sequence[str] | None,
) -> Fed:
    from nbtrain.data.examples import classes_of, examples  # noqa: PLC0415 - as above
    from nbtrain.data.pictures import Files  # noqa: PLC0415
    from nbtrain.data.splits.splitting import part_of  # noqa: PLC0415

    table, folder = library.table(record.id), library.folder(record.id)
    made = split_of(folder)
    if target is None and made is not None:
        target = made.spec.target
    classes = classes or classes_of(table, target)  # of all parts, so that each numbers them alike
    train = table if made is None else part_of(table, made, "train")
    found = examples(train, target=target, features=features, classes=classes)
    grey = found.inputs.grey if isinstance(found.inputs, Files) else None
    origin: dict[str, Any] = {
        "dataset": record.id, "target": found.goal, "features": list(found.features), "grey": grey,
        "classes": None if classes is None else list(classes),
        "split": None if made is None else sha256(made.parts.tobytes()).hexdigest(), "test": test_of(made),
        "validation_given": validation is not None}
    origin["units"] = scaled.told(recipe_of(origin), found.goal)
    if validation is not None:
        validation = new_rows(validation, origin)
    elif made is not None and made.counts[1]:
        validation = new_rows(part_of(table, made, "validation"), origin)
    return Fed(_augmented(found, folder, train), validation, origin)


def test_of(made: Split | None) -> str | None:
    """Which rows are in the test part; None where none is."""
    return None if made is None or not made.counts[2] else sha256((made.parts == 2).tobytes()).hexdigest()


def recipe_of(origin: Mapping[str, Any] | None) -> Recipe | None:
    """The recipe that a run's dataset was processed by; None where there is none."""
    from nbtrain.data.processing import Recipe  # noqa: PLC0415 - as above

    folder = None if origin is None else Library().folder(origin["dataset"])
    return Recipe.load(folder) if folder is not None and (folder / "recipe.json").is_file() else None


def classes_by_recipe(origin: Mapping[str, Any] | None) -> list[str]:
    """The classes of a target that a recipe numbered, with that of all others at the end; none where it did not."""
    from nbtrain.data.processing import Categories  # noqa: PLC0415 - as above

    recipe, goal = recipe_of(origin), None if origin is None else origin["target"]
    for step in recipe.steps if recipe is not None else ():
        if isinstance(step, Categories) and step.method == "ordinal" and goal in step.columns:
            known = [str(value) for value in step.classes(goal)]
            return known if step.unknown == "missing" else [*known, step.other(goal)]
    return []


def _augmented(found: Examples, folder: Path, table: Table) -> Any:
    """The training part as its recipe changes it while training. Raises DataError for a step that cannot."""
    from nbtrain.data.pictures import Files  # noqa: PLC0415 - as above
    from nbtrain.data.processing import Recipe  # noqa: PLC0415

    recipe = Recipe.load(folder) if (folder / "recipe.json").is_file() else None
    if recipe is None or not recipe.augments:
        return found.data
    if isinstance(found.inputs, Files):
        found.inputs.augment = _augmentation(recipe, found.features[0], found.inputs.kind)
        return found.data
    from nbtrain.data.augmented import Augmented  # noqa: PLC0415
    from nbtrain.engine.arrays import prepare  # noqa: PLC0415 - torch is there when a training begins

    change = _change(found, recipe, table)
    ready = prepare(found.data)  # where values are missing, say, it is told before the start
    return Augmented(ready.inputs, None if found.target is None else ready.target, ready.classes, change)


def _change(found: Examples, recipe: Recipe, table: Table) -> Change:
    """What a recipe does to series, or to texts and so to their tokens. Raises DataError where it does nothing."""
    from nbtrain.data.augmented import Series, Texts  # noqa: PLC0415 - as above
    from nbtrain.data.examples import TOKENS  # noqa: PLC0415
    from nbtrain.data.processing import Tokenize  # noqa: PLC0415

    steps = [step for step in recipe.steps if step.augments]
    names, changed = ", ".join(step.name for step in steps), {name for step in steps for name in step.columns}
    tokens = next((step for step in recipe.steps if isinstance(step, Tokenize) and not step.prefix), None)
    if tokens is not None and TOKENS in found.features:
        lost = [name for name in tokens.columns if name not in {column.name for column in table.columns}]
        if lost:
            raise DataError(
                f"The recipe changes texts while training ({names}), and the dataset has not kept the column "
                f"{lost[0]!r}; process the data anew.")
        if changed.intersection(tokens.columns):
            return Texts(recipe, tokens, table, found.inputs[TOKENS].shape[1])
    elif changed.intersection(found.features) and table.column(found.features[0]).kind is Kind.NESTED:
        return Series(recipe, found.features)
    raise DataError(
        f"The recipe changes {', '.join(map(repr, sorted(changed)))} while training ({names}), of which the model is "
        f"given nothing that can be changed so: it learns from {', '.join(map(repr, found.features))[:200]}; process "
        "the data without that step, or choose other columns: features=[…].")


def _augmentation(recipe: Recipe, column: str, kind: Kind) -> Augment:
    """What a recipe does to each image (channels, height, width) or sound (channels, samples)."""
    import numpy as np  # noqa: PLC0415 - torch and its arrays are there when a training begins
    import torch  # noqa: PLC0415

    def augment(sample: Any, seed: int) -> Any:
        if kind is Kind.IMAGE:  # a tensor has its channels first, an array would have them last
            changed = recipe.augment({column: torch.from_numpy(sample)}, seed=seed, epoch=0, index=0)[column]
            return changed.numpy()
        changed = recipe.augment({column: np.ascontiguousarray(sample.T)}, seed=seed, epoch=0, index=0)[column]
        return np.ascontiguousarray(changed.T)

    return augment


def is_rows(given: Any) -> bool:
    """A data frame, or a list of dicts."""
    return hasattr(given, "iloc") or (isinstance(given, list) and bool(given) and isinstance(given[0], dict))


def split_of(folder: Path) -> Split | None:
    """The split that was kept with a dataset; None where it was never split."""
    from nbtrain.data.splits.result import JSON_FILE  # noqa: PLC0415
    from nbtrain.data.splits.splitting import Split  # noqa: PLC0415 - as above

    return Split.load(folder) if (folder / JSON_FILE).exists() else None


def _exists(path: str | Path) -> bool:
    """Whether there is such a file or folder."""
    try:
        return Path(path).expanduser().exists()
    except (OSError, ValueError):  # too long for a path, say
        return False


def _id_of(given: Any) -> str | None:
    """The id of a public `Dataset`, which is not imported for the question."""
    return given.id if type(given).__module__ == "nbtrain.dataset" else None


def record_of(library: Library, given: Any) -> DatasetRecord:
    """The dataset that was given, imported where it is none yet. Raises as `feed`."""
    if isinstance(given, DatasetRecord):
        return given
    if isinstance(given, Path):
        return library.add(given).dataset
    if (dataset_id := _id_of(given)) is not None:
        return library.find(dataset_id)
    name = str(given).removeprefix(PREFIX)
    if name == given and _exists(name):
        return library.add(name).dataset
    try:
        return library.find(name)
    except DatasetNotFoundError as unknown:
        if name != given:
            raise
        try:
            return library.add(name).dataset
        except (DataError, OSError) as error:  # a name too long for a path, say
            raise DataError(
                f"{name!r:.80} is no dataset of this workspace, and cannot be imported as a file: {error}") from unknown
