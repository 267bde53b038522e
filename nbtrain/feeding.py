"""What `nbtrain.train` is given when it is a dataset, or where one is: made into what the engine takes.

A file, folder, glob or Hub name is imported first, so that the run is of rows that stay as they are; a dataset that was
split is trained on its training part and validated on its validation part.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbtrain.core.errors import DataError, DatasetNotFoundError
from nbtrain.core.ports import Subject
from nbtrain.data.library import DatasetRecord, Library
from nbtrain.i18n import text

#: Before the name of a dataset, where a variable of the notebook could be meant as well.
PREFIX = "dataset:"


@dataclass(frozen=True, slots=True)
class Fed:
    """What the engine takes, and where it came from."""

    data: Any
    validation: Any
    origin: dict[str, Any] | None
    """The dataset, its target and features as plain JSON, so that another kernel can feed the run again."""


def feed(
    given: Any, validation: Any = None, *, target: str | None = None, features: Sequence[str] | None = None,
) -> Fed:
    """Data for a training; what is no dataset, and does not name one, comes back as it is.

    Args:
        given: a dataset, its name, a path, a glob, the name of a Hub dataset, or whatever the engine takes.
        validation: the same, or None for the validation part of a dataset that was split.
        target: the column to learn; see `nbtrain.data.examples`.
        features: the columns to learn from.

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
    record = _record(library, given)
    return _fed(library, record, validation, target, features)


def again(origin: Mapping[str, Any], validation: Any = None) -> Fed:
    """What a run was fed before, from the `origin` of `Fed`. Raises DatasetNotFoundError when it was deleted."""
    library = Library()
    return _fed(library, library.find(origin["dataset"]), validation, origin["target"], origin["features"])


def is_dataset(given: Any) -> bool:
    """Whether it is a dataset of the workspace, or says where one is."""
    return isinstance(given, str | Path | DatasetRecord) or _id_of(given) is not None


def says_where(name: str) -> bool:
    """Whether a text names a dataset of the workspace, or a file, folder or glob that is there."""
    if name.startswith(PREFIX) or Path(name).expanduser().exists() or "*" in name or "://" in name:
        return True
    return any(record.name.casefold() == name.casefold() for record in Library().list())


def subjects() -> list[Subject]:
    """The datasets of the workspace, as a person would choose among them."""
    return [
        Subject(name=PREFIX + record.name, kind="data",
                text=text("subject.dataset", rows=record.rows, columns=record.columns))
        for record in Library().list()]


def _fed(
    library: Library, record: DatasetRecord, validation: Any, target: str | None, features: Sequence[str] | None,
) -> Fed:
    from nbtrain.data.examples import classes_of, examples  # noqa: PLC0415 - loads DuckDB and Arrow
    from nbtrain.data.splitting import part_of  # noqa: PLC0415

    table = library.table(record.id)
    made = _split(library.folder(record.id))
    if target is None and made is not None:
        target = made.spec.target
    classes = classes_of(table, target)  # of all parts, so that each numbers them alike

    def part(name: str) -> Any:
        rows = table if made is None else part_of(table, made, name, library.folder(record.id))
        return examples(rows, target=target, features=features, classes=classes).data

    origin = {"dataset": record.id, "target": target, "features": None if features is None else list(features)}
    data = part("train")
    if validation is not None:
        validation = feed(validation, target=target, features=features).data if is_dataset(validation) else validation
    elif made is not None and made.counts[1]:
        validation = part("validation")
    return Fed(data, validation, origin)


def _split(folder: Path) -> Any:
    """The split that was kept with a dataset; None where it was never split."""
    from nbtrain.data.splits.result import JSON_FILE  # noqa: PLC0415
    from nbtrain.data.splitting import Split  # noqa: PLC0415 - as above

    return Split.load(folder) if (folder / JSON_FILE).exists() else None


def _id_of(given: Any) -> str | None:
    """The id of a public `Dataset`, which is not imported for the question."""
    return given.id if type(given).__module__ == "nbtrain.dataset" else None


def _record(library: Library, given: Any) -> DatasetRecord:
    if isinstance(given, DatasetRecord):
        return given
    if isinstance(given, Path):
        return library.add(given).dataset
    if (dataset_id := _id_of(given)) is not None:
        return library.find(dataset_id)
    name = str(given).removeprefix(PREFIX)
    if name == given and Path(name).expanduser().exists():
        return library.add(name).dataset
    try:
        return library.find(name)
    except DatasetNotFoundError as unknown:
        if name != given:
            raise
        try:
            return library.add(name).dataset
        except DataError as error:
            raise DataError(
                f"{name!r} is no dataset of this workspace, and cannot be imported as a file: {error}") from unknown
