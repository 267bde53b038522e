"""Where batches come from: data in memory, datasets and loaders behind one interface."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch.utils.data import DataLoader, IterableDataset, default_collate

from nbtrain.config import PipelineConfig
from nbtrain.core.errors import DataError
from nbtrain.engine.arrays import Arrays, Reading, prepare
from nbtrain.engine.batch import Batch, BatchSource
from nbtrain.engine.batching import Batching, of_loader
from nbtrain.engine.loader_source import LoaderSource
from nbtrain.engine.memory_source import MemorySource
from nbtrain.engine.rows import Rows, RowSource
from nbtrain.engine.stream_source import StreamSource

__all__ = ["Batch", "BatchSource", "as_source"]


def as_source(
    data: Any,
    *,
    batch_size: int,
    seed: int,
    train: bool,
    pipeline: PipelineConfig,
    device: torch.device,
    oversample: float | None = None,
    drop_last: bool = False,
    reading: Reading | None = None,
    classes: Sequence[str] | None = None,
) -> BatchSource:
    """Batches of any kind of data.

    In memory (everything `arrays.prepare` takes), batches are cut out by tensor indexing; `Rows` make their own of
    the rows we ask for. A map-style dataset is read by a `DataLoader` in our order, with its `collate` where it has
    one. A `DataLoader` keeps its batch size, collate function and workers, and its sampler where that is one of its
    owner's; an iterable dataset is read as it comes.

    Args:
        data: see above; the last element of a sample's tuple is its target, as is the entry of a dict that
            `arrays.TARGETS` names.
        batch_size: samples of a micro-batch, except for a DataLoader, which brings its own.
        seed: of the run; the order is a function of (seed, epoch).
        train: shuffled when True, in the data's order when False.
        pipeline: workers, prefetching and pinned memory of what is not in memory.
        device: where batches are delivered.
        oversample: class-balanced oversampling up to this ratio (see `sampler.balanced_order`).
        drop_last: leave out a last batch that is not full.
        reading: which numbers the model takes; by default float32 and integers as they are.
        classes: names that a target of text is numbered by, where the training data decides them.

    Raises:
        DataError: data that cannot be trained on, in one sentence.
    """
    if isinstance(data, Rows):
        return RowSource(
            data, batch_size=batch_size, seed=seed, train=train, device=device, oversample=oversample,
            drop_last=drop_last)
    reading = reading or Reading()
    if isinstance(data, DataLoader):
        data, batching = of_loader(data, pipeline)
    else:
        batching = Batching(
            batch_size=batch_size, drop_last=drop_last, shuffle=train, pipeline=pipeline,
            collate=getattr(data, "collate", default_collate))
    if batching.is_plain:
        data = prepare(data, reading, classes)
    if isinstance(data, Arrays):
        return MemorySource(
            data, batch_size=batching.batch_size or 1, seed=seed, shuffle=batching.shuffle, device=device,
            oversample=oversample, drop_last=batching.drop_last)
    if not isinstance(data, IterableDataset | DataLoader) and hasattr(data, "__getitem__") and hasattr(data, "__len__"):
        return LoaderSource(data, batching, seed=seed, device=device, oversample=oversample, reading=reading)
    if not hasattr(data, "__iter__"):
        raise DataError(
            f"The data is a {type(data).__name__}; it must be (inputs, target) in memory, a dict of arrays, a data "
            "frame, a torch Dataset or a DataLoader.")
    if oversample:
        raise DataError(
            "use_oversampling needs to know every label before the start, which a stream of samples does not tell; "
            "leave it off, or give the data as arrays or a map-style dataset.")
    return StreamSource(data, batching, seed=seed, device=device, reading=reading)
