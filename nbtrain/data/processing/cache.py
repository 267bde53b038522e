"""A processed dataset as an Arrow file that is read by mapping it into memory, made once."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pyarrow as pa

from nbtrain.core.errors import WorkspaceError
from nbtrain.core.tasks import Progress
from nbtrain.data.processing.recipe import Recipe
from nbtrain.data.processing.rows import HasParts, Rows
from nbtrain.store import atomic

FILE = "rows.arrow"


def cached(
    recipe: Recipe, table: Rows, folder: Path, fingerprint: str, *, split: HasParts | None = None,
    progress: Progress | None = None,
) -> pa.Table:
    """What `Recipe.stream` gives, mapped into memory: nothing is read before it is looked at.

    The file is made when it is not there yet, as ``<folder>/<key>/rows.arrow``; the key is a hash of the recipe, its
    state, `fingerprint` and the split. It is there whole or not at all.

    Args:
        recipe: fitted.
        table: the rows of the dataset.
        folder: where such files are kept; it is there.
        fingerprint: says what is in `table`.
        split: the part of each row.
        progress: hears how many rows are done.

    Raises:
        DataError: as `Recipe.stream`.
        WorkspaceError: the file cannot be written or read.
        CancelledError: `progress` was cancelled.
    """
    parts = b"" if split is None else split.parts.tobytes()
    said = "\n".join((recipe.fingerprint(), fingerprint, sha256(parts).hexdigest()))
    place = folder / sha256(said.encode()).hexdigest()[:32]
    if not place.is_dir():
        try:
            with atomic.new_folder(place) as beside, atomic.told("write", place):
                _write(recipe, table, beside / FILE, split, progress)
        except WorkspaceError:
            if not place.is_dir():  # else another thread was faster, with the same rows
                raise
    with atomic.told("read", place):
        return pa.ipc.open_file(pa.memory_map(str(place / FILE))).read_all()


def _write(recipe: Recipe, table: Rows, path: Path, split: HasParts | None, progress: Progress | None) -> None:
    batches = recipe.stream(table, split, progress)
    first = next(batches)
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, first.schema) as writer:
        writer.write_batch(first)
        for batch in batches:
            writer.write_batch(batch)
