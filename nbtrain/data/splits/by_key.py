"""Splitting by the key of each row: by its hash alone, or by its rank within a class."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import md5

import numpy as np

from nbtrain.core.errors import DataError
from nbtrain.core.tasks import Progress
from nbtrain.data.columns import quoted
from nbtrain.data.derived import key, scan
from nbtrain.data.splits.assign import Units, by_hash, by_rank, filled, told_apart
from nbtrain.data.splits.labels import Labels
from nbtrain.data.splits.result import Note
from nbtrain.data.splits.spec import Part, SplitSpec
from nbtrain.data.table import Table


def divide(
    table: Table, spec: SplitSpec, total: int, progress: Progress | None, *, labels: Labels | None,
    codes: np.ndarray | None,
) -> tuple[np.ndarray, list[Note]]:
    """Part of each row, and what its owner should know, for ``random``, ``stratified``, ``group`` and ``kfold``.

    Raises:
        DataError: a column is not there, or there are too few rows, groups or rows of a class for the parts.
    """
    notes = _without_group(table, spec, progress)
    shares, part_of_slot = _slots(spec)
    stratified = spec.method == "stratified" or (spec.method == "kfold" and spec.target is not None)
    if not stratified and (spec.group is not None or spec.duplicates == "together"):
        found = [by_hash(hashes, shares) for hashes in _hashes(table, spec, total, progress)]
        slots = np.concatenate(found)
        if all((slots == slot).any() for slot in np.flatnonzero(shares)):
            return part_of_slot[slots], notes
    hashes = np.concatenate(list(_hashes(table, spec, total, progress)))
    if spec.group is None and spec.duplicates == "apart":
        hashes = told_apart(hashes)
    units = Units.of(hashes)
    del hashes
    wanted = int(np.count_nonzero(shares))
    if len(units.hashes) < wanted:
        what = f"different values of {spec.group!r}" if spec.group else "different rows"
        raise DataError(
            f"{table.name} has {len(units.hashes):,} {what}, too few for {wanted} parts; give more data, or fewer "
            "parts (a share of 0).")
    if stratified and labels is not None and codes is not None:
        of_unit, rare = _in_classes(spec, units, labels, codes, shares)
        notes += rare
    else:
        of_unit = filled(by_hash(units.hashes, shares), units.hashes, shares)
    return part_of_slot[of_unit[units.of_row]], notes


def _slots(spec: SplitSpec) -> tuple[list[float], np.ndarray]:
    """The shares to divide by, and the part each stands for: the three parts themselves, or the folds and the test."""
    if spec.method != "kfold":
        return list(spec.shares), np.array([Part.TRAIN, Part.VALIDATION, Part.TEST], np.uint8)
    of_fold = np.full(spec.folds + 1, Part.TRAIN, np.uint8)
    of_fold[spec.fold], of_fold[-1] = Part.VALIDATION, Part.TEST
    return [(1 - spec.test) / spec.folds] * spec.folds + [spec.test], of_fold


def _hashes(table: Table, spec: SplitSpec, total: int, progress: Progress | None) -> Iterator[np.ndarray]:
    """The key of each row, in batches."""
    salt = str(spec.seed)
    columns = [table.column(name) for name in spec.key] or [
        column for column in table.columns if column.name != spec.target] or list(table.columns)
    expression = key(columns, salt)
    if spec.group is not None:
        group = table.column(spec.group)
        expression = f"CASE WHEN {quoted(group.name)} IS NULL THEN {expression} ELSE {key([group], salt)} END"
    for batch in scan(table, {"key": expression}, total=total, progress=progress):
        yield batch["key"].to_numpy(zero_copy_only=False)


def _without_group(table: Table, spec: SplitSpec, progress: Progress | None) -> list[Note]:
    if spec.group is None:
        return []
    name = quoted(table.column(spec.group).name)
    missing = table.sql(f"SELECT count(*) AS n FROM {table.source} WHERE {name} IS NULL", progress=progress)
    count = missing["n"][0].as_py()
    return [Note("no_group", {"count": count, "column": spec.group})] if count else []


def _in_classes(
    spec: SplitSpec, units: Units, labels: Labels, codes: np.ndarray, shares: list[float],
) -> tuple[np.ndarray, list[Note]]:
    """Slot of each unit, every class divided alike."""
    strata = units.most(codes).astype(np.int32) + 1  # rows without a label are a class of their own, the first
    order = np.argsort(strata, kind="stable")
    offsets = np.array([_rounding(spec.seed, name) for name in (None, *labels.names)])
    small: list[int] = []
    if spec.method != "kfold":
        others = sorted((Part.VALIDATION, Part.TEST), key=lambda part: -shares[part])
        small = [Part.TRAIN, *(part for part in others if shares[part])]
    ordered, rare = by_rank(strata[order], units.weights[order], shares, offsets, small)
    slots = np.empty(len(order), np.uint8)
    slots[order] = ordered
    few = np.flatnonzero(rare)
    if not len(few):
        return slots, []
    rows = int(units.weights[np.isin(strata, few)].sum())
    if 2 * rows > len(codes):
        raise DataError(
            f"{rows:,} of {len(codes):,} rows have a value of {spec.target!r} that is too rare to be in every part; "
            "stratify by another column, or split at random.")
    names = [labels.names[code - 1] for code in few.tolist() if code][:5]
    kind = "rare_folds" if spec.method == "kfold" else "rare"
    return slots, [Note(kind, {"count": len(few), "rows": rows, "names": ", ".join(names)})]


def _rounding(seed: int, name: str | None) -> float:
    """Which way a class is rounded, 0–1: by its name, so it does not change with the other classes."""
    digest = md5(f"{seed}|{name}".encode(), usedforsecurity=False).digest()
    return int.from_bytes(digest[:8], "little") / 2**64
