"""An Arrow file written as Parquet, by a process of its own.

Arrow's reader trusts what it reads: a damaged file can end the process, which must not be the user's kernel.
Run as ``python -m nbtrain.data.reading.arrow_copy SOURCE PACKING TARGET``. It says ``rows N`` after each batch, and
``error …`` in one line where the file is no good; ``cut`` where a stream ends without its mark.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.parquet as pq

from nbtrain.data.reading.headers import unique_names

_MARK = b"ARROW1"


def main(source: str, packing: str, target: str) -> None:
    """Write it, batch by batch, each checked throughout."""
    rows = 0
    try:
        batches = _batches(source, packing)
        schema = next(batches)
        names = unique_names(schema.names)
        named = pa.schema([field.with_name(name) for field, name in zip(schema, names, strict=True)])
        with pq.ParquetWriter(target, named, compression="lz4", use_dictionary=False) as writer:
            for batch in batches:
                batch.validate(full=True)
                writer.write_batch(batch.rename_columns(names))
                rows += batch.num_rows
                _say(f"rows {rows}")
    except (pa.ArrowException, OSError, ValueError) as error:
        _say("error " + " ".join(str(error).split()))


def _batches(source: str, packing: str) -> Iterator[pa.Schema | pa.RecordBatch]:
    """The schema, then the batches."""
    if packing == "none":
        with pa.memory_map(source) as mapped:
            is_file = mapped.read(len(_MARK)) == _MARK
            mapped.seek(0)
            # The index of a file stands at its end, so that one cut short is noticed at once.
            reader = pa.ipc.open_file(mapped) if is_file else pa.ipc.open_stream(mapped)
            yield reader.schema
            if is_file:
                yield from (reader.get_batch(n) for n in range(reader.num_record_batches))
            else:
                yield from _to_the_mark(reader, mapped)
        return
    with pa.input_stream(source, compression=packing) as start:
        is_file = start.read(len(_MARK)) == _MARK
    with pa.input_stream(source, compression=packing) as stream:
        if is_file:
            stream.read(8)  # what follows the mark of a file is a stream
        reader = pa.ipc.open_stream(stream)
        yield reader.schema
        yield from reader  # what was packed knows its own end


def _to_the_mark(reader: pa.RecordBatchReader, stream: pa.MemoryMappedFile) -> Iterator[pa.RecordBatch]:
    """The batches of a stream. Says ``cut`` where the mark that ends it is missing: the reader takes no notice."""
    at = stream.tell()
    for batch in reader:
        at = stream.tell()
        yield batch
    if stream.tell() == at:
        _say("cut")


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
