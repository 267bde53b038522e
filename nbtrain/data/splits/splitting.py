"""Dividing a table into training, validation and test, and reading one part of it."""

from __future__ import annotations

import tempfile
import weakref
from pathlib import Path
from shutil import rmtree

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from nbtrain.core.errors import DataError
from nbtrain.core.tasks import Progress
from nbtrain.data.columns import path_literal, quoted
from nbtrain.data.derived import key, scan
from nbtrain.data.splits.by_key import divide
from nbtrain.data.splits.labels import Labels, class_counts, labels_of
from nbtrain.data.splits.moments import clock, in_time
from nbtrain.data.splits.result import PART_COLUMN, PARTS_FILE, ClassCounts, Note, Split, part_named
from nbtrain.data.splits.spec import PART_NAMES, Part, SplitSpec
from nbtrain.data.table import Table

__all__ = ["ClassCounts", "Note", "Part", "Split", "SplitSpec", "part_of", "split"]

#: A part that is off its share by more than this, and by more than two rows, is told of.
OFF = 0.02


def split(table: Table, spec: SplitSpec, *, progress: Progress | None = None) -> Split:
    """Divide the rows of `table` as `spec` says.

    It takes 1 byte a row where a hash decides, and about 60 where rows must be sorted (stratified, by time, rows
    apart); 2 more with a target.

    Raises:
        DataError: a column is not there or cannot serve, or there are too few rows, groups or moments for the parts.
        CancelledError: `progress` was cancelled.
    """
    total = table.rows(progress=progress)
    if not total:
        raise DataError(f"{table.name} has no rows; there is nothing to split.")
    labels = labels_of(table, spec.target, progress=progress) if spec.target else None
    codes = _codes(table, labels, total, progress) if labels else None
    if spec.method == "time":
        parts, notes = _by_time(table, spec, total, progress)
    elif spec.method == "column":
        parts, notes = _by_column(table, spec, total, progress)
    else:
        parts, notes = divide(table, spec, total, progress, labels=labels, codes=codes)
    if not (parts == Part.TRAIN).any():
        raise DataError(f"No row of {table.name} is left to train on; give train a larger share.")
    classes = class_counts(labels, codes, parts) if labels and codes is not None else ()
    return Split(spec, parts, classes, (*notes, *_off(spec, parts)))


def part_of(table: Table, made: Split, part: Part | str, folder: Path | None = None) -> Table:
    """The rows of one part as a table of their own, in the order of `table` and with the row numbers they have there.

    Args:
        table: the table that was split.
        made: its split.
        part: which one.
        folder: where the split was saved; else its parts are written to a temporary file, which goes with the table.

    Raises:
        DataError: no part of this name, or the split is of another number of rows.
    """
    wanted = part_named(part)
    if table.rows() != len(made.parts):
        raise DataError(
            f"The split is of {len(made.parts):,} rows, but {table.name} has {table.rows():,}; split it again.")
    lent = _lent(made) if folder is None else None
    file = (folder or lent or Path()) / PARTS_FILE
    listed = ", ".join(f"cells.{quoted(column.name)}" for column in table.columns)
    number = quoted("__part_row__")
    # Side by side by position, which both files keep: rows come in order, and nothing is hashed or sorted.
    source = (
        f"(SELECT {listed}, {number} FROM {table.source} AS cells POSITIONAL JOIN "
        f"(SELECT {PART_COLUMN} AS __part__, file_row_number AS {number} "
        f"FROM read_parquet({path_literal(file)}, hive_partitioning=false, file_row_number=true)) "
        f"WHERE __part__ = {int(wanted)})")
    found = Table(
        source, name=f"{table.name} ({wanted.name.lower().replace('_', ' ')})", row=number, media=table.media,
        explain=table._explain)  # noqa: SLF001 - it knows whether the dataset was deleted
    if lent is not None:
        weakref.finalize(found, rmtree, lent, ignore_errors=True)
    return found


def _lent(made: Split) -> Path:
    """A temporary folder with the files of a split."""
    folder = Path(tempfile.mkdtemp(prefix="nbtrain-split-"))
    made.save(folder)
    return folder


def _codes(table: Table, labels: Labels, total: int, progress: Progress | None) -> np.ndarray:
    found = [labels.codes(batch["label"])
             for batch in scan(table, {"label": labels.expression}, total=total, progress=progress)]
    return np.concatenate(found)


def _by_time(
    table: Table, spec: SplitSpec, total: int, progress: Progress | None,
) -> tuple[np.ndarray, list[Note]]:
    expression, microseconds = clock(table, spec.time or "", progress=progress)
    wanted = {"time": f"({expression})::DOUBLE"}
    if spec.group is not None:  # rows without a group are a series together
        wanted["of"] = key([table.column(spec.group)])
    times, groups = np.empty(total), np.empty(total if spec.group is not None else 0, np.uint64)
    at = 0
    for batch in scan(table, wanted, total=total, progress=progress):
        end = at + batch.num_rows
        times[at:end] = batch["time"].to_numpy(zero_copy_only=False)
        if spec.group is not None:
            groups[at:end] = batch["of"].to_numpy(zero_copy_only=False)
        at = end
    made = in_time(spec, times, groups if spec.group is not None else None, microseconds=microseconds)
    notes = []
    missing = int(np.isnan(times).sum())
    if missing:
        notes.append(Note("no_time", {"count": missing, "column": spec.time}))
    if made.rare:
        notes.append(Note("short_groups", {"count": made.rare}))
    if made.overlap:
        notes.append(Note("overlap", {"group": spec.group}))
    return made.parts, notes


def _by_column(
    table: Table, spec: SplitSpec, total: int, progress: Progress | None,
) -> tuple[np.ndarray, list[Note]]:
    column = table.column(spec.column or "")
    cell = f"{quoted(column.name)}::VARCHAR"
    if spec.values:
        named = {str(value): Part[name.upper()] for value, name in spec.values}
    else:
        named, cell = PART_NAMES, f"lower(trim({cell}))"
    keys, to_part = pa.array(list(named), pa.string()), np.array([*named.values(), Part.LEFT_OUT], np.uint8)
    found = []
    for batch in scan(table, {"cell": cell}, total=total, progress=progress):
        places = pc.fill_null(pc.index_in(batch["cell"], value_set=keys), len(named))
        found.append(to_part[places.to_numpy(zero_copy_only=False)])
    parts = np.concatenate(found)
    if not (parts == Part.TRAIN).any():
        some = table.sql(f"SELECT DISTINCT {cell} AS v FROM {table.source} ORDER BY 1 LIMIT 6", progress=progress)
        raise DataError(
            f"No value of {column.name!r} stands for training; it holds {', '.join(map(repr, some['v'].to_pylist()))}. "
            "Say with values which value is train, validation and test.")
    left = int((parts == Part.LEFT_OUT).sum())
    return parts, [Note("unnamed", {"count": left, "column": column.name})] if left and not spec.values else []


def _off(spec: SplitSpec, parts: np.ndarray) -> list[Note]:
    """A note for each part whose share is not what was asked, of the rows that are in a part."""
    if spec.method in {"column", "kfold"} or spec.gap:
        return []
    counts = np.bincount(parts, minlength=len(Part))[:3]
    total = int(counts.sum())
    return [
        Note(f"off_{part.name.lower()}", {"asked": round(100 * share, 1), "got": round(100 * count / total, 1)})
        for part, share, count in zip(Part, spec.shares, counts.tolist(), strict=False)
        if abs(count - share * total) > max(OFF * total, 2)]
