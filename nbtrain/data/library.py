"""The workspace's datasets: imported whole or not at all, listed, renamed, deleted and brought back.

A dataset is a folder ``datasets/<id>/`` and a row of the workspace's database. The folder is filled aside and then
renamed, so it is whole wherever it is seen; a row without a folder, or a folder without a row (the database was made
anew, a kernel died in between) is set right when the datasets are listed.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbtrain.core.errors import ConfigError, DataError, DatasetNotFoundError, Problem, WorkspaceError
from nbtrain.core.tasks import Progress
from nbtrain.data.names import checked_name, default_name, free_name
from nbtrain.data.stamps import described, stamp_of
from nbtrain.store import atomic, lock
from nbtrain.store import workspace as workspaces
from nbtrain.store.datasets import DatasetRecord, DatasetRecords, name_key
from nbtrain.store.workspace import Workspace

if TYPE_CHECKING:
    from nbtrain.data.formats import ReadOptions
    from nbtrain.data.table import Table

__all__ = ["DatasetRecord", "Imported", "Library"]

FACTS, DATA = "dataset.json", "data.parquet"
#: Days for which a deleted dataset can be brought back.
KEPT_DAYS = 30
#: Seconds after which a folder that nobody fills is taken for what a crash left.
_ABANDONED_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class Import:
    """What became of an import."""

    dataset: DatasetRecord
    new: bool
    """False when it was there already: the source is as it was, or gave the same content under the same name."""
    same_as: tuple[str, ...]
    """Names of other datasets with the same content."""
    rejected: int
    """Rows left out; they are in ``rejected.csv`` of the dataset's folder."""


class Library:
    """The datasets of a workspace. Cheap to make; any thread may call, and any number of kernels.

    Args:
        workspace: None takes the current one.

    Raises:
        WorkspaceError: from every method, when the workspace cannot be read or written.
    """

    def __init__(self, workspace: Workspace | None = None) -> None:
        self.workspace = workspace or workspaces.current()
        self._records = DatasetRecords(self.workspace.database)

    # -- looking --------------------------------------------------------------------------------

    def list(self, *, deleted: bool = False) -> list[DatasetRecord]:
        """Every dataset, newest first; or those that are `deleted` and can be brought back, last deleted first."""
        self._adopt()
        return self._records.all(deleted=deleted)

    def find(self, given: str) -> DatasetRecord:
        """A dataset by name (whatever its case) or id. Raises DatasetNotFoundError, with the nearest name."""
        self._adopt()
        return self._records.find(given)

    def folder(self, dataset_id: str) -> Path:
        """Where a dataset keeps its files. Raises DatasetNotFoundError for what is no id."""
        return self.workspace.dataset_folder(dataset_id)

    def table(self, given: str) -> Table:
        """The rows and columns of a dataset, by name or id. Raises DatasetNotFoundError, or DataError."""

    def facts(self, dataset_id: str) -> dict[str, Any]:
        """What was written down when it was imported (``dataset.json``). Raises DatasetNotFoundError or DataError."""

    # -- importing ------------------------------------------------------------------------------

    def add(
        self, source: Any, *, name: str | None = None, options: ReadOptions | None = None,
        progress: Progress | None = None,
    ) -> Import:
        """Import `source` as a dataset; whole, or not at all.

        Args:
            source: whatever `nbtrain.data.importing.open_any` takes: a file, folder or glob, a `Table`, a data frame…
            name: how it is called; None makes one up from the source. A dataset of this name with the same content
                is given back instead of a second one.
            options: how files are read.
            progress: is told how far it is; cancelling it leaves nothing behind.

        Raises:
            ConfigError: `name` cannot be used, or another dataset has it.
            DataError: the source cannot be read, or it changed while it was read.
            CancelledError: it was called off.
            WorkspaceError: there is no space.
        """

    # -- changing -------------------------------------------------------------------------------

    def rename(self, dataset_id: str, name: str) -> DatasetRecord:
        """Give another name. Raises ConfigError when it cannot be used or is taken, or DatasetNotFoundError."""

    def delete(self, dataset_id: str) -> DatasetRecord:
        """Delete; for `KEPT_DAYS` days `restore` brings it back. What reads a file of it now reads on to its end.

        Raises DatasetNotFoundError when there is no such dataset (any more).
        """

    def restore(self, dataset_id: str | None = None) -> DatasetRecord:
        """Bring a deleted dataset back, None the one deleted last; under another name where its own was given away.

        Raises DatasetNotFoundError when there is none to bring back.
        """

    def purge(self, *, older_than_days: float = KEPT_DAYS) -> int:
        """Remove what was deleted longer ago, for good; gives the number of datasets."""

    # -- keeping in order -----------------------------------------------------------------------

    def verify(self, dataset_id: str, *, progress: Progress | None = None) -> None:
        """Read everything and compare with what was imported. Raises DataError that says what is damaged."""

    def size(self, dataset_id: str) -> int:
        """Bytes of all its files on the disk, with what is kept of its profile and split."""
