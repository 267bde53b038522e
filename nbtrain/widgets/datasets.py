"""The datasets of the workspace: import, look, profile, split, process, check, rename, delete with undo."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, ClassVar

import traitlets

from nbtrain.core.dataset_views import DatasetRow
from nbtrain.core.errors import CommandError
from nbtrain.core.ports import DatasetDesk
from nbtrain.widgets import data_twin
from nbtrain.widgets.arriving import CHUNK, Arriving, began
from nbtrain.widgets.base import COMMON, Panel
from nbtrain.widgets.commands import Handler, Worker, mapping, mappings, number, optional, text
from nbtrain.widgets.feed import Feed
from nbtrain.widgets.wire import Request

#: Makes the preview of a dataset, of all its rows or of those with these numbers.
Preview = Callable[[str, Sequence[int]], Panel]
#: A piece of an upload and a trial of steps may be worked on at the same time.
THREADS = 2
#: Previews kept open, so that going back to a dataset shows it at once.
PREVIEWS = 4
#: Examples a preview is narrowed to at most.
MOST_ROWS = 1000


class Datasets(Panel):
    """A list of datasets beside the one that was chosen.

    Args:
        desk: knows the datasets and does the work.
        preview: makes the preview of a dataset.
        services: as for `Panel`.
    """

    name: ClassVar[str] = "datasets"
    public: ClassVar[str] = "DatasetsPanel"
    said: ClassVar[tuple[str, ...]] = (
        *COMMON, "data.", "datasets.", "finding.", "remedy.", "split.", "step.", "step_group.", "task.",
    )

    children = traitlets.Dict().tag(sync=True)

    def __init__(self, desk: DatasetDesk, preview: Preview, **services: Any) -> None:
        self._datasets = desk
        self._preview = preview
        self._previews: dict[str, Panel] = {}
        self._opening = threading.Lock()
        self._arriving = Arriving(desk)
        # Of its own: the pieces of an upload must not wait for a training to start, nor that for them.
        services.setdefault("worker", Worker("nbtrain-datasets", threads=THREADS))
        setup = {"chunk": CHUNK, "steps": list(desk.steps())}
        super().__init__(Feed(curves=False, tasks=desk.tasks), setup=setup, **services)
        self._listed: Sequence[DatasetRow] = ()
        self.twin: data_twin.DataTwin = data_twin.DataTwin(
            lambda: data_twin.datasets(self._listed), lambda: data_twin.datasets_line(self._listed))

    def handlers(self) -> dict[str, Handler]:
        return {
            **super().handlers(),
            **self._arriving.quick(),
            **{kind: Handler(run, slow=True) for kind, run in self._slow().items()},
        }

    def close(self) -> None:
        for panel in self._previews.values():
            panel.close()
        super().close()

    def __repr__(self) -> str:
        return "nbtrain.DatasetsPanel()"

    def _ipython_display_(self) -> None:
        self._listed = self._datasets.rows()
        super()._ipython_display_()

    def _slow(self) -> dict[str, Callable[[Request], Any]]:
        """What asks the desk: by kind."""
        desk = self._datasets
        return {
            **self._arriving.slow(),
            "datasets": self._list,
            "dataset": lambda r: desk.facts(text(r, "dataset")),
            "open": self._open,
            "sample": lambda _: began(desk.sample()),
            "result": lambda r: {"dataset": desk.result(text(r, "task"))},
            "profile": lambda r: began(desk.profile(text(r, "dataset"), optional(r, "target"))),
            "split": lambda r: began(desk.split(text(r, "dataset"), mapping(r, "spec"))),
            "quality": lambda r: began(desk.quality(text(r, "dataset"), optional(r, "target"))),
            "before_after": lambda r: desk.before_after(text(r, "dataset"), mappings(r, "steps"), number(r, "index")),
            "process": lambda r: began(desk.process(text(r, "dataset"), mappings(r, "steps"), text(r, "name"))),
            "remedy": lambda r: desk.remedy(
                text(r, "dataset"), number(r, "finding"), text(r, "finding_kind"), number(r, "count")),
            "rename": lambda r: desk.rename(text(r, "dataset"), text(r, "name")),
            "delete": self._delete,
            "undelete": lambda r: desk.undelete(text(r, "dataset")),
            "export": lambda r: began(desk.export(text(r, "dataset"), text(r, "path"))),
            "use": lambda r: {"taken": desk.use(text(r, "dataset"))},
        }

    def _list(self, request: Request) -> dict[str, Any]:  # noqa: ARG002
        rows = self._datasets.rows()
        if rows != self._listed:
            self._listed = rows
            self.twin.renew()
        return {"rows": list(rows), **self._arriving.uploads()}

    def _delete(self, request: Request) -> None:
        dataset = text(request, "dataset")
        self._datasets.delete(dataset)
        with self._opening:
            for name in [name for name in self._previews if name.partition(":")[0] == dataset]:
                self._previews.pop(name).close()
            self._tell_children()

    def _open(self, request: Request) -> None:
        """Make the preview ``<dataset>`` or ``<dataset>:<row>,<row>…``, and let the one opened longest ago go."""
        name = text(request, "panel")
        dataset, _, listed = name.partition(":")
        with self._opening:
            known = self._previews.pop(name, None)
            self._previews[name] = known or self._preview(dataset, row_numbers(listed))
            while len(self._previews) > PREVIEWS:
                self._previews.pop(next(iter(self._previews))).close()
            self._tell_children()

    def _tell_children(self) -> None:
        children = {name: f"IPY_MODEL_{panel.model_id}" for name, panel in self._previews.items()}
        self.pump.call(partial(self._change, {"children": children}))


def row_numbers(listed: str) -> list[int]:
    """Row numbers from ``"3,17"``. Raises CommandError."""
    numbers = listed.split(",") if listed else []
    if len(numbers) > MOST_ROWS or not all(number.isascii() and number.isdigit() for number in numbers):
        raise CommandError(f"Rows are numbers with commas between, {MOST_ROWS:,} at most; it came with {listed!r:.80}.")
    return [int(number) for number in numbers]
