"""What a preview is shown of a table: plain dictionaries, as JSON has them, and the port it comes through.

The browser's twin is `frontend/src/dataset_preview/wire.ts`; a contract test compares names and fields. Every text
may come from outside and is shown as text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol, TypedDict

from nbtrain.core.tasks import Progress, Task, Tasks

#: Characters of a text that a page holds; the rest is asked for cell by cell.
CUT = 200
#: Characters of a cell that are shown at all.
MOST_CHARACTERS = 200_000


class TableColumn(TypedDict):
    """A column: its kind (the key ``data.kind.<kind>`` says it) and its type in DuckDB's words."""

    name: str
    kind: str
    type: str


class CellText(TypedDict):
    """One cell as text, whole or `cut` after `MOST_CHARACTERS`; `length` is all of them. None: it is missing."""

    row: int
    text: str | None
    length: int
    cut: bool


class MediaItem(TypedDict):
    """What became of one cell's image or sound: its MIME type, or why there is nothing to show.

    `kind` is empty for a missing cell. `width` and `height` are those of the image itself, in pixels. `path` is the
    name of the file that it was, `bytes` its size.
    """

    row: int
    kind: str
    problem: str
    path: str
    bytes: int
    width: int
    height: int


class Page(NamedTuple):
    """Rows as an Arrow IPC stream, and how many rows the query finds, where that is known already.

    Its columns are called ``row`` (the row's number in the table, from 0) and, by the place of the table's column,
    ``c0``, ``c1``, …: float64 for numbers, and text, cut after `CUT` characters, for all else; ``n0``, ``n1``, … are
    the full lengths in characters of those that were cut, or, for binary cells, images and sounds, their bytes.
    """

    arrow: bytes
    rows: int | None


class FirstRows(NamedTuple):
    """The beginning of a table, row by row, as text that was cut after `CUT` characters; None for a missing cell.

    Numbers that may have a fraction are floats; a file in a cell is the number of its bytes. `rows` is how many the
    table has, where that is known already.
    """

    cells: list[list[str | float | None]]
    rows: int | None


class Medium(NamedTuple):
    """An image or a sound that a browser can play, with what is said of it."""

    item: MediaItem
    content: bytes


class TableView(Protocol):
    """A table to look at. What takes `progress` may take seconds and can be called off: never in a comm handler.

    Queries are as `nbtrain.data.query.Query.parse` takes them; one that does not fit raises ConfigError. A table that
    cannot be read raises DataError.
    """

    @property
    def name(self) -> str: ...
    @property
    def columns(self) -> Sequence[TableColumn]: ...
    @property
    def tasks(self) -> Tasks:
        """Where the profile's progress is told."""
    def first(self, rows: int, columns: int, progress: Progress) -> FirstRows:
        """The first rows, of the first columns; none where the table has none."""
    def page(self, query: Mapping[str, Any], offset: int, limit: int, progress: Progress) -> Page:
        """Rows `offset` to `offset + limit` of what the query finds."""
    def rows(self, query: Mapping[str, Any], progress: Progress) -> int:
        """How many rows the query finds."""
    def cell(self, query: Mapping[str, Any], offset: int, column: str, progress: Progress) -> CellText:
        """One cell of the row at `offset` of what the query finds."""
    def media(
        self, query: Mapping[str, Any], offset: int, limit: int, column: str, *, edge: int, progress: Progress,
    ) -> Sequence[Medium]:
        """Images made to fit into `edge` × `edge` pixels, or sounds, of a few rows."""
    def known_profile(self) -> Mapping[str, Any] | None:
        """The profile as `Profile.to_json` of `nbtrain.data.looking.facts` gives it, but `columns` is a list.

        None: it was not made yet.
        """
    def profile(self, target: str | None, tokenizer: str | None) -> Task[Any]:
        """Begin to make the profile, with the classes of `target` and lengths in tokens where these are named."""
    def close(self) -> None:
        """Nobody looks any more."""


class Importer(Protocol):
    """Takes the table that is on show into the workspace."""

    def begin(self) -> Task[Any]:
        """Begin, or go on with what was begun already. Raises ConfigError for what cannot be imported so."""
    def task(self) -> Task[Any] | None:
        """What was begun last."""
    def name(self) -> str | None:
        """How the dataset is called that was made of it; None where there is none (any more)."""
