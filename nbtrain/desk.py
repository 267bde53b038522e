"""What the preview is handed: a table, looked at through its pager, with its profile as a task."""

from __future__ import annotations

import contextlib
import glob
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any

from nbtrain.core.errors import CommandError, DatasetNotFoundError
from nbtrain.core.table_views import (
    CUT,
    MOST_CHARACTERS,
    CellText,
    FirstRows,
    MediaItem,
    Medium,
    Page,
    TableColumn,
)
from nbtrain.core.tasks import Progress, Task, Tasks
from nbtrain.data.columns import Column, Kind
from nbtrain.data.looking import cells
from nbtrain.data.looking.facts import Profile
from nbtrain.data.looking.pages import COPIED, Pager
from nbtrain.data.looking.profile import profile
from nbtrain.data.looking.thumbnails import MOST_SOUND, Thumbnail, sound_kind, thumbnail
from nbtrain.data.query import Query
from nbtrain.data.table import Table

#: Makes a profile with the classes of a target, and lengths in tokens by a tokenizer.
Measure = Callable[[str | None, Any, Progress], Profile]


@dataclass(frozen=True, slots=True)
class Origin:
    """What a preview shows, so that it can be imported as it was read."""

    source: Any
    """A path, a name on the Hub; of what lies in the notebook the table that was made of it, which keeps no more."""
    said: str | None
    """Where it comes from, where `source` does not tell."""
    options: Mapping[str, Any]
    name: str | None = None
    """As it is to be called, where that was said."""


class PreviewDesk:
    """A `Table` as `nbtrain.core.table_views.TableView`.

    Args:
        table: what to look at.
        name: how it is called, if not as the table.
        measure: makes the profile, and may know it already; without, it is made of the table each time.
        rows: only the rows of these numbers.
        origin: where the table is from, if it can be imported.
    """

    def __init__(
        self, table: Table, *, name: str | None = None, measure: Measure | None = None,
        rows: Sequence[int] | None = None, origin: Origin | None = None,
    ) -> None:
        self.origin = origin if rows is None else None
        self._given = table  # its temporary files live as long as it does
        self.table = table if rows is None else cells.only(table, rows)
        self._pager = Pager(self.table)
        self._measure = measure if measure is not None and rows is None else self._measured
        self._profile: Profile | None = None
        self.name = name or table.name
        self.tasks = Tasks()

    @property
    def columns(self) -> Sequence[TableColumn]:
        return [TableColumn(name=each.name, kind=str(each.kind), type=each.type) for each in self.table.columns]

    def first(self, rows: int, columns: int, progress: Progress) -> FirstRows:
        shown = self._pager.table.columns[:columns]
        found = self._pager.page(
            limit=rows, columns=[column.name for column in shown],
            shown={column.name: cells.shown(column, CUT) for column in shown}, progress=progress)
        listed = [_plain(found.column(place + 1).to_pylist(), column) for place, column in enumerate(shown)]
        quick = self.table.columnar or (self.table.bytes or 0) < COPIED
        known = self._pager.rows(progress=progress) if quick else self._pager.known_rows()
        return FirstRows([list(row) for row in zip(*listed, strict=True)], known)

    def page(self, query: Mapping[str, Any], offset: int, limit: int, progress: Progress) -> Page:
        asked = self._parsed(query)
        columns = self._pager.table.columns  # of the file, or of the copy that is made of it meanwhile
        shown = {column.name: cells.shown(column, CUT) for column in columns}
        found = self._pager.page(asked, offset=offset, limit=limit, shown=shown, progress=progress)
        return Page(cells.as_stream(found, columns), self._pager.known_rows(asked))

    def rows(self, query: Mapping[str, Any], progress: Progress) -> int:
        return self._pager.rows(self._parsed(query), progress=progress)

    def cell(self, query: Mapping[str, Any], offset: int, column: str, progress: Progress) -> CellText:
        known = self._pager.table.column(column)
        if known.kind in {Kind.BINARY, Kind.IMAGE, Kind.AUDIO}:
            raise CommandError(f"The column {column!r} holds files, which are no text.")
        text = cells.text_of(known)
        whole = f"{{'t': left({text}, {MOST_CHARACTERS}), 'n': length({text})}}"
        found = self._pager.page(
            self._parsed(query), offset=offset, limit=1, columns=[column], shown={column: whole}, progress=progress)
        if not found.num_rows:
            raise CommandError(f"There is no row {offset + 1:,} among those found.")
        cell = found.column(1)[0].as_py()  # by place: Arrow cuts a name that has a NUL in it
        length = cell["n"] or 0
        return CellText(row=found.column(0)[0].as_py(), text=cell["t"], length=length, cut=length > MOST_CHARACTERS)

    def media(
        self, query: Mapping[str, Any], offset: int, limit: int, column: str, *, edge: int, progress: Progress,
    ) -> Sequence[Medium]:
        known = self._pager.table.column(column)
        if known.kind not in {Kind.IMAGE, Kind.AUDIO}:
            raise CommandError(f"The column {column!r} holds neither images nor sounds.")
        most = MOST_SOUND if known.kind is Kind.AUDIO else 2**30
        content = cells.content_of(known)
        file = (
            f"{{'p': {cells.path_of(known)}, 'n': octet_length({content}), "
            f"'b': CASE WHEN octet_length({content}) <= {most} THEN {content} END}}")
        found = self._pager.page(
            self._parsed(query), offset=offset, limit=limit, columns=[column], shown={column: file}, progress=progress)
        media = []
        for row, cell in zip(found.column(0).to_pylist(), found.column(1), strict=True):
            progress.check()
            media.append(_medium(row, cell.as_py(), known, edge))
        return media

    def known_profile(self) -> Mapping[str, Any] | None:
        if self._profile is None:
            return None
        told = self._profile.to_json()
        return {**told, "columns": list(told["columns"].values())}

    def profile(self, target: str | None, tokenizer: str | None) -> Task[Any]:
        if target is not None:
            self.table.column(target)
        return self.tasks.start("profile", self.name, partial(self._profiled, target, tokenizer))

    def close(self) -> None:
        for task in self.tasks.all():
            task.cancel()
        self._pager.close()

    def _profiled(self, target: str | None, tokenizer: str | None, progress: Progress) -> None:
        self._profile = self._measure(target, None if tokenizer is None else named_tokenizer(tokenizer), progress)

    def _measured(self, target: str | None, tokenizer: Any, progress: Progress) -> Profile:
        return profile(self._pager.settled(progress), target=target, tokenizer=tokenizer, progress=progress)

    def _parsed(self, query: Mapping[str, Any]) -> Query:
        return Query.parse(query, self._pager.table.columns)


def preview_desk(data: Any, rows: Sequence[int] | None = None, **options: Any) -> PreviewDesk:
    """The desk of whatever `nbtrain.load_dataset` takes, which is not imported for it. Raises as that does."""
    from nbtrain.data.importing.sources import open_any  # noqa: PLC0415
    from nbtrain.data.reading.read_options import ReadOptions  # noqa: PLC0415 - what reads takes time to import
    from nbtrain.dataset import Dataset  # noqa: PLC0415
    from nbtrain.loading import find_dataset  # noqa: PLC0415

    held = data if isinstance(data, Dataset) else None
    if held is None and isinstance(data, str) and not options and not _is_path(data):
        with contextlib.suppress(DatasetNotFoundError):
            held = find_dataset(data)
    if held is not None:
        dataset = held
        return PreviewDesk(
            dataset.table, name=dataset.name, rows=rows,
            measure=lambda target, tokenizer, progress: dataset.profile(target, tokenizer, progress=progress))
    known = {each.name for each in fields(ReadOptions)}
    reading = ReadOptions.from_json({key: value for key, value in options.items() if key in known})
    opened = open_any(data, reading, **{key: value for key, value in options.items() if key not in known})
    table = opened.table()
    return PreviewDesk(table, name=opened.name, rows=rows, origin=_origin(data, table, opened.text, options))


def _origin(data: Any, table: Table, said: str, options: Mapping[str, Any]) -> Origin:
    from nbtrain.data.importing.objects import is_paths  # noqa: PLC0415 - as above

    name = options.get("name")
    kept = {each: _whole(value) if each == "labels" else value for each, value in options.items() if each != "name"}
    if is_paths(data):
        return Origin([_whole(each) for each in data], None, kept, name)
    if isinstance(data, str | Path):
        return Origin(_whole(data), None, kept, name)
    return Origin(table, said, {}, name)


def _whole(given: str | Path) -> str:
    """A path or a pattern as it is found from any folder; a name on the Hub as it is."""
    text = str(given)
    is_pattern = glob.has_magic(text) and "://" not in text
    return str(Path(text).expanduser().absolute()) if is_pattern or _is_path(text) else text


def _is_path(text: str) -> bool:
    try:
        return Path(text).expanduser().exists()
    except OSError:  # too long for one
        return False


def named_tokenizer(name: str) -> Any:
    """A tokenizer by its name on the Hub, or the path of its file or folder. Raises DataError."""
    from nbtrain.data.processing import tokenizer_files  # noqa: PLC0415 - few ask for tokens

    path = Path(name).expanduser()
    return tokenizer_files.load(tokenizer_files.of_name(str(path) if path.exists() else name))


def _plain(found: Sequence[Any], column: Column) -> list[str | float | None]:
    """What `cells.shown` gave, as text, or a number."""
    if column.kind in {Kind.BINARY, Kind.IMAGE, Kind.AUDIO}:
        return [None if cell is None else cell["n"] for cell in found]
    return [cell["t"] if isinstance(cell, dict) else cell if cell is None or isinstance(cell, float) else str(cell)
            for cell in found]


def _medium(row: int, cell: Mapping[str, Any] | None, column: Column, edge: int) -> Medium:
    content = (cell or {}).get("b") or b""
    size = (cell or {}).get("n")
    told = MediaItem(
        row=row, kind="", problem="", path=(cell or {}).get("p") or "", bytes=size or 0, width=0, height=0)
    if size is None:
        absent = "The table holds the name of this file alone, and not the file." if told["path"] else ""
        return Medium({**told, "problem": absent}, b"")
    if column.kind is Kind.AUDIO:
        kind = sound_kind(content)
        problem = "" if kind else "This cell holds no sound that a browser plays."
        if size > MOST_SOUND:
            problem = f"This sound has {size / 2**20:,.0f} MiB; at most {MOST_SOUND // 2**20} MiB are played here."
        return Medium({**told, "kind": kind, "problem": problem}, content if kind else b"")
    made: Thumbnail = thumbnail(content, edge)
    return Medium(
        {**told, "kind": made.mime, "problem": made.problem, "width": made.width, "height": made.height}, made.content)
