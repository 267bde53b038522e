"""Random tables for tests: of every common type, with all that cells may hold."""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import strategies as st

from nbtrain.data.looking.profile import profile as profiled
from nbtrain.data.table import Table

WORDS = ["", "a", "A", "ab%", "a_b", "Привет", "ПРИВЕТ", "سلام", "كيف", "کیف", "123 سلام", "<b>", "'; DROP", '"',
         "x" * 40]

texts = st.sampled_from(WORDS) | st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=6)
integers = st.integers(-3, 3) | st.integers(-(2**63), 2**63 - 1)
numbers = st.integers(-3, 3).map(float) | st.floats(width=64)
small_numbers = st.floats(width=32)
moments = st.datetimes(dt.datetime(1900, 1, 1), dt.datetime(2100, 1, 1))  # noqa: DTZ001 - columns without a zone
dates = st.dates(dt.date(1900, 1, 1), dt.date(2100, 1, 1))

COLUMNS = {
    "whole": (pa.int64(), integers),
    "tiny": (pa.int8(), st.integers(-128, 127)),
    "unsigned": (pa.uint64(), st.integers(0, 5) | st.integers(0, 2**64 - 1)),
    "number": (pa.float64(), numbers),
    "half": (pa.float32(), small_numbers),
    "text": (pa.string(), texts),
    "truth": (pa.bool_(), st.booleans()),
    "day": (pa.date32(), dates),
    "moment": (pa.timestamp("us"), moments),
}


@st.composite
def tables(draw, most=30, columns=tuple(COLUMNS)):
    """A pyarrow table of some rows, with missing cells."""
    rows = draw(st.integers(0, most))
    return pa.table({
        name: pa.array(draw(st.lists(st.none() | COLUMNS[name][1], min_size=rows, max_size=rows)), COLUMNS[name][0])
        for name in columns})


@contextmanager
def on_disk(table: pa.Table, **options) -> Iterator[Table]:
    """The table in a Parquet file."""
    with tempfile.TemporaryDirectory() as folder:
        yield parquet(Path(folder), table, **options)


def parquet(folder: Path, table: pa.Table, **options) -> Table:
    """The table in a Parquet file of this folder."""
    path = folder / "table.parquet"
    pq.write_table(table, path, **options)
    return Table.of_parquet(path, name="table.parquet")


def in_rows(table: Table) -> Table:
    """The same, read as though it lay in rows: all columns at once, and without numbers."""
    source = table.source.replace(", file_row_number=true", "")
    return Table(f"(FROM {source})", name=table.name)


def profile(table: Table, **options: Any) -> Any:
    """A profile, of which the test knows what there is."""
    return profiled(table, **options)
