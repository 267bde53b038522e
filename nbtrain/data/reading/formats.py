"""What a file of data is: its format and compression, by its first bytes and by its name."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import pyarrow as pa

from nbtrain.core.errors import DataFileError


class Format(StrEnum):
    """What is in a file of data, whatever it is compressed with."""

    CSV = "csv"
    TSV = "tsv"
    """A CSV whose delimiter is the tab; the delimiter is looked for all the same."""
    JSON = "json"
    """An array of objects, one object, or an object with one array of objects."""
    JSONL = "jsonl"
    TEXT = "text"
    PARQUET = "parquet"
    ARROW = "arrow"
    """Arrow's IPC file or stream; a Feather file is one."""

    @property
    def is_text(self) -> bool:
        """Whether it is made of characters, so that it has an encoding and lines."""
        return self not in {Format.PARQUET, Format.ARROW}


class Compression(StrEnum):
    """What a file is compressed with."""

    NONE = "none"
    GZIP = "gzip"
    ZSTD = "zstd"


_SUFFIXES = {
    ".csv": Format.CSV, ".tsv": Format.TSV, ".tab": Format.TSV, ".json": Format.JSON, ".jsonl": Format.JSONL,
    ".ndjson": Format.JSONL, ".txt": Format.TEXT, ".text": Format.TEXT, ".parquet": Format.PARQUET,
    ".pq": Format.PARQUET, ".arrow": Format.ARROW, ".feather": Format.ARROW, ".ipc": Format.ARROW,
    ".arrows": Format.ARROW,
}
_COMPRESSIONS = {
    ".gz": Compression.GZIP, ".gzip": Compression.GZIP, ".zst": Compression.ZSTD, ".zstd": Compression.ZSTD,
}
_PACKED = ((b"\x1f\x8b", Compression.GZIP), (b"\x28\xb5\x2f\xfd", Compression.ZSTD))
_MAGIC = ((b"PAR1", Format.PARQUET), (b"ARROW1\0\0", Format.ARROW), (b"\xff\xff\xff\xff", Format.ARROW))
#: Files that people take for tables, and what to do with them.
_FOREIGN = (
    (b"PK\x03\x04", "a ZIP or Excel file; unpack it, or save the sheet as CSV"),
    (b"\xd0\xcf\x11\xe0", "an old Excel file; save the sheet as CSV"),
    (b"FEA1", "a Feather file of version 1; write it again as version 2"),
    (b"PARE", "an encrypted Parquet file; decrypt it first"),
    (b"SQLite format 3", "an SQLite database; export the table as CSV"),
    (b"%PDF", "a PDF; extract its text first"), (b"\x89PNG", "an image; give the folder of images"),
    (b"\xff\xd8\xff", "an image; give the folder of images"), (b"GIF8", "an image; give the folder of images"),
    (b"RIFF", "a sound or image file; give the folder of them"), (b"\x89HDF", "an HDF5 file; export the table as CSV"),
    (b"BZh", "compressed with bzip2; unpack it first"), (b"\xfd7zXZ", "compressed with xz; unpack it first"),
    (b"7z\xbc\xaf", "a 7z archive; unpack it first"), (b"Obj\x01", "an Avro file; export it as Parquet"),
    (b"\x80\x04\x95", "a pickle, which is never opened; write it as Parquet"),
    (b"ORC", "an ORC file; export it as Parquet"),
)
#: Bytes that tell what a file is.
HEAD = 256 * 1024


@dataclass(frozen=True, slots=True)
class DataFile:
    """A file of data, and what it turned out to be."""

    path: Path
    format: Format
    compression: Compression
    head: bytes
    """Its first bytes, unpacked, `HEAD` at most."""
    note: str = ""
    """A sentence where the name says something else."""
    copy: Path | None = None
    """What is read in its stead: the same rows, in UTF-8, unpacked, or in a format that DuckDB reads."""

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def source(self) -> Path:
        """What is read: the file, or its copy."""
        return self.copy or self.path

    @property
    def packing(self) -> Compression:
        """What `source` is compressed with."""
        return self.compression if self.copy is None else Compression.NONE

    def unpacked(self) -> pa.NativeFile:
        """The bytes of `source` as a stream. Raises DataFileError; reading raises OSError."""
        return unpacked(self.source, self.packing)

    def cut_short(self) -> DataFileError:
        """What to say when unpacking fails."""
        return cut_short(self.path, self.compression)

    def wrong(self, said: str, *, line: int | None = None, column: int | None = None) -> DataFileError:
        """An error with the place in this file; `said` is what is wrong and what to do, without a full stop."""
        place = f", line {line}" if line else ""
        place += f", column {column}" if line and column else ""
        return DataFileError(f"{self.name}{place}: {said}.", file=str(self.path), line=line, column=column)


def format_of(name: str) -> tuple[Format | None, Compression]:
    """What a file's name says: ``a.csv.gz`` is a CSV in gzip. The format is None where the name does not tell."""
    path = Path(name.lower())
    compression = _COMPRESSIONS.get(path.suffix, Compression.NONE)
    if compression is not Compression.NONE:
        path = path.with_suffix("")
    return _SUFFIXES.get(path.suffix), compression


def recognised(path: Path, wanted: Format | None = None) -> DataFile:
    """The file with its format, by content before name; `wanted` is what the user says it is.

    Raises:
        DataFileError: it cannot be opened, is empty, is cut short, or is of no known format.
    """
    name, packed = path.name, _packing(path)
    head = opening(path, packed)
    if not head.strip():
        raise DataFileError(f"{name} is empty; give a file with rows.", file=str(path), line=1)
    for magic, what in _FOREIGN:
        if head.startswith(magic) and not _is_plain(head):
            raise DataFileError(f"{name} is {what}.", file=str(path))
    said, _ = format_of(name)
    inside = next((inner for magic, inner in _MAGIC if head.startswith(magic) and not _is_plain(head)), None)
    if inside is None and head[4:8] == b"\xff\xff\xff\xff":
        inside = Format.ARROW  # a stream as it was before Arrow 0.15
    if wanted is not None and inside not in {None, wanted}:
        raise DataFileError(f"{name} is read as {wanted} but is {inside}; leave the format out.", file=str(path))
    if wanted in {Format.PARQUET, Format.ARROW} and inside is None:
        raise DataFileError(f"{name} is no {wanted} file, or its beginning is lost; leave the format out, or get the "
                            "file again.", file=str(path))
    found = wanted or inside or _texts(path, head, said)
    other = said is not None and {found, said} != {Format.CSV, Format.TSV} and found is not said and wanted is None
    note = f"{name} is called {said} but holds {found}; it was read as {found}." if other else ""
    return DataFile(path, found, packed, head, note)


def opening(path: Path, packed: Compression, size: int = HEAD) -> bytes:
    """The first bytes of a file, unpacked. Raises DataFileError."""
    with unpacked(path, packed) as stream:
        try:
            return bytes(stream.read(size))
        except OSError as error:
            raise cut_short(path, packed) from error


def unpacked(path: Path, packed: Compression) -> pa.NativeFile:
    """The bytes of a file as a stream, unpacked as they are read. Raises DataFileError; reading raises OSError."""
    try:
        return pa.input_stream(str(path), compression=None if packed is Compression.NONE else packed.value)
    except OSError as error:
        said = "may not be read; ask its owner, or copy it" if isinstance(error, PermissionError) else (
            f"cannot be opened ({error.strerror or error})")
        raise DataFileError(f"{path.name} {said}.", file=str(path)) from error


def cut_short(path: Path, packed: Compression) -> DataFileError:
    """What to say when unpacking fails."""
    return DataFileError(f"{path.name} cannot be unpacked: its {packed} data is damaged or cut short; get the file "
                         "again.", file=str(path))


def _packing(path: Path) -> Compression:
    start = opening(path, Compression.NONE, 4)
    return next((packed for magic, packed in _PACKED if start.startswith(magic)), Compression.NONE)


def _texts(path: Path, head: bytes, said: Format | None) -> Format:
    """Which format of characters it is."""
    if b"\0" in head and not _is_wide(head):
        raise DataFileError(f"{path.name} is no table: it holds binary data; give CSV, JSON, JSONL, text, Parquet or "
                            "Arrow.", file=str(path))
    if said is Format.TEXT:
        return Format.TEXT
    start = head.decode("utf-16" if head[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8-sig", "replace").lstrip()
    if start[:1] in {"{", "["} and (said not in {Format.CSV, Format.TSV} or _is_json(start)):
        return _json_shape(start, said)
    if said in {Format.JSON, Format.JSONL, Format.CSV, Format.TSV}:
        return said
    lines = [line for line in start.splitlines()[:50] if line.strip()]
    for mark in "\t,;|":
        counts = {line.count(mark) for line in (lines[:-1] or lines)}
        if len(counts) == 1 and counts != {0}:
            return Format.CSV
    return Format.TEXT


def _is_plain(head: bytes) -> bool:
    """Whether it begins as text does: a column of a CSV may be called PAR1 or ORC."""
    return not any(byte < 9 or 13 < byte < 32 or byte > 126 for byte in head[:64])


def _is_wide(head: bytes) -> bool:
    """Whether it may be UTF-16: with its mark, or with every other byte of many zero."""
    return head[:2] in {b"\xff\xfe", b"\xfe\xff"} or wide_order(head) is not None


def wide_order(head: bytes) -> str | None:
    """``utf-16-le`` or ``utf-16-be`` where the zero bytes of a text without a mark say so."""
    low, high = head[0:4096:2].count(0), head[1:4096:2].count(0)
    size = len(head[:4096]) // 2
    if high > size / 20 and not low:
        return "utf-16-le"
    return "utf-16-be" if low > size / 20 and not high else None


def _is_json(start: str) -> bool:
    first = start.split("\n", 1)[0].rstrip().rstrip(",")
    try:
        json.loads(first)
    except ValueError:
        return first in {"[", "{", "[{"} or re.match(r'\{\s*"[^"]*"\s*:', first) is not None
    except RecursionError:
        return True
    return True


def _json_shape(start: str, said: Format | None) -> Format:
    """Whether a text in JSON is one value, or one on each line."""
    if start.startswith("["):
        return Format.JSON
    try:
        _, end = json.JSONDecoder().raw_decode(start)
    except (ValueError, RecursionError):  # longer than what is at hand, or broken: the name decides
        return Format.JSONL if said is Format.JSONL else Format.JSON
    rest = start[end:].lstrip(" \t\r")
    return Format.JSONL if rest.strip() or said is Format.JSONL else Format.JSON
