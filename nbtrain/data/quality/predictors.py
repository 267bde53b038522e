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
from nbtrain.data.derived import quick_key
from nbtrain.data.quality.report import Finding, Remedy
from nbtrain.data.quality.subject import AT_ONCE, Figures, Subject, missing
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
    """Rows looked at: their condition in SQL, the fold and the label of each."""

    where: str
    folds: np.ndarray
    labels: np.ndarray
    shuffled: np.ndarray


def predictors(subject: Subject) -> Iterator[Finding]:
    """Columns that hold the label under another name, or give it away."""
    sample = _sample(subject)
    if sample is None:
        return
    judged = [each for each in subject.figures if _can_know(subject, each)]
    for start in range(0, len(judged), AT_ONCE):
        some = judged[start:start + AT_ONCE]
        listed = ", ".join(f"{_cell(each)} AS c{i}" for i, each in enumerate(some))
        found = subject.table.sql(
            f"SELECT {listed} FROM {subject.table.source} {sample.where}", progress=subject.progress)
        for i, each in enumerate(some):
            values = found[f"c{i}"].to_numpy()
            if subject.classes is not None:
                yield from _of_classes(subject, each, values, sample)
            else:
                yield from _of_measure(subject, each.column, values, sample)


def _can_know(subject: Subject, each: Figures) -> bool:
    column = each.column
    if column.name == subject.target or column.kind in {Kind.BINARY, Kind.NESTED, Kind.IMAGE, Kind.AUDIO}:
        return False
    return column.kind.is_numeric or subject.classes is not None


def _sample(subject: Subject) -> _Sample | None:
    """Rows to look at and their labels; None where a verdict would prove nothing."""
    if subject.labels is None or subject.target is None:
        return None
    share = min(1.0, SAMPLE / subject.rows)
    row_key = quick_key(subject.table.columns, "fold")
    where = f"WHERE NOT {missing(subject.table.column(subject.target))}" + (
        f" AND {row_key} < {int(share * 2**64)}" if share < 1 else "")
    found = subject.table.sql(
        f"SELECT {row_key} AS k, {subject.labels.expression} AS label FROM {subject.table.source} {where}",
        progress=subject.progress)
    if found.num_rows < LEAST_ROWS:
        return None
    if subject.labels.edges is not None:
        labels: np.ndarray = found["label"].to_numpy()
    elif 2 <= len(subject.labels.names) <= MOST_CLASSES:
        labels = subject.labels.codes(found["label"].combine_chunks()).astype(np.int64)
    else:
        return None
    folds = (found["k"].to_numpy() % FOLDS).astype(np.int64)
    return _Sample(where, folds, labels, np.random.default_rng(0).permutation(labels))


def _of_classes(subject: Subject, each: Figures, cells: np.ndarray, sample: _Sample) -> Iterator[Finding]:
    values = _ranges(cells) if _is_measure(each) else np.unique(cells, return_inverse=True)[1]
    score = one_column(values, sample.labels, sample.folds)
    if score < GIVEN_AWAY or score - one_column(values, sample.shuffled, sample.folds) < ABOVE_CHANCE:
        return
    pairs = len(np.unique(values * (int(sample.labels.max()) + 1) + sample.labels))
    one_to_one = pairs == len(np.unique(values)) == len(np.unique(sample.labels))
    copy = one_to_one and not _is_measure(each) and not each.missing
    yield _given_away(subject, each.column, "target_copy" if copy else "leak", round(100 * score, 1))


def _of_measure(subject: Subject, column: Column, values: np.ndarray, sample: _Sample) -> Iterator[Finding]:
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


def _is_measure(each: Figures) -> bool:
    return each.distinct > RANGES and (each.column.kind.is_numeric or each.column.kind is Kind.DATE)


def _cell(each: Figures) -> str:
    """SQL of a cell as a number: a measure as itself, NaN where it is missing; else the hash of its value."""
    name = quoted(each.column.name)
    if not _is_measure(each) and not each.column.kind.is_numeric:
        return f"hash({name})"
    value = f"epoch_us({name})" if each.column.kind is Kind.DATE else name
    return f"coalesce({value}::DOUBLE, 'nan'::DOUBLE)"


def _ranges(values: np.ndarray) -> np.ndarray:
    """Number of the range of each cell; 0 where it is missing."""
    there = np.isfinite(values)
    inner = np.linspace(0, 1, RANGES + 1)[1:-1]
    edges = np.unique(np.quantile(values[there], inner)) if there.any() else np.zeros(0)
    return np.where(there, np.searchsorted(edges, values, side="right") + 1, 0)


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
        gone = subject.arrays({"gone": f"{missing(each.column)}::TINYINT"}, np.int8)["gone"][known] == 1
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
                {"strength": round(strength, 2), "target": subject.target}, _marked(each.column))


def _marked(column: Column) -> Remedy | None:
    """Its absence as a column of its own, and the cells filled; None for what cannot be filled."""
    method = "median" if column.kind.is_numeric else "most_frequent"
    if not column.kind.is_numeric and column.kind not in {Kind.TEXT, Kind.BOOLEAN, Kind.DATE}:
        return None
    return Remedy(
        "steps", "fill_and_mark",
        ({"step": "missing", "columns": [column.name], "method": method, "indicator": True},))
