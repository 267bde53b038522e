"""What the model browser shows of models of the workspace, put together from what the registry knows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nbtrain import trying
from nbtrain.core.model_views import (
    DownloadView,
    FileView,
    MetricView,
    ModelFacts,
    ModelPage,
    ModelRow,
    VersionView,
)
from nbtrain.hub import contents
from nbtrain.hub.downloads import Download
from nbtrain.models.exporting import formats_of
from nbtrain.models.package import About, Version
from nbtrain.models.registry import ModelRecord, Registry

#: Rows of a page at most, however many are asked for.
MOST_ROWS = 500
#: Files that are shown of a version.
MOST_FILES = 500


def page(registry: Registry, query: Mapping[str, Any], offset: int, limit: int) -> ModelPage:
    """A stretch of the list. Raises ConfigError for what is unknown in `query`."""
    records, total = registry.list(query, max(0, offset), max(0, min(limit, MOST_ROWS)))
    count, categories, tags = registry.labels()
    return ModelPage(
        rows=[row(record) for record in records], total=total, count=count, categories=list(categories),
        tags=list(tags))


def row(record: ModelRecord) -> ModelRow:
    """A line of the list."""
    metric = None
    if record.metric_name is not None and record.metric_value is not None:
        metric = MetricView(name=record.metric_name, value=record.metric_value)
    return ModelRow(
        id=record.id, name=record.name, architecture=record.architecture, format=record.format, task=record.task,
        category=record.category, tags=list(record.tags), parameters=record.parameters, bytes=record.bytes,
        created=record.created, updated=record.updated, versions=record.versions, stage=record.stage, metric=metric,
        source=record.source, source_args=dict(record.source_args))


def facts(registry: Registry, model: str, running: Mapping[str, str]) -> ModelFacts:
    """All that is kept of a model.

    Args:
        registry: has it.
        model: its id or name.
        running: kind of work → the task that does it, or did it last.
    """
    record = registry.find(model)
    return ModelFacts(
        row=row(record), versions=[version(each) for each in registry.versions(record.id)],
        folder=str(registry.folder(record.id)), running=dict(running))


def version(of: Version) -> VersionView:
    """One version."""
    about = of.about
    return VersionView(
        number=of.number, stage=of.stage, created=of.created, bytes=of.bytes, parameters=about.parameters,
        format=about.format, architecture=about.architecture,
        metrics=[MetricView(name=name, value=value) for name, value in about.metrics.items()],
        labels=list(about.labels), data=about.data, options=dict(about.options), source=about.source,
        source_args=dict(about.source_args), note=of.note, files=_files(of), exports=exports(about),
        tryable=trying.is_tryable(of))


def exports(about: About) -> list[str]:
    """The formats that it can be exported to from the panel."""
    return list(formats_of(about))


def download(found: Download) -> DownloadView:
    """A download, for the queue."""
    return DownloadView(
        id=found.id, repository=found.repository, revision=found.revision or found.commit, have=found.have,
        total=found.total, speed=found.speed, left=found.left, phase=found.phase, task=found.task, error=found.error,
        model=found.model, question=found.question)


def _files(of: Version) -> list[FileView]:
    return [
        FileView(path=path, size=file.size, safe=contents.is_safe(path))
        for path, file in sorted(of.files.items())[:MOST_FILES]]
