"""A Parquet copy of a table that lies in rows, for quick reading; not one to keep.

DuckDB's own COPY is not used, here or elsewhere: one whose source fails, or that is interrupted, may wait for itself
for ever (see docs/log.md).
"""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from nbtrain.core.tasks import Progress
from nbtrain.data.importing.layout import layout
from nbtrain.data.importing.parquet import batch_rows, groups
from nbtrain.data.importing.plain import plain_columns
from nbtrain.data.reading.opening import begun_again
from nbtrain.data.table import Table
from nbtrain.store import atomic


def write_copy(table: Table, path: Path, *, progress: Progress | None = None) -> None:
    """Write all rows to a Parquet file, in the types of a canonical table; memory does not grow with them.

    Raises:
        DataError: the table cannot be read; half a file may be left then.
        WorkspaceError: the file cannot be written, likewise.
        CancelledError: it was called off, likewise.
    """
    begun_again(table, lambda: _write(table, path, progress))


def _write(table: Table, path: Path, progress: Progress | None) -> None:
    statement = f"SELECT {plain_columns(table.columns)} FROM {table.source}"
    batches = table.stream(statement, size=batch_rows(table, progress), progress=progress)
    first = next(batches, None)
    if first is None:  # no rows have their types too
        first = pa.RecordBatch.from_pylist([], table.sql(f"{statement} LIMIT 0", progress=progress).schema)
    with (
        atomic.told("write", path), pa.OSFile(str(path), "wb") as file,
        pq.ParquetWriter(file, first.schema, **layout(first)) as writer,
    ):
        for group in groups(first, batches):
            if progress is not None:
                progress.check()
            writer.write_table(pa.Table.from_batches(group), row_group_size=max(1, sum(map(len, group))))
