"""The folder where everything durable lives: `workspace.db`, `runs/<id>/`, `datasets/<id>/` and `models/<id>/`."""

from __future__ import annotations

import atexit
import contextlib
import os
import re
import secrets
import threading
import time
from pathlib import Path

import platformdirs

from nbtrain.core.errors import DatasetNotFoundError, ModelNotFoundError, RunNotFoundError, WorkspaceError
from nbtrain.store import atomic
from nbtrain.store.database import Database
from nbtrain.store.journal import Journal

__all__ = ["Workspace", "current"]

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
#: Names Windows gives to devices, with whatever ending.
_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)", re.IGNORECASE)
#: Digits and letters that cannot be taken for one another.
_LETTERS = "23456789abcdefghjkmnpqrstuvwxyz"


class Workspace:
    """The workspace at `home`, else at ``NBTRAIN_HOME``, else where the platform keeps an application's data.

    Raises:
        WorkspaceError: `home` is a file, cannot be written, or has no space, before anything starts.
    """

    def __init__(self, home: Path | str | None = None) -> None:
        self.home = _resolved(home)
        self.runs_folder = self.home / "runs"
        self.datasets_folder = self.home / "datasets"
        self.trash_folder = self.datasets_folder / ".trash"
        self.models_folder = self.home / "models"
        self.models_trash_folder = self.models_folder / ".trash"
        self.uploads_folder = self.home / "uploads"
        self.downloads_folder = self.home / "downloads"
        self._opening = threading.Lock()
        self._database: Database | None = None
        with atomic.told("use the workspace", self.home):
            self.runs_folder.mkdir(parents=True, exist_ok=True)
        probe = self.home / f".writable-{os.getpid()}-{threading.get_ident()}"
        atomic.write_bytes(probe, b"nbtrain")
        probe.unlink()

    @property
    def database(self) -> Database:
        """Every run, and what happened; opened when first asked for. Raises WorkspaceError when it cannot be."""
        with self._opening:
            if self._database is None:
                self._database = Database(self.home / "workspace.db")
            return self._database

    def new_run_id(self) -> str:
        """A short id that sorts by age, such as ``20261122-0931-k3f9``; its folder is made, so it is taken."""
        while True:
            run_id = _new_id()
            try:
                with atomic.told("make a folder in", self.runs_folder):
                    (self.runs_folder / run_id).mkdir()
            except WorkspaceError as error:
                if isinstance(error.__cause__, FileExistsError):
                    continue
                raise
            return run_id

    def run_folder(self, run_id: str) -> Path:
        """Where a run keeps its files, inside `runs_folder` and nowhere else, whatever the id.

        Raises:
            RunNotFoundError: `run_id` is no run's id (it has ``..``, a slash, …), or leads out of the workspace.
        """
        folder = _inside(self.runs_folder, run_id)
        if folder is None:
            raise RunNotFoundError(
                f"{run_id!r} is not the id of a run; ids look like 20261122-0931-k3f9, and nbtrain.runs() lists them.")
        return folder

    def new_dataset_id(self) -> str:
        """As `new_run_id`, of no dataset there is or was; nothing is made yet."""
        while True:
            dataset_id = _new_id()
            if not any((folder / dataset_id).exists() for folder in (self.datasets_folder, self.trash_folder)):
                return dataset_id

    def dataset_folder(self, dataset_id: str) -> Path:
        """Where a dataset keeps its files: in `datasets_folder`, or in `trash_folder` while it is deleted.

        Raises:
            DatasetNotFoundError: `dataset_id` is no dataset's id, or leads out of the workspace.
        """
        folder, trash = _inside(self.datasets_folder, dataset_id), _inside(self.trash_folder, dataset_id)
        if folder is None or trash is None:
            raise DatasetNotFoundError(
                f"{dataset_id!r} is not the id of a dataset; ids look like 20261122-0931-k3f9, and nbtrain.datasets() "
                "lists them.")
        return trash if trash.is_dir() and not folder.is_dir() else folder

    def new_model_id(self) -> str:
        """As `new_run_id`, of no model there is or was; nothing is made yet."""
        while True:
            model_id = _new_id()
            if not any((folder / model_id).exists() for folder in (self.models_folder, self.models_trash_folder)):
                return model_id

    def model_folder(self, model_id: str) -> Path:
        """Where a model keeps its versions: in `models_folder`, or in `models_trash_folder` while it is deleted.

        Raises:
            ModelNotFoundError: `model_id` is no model's id, or leads out of the workspace.
        """
        folder = _inside(self.models_folder, model_id) if is_id(model_id) else None
        trash = _inside(self.models_trash_folder, model_id) if is_id(model_id) else None
        if folder is None or trash is None:
            raise ModelNotFoundError(
                f"{model_id!r} is not the id of a model; ids look like 20261122-0931-k3f9, and nbtrain.models.list() "
                "lists them.")
        return trash if trash.is_dir() and not folder.is_dir() else folder

    def upload_folder(self, upload_id: str) -> Path:
        """Where an upload from the browser gathers. Raises DatasetNotFoundError as `dataset_folder`."""
        folder = _inside(self.uploads_folder, upload_id)
        if folder is None:
            raise DatasetNotFoundError(f"{upload_id!r} is not the id of an upload.")
        return folder

    def new_download_id(self) -> str:
        """As `new_dataset_id`."""
        while (self.downloads_folder / (download_id := _new_id())).exists():
            pass
        return download_id

    def download_folder(self, download_id: str) -> Path:
        """Where a download gathers. Raises ModelNotFoundError when `download_id` is no id, or leads out of it."""
        folder = _inside(self.downloads_folder, download_id) if is_id(download_id) else None
        if folder is None:
            raise ModelNotFoundError(f"{download_id!r:.60} is not the id of a download.")
        return folder

    def journal(self, run_id: str) -> Journal:
        """The diary of a run. Raises as `run_folder`."""
        return Journal(self.run_folder(run_id) / "journal.jsonl")

    def close(self) -> None:
        """Close the database, if it was opened."""
        with self._opening:
            database, self._database = self._database, None
        if database is not None:
            database.close()


_current: dict[tuple[int, Path], Workspace] = {}
_lock = threading.Lock()


def current(home: Path | str | None = None) -> Workspace:
    """The workspace of this kernel: one object per folder, so one database and one queue. Raises WorkspaceError."""
    key = (os.getpid(), _resolved(home))  # a forked child must not share its parent's connections
    with _lock:
        if key not in _current:
            _current[key] = Workspace(home)
        return _current[key]


def close_all() -> None:
    """Write what is left and close the databases of all workspaces `current` gave; they open anew when asked for."""
    with _lock:
        workspaces = [workspace for (process, _), workspace in _current.items() if process == os.getpid()]
        _current.clear()
    with contextlib.ExitStack() as all_of_them:  # each is closed, whatever becomes of the others
        for workspace in workspaces:
            all_of_them.callback(workspace.close)


atexit.register(close_all)


def is_id(text: str) -> bool:
    """Whether it looks like the ids made here."""
    return bool(re.fullmatch(r"\d{8}-\d{4}-[a-z2-9]{4}", text))


def _new_id() -> str:
    return f"{time.strftime('%Y%m%d-%H%M')}-{''.join(secrets.choice(_LETTERS) for _ in range(4))}"


def _inside(folder: Path, name: str) -> Path | None:
    """The folder `name` in `folder`; None for what is no id, and for a link that leads elsewhere."""
    path = folder / name if _ID.fullmatch(name) and not _DEVICES.fullmatch(name) else None
    return None if path is None or path.is_symlink() else path


def _resolved(home: Path | str | None) -> Path:
    given = home or os.environ.get("NBTRAIN_HOME") or platformdirs.user_data_path("nbtrain", appauthor=False)
    return Path(given).expanduser().resolve()
