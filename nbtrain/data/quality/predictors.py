"""Columns that know the label: copies of it, columns that give it away, and columns that only name the row.

A column is judged alone, by the plainest rule there is: each of its values, or of fifty ranges of its numbers, says
the label that rows of other folds have there. A rule learned on folds and scored on the others cannot gain from
learning rows by heart; shuffled labels tell what is left to chance.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from nbtrain.data.columns import Column, Kind, quoted
from nbtrain.data.derived import key
from nbtrain.data.quality.report import Finding, Remedy
from nbtrain.data.quality.subject import Figures, Subject, missing
from nbtrain.data.splits.labels import MISSING

#: Rows looked at; more do not change the verdict.
SAMPLE = 100_000
FOLDS = 5
RANGES = 50
#: A rule of one column that is right so often, averaged over the classes, gives the label away. The best honest
#: column of the usual teaching sets (petal width of Iris) is at 0.96.
GIVEN_AWAY = 0.98
#: What is left when the labels are shuffled must be so much less.
ABOVE_CHANCE = 0.3
#: Rank correlation (Spearman) with a label that is a measure.
SAME_ORDER = 0.999
#: Fewer rows prove nothing.
LEAST_ROWS = 30
MOST_CLASSES = 200
_ID_NAME = re.compile(r"(^|[_\W])(id|uuid|guid|key|index|idx|row|no|nr|number)$|[a-z]ID$|Id$", re.IGNORECASE)


@dataclass(frozen=True)
class _Sample:
    """Rows looked at: the fold and the label of each."""

    folds: np.ndarray
    labels: np.ndarray
    shuffled: np.ndarray


def predictors(subject: Subject) -> Iterator[Finding]:
    """Columns that hold the label under another name, or give it away."""
    known = _sample(subject)
    if known is None or subject.target is None:
        return
    where, sample = known
    for each in subject.figures:
        column = each.column
        if column.name == subject.target or column.kind in {Kind.BINARY, Kind.NESTED, Kind.IMAGE, Kind.AUDIO}:
            continue
        if subject.progress is not None:
            subject.progress.check()
        if subject.classes is not None:
            yield from _of_classes(subject, each, where, sample)
        elif column.kind.is_numeric:
            yield from _of_measure(subject, column, where, sample)


def _sample(subject: Subject) -> tuple[str, _Sample] | None:
    """The condition of the rows looked at, and their labels; None where a verdict would prove nothing."""
    if subject.labels is None or subject.target is None:
        return None
    share = min(1.0, SAMPLE / max(subject.rows, 1))
    row_key = key(subject.table.columns, "fold")
    label = subject.table.column(subject.target)
    where = f"WHERE NOT {missing(label)}" + (f" AND {row_key} < {int(share * 2**64)}" if share < 1 else "")
    found = subject.table.sql(
        f"SELECT {row_key} AS k, {subject.labels.expression} AS label FROM {subject.table.source} {where}",
        progress=subject.progress)
    if found.num_rows < LEAST_ROWS:
        return None
    labels: np.ndarray = subject.labels.codes(found["label"].combine_chunks())
    if subject.labels.edges is not None:
        labels = found["label"].to_numpy()
    elif not 2 <= len(subject.labels.names) <= MOST_CLASSES:
        return None
    folds = (found["k"].to_numpy() % FOLDS).astype(np.int64)
    return where, _Sample(folds, labels, np.random.default_rng(0).permutation(labels))


def _of_classes(subject: Subject, each: Figures, where: str, sample: _Sample) -> Iterator[Finding]:
    values = _coded(subject, each, where)
    score = one_column(values, sample.labels, sample.folds)
    if score < GIVEN_AWAY or score - one_column(values, sample.shuffled, sample.folds) < ABOVE_CHANCE:
        return
    seen = np.unique(values[values > 0] * (sample.labels.max() + 1) + sample.labels[values > 0])
    pairs = len(seen), len(np.unique(values)), len(np.unique(sample.labels))
    copy = each.distinct <= 2 * MOST_CLASSES and pairs[0] == pairs[1] == pairs[2]
    yield _given_away(subject, each.column, "target_copy" if copy else "leak", round(100 * score, 1))


def _of_measure(subject: Subject, column: Column, where: str, sample: _Sample) -> Iterator[Finding]:
    values = _numbers(subject, column, where)
    there = np.isfinite(values) & np.isfinite(sample.labels)
    if there.sum() < LEAST_ROWS or len(np.unique(values[there])) < LEAST_ROWS:
        return
    order = abs(_correlation(_ranks(values[there]), _ranks(sample.labels[there])))
    if order < SAME_ORDER:
        return
    copy = there.mean() > GIVEN_AWAY and 1 - abs(_correlation(values[there], sample.labels[there])) < 1e-9
    yield _given_away(subject, column, "target_copy" if copy else "leak", round(100 * order, 1))


def _given_away(subject: Subject, column: Column, kind: str, score: float) -> Finding:
    return Finding(
        kind, "high", subject.rows, 1.0, (column.name,), args={"score": score, "target": subject.target},
        remedy=Remedy("steps", "drop_columns", ({"step": "drop_columns", "columns": [column.name]},)))


def one_column(values: np.ndarray, labels: np.ndarray, folds: np.ndarray) -> float:
    """How well a column alone predicts the label, out of fold: the mean over the classes of the share that is right.

    Args:
        values: number of the column's value or range in each row, from 0.
        labels: class of each row, from 0.
        folds: of each row, below `FOLDS`.
    """
    ranges, classes = int(values.max()) + 1, int(labels.max()) + 1
    cells = values.astype(np.int64) * classes + labels
    total = np.bincount(cells, minlength=ranges * classes).reshape(ranges, classes)
    right = np.zeros(classes)
    for fold in range(FOLDS):
        mine = folds == fold
        others = total - np.bincount(cells[mine], minlength=ranges * classes).reshape(ranges, classes)
        usual = int(others.sum(axis=0).argmax())
        rule = np.where(others.any(axis=1), others.argmax(axis=1), usual)
        hit = labels[mine][rule[values[mine]] == labels[mine]]
        right += np.bincount(hit, minlength=classes)
    there = np.bincount(labels, minlength=classes)
    return float((right[there > 0] / there[there > 0]).mean())


def _coded(subject: Subject, each: Figures, where: str) -> np.ndarray:
    """Number of the value, or of the range, of each cell looked at; 0 where it is missing."""
    column = each.column
    if column.kind.is_ordered and column.kind not in {Kind.TIME, Kind.DURATION} and each.distinct > RANGES:
        values = _numbers(subject, column, where)
        there = np.isfinite(values)
        inner = np.linspace(0, 1, RANGES + 1)[1:-1]
        edges = np.unique(np.quantile(values[there], inner)) if there.any() else np.zeros(0)
        return np.where(there, np.searchsorted(edges, values, side="right") + 1, 0)
    found = subject.table.sql(
        f"SELECT {quoted(column.name)}::VARCHAR AS v FROM {subject.table.source} {where}", progress=subject.progress)
    cells = found["v"].combine_chunks().dictionary_encode()
    return np.asarray(cells.indices.fill_null(-1).to_numpy(zero_copy_only=False)) + 1


def _numbers(subject: Subject, column: Column, where: str) -> np.ndarray:
    name = quoted(column.name)
    value = f"epoch_us({name})::DOUBLE" if column.kind is Kind.DATE else f"{name}::DOUBLE"
    found = subject.table.sql(f"SELECT {value} AS v FROM {subject.table.source} {where}", progress=subject.progress)
    return np.asarray(found["v"].to_numpy(), np.float64)


def _ranks(values: np.ndarray) -> np.ndarray:
    """Ranks, equal values sharing their mean rank."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[place]


def _correlation(one: np.ndarray, other: np.ndarray) -> float:
    if one.std() == 0 or other.std() == 0:
        return 0.0
    return float(np.corrcoef(one, other)[0, 1])


def ids(subject: Subject) -> Iterator[Finding]:
    """Columns that differ in every row and say nothing but which row it is."""
    if subject.rows < LEAST_ROWS or len(subject.table.columns) < 3:
        return
    for each in subject.figures:
        column = each.column
        if column.name in {subject.target, subject.group, subject.time} or each.distinct < 0.8 * subject.rows:
            continue
        if not (subject.numbers_rows(each) or _is_name(subject, each)):
            continue
        yield Finding(
            "id_column", "low", subject.rows, 1.0, (column.name,),
            remedy=Remedy("steps", "drop_columns", ({"step": "drop_columns", "columns": [column.name]},)))


def _is_name(subject: Subject, each: Figures) -> bool:
    """Whole numbers under the name of an id, or texts without spaces and with digits, each once."""
    column, name = each.column, quoted(each.column.name)
    if each.missing or (column.kind is Kind.INTEGER and not _ID_NAME.search(column.name)):
        return False
    if column.kind not in {Kind.INTEGER, Kind.TEXT} or each.length > 64:
        return False
    worded = f"count(*) FILTER (regexp_full_match({name}::VARCHAR, '\\S*\\d\\S*'))"
    counted = subject.sql(
        f"SELECT count(DISTINCT {name}) AS different, {worded} AS worded FROM {subject.table.source}")[0]
    return bool(counted["different"] == subject.rows and counted["worded"] >= 0.9 * subject.rows)


def missing_with_label(subject: Subject) -> Iterator[Finding]:
    """Columns whose missing cells go with the label: Cramér's V of missing against class (1946)."""
    if subject.labels is None or subject.codes is None:
        return
    known = subject.codes != MISSING
    codes = subject.codes[known]
    there = np.bincount(codes, minlength=len(subject.labels.names)).astype(float)
    for each in subject.figures:
        if each.column.name == subject.target or not LEAST_ROWS / 3 <= each.missing <= subject.rows - LEAST_ROWS / 3:
            continue
        gone = subject.column(f"{missing(each.column)}::TINYINT", np.int8)[known] == 1
        missed = np.bincount(codes[gone], minlength=len(there)).astype(float)
        share = missed.sum() / there.sum()
        if not 0 < share < 1:
            continue
        used = there > 0
        expected = there[used] * share
        chi2 = float((((missed[used] - expected) ** 2) / (expected * (1 - share))).sum())
        strength = (chi2 / len(codes)) ** 0.5
        freedom = int(used.sum()) - 1
        if strength >= 0.3 and chi2 > freedom + 5 * (2 * freedom) ** 0.5:
            yield Finding(
                "missing_with_label", "medium", each.missing, each.missing / subject.rows, (each.column.name,),
                subject.examples({"gone": missing(each.column)})["gone"],
                {"strength": round(strength, 2), "target": subject.target})
