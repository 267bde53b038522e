"""Rows and columns that DuckDB reads where they lie: a file of the user's, or the Parquet of a dataset."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from nbtrain.core.errors import DataError, NbtrainError
from nbtrain.core.tasks import Progress
from nbtrain.data.columns import Column, Kind, kind_of, path_literal, quoted
from nbtrain.data.duck import cursor
from nbtrain.data.query import Query

#: Name of the column that holds a row's number in the table, from 0; no column of a user's may have it.
ROW = "__row__"
EVERYTHING = Query()


class Table:
    """A table that is read where it lies. Nothing is kept but its columns; any thread may ask.

    Args:
        source: what follows ``FROM`` in SQL, e.g. ``read_csv('a.csv', header=true)``.
        name: how it is called in messages.
        row: expression of a row's number, where the source has one; else rows are counted as they come.
        media: columns that hold encoded files, with their kind.
        explain: an error of DuckDB in our words, with file and line.

    Raises:
        DataError: the source cannot be read.
    """

    files: tuple[Path, ...] = ()
    """What it is read from, where that is files."""

    def __init__(
        self, source: str, *, name: str, row: str | None = None, media: dict[str, Kind] | None = None,
        explain: Callable[[duckdb.Error], NbtrainError] | None = None,
    ) -> None:
        self.source = source
        self.name = name
        self.media = dict(media or {})
        self._row = row
        self._explain = explain or self._explained
        self.columns = self._describe()

    @classmethod
    def of_parquet(
        cls, path: Path, *, name: str, media: dict[str, Kind] | None = None,
        explain: Callable[[duckdb.Error], NbtrainError] | None = None,
    ) -> Table:
        """The table in one Parquet file. Raises DataError."""
        table = cls(
            f"read_parquet({path_literal(path)}, hive_partitioning=false, file_row_number=true)", name=name,
            row="file_row_number", media=media, explain=explain)
        table.files = (path,)
        return table

    def column(self, name: str) -> Column:
        """One column by name. Raises DataError, with the names there are."""
        for column in self.columns:
            if column.name == name:
                return column
        names = ", ".join(repr(column.name) for column in self.columns)
        raise DataError(f"{self.name} has no column {name!r}; it has: {names}.")

    def rows(self, query: Query = EVERYTHING, *, progress: Progress | None = None) -> int:
        """How many rows the query finds."""
        where, parameters = query.where(self.columns)
        return int(self.sql(f"SELECT count(*) AS n FROM {self.source} {where}", parameters, progress)["n"][0].as_py())

    def page(
        self, query: Query = EVERYTHING, *, offset: int = 0, limit: int = 100, columns: Sequence[str] | None = None,
        shown: Mapping[str, str] | None = None, progress: Progress | None = None,
    ) -> pa.Table:
        """Rows `offset` to `offset + limit` of what the query finds, with their numbers as the column `ROW`.

        `shown` are SQL expressions that stand in the place of the columns of their names: long cells cut, say. The
        query filters, searches and sorts by the columns as they are.
        """
        where, parameters = query.where(self.columns)
        return self.sql(self._shown(
            f"SELECT {ROW}, {self._listed(columns)} FROM ({self.numbered}) {where} {query.order(ROW, self.columns)} "
            f"LIMIT {int(limit)} OFFSET {int(offset)}", columns, shown), parameters, progress)

    def at(
        self, rows: Sequence[int], *, columns: Sequence[str] | None = None, shown: Mapping[str, str] | None = None,
        progress: Progress | None = None,
    ) -> pa.Table:
        """The rows of these numbers, in this order, with their numbers as the column `ROW`; otherwise as `page`.

        A number that no row has is passed over.
        """
        listed = ", ".join(str(int(row)) for row in rows) or "NULL"
        number, source = (self._row, self.source) if self._row else (ROW, f"({self.numbered})")
        found = self.sql(self._shown(
            f"SELECT {number} AS {ROW}, {self._listed(columns)} FROM {source} WHERE {number} IN ({listed})",
            columns, shown), progress=progress)
        places = pc.index_in(pa.array(rows, pa.int64()), found[ROW].combine_chunks().cast(pa.int64()))
        return found.take(places.drop_null())

    def batches(
        self, columns: Sequence[str] | None = None, query: Query = EVERYTHING, *, size: int = 65_536,
        progress: Progress | None = None,
    ) -> Iterator[pa.RecordBatch]:
        """Every row the query finds, in batches of about `size`, without their numbers; never all in memory."""
        where, parameters = query.where(self.columns)
        order = query.order(ROW, self.columns)
        source = f"({self.numbered})" if order else self.source
        yield from self.stream(
            f"SELECT {self._listed(columns)} FROM {source} {where} {order}", parameters, size=size, progress=progress)

    def stream(
        self, statement: str, parameters: Sequence[Any] = (), *, size: int = 65_536, progress: Progress | None = None,
        on_share: Callable[[float], None] | None = None,
    ) -> Iterator[pa.RecordBatch]:
        """What a statement finds, in batches of about `size` rows, never all in memory.

        Before each batch `on_share` hears which share of the source has been read, from 0 to 1. Raises DataError.
        """
        with cursor(progress) as connection:
            try:
                if on_share is not None:
                    connection.execute("SET enable_progress_bar = true; SET enable_progress_bar_print = false")
                for batch in connection.sql(statement, params=list(parameters)).to_arrow_reader(size):
                    if on_share is not None:
                        on_share(max(0.0, connection.query_progress() / 100))
                    yield batch
                self._streamed(connection, progress)
            except duckdb.InterruptException:
                raise
            except duckdb.Error as error:
                raise self._explain(error) from error
            except OSError as error:  # a query that fails while Arrow takes its rows says so in Arrow's class
                if str(error).startswith("INTERRUPT"):
                    raise duckdb.InterruptException(str(error)) from None
                raise self._explain(duckdb.Error(str(error))) from error

    def _streamed(self, connection: duckdb.DuckDBPyConnection, progress: Progress | None) -> None:
        """Called on the connection that a stream came from, after its last row was taken."""

    def sql(self, statement: str, parameters: Sequence[Any] = (), progress: Progress | None = None) -> pa.Table:
        """What a statement finds, whole, in memory. Raises DataError in our words."""
        with cursor(progress) as connection:
            try:
                return connection.sql(statement, params=list(parameters)).to_arrow_table()
            except duckdb.InterruptException:
                raise
            except duckdb.Error as error:
                raise self._explain(error) from error

    @property
    def columnar(self) -> bool:
        """Whether one column costs less to read than all."""
        return self.source.startswith("read_parquet(")

    @property
    def bytes(self) -> int | None:
        """Size of its files on the disk; None when it is of none, or one has gone."""
        try:
            return sum(path.stat().st_size for path in self.files) if self.files else None
        except OSError:
            return None

    @property
    def numbered(self) -> str:
        """All rows with their numbers as the column `ROW`, as SQL."""
        number = self._row or "row_number() OVER () - 1"
        return f"SELECT {number} AS {ROW}, * FROM {self.source}"

    def _shown(self, page: str, columns: Sequence[str] | None, shown: Mapping[str, str] | None) -> str:
        if not shown:
            return page
        names = [column.name for column in self.columns] if columns is None else columns
        listed = (f"{shown.get(name, quoted(name))} AS {quoted(name)}" for name in names)
        return f"SELECT {', '.join([ROW, *listed])} FROM ({page})"

    def _listed(self, columns: Sequence[str] | None) -> str:
        names = [column.name for column in self.columns] if columns is None else [self.column(c).name for c in columns]
        return ", ".join(map(quoted, names))

    def _describe(self) -> tuple[Column, ...]:
        found = self.sql(f"DESCRIBE SELECT * FROM {self.source}")
        described = zip(found["column_name"].to_pylist(), found["column_type"].to_pylist(), strict=True)
        return tuple(
            Column(name, self.media.get(name) or kind_of(sql_type), sql_type) for name, sql_type in described
            if self._row not in {name, quoted(name)})

    def _explained(self, error: duckdb.Error) -> NbtrainError:
        return DataError(f"{self.name} cannot be read: {str(error).splitlines()[0]}")
