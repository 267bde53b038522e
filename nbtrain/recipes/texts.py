"""Texts of a table and what is to be learnt of them, read and looked at before anything is trained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from nbtrain.core.errors import DataError
from nbtrain.data.columns import Kind, quoted
from nbtrain.data.examples import TOKENS
from nbtrain.data.table import ROW, Table
from nbtrain.recipes.base import Columns
from nbtrain.recipes.telling import listed

#: Columns that hold the texts, where there are several and none was named.
NAMES = ("text", "texts", "sentence", "message", "content", "review", "document", "body")


@dataclass(frozen=True, slots=True)
class Read:
    """Cells of some columns, and the numbers of their rows in the dataset."""

    rows: list[int]
    cells: dict[str, list[Any]]


def read(table: Table, names: Sequence[str]) -> Read:
    """These columns, whole. Raises DataError when one is not there, or there is no row."""
    for name in names:
        table.column(name)
    chosen = ", ".join([ROW, *map(quoted, names)])
    batches = list(table.stream(f"SELECT {chosen} FROM ({table.numbered})"))  # noqa: S608 - names are quoted
    rows = [int(row) for batch in batches for row in batch.column(0).to_pylist()]
    if not rows:
        raise DataError(f"{table.name} has no rows, so there is nothing to learn from.")
    found = {name: [cell for batch in batches for cell in _cells(batch.column(place))]
             for place, name in enumerate(names, start=1)}
    return Read(rows, found)


def is_empty(text: str | None) -> bool:
    """Whether there is nothing to read in it."""
    return text is None or not text.strip()


# -- which columns ------------------------------------------------------------------------------------


def text_column(table: Table, columns: Columns, target: str | None = None) -> str:
    """The column of the texts. Raises DataError when it is none of texts, or cannot be told."""
    named = columns.text or (columns.features[0] if columns.features and len(columns.features) == 1 else None)
    if named is not None:
        column = table.column(named)
        if column.kind is not Kind.TEXT:
            raise DataError(
                f"Column {named!r} of {table.name} holds {column.type}, not texts; name the column of texts: text=….")
        return named
    names = columns.features or [column.name for column in table.columns]
    found = [name for name in names if name != target and table.column(name).kind is Kind.TEXT]
    known = [name for name in found if name.lower() in NAMES]
    if len(found) == 1 or len(known) == 1:
        return found[0] if len(found) == 1 else known[0]
    if not found and any(column.name == TOKENS for column in table.columns):
        raise DataError(
            f"{table.name} holds tokens ({TOKENS!r}) and no texts; this recipe makes the tokens itself, as the model "
            "reads them, so give it the dataset as it was before the step tokenize.")
    if not found:
        raise DataError(
            f"{table.name} has no column of texts; it has: {listed([column.name for column in table.columns])}.")
    raise DataError(
        f"{table.name} has several columns of texts ({listed(found)}); say which is learnt from: "
        f"text={found[0]!r}.")


def _cells(column: pa.Array) -> list[Any]:
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    cells: list[Any] = column.to_pylist()
    return cells
