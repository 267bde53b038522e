"""Where a tracked run is written down: its row and activity in the workspace, its journal, its figures."""

from __future__ import annotations

import contextlib
from typing import Any

from nbtrain.core.errors import WorkspaceError
from nbtrain.core.events import Event, Warned
from nbtrain.core.history import History
from nbtrain.engine.diary import Diary, Places
from nbtrain.store.database import RunRecord
from nbtrain.store.lock import RunLock
from nbtrain.store.metrics import Recorder
from nbtrain.store.workspace import Workspace


class Record:
    """A run that is being written down, until `close`.

    What cannot be written is among the warnings, and is no reason to end a loop that is not ours.

    Args:
        workspace: where.
        row: the run as it begins; its id is one that `Workspace.new_run_id` gave.
        history: what it measures.

    Raises:
        WorkspaceError: nothing can be written, before anything starts.
    """

    def __init__(self, workspace: Workspace, row: RunRecord, history: History) -> None:
        self.id = row.id
        self.folder = workspace.run_folder(row.id)
        self._database = workspace.database
        with contextlib.ExitStack() as undo:
            self._lock = RunLock(self.folder)
            self._lock.acquire()
            undo.callback(self._lock.release)
            self._recorder = Recorder(self.folder, history, self._not_recorded)
            undo.callback(self._recorder.close)
            self._database.add_run(row)
            undo.pop_all()
        self._diary = Diary(Places(workspace, row.id), lambda _: None)  # it is among the warnings

    @property
    def events(self) -> list[Event]:
        return self._diary.events

    @property
    def warnings(self) -> list[str]:
        return self._diary.warnings

    def publish(self, event: Event) -> None:
        """Into the journal. From any thread."""
        self._diary.write(event)

    def note(self, **fields: Any) -> None:
        """Change fields of the run's row; returns at once."""
        self._database.update_run(self.id, **fields)

    def add_activity(self, kind: str, text: str) -> None:
        self._database.add_activity(kind, self.id, text)

    def close_figures(self) -> None:
        """Write what is left of the history."""
        try:
            self._recorder.close()
        except WorkspaceError as error:
            self._not_recorded(error)

    def close(self) -> None:
        """The run has ended, and others may know it."""
        self._diary.close()
        self._lock.release()

    def _not_recorded(self, error: WorkspaceError) -> None:
        step = self._diary.events[-1].step if self._diary.events else 0
        self.publish(Warned(step=step, message=f"The figures could not be written: {error}"))
