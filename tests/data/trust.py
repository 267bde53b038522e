"""Tables for the tests of splits and of quality, as Parquet files."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from nbtrain.data.table import Table

_folder = tempfile.TemporaryDirectory(prefix="nbtrain-test-")
_made = 0


def table(given, name="rows") -> Table:
    """A table of a data frame, an Arrow table or a dict of columns."""
    global _made  # noqa: PLW0603 - each call its own file
    _made += 1
    if isinstance(given, pd.DataFrame):
        given = pa.Table.from_pandas(given, preserve_index=False)
    elif isinstance(given, dict):
        given = pa.table(given)
    path = Path(_folder.name) / f"{_made}.parquet"
    pq.write_table(given, path)
    return Table.of_parquet(path, name=name)
