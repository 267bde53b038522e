"""Features of the datasets library: what its columns mean beyond their types, and its class labels as their names.

The library itself is not needed: the features travel as JSON in the metadata of its Parquet files.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from nbtrain.core.errors import DataError, DataFileError
from nbtrain.data.columns import Kind, literal, quoted

#: Key of a Parquet file's metadata under which the library keeps them.
_LIBRARY_KEY = b"huggingface"
#: Key of an imported file's metadata: JSON of ``media`` (column → ``"image"`` or ``"audio"``) and ``fingerprint``.
METADATA_KEY = b"nbtrain"
_MEDIA = {"Image": Kind.IMAGE, "Audio": Kind.AUDIO}


@dataclass(frozen=True)
class Features:
    """What the columns mean."""

    media: Mapping[str, Kind] = field(default_factory=dict)
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Column of class numbers → names of the classes."""

    def __bool__(self) -> bool:
        return bool(self.media or self.labels)

    def named_schema(self, schema: pa.Schema) -> pa.Schema:
        """The schema that `applied` gives."""
        return pa.schema([(f.name, pa.string() if f.name in self.labels else f.type) for f in schema])

    def applied(self, table: pa.Table) -> pa.Table:
        """A table whose class labels are names, and whose media hold their bytes.

        Raises:
            DataError: a number has no name. DataFileError: a file that an image or sound names cannot be read.
        """
        columns = []
        for name, column in zip(table.column_names, table.columns, strict=True):
            if name in self.labels:
                column = _named(column, self.labels[name], name)  # noqa: PLW2901 - the same column, told by name
            elif name in self.media:
                column = _filled(column)  # noqa: PLW2901 - the same column, with its bytes
            columns.append(column)
        return pa.Table.from_arrays(columns, schema=self.named_schema(
            pa.schema([(n, c.type) for n, c in zip(table.column_names, columns, strict=True)])))

    def selected(self, column: str) -> str:
        """A column as SQL, with the names of its classes where it has some."""
        if column not in self.labels:
            return quoted(column)
        return f"[{', '.join(map(literal, self.labels[column]))}][{quoted(column)} + 1] AS {quoted(column)}"


def of(given: Mapping[str, Any]) -> Features:
    """Of the library's ``Features``, or of the same as JSON."""
    media, labels = {}, {}
    for column, feature in given.items():
        kind, said = _kind(feature)
        if kind in _MEDIA:
            media[column] = _MEDIA[kind]
        elif kind == "ClassLabel" and said:
            labels[column] = tuple(map(str, said))
    return Features(media, labels)


def of_metadata(metadata: Mapping[bytes, bytes] | None) -> Features:
    """Of the metadata of a Parquet file; none when the library did not write it."""
    try:
        noted = json.loads((metadata or {}).get(_LIBRARY_KEY, b"{}"))
        return of(noted["info"]["features"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return Features()  # somebody else's note under the same key


def facts_of(path: Path) -> tuple[dict[str, Kind], str | None]:
    """The media columns of a Parquet file and the fingerprint of its content, as an import noted them.

    Nothing and None for a file that no import wrote. Raises DataFileError when it is no Parquet file.
    """
    try:
        noted = (pq.read_metadata(path).metadata or {}).get(METADATA_KEY)
    except (pa.ArrowInvalid, OSError) as error:
        raise DataFileError(f"{path} cannot be read as Parquet: {error}", file=str(path)) from error
    facts = json.loads(noted) if noted else {}
    return {name: Kind(kind) for name, kind in facts.get("media", {}).items()}, facts.get("fingerprint")


def _kind(feature: Any) -> tuple[str, Any]:
    if isinstance(feature, Mapping):
        return str(feature.get("_type", "")), feature.get("names")
    return type(feature).__name__, getattr(feature, "names", None)


def _named(column: pa.ChunkedArray, names: tuple[str, ...], name: str) -> pa.ChunkedArray:
    unknown = pc.equal(column, -1)  # as the library writes "no label"
    numbers = pc.if_else(unknown, None, column)
    try:
        return pc.take(pa.array(names, pa.string()), numbers)
    except pa.ArrowIndexError as error:
        raise DataError(
            f"The column {name!r} has a class number that is not one of 0 to {len(names) - 1}: {error}") from error


def _filled(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Encoded files with their bytes, read from where their path says when only that is there."""
    cells = [_with_bytes(cell) for cell in column.to_pylist()]
    return pa.chunked_array([pa.array(cells, pa.struct([("bytes", pa.binary()), ("path", pa.string())]))])


def _with_bytes(cell: dict[str, Any] | None) -> dict[str, Any] | None:
    if cell is None or cell.get("bytes") is not None or not cell.get("path"):
        return cell
    path = Path(cell["path"])
    try:
        return {"bytes": path.read_bytes(), "path": path.name}
    except OSError as error:
        raise DataFileError(f"{path} cannot be read: {error.strerror}.", file=str(path)) from error
