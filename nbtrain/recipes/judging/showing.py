"""What is to be seen of a row: its cells, its text, its image; and by which number its owner finds it."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset, IterableDataset

from nbtrain.data.columns import Kind
from nbtrain.data.looking.thumbnails import thumbnail
from nbtrain.data.table import ROW, Table
from nbtrain.engine.arrays import Arrays

#: Characters of a cell and of a text; pixels of the longer side of an image; columns of a row.
_CELL, _TEXT, _EDGE, _COLUMNS = 200, 2000, 480, 24
#: Amounts between these are told to the unit: six digits, as of others, would make 1.25e+06 of a price.
_LARGE, _TOO_LARGE = 1e6, 1e15
#: Pixels that a small image is made to have at least, so that one sees what is on it.
_LEAST = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One row."""

    row: int
    text: str = ""
    cells: tuple[tuple[str, str], ...] = ()
    image: bytes = b""
    mime: str = ""


class Show(Protocol):
    """Rows by their places among those that were judged."""

    def numbers(self, count: int) -> npt.NDArray[np.int64]:
        """Of the first `count` rows, in their data."""
    def __call__(self, places: Sequence[int]) -> list[Shown]:
        """These rows."""


class Places:
    """Rows of which nothing is known but where they are."""

    def numbers(self, count: int) -> npt.NDArray[np.int64]:
        """As they come."""
        return np.arange(count)

    def __call__(self, places: Sequence[int]) -> list[Shown]:
        """Numbers alone."""
        return [Shown(row=place) for place in places]


class Cells:
    """Rows of a table, in its order.

    Args:
        table: whose rows were judged.
        columns: what is shown of them; None: all.
        text: the column that is shown as a text.
        kept: places of the rows in the table, where some were not judged.
    """

    def __init__(
        self, table: Table, columns: Iterable[str] | None = None, *, text: str | None = None,
        kept: Sequence[int] | None = None,
    ) -> None:
        there = {column.name: column.kind for column in table.columns}
        named = [name for name in (there if columns is None else dict.fromkeys(columns)) if name in there]
        self._table, self._kept = table, kept
        self._image = next((name for name in named if there[name] is Kind.IMAGE), None)
        self._text = text if text in there else None
        files = {Kind.IMAGE, Kind.AUDIO}
        self._columns = [name for name in named if there[name] not in files and name != text][:_COLUMNS]

    @cached_property
    def _numbers(self) -> npt.NDArray[np.int64]:
        batches = self._table.stream(f"SELECT {ROW} FROM ({self._table.numbered})")  # noqa: S608 - our own words
        found = np.array([int(each) for batch in batches for each in batch.column(0).to_pylist()], np.int64)
        return found if self._kept is None else found[np.asarray(self._kept, np.int64)]

    def numbers(self, count: int) -> npt.NDArray[np.int64]:
        """As the dataset counts."""
        return self._numbers[:count]

    def __call__(self, places: Sequence[int]) -> list[Shown]:
        """Read from the table."""
        wanted = [int(self._numbers[place]) for place in places]
        names = [*self._columns, *(name for name in (self._text, self._image) if name is not None)]
        rows = self._table.at(wanted, columns=names).to_pylist() if names else [{} for _ in wanted]
        return [self._shown(number, row) for number, row in zip(wanted, rows, strict=True)]

    def _shown(self, number: int, row: dict[str, Any]) -> Shown:
        held = row.get(self._image) if self._image is not None else None
        content = held.get("bytes") if isinstance(held, dict) else None
        picture = thumbnail(content, _EDGE) if content else None
        return Shown(
            row=number, cells=tuple((name, as_text(row[name])) for name in self._columns),
            text=brief(row[self._text] or "", _TEXT) if self._text is not None else "",
            image=b"" if picture is None else picture.content, mime="" if picture is None else picture.mime)


class Inputs:
    """Rows of arrays or of a dataset in memory: few numbers as cells, images as they are.

    Args:
        data: rows that were judged.
        kept: their places in what they were taken from; None: as they come.
    """

    def __init__(self, data: Any, kept: Sequence[int] | None = None) -> None:
        self._data = data
        self._kept = None if kept is None else np.asarray(kept, np.int64)

    def numbers(self, count: int) -> npt.NDArray[np.int64]:
        """As their owner counts."""
        return np.arange(count) if self._kept is None else self._kept[:count]

    def __call__(self, places: Sequence[int]) -> list[Shown]:
        """What the model was given."""
        return [
            replace(self._shown(place), row=place if self._kept is None else int(self._kept[place]))
            for place in places]

    def _shown(self, place: int) -> Shown:
        data = self._data
        if isinstance(data, Arrays):
            x = data.take(torch.tensor([place])).inputs
            x = x[0] if isinstance(x, Tensor) else None
        else:
            sample = data[place] if isinstance(data, Dataset) and not isinstance(data, IterableDataset) else None
            x = sample[0] if isinstance(sample, tuple | list) and sample else sample
        if isinstance(x, Tensor) and x.ndim == 1 and len(x) <= _COLUMNS:
            cells = tuple((f"x[{number}]", as_text(each)) for number, each in enumerate(x.tolist()))
            return Shown(row=place, cells=cells)
        if isinstance(x, Tensor) and is_picture(x):
            return Shown(row=place, image=drawn(x), mime="image/png")
        return Shown(row=place)


def is_picture(x: Tensor) -> bool:
    """Whether it could be (channels, height, width) of an image."""
    return x.ndim == 3 and x.shape[0] in {1, 3} and min(x.shape[1:]) >= 4 and not x.is_complex()


def drawn(x: Tensor) -> bytes:
    """(channels, height, width) as PNG, from the darkest value to the lightest."""
    values = x.detach().cpu().double().nan_to_num()
    low, high = float(values.min()), float(values.max())
    pixels = ((values - low) * (255 / ((high - low) or 1.0))).round().byte().numpy()
    image = Image.fromarray(pixels[0] if len(pixels) == 1 else np.ascontiguousarray(pixels.transpose(1, 2, 0)))
    image.thumbnail((_EDGE, _EDGE))
    grow = -(-_LEAST // max(image.size))
    if grow > 1:
        image = image.resize((image.width * grow, image.height * grow), Image.Resampling.NEAREST)
    held = io.BytesIO()
    image.save(held, "PNG")
    return held.getvalue()


def as_text(cell: Any) -> str:
    """A cell as one reads it; empty where there is none."""
    if cell is None:
        return ""
    if isinstance(cell, float):
        unit = f"{cell:.0f}"
        return unit if _LARGE <= abs(float(unit)) < _TOO_LARGE else f"{cell:.6g}"
    if isinstance(cell, bytes):
        return f"{len(cell):,} bytes"
    if isinstance(cell, date):
        return cell.isoformat().replace("T", " ").removesuffix(" 00:00:00")
    return brief(str(cell), _CELL)


def known_beside(columns: Mapping[str, Any], place: int) -> tuple[tuple[str, str], ...]:
    """Cells of columns that stand beside the rows, NumPy's numbers and times as Python's."""
    cells = ((name, cells[place]) for name, cells in columns.items())
    return tuple((name, as_text(cell.item() if isinstance(cell, np.generic) else cell)) for name, cell in cells)


def brief(text: str, length: int) -> str:
    """At most so many characters, with an ellipsis where there were more."""
    return text if len(text) <= length else text[:length - 1] + "…"
