"""A split that was made: the part of each row, how the classes fell, and its two files."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from nbtrain.core.errors import DataError
from nbtrain.data.splits.spec import Part, SplitSpec
from nbtrain.store import atomic

#: The files of a split, and the column of the second.
JSON_FILE, PARTS_FILE, PART_COLUMN = "split.json", "split.parquet", "part"


@dataclass(frozen=True, slots=True)
class ClassCounts:
    """One class of the target: its rows in training, validation, test, and left out."""

    value: str | None
    """The label as text, or a range ``"[a, b)"`` of a target that is a measure; None for rows without a label."""
    counts: tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Note:
    """Something about a split that its owner should know; the words are the catalogue's ``split.note.<kind>``."""

    kind: str
    args: Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Split:
    """The part of every row of a table.

    Attributes:
        spec: what was asked for.
        parts: uint8, one a row in the order of the table: the value of a `Part`.
        classes: how each class of the target fell, most frequent first; empty without a target.
        notes: what did not go quite as asked, and why.
    """

    spec: SplitSpec
    parts: np.ndarray
    classes: tuple[ClassCounts, ...] = ()
    notes: tuple[Note, ...] = ()

    def __repr__(self) -> str:
        spec = self.spec
        by = spec.target if spec.method == "stratified" else spec.column or spec.group or spec.time
        method = f"{spec.method} by {by}" if by else spec.method
        names = ("training", "validation", "test", "left out")
        shown = ", ".join(
            f"{count:,} {name}" for count, name in zip(self.counts, names, strict=True) if count or name != "left out")
        return f"<Split {method}: {shown}>"

    @property
    def counts(self) -> tuple[int, int, int, int]:
        """Rows in training, validation, test, and left out."""
        train, validation, test, left = np.bincount(self.parts, minlength=len(Part)).tolist()
        return train, validation, test, left

    def rows(self, part: Part | str) -> np.ndarray:
        """Numbers of the rows in a part, int64, ascending. Raises DataError for a name that is no part."""
        return np.flatnonzero(self.parts == part_named(part))

    def leaving_out(self, rows: Sequence[int] | np.ndarray) -> Split:
        """The same split with these rows in no part; `classes` stays as it was counted. Raises DataError."""
        at = np.asarray(rows, np.int64)
        strange = at[(at < 0) | (at >= len(self.parts))]
        if len(strange):
            raise DataError(f"Row {strange[0]:,} cannot be left out: the split is of {len(self.parts):,} rows.")
        parts = self.parts.copy()
        parts[at] = Part.LEFT_OUT
        return replace(self, parts=parts, notes=(*self.notes, Note("left_out", {"count": len(np.unique(at))})))

    def to_json(self) -> dict[str, Any]:
        """All but `parts`."""
        return {
            "spec": self.spec.to_json(),
            "rows": len(self.parts),
            "counts": list(self.counts),
            "classes": [{"value": each.value, "counts": list(each.counts)} for each in self.classes],
            "notes": [{"kind": note.kind, "args": dict(note.args)} for note in self.notes],
        }

    def save(self, folder: Path) -> None:
        """Write ``split.json`` and ``split.parquet`` into a folder that is there. Raises WorkspaceError."""
        buffer = pa.BufferOutputStream()
        pq.write_table(pa.table({PART_COLUMN: self.parts}), buffer, compression="zstd")
        atomic.write_bytes(folder / PARTS_FILE, memoryview(buffer.getvalue()))
        atomic.write_json(folder / JSON_FILE, self.to_json())

    @classmethod
    def load(cls, folder: Path) -> Split:
        """The split that `save` wrote. Raises DataError when its files are missing, damaged or do not fit together."""
        try:
            told = json.loads((folder / JSON_FILE).read_text("utf-8"))
            parts = pq.read_table(folder / PARTS_FILE)[PART_COLUMN].to_numpy()
            spec = SplitSpec.from_json(told["spec"])
            classes = tuple(ClassCounts(each["value"], tuple(each["counts"])) for each in told["classes"])
            notes = tuple(Note(each["kind"], each["args"]) for each in told["notes"])
            found = cls(spec, parts, classes, notes)
            fits = parts.dtype == np.uint8 and parts.max(initial=0) < len(Part) and list(found.counts) == told["counts"]
        except (OSError, ValueError, KeyError, TypeError, pa.ArrowException) as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise DataError(f"The split in {folder} cannot be read ({reason}); make it again.") from error
        if not fits:
            raise DataError(f"{PARTS_FILE} in {folder} does not fit {JSON_FILE} beside it; make the split again.")
        return found


def part_named(part: Part | str) -> Part:
    """A part from its name: ``train``, ``validation``, ``test`` or ``left_out``. Raises DataError."""
    if isinstance(part, Part):
        return part
    try:
        return Part[part.upper()]
    except KeyError:
        names = ", ".join(each.name.lower() for each in Part)
        raise DataError(f"There is no part {part!r}; there are: {names}.") from None
