"""The workspace's models: added whole or not at all, listed, changed, deleted and brought back.

A model is a folder ``models/<id>/`` with a folder for each version, and rows of the workspace's database. A folder is
filled aside and then renamed, so it is whole wherever it is seen; one without a row (a kernel died in between, the
database was made anew) becomes known when models are listed.
"""

from __future__ import annotations

import secrets
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path, PurePosixPath
from typing import Any

from nbtrain.config.problems import unknown
from nbtrain.core.errors import ConfigError, ModelNotFoundError, Problem, WorkspaceError
from nbtrain.core.model_views import Stage
from nbtrain.core.tasks import Progress
from nbtrain.models import keeping, objects
from nbtrain.models.keeping import DELETED, Manifest, told_of, version_of
from nbtrain.models.labels import (
    checked_category,
    checked_model,
    checked_note,
    checked_number,
    checked_path,
    checked_tags,
)
from nbtrain.models.package import Package, StoredFile, Version
from nbtrain.store import atomic, lock
from nbtrain.store import workspace as workspaces
from nbtrain.store.model_listing import RANKS
from nbtrain.store.models import ModelRecord, ModelRecords, VersionRecord, taken
from nbtrain.store.names import checked_name, free_name, made_up, take_free_name
from nbtrain.store.workspace import Workspace

__all__ = ["ModelRecord", "Registry"]


class Registry:
    """The models of a workspace. Cheap to make; any thread may call, and any number of kernels.

    A model is given by its name (whatever its case) or its id.

    Args:
        workspace: None takes the current one.

    Raises:
        ModelNotFoundError: from every method that is given a model, when there is none such; with the nearest name.
        WorkspaceError: from every method, when the workspace cannot be read or written.
    """

    def __init__(self, workspace: Workspace | None = None) -> None:
        self.workspace = workspace or workspaces.current()
        self.objects = objects.Objects(self.workspace)
        self._records = ModelRecords(self.workspace.database)

    # -- looking --------------------------------------------------------------------------------

    def list(
        self, query: Mapping[str, Any] | None = None, offset: int = 0, limit: int | None = None,
    ) -> tuple[list[ModelRecord], int]:
        """The models that `query` finds, from `offset` on at most `limit` of them, and how many it finds in all.

        `query`: ``search`` (words, each in the name, architecture, task or a tag), ``sort`` (``updated created name
        parameters bytes metric stage``), ``descending``, ``stage category tag task``; each may be left out. Raises
        ConfigError for what is unknown in it.
        """
        keeping.adopt(self.workspace, self._records)
        return self._records.page(query, offset, limit)

    def labels(self) -> tuple[int, Sequence[str], Sequence[str]]:
        """How many models there are, and all of their categories and tags, sorted."""
        return self._records.labels()

    def deleted(self) -> Sequence[ModelRecord]:
        """Models that can be brought back, last deleted first."""
        return self._records.deleted()

    def find(self, given: str) -> ModelRecord:
        """A model by name or id."""
        checked_model(given)
        keeping.adopt(self.workspace, self._records)
        return self._records.find(given)

    def of_repository(self, repository: str) -> ModelRecord | None:
        """The model whose newest version came from this repository of the Hub; None where there is none."""
        return self._records.of_repository(repository)

    def folder(self, model: str) -> Path:
        """Where the versions of a model lie."""
        return self.workspace.model_folder(self.find(model).id)

    def versions(self, model: str) -> Sequence[Version]:
        """Versions of a model, newest first."""
        model_id = self.find(model).id
        keeping.adopt_versions(self.workspace, self._records, model_id)
        return [self._version(record) for record in self._records.versions(model_id)]

    def version(self, model: str, number: int | None = None) -> Version:
        """One version; None takes the one in production, else in staging, else the newest.

        Raises ModelNotFoundError for one there is not, and says which there are.
        """
        found = self.versions(model)
        if number is None:
            return max(found, key=lambda each: (max(RANKS.index(each.stage), 1), each.number))
        checked_number(number)
        chosen = next((version for version in found if version.number == number), None)
        if chosen is None:
            there = ", ".join(str(version.number) for version in reversed(found))
            raise ModelNotFoundError(
                f"The model {self.find(model).name!r} has no version {number}; there are: {there}.")
        return chosen

    # -- adding ---------------------------------------------------------------------------------

    def check(self, *, name: str | None = None, model: str | None = None, note: str = "") -> None:
        """What `add` would refuse whatever the package is, before that is made. Raises as `add`."""
        if name is not None and self._records.named(checked_name(name, "model")) is not None:
            raise taken(checked_name(name, "model"))
        if model is not None:
            self.find(model)
        checked_note(note)

    def add(
        self, package: Package, *, name: str | None = None, else_name: str = "model", model: str | None = None,
        or_version: bool = False, note: str = "", tags: Sequence[str] = (), category: str = "",
        stage: Stage = "none", progress: Progress | None = None,
    ) -> Version:
        """Keep a package as a new model, or as a new version of `model`; whole, or not at all.

        Args:
            package: its files are copied, so they may go afterwards.
            name: how the model is called.
            else_name: its name where none is given; with a number behind it where that is taken.
            model: add a version to this model instead.
            or_version: where there is a model `name` already, add a version to that.
            note: of the version.
            tags: of the model, where it is a new one.
            category: likewise.
            stage: of the version; where that is production, the one that was in it is archived.
            progress: is told how far it is, in bytes; cancelling it leaves nothing behind.

        Raises:
            ConfigError: `name` cannot be used, or another model has it; or a tag, the category or the note cannot be.
            ModelFileError: a file's name leads out of the folder.
            CancelledError: it was called off.
        """
        about = told_of(package.about)
        for path in package.files:
            checked_path(path)
        draft = Manifest(
            name=made_up(else_name, "model") if name is None else checked_name(name, "model"),
            category=checked_category(category), tags=checked_tags(tags),
            version=VersionRecord(model="", number=1, about=about, files={}, note=checked_note(note), stage=stage))
        held = None if name is None else self._records.named(draft.name)
        if held is not None and not or_version:
            raise taken(draft.name)
        if model is not None or held is not None:
            return self._add_version(self.find(model or draft.name), draft, package, progress)
        with atomic.told("make the folder", self.workspace.models_trash_folder):
            self.workspace.models_trash_folder.mkdir(parents=True, exist_ok=True)
        self.tidy()
        model_id = self.workspace.new_model_id()
        draft = replace(draft, version=replace(draft.version, model=model_id))
        with atomic.new_folder(self.workspace.models_folder / model_id) as beside:
            with lock.RunLock(beside):  # so that no other kernel takes it for what a crash left
                (beside / "v1").mkdir()
                manifest = self._fill(beside / "v1", draft, package, progress)
            (beside / lock.NAME).unlink()
        try:
            version = self._register(manifest, exact=name is not None)
        except ConfigError:
            if not or_version:
                raise
            return self.add(  # one has it now
                package, name=name, or_version=True, note=note, stage=stage, progress=progress)
        self._note("model added", self.find(model_id).name)
        return version

    def _add_version(
        self, record: ModelRecord, draft: Manifest, package: Package, progress: Progress | None,
    ) -> Version:
        folder = self.workspace.model_folder(record.id)
        keeping.sweep(folder)
        keeping.adopt_versions(self.workspace, self._records, record.id)
        draft = Manifest(
            name=record.name, category=record.category, tags=record.tags,
            version=replace(draft.version, model=record.id, created=time.time()))
        stage = folder / f".{secrets.token_hex(8)}.unfinished"
        try:
            with atomic.told("write", stage), atomic.new_folder(stage) as beside:
                with lock.RunLock(beside):
                    manifest = self._fill(beside, draft, package, progress)
                (beside / lock.NAME).unlink()
            version = self._records.append_version(
                record.id, lambda: keeping.numbered(folder),
                lambda number: keeping.placed(manifest, stage, folder, number))
        except WorkspaceError:
            self.find(record.id)  # raises where it was deleted meanwhile, with its folder
            raise
        finally:
            for place in (folder, self.workspace.models_trash_folder / record.id):  # it may have gone with its model
                for left in place.glob(f"*{stage.name}*"):
                    shutil.rmtree(left, ignore_errors=True)
        self._note("model version added", f"{record.name} {version.number}")
        return self._version(version)

    # -- changing -------------------------------------------------------------------------------

    def rename(self, model: str, name: str) -> ModelRecord:
        """Give another name. Raises ConfigError when it cannot be used or is taken."""
        kept, record = checked_name(name, "model"), self.find(model)
        if kept != record.name:
            self._records.rename(record.id, kept)
            self._note("model renamed", f"{record.name} → {kept}")
        return self.find(record.id)

    def tag(self, model: str, tags: Sequence[str]) -> ModelRecord:
        """These tags in place of those it had. Raises ConfigError for one that cannot be used."""
        record, kept = self.find(model), checked_tags(tags)
        self._records.tag(record.id, kept)
        return self.find(record.id)

    def categorise(self, model: str, category: str) -> ModelRecord:
        """Put it into a category; empty takes it out. Raises ConfigError."""
        record, kept = self.find(model), checked_category(category)
        self._records.categorise(record.id, kept)
        return self.find(record.id)

    def note(self, model: str, number: int, note: str) -> None:
        """Another note for a version. Raises ConfigError when it is too long."""
        self._records.note(self.find(model).id, checked_number(number), checked_note(note))

    def measure(self, model: str, number: int, metrics: Mapping[str, float]) -> None:
        """These figures beside those that are known of a version."""
        version = self.version(model, number)
        about = replace(version.about, metrics={**version.about.metrics, **metrics})
        self._records.measure(version.model, number, told_of(about))

    def move(self, model: str, number: int, stage: Stage) -> Sequence[int]:
        """Move a version to a stage; gives the versions that were in production before and are archived now.

        Raises ConfigError for a stage there is not.
        """
        if stage not in RANKS:
            raise ConfigError([Problem("stage", unknown("stage", str(stage), RANKS))])
        checked_number(number)
        record = self.find(model)
        keeping.adopt_versions(self.workspace, self._records, record.id)
        before = self._records.move(record.id, number, stage)
        self._note("model moved", f"{record.name} {number} → {stage}")
        return before

    # -- deleting -------------------------------------------------------------------------------

    def delete(self, model: str, number: int | None = None) -> ModelRecord:
        """Delete a model, or one version of it; for `keeping.KEPT_DAYS` days `restore` brings it back.

        Raises:
            ConfigError: it is the only version.
            WorkspaceError: the folder cannot be moved; then it is not deleted. (On Windows: while it is read.)
        """
        if number is not None:
            checked_number(number)
        record = self.find(model)
        folder = self.workspace.model_folder(record.id)
        if number is None:
            trash = self.workspace.models_trash_folder
            self._records.mark_deleted(record.id, lambda: keeping.moved(folder, trash / record.id))
            self._note("model deleted", record.name)
        else:
            keeping.adopt_versions(self.workspace, self._records, record.id)
            own = f"v{number}"
            self._records.mark_version_deleted(
                record.id, number, lambda: keeping.moved(folder / own, folder / DELETED / own))
            self._note("model version deleted", f"{record.name} {number}")
        self.tidy()
        return record

    def restore(self, model: str | None = None, number: int | None = None) -> ModelRecord:
        """Bring back a deleted model, or a deleted version of one that is there; None: what was deleted last.

        A model whose name was given away gets another; a version that was in production is archived where another is
        in production now.

        Raises:
            ModelNotFoundError: there is none to bring back.
            WorkspaceError: its files are gone.
        """
        owner = None if model is None or number is None else self.find(model).id
        record, version = keeping.last_deleted(self._records, owner or model, number)
        if record is not None and (version is None or (record.deleted or 0) >= (version.deleted or 0)):
            return self._restore(record)
        if version is None:
            which = "no model" if model is None else f"no deleted model {model!r:.100}"
            if number is not None:
                which = f"no deleted version {number}" + ("" if model is None else f" of {model!r:.100}")
            raise ModelNotFoundError(f"There is {which} to bring back; what is deleted is kept for 30 days.")
        found, own = self.find(version.model), f"v{version.number}"
        folder = self.workspace.model_folder(found.id)
        self._records.mark_version_restored(found.id, version.number, lambda: keeping.moved_back(
            folder / DELETED / own, folder / own, f"Version {version.number} of {found.name!r}"))
        self._note("model version restored", f"{found.name} {version.number}")
        return self.find(found.id)

    def _restore(self, record: ModelRecord) -> ModelRecord:
        trash, folder = (each / record.id for each in (
            self.workspace.models_trash_folder, self.workspace.models_folder))
        name = take_free_name(record.name, self._is_taken, lambda name: self._records.mark_restored(
            record.id, name, lambda: keeping.moved_back(trash, folder, f"The model {record.name!r}")))
        self._note("model restored", name)
        return self.find(record.id)

    # -- keeping in order -----------------------------------------------------------------------

    def tidy(self) -> None:
        """Remove for good what was deleted long ago, and what a kernel that died left half-made."""
        gone = keeping.purge(self.workspace, self._records)
        if self.workspace.models_folder.is_dir():
            keeping.sweep(self.workspace.models_folder)
            keeping.sweep_objects(self.workspace, purged=gone > 0)

    def verify(self, model: str, number: int, progress: Progress | None = None) -> None:
        """Read every file of a version and compare it with its hash.

        Raises:
            ModelFileError: a file is missing, cut short or altered.
            CancelledError: it was called off.
        """
        version = self.version(model, number)
        told = objects.teller(progress, version.bytes)
        for path, file in version.files.items():
            objects.check(version.folder / path, file.sha256, told)

    # -- inside ---------------------------------------------------------------------------------

    def _version(self, record: VersionRecord) -> Version:
        return version_of(record, self.workspace.model_folder(record.model) / f"v{record.number}")

    def _fill(self, folder: Path, draft: Manifest, package: Package, progress: Progress | None) -> Manifest:
        """Lay all files and the manifest into `folder`; gives the manifest with them."""
        with atomic.told("read", folder):
            told = objects.teller(progress, sum(source.stat().st_size for source in package.files.values()))
        files = dict[str, StoredFile]()
        for path, source in package.files.items():
            for parent in reversed(PurePosixPath(path).parents[:-1]):
                with atomic.told("make the folder", folder / parent):
                    (folder / parent).mkdir(exist_ok=True)  # never `folder` itself, which goes with its model
            files[path] = self.objects.lay(source, folder / path, told)
        manifest = replace(draft, version=replace(
            draft.version, files={path: asdict(file) for path, file in files.items()}))
        manifest.write(folder)
        return manifest

    def _register(self, manifest: Manifest, *, exact: bool) -> Version:
        """Make a new model known; where another kernel took the name meanwhile, under the next that is free.

        Raises ConfigError when the name must be `exact`; then its folder is gone.
        """
        version, model_id = manifest.version, manifest.version.model
        folder = self.workspace.model_folder(model_id)
        name = manifest.name if exact else self._free(manifest.name)
        while True:
            try:
                self._records.add(
                    ModelRecord(id=model_id, name=name, created=version.created, updated=version.created,
                                category=manifest.category, tags=manifest.tags), [version])
                if exact and self.find(model_id).name != name:  # another kernel found its folder, when one had the name
                    raise taken(name)
                return self._version(version)
            except ConfigError:
                if exact:
                    self._records.give_up(model_id, lambda: atomic.remove_folder(folder))
                    raise
                name = self._free(manifest.name)

    def _free(self, name: str) -> str:
        return free_name(name, self._is_taken)

    def _is_taken(self, name: str) -> bool:
        return self._records.named(name) is not None

    def _note(self, kind: str, text: str) -> None:
        self.workspace.database.add_activity(kind, None, text)
