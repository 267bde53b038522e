"""All checks, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import numpy as np

from nbtrain.core.errors import DataError
from nbtrain.core.tasks import Progress
from nbtrain.data.derived import scan
from nbtrain.data.quality import across_parts, columns, duplicates, labels, near, predictors, spelled
from nbtrain.data.quality.report import Finding, Report
from nbtrain.data.quality.subject import Subject
from nbtrain.data.splits.labels import labels_of
from nbtrain.data.splits.result import Split
from nbtrain.data.table import Table

#: Name of each check, and what makes it.
CHECKS: Mapping[str, Callable[[Subject], Iterable[Finding]]] = {
    "columns": columns.empty_and_constant,
    "missing": columns.missing_cells,
    "types": spelled.spelled,
    "outliers": columns.outliers,
    "ids": predictors.ids,
    "duplicates": duplicates.exact,
    "near_duplicates": near.near,
    "classes": labels.classes,
    "spellings": labels.spellings,
    "leakage": predictors.predictors,
    "missing_with_label": predictors.missing_with_label,
    "groups": across_parts.groups,
    "times": across_parts.times,
}
#: What a check cannot do without.
NEEDS: Mapping[str, tuple[str, ...]] = {
    "classes": ("target",), "spellings": ("target",), "leakage": ("target",), "missing_with_label": ("target",),
    "groups": ("parts", "group"), "times": ("parts", "time"),
}
_CALLED = {"target": "a target", "parts": "a split", "group": "a group", "time": "a time"}
_GRAVEST = ("high", "medium", "low")


def quality(
    table: Table, *, split: Split | None = None, target: str | None = None, group: str | None = None,
    time: str | None = None, progress: Progress | None = None,
) -> Report:
    """Check a table, and the split of it.

    Args:
        table: what to train on.
        split: how it was divided; without one nothing is compared across parts.
        target: column with the label; by default that of the split.
        group: column whose equal values belong together; by default that of the split.
        time: column with the time; by default that of the split.
        progress: hears of checks; cancelling it ends the work.

    Raises:
        DataError: a column is not there, the split is of another number of rows, or the table cannot be read.
        CancelledError: `progress` was cancelled.
    """
    subject, skipped = _subject(table, split, {"target": target, "group": group, "time": time}, progress)
    if not subject.rows:
        return Report((), 0, (), dict.fromkeys(CHECKS, "the table has no rows"))
    findings: list[Finding] = []
    made = []
    for number, (name, check) in enumerate(CHECKS.items()):
        if progress is not None:
            progress.report(number, len(CHECKS), "checks")
        lacking = [_CALLED[need] for need in NEEDS.get(name, ()) if getattr(subject, need) is None]
        if lacking:
            skipped.setdefault(name, f"It needs {' and '.join(lacking)}.")
        elif name not in skipped:
            findings += check(subject)
            made.append(name)
    if progress is not None:
        progress.report(len(CHECKS), len(CHECKS), "checks")
    findings.sort(key=lambda finding: (_GRAVEST.index(finding.severity), -finding.share))
    return Report(tuple(findings), subject.rows, tuple(made), skipped)


def _subject(
    table: Table, split: Split | None, given: Mapping[str, str | None], progress: Progress | None,
) -> tuple[Subject, dict[str, str]]:
    """What is checked, and the checks that its label cannot serve, with the reason."""
    rows = table.rows(progress=progress)
    parts, spec = (None, None) if split is None else (split.parts, split.spec)
    if parts is not None and len(parts) != rows:
        raise DataError(f"The split is of {len(parts):,} rows, but {table.name} has {rows:,}; split it again.")
    names = {name: value or getattr(spec, name, None) for name, value in given.items()}
    for name in filter(None, names.values()):
        table.column(name)
    target, found, codes, skipped = names["target"], None, None, {}
    if target is not None and rows:
        try:
            found = labels_of(table, target, progress=progress)
        except DataError as error:  # too many values for classes, or pictures: all else can still be checked
            skipped = {name: str(error) for name, needs in NEEDS.items() if "target" in needs}
        else:
            cells = scan(table, {"v": found.expression}, progress=progress)
            codes = np.concatenate([found.codes(batch["v"]) for batch in cells])
    return Subject(
        table, rows, parts, spec, target, found, codes, names["group"], names["time"], progress), skipped
