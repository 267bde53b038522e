"""Whether the file of a dataset still holds what was imported."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from nbtrain.core.errors import DataError
from nbtrain.core.tasks import Progress
from nbtrain.data.importing.fingerprint import Fingerprint


def fingerprint_of(path: Path, *, progress: Progress | None = None) -> str:
    """The fingerprint of a Parquet file's content, computed anew.

    Raises:
        DataError: it is missing, cut short or damaged.
        CancelledError: it was called off.
    """
    try:
        with pq.ParquetFile(path, memory_map=True, pre_buffer=False) as file:
            found, total, done = Fingerprint(file.schema_arrow), file.metadata.num_rows, 0
            for batch in file.iter_batches():
                found.update(batch)
                done += batch.num_rows
                if progress is not None:
                    progress.report(done, total, "rows")
            return found.hexdigest()
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path} is damaged or missing: {str(error).splitlines()[0]}; import it again.") from error
