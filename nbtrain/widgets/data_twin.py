"""The static twins of the panels of data: the beginning of a table, and a list of datasets, as plain HTML.

All text from outside is escaped and cut, so that a twin takes at most `MOST` bytes, whatever the table holds.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from html import escape
from typing import Any

from nbtrain.core.dataset_views import DatasetRow
from nbtrain.core.errors import NbtrainError
from nbtrain.core.table_views import FirstRows, TableColumn, TableView
from nbtrain.core.tasks import Progress
from nbtrain.i18n import catalogue
from nbtrain.widgets import display
from nbtrain.widgets.commands import Worker
from nbtrain.widgets.display import Twin
from nbtrain.widgets.story import brief
from nbtrain.widgets.twin import NAME_LENGTH, STYLE

#: Of a table, so much is shown; of a list of datasets the newest.
ROWS, COLUMNS, DATASETS = 10, 16, 100
#: Bytes of HTML, and the characters of a cell that are tried until it fits.
MOST = 30_000
CUTS = (80, 40, 20, 8, 3)
#: Seconds that a cell waits for the first rows; what comes later is put in then.
WAIT = 1.5

_NUMBERS, _FILES = {"integer", "number"}, {"binary", "image", "audio"}
_MORE_STYLE = (
    ".nbt-static.nbt-static-data{max-width:100%}.nbt-static-data .nbt-wide{overflow-x:auto;margin:4px 0}"
    ".nbt-static-data .nbt-wide :is(th,td){white-space:nowrap;vertical-align:bottom}"
    ".nbt-static-data table{margin:0}.nbt-static-data th{font-weight:600}.nbt-static-data th div{font-weight:400}"
    ".nbt-static .nbt-wide .nbt-start{text-align:start}"
)


class DataTwin(Twin):
    """A static copy that is drawn anew when its panel knows more; it never changes by itself.

    Args:
        html: draws it.
        line: says it in plain text.
    """

    def __init__(self, html: Callable[[], str], line: Callable[[], str]) -> None:
        super().__init__(tuple)
        self._html = html
        self._line = line

    def look(self) -> None:
        """Nothing is due by itself."""

    def renew(self) -> None:
        """Have it drawn anew, wherever it is displayed."""
        if self._display_id is not None:
            display.WORKER.submit(self.draw)

    def _bundle(self) -> dict[str, Any]:
        return {"text/html": self._html(), "text/plain": self._line()}


class TableTwin(DataTwin):
    """The first rows of a table, read when it is first displayed."""

    def __init__(self, view: TableView) -> None:
        super().__init__(self._drawn, self._said)
        self._view = view
        self._found: FirstRows | None = None
        self._problem = ""
        self._progress = Progress()
        self._read = threading.Event()
        self._worker = Worker("nbtrain-first-rows")

    def show(self) -> None:
        if not self._read.is_set():
            self._worker.submit(self._read_rows)
            self._read.wait(WAIT)
        super().show()

    def counted(self, rows: int) -> None:
        """So many rows the table has."""
        if self._found is not None and self._found.rows is None:
            self._found = self._found._replace(rows=rows)
            self.renew()

    def close(self) -> None:
        """Call off what is still being read."""
        self._progress.cancel()

    def _read_rows(self) -> None:
        try:
            self._found = self._view.first(ROWS, COLUMNS, self._progress)
        except NbtrainError as error:
            self._problem = str(error)
        finally:
            self._read.set()
        self.renew()  # it may be on the page already, without rows

    def _drawn(self) -> str:
        return table(self._view.name, self._view.columns, self._found, self._problem)

    def _said(self) -> str:
        facts = _facts(self._view.columns, self._found, catalogue.current())
        return f"{brief(self._view.name, NAME_LENGTH)}: {', '.join(facts)}"


def table(
    name: str, columns: Sequence[TableColumn], found: FirstRows | None, problem: str = "", language: str | None = None,
) -> str:
    """A piece of HTML with a table's name, what it counts, and its first rows.

    Args:
        name: of the table.
        columns: all there are.
        found: its beginning; None while it is not known.
        problem: why there are no rows.
        language: None takes the present one.
    """
    language = language or catalogue.current()
    for cut in CUTS:
        drawn = _table(name, columns, found, problem, language=language, cut=cut)
        if len(drawn.encode()) <= MOST:
            break
    return drawn


def datasets(rows: Sequence[DatasetRow], language: str | None = None) -> str:
    """A piece of HTML that lists datasets, with the rows, columns and bytes of each."""
    language = language or catalogue.current()
    lines = [
        (row["name"], catalogue.number(row["rows"], language), catalogue.number(row["columns"], language),
         size(row["bytes"], language)) for row in rows[:DATASETS]]
    heads = ("twin.name", "twin.rows", "data.columns", "twin.size")
    return listed("datasets", heads, lines, len(rows), language)


def listed(what: str, heads: Sequence[str], lines: Sequence[Sequence[str]], total: int, language: str) -> str:
    """A piece of HTML that lists what a panel holds, as much of it as fits.

    Args:
        what: the panel's words: ``<what>.title``, ``<what>.empty.title`` and ``twin.more_<what>``.
        heads: keys of the words above the columns.
        lines: texts of the columns, from outside; the name comes first.
        total: so many lines there are in all.
        language: of the words.
    """
    for count in (DATASETS, DATASETS // 2, DATASETS // 5):
        drawn = page(_listed(what, heads, lines[:count], total, language), language)
        if len(drawn.encode()) <= MOST:
            break
    return drawn


def datasets_line(rows: Sequence[DatasetRow]) -> str:
    """The same in one line of plain text."""
    return ", ".join(brief(row["name"], NAME_LENGTH) for row in rows[:DATASETS]) or _text("datasets.empty.title")


# -- inside -------------------------------------------------------------------------------------


def _table(
    name: str, columns: Sequence[TableColumn], found: FirstRows | None, problem: str, *, language: str, cut: int,
) -> str:
    body = _head(name, columns, found, language)
    if problem:
        body += f"<p class='nbt-error' dir='auto'>{escape(brief(problem, 600))}</p>"
    if found is not None and found.cells:
        shown = columns[: len(found.cells[0])]
        head = "".join(_heading(column, language, cut) for column in shown)
        rows = "".join(
            "<tr>" + "".join(map(lambda cell, column: _cell(cell, column, language, cut), row, shown)) + "</tr>"
            for row in found.cells)
        body += f"<div class='nbt-wide'><table><tr>{head}</tr>{rows}</table></div>{_rest(columns, found, language)}"
    return page(body, language)


def _head(name: str, columns: Sequence[TableColumn], found: FirstRows | None, language: str) -> str:
    facts = " · ".join(f"<bdi>{escape(fact)}</bdi>" for fact in _facts(columns, found, language))
    return f"<h4><bdi>{escape(brief(name, NAME_LENGTH))}</bdi></h4><p>{facts}</p>"


def _facts(columns: Sequence[TableColumn], found: FirstRows | None, language: str) -> list[str]:
    facts = [_text("datasets.columns", language, count=len(columns))]
    if found is not None and found.rows is not None:
        facts.insert(0, _text("datasets.rows", language, count=found.rows))
    return facts


def _rest(columns: Sequence[TableColumn], found: FirstRows, language: str) -> str:
    """What is left out."""
    rows, shown = len(found.cells), len(found.cells[0])
    said = []
    if found.rows is None or found.rows > rows:
        said.append(_text("twin.first_rows", language, number=rows))
    if len(columns) > shown:
        said.append(_text("twin.more_columns", language, number=len(columns) - shown))
    return f"<p class='nbt-quiet'>{escape(' '.join(said))}</p>" if said else ""


def _heading(column: TableColumn, language: str, cut: int) -> str:
    name = column["name"] or _text("data.unnamed", language)
    place = "" if column["kind"] in _NUMBERS else " class='nbt-start'"
    return (
        f"<th{place} scope='col'><bdi>{escape(_plain(name, cut))}</bdi>"
        f"<div class='nbt-quiet'>{escape(_text('data.kind.' + column['kind'], language))}</div></th>")


def _cell(cell: str | float | None, column: TableColumn, language: str, cut: int) -> str:
    kind = column["kind"]
    if cell is None or cell == "":
        quiet = _text("data.missing" if cell is None else "data.empty_text", language)
        place = "" if kind in _NUMBERS else " class='nbt-start'"
        return f"<td{place}><span class='nbt-quiet'>{escape(quiet)}</span></td>"
    if kind in _FILES:
        said = f"{_text('data.kind.' + kind, language)}, {size(float(cell), language)}"
        return f"<td class='nbt-start'>{escape(said)}</td>"
    if kind in _NUMBERS:
        return f"<td><bdi>{f'{cell:.7g}' if isinstance(cell, float) else escape(_plain(cell, cut))}</bdi></td>"
    said = _text(f"data.{cell}", language) if kind == "boolean" else _plain(str(cell), cut)
    return f"<td class='nbt-start'><span dir='auto'>{escape(said)}</span></td>"


def _listed(what: str, heads: Sequence[str], lines: Sequence[Sequence[str]], total: int, language: str) -> str:
    title = f"<h4>{escape(_text(f'{what}.title', language))}</h4>"
    if not lines:
        return f"{title}<p>{escape(_text(f'{what}.empty.title', language))}</p>"
    head = "".join(f"<th scope='col'>{escape(_text(word, language))}</th>" for word in heads)
    rows = "".join(
        f"<tr><td><bdi>{escape(brief(name, NAME_LENGTH))}</bdi></td>"
        + "".join(f"<td>{escape(brief(cell, NAME_LENGTH))}</td>" for cell in cells) + "</tr>"
        for name, *cells in lines)
    left = total - len(lines)
    more = _text(f"twin.more_{what}", language, number=left) if left > 0 else ""
    return (
        f"{title}<div class='nbt-wide'><table><tr>{head}</tr>{rows}</table></div>"
        + (f"<p class='nbt-quiet'>{escape(more)}</p>" if more else ""))


def page(body: str, language: str) -> str:
    """A piece of HTML as a twin is shown."""
    note = f"<p class='nbt-quiet'>{escape(_text('twin.note_data', language))}</p>"
    return (
        f"<div class='nbt-static nbt-static-data' lang='{language}' dir='{catalogue.direction(language)}'>"
        f"<style>{STYLE}{_MORE_STYLE}</style>{body}{note}</div>")


def _plain(text: str, cut: int) -> str:
    """On one line, cut."""
    return brief(" ".join(text.split()), cut)


def size(count: float, language: str) -> str:
    """Bytes as a person reads them."""
    units = ("B", "KiB", "MiB", "GiB", "TiB")
    place = 0
    while count >= 1024 and place < len(units) - 1:
        count /= 1024
        place += 1
    digits = 0 if place == 0 or count >= 100 else 1
    return _text(f"bytes.{units[place]}", language, value=round(count, digits))


def _text(key: str, language: str | None = None, **args: Any) -> str:
    return catalogue.text(key, language, **args)
