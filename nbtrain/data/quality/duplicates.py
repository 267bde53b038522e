"""Rows that are there twice: as a whole, across the parts of a split, and with another label."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from nbtrain.data.columns import Column
from nbtrain.data.derived import quick_key
from nbtrain.data.quality.report import Finding, Remedy
from nbtrain.data.quality.subject import Subject, first
from nbtrain.data.splits.labels import MISSING
from nbtrain.data.splits.spec import Part

#: From this share on, repeated rows weigh on what is learned and on the scores.
MANY = 0.01
#: At most so many rows a remedy leaves out; beyond, something else is wrong with the data.
MOST_LEFT_OUT = 100_000


@dataclass(frozen=True)
class Twins:
    """Rows that are alike.

    Attributes:
        rows: their numbers, int64, ascending.
        groups: which of them are alike: the same small number, from 0.
    """

    rows: np.ndarray
    groups: np.ndarray

    @classmethod
    def of(cls, keys: np.ndarray) -> Twins:
        """The rows whose key another row has too."""
        ordered = np.sort(keys)
        same = ordered[1:][ordered[1:] == ordered[:-1]]
        repeated = np.unique(same)
        if not len(repeated):
            return cls(np.zeros(0, np.int64), np.zeros(0, np.int64))
        place = np.minimum(np.searchsorted(repeated, keys), len(repeated) - 1)
        rows = np.flatnonzero(repeated[place] == keys)
        return cls(rows, place[rows])


def exact(subject: Subject) -> Iterator[Finding]:
    """Rows equal to an earlier one; inputs in several parts; equal inputs with different labels."""
    if not subject.features:
        return
    label = [column for column in subject.table.columns if column.name == subject.target]
    found = subject.arrays({"inputs": quick_key(subject.features), "label": quick_key(label)}, np.uint64)
    inputs = found["inputs"]
    twins = Twins.of(inputs)
    if not len(twins.rows):
        return
    yield from _repeated(subject, twins, found["label"][twins.rows], [*subject.features, *label])
    yield from across(subject, twins, "duplicates_across", subject.features)
    if subject.is_rich:
        yield from disagreement(subject, twins, "label_disagreement")


def _repeated(subject: Subject, twins: Twins, labels: np.ndarray, columns: list[Column]) -> Iterator[Finding]:
    """Rows that are equal to an earlier one in the label too."""
    pairs = np.stack([twins.groups.astype(np.uint64), labels], axis=1)
    _, firsts = np.unique(pairs, axis=0, return_index=True)
    again = np.delete(twins.rows, firsts)
    if not len(again):
        return
    share = len(again) / subject.rows
    names = [] if len(columns) == len(subject.table.columns) else [column.name for column in columns]
    yield Finding(
        "duplicates", "medium" if subject.is_rich and share >= MANY else "low", len(again), share, rows=first(again),
        remedy=Remedy("steps", "drop_duplicates", ({"step": "drop_duplicates", "columns": names},)))


def across(subject: Subject, twins: Twins, kind: str, columns: tuple[Column, ...]) -> Iterator[Finding]:
    """Rows of validation and test that an earlier part has too: their score is learned by heart."""
    if subject.parts is None or not subject.is_rich:
        return
    parts = subject.parts[twins.rows]
    firsts = np.full(int(twins.groups.max()) + 1, len(Part), np.uint8)
    np.minimum.at(firsts, twins.groups, parts)
    rows = twins.rows[(parts > firsts[twins.groups]) & (parts != Part.LEFT_OUT)]
    count = len(rows)
    if not count:
        return
    held_out = int(np.isin(subject.parts, (Part.VALIDATION, Part.TEST)).sum())
    spec = subject.spec
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


def disagreement(subject: Subject, twins: Twins, kind: str) -> Iterator[Finding]:
    """Rows whose label is not that of most of the rows they are alike with; none for a target that is a measure."""
    if subject.classes is None or subject.codes is None:
        return
    codes = subject.codes[twins.rows]
    known = codes != MISSING
    rows, groups, span = twins.rows[known], twins.groups[known], len(subject.classes.names)
    pairs = groups * span + codes[known]
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
    out = rows[np.isin(pairs, found[wrong])]
    touched = int(counts[several].sum())
    remedy = Remedy("rows", "leave_out", rows=tuple(out.tolist())) if len(out) <= MOST_LEFT_OUT else None
    shown = np.flatnonzero(np.isin(pairs, found[several]))
    shown = rows[shown[np.argsort(groups[shown], kind="stable")]]
    yield Finding(
        kind, "high" if touched >= MANY * subject.rows else "medium", touched, touched / subject.rows,
        (subject.target,) if subject.target else (), first(shown), {"groups": int((labels > 1).sum())}, remedy)
