"""`WorkspaceDatasets`: the datasets of the workspace as the datasets panel asks for them."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbtrain import dataset_facts
from nbtrain.arriving import Imports, TakesUploads, Wanted
from nbtrain.arriving import Work as Importing
from nbtrain.core.dataset_views import BeforeAfter, Cure, DatasetFacts, DatasetRow, StepSchema
from nbtrain.core.errors import CommandError, ConfigError, DatasetNotFoundError, Problem
from nbtrain.core.tasks import Progress, Task, Tasks
from nbtrain.data.keeping.library import Library
from nbtrain.dataset import Dataset
from nbtrain.launcher import namespace
from nbtrain.store.datasets import name_key
from nbtrain.store.names import checked_name

if TYPE_CHECKING:
    from nbtrain.desk import Origin  # it loads DuckDB

#: Of the user's rows, so many are shown before and after a step.
TRIED = 5

Work = Callable[[Progress], str | None]


@dataclass(slots=True)
class _Memory:
    """What the desk remembers while the kernel lives."""

    working: dict[str, dict[str, str]] = field(default_factory=dict)
    """Dataset → kind of work → the task that did it last."""
    targets: dict[str, str | None] = field(default_factory=dict)
    """Dataset → the column to predict, as it was said last."""


class WorkspaceDatasets(TakesUploads):
    """Implements `nbtrain.core.ports.DatasetDesk`. Any thread may call.

    Args:
        tasks: where long work is begun.
        on_use: is told the name of a dataset that shall be trained on; returns whether a form took it.
        on_options: as `on_use`, of options that shall be trained with.
    """

    def __init__(
        self, tasks: Tasks | None = None, on_use: Callable[[str], bool] | None = None,
        on_options: Callable[[Mapping[str, Any]], bool] | None = None,
    ) -> None:
        self._tasks = tasks or Tasks()
        self._on_use = on_use
        self._on_options = on_options
        self._known = _Memory()
        super().__init__(Imports(self._tasks, "import", _importing))

    # -- looking --------------------------------------------------------------------------------

    @property
    def tasks(self) -> Tasks:
        return self._tasks

    def rows(self) -> Sequence[DatasetRow]:
        library = Library()
        return [dataset_facts.row(library, record) for record in library.list()]

    def facts(self, dataset: str) -> DatasetFacts:
        return dataset_facts.facts(
            self._dataset(dataset), self._known.targets.get(dataset), dict(self._known.working.get(dataset, {})))

    def steps(self) -> Sequence[StepSchema]:
        return dataset_facts.steps()

    def result(self, task: str) -> str | None:
        found = self._tasks.find(task)
        return found.wait(0) if found is not None and found.phase == "done" else None

    # -- importing ------------------------------------------------------------------------------

    def import_source(self, source: str, name: str | None, options: Mapping[str, Any]) -> str:
        given = source.strip()
        if not given:
            raise ConfigError([Problem("source", "The source is empty; give a path, a pattern or a Hub name.")])
        held = namespace().get(given) if given.isidentifier() and not Path(given).exists() else None
        return self._imports.begin(Wanted(
            source=given if held is None else held, title=given, name=name, options=dict(options)))

    def import_origin(self, origin: Origin, name: str, failed: tuple[str, ...] = ()) -> str:
        """Import what a preview shows, as it was read; `name` is what that calls it, `failed` tried it before."""
        title = origin.source if isinstance(origin.source, str) else name
        return self._imports.begin(Wanted(
            source=origin.source, title=title, name=origin.name, options=dict(origin.options), said=origin.said,
            failed=failed))

    def import_again(self, task: str, options: Mapping[str, Any]) -> str:
        return self._imports.begin(replace(self._imports.failed(task), options=dict(options)))

    def sample(self) -> str:
        from nbtrain.data.importing.objects import open_object  # noqa: PLC0415 - they load pandas and Arrow
        from nbtrain.data.importing.sample import sample  # noqa: PLC0415

        def work(progress: Progress) -> str:
            found = sample()
            opened = open_object(found.frame, name=found.name)
            return Library().write(
                lambda folder: opened.import_to(folder, progress=progress), name=None, else_name=found.name,
                source=found.source).dataset.id

        return self._tasks.start("sample", "sample", work).id

    def uploaded(self, upload: str, name: str | None, options: Mapping[str, Any]) -> tuple[str, str]:
        return self._imports.uploaded(upload, lambda: (name, dict(options)))

    # -- working --------------------------------------------------------------------------------

    def profile(self, dataset: str, target: str | None) -> str:
        found = self._dataset(dataset)
        self._known.targets[dataset] = target
        return self._work(found, "profile", lambda progress: _nothing(found.profile(target, progress=progress)))

    def split(self, dataset: str, spec: Mapping[str, Any]) -> str:
        from nbtrain.data.splits.splitting import SplitSpec  # noqa: PLC0415 - it loads NumPy and Arrow

        found, wanted = self._dataset(dataset), SplitSpec.from_json(spec)
        if wanted.target is not None:
            self._known.targets[dataset] = wanted.target
        return self._work(found, "split", lambda progress: _nothing(found.split(wanted, progress=progress)))

    def quality(self, dataset: str, target: str | None) -> str:
        found = self._dataset(dataset)
        return self._work(found, "quality", lambda progress: _nothing(found.quality(target, progress=progress)))

    def before_after(self, dataset: str, steps: Sequence[Mapping[str, Any]], index: int) -> BeforeAfter:
        found = self._dataset(dataset)
        return dataset_facts.before_after(found, steps, index, self._target(found), TRIED)

    def process(self, dataset: str, steps: Sequence[Mapping[str, Any]], name: str) -> str:
        from nbtrain.data.processing import Recipe  # noqa: PLC0415 - it loads Arrow and tokenizers

        found = self._dataset(dataset)
        target = self._target(found)
        Recipe(steps, target)
        self._refuse(name)
        return self._work(found, "process", lambda progress: found.process(
            *steps, target=target, name=checked_name(name), progress=progress).id)

    def remedy(self, dataset: str, finding: int, kind: str, count: int) -> Cure:
        found = self._dataset(dataset)
        remedy = dataset_facts.remedy(found, finding, kind, count)
        if remedy is None:
            raise CommandError("This finding is no longer known; check the quality again.")
        goal = dataset_facts.checked_target(found) or self._target(found)
        if remedy.kind == "options":
            options = {**({} if goal is None else {"target": goal}), **remedy.options}
            said = ", ".join(f"{name}={value!r}" for name, value in options.items())
            return Cure(
                task=None, taken=self._on_options is not None and self._on_options(remedy.options),
                code=f"nbtrain.train(model, {found.name!r}, {said})")
        if remedy.kind == "split":
            task = self.split(dataset, remedy.split)
        elif remedy.kind == "rows":
            task = self._work(found, "remedy", lambda progress: _nothing(
                dataset_facts.leave_out(found, remedy.rows, progress)))
        else:
            task = self._work(found, "remedy", lambda progress: found.process(
                *remedy.steps, target=goal, progress=progress).id)
        return Cure(task=task, taken=True, code="")

    def export(self, dataset: str, path: str) -> str:
        found = self._dataset(dataset)
        return self._work(found, "export", lambda progress: _nothing(found.export(path.strip(), progress=progress)))

    # -- keeping --------------------------------------------------------------------------------

    def rename(self, dataset: str, name: str) -> None:
        Library().rename(dataset, name)

    def delete(self, dataset: str) -> None:
        Library().delete(dataset)

    def undelete(self, dataset: str) -> None:
        Library().restore(dataset)

    def use(self, dataset: str) -> bool:
        name = self._dataset(dataset).name
        return self._on_use is not None and self._on_use(name)

    # -- inside ---------------------------------------------------------------------------------

    def _dataset(self, dataset: str) -> Dataset:
        library = Library()
        return Dataset(library.find(dataset), library)

    def _target(self, dataset: Dataset) -> str | None:
        return dataset_facts.target_of(dataset, self._known.targets.get(dataset.id))

    def _refuse(self, name: str) -> None:
        """Before long work whose result could not be called so. Raises ConfigError."""
        wanted = checked_name(name)
        if any(name_key(record.name) == name_key(wanted) for record in Library().list()):
            raise ConfigError([Problem("name", f"There is a dataset {wanted!r} already; choose another name.")])

    def _work(self, dataset: Dataset, kind: str, work: Work) -> str:
        task = self._tasks.start(kind, dataset.name, work)
        self._known.working.setdefault(dataset.id, {})[kind] = task.id
        return task.id


def _importing(wanted: Wanted) -> Importing:
    from nbtrain.data.reading.read_options import ReadOptions  # noqa: PLC0415 - it comes with all that reads

    known = {each.name for each in fields(ReadOptions)}
    options = ReadOptions.from_json({key: value for key, value in wanted.options.items() if key in known})
    more = {key: value for key, value in wanted.options.items() if key not in known}
    said = wanted.said if wanted.upload is None else wanted.title
    return lambda progress: Library().add(
        wanted.source, name=wanted.name, options=options, progress=progress, said_source=said, **more).dataset.id


class OriginImport:
    """Imports what a preview shows; `nbtrain.core.table_views.Importer`.

    Args:
        desk: does it, so that every panel of datasets hears of it.
        origin: what to import.
        shown: where the preview tells its work.
        name: of the preview.
    """

    def __init__(self, desk: WorkspaceDatasets, origin: Origin, shown: Tasks, name: str) -> None:
        self._desk = desk
        self._origin = origin
        self._shown = shown
        self._name = name
        self._task: Task[Any] | None = None
        self._begun: tuple[str, ...] = ()
        self._lock = threading.Lock()

    def begin(self) -> Task[Any]:
        with self._lock:
            if self._task is None or self._task.ended:
                self._task = self._desk.tasks.find(self._desk.import_origin(self._origin, self._name, self._begun))
                assert self._task is not None  # noqa: S101 - it began just now
                self._begun = (*self._begun, self._task.id)
                self._shown.show(self._task)
            return self._task

    def task(self) -> Task[Any] | None:
        return self._task

    def name(self) -> str | None:
        if self._task is None or self._task.phase != "done":
            return None
        with contextlib.suppress(DatasetNotFoundError):  # deleted since
            return Library().find(self._task.wait(0)).name
        return None


@cache
def desk(on_use: Callable[[str], bool], on_options: Callable[[Mapping[str, Any]], bool]) -> WorkspaceDatasets:
    """One for all panels of the kernel, so that each shows the work that another began."""
    return WorkspaceDatasets(on_use=on_use, on_options=on_options)


def _nothing(result: object) -> None:
    """A task's result is the dataset it made; what it found out about one is kept beside that."""
