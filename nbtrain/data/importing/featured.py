"""Parquet whose metadata says more than its types: class numbers become names, and images and sounds are known.

And several parts of a dataset as one table, with a column that tells the part.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from nbtrain.core.errors import DataFileError
from nbtrain.core.tasks import Progress
from nbtrain.data.columns import Kind, literal
from nbtrain.data.importing import features
from nbtrain.data.importing.features import Features, facts_of
from nbtrain.data.reading.opening import FileTable
from nbtrain.data.table import Table

PARQUET = frozenset({".parquet", ".pq"})
#: Rows from which their size is told.
LOOKED_AT = 64


class FeaturedTable(Table):
    """Parts of a dataset, one after the other, with what their columns mean.

    Args:
        parts: name → table; with more than one, the name is the column ``split``, unless there is such a column.
        found: what the columns mean.
        name: how it is called in messages.
    """

    def __init__(self, parts: Mapping[str, Table], found: Features, *, name: str) -> None:
        self.parts = dict(parts)
        self._found = found
        names = [column.name.lower() for table in self.parts.values() for column in table.columns]
        self._told = len(self.parts) > 1 and "split" not in names
        selected = [
            f"SELECT {', '.join(found.selected(column.name) for column in table.columns)}"
            f"{f', {literal(part)} AS split' if self._told else ''} FROM {table.source}"
            for part, table in self.parts.items()]
        super().__init__(f"({' UNION ALL BY NAME '.join(selected)})", name=name, media=dict(found.media))

    def heavy_batches(self, rows: int) -> Iterator[pa.RecordBatch] | None:
        """All rows, so many at a time, read by Arrow; None when a part is not one that Arrow reads alike."""
        parts = {part: heavy_batches(table, rows) for part, table in self.parts.items()}
        read = {part: batches for part, batches in parts.items() if batches is not None}
        if len(read) < len(parts) or len({tuple(c.name for c in table.columns) for table in self.parts.values()}) > 1:
            return None
        return self._chained(read)

    def _chained(self, parts: Mapping[str, Iterator[pa.RecordBatch]]) -> Iterator[pa.RecordBatch]:
        for part, batches in parts.items():
            for batch in batches:
                table = self._found.applied(pa.Table.from_batches([batch]))
                if self._told:
                    table = table.append_column("split", pa.array([part] * table.num_rows, pa.string()))
                yield from table.to_batches()


def featured(parts: Mapping[str, FileTable], *, name: str) -> Table:
    """The parts as one table; the only part itself, when nothing more is known of it. Raises DataFileError."""
    found = _found([file for table in parts.values() for file in table.files])
    if len(parts) == 1 and not found:
        return next(iter(parts.values()))
    return FeaturedTable(parts, found, name=name)


def heavy_batches(table: Table, rows: int) -> Iterator[pa.RecordBatch] | None:
    """All rows of Parquet files, so many at a time: DuckDB reads thousands at once, too many where a row is an image.

    None when these are no Parquet files, or when the table has other columns than the files.
    """
    if isinstance(table, FeaturedTable):
        return table.heavy_batches(rows)
    if not isinstance(table, FileTable) or any(file.suffix.lower() not in PARQUET for file in table.files):
        return None
    names = [column.name for column in table.columns]
    if any(pq.read_schema(file).names != names for file in table.files):
        return None
    return _read(table.files, rows)


def notes_of(table: Table) -> tuple[str, ...]:
    """What was decided on the way of reading files as a table, in sentences; none for another table."""
    tables = table.parts.values() if isinstance(table, FeaturedTable) else [table]
    return tuple(dict.fromkeys(note for each in tables if isinstance(each, FileTable) for note in each.notes))


def orders_of(table: Table) -> dict[str, str]:
    """In which order the dates of columns of CSVs were read, where they could have been read in another one."""
    tables = table.parts.values() if isinstance(table, FeaturedTable) else [table]
    return {name: order for each in tables if isinstance(each, FileTable) for name, order in each.date_orders.items()}


def row_bytes(table: Table, progress: Progress | None = None) -> int:
    """Bytes of a row in memory, about: as Parquet says, else as its first rows tell, which takes a query."""
    tables = list(table.parts.values()) if isinstance(table, FeaturedTable) else [table]
    files = [file for each in tables if isinstance(each, FileTable) for file in each.files]
    if files and all(file.suffix.lower() in PARQUET for file in files):
        known = [pq.read_metadata(file) for file in files]
        size = sum(each.row_group(i).total_byte_size for each in known for i in range(each.num_row_groups))
        return int(size // max(1, sum(each.num_rows for each in known)))
    return int(table.page(limit=LOOKED_AT, progress=progress).nbytes // LOOKED_AT)


def _read(files: tuple[Path, ...], rows: int) -> Iterator[pa.RecordBatch]:
    for file in files:
        try:
            with pq.ParquetFile(file, pre_buffer=False, buffer_size=2**20) as opened:  # else all of it is in memory
                yield from opened.iter_batches(rows, use_threads=False)
        except (pa.ArrowException, OSError) as error:
            raise DataFileError(f"{file} cannot be read: {error}", file=str(file)) from error


def _found(files: list[Path]) -> Features:
    """What the columns mean: of the first file, for they are alike."""
    first = files[0]
    if first.suffix.lower() not in PARQUET:
        return Features()
    media: dict[str, Kind] = facts_of(first)[0]
    said = features.of_metadata(pq.read_schema(first).metadata)
    return Features({**media, **said.media}, said.labels)
