"""What the datasets panel shows of a dataset, put together from what is kept of it: nothing long is done here."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, cast

from nbtrain.core.dataset_views import (
    BeforeAfter,
    Cells,
    ColumnFacts,
    ColumnView,
    DatasetFacts,
    DatasetRow,
    FindingView,
    NoteView,
    PartCounts,
    ProfileView,
    QualityView,
    Scalar,
    SourceView,
    SplitView,
    StepSchema,
    ValueCount,
)
from nbtrain.core.errors import CommandError, DataError
from nbtrain.core.tasks import Progress
from nbtrain.data.keeping.kept import latest, split_key
from nbtrain.data.keeping.library import Library
from nbtrain.dataset import PROFILES, REPORTS, Dataset
from nbtrain.store.datasets import DatasetRecord

if TYPE_CHECKING:
    import pyarrow as pa

    from nbtrain.data.looking.facts import ColumnProfile, Count, Profile
    from nbtrain.data.quality import Finding, Remedy, Report
    from nbtrain.data.splits.splitting import Split

REJECTED = "rejected.csv"
#: Characters of a cell, before and after a step.
CELL = 300
#: Classes of a target that are shown.
CLASSES = 200
#: What a column to predict is usually called.
TARGETS = ("label", "target", "class", "species", "category", "y", "labels")


#: What is written down of where data comes from, where that is no path or name, and how each is said.
_ORIGINS = (
    (r"a (?P<library>pandas) data frame", "data_frame"),
    (r"a (?P<library>NumPy) array", "array"),
    (r"a dict of columns", "columns"),
    (r"a list of (dicts|rows)", "rows"),
    (r"a dataset of the (?P<library>datasets) library", "table"),
    (r"a (?P<library>\w+) (table|batch|dataset|[A-Z]\w*)", "table"),
    (r"(?P<name>\S+/\S+|\S+) on the Hub(?P<part> \(.*\))?(?P<split>, .*)?", "hub"),
    (r"(?P<path>.+) and (?P<number>\d+) more", "several"),
    (r"(?P<library>scikit-learn): Fisher’s irises \(1936\)", "iris"),
    (r"drawn at random by nbtrain, to try things on", "made_up"),
)


def row(library: Library, record: DatasetRecord) -> DatasetRow:
    """A line of the list."""
    return DatasetRow(
        id=record.id, name=record.name, rows=record.rows, columns=record.columns, bytes=record.bytes,
        kind=_kind(column["kind"] for column in _columns(library, record.id)), created=record.created,
        source=record.source, origin=origin(record.source), rejected=record.rejected)


def origin(source: str) -> SourceView | None:
    """Where data comes from, to be said in any language; None for a path or a name, which is itself in all of them."""
    for pattern, kind in _ORIGINS:
        if (found := re.fullmatch(pattern, source)) is not None:
            args: dict[str, Scalar] = {name: value or "" for name, value in found.groupdict().items()}
            if "number" in args:
                args["number"] = int(found["number"])
            return SourceView(kind=kind, args=args)
    return None


def facts(dataset: Dataset, target: str | None, running: dict[str, str]) -> DatasetFacts:
    """All that is kept of a dataset.

    Args:
        dataset: which.
        target: the column to predict, where one was said.
        running: kind of work → the task that does it, or did it last.
    """
    library = Library()
    record = library.find(dataset.id)
    split = dataset.kept_split()
    recipe = dataset.recipe
    return DatasetFacts(
        row=row(library, record), fingerprint=record.fingerprint,
        rejected_file=str(dataset.folder / REJECTED) if record.rejected else "", notes=list(dataset.notes),
        columns=_columns(library, record.id), target=target_of(dataset, target),
        steps=[] if recipe is None else [step.to_json() for step in recipe.steps],
        profile=_profile(dataset), split=None if split is None else _split(split), quality=_quality(dataset, split),
        running=running)


def target_of(dataset: Dataset, said: str | None = None) -> str | None:
    """The column to predict: the one that was said, that of the split, or the one that is called like it."""
    split = dataset.kept_split()
    names = [column["name"] for column in _columns(Library(), dataset.id)]
    usual = sorted((name for name in names if name.lower() in TARGETS), key=lambda name: TARGETS.index(name.lower()))
    wanted = [said, None if split is None else split.spec.target, *usual]
    return next((name for name in wanted if name in names), None)


def steps() -> Sequence[StepSchema]:
    """The processing steps there are."""
    from nbtrain.data.processing import steps_schema  # noqa: PLC0415 - it loads Arrow and tokenizers

    return steps_schema()


def before_after(
    dataset: Dataset, wanted: Sequence[Mapping[str, Any]], index: int, target: str | None, rows: int,
) -> BeforeAfter:
    """What step `index` of these steps does to a few rows. Raises ConfigError or DataError, as `Recipe`."""
    from nbtrain.data.processing import ROW, Recipe  # noqa: PLC0415 - as above

    if not 0 <= index < len(wanted):
        raise CommandError(f"There is no step {index} in a recipe of {len(wanted)}.")
    shown = Recipe(wanted, target).preview(dataset.table, index, rows, dataset.kept_split())
    dropped = 0
    if ROW in shown.after.column_names and ROW in shown.before.column_names:
        left = set(shown.after[ROW].to_pylist())
        dropped = sum(number not in left for number in shown.before[ROW].to_pylist())
    return BeforeAfter(before=_cells(shown.before), after=_cells(shown.after), dropped=dropped)


def remedy(dataset: Dataset, index: int, kind: str, count: int) -> Remedy | None:
    """What cures a finding of the last report; None where that is not known any more, or is not the one that is meant.

    Args:
        dataset: which.
        index: of the finding in the report.
        kind: of the finding, as it was shown: the check may have been done anew since.
        count: as `kind`.
    """
    report = _report(dataset)
    findings = () if report is None else report[1].findings
    finding = findings[index] if 0 <= index < len(findings) else None
    return None if finding is None or (finding.kind, finding.count) != (kind, count) else finding.remedy


def checked_target(dataset: Dataset) -> str | None:
    """The column to predict that the last report is about, where it was said."""
    report = _report(dataset)
    return None if report is None else report[0].get("target")


def leave_out(dataset: Dataset, rows: Sequence[int], progress: Progress) -> Split:
    """Take rows out of every part of the dataset's split, which is made first where there is none."""
    less = dataset.split(progress=progress).leaving_out(rows)
    less.save(dataset.folder)
    return less


# -- inside -------------------------------------------------------------------------------------


def _columns(library: Library, dataset_id: str) -> list[ColumnView]:
    """Name, kind and type of each; none where what was written down is damaged."""
    try:
        told = library.facts(dataset_id).get("columns") or []
    except DataError:
        return []
    return [ColumnView(name=each["name"], kind=each["kind"], type=each["type"]) for each in told]


def _kind(kinds: Iterable[str]) -> Literal["table", "text", "image", "audio"]:
    """What the list draws beside the name."""
    found = set(kinds)
    if "image" in found:
        return "image"
    if "audio" in found:
        return "audio"
    return "text" if found == {"text"} else "table"


def _profile(dataset: Dataset) -> ProfileView | None:
    from nbtrain.data.looking.facts import Profile  # noqa: PLC0415 - it loads pandas

    known = latest(dataset.folder / PROFILES, Profile.from_json)
    return None if known is None else _profile_view(known[1])


def _profile_view(known: Profile) -> ProfileView:
    return ProfileView(
        rows=known.rows, bytes=known.bytes or 0, target=known.target,
        columns=[_column(column) for column in known.columns.values()],
        classes=[_count(each) for each in known.classes[:CLASSES]])


def _column(column: ColumnProfile) -> ColumnFacts:
    measured = isinstance(column.mean, int | float)
    return ColumnFacts(
        name=column.name, kind=str(column.kind), type=column.type, missing=column.missing, distinct=column.distinct,
        min=column.minimum, max=column.maximum, mean=cast("float", column.mean) if measured else None,
        deviation=column.std, quantiles=list(column.quantiles), top=[_count(each) for each in column.top],
        histogram=list(column.histogram.counts) if column.histogram else [],
        characters=column.characters.mean if column.characters else None,
        tokens=column.tokens.mean if column.tokens else None)


def _count(each: Count) -> ValueCount:
    return ValueCount(value=each.value, count=each.count)


def _split(split: Split) -> SplitView:
    return SplitView(
        spec=split.spec.to_json(), counts=list(split.counts),
        classes=[PartCounts(value=each.value, parts=list(each.counts)) for each in split.classes[:CLASSES]],
        notes=[NoteView(kind=note.kind, args=_plain(note.args)) for note in split.notes])


def _report(dataset: Dataset) -> tuple[dict[str, Any], Report] | None:
    from nbtrain.data.quality import Report  # noqa: PLC0415 - it loads NumPy and Arrow

    return latest(dataset.folder / REPORTS, Report.from_json)


def _quality(dataset: Dataset, split: Split | None) -> QualityView | None:
    known = _report(dataset)
    if known is None:
        return None
    asked, report = known
    return QualityView(
        findings=[_finding(index, finding) for index, finding in enumerate(report.findings)],
        stale=asked.get("split") != split_key(split))


def _finding(index: int, finding: Finding) -> FindingView:
    cure = finding.remedy
    return FindingView(
        index=index, kind=finding.kind, severity=finding.severity, count=finding.count, share=finding.share,
        columns=list(finding.columns), rows=list(finding.rows), args=_plain(finding.args),
        remedy=None if cure is None else cure.action)


def _plain(args: Mapping[str, Any]) -> dict[str, Scalar]:
    """Arguments of words as JSON has them; lists are said with commas between."""
    return {
        name: value if value is None or isinstance(value, str | int | float | bool)
        else ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
        for name, value in args.items()}


def _cells(table: pa.Table) -> Cells:
    from nbtrain.data.processing import ROW  # noqa: PLC0415 - as in `steps`

    names = [name for name in table.column_names if name != ROW]
    columns = [[_cell(value) for value in table[name].to_pylist()] for name in names]
    return Cells(columns=names, rows=[list(cells) for cells in zip(*columns, strict=True)])


def _cell(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, dict) and isinstance(value.get("bytes"), bytes):
        value = value.get("path") or f"{len(value['bytes'])} bytes"
    if isinstance(value, float):
        return f"{value:.6g}"
    return str(value)[:CELL]
