"""`WorkspaceModels`: the models of the workspace and of the Hub, as the model browser asks for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, cast

from nbtrain import model_facts, trying
from nbtrain.arriving import TakesUploads, must_be
from nbtrain.core.errors import CommandError, ConfigError, Problem
from nbtrain.core.model_views import (
    DownloadView,
    ExportView,
    HubFacts,
    HubPage,
    ModelFacts,
    ModelPage,
    Prediction,
    Stage,
    TryForm,
)
from nbtrain.core.tasks import Progress, Tasks
from nbtrain.hub.client import is_repository
from nbtrain.model_arrivals import Arrivals
from nbtrain.models.package import Version
from nbtrain.models.registry import Registry

#: What an export from the panel may be asked beside format and path.
_EXPORTING = ("overwrite",)
#: Models of a page of the Hub.
PAGE = 30


class WorkspaceModels(TakesUploads):
    """Implements `nbtrain.core.ports.ModelDesk`. Any thread may call.

    Args:
        tasks: where long work is begun.
        on_use: is told the name of a model that shall be trained; returns whether a form took it.
    """

    def __init__(self, tasks: Tasks | None = None, on_use: Callable[[str], bool] | None = None) -> None:
        self._tasks = tasks or Tasks()
        self._on_use = on_use
        self._arrivals = Arrivals(self._tasks)
        super().__init__(self._arrivals.imports)
        self._working: dict[str, dict[str, str]] = {}
        """Model → kind of work → the task that did it last."""

    @property
    def tasks(self) -> Tasks:
        return self._tasks

    # -- the workspace's ------------------------------------------------------------------------

    def models(self, query: Mapping[str, Any], offset: int, limit: int) -> ModelPage:
        must_be(int, offset=offset, limit=limit)
        return model_facts.page(Registry(), query, offset, limit)

    def facts(self, model: str) -> ModelFacts:
        must_be(str, model=model)
        return model_facts.facts(Registry(), model, self._working.get(model, {}))

    def rename(self, model: str, name: str) -> None:
        Registry().rename(model, name)

    def tag(self, model: str, tags: Sequence[str]) -> None:
        Registry().tag(model, tags)

    def categorise(self, model: str, category: str) -> None:
        Registry().categorise(model, category)

    def note(self, model: str, version: int, note: str) -> None:
        Registry().note(model, version, note)

    def move(self, model: str, version: int, stage: str) -> None:
        Registry().move(model, version, cast("Stage", stage))

    def delete(self, model: str, version: int | None) -> None:
        gone = Registry().delete(model, version)
        trying.forget(gone.id, version)

    def undelete(self, model: str, version: int | None) -> None:
        Registry().restore(model, version)

    def verify(self, model: str, version: int) -> str:
        found = self._version(model, version)
        return self._work(found, "verify", lambda progress: Registry().verify(found.model, found.number, progress))

    def export(self, model: str, version: int, format: str, path: str, options: Mapping[str, Any]) -> str:  # noqa: A002 - the wire's word
        from nbtrain.models.exporting.export import checked_target, export  # noqa: PLC0415 - it loads torch

        must_be(str, format=format, path=path)
        must_be(Mapping, options=options)
        found = self._version(model, version)
        unknown = [name for name in options if name not in _EXPORTING]
        if unknown:
            raise ConfigError([Problem(
                unknown[0], f"An export takes {', '.join(_EXPORTING)}, not {unknown[0]!r:.60}.")])
        overwrite = bool(options.get("overwrite", False))
        checked_target(found.about, format, path.strip(), overwrite=overwrite)  # before anything starts
        return self._work(found, "model_export", lambda progress: export(
            found, format, path.strip(), overwrite=overwrite, progress=progress))

    def exported(self, task: str) -> ExportView | None:
        found = self._tasks.find(task)
        if found is None or found.kind != "model_export" or found.phase != "done":
            return None
        return cast("ExportView", found.wait(0))

    def push(self, model: str, version: int, repository: str, *, private: bool) -> str:
        from nbtrain.models.exporting.push import push  # noqa: PLC0415 - it loads the client of the Hub

        must_be(str, repository=repository)
        found, wanted = self._version(model, version), repository.strip()
        if not is_repository(wanted) or wanted.count("/") != 1:
            raise ConfigError([Problem(
                "repository", f"{wanted!r:.120} is no name of a repository; names look like owner/name.")])
        name = Registry().find(found.model).name
        return self._work(found, "push", lambda progress: push(
            found, wanted, private=private, name=name, progress=progress))

    def use(self, model: str) -> bool:
        name = Registry().find(model).name
        return self._on_use is not None and self._on_use(name)

    # -- arriving -------------------------------------------------------------------------------

    def import_source(self, source: str, name: str | None, options: Mapping[str, Any]) -> str:
        return self._arrivals.import_source(source, name, options)

    def import_again(self, task: str, options: Mapping[str, Any]) -> str:
        return self._arrivals.import_again(task, options)

    def question(self, task: str) -> str:
        return self._arrivals.question(task)

    def result(self, task: str) -> str | None:
        found = self._tasks.find(task)
        if found is None or found.kind not in {"model_import", "download"} or found.phase != "done":
            return None
        return cast("str", found.wait(0)) or None

    def uploaded(self, upload: str, name: str | None, options: Mapping[str, Any]) -> tuple[str, str]:
        return self._arrivals.uploaded(upload, name, options)

    # -- the Hub's ------------------------------------------------------------------------------

    def search(self, query: Mapping[str, Any], cursor: str | None) -> HubPage:
        from nbtrain.hub.search import search  # noqa: PLC0415 - it loads the client of the Hub

        return search(query, cursor, PAGE)

    def hub_facts(self, repository: str, revision: str | None, training: Mapping[str, Any]) -> HubFacts:
        from nbtrain.hub.details import details  # noqa: PLC0415 - as above

        return details(repository, revision, training)

    def download(
        self, repository: str, revision: str | None, *, trust_remote_code: bool = False, convert: bool = False,
    ) -> str:
        return self._arrivals.download(repository, revision, trust_remote_code=trust_remote_code, convert=convert)

    def downloads(self) -> Sequence[DownloadView]:
        return self._arrivals.downloads()

    def stop_download(self, download: str) -> None:
        self._arrivals.stop_download(download)

    def resume_download(self, download: str, options: Mapping[str, Any] | None = None) -> str:
        return self._arrivals.resume_download(download, options or {})

    def drop_download(self, download: str) -> None:
        self._arrivals.drop_download(download)

    # -- trying ---------------------------------------------------------------------------------

    def try_form(self, model: str, version: int) -> TryForm:
        return trying.form(self._version(model, version))

    def predict(self, model: str, version: int, values: Mapping[str, Any]) -> Prediction:
        """A file's value is the id of an upload that is whole; it goes when it was looked at."""
        must_be(Mapping, values=values)
        found = self._version(model, version)
        files = [each["name"] for each in trying.form(found)["fields"] if each["type"] == "file"]
        sent = {name: values[name] for name in files if isinstance(values.get(name), str) and values[name]}
        try:
            paths = {name: self._imports.uploads.finish(upload).path for name, upload in sent.items()}
            return trying.predict(found, {**values, **paths})
        finally:
            for upload in sent.values():
                self._imports.uploads.cancel(upload)

    # -- inside ---------------------------------------------------------------------------------

    @staticmethod
    def _version(model: str, number: int) -> Version:
        return Registry().version(model, number)

    def _work(self, version: Version, kind: str, work: Callable[[Progress], object]) -> str:
        """Begin long work on a version."""
        running = self._working.setdefault(version.model, {})
        before = self._tasks.find(running.get(kind, ""))
        if before is not None and not before.ended:
            raise CommandError(f"{before.title} is being worked on in this way already; wait until that has ended.")
        task = self._tasks.start(kind, Registry().find(version.model).name, work)
        running[kind] = task.id
        return task.id


@cache
def desk(on_use: Callable[[str], bool]) -> WorkspaceModels:
    """One for all panels of the kernel, so that each shows the work that another began."""
    return WorkspaceModels(on_use=on_use)
