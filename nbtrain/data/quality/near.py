"""Rows that are nearly the same: texts that share most of their shingles, and numbers that agree when rounded."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from nbtrain.data.columns import Kind, quoted
from nbtrain.data.derived import key, scan
from nbtrain.data.quality.duplicates import MANY, MOST_LEFT_OUT, across, disagreement
from nbtrain.data.quality.minhash import LONGEST, alike, plain
from nbtrain.data.quality.report import EXAMPLES, Finding, Remedy
from nbtrain.data.quality.subject import Figures, Subject

#: Texts compared, and their characters, at most: of more, an even sample by their hash.
MOST_TEXTS, MOST_CHARACTERS = 200_000, 20_000_000
#: Columns of text that are compared: those of the longest texts.
MOST_COLUMNS = 3
#: Numbers are rounded to so many steps a standard deviation, on two grids half a step apart.
STEPS = 100
#: Columns of numbers it takes to tell rows apart when they are rounded.
LEAST_COLUMNS = 3


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
    rows = np.unique(pairs)
    later = np.unique(pairs[:, 1])
    remedy = Remedy("rows", "leave_out", rows=tuple(later.tolist())) if len(later) <= MOST_LEFT_OUT else None
    yield Finding(
        "near_duplicates", "medium" if len(later) >= MANY * subject.rows else "low", len(later),
        len(later) / (subject.rows * share), columns, tuple(pairs[:EXAMPLES // 2].ravel().tolist()),
        {"looked_at": round(100 * share)}, remedy)
    groups = np.arange(subject.rows)
    groups[rows] = rows[_together(np.searchsorted(rows, pairs), len(rows))]
    yield from across(subject, groups, "near_duplicates_across", ())
    yield from disagreement(subject, groups, "near_disagreement")


def _texts(subject: Subject, each: Figures) -> tuple[np.ndarray, np.ndarray, float]:
    """Row numbers of the texts compared, pairs of their positions, and the share of the rows that was compared."""
    length = min(each.length, LONGEST)
    share = min(1.0, MOST_TEXTS / subject.rows, MOST_CHARACTERS / (length * subject.rows))
    text = quoted(each.column.name)
    wanted = {"text": f"left({text}::VARCHAR, {LONGEST})", "of": key([each.column]), "whole": key(subject.features)}
    rows: list[int] = []
    texts: list[str] = []
    seen: set[int] = set()  # rows that are the same in everything are another finding
    at = 0
    for batch in scan(subject.table, wanted, progress=subject.progress):
        chosen = batch["of"].to_numpy() <= np.uint64(min(int(share * 2**64), 2**64 - 1))
        for row in np.flatnonzero(chosen).tolist():
            whole = batch["whole"][row].as_py()
            said = batch["text"][row].as_py()
            if said is not None and whole not in seen:
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
    if len(rounded) < LEAST_COLUMNS or not subject.is_rich:
        return np.zeros((0, 2), np.int64), ()
    listed = ", ".join(
        f"stddev_pop({v}) FILTER (isfinite({v})) AS s{i}" for i, c in enumerate(rounded)
        for v in [f"{quoted(c.name)}::DOUBLE"])
    spread = subject.sql(f"SELECT {listed} FROM {subject.table.source}")[0]
    others = key([column for column in subject.features if column not in rounded])
    whole = subject.column(key(subject.features), np.uint64)
    found = []
    for shift in (0.0, 0.5):
        cells = [
            f"coalesce(floor({quoted(c.name)}::DOUBLE / {(spread[f's{i}'] or 1.0) / STEPS!r} + {shift})::VARCHAR, '-')"
            for i, c in enumerate(rounded)]
        found.append(_agreeing(subject.column(
            f"md5_number_lower(({others})::VARCHAR || '|' || {' || chr(124) || '.join(cells)})", np.uint64), whole))
    pairs = np.unique(np.concatenate(found), axis=0)
    return pairs, tuple(column.name for column in rounded)


def _agreeing(keys: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Pairs of rows of one key that are not the same row: each with the one before it."""
    order = np.lexsort((whole, keys))
    same = np.flatnonzero((keys[order][1:] == keys[order][:-1]) & (whole[order][1:] != whole[order][:-1]))
    return np.sort(np.stack([order[same], order[same + 1]], axis=1), axis=1)


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
