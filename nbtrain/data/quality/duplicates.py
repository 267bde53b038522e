"""Rows that are there twice: as a whole, across the parts of a split, and with another label."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from nbtrain.data.columns import Column
from nbtrain.data.derived import key
from nbtrain.data.quality.report import Finding, Remedy
from nbtrain.data.quality.subject import Subject, first
from nbtrain.data.splits.labels import MISSING
from nbtrain.data.splits.spec import Part

#: From this share on, repeated rows weigh on what is learned and on the scores.
MANY = 0.01
#: At most so many rows a remedy leaves out; beyond, something else is wrong with the data.
MOST_LEFT_OUT = 100_000


def exact(subject: Subject) -> Iterator[Finding]:
    """Rows equal to an earlier one; inputs in several parts; equal inputs with different labels."""
    inputs = subject.column(key(subject.features), np.uint64) if subject.features else np.zeros(0, np.uint64)
    if not len(inputs):
        return
    target = [column for column in subject.table.columns if column.name == subject.target]
    whole = subject.column(key([*subject.features, *target]), np.uint64) if target else inputs
    yield from _repeated(subject, whole, [*subject.features, *target])
    order = np.argsort(inputs, kind="stable")
    ordered = inputs[order]
    new = np.append(True, ordered[1:] != ordered[:-1])
    if new.all():
        return
    groups = np.empty(len(order), np.int64)
    groups[order] = np.cumsum(new) - 1
    if subject.parts is not None:
        yield from across(subject, groups, "duplicates_across", subject.features)
    if subject.is_rich:
        yield from disagreement(subject, groups, "label_disagreement")


def _repeated(subject: Subject, keys: np.ndarray, columns: list[Column]) -> Iterator[Finding]:
    _, firsts = np.unique(keys, return_index=True)
    count = len(keys) - len(firsts)
    if not count:
        return
    again = np.ones(len(keys), bool)
    again[firsts] = False
    names = [] if len(columns) == len(subject.table.columns) else [column.name for column in columns]
    yield Finding(
        "duplicates", "medium" if subject.is_rich and count >= MANY * len(keys) else "low", count, count / len(keys),
        rows=first(np.flatnonzero(again)),
        remedy=Remedy("steps", "drop_duplicates", ({"step": "drop_duplicates", "columns": names},)))


def across(subject: Subject, groups: np.ndarray, kind: str, columns: tuple[Column, ...]) -> Iterator[Finding]:
    """Rows of validation and test that an earlier part has too: their score is learned by heart.

    `groups` says which rows are alike, by number.
    """
    if subject.parts is None or not subject.is_rich:
        return
    firsts = np.full(int(groups.max()) + 1, len(Part), np.uint8)
    np.minimum.at(firsts, groups, subject.parts)
    seen = (subject.parts > firsts[groups]) & (subject.parts != Part.LEFT_OUT)
    count = int(seen.sum())
    if not count:
        return
    held_out = int(np.isin(subject.parts, (Part.VALIDATION, Part.TEST)).sum())
    spec, rows = subject.spec, np.flatnonzero(seen)
    remedy: Remedy | None = None
    if kind == "duplicates_across" and spec is not None and spec.duplicates == "apart" and spec.method in {
            "random", "stratified", "kfold"}:
        remedy = Remedy("split", "keep_together", split={**spec.to_json(), "duplicates": "together"})
    elif kind == "duplicates_across":
        names = [column.name for column in columns]
        remedy = Remedy("steps", "drop_duplicates", ({"step": "drop_duplicates", "columns": names},))
    elif count <= MOST_LEFT_OUT:
        remedy = Remedy("rows", "leave_out", rows=tuple(rows.tolist()))
    share = count / held_out
    yield Finding(kind, "high" if share >= MANY else "medium", count, share, rows=first(rows), remedy=remedy)


def disagreement(subject: Subject, groups: np.ndarray, kind: str) -> Iterator[Finding]:
    """Rows whose label is not that of most of the rows they are alike with; none for a target that is a measure."""
    if subject.classes is None or subject.codes is None:
        return
    known = np.flatnonzero(subject.codes != MISSING)
    span = len(subject.classes.names)
    pairs = groups[known] * span + subject.codes[known]
    found, counts = np.unique(pairs, return_counts=True)
    of = found // span
    labels = np.bincount(of)
    several = labels[of] > 1
    if not several.any():
        return
    most = np.zeros(len(labels), np.int64)
    np.maximum.at(most, of, counts)
    leaders = np.bincount(of, weights=counts == most[of])
    wrong = several & ((counts < most[of]) | (leaders[of] > 1))
    rows = known[np.isin(pairs, found[wrong])]
    touched = int(counts[several].sum())
    remedy = Remedy("rows", "leave_out", rows=tuple(rows.tolist())) if len(rows) <= MOST_LEFT_OUT else None
    shown = known[np.isin(pairs, found[several])]
    shown = shown[np.argsort(groups[shown], kind="stable")]
    yield Finding(
        kind, "high" if touched >= MANY * subject.rows else "medium", touched, touched / subject.rows,
        (subject.target,) if subject.target else (), first(shown), {"groups": int((labels > 1).sum())}, remedy)
