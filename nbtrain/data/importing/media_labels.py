"""What is known of the files of a media folder: from the names of its folders, or from tables of labels beside them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import pyarrow as pa

from nbtrain.core.errors import DataError
from nbtrain.data.importing.plain import plain_batches
from nbtrain.data.reading.opening import open_source

#: Names of folders that are parts of a split, not classes.
_PARTS = {
    "train": "train", "training": "train", "test": "test", "testing": "test",
    "val": "validation", "valid": "validation", "validation": "validation", "dev": "validation",
}
#: Names of tables of labels that lie in the folder; as on the Hub, they speak of the files of their own folder.
_TABLES = frozenset({".csv", ".tsv", ".jsonl", ".parquet"})
#: Columns that are looked at first for the names of the files.
_KEYS = ("file_name", "filename", "file", "path", "image", "audio", "name", "id")


@dataclass(frozen=True)
class Labels:
    """Columns that go beside the files, a row for each file, in the order of the files."""

    columns: pa.Table
    notes: tuple[str, ...] = field(default_factory=tuple)
    """Files that no table speaks of, rows that speak of no file."""


def is_table(name: str) -> bool:
    """Whether a file of this name could be a table of labels."""
    return PurePosixPath(name).suffix.lower() in _TABLES


def by_folders(files: Sequence[PurePosixPath]) -> Labels:
    """A column ``split`` when the top folders are parts of a split, and ``label`` when the next ones are classes."""
    columns: dict[str, list[str]] = {}
    parents = [file.parts[:-1] for file in files]
    if parents and all(parent and parent[0].lower() in _PARTS for parent in parents):
        columns["split"] = [_PARTS[parent[0].lower()] for parent in parents]
        parents = [parent[1:] for parent in parents]
    if all(parents) and len(set(parents)) > 1:
        columns["label"] = [parent[-1] for parent in parents]
    return Labels(pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()}))


def by_tables(files: Sequence[PurePosixPath], tables: Iterable[tuple[Path, PurePosixPath]]) -> Labels:
    """The columns of tables of labels.

    Args:
        files: the files, relative to the folder.
        tables: each table, and the folder whose files it speaks of, relative likewise.

    Raises:
        DataError: a table cannot be read, or no column of it holds names of files.
    """
    rows: list[int | None] = [None] * len(files)
    pieces, notes, count = [], [], 0
    for path, folder in tables:
        table = pa.Table.from_batches(plain_batches(open_source(path).batches()))
        inside = {i: file.relative_to(folder) for i, file in enumerate(files) if file.is_relative_to(folder)}
        key, found = _matched(table, inside, path)
        for file, row in found.items():
            rows[file] = count + row
        unused = table.num_rows - len(set(found.values()))
        if unused:
            notes.append(f"{unused} rows of {path.name} name no file that is there.")
        pieces.append(table.drop_columns([key]))
        count += table.num_rows
    without = rows.count(None)
    if without:
        first = files[rows.index(None)]
        notes.append(f"{without} files are in no table of labels, the first of them is {first}.")
    try:
        known = pa.concat_tables(pieces, promote_options="permissive")
    except pa.ArrowException as error:
        raise DataError(f"The tables of labels do not fit together: {error}.") from error
    return Labels(known.take(pa.array(rows, pa.int64())), tuple(notes))


def _matched(table: pa.Table, files: dict[int, PurePosixPath], path: Path) -> tuple[str, dict[int, int]]:
    """The column with names of files, and for each file the row that names it."""
    names = _names(files)
    best: tuple[str, dict[int, int]] = ("", {})
    ordered = [name for name in _KEYS if name in table.column_names]
    ordered += [name for name in table.column_names if name not in _KEYS]
    for name in ordered:
        column = table[name]
        if not (pa.types.is_string(column.type) or pa.types.is_integer(column.type)):
            continue
        found: dict[int, int] = {}
        for row, value in enumerate(column.to_pylist()):
            file = names.get(str(PurePosixPath(str(value))))
            if file is not None:
                found.setdefault(file, row)
        if len(found) > len(best[1]):
            best = name, found
        if name in _KEYS[:1] and found:
            break
    if not best[0]:
        raise DataError(
            f"No column of {path} holds names of files in the folder; give it a column file_name, such as "
            f"{str(next(iter(files.values()), 'images/1.png'))!r}.")
    return best


def _names(files: dict[int, PurePosixPath]) -> dict[str, int]:
    """What a table may call each file: by its path; by its name or its stem where only one file has it."""
    names: dict[str, int] = {}
    for part in ("stem", "name"):
        said = {i: str(getattr(file, part)) for i, file in files.items()}
        counts = Counter(said.values())
        names.update({name: i for i, name in said.items() if counts[name] == 1})
    names.update({str(file): i for i, file in files.items()})
    return names
