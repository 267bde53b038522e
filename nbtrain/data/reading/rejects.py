"""Rows that could not be read and were left out, kept in a file for their owner to look at."""

from __future__ import annotations

import csv
import shutil
import sys
import tempfile
import weakref
from collections.abc import Iterable, Iterator
from dataclasses import astuple, dataclass, fields
from pathlib import Path

#: Of one row's text that is kept, in characters: a broken quote can make one row of a million lines.
KEPT_TEXT = 10_000


@dataclass(frozen=True, slots=True)
class Reject:
    """A row that was left out. `line` counts from 1, in the file's own lines; None where a file has none."""

    file: str
    line: int | None
    column: str
    """Name of the column that is wrong, where one is."""
    why: str
    text: str
    """The row as it stands in the file, its first `KEPT_TEXT` characters."""


class Rejects:
    """Rows left out, in the order they were found: on the disk, never all in memory. Its file goes with it."""

    def __init__(self) -> None:
        folder = tempfile.mkdtemp(prefix="nbtrain-rejects-")
        self._path = Path(folder, "rejected.csv")
        self._count = 0
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        with self._path.open("x", encoding="utf-8", newline="") as file:
            csv.writer(file).writerow(field.name for field in fields(Reject))

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Reject]:
        csv.field_size_limit(max(csv.field_size_limit(), min(sys.maxsize, 10 * KEPT_TEXT)))
        with self._path.open(encoding="utf-8", newline="") as file:
            rows = csv.reader(file)
            next(rows)
            for name, line, column, why, text in rows:
                yield Reject(name, int(line) if line else None, column, why, text)

    def add(self, rejects: Iterable[Reject]) -> None:
        """Keep these rows too."""
        with self._path.open("a", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            for reject in rejects:
                file_, line, column, why, text = astuple(reject)
                writer.writerow((file_, line, column, why, text[:KEPT_TEXT]))
                self._count += 1

    def save(self, path: Path) -> None:
        """Write all of them to a CSV file: file, line, column, why, text. Raises OSError."""
        shutil.copyfile(self._path, path)
