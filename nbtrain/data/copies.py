"""Files that DuckDB cannot read where they lie, written so that it can: one batch at a time."""

from __future__ import annotations

import contextlib
import io
import shutil
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from nbtrain.core.errors import DataFileError
from nbtrain.core.tasks import Progress
from nbtrain.data.formats import Compression, DataFile
from nbtrain.data.headers import unique_names

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


def arrow_to_parquet(file: DataFile, target: Path, *, progress: Progress | None = None) -> None:
    """Write an Arrow file or stream as Parquet, batch by batch: DuckDB does not read Arrow's own format.

    Raises:
        DataFileError: it is damaged or cut short, or has columns that Parquet cannot hold.
        OSError: `target` cannot be written.
    """
    rows = 0
    with _arrow(file) as (schema, batches):
        if not len(schema):
            raise DataFileError(f"{file.name} has no columns; give a file with columns.", file=str(file.path))
        names = unique_names(schema.names)
        named = pa.schema([field.with_name(name) for field, name in zip(schema, names, strict=True)])
        try:
            with pq.ParquetWriter(target, named, compression="lz4", use_dictionary=False) as writer:
                for batch in batches:
                    writer.write_batch(batch.rename_columns(names))
                    rows += batch.num_rows
                    if progress is not None:
                        progress.report(rows, unit="rows")
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError) as error:
            raise _broken_arrow(file, error) from error


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


@contextlib.contextmanager
def _arrow(file: DataFile) -> Iterator[tuple[pa.Schema, Iterator[pa.RecordBatch]]]:
    is_file = file.head.startswith(b"ARROW1") and file.packing is Compression.NONE
    try:
        if is_file:  # its index stands at the end, so that one cut short is noticed at once
            with pa.memory_map(str(file.source)) as mapped, pa.ipc.open_file(mapped) as reader:
                yield reader.schema, (_batch(file, reader, number) for number in range(reader.num_record_batches))
            return
        with file.unpacked() as stream:
            if file.head.startswith(b"ARROW1"):
                stream.read(8)  # what follows the mark of a file is a stream
            with pa.ipc.open_stream(stream) as reader:
                yield reader.schema, _batches(file, reader)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise _broken_arrow(file, error) from error


def _batch(file: DataFile, reader: pa.RecordBatchFileReader, number: int) -> pa.RecordBatch:
    try:
        return reader.get_batch(number)
    except (OSError, pa.ArrowInvalid) as error:
        raise _broken_arrow(file, error) from error


def _batches(file: DataFile, reader: pa.RecordBatchStreamReader) -> Iterator[pa.RecordBatch]:
    while True:
        try:
            batch = reader.read_next_batch()
        except StopIteration:
            return
        except (OSError, pa.ArrowInvalid) as error:
            raise _broken_arrow(file, error) from error
        yield batch


def _broken_arrow(file: DataFile, error: Exception) -> DataFileError:
    if "compressed" in str(error) and file.packing is not Compression.NONE:
        return file.cut_short()
    said = (str(error).splitlines() or [""])[0]
    return DataFileError(f"{file.name} cannot be read as Arrow ({said:.120}); get it again, or write it as Parquet.",
                         file=str(file.path))


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
