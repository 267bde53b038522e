"""JSON as rows: an array of objects where it lies; an object, or an object with an array in it, taken apart.

One value that holds all rows cannot be read by DuckDB once it is large. `rows_of` goes through it piece by piece, so
that no more than one row is ever in memory, and knows in which line and column it stopped.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from nbtrain.core.errors import DataFileError
from nbtrain.core.tasks import Progress
from nbtrain.data.reading.formats import DataFile

#: Bytes of the longest row; also what DuckDB may hold of one.
LONGEST = 16 * 2**20
#: How deep values may be nested: what DuckDB's reader bears.
DEEPEST = 128
_SPACE = re.compile(r"[ \t\r\n]*")
_CHUNK = 2**18


@dataclass(slots=True)
class Found:
    """What `rows_of` found besides the rows."""

    left_out: list[str] = field(default_factory=list)
    """Names of the members beside the array that holds the rows."""


def rows_of(file: DataFile, found: Found | None = None) -> Iterator[str]:
    """The rows in one JSON value in UTF-8, each as JSON in one line.

    Raises:
        DataFileError: it is no JSON, holds several arrays of rows, is nested too deep, or a row is too long.
    """
    with file.unpacked() as stream:
        text = _Text(stream, file)
        start = text.peek()
        if start == "[":
            yield from text.array()
        elif start == "{":
            yield from _members(text, found or Found())
        else:
            raise text.wrong("it begins with no [ or {; give an array of objects, or one object")
        if text.peek():
            raise text.wrong("there is more after the end of the value; if each line is a value, read it as jsonl")


def write_lines(file: DataFile, target: Path, *, progress: Progress | None = None) -> Found:
    """Write the rows in one JSON value to `target`, one in a line. Raises as `rows_of`, and OSError."""
    found, done = Found(), 0
    with target.open("x", encoding="utf-8", newline="\n") as out:
        for row in rows_of(file, found):
            done += out.write(row) + out.write("\n")
            if progress is not None:
                progress.report(done, unit="bytes")
    return found


def _members(text: _Text, found: Found) -> Iterator[str]:
    """The rows of an object: of the one array of objects that is in it, or itself."""
    text.take("{")
    members, rows_in = {}, None
    while text.peek() != "}":
        name = text.value()
        if not isinstance(name, str):
            raise text.wrong("a name in quotes must stand here")
        text.take(":")
        if text.peek() == "[" and text.peek(after="[") == "{":
            if rows_in is not None:
                raise text.wrong(f"it holds several arrays of objects, {rows_in!r:.40} and {name!r:.40}; put the one "
                                 "that is wanted into a file of its own")
            rows_in = name
            yield from text.array()
        else:
            members[name] = text.value()
        if text.peek() != "}":
            text.take(",")
    text.take("}")
    if rows_in is None:
        yield json.dumps(members, ensure_ascii=False)
    else:
        found.left_out = list(members)


class _Text:
    """A long text that is read as far as needed, with a place in it."""

    def __init__(self, stream: pa.NativeFile, file: DataFile) -> None:
        self._stream, self._file = stream, file
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")("replace")
        self._json = json.JSONDecoder()
        self._text, self._at, self._ended = "", 0, False
        self._start = 0  # of the value read last
        self._lines, self._column = 0, 0  # of what was dropped before the text at hand

    def peek(self, after: str = "") -> str:
        """The next character that is no space, or the one after `after`; empty at the end."""
        at = self._skipped(self._at)
        if after:
            at = self._skipped(at + 1)
        else:
            self._at = at
        return self._text[at:at + 1]

    def take(self, wanted: str) -> None:
        """Go past this character. Raises DataFileError where there is another."""
        if self.peek() != wanted:
            raise self.wrong(f"{wanted} must stand here" if self.peek() else "it ends in the middle")
        self._at += 1

    def array(self) -> Iterator[str]:
        """The elements of an array, each as its text in one line."""
        self.take("[")
        while self.peek() != "]":
            self.value()
            yield self._text[self._start:self._at].replace("\n", " ").replace("\r", " ")
            if self.peek() != "]":
                self.take(",")
        self.take("]")

    def value(self) -> object:
        """The value here, and go past it. Raises DataFileError."""
        self.peek()
        self._drop()
        self._start = self._at
        while True:
            try:
                found, end = self._json.raw_decode(self._text, self._at)
            except json.JSONDecodeError as error:
                if self._more():
                    continue
                self._at = min(error.pos, len(self._text))
                at_end = self._at >= len(self._text.rstrip()) or "Unterminated" in error.msg
                said = "it ends in the middle; get the file again" if at_end else f"it is no JSON ({error.msg})"
                raise self.wrong(said) from error
            except RecursionError as error:
                raise self.wrong(f"it is nested deeper than {DEEPEST}; make it flatter") from error
            if end == len(self._text) and self._more():  # a number may go on
                continue
            self._at = end
            if depth_of(self._text[self._start:end]) > DEEPEST:
                self._at = self._start
                raise self.wrong(f"it is nested deeper than {DEEPEST}; make it flatter")
            return found

    def wrong(self, said: str) -> DataFileError:
        """What to raise for the place where it stands."""
        before = self._text[:self._at]
        line = self._lines + before.count("\n") + 1
        column = len(before.rpartition("\n")[2]) + 1 + (0 if "\n" in before else self._column)
        return self._file.wrong(said, line=line, column=column)

    def _skipped(self, at: int) -> int:
        while True:
            match = _SPACE.match(self._text, at)
            at = match.end() if match else at
            if at < len(self._text) or not self._more():
                return at

    def _drop(self) -> None:
        if self._at > _CHUNK:
            gone = self._text[:self._at]
            self._lines += gone.count("\n")
            self._column = len(gone.rpartition("\n")[2]) + (0 if "\n" in gone else self._column)
            self._text, self._at = self._text[self._at:], 0

    def _more(self) -> bool:
        """Read on; False at the end."""
        if self._ended:
            return False
        if len(self._text) - self._at > LONGEST:
            raise self.wrong(f"a value is longer than {LONGEST // 2**20} MiB; break it up")
        try:  # twice as much each time: a long value is parsed again from its start
            raw = bytes(self._stream.read(max(_CHUNK, len(self._text) - self._at)))
        except OSError as error:
            raise self._file.cut_short() from error
        self._ended = not raw
        self._text += self._decoder.decode(raw, final=not raw)
        return True


def depth_of(text: str) -> int:
    """How deep the brackets of a JSON text go, those in strings aside."""
    if text.count("[") + text.count("{") <= DEEPEST:
        return 0
    depth = deepest = 0
    for mark in re.findall(r'"(?:[^"\\]|\\.)*"|[\[\]{}]', text):
        if mark in {"[", "{"}:
            depth += 1
            deepest = max(deepest, depth)
        elif mark in {"]", "}"}:
            depth -= 1
    return deepest
