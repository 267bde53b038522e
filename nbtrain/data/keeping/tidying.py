"""Keeping the folder of datasets and the workspace's database in agreement, whatever a kernel died of."""

from __future__ import annotations

import json
import shutil
import time
from dataclasses import fields, replace
from pathlib import Path

from nbtrain.core.errors import ConfigError, WorkspaceError
from nbtrain.store import atomic, lock
from nbtrain.store.datasets import DatasetRecord, DatasetRecords
from nbtrain.store.names import free_name
from nbtrain.store.workspace import Workspace, is_id

#: The file of a dataset's folder that tells what it is.
FACTS = "dataset.json"
#: Days for which a deleted dataset can be brought back.
KEPT_DAYS = 30
#: Seconds after which a folder that no kernel holds is taken for what a crash left. A kernel holds it from a moment
#: after it was made to a moment before it is whole.
ABANDONED_SECONDS = 3600.0


def adopt(workspace: Workspace, records: DatasetRecords) -> None:
    """Make datasets known whose folders are there and whose rows are not, under the names they were imported with.

    A folder that tells nothing of itself is left alone.
    """
    if not workspace.datasets_folder.is_dir():
        return
    with atomic.told("look into", workspace.datasets_folder):
        there = {path.name for path in workspace.datasets_folder.iterdir() if is_id(path.name)}
    for dataset_id in sorted(there - records.ids() if there else ()):
        folder = workspace.datasets_folder / dataset_id
        record = _read(folder / FACTS)
        if record is None or record.id != dataset_id:
            continue
        name = record.name
        while True:
            try:
                records.add(replace(record, name=name), folder.is_dir)
                break
            except ConfigError:  # its name was given away
                name = free_name(record.name, lambda each: records.named(each) is not None)


def purge(workspace: Workspace, records: DatasetRecords, *, older_than_days: float = KEPT_DAYS) -> int:
    """Remove for good what was deleted longer ago; gives the number of datasets."""
    before = time.time() - older_than_days * 86_400
    old = [record for record in records.all(deleted=True) if record.deleted is not None and record.deleted < before]
    gone = 0
    for record in old:
        folder = workspace.dataset_folder(record.id)
        aside = workspace.datasets_folder / f".{record.id}.unfinished"

        def move(folder: Path = folder, aside: Path = aside) -> None:
            with atomic.told("remove", folder):
                if folder.is_dir():
                    folder.rename(aside)

        if records.forget(record.id, move):
            gone += 1
            shutil.rmtree(aside, ignore_errors=True)  # what is left is swept later
    return gone


def sweep(workspace: Workspace) -> None:
    """Remove folders that were being filled by a kernel that is no more."""
    with atomic.told("look into", workspace.datasets_folder):
        for folder in workspace.datasets_folder.glob(".*.unfinished"):
            try:
                age = time.time() - folder.stat().st_mtime
                held = lock.is_held(folder)
            except (FileNotFoundError, WorkspaceError):  # it has just become whole, or another kernel removes it
                continue
            if not held and age > ABANDONED_SECONDS:
                shutil.rmtree(folder, ignore_errors=True)  # another kernel may be at it too


def _read(path: Path) -> DatasetRecord | None:
    """The record a folder tells of; None when it tells none that can be understood."""
    try:
        told = json.loads(atomic.read_bytes(path))
        values = {f.name: told[f.name] for f in fields(DatasetRecord)}
        return DatasetRecord(**values | {"columns": len(values["columns"]), "deleted": None})
    except (WorkspaceError, ValueError, KeyError, TypeError):
        return None
