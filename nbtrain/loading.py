"""`load_dataset` and `datasets`: from whatever a user has to a `Dataset` of the workspace."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from nbtrain.core.errors import DatasetNotFoundError
from nbtrain.core.tasks import Progress
from nbtrain.data.keeping.library import Library
from nbtrain.data.keeping.stamps import expanded
from nbtrain.data.keeping.waiting import waited
from nbtrain.dataset import Dataset, binary


def load_dataset(source: Any, *, name: str | None = None, progress: Progress | None = None, **options: Any) -> Dataset:
    """Import data into the workspace; at once where it is there already and its source is as it was.

    Args:
        source: a file, folder, glob or list of files (CSV, TSV, JSON, JSONL, text, Parquet, Arrow; gzip and zstd); a
            folder of images or sounds; ``"owner/name"`` of a dataset on the Hub; a pandas data frame, an Arrow table, a
            dataset of the `datasets` library, lists or dicts; or the name or id of a dataset of the workspace.
        name: how it is called; None takes one from the source.
        progress: told how far it is; None shows it in a terminal, and lets Kernel → Interrupt call it off.
        options: how files are read: ``format delimiter header quote encoding date_order lines on_error`` (see
            `ReadOptions`; with ``on_error="skip"`` rows that cannot be read are left out, and kept in a file); of the
            Hub: ``config split revision``; of folders of media: ``labels``.

    Raises:
        DataFileError: a file cannot be read; says which, and the line. Nothing is imported then.
        DataError: it is nothing that can be imported.
        ConfigError: an option is unknown or wrong; or the name cannot be used, or another dataset has it.
        WorkspaceError: there is no space.
    """
    if isinstance(source, Dataset):
        return source
    library = Library()
    if isinstance(source, str) and name is None and not options and (held := _held(library, source)) is not None:
        return held
    from nbtrain.data.reading.read_options import ReadOptions  # noqa: PLC0415 - it comes with all that reads

    known = {each.name for each in fields(ReadOptions)}
    reading = ReadOptions.from_json({key: value for key, value in options.items() if key in known})
    more = {key: value for key, value in options.items() if key not in known}
    title = Path(source).name if isinstance(source, str | Path) else type(source).__name__
    found = waited("import", title, lambda told: library.add(
        source, name=name, options=reading, progress=told, **more), progress)
    return Dataset(found.dataset, library)


def datasets() -> DatasetList:
    """Every dataset of the workspace, newest first."""
    library = Library()
    return DatasetList(Dataset(record, library) for record in library.list())


def find_dataset(given: str) -> Dataset:
    """A dataset of the workspace by name or id. Raises DatasetNotFoundError, with the nearest name."""
    library = Library()
    return Dataset(library.find(given), library)


class DatasetList(list[Dataset]):
    """Datasets, with a table for a repr."""

    def __repr__(self) -> str:
        if not self:
            return 'No datasets yet. Import one with nbtrain.load_dataset("file.csv").'
        rows = [("name", "id", "rows", "columns", "size", "created"), *(
            (each.name, each.id, f"{each.rows:,}", str(each._record.columns), binary(each.bytes),  # noqa: SLF001 - a Dataset is the record's face
             time.strftime("%Y-%m-%d %H:%M", time.localtime(each.created))) for each in self)]
        return "\n".join(aligned(rows, right={2, 3, 4}))


def aligned(rows: Sequence[Sequence[str]], right: set[int] | None = None) -> list[str]:
    """Lines of a table; the columns `right` are flush right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(
        cell.rjust(width) if at in (right or ()) else cell.ljust(width)
        for at, (cell, width) in enumerate(zip(row, widths, strict=True))).rstrip() for row in rows]


def _held(library: Library, given: str) -> Dataset | None:
    """The dataset of the workspace that is called so, where no file is."""
    try:
        if expanded(given).exists():
            return None
        return Dataset(library.find(given), library)
    except (DatasetNotFoundError, OSError, ValueError):  # too long for a path, say
        return None
