"""The workspace's datasets: imported whole or not at all, listed, renamed, deleted and brought back.

A dataset is a folder ``datasets/<id>/`` and a row of the workspace's database. The folder is filled aside and then
renamed, so it is whole wherever it is seen; a folder without a row (a kernel died in between, the database was made
anew) becomes known when the datasets are listed.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbtrain.core.errors import ConfigError, DataError, DatasetNotFoundError, NbtrainError, WorkspaceError
from nbtrain.core.tasks import Progress
from nbtrain.data.keeping.stamps import expanded, stamp_of
from nbtrain.data.keeping.tidying import FACTS, adopt, purge, sweep
from nbtrain.store import atomic, lock
from nbtrain.store import workspace as workspaces
from nbtrain.store.datasets import DatasetRecord, DatasetRecords, deleted, name_key, taken
from nbtrain.store.names import checked_name, free_name, made_up, take_free_name
from nbtrain.store.workspace import Workspace

if TYPE_CHECKING:
    from nbtrain.data.importing.parquet import Imported
    from nbtrain.data.reading.read_options import ReadOptions
    from nbtrain.data.table import Table

__all__ = ["DatasetRecord", "Import", "Library"]

DATA = "data.parquet"
#: Sentences on an import that are kept: a folder may have thousands of files with one each.
NOTES = 20


@dataclass(frozen=True, slots=True)
class Import:
    """What became of an import."""

    dataset: DatasetRecord
    new: bool
    """False when it was there already: the source is as it was, or gave the same content under the same name."""
    same_as: tuple[str, ...] = ()
    """Names of other datasets with the same content."""


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
        adopt(self.workspace, self._records)
        return self._records.all(deleted=deleted)

    def find(self, given: str) -> DatasetRecord:
        """A dataset by name (whatever its case) or id. Raises DatasetNotFoundError, with the nearest name."""
        adopt(self.workspace, self._records)
        return self._records.find(given)

    def folder(self, dataset_id: str) -> Path:
        """Where a dataset keeps its files. Raises DatasetNotFoundError for what is no id."""
        return self.workspace.dataset_folder(dataset_id)

    def table(self, given: str) -> Table:
        """The rows and columns of a dataset, by name or id. Raises DatasetNotFoundError, or DataError."""
        from nbtrain.data.importing.parquet import facts_of  # noqa: PLC0415 - reading loads DuckDB and Arrow, listing does not
        from nbtrain.data.table import Table  # noqa: PLC0415

        record = self.find(given)
        path = self.folder(record.id) / DATA
        if not path.is_file():
            raise DataError(
                f"The file of the dataset {record.name!r} is missing ({path}); delete the dataset and import it again.")

        def explain(error: Exception) -> NbtrainError:
            if not path.is_file():
                return deleted(record)
            return DataError(f"{record.name} cannot be read: {str(error).splitlines()[0]}")

        return Table.of_parquet(path, name=record.name, media=facts_of(path)[0], explain=explain)

    def facts(self, dataset_id: str) -> dict[str, Any]:
        """What was written down when it was made (``dataset.json``).

        That is: what its record held then, but ``columns`` as name, kind and type of each; and where it has them
        ``options`` (how it was read), ``notes`` (sentences on what was decided then), ``dates`` (column → order of day,
        month and year, where it was open), ``opening`` (how to open its source again) and ``parent`` (the id of the
        dataset that it was processed from).

        Raises:
            DatasetNotFoundError: `dataset_id` is no id.
            DataError: it cannot be read.
        """
        path = self.folder(dataset_id) / FACTS
        try:
            return dict(json.loads(atomic.read_bytes(path)))
        except (WorkspaceError, ValueError) as error:
            raise DataError(
                f"What was written down of the dataset {dataset_id} cannot be read ({path}); import it again."
            ) from error

    def notes(self, dataset_id: str) -> tuple[str, ...]:
        """What was decided when it was read, in sentences. Raises DatasetNotFoundError."""
        try:
            return tuple(self.facts(dataset_id).get("notes", ()))
        except DataError:  # what was written down is lost; the rows are not
            return ()

    def reading(self, dataset_id: str) -> dict[str, Any]:
        """``options`` and ``dates`` of its `facts`, or of the dataset it was processed from; not what is lost."""
        try:
            facts = self.facts(dataset_id)
        except DataError:
            return {}
        if "parent" in facts:
            return self.reading(facts["parent"])
        return {name: facts[name] for name in ("options", "dates") if name in facts}

    def size(self, dataset_id: str) -> int:
        """Bytes of all its files on the disk, with what is kept of its profile and split."""
        folder = self.folder(dataset_id)
        with atomic.told("look at", folder):
            return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())

    def known(self, stamp: str | None, name: str | None = None) -> DatasetRecord | None:
        """The newest dataset that was made from this very state of a source, under this name if one is given."""
        found = [] if stamp is None else self._records.stamped(stamp)
        wanted = None if name is None else name_key(checked_name(name))
        return next((record for record in found if wanted in {None, name_key(record.name)}), None)

    # -- importing ------------------------------------------------------------------------------

    def add(
        self, source: Any, *, name: str | None = None, options: ReadOptions | None = None,
        progress: Progress | None = None, said_source: str | None = None, **more: Any,
    ) -> Import:
        """Import `source` as a dataset; whole, or not at all. A source that is as it was is not read again.

        Args:
            source: whatever `open_any` of `nbtrain.data.importing.sources` takes: a file, a data frame, a `Table`…
            name: how it is called; None takes one from the source. A dataset of this name with the same content
                is given back instead of a second one.
            options: how files are read.
            progress: is told how far it is; cancelling it leaves nothing behind.
            said_source: where it is said to come from, where that is not `source` itself: an upload.
            more: what `open_any` takes beside.

        Raises:
            ConfigError: `name` cannot be used, or another dataset has it.
            DataError: the source cannot be read, or it changed while it was read.
            CancelledError: it was called off.
            WorkspaceError: there is no space.
        """
        from nbtrain.data.importing.sources import open_any  # noqa: PLC0415
        from nbtrain.data.reading.read_options import ReadOptions  # noqa: PLC0415 - as in `table`

        options = options or ReadOptions()
        beside: dict[str, Any] = {}
        if more.get("labels") is not None:
            more["labels"] = _table_of_labels(more["labels"])
            beside = {"state of labels": stamp_of(more["labels"], {})}
        asked = {**options.to_json(), **more}
        stamp = stamp_of(source, asked | beside)
        known = self.known(stamp, name)
        if known is not None:
            return Import(known, new=False)
        opened = open_any(source, options, progress=progress, **more)
        return self.write(
            lambda folder: opened.import_to(folder, progress=progress), name=name, else_name=opened.name,
            source=said_source or _whole_path(source) or opened.text, stamp=stamp, options=asked, opening=opened.recipe)

    def write(
        self, fill: Callable[[Path], Imported], *, name: str | None, else_name: str, source: str,
        stamp: str | None = None, distinct: bool = False, **facts: Any,
    ) -> Import:
        """A new dataset from what `fill` writes into a folder: ``data.parquet``, and what belongs to it.

        Args:
            fill: gets the folder, which becomes the dataset's when it returns, and is removed when it raises.
            name: as for `add`.
            else_name: the name where none is given; with a number behind it where it is taken.
            source: where the data comes from, as a person reads it.
            stamp: tells whether the source is still as it was.
            distinct: make it also where a dataset of this name has the same content.
            facts: what else is written down in ``dataset.json``.

        Raises:
            ConfigError: `name` cannot be used, or another dataset has it. What `fill` raises.
        """
        wanted = made_up(else_name) if name is None else checked_name(name)
        if name is not None:
            self._refuse_taken(wanted, source)
        with atomic.told("make the folder", self.workspace.trash_folder):
            self.workspace.trash_folder.mkdir(parents=True, exist_ok=True)
        self.tidy()
        dataset_id = self.workspace.new_dataset_id()
        try:
            with atomic.new_folder(self.workspace.datasets_folder / dataset_id) as beside:
                with lock.RunLock(beside):  # so that no other kernel takes it for what a crash left
                    imported = fill(beside)
                    record = self._record(
                        dataset_id, imported, wanted, source, stamp, exact=name is not None, distinct=distinct)
                    told = {"notes": imported.notes[:NOTES], "dates": imported.dates}
                    _write_facts(beside, record, {**facts, **{name: each for name, each in told.items() if each}})
                (beside / lock.NAME).unlink()
        except _Same as same:
            if stamp is not None:
                self._records.stamp(same.record.id, stamp)
            return Import(same.record, new=False)
        record = self._register(record, exact=name is not None, distinct=distinct)
        if record.id != dataset_id:
            return Import(record, new=False)
        self._note("dataset imported", record.name)
        twins = (other.name for other in self._records.all() if other.fingerprint == record.fingerprint)
        return Import(record, new=True, same_as=tuple(twin for twin in twins if twin != record.name))

    # -- changing -------------------------------------------------------------------------------

    def rename(self, dataset_id: str, name: str) -> DatasetRecord:
        """Give another name. Raises ConfigError when it cannot be used or is taken, or DatasetNotFoundError."""
        kept = checked_name(name)
        record = self.find(dataset_id)
        if kept != record.name:
            self._records.rename(record.id, kept)
            self._note("dataset renamed", f"{record.name} → {kept}")
        return replace(record, name=kept)

    def delete(self, dataset_id: str) -> DatasetRecord:
        """Delete; for `tidying.KEPT_DAYS` days `restore` brings it back.

        What has its file open, such as a query or a run that is reading, reads on to its end; what opens it later is
        told that it was deleted (DatasetNotFoundError), and how to bring it back.

        Raises:
            DatasetNotFoundError: there is no such dataset (any more).
            WorkspaceError: the folder cannot be moved; then it is not deleted. (On Windows: while it is read.)
        """
        record = self.find(dataset_id)
        self._records.mark_deleted(record.id, lambda: self._move(record.id, self.workspace.trash_folder))
        self._note("dataset deleted", record.name)
        self.tidy()
        return record

    def restore(self, dataset_id: str | None = None) -> DatasetRecord:
        """Bring a deleted dataset back, None the one deleted last; under another name where its own was given away.

        Raises DatasetNotFoundError when there is none to bring back.
        """
        record = next((each for each in self._records.all(deleted=True) if dataset_id in {None, each.id}), None)
        if record is None:
            which = "no dataset" if dataset_id is None else f"no deleted dataset {dataset_id!r}"
            raise DatasetNotFoundError(f"There is {which} to bring back; what is deleted is kept for 30 days.")
        name = take_free_name(record.name, self._is_taken, lambda name: self._records.mark_restored(
            record.id, name, lambda: self._move(record.id, self.workspace.datasets_folder)))
        self._note("dataset restored", name)
        return replace(record, name=name, deleted=None)

    # -- keeping in order -----------------------------------------------------------------------

    def tidy(self) -> None:
        """Remove for good what was deleted long ago, and what a kernel that died left half-made."""
        purge(self.workspace, self._records)
        sweep(self.workspace)

    def verify(self, dataset_id: str, *, progress: Progress | None = None) -> None:
        """Read everything and compare it with what was imported.

        Raises:
            DataError: the file is missing, cut short or altered.
            DatasetNotFoundError: there is no such dataset.
            CancelledError: it was called off.
        """
        from nbtrain.data.keeping.verifying import fingerprint_of  # noqa: PLC0415 - as in `table`

        record = self.find(dataset_id)
        path = self.folder(record.id) / DATA
        if fingerprint_of(path, progress=progress) != record.fingerprint:
            raise DataError(
                f"The dataset {record.name!r} is not what was imported: its content was altered ({path}); import it "
                "again, and look at the health of the disk.")

    # -- inside ---------------------------------------------------------------------------------

    def _refuse_taken(self, name: str, source: str) -> None:
        """Before a long import: a name that data from elsewhere has cannot turn out to have the same content."""
        holder = self._records.named(name)
        if holder is not None and holder.source != source:
            raise taken(name)

    def _record(
        self, dataset_id: str, imported: Imported, name: str, source: str, stamp: str | None, *, exact: bool,
        distinct: bool,
    ) -> DatasetRecord:
        """What is known of what was written. Raises `_Same` when the dataset of this name has this very content."""
        holder = self._records.named(name)
        if holder is not None and holder.fingerprint == imported.fingerprint and not distinct:
            raise _Same(holder)
        if holder is not None and exact:
            raise taken(name)
        return DatasetRecord(
            id=dataset_id, name=self._free(name), source=source, stamp=stamp, fingerprint=imported.fingerprint,
            rows=imported.rows, columns=imported.columns, bytes=imported.bytes, rejected=imported.rejected)

    def _register(self, record: DatasetRecord, *, exact: bool, distinct: bool) -> DatasetRecord:
        """Make it known; where another kernel took the name meanwhile, under the next that is free.

        Gives the other's where that has the same content. Raises ConfigError when the name must be `exact`.
        """
        folder = self.folder(record.id)
        while True:
            try:
                self._records.add(record)
            except ConfigError:
                holder = self._records.named(record.name)
                same = holder is not None and holder.fingerprint == record.fingerprint and not distinct
                given_up = (exact or same) and self._records.give_up(record.id, lambda: atomic.remove_folder(folder))
                if given_up and holder is not None and same:
                    return holder
                if given_up:
                    raise
                if (known := self._records.get(record.id)) is not None:  # another kernel found its folder first
                    return known
                record = replace(record, name=self._free(record.name))
            else:
                return record

    def _free(self, name: str) -> str:
        return free_name(name, self._is_taken)

    def _is_taken(self, name: str) -> bool:
        return self._records.named(name) is not None

    def _move(self, dataset_id: str, to: Path) -> None:
        """Its folder into another one; one that is there already, or nowhere, stays."""
        folder = self.folder(dataset_id)
        with atomic.told("move", folder):
            to.mkdir(parents=True, exist_ok=True)
            if folder.parent != to and folder.is_dir():
                folder.rename(to / dataset_id)
                atomic.sync_folder(to)

    def _note(self, kind: str, text: str) -> None:
        self.workspace.database.add_activity(kind, None, text)


class _Same(Exception):  # noqa: N818 - it is no error, it ends an import early
    """The dataset of this name has this very content."""

    def __init__(self, record: DatasetRecord) -> None:
        super().__init__(record.id)
        self.record = record


def _table_of_labels(given: Any) -> str:
    """Its whole path, whatever folder one is in later. Raises DataError for what is no path."""
    if not isinstance(given, str | Path):
        raise DataError(f"labels is a {type(given).__name__}; give the path of a table of labels.")
    return str(expanded(given).absolute())


def _whole_path(source: Any) -> str:
    """Of a file or folder that is there; empty for anything else."""
    if not isinstance(source, str | Path):
        return ""
    path = expanded(source)
    return str(path.resolve()) if os.path.lexists(path) else ""


def _write_facts(folder: Path, record: DatasetRecord, facts: Mapping[str, Any]) -> None:
    from nbtrain.data.importing.parquet import facts_of  # noqa: PLC0415 - as in `Library.table`
    from nbtrain.data.table import Table  # noqa: PLC0415

    table = Table.of_parquet(folder / DATA, name=record.name, media=facts_of(folder / DATA)[0])
    columns = [{"name": column.name, "kind": str(column.kind), "type": column.type} for column in table.columns]
    atomic.write_json(folder / FACTS, {**asdict(record), "columns": columns, **facts})
