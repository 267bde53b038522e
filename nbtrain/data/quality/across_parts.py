"""What must not reach across the parts of a split: a group, and the future."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from nbtrain.data.derived import quick_key
from nbtrain.data.quality.report import Finding, Remedy
from nbtrain.data.quality.subject import Subject, first
from nbtrain.data.splits.moments import clock
from nbtrain.data.splits.spec import Part


def groups(subject: Subject) -> Iterator[Finding]:
    """Rows of validation and test whose group is in an earlier part.

    Where there is a time, a group is a series that is cut in time, and in every part as it should be.
    """
    if subject.parts is None or subject.group is None or subject.time is not None:
        return
    of = _groups(subject, subject.group)
    firsts = np.full(int(of.max()) + 1, len(Part), np.uint8)
    np.minimum.at(firsts, of, subject.parts)
    seen = (subject.parts > firsts[of]) & (subject.parts != Part.LEFT_OUT)
    count = int(seen.sum())
    if not count:
        return
    held_out = int(np.isin(subject.parts, (Part.VALIDATION, Part.TEST)).sum())
    yield Finding(
        "group_across", "high", count, count / held_out, (subject.group,), first(np.flatnonzero(seen)),
        {"groups": len(np.unique(of[seen]))}, _again(subject, "split_by_group", method="group", group=subject.group))


def times(subject: Subject) -> Iterator[Finding]:
    """Rows of a part that are not before the rows of the next ones, in their group: a look into the future."""
    if subject.parts is None or subject.time is None:
        return
    expression, _ = clock(subject.table, subject.time, progress=subject.progress)
    when = subject.arrays({"when": f"({expression})::DOUBLE"}, np.float64)["when"]
    of = np.zeros(subject.rows, np.int64) if subject.group is None else _groups(subject, subject.group)
    early = np.zeros(subject.rows, bool)
    for part in (Part.TRAIN, Part.VALIDATION):
        begin = np.full(int(of.max()) + 1, np.inf)
        later = (subject.parts > part) & (subject.parts != Part.LEFT_OUT) & ~np.isnan(when)
        np.minimum.at(begin, of[later], when[later])
        early |= (subject.parts == part) & (when >= begin[of])
    count = int(early.sum())
    if count:
        yield Finding(
            "future_in_training", "high", count, count / subject.rows, (subject.time,), first(np.flatnonzero(early)),
            remedy=_again(subject, "split_by_time", method="time", time=subject.time, group=subject.group))


def _groups(subject: Subject, name: str) -> np.ndarray:
    """A small number for each row's group."""
    keys = subject.arrays({"key": quick_key([subject.table.column(name)])}, np.uint64)["key"]
    return np.unique(keys, return_inverse=True)[1]


def _again(subject: Subject, action: str, **changed: str | None) -> Remedy:
    """Another split of the same shares."""
    given = subject.spec.to_json() if subject.spec is not None else {}
    if subject.spec is not None and subject.spec.method in {"column", "kfold"}:
        given = {name: given[name] for name in ("seed", "key")}
    return Remedy("split", action, split={**given, "target": subject.target, **changed})
