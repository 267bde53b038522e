"""What a preview shows of cells: numbers as they are, all else as text that was cut before it travelled."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from nbtrain.data.columns import Column, Kind, quoted
from nbtrain.data.table import ROW, Table

#: Kinds whose cells are shown by their size in bytes.
_FILES = {Kind.BINARY, Kind.IMAGE, Kind.AUDIO}
_LONG = {Kind.TEXT, Kind.NESTED}


def content_of(column: Column) -> str:
    """SQL of the encoded file in a cell of an image or a sound, or of its bytes."""
    name = quoted(column.name)
    return f"{name}.bytes" if column.type.startswith("STRUCT") else name


def path_of(column: Column) -> str:
    """SQL of the name that the file in a cell had; NULL where it is not known."""
    known = column.type.startswith("STRUCT") and "path" in column.type
    return f"{quoted(column.name)}.path::VARCHAR" if known else "NULL::VARCHAR"


def text_of(column: Column) -> str:
    """SQL of a cell as text, whole; nested values as JSON."""
    name = quoted(column.name)
    return f"to_json({name})::VARCHAR" if column.kind is Kind.NESTED else f"{name}::VARCHAR"


def shown(column: Column, cut: int) -> str:
    """SQL of what a page holds of a column.

    A DOUBLE for numbers; text for figures and dates; for what may be long ``{t, n}``: the first `cut` characters, and
    how many there are where that is not all; for what is a file ``{t, n}``: its path and its bytes.
    """
    name = quoted(column.name)
    if column.kind is Kind.NUMBER:
        return f"TRY_CAST({name} AS DOUBLE)"  # far down in a file there may be text after all
    if column.kind in _FILES:
        size = f"coalesce(octet_length({content_of(column)}), 0)"
        return f"{{'t': {path_of(column)}, 'n': CASE WHEN {name} IS NOT NULL THEN {size} END}}"
    text = text_of(column)
    if column.kind in _LONG:
        return f"{{'t': left({text}, {cut}), 'n': CASE WHEN length({text}) > {cut} THEN length({text}) END}}"
    return text


def only(table: Table, rows: Sequence[int]) -> Table:
    """Those rows of a table alone, under their numbers."""
    listed = ", ".join([f"{ROW} AS __number__", *(quoted(column.name) for column in table.columns)])
    numbers = ", ".join(str(int(row)) for row in rows) or "-1"
    return Table(
        f"(SELECT {listed} FROM ({table.numbered}) WHERE {ROW} IN ({numbers}))",
        name=table.name, row="__number__", media=table.media)


def as_stream(page: pa.Table, columns: Sequence[Column]) -> bytes:
    """A page of what `shown` gives, as an Arrow IPC stream.

    Its columns are ``row`` and, by the place of each of `columns`, ``c0``, ``c1``, … and, for ``{t, n}``, ``n0``, ….
    """
    made: dict[str, Any] = {"row": pc.cast(page.column(0), pa.float64())}
    for place in range(len(columns)):
        cells = page.column(place + 1)  # by place: Arrow cuts a name that has a NUL in it
        if pa.types.is_struct(cells.type):
            made[f"n{place}"] = pc.cast(pc.struct_field(cells, "n"), pa.float64())
            cells = pc.struct_field(cells, "t")
        made[f"c{place}"] = cells if pa.types.is_floating(cells.type) else pc.cast(cells, pa.string())
    table = pa.table(made)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    stream: bytes = sink.getvalue().to_pybytes()
    return stream
