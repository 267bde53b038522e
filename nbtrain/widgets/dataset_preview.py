"""A table of any size, to scroll, sort, filter and search, with what its columns hold above them."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

from nbtrain.core.errors import CommandError
from nbtrain.core.table_views import Importer, TableView
from nbtrain.core.tasks import Progress
from nbtrain.widgets.base import COMMON, Panel
from nbtrain.widgets.commands import Answer, Handler, Worker, mapping, number, text
from nbtrain.widgets.data_twin import TableTwin
from nbtrain.widgets.feed import Feed
from nbtrain.widgets.wire import Request

#: Rows in one page.
PAGE_ROWS = 100
#: Images or sounds in one answer.
MOST_MEDIA = 16
#: The longest edge of an image that is shown, in pixels.
MOST_EDGE = 2048
#: A page, a count and a cell may be read at the same time.
THREADS = 3
#: Calls remembered at most.
REMEMBERED = 256

T = TypeVar("T")


class Calls:
    """Requests that can be called off while they wait or run, by the name the browser gave them."""

    def __init__(self) -> None:
        self._calls: OrderedDict[str, Progress] = OrderedDict()
        self._lock = threading.Lock()

    def run(self, name: str, work: Callable[[Progress], T]) -> T:
        """Do `work`. Raises CancelledError when the call was called off, also before it began."""
        progress = self._of(name)
        try:
            progress.check()
            return work(progress)
        finally:
            with self._lock:
                self._calls.pop(name, None)

    def cancel(self, name: str) -> None:
        """Call it off; one that is not known yet will not begin."""
        self._of(name).cancel()

    def cancel_all(self) -> None:
        """Call off whatever waits or runs."""
        with self._lock:
            calls = list(self._calls.values())
        for progress in calls:
            progress.cancel()

    def _of(self, name: str) -> Progress:
        with self._lock:
            progress = self._calls.setdefault(name, Progress())
            if len(self._calls) > REMEMBERED:
                self._calls.popitem(last=False)
            return progress


class DatasetPreview(Panel):
    """A table of any size.

    Args:
        view: the table.
        target: the column whose classes are shown first.
        tokenizer: name of the tokenizer that lengths are counted with, besides characters.
        importer: takes the table into the workspace; None where it is there, or cannot be.
        services: as for `Panel`.
    """

    name: ClassVar[str] = "dataset_preview"
    said: ClassVar[tuple[str, ...]] = (*COMMON, "data.")

    def __init__(
        self, view: TableView, *, target: str | None = None, tokenizer: str | None = None,
        importer: Importer | None = None, **services: Any,
    ) -> None:
        self._view = view
        self._importer = importer
        self._calls = Calls()
        setup = {
            "name": view.name, "columns": list(view.columns), "target": target, "tokenizer": tokenizer,
            "page_rows": PAGE_ROWS, "importable": importer is not None,
        }
        # Of its own: a page must not wait for what another panel has begun, nor for a count of this one.
        services.setdefault("worker", Worker("nbtrain-preview", threads=THREADS))
        super().__init__(Feed(curves=False, tasks=view.tasks), setup=setup, **services)
        self.twin: TableTwin = TableTwin(view)

    def handlers(self) -> dict[str, Handler]:
        return {
            **super().handlers(),
            "page": Handler(self._page, slow=True),
            "count": Handler(self._count, slow=True),
            "cell": Handler(self._cell, slow=True),
            "media": Handler(self._media, slow=True),
            "profile": Handler(self._profile, slow=True),
            "profiled": Handler(self._profiled, slow=True),
            "import": Handler(self._import, slow=True),
            "imported": Handler(self._imported, slow=True),
            "cancel": Handler(self._cancel),
        }

    def close(self) -> None:
        self._calls.cancel_all()
        self.twin.close()
        self._view.close()
        super().close()

    def __repr__(self) -> str:
        return f"nbtrain.DatasetPreview({self._view.name!r}, {len(self._view.columns)} columns)"

    def _page(self, request: Request) -> Answer:
        query, offset = mapping(request, "query"), place(request, "offset")
        limit = min(number(request, "limit"), PAGE_ROWS)
        page = self._calls.run(call(request), lambda progress: self._view.page(query, offset, limit, progress))
        return Answer({"rows": page.rows}, [page.arrow])

    def _count(self, request: Request) -> dict[str, int]:
        query = mapping(request, "query")
        rows = self._calls.run(call(request), lambda progress: self._view.rows(query, progress))
        if not query.get("search") and not query.get("filters"):
            self.twin.counted(rows)
        return {"rows": rows}

    def _cell(self, request: Request) -> Any:
        query, offset, column = mapping(request, "query"), place(request, "offset"), text(request, "column")
        return self._calls.run(call(request), lambda progress: self._view.cell(query, offset, column, progress))

    def _media(self, request: Request) -> Answer:
        query, offset, column = mapping(request, "query"), place(request, "offset"), text(request, "column")
        limit, edge = min(number(request, "limit"), MOST_MEDIA), min(max(1, number(request, "edge")), MOST_EDGE)
        media = self._calls.run(call(request), lambda progress: self._view.media(
            query, offset, limit, column, edge=edge, progress=progress))
        return Answer({"items": [medium.item for medium in media]}, [medium.content for medium in media])

    def _profile(self, request: Request) -> dict[str, str]:
        task = self._view.profile(chosen(request, "target"), chosen(request, "tokenizer"))
        return {"task": task.id}

    def _profiled(self, request: Request) -> dict[str, Any]:  # noqa: ARG002 - as every handler
        return {"profile": self._view.known_profile()}

    def _import(self, request: Request) -> dict[str, Any]:  # noqa: ARG002
        if self._importer is None:
            raise CommandError("This table cannot be imported: it is in the workspace, or is a part of a table.")
        return {"task": self._importer.begin().id}

    def _imported(self, request: Request) -> dict[str, Any]:  # noqa: ARG002
        if self._importer is None:
            return {"task": None, "name": None}
        task = self._importer.task()
        return {"task": None if task is None else task.id, "name": self._importer.name()}

    def _cancel(self, request: Request) -> None:
        if request.get("task") is None:
            self._calls.cancel(call(request))
            return
        task = self._view.tasks.find(text(request, "task"))
        if task is None:
            raise CommandError("This work has ended already, and is no longer known.")
        task.cancel()


def call(request: Request) -> str:
    """What the browser calls this request, to call it off; a text of at most 64 characters. Raises CommandError."""
    name = text(request, "call")
    if len(name) > 64:
        raise CommandError(f"The request {request['kind']!r} needs a call of at most 64 characters.")
    return name


def place(request: Request, name: str) -> int:
    """A field that must be a whole number from 0. Raises CommandError."""
    value = number(request, name)
    if value < 0:
        raise CommandError(f"The request {request['kind']!r} needs {name!r} to be 0 or more; it came with {value}.")
    return value


def chosen(request: Request, name: str) -> str | None:
    """A field that is a text, or nothing. Raises CommandError."""
    return None if request.get(name) is None else text(request, name)
