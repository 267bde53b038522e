"""Requests about imports and uploads, and about the long work that they are: the same for datasets and for models."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nbtrain.core.errors import CommandError
from nbtrain.core.ports import ArrivalDesk
from nbtrain.widgets.commands import Handler, buffer, mapping, number, optional, text
from nbtrain.widgets.wire import Request

#: Bytes of an upload that travel in one message: few enough that a busy kernel's queue stays short.
CHUNK = 2 * 2**20


class Arriving:
    """Answers them for a panel.

    Args:
        desk: does the work.
    """

    def __init__(self, desk: ArrivalDesk) -> None:
        self._desk = desk
        self._dismissed: set[str] = set()

    def uploads(self) -> dict[str, Any]:
        """What has not arrived whole yet, and the tasks that nobody wants to see any more."""
        return {"uploads": list(self._desk.uploads()), "dismissed": sorted(self._dismissed)}

    def quick(self) -> dict[str, Handler]:
        """Requests that are answered at once."""
        return {"cancel": Handler(self._cancel), "dismiss": Handler(self._dismiss)}

    def slow(self) -> dict[str, Callable[[Request], Any]]:
        """Requests that may take a second."""
        desk = self._desk
        return {
            "import": lambda r: began(
                desk.import_source(text(r, "source"), optional(r, "name"), mapping(r, "options"))),
            "import_again": lambda r: began(desk.import_again(text(r, "task"), mapping(r, "options"))),
            "upload": lambda r: desk.upload(text(r, "name"), number(r, "size"), text(r, "stamp")),
            "check_upload": lambda r: desk.check_upload(
                text(r, "upload"), number(r, "have"), CHUNK, text(r, "digest")),
            "chunk": lambda r: {
                "have": desk.chunk(text(r, "upload"), number(r, "offset"), buffer(r), text(r, "digest"))},
            "uploaded": self._uploaded,
            "drop_upload": lambda r: desk.drop_upload(text(r, "upload")),
        }

    def _uploaded(self, request: Request) -> dict[str, str]:
        task, sha256 = self._desk.uploaded(
            text(request, "upload"), optional(request, "name"), mapping(request, "options"))
        return {"task": task, "sha256": sha256}

    def _cancel(self, request: Request) -> None:
        task = self._desk.tasks.find(text(request, "task"))
        if task is None:
            raise CommandError("This work has ended already, and is no longer known.")
        task.cancel()

    def _dismiss(self, request: Request) -> None:
        self._dismissed.add(text(request, "task"))


def began(task: str) -> dict[str, str]:
    """The answer that names the task that runs now."""
    return {"task": task}
