"""Files that DuckDB cannot read where they lie, written so that it can: one batch at a time."""

from __future__ import annotations

import errno
import io
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from nbtrain.core.errors import DataFileError
from nbtrain.core.tasks import Progress
from nbtrain.data.reading.formats import Compression, DataFile

_CHUNK = 4 * 2**20
#: Bytes that a copy leaves free on the disk.
_LEFT_FREE = 256 * 2**20
#: Characters of the longest paragraph.
LONGEST = 16 * 2**20


def unpack(file: DataFile, target: Path, *, progress: Progress | None = None) -> None:
    """Write what is in a packed file; one that unpacks to more than the disk has left is refused.

    Raises:
        DataFileError: it is damaged, or too large unpacked.
        OSError: `target` cannot be written.
    """
    done = 0
    with file.unpacked() as stream, target.open("xb") as out:
        while True:
            try:
                piece = stream.read(_CHUNK)
            except OSError as error:
                raise file.cut_short() from error
            if not piece:
                return
            if shutil.disk_usage(target.parent).free < _LEFT_FREE + len(piece):
                raise DataFileError(f"{file.name} unpacks to more than {done // 2**20} MiB, more than the disk "
                                    f"of {target.parent} has left; unpack it elsewhere.", file=str(file.path))
            done += out.write(piece)
            if progress is not None:
                progress.report(done, unit="bytes")


def arrow_to_parquet(file: DataFile, target: Path, *, progress: Progress | None = None) -> bool:
    """Write an Arrow file or stream as Parquet, batch by batch: DuckDB does not read Arrow's own format.

    False where a stream lacks the mark that ends it: it may have been cut between two batches.

    Raises:
        DataFileError: it is damaged or cut short, or has columns that Parquet cannot hold.
        OSError: `target` cannot be written.
    """
    given = os.environ.get("PYTHONPATH")
    said, whole, path = "", True, os.pathsep.join([str(Path(__file__).parents[3]), *([given] if given else [])])
    module = "nbtrain.data.reading.arrow_copy"
    with subprocess.Popen(  # noqa: S603 - our own module; the paths are arguments, not words of a shell
            [sys.executable, "-P", "-m", module, file.source.resolve(), file.packing, target],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, encoding="utf-8",
            env={**os.environ, "PYTHONPATH": path, "PYTHONIOENCODING": "utf-8"}) as child:
        try:
            for line in child.stdout or ():
                kind, _, rest = line.strip().partition(" ")
                said = rest if kind == "error" else said
                whole = whole and kind != "cut"
                if kind == "rows" and progress is not None:
                    progress.report(int(rest), unit="rows")
        except BaseException:
            child.kill()
            raise
    if said.startswith("[Errno 28]") or "No space left" in said:
        raise OSError(errno.ENOSPC, "No space left on device")
    if "compressed stream" in said and file.packing is not Compression.NONE:
        raise file.cut_short()
    if said or child.returncode:
        raise DataFileError(f"{file.name} cannot be read as Arrow ({said or 'it is damaged':.120}); get it again, or "
                            "write it as Parquet.", file=str(file.path))
    return whole


def paragraphs_to_parquet(file: DataFile, target: Path, *, progress: Progress | None = None) -> None:
    """Write the paragraphs of a text in UTF-8 (lines up to an empty one) as Parquet with the column ``text``.

    Raises:
        DataFileError: unpacking fails, or a paragraph is longer than `LONGEST`.
        OSError: `target` cannot be written.
    """
    schema = pa.schema([("text", pa.string())])
    with pq.ParquetWriter(target, schema, compression="lz4", use_dictionary=False) as writer:
        for done, kept in _gathered(_paragraphs(file)):
            writer.write_table(pa.table({"text": kept}, schema))
            if progress is not None:
                progress.report(done, unit="bytes")


def _gathered(texts: Iterator[str]) -> Iterator[tuple[int, list[str]]]:
    """Texts in lists of some megabytes, with how much there was so far."""
    done, size, kept = 0, 0, []
    for text in texts:
        kept.append(text)
        size += len(text)
        if size > _CHUNK or len(kept) >= 50_000:
            done += size
            yield done, kept
            size, kept = 0, []
    yield done + size, kept


def _paragraphs(file: DataFile) -> Iterator[str]:
    lines: list[str] = []
    size = 0
    with file.unpacked() as stream, io.TextIOWrapper(stream, "utf-8-sig", "replace") as text:
        number = 0
        while True:
            try:
                line = text.readline(LONGEST + 1)
            except OSError as error:
                raise file.cut_short() from error
            number += 1
            size += len(line)
            if size > LONGEST:
                raise DataFileError(f"{file.name}, line {number}: its paragraph has over {LONGEST // 2**20} million "
                                    "characters; read it as lines, or break it up.", file=str(file.path), line=number)
            if line.strip():
                lines.append(line)
                continue
            if lines:
                yield "".join(lines).rstrip("\r\n")
            lines, size = [], 0
            if not line:
                return
