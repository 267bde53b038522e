"""Rows that are nearly the same: texts that share most of their shingles, and numbers that agree when rounded."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from nbtrain.data.columns import Kind, quoted
from nbtrain.data.derived import quick_key, scan
from nbtrain.data.quality.duplicates import MANY, MOST_LEFT_OUT, Twins, across, disagreement
from nbtrain.data.quality.minhash import LONGEST, alike, plain
from nbtrain.data.quality.report import EXAMPLES, Finding, Remedy
from nbtrain.data.quality.subject import Figures, Subject

#: Texts compared, and their characters, at most: of more, an even sample by their hash.
MOST_TEXTS, MOST_CHARACTERS = 200_000, 20_000_000
#: Columns of text that are compared: those of the longest texts.
MOST_COLUMNS = 3
#: Numbers are rounded to so many steps a standard deviation, on two grids half a step apart.
STEPS = 100
#: How often two normal numbers agree on such a grid by chance, 1 / (2 √π STEPS), and how often a row may have such a
#: twin in all its columns before nothing is said: in 400 rows it takes 3 columns of numbers, in 4 million 5.
AGREE = 1 / 354
BY_CHANCE = 1e-4


def near(subject: Subject) -> Iterator[Finding]:
    """Rows nearly the same as another, across parts, and with another label; rows that are the same are left out."""
    prose = sorted((each for each in subject.figures if each.is_prose and each.column in subject.features),
                   key=lambda each: -each.length)[:MOST_COLUMNS]
    for each in prose:
        rows, pairs, share = _texts(subject, each)
        yield from _told(subject, rows[pairs], (each.column.name,), share)
    if not prose:
        pairs, names = _numbers(subject)
        yield from _told(subject, pairs, names, 1.0)


def _told(subject: Subject, pairs: np.ndarray, columns: tuple[str, ...], share: float) -> Iterator[Finding]:
    """The findings of pairs of rows (n × 2) in these columns; `share` of the rows was looked at."""
    if not len(pairs):
        return
    later = np.unique(pairs[:, 1])
    remedy = Remedy("rows", "leave_out", rows=tuple(later.tolist())) if len(later) <= MOST_LEFT_OUT else None
    yield Finding(
        "near_duplicates", "medium" if len(later) >= MANY * subject.rows else "low", len(later),
        len(later) / (subject.rows * share), columns, tuple(pairs[:EXAMPLES // 2].ravel().tolist()),
        {"looked_at": round(100 * share)}, remedy)
    rows = np.unique(pairs)
    twins = Twins(rows, _together(np.searchsorted(rows, pairs), len(rows)))
    yield from across(subject, twins, "near_duplicates_across", ())
    yield from disagreement(subject, twins, "near_disagreement")


def _texts(subject: Subject, each: Figures) -> tuple[np.ndarray, np.ndarray, float]:
    """Row numbers of the texts compared, pairs of their positions, and the share of the rows that was compared."""
    share = min(1.0, MOST_TEXTS / subject.rows, MOST_CHARACTERS / (min(each.length, LONGEST) * subject.rows))
    most = np.uint64(min(int(share * 2**64), 2**64 - 1))
    text = quoted(each.column.name)
    sample = f"CASE WHEN {quick_key([each.column])} <= {most} THEN left({text}::VARCHAR, {LONGEST}) END"
    rows: list[int] = []
    texts: list[str] = []
    seen: set[int] = set()  # rows that are the same in everything are another finding
    at = 0
    for batch in scan(subject.table, {"text": sample, "whole": quick_key(subject.features)}, progress=subject.progress):
        there = np.flatnonzero(batch["text"].is_valid().to_numpy(zero_copy_only=False))
        told = zip(there.tolist(), batch["whole"].to_numpy()[there].tolist(), batch["text"].take(there).to_pylist(),
                   strict=True)
        for row, whole, said in told:
            if whole not in seen:
                seen.add(whole)
                rows.append(at + row)
                texts.append(plain(said))
        at += batch.num_rows
    pairs, _ = alike(texts)
    return np.array(rows, np.int64), pairs, share


def _numbers(subject: Subject) -> tuple[np.ndarray, tuple[str, ...]]:
    """Pairs of rows whose numbers agree to a hundredth of a standard deviation, and whose other cells are equal."""
    rounded = [each.column for each in subject.figures
               if each.column in subject.features and each.column.kind is Kind.NUMBER and each.distinct > 20]
    names = tuple(column.name for column in rounded)
    if subject.rows * AGREE ** len(rounded) > BY_CHANCE or not subject.is_rich:
        return np.zeros((0, 2), np.int64), names
    values = [f"{quoted(name)}::DOUBLE" for name in names]
    listed = ", ".join(f"stddev_pop({v}) FILTER (isfinite({v})) AS s{i}" for i, v in enumerate(values))
    spread = subject.sql(f"SELECT {listed} FROM {subject.table.source}")[0]
    others = quick_key([column for column in subject.features if column not in rounded])
    wanted = {"whole": quick_key(subject.features)}
    for shift in (0.0, 0.5):
        cells = [f"floor({v} / {(spread[f's{i}'] or 1.0) / STEPS!r} + {shift})" for i, v in enumerate(values)]
        wanted[f"grid{shift}"] = f"hash({', '.join([others, *cells])})"
    keys = subject.arrays(wanted, np.uint64)
    pairs = [_agreeing(keys[name], keys["whole"]) for name in wanted if name != "whole"]
    return np.unique(np.concatenate(pairs), axis=0), names


def _agreeing(keys: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Pairs of rows of one key that are not the same row: each with the one before it."""
    twins = Twins.of(keys)
    order = np.lexsort((whole[twins.rows], twins.groups))
    rows, groups = twins.rows[order], twins.groups[order]
    same = np.flatnonzero((groups[1:] == groups[:-1]) & (whole[rows[1:]] != whole[rows[:-1]]))
    return np.sort(np.stack([rows[same], rows[same + 1]], axis=1), axis=1)


def _together(pairs: np.ndarray, count: int) -> np.ndarray:
    """For each of `count` things, the least one that pairs connect it with, in as many rounds as chains are deep."""
    least = np.arange(count)
    while True:
        lower = least.copy()
        np.minimum.at(lower, pairs[:, 0], least[pairs[:, 1]])
        np.minimum.at(lower, pairs[:, 1], least[pairs[:, 0]])
        lower = lower[lower]
        if (lower == least).all():
            return least
        least = lower
