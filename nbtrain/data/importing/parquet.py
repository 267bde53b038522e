"""Import: any table becomes one canonical Parquet file, streamed, with a fingerprint of its content.

Three things run side by side: DuckDB reads and parses, a thread writes Parquet, another computes the fingerprint.
At most two row groups are in memory.
"""

from __future__ import annotations

import contextlib
import csv
import json
import os
import secrets
import shutil
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from nbtrain.core.errors import DataError
from nbtrain.core.tasks import Progress
from nbtrain.data.columns import Kind
from nbtrain.data.importing.featured import heavy_batches, notes_of, orders_of, row_bytes
from nbtrain.data.importing.features import METADATA_KEY, facts_of
from nbtrain.data.importing.fingerprint import Fingerprint
from nbtrain.data.importing.layout import layout
from nbtrain.data.importing.plain import plain_batches, plain_columns
from nbtrain.data.reading.opening import FileTable, read_whole
from nbtrain.data.reading.rejects import KEPT_TEXT, Reject, Rejects
from nbtrain.data.table import Table
from nbtrain.store import atomic

__all__ = [
    "DATA", "METADATA_KEY", "REJECTED", "Imported", "batch_rows", "copy_import", "facts_of", "groups",
    "import_batches", "import_table", "keep_rejects", "kept_rejects", "write_parquet",
]

#: The file of a dataset that holds its rows.
DATA = "data.parquet"
#: The file of the rows that were left out, if any were.
REJECTED = "rejected.csv"
#: A row group has so many rows, or so many bytes in memory, whichever comes first: what a random page must decode.
GROUP_ROWS = 122_880
GROUP_BYTES = 24 * 2**20
#: Rows that DuckDB hands over at a time, whole vectors: fewer where rows are long, so that they do not add up.
BATCH_ROWS, LEAST_ROWS = 8 * 2_048, 2_048
#: Rows with more bytes than this are read by Arrow, fewer at a time, where they are in Parquet.
HEAVY = 16 * 2**10


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import wrote."""

    rows: int
    columns: int
    bytes: int
    """Size of the Parquet file."""
    fingerprint: str
    """Of the content; see `nbtrain.data.importing.fingerprint`."""
    rejected: int = 0
    """Rows of the source that were left out because they could not be read."""
    notes: tuple[str, ...] = ()
    """Sentences on what was decided for the user: a column read as text, an encoding that was guessed."""
    dates: Mapping[str, str] = field(default_factory=dict)
    """Columns whose dates could have been read in another order → the order in which they were."""


def import_table(table: Table, folder: Path, *, progress: Progress | None = None) -> Imported:
    """Write `table` as ``folder/data.parquet``, in its order, streamed; memory does not grow with it.

    Types stay as `nbtrain.data.importing.plain.plain_columns` says. Rows that could not be read and were left out (see
    `ReadOptions.on_error`) are in ``folder/rejected.csv``. When anything goes wrong, or the work is called off,
    nothing is left in `folder`.

    Args:
        table: what to import.
        folder: where to; it is made when it is not there.
        progress: told how far it is: for files in their bytes, else in rows, without a total.

    Raises:
        DataError: the table cannot be read, or has no columns. DataFileError, with file and line, for a file,
            and for one that changed while it was read.
        WorkspaceError: the file cannot be written; `errno` says why (the disk is full, …).
        CancelledError: the work was called off.
    """
    with _beside(folder / DATA) as beside:
        imported, rejects = read_whole(table, lambda whole: write_parquet(whole, beside, progress), progress=progress)
        if progress is not None:
            progress.check()
    return keep_rejects(replace(imported, notes=notes_of(table), dates=orders_of(table)), rejects, folder)


def write_parquet(table: Table, path: Path, progress: Progress | None = None) -> Imported:
    """Write the rows of `table` to the file at `path`, which is not whole before this returns; as `import_table`."""
    size = sum(file.stat().st_size for file in table.files) if isinstance(table, FileTable) else 0
    reported = 0.0

    def on_share(share: float) -> None:
        nonlocal reported
        if progress is not None and size:
            reported = max(reported, min(share, 1.0))
            progress.report(reported * size, size, "bytes")

    each = max(1, row_bytes(table, progress))
    heavy = heavy_batches(table, max(1, GROUP_BYTES // each // 4)) if each > HEAVY else None
    if heavy is not None:
        return _from_batches(plain_batches(heavy), path, table.media, progress)
    statement = f"SELECT {plain_columns(table.columns)} FROM {table.source}"
    batches = table.stream(statement, size=_batch_rows(each), progress=progress, on_share=on_share)
    first = next(batches, None)
    if first is None:  # no rows have their types too
        first = pa.RecordBatch.from_pylist([], table.sql(f"{statement} LIMIT 0").schema)
    return _from_batches(_again(first, batches), path, table.media, None if size else progress)


def import_batches(
    batches: Iterable[pa.RecordBatch], folder: Path, *, media: Mapping[str, Kind] | None = None,
    progress: Progress | None = None, total: int | None = None,
) -> Imported:
    """Write rows that come in batches, of types that a canonical table has, as ``folder/data.parquet``.

    As `import_table`, which see; `progress` is told rows, of `total` where it is known. There must be a first
    batch, for its schema, if only an empty one.

    Raises:
        DataError: there is no batch, or it has no column.
        WorkspaceError: the file cannot be written.
        CancelledError: the work was called off.
    """
    with _beside(folder / DATA) as beside:
        return _from_batches(batches, beside, media or {}, progress, total)


def _from_batches(
    batches: Iterable[pa.RecordBatch], path: Path, media: Mapping[str, Kind], progress: Progress | None,
    total: int | None = None,
) -> Imported:
    batches = iter(batches)
    first = next(batches, None)
    if first is None or not first.num_columns:
        raise DataError("There is nothing to import: the table has no columns.")
    schema, fingerprint, rows = first.schema.remove_metadata(), Fingerprint(first.schema), 0
    with _writer(path, schema, first) as writer:
        with ThreadPoolExecutor(1, "nbtrain-hash") as hashing, ThreadPoolExecutor(1, "nbtrain-write") as writing:
            waiting: deque[tuple[Future[None], Future[None]]] = deque()
            for group in groups(first, batches):
                if len(waiting) == 1:
                    _ended(waiting.popleft())
                rows += sum(batch.num_rows for batch in group)
                waiting.append((hashing.submit(_hash, fingerprint, group), writing.submit(_write, writer, group)))
                if progress is not None:
                    progress.report(rows, total, "rows")
            while waiting:
                _ended(waiting.popleft())
            if progress is not None:
                progress.check()
        digest = fingerprint.hexdigest()
        facts = {"media": {name: str(kind) for name, kind in media.items()}, "fingerprint": digest}
        writer.add_key_value_metadata({METADATA_KEY: json.dumps(facts, ensure_ascii=False)})
    return Imported(rows, len(schema), path.stat().st_size, digest)


def keep_rejects(imported: Imported, rejects: Rejects | None, folder: Path) -> Imported:
    """Write the rows left out, if there are any, beside the import. Raises WorkspaceError; then nothing is left."""
    if not rejects:
        return imported
    try:
        with atomic.told("import into", folder):
            rejects.save(folder / REJECTED)
    except BaseException:
        for name in (DATA, REJECTED):
            (folder / name).unlink(missing_ok=True)
        raise
    return replace(imported, rejected=len(rejects))


def kept_rejects(folder: Path) -> Iterator[Reject]:
    """The rows that an import into `folder` left out."""
    if not (folder / REJECTED).exists():
        return
    csv.field_size_limit(max(csv.field_size_limit(), 10 * KEPT_TEXT))
    with (folder / REJECTED).open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            yield Reject(row["file"], int(row["line"]) if row["line"] else None, row["column"], row["why"], row["text"])


def copy_import(imported: Imported, source: Path, folder: Path) -> Imported:
    """Copy what was imported into one folder to another. Raises WorkspaceError; then nothing is left there."""
    with _beside(folder / DATA) as beside, atomic.told("import into", folder):
        shutil.copyfile(source / DATA, beside)
        if (source / REJECTED).exists():
            shutil.copyfile(source / REJECTED, folder / REJECTED)
    return imported


def batch_rows(table: Table, progress: Progress | None = None, *, least: int = LEAST_ROWS) -> int:
    """How many rows to take at a time so that a batch is no larger than a row group, as far as `row_bytes` tells."""
    return _batch_rows(row_bytes(table, progress), least)


def _batch_rows(each: int, least: int = LEAST_ROWS) -> int:
    return min(BATCH_ROWS, max(least, GROUP_BYTES // max(1, each)))


def groups(first: pa.RecordBatch, others: Iterable[pa.RecordBatch]) -> Iterator[list[pa.RecordBatch]]:
    """Batches put together into row groups; the first group comes even when it has no row."""
    group: list[pa.RecordBatch] = []
    rows = size = 0
    for batch in _again(first, others):
        for part in _parts(batch):
            if rows and (rows + part.num_rows > GROUP_ROWS or size + part.nbytes > GROUP_BYTES):
                yield group
                group, rows, size = [], 0, 0
            group.append(part)
            rows, size = rows + part.num_rows, size + part.nbytes
    yield group


def _parts(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """A batch cut so that each part fits into a row group, as well as can be told without looking at each row."""
    size = max(1, min(GROUP_ROWS, batch.num_rows * GROUP_BYTES // max(1, batch.nbytes)))
    for start in range(0, max(1, batch.num_rows), size):
        yield batch.slice(start, size)


def _hash(fingerprint: Fingerprint, group: list[pa.RecordBatch]) -> None:
    for batch in group:
        fingerprint.update(batch)


def _write(writer: pq.ParquetWriter, group: list[pa.RecordBatch]) -> None:
    writer.write_table(pa.Table.from_batches(group), row_group_size=max(1, sum(batch.num_rows for batch in group)))


def _ended(jobs: tuple[Future[None], Future[None]]) -> None:
    for job in jobs:
        job.result()


def _again(first: pa.RecordBatch, others: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    yield first
    yield from others


@contextlib.contextmanager
def _writer(path: Path, schema: pa.Schema, first: pa.RecordBatch) -> Iterator[pq.ParquetWriter]:
    with (
        atomic.told("import into", path.parent), pa.OSFile(str(path), "wb") as file,
        pq.ParquetWriter(file, schema, **layout(first)) as writer,
    ):
        yield writer


@contextlib.contextmanager
def _beside(path: Path) -> Iterator[Path]:
    """A file to write, which then takes the place of `path`; when the block raises, nothing is left."""
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}.unfinished")
    made = not path.parent.exists()
    try:
        with atomic.told("import into", path.parent):
            path.parent.mkdir(parents=True, exist_ok=True)
        yield beside
        with atomic.told("import into", path.parent):
            with beside.open("rb+") as file:
                os.fsync(file.fileno())
            beside.replace(path)
            atomic.sync_folder(path.parent)
    except BaseException:
        with contextlib.suppress(OSError):  # the first error is the one to tell
            beside.unlink(missing_ok=True)
            if made:
                path.parent.rmdir()
        raise
