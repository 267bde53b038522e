"""A CSV without the rows that would take others with them: a quote that is never closed, a row without end."""

from __future__ import annotations

import csv
import re
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from nbtrain.core.tasks import Progress
from nbtrain.data.reading.csv_dialect import LONGEST, Dialect
from nbtrain.data.reading.formats import DataFile
from nbtrain.data.reading.lines import numbered_pieces
from nbtrain.data.reading.rejects import KEPT_TEXT, Reject, Rejects

#: Lines that a cell may have, before its quote is taken to be broken.
_CELL_LINES = 1000
_Line = tuple[int, bytes]


def write_sound(
    file: DataFile, dialect: Dialect | None, target: Path, rejects: Rejects, *, progress: Progress | None = None,
) -> list[int]:
    """Write a CSV in UTF-8 without the lines at which a quote is opened and never closed, and without endless lines.

    A text without a dialect loses its endless lines alone.
    Gives the numbers of the lines that were left out. Raises DataFileError, OSError.
    """
    left_out, done = [], 0
    with target.open("xb") as out:
        for number, line, why in _judged(file, dialect):
            if why:
                left_out.append(number)
                text = line[:KEPT_TEXT].decode(errors="replace").rstrip("\r\n")
                rejects.add([Reject(str(file.path), number, "", why, text)])
            else:
                done += out.write(line)
                if progress is not None and number % 10_000 == 0:
                    progress.report(done, unit="bytes")
    return left_out


def write_without_lone_cr(
    file: DataFile, target: Path, *, quote: str, rejects: Rejects | None = None, progress: Progress | None = None,
) -> list[int]:
    """Write a CSV whose lines end in LF without those with a CR that is not in quotes, at which DuckDB gives up.

    Gives the numbers of the lines that were left out.

    Raises:
        DataFileError: there is such a line; without `rejects`.
        OSError: `target` cannot be written.
    """
    mark, left_out, inside, done = quote.encode(), [], False, 0
    between = b""
    with target.open("xb") as out:
        for number, line in numbered_pieces(file, LONGEST):
            between = between or max((b",", b";", b"\t", b"|"), key=line.count)
            at = _lone_cr(line, mark, inside=inside)
            if at is None:
                inside ^= bool(mark) and line.count(mark) % 2 == 1
                done += out.write(line)
                if progress is not None and number % 10_000 == 0:
                    progress.report(done, unit="bytes")
                continue
            if rejects is None:
                raise file.wrong("a cell has a carriage return (CR) in it and is not in quotes; put it in quotes, or "
                                 "skip such rows", line=number, column=line.count(between, 0, at) + 1)
            left_out.append(number)
            text = line[:KEPT_TEXT].decode(errors="replace").rstrip("\r\n")
            rejects.add([Reject(str(file.path), number, "", "A cell has a CR in it and is not in quotes.", text)])
    return left_out


def _lone_cr(line: bytes, mark: bytes, *, inside: bool) -> int | None:
    """Where the first CR is that is not in quotes; `inside`: the line begins in quotes."""
    at = line.find(b"\r")
    while at >= 0:
        if not inside ^ bool(mark and line.count(mark, 0, at) % 2):
            return at
        at = line.find(b"\r", at + 1)
    return None


def _judged(file: DataFile, dialect: Dialect | None) -> Iterator[tuple[int, bytes, str]]:
    """Each line with its number and, where it is to be left out, why."""
    mark = dialect.quote.encode() if dialect is not None else b""
    between = dialect.delimiter.encode() if dialect is not None else b""
    opening = re.compile(rb"(?:^|%s)\s*%s" % (re.escape(between), re.escape(mark)))
    coming, again = numbered_pieces(file, LONGEST), deque[_Line]()
    held: list[_Line] = []
    size = 0

    def give_up() -> tuple[int, bytes, str]:
        """The first of the lines held is broken; the others are looked at again."""
        nonlocal size
        first, *others = held
        again.extendleft(reversed(others))
        held.clear()
        size = 0
        return *first, "A quote is opened and not closed as it must be."

    while True:
        number, line = again.popleft() if again else next(coming, (0, b""))
        if not number:
            if not held:
                return
            yield give_up()
            continue
        if len(line) > LONGEST:
            yield number, line, f"The line is longer than {LONGEST // 2**20} MiB."
            continue
        odd = bool(mark) and line.count(mark) % 2 == 1 and (bool(held) or opening.search(line) is not None)
        if not held and not odd:
            yield number, line, ""
            continue
        held.append((number, line))
        size += len(line)
        if len(held) > 1 and odd:
            if dialect is None or not _is_sound(b"".join(each for _, each in held), dialect):
                yield give_up()
                continue
            yield from ((*each, "") for each in held)
            held.clear()
            size = 0
        elif len(held) > _CELL_LINES or size > LONGEST:
            yield give_up()


def _is_sound(raw: bytes, dialect: Dialect) -> bool:
    """Whether lines are one row, with quotes only where they may be."""
    rows = csv.reader(
        raw.decode(errors="replace").splitlines(keepends=True), delimiter=dialect.delimiter[:1],
        quotechar=dialect.quote, strict=True)
    try:
        return len([row for row in rows if row]) == 1
    except csv.Error:
        return False
