"""Where a run leaves its traces, and the diary of what happened to it."""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nbtrain.core.errors import WorkspaceError
from nbtrain.core.events import CheckpointFailed, Event, RunFailed, SamplesMade, Warned
from nbtrain.store import samples
from nbtrain.store.workspace import Workspace


@dataclass(slots=True)
class Places:
    """Where a run leaves its traces."""

    workspace: Workspace
    id: str
    folder: Path = field(init=False)

    def __post_init__(self) -> None:
        self.folder = self.workspace.run_folder(self.id)


class Diary:
    """Every event of a run: in memory, in its journal, and what is grave in the workspace's activity.

    A journal or database that cannot be written never ends a training: `on_failure` is told once, a `Warned` is among
    the events, and what is missing in the journal is written as soon as it can be again.
    """

    def __init__(self, places: Places, on_failure: Callable[[str], None]) -> None:
        self.events: list[Event] = []
        self.warnings: list[str] = []
        """The messages of the `Warned` among them."""
        self.sampled = samples.sampled(places.folder)
        """Epochs of which samples are kept."""
        self._folder = places.folder
        self._journal = places.workspace.journal(places.id)
        self._database, self._run_id = places.workspace.database, places.id
        self._on_failure = on_failure
        self._lock = threading.Lock()
        self._unwritten: deque[dict[str, Any]] = deque()
        self._told: set[str] = set()
        self._stop_listening = self._database.listen(self._database_failed)

    def write(self, event: Event) -> None:
        """From any thread."""
        with self._lock:
            self._keep(event)
            self._unwritten.append(event.record())
            try:
                while self._unwritten:
                    self._journal.append(self._unwritten[0])
                    self._unwritten.popleft()
                self._told.discard("journal")
            except WorkspaceError as error:
                self._tell("journal", error)
        if isinstance(event, CheckpointFailed | RunFailed):
            self._database.add_activity("error", self._run_id, event.message)

    def close(self) -> None:
        """Wait for the database. What it could not write was told, and is not for the next one who uses it."""
        with contextlib.suppress(WorkspaceError):
            self._database.flush()
        self._stop_listening()

    def _keep(self, event: Event) -> None:
        self.events.append(event)
        if isinstance(event, Warned):
            self.warnings.append(event.message)
        elif isinstance(event, SamplesMade):
            self.sampled = samples.sampled(self._folder)

    def _database_failed(self, error: WorkspaceError) -> None:
        """In the store's thread."""
        self._tell("database", error)

    def _tell(self, what: str, error: WorkspaceError) -> None:
        if what in self._told:
            return
        self._told.add(what)
        message = f"The {what} could not be written: {error}"
        self._keep(Warned(step=self.events[-1].step if self.events else 0, message=message))
        self._on_failure(message)
