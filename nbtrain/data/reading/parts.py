"""One file as DuckDB reads it: where it lies if that can be, else as a copy."""

from __future__ import annotations

import codecs
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Protocol

import duckdb

from nbtrain.core.errors import DataFileError
from nbtrain.core.tasks import Progress
from nbtrain.data.columns import path_literal, quoted
from nbtrain.data.duck import cursor
from nbtrain.data.reading.copies import arrow_to_parquet, paragraphs_to_parquet, unpack
from nbtrain.data.reading.csv_dates import with_dates
from nbtrain.data.reading.csv_dialect import Dialect, dialect_of, first_rows, lines_of
from nbtrain.data.reading.csv_repair import write_sound, write_without_lone_cr
from nbtrain.data.reading.encodings import encoding_of, to_utf8
from nbtrain.data.reading.formats import Compression, DataFile, Format, opening
from nbtrain.data.reading.headers import unique_names
from nbtrain.data.reading.json_rows import json_source, needs_tidying, tidy
from nbtrain.data.reading.json_shape import write_lines
from nbtrain.data.reading.lines import chunks, ends_in_cr, is_endless, line_chunks, write_unix
from nbtrain.data.reading.read_options import ReadOptions
from nbtrain.data.reading.rejects import Rejects
from nbtrain.data.reading.scratch import Scratch


@dataclass(frozen=True, slots=True)
class Part:
    """A file of a table."""

    file: DataFile
    sql: str
    """What follows FROM."""
    columns: dict[str, str]
    """Names and types."""
    notes: tuple[str, ...] = ()
    dialect: Dialect | None = None
    """Of a CSV."""
    lines: bool = False
    """Whether its rows are JSON, one in a line."""
    lines_left_out: tuple[int, ...] = ()
    """Numbers of the lines that its copy has not."""


@dataclass(frozen=True, slots=True)
class Care:
    """What is done for a file only when it must be, for it costs a pass over it."""

    decode: bool = False
    """Its lines are decoded one by one: not all are UTF-8."""
    every_row: bool = False
    """All rows of JSON are looked at to tell its columns."""
    tidy: bool = False
    """The rows of JSON are written anew; broken ones are left out, where that is wished."""
    newlines: bool = False
    """The lines of a CSV are all made to end alike."""
    sound: bool = False
    """A CSV is written anew without the lines that would take others with them."""


class _Writes(Protocol):
    def __call__(self, file: DataFile, target: Path, *, progress: Progress | None) -> object: ...


def part_of(
    file: DataFile, options: ReadOptions, scratch: Scratch, care: Care = Care(), *,
    rejects: Rejects | None = None, progress: Progress | None = None,
) -> Part:
    """How DuckDB reads this file, and what is in it.

    Raises:
        DataFileError: it is broken in a way that is seen at once.
        duckdb.Error: DuckDB says so.
        DataError: a copy is needed and the disk is full.
    """
    notes = [file.note] if file.note else []
    make = _Maker(file, options, scratch, care, rejects, progress, notes)
    return make.text() if file.format.is_text else make.binary()


@dataclass(slots=True)
class _Maker:
    """Makes one part; `file` becomes its copy where one is needed."""

    file: DataFile
    options: ReadOptions
    scratch: Scratch
    care: Care
    rejects: Rejects | None
    progress: Progress | None
    notes: list[str]

    def binary(self) -> Part:
        if self.file.format is Format.ARROW:
            self._copy(".parquet", self._arrow)
        elif self.file.compression is not Compression.NONE:
            self._copy(".parquet", unpack)
        read = _parquet(self.file)
        columns = _described(read)
        names = unique_names(list(columns))
        if names != list(columns):
            listed = ", ".join(f"{quoted(old)} AS {quoted(new)}" for old, new in zip(columns, names, strict=True))
            read = f"(SELECT {listed} FROM {read})"
            columns = dict(zip(names, columns.values(), strict=True))
        return self._part(read, columns)

    def _arrow(self, file: DataFile, target: Path, *, progress: Progress | None) -> None:
        if arrow_to_parquet(file, target, progress=progress):
            return
        said = "ends without the mark that ends an Arrow stream, so that rows may be missing"
        if self.options.on_error == "raise":
            raise DataFileError(f"{file.name} {said}; get it again, or have what is there read with on_error='skip'.",
                                file=str(file.path))
        self.notes.append(f"{file.name} {said}.")

    def text(self) -> Part:
        self._decode()
        if self.file.format is not Format.JSON and ends_in_cr(self._head().encode()):
            self._copy(".txt", partial(write_unix, lone=True))
        if self.file.format in {Format.CSV, Format.TSV}:
            return self._csv()
        if self.file.format is Format.TEXT:
            if self.options.lines == "lines":
                return self._text_lines()
            self._copy(".parquet", paragraphs_to_parquet)
            return self._part(_parquet(self.file), {"text": "VARCHAR"})
        return self._json()

    def _text_lines(self) -> Part:
        left_out: list[int] = []
        if self._is_endless() and self.rejects is not None:
            self._write_sound(None, self.rejects, left_out)
        return replace(self._part(lines_of(self.file), {"text": "VARCHAR"}), lines_left_out=tuple(left_out))

    def _is_endless(self) -> bool:
        """Whether there is a line that DuckDB may lose; without skipping that is an error."""
        if self.file.packing is not Compression.NONE or not is_endless(self.file):
            return False
        if self.rejects is None:
            for _ in line_chunks(self.file):  # it raises, with the line
                pass
        return True

    def _csv(self) -> Part:
        left_out: list[int] = []
        if self.care.newlines:
            self._copy(".csv", self._with_one_end)
            if any(b"\r" in raw for raw in chunks(self.file)):
                self._copy(".csv", lambda file, target, progress: left_out.extend(write_without_lone_cr(
                    file, target, quote='"' if self.options.quote is None else self.options.quote,
                    rejects=self.rejects, progress=progress)))
        if self._is_endless():
            self.care = replace(self.care, sound=True)
        if self.care.sound and self.rejects is not None:
            self._copy_sound(self.rejects, left_out)
        head = self._head()
        dialect, notes = dialect_of(self.file, head, self.options)
        self.notes += notes
        dialect = with_dates(dialect, first_rows(head, dialect)[int(dialect.header):])
        part = replace(self._part("", {}), lines_left_out=tuple(left_out))
        return csv_part(part, dialect, skip=self.options.on_error == "skip")

    def _with_one_end(self, file: DataFile, target: Path, *, progress: Progress | None) -> None:
        if write_unix(file, target, progress=progress):
            self.notes.append(f"Some lines of {file.name} end in CR LF and others in LF; all were read as ending in "
                              "LF, also those inside of cells.")

    def _copy_sound(self, rejects: Rejects, left_out: list[int]) -> None:
        head = self._head()
        with self.scratch.new(".csv", self.file.name) as beginning:  # the file itself may have no end that is found
            beginning.write_text(head[:head.rfind("\n") + 1] or head, encoding="utf-8")
            dialect, _ = dialect_of(replace(self.file, copy=beginning), head, self.options)
        self._write_sound(dialect, rejects, left_out)

    def _write_sound(self, dialect: Dialect | None, rejects: Rejects, left_out: list[int]) -> None:
        def write(file: DataFile, target: Path, *, progress: Progress | None) -> None:
            left_out.extend(write_sound(file, dialect, target, rejects, progress=progress))

        self._copy(".csv", write)

    def _json(self) -> Part:
        lines = self.file.format is Format.JSONL
        if not lines and (start := self._head().lstrip()[:1]) not in {"[", "{"}:
            raise self.file.wrong(f"it begins with {start!r} and not with [ or {{; give JSON, or the format", line=1)
        if self.care.tidy:
            lines = self._tidied()
        elif not lines and self._head().lstrip()[:1] == "{":
            self._copy(".jsonl", self._taken_apart)
            lines = True
        try:
            sql, columns, notes = json_source(self.file, lines=lines, every_row=self.care.every_row)
        except duckdb.Error as error:
            if self.care.tidy or "uplicate name" not in str(error):
                raise
            columns = {"json": "JSON"}
            sql, notes = "", []
        if not self.care.tidy and needs_tidying(columns, self._head()):
            lines = self._tidied()
            sql, columns, notes = json_source(self.file, lines=lines, every_row=self.care.every_row)
        self.notes += notes
        return replace(self._part(sql, columns), lines=lines)

    def _tidied(self) -> bool:
        self._copy(".jsonl", lambda file, target, progress: tidy(
            file, target, rejects=self.rejects, progress=progress))
        return True

    def _taken_apart(self, file: DataFile, target: Path, *, progress: Progress | None) -> None:
        found = write_lines(file, target, progress=progress)
        if found.left_out:
            self.notes.append(f"{file.name} also holds {', '.join(map(repr, found.left_out[:10]))}, left out.")

    def _decode(self) -> None:
        """Make a copy in UTF-8, if the file is not in it."""
        given, looks = self.options.encoding, encoding_of(self.file.head)
        plain = given is None or codecs.lookup(given).name == "utf-8"
        if plain and looks == "utf-8" and not self.care.decode:
            if not (self.file.format is Format.JSONL and self.file.head.startswith(codecs.BOM_UTF8)):
                return
            given = "utf-8-sig"  # DuckDB takes no mark at the beginning of JSON in lines
        encoding = given or (None if self.care.decode else looks)

        def write(file: DataFile, target: Path, *, progress: Progress | None) -> None:
            said = to_utf8(file, encoding, target, progress=progress)
            if given is None:
                self.notes.append(said)

        self._copy(".txt", write)

    def _head(self) -> str:
        raw = self.file.head if self.file.copy is None else opening(self.file.source, Compression.NONE)
        return raw.decode("utf-8-sig", "ignore")

    def _copy(self, ending: str, write: _Writes) -> None:
        with self.scratch.new(ending, self.file.name) as target:
            write(self.file, target, progress=self.progress)
        self.file = replace(self.file, copy=target)

    def _part(self, sql: str, columns: dict[str, str]) -> Part:
        return Part(self.file, sql, columns, tuple(self.notes))


def csv_part(part: Part, dialect: Dialect, *, skip: bool, rejects: str = "") -> Part:
    """The same file read so."""
    sql = dialect.sql(skip_errors=skip, rejects=rejects)
    return replace(part, sql=sql, columns=dialect.columns, dialect=dialect)


def _parquet(file: DataFile) -> str:
    return f"read_parquet({path_literal(file.source)}, hive_partitioning=false)"


def _described(read: str) -> dict[str, str]:
    with cursor() as connection:
        return {name: kind for name, kind, *_ in connection.execute(f"DESCRIBE SELECT * FROM {read}").fetchall()}
