"""Objects of the notebook as rows: data frames, Arrow, NumPy, dicts and lists, and what the datasets library holds.

Nothing is imported to find out what an object is: who has a data frame has imported pandas.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from nbtrain.core.errors import DataError
from nbtrain.core.tasks import Progress
from nbtrain.data.columns import Kind
from nbtrain.data.importing import features
from nbtrain.data.importing.opened import Opened
from nbtrain.data.importing.parquet import Imported, import_batches
from nbtrain.data.importing.plain import plain_batches
from nbtrain.data.table import Table

#: Rows that are taken from an object at a time.
ROWS = 10_000
#: Of a dataset that may hold images.
MEDIA_ROWS = 100


@dataclass(frozen=True)
class Rows:
    """The rows of an object."""

    text: str
    """What it is, for people: ``a pandas data frame``."""
    batches: Callable[[], Iterable[pa.RecordBatch]]
    """From the first; at least one, if only an empty one."""
    total: int | None = None
    """How many, where it is known."""
    media: Mapping[str, Kind] = field(default_factory=dict)


def as_table(
    given: Any, *, name: str = "data", media: Mapping[str, Kind] | None = None, progress: Progress | None = None,
) -> Table:
    """The table in an object, as a temporary Parquet file that goes when the table does; see `open_object`."""
    return open_object(given, name=name, media=media).table(progress=progress)


def open_object(given: Any, *, name: str | None = None, media: Mapping[str, Kind] | None = None) -> Opened:
    """Open an object of the notebook; it is not copied until it is looked at or imported.

    - a pandas data frame or series; its index is kept when it has a name;
    - a pyarrow table, batch, reader or dataset, and whatever else gives an Arrow stream (polars, DuckDB);
    - a ``datasets`` dataset, also one that is streamed: class labels become their names, images and sounds stay
      encoded; a dict of several has the name of each as the column ``split``;
    - a dict of columns, a list of dicts (missing keys are missing values), a list of lists;
    - a NumPy array: structured, or of one or two dimensions, whose columns are called ``column_0``, ….

    `media` says which of its columns hold encoded files, where the object itself does not.

    Column names become text, made unique where they are not. NaN, NaT and pandas' NA are missing values, except in
    what comes as Arrow.

    Raises:
        DataError: it is nothing of these, or its values do not fit into columns; the sentence names the column.
    """
    rows = _rows(given)
    if rows is None:
        raise DataError(
            f"A {_type(given)} is no data that can be opened; give a path, a data frame, a pyarrow table, a dataset of "
            "the datasets library, a dict of columns, a list of dicts, a NumPy array, or the name of a Hub dataset.")
    found = rows

    def write(folder: Path, progress: Progress | None) -> Imported:
        batches = iter(found.batches())
        first = next(batches)
        there = {column: kind for column, kind in (media or {}).items() if column in first.schema.names}
        return import_batches(
            plain_batches(itertools.chain([first], batches)), folder, media={**found.media, **there},
            progress=progress, total=found.total)

    return Opened(name or "data", rows.text, {"kind": "object", "type": _type(given)}, write=write)


def is_paths(given: Any) -> bool:
    """Whether this is a list of paths."""
    return isinstance(given, list | tuple) and bool(given) and all(isinstance(each, str | Path) for each in given)


def _rows(given: Any) -> Rows | None:
    """The rows of an object; None when it is of no kind that has rows. Raises DataError."""
    room = type(given).__module__.split(".")[0]
    if room == "datasets":
        return _of_datasets(given) if hasattr(given, "with_format") and not isinstance(given, dict) else (
            _of_splits(given) if isinstance(given, dict) and given else None)
    if room == "pandas":
        return _of_pandas(given)
    if room == "pyarrow" or hasattr(given, "__arrow_c_stream__"):
        return _of_arrow(given, room)
    if isinstance(given, Mapping) and given:
        return _of_columns(dict(given), "a dict of columns")
    if isinstance(given, list) and given:
        return _of_list(given)
    return _of_array(np.asarray(given)) if hasattr(given, "__array__") else None


def _of_arrow(given: Any, room: str) -> Rows | None:
    if isinstance(given, pa.RecordBatch):
        return _of_table(pa.Table.from_batches([given]), "a pyarrow batch")
    if isinstance(given, pa.Table):
        return _of_table(given, "a pyarrow table")
    if hasattr(given, "to_batches") and hasattr(given, "count_rows"):
        return Rows("a pyarrow dataset", lambda: _or_empty(given.to_batches(), given.schema), given.count_rows())
    if not hasattr(given, "__arrow_c_stream__"):
        return None
    reader = pa.RecordBatchReader.from_stream(given)
    return Rows(f"a {room} {type(given).__name__}", lambda: _or_empty(reader, reader.schema))


def _of_list(given: list[Any]) -> Rows | None:
    if all(isinstance(row, Mapping) for row in given):
        names = dict.fromkeys(itertools.chain.from_iterable(given))
        return _of_columns({name: [row.get(name) for row in given] for name in names}, "a list of dicts")
    if all(isinstance(row, list | tuple) for row in given):
        columns = itertools.zip_longest(*given)
        return _of_columns({f"column_{i}": list(column) for i, column in enumerate(columns)}, "a list of rows")
    return None


def _of_pandas(given: Any) -> Rows | None:
    frame = given.to_frame() if hasattr(given, "to_frame") and not hasattr(given, "columns") else given
    if not hasattr(frame, "itertuples"):
        return None
    if any(name is not None for name in frame.index.names):
        frame = frame.reset_index()
    return _of_columns({i: frame.iloc[:, i] for i in range(frame.shape[1])}, "a pandas data frame", list(frame.columns))


def _of_array(array: np.ndarray[Any, Any]) -> Rows | None:
    if array.dtype.names:
        return _of_columns({name: array[name] for name in array.dtype.names}, "a NumPy array")
    if array.ndim not in {1, 2}:
        return None
    columns = array[:, None] if array.ndim == 1 else array
    return _of_columns({f"column_{i}": columns[:, i] for i in range(columns.shape[1])}, "a NumPy array")


def _of_columns(columns: Mapping[Any, Any], text: str, names: list[Any] | None = None) -> Rows:
    arrays = [
        _array(values, name) for name, values in zip(names or columns, columns.values(), strict=True)]
    lengths = {str(name): len(array) for name, array in zip(names or columns, arrays, strict=True)}
    if len(set(lengths.values())) > 1:
        said = ", ".join(f"{name!r} {length}" for name, length in lengths.items())
        raise DataError(f"The columns are not equally long: {said:.300}; give each as many values.")
    return _of_table(pa.Table.from_arrays(arrays, [str(name) for name in names or columns]), text)


def _array(values: Any, name: Any) -> pa.Array:
    if isinstance(values, str | bytes) or not hasattr(values, "__len__"):
        raise DataError(f"The column {str(name)!r} is a {_type(values)}; give a list or an array of its values.")
    try:
        if isinstance(values, np.ndarray) and values.ndim > 1:
            values = values.tolist()
        return pa.array(values, from_pandas=True)
    except (pa.ArrowException, OverflowError, ValueError, TypeError) as error:
        raise DataError(
            f"The column {str(name)!r} holds values that do not fit one type: {error}. Convert them first.") from error


def _of_table(table: pa.Table, text: str) -> Rows:
    return Rows(text, lambda: _or_empty(table.to_batches(max_chunksize=ROWS), table.schema), table.num_rows)


def _of_datasets(given: Any) -> Rows:
    """Of a dataset of the datasets library, whether it is streamed or not."""
    found = features.of(given.features or {})
    total = len(given) if hasattr(given, "__len__") else None

    def batches() -> Iterator[pa.RecordBatch]:
        size = MEDIA_ROWS if found.media else ROWS
        tables = given.with_format("arrow").iter(batch_size=size)
        first = next(tables, None)
        if first is None:
            schema = given.features.arrow_schema if given.features else pa.schema([])
            yield from _or_empty([], found.named_schema(schema.remove_metadata()))
            return
        for table in itertools.chain([first], tables):
            yield from found.applied(table).to_batches()

    return Rows("a dataset of the datasets library", batches, total, found.media)


def _of_splits(given: Mapping[str, Any]) -> Rows:
    """Of several datasets with the same columns, one after the other."""
    parts = {name: _of_datasets(part) for name, part in given.items()}

    def batches() -> Iterator[pa.RecordBatch]:
        for name, part in parts.items():
            for batch in part.batches():
                if "split" in batch.schema.names:
                    yield batch
                else:
                    yield batch.append_column("split", pa.array([str(name)] * batch.num_rows, pa.string()))

    totals = [part.total for part in parts.values()]
    total = None if None in totals else sum(total for total in totals if total is not None)
    media = next(iter(parts.values())).media
    return Rows("datasets of the datasets library", batches, total, media)


def _or_empty(batches: Iterable[pa.RecordBatch], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """The batches; an empty one when there is none, for its columns."""
    batches = iter(batches)
    yield next(batches, None) or pa.RecordBatch.from_pylist([], schema)
    yield from batches


def _type(given: Any) -> str:
    return f"{type(given).__module__}.{type(given).__qualname__}".removeprefix("builtins.")
