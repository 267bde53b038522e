"""The sizes of the images in a column, read from their headers."""

from __future__ import annotations

import io
import warnings
from collections import Counter

from PIL import Image

from nbtrain.core.tasks import Progress
from nbtrain.data.columns import Column, quoted
from nbtrain.data.looking.facts import TOP, Pictures
from nbtrain.data.table import ROW, Table

#: So many images are looked at; of more, a sample.
LOOKED_AT = 1_000


def pictures(table: Table, column: Column, cells: int, progress: Progress | None = None) -> Pictures | None:
    """How large the images of a column are, of which `cells` are not missing. Raises DataError and CancelledError."""
    every = -(-cells // LOOKED_AT)
    if not every:
        return None
    name = quoted(column.name)
    content = f"{name}.bytes" if column.type.startswith("STRUCT") else name
    sampled = f" AND hash({ROW}) % {every} = 0" if every > 1 else ""
    sizes: Counter[tuple[int, int] | None] = Counter()
    for batch in table.stream(
        f"SELECT {content} AS content FROM ({table.numbered}) WHERE {name} IS NOT NULL{sampled}",
        size=16, progress=progress,
    ):
        if progress is not None:
            progress.check()
        sizes.update(_size(content.as_py()) for content in batch.column(0))
    unreadable = sizes.pop(None, 0)
    found = tuple((*size, count) for size, count in sizes.most_common(TOP) if size is not None)
    return Pictures(found, unreadable, sizes.total() + unreadable, every > 1)


def _size(content: bytes | None) -> tuple[int, int] | None:
    if content is None:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # only its header is read
            with Image.open(io.BytesIO(content)) as image:
                return image.size
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):  # what Pillow's readers raise
        return None
