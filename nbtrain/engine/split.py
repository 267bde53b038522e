"""Rows apart for training, validation and test: the same rows for the same (seed, data length, labels)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset, Subset

from nbtrain.core.errors import DataError
from nbtrain.engine import sampler
from nbtrain.engine.arrays import Arrays, Reading, prepare
from nbtrain.engine.samples import known_targets


def split(
    data: Any, validation: float, test: float, seed: int, reading: Reading | None = None,
) -> tuple[Any, Any | None, Any | None]:
    """Train, validation and test data; the latter two None where their share is 0.

    Data in memory comes back as `Arrays`, a dataset as subsets. Where the target is a class number a row and every
    class has at least two rows, each part gets its share of each class (stratified). A DataLoader, or a stream, is
    left whole: its owner decides what it holds.

    Args:
        data: anything `batches.as_source` takes.
        validation: share of the rows, 0–0.5.
        test: share of the rows, 0–0.5.
        seed: of the run.
        reading: see `arrays.prepare`.

    Raises:
        DataError: too few rows for every part to have one, or data that `arrays.prepare` refuses.
    """
    data = prepare(data, reading)
    train, checked, held_out = places(data, validation, test, seed)
    return (
        data if train is None else _take(data, train), None if checked is None else _take(_plain(data), checked),
        None if held_out is None else _take(_plain(data), held_out))


def places(data: Any, validation: float, test: float, seed: int) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
    """Which rows `split` takes for each part, in order, of what `arrays.prepare` gave; None: all, and none.

    Raises:
        DataError: as `split`.
    """
    if isinstance(data, DataLoader | IterableDataset) or not (hasattr(data, "__getitem__") or isinstance(data, Arrays)):
        return None, None, None
    n = data.length if isinstance(data, Arrays) else len(data)
    counts = [max(1, round(n * share)) if share else 0 for share in (validation, test)]
    if sum(counts) == 0:
        return None, None, None
    if sum(counts) >= n:
        raise DataError(
            f"{n} row{'s' * (n != 1)} cannot be split into training"
            f"{', validation' * (validation > 0)}{', test' * (test > 0)} with at least one row each; "
            "give more data, or set validation=0 and test=0.")
    rows = _grouped(data, n, seed)
    held_out, rows = _spread(rows, counts[1])
    checked, rows = _spread(rows, counts[0])
    return (
        rows.sort().values, checked.sort().values if counts[0] else None, held_out.sort().values if counts[1] else None)


def _grouped(data: Any, n: int, seed: int) -> Tensor:
    """All rows in random order, and sorted by class where there are classes."""
    order = sampler.order(n, seed, -1)
    labels = data.target if isinstance(data, Arrays) else known_targets(data)
    if not isinstance(labels, Tensor) or labels.ndim != 1 or labels.is_floating_point():
        return order
    labels = labels.cpu()
    _, counts = labels.unique(return_counts=True)
    if int(counts.min()) < 2:
        return order
    return order[labels[order].argsort(stable=True)]


def _spread(rows: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """`count` of the rows at even distances, and the others: so each class gives its share, to within one row."""
    edges = torch.arange(len(rows) + 1) * count // max(1, len(rows))
    chosen = edges[1:] > edges[:-1]
    return rows[chosen], rows[~chosen]


def _take(data: Any, rows: Tensor) -> Any:
    return data.take(rows) if isinstance(data, Arrays) else Subset(data, rows.tolist())


def _plain(data: Any) -> Any:
    """A dataset as it is without augmentation, where it can give itself so."""
    return data.plain() if callable(getattr(data, "plain", None)) else data
