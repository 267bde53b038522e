"""How a dataset becomes batches: by our options, or as a user's DataLoader was set."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from torch.utils.data import (
    BatchSampler,
    DataLoader,
    IterableDataset,
    RandomSampler,
    SequentialSampler,
    default_collate,
)

from nbtrain.config import PipelineConfig


@dataclass(frozen=True, kw_only=True)
class Batching:
    """Batch size and order, collate function and worker settings."""

    batch_size: int | None
    """None where `batch_sampler`, or the dataset itself, makes the batches."""
    shuffle: bool
    pipeline: PipelineConfig
    drop_last: bool = False
    sampler: Iterable[Any] | None = None
    """The user's own, where it does more than shuffle or keep the order."""
    batch_sampler: Iterable[Any] | None = None
    """The user's own, in the place of batch size and sampler."""
    collate: Callable[[Any], Any] = default_collate
    on_worker_start: Callable[[int], None] | None = None

    @property
    def is_plain(self) -> bool:
        """Nothing but batch size and shuffling: tensors in memory may then be batched by indexing."""
        return self.batch_size is not None and self.sampler is None and self.collate is default_collate


def of_loader(loader: DataLoader[Any], pipeline: PipelineConfig) -> tuple[Any, Batching]:
    """A loader's dataset and its settings; a loader that iterates in a way of its own stands for itself."""
    if type(loader).__iter__ is not DataLoader.__iter__:
        return loader, Batching(batch_size=None, shuffle=False, pipeline=pipeline)
    settings: dict[str, Any] = {
        "pipeline": pipeline.model_copy(update={
            "num_workers": loader.num_workers,
            "prefetch_factor": loader.prefetch_factor or pipeline.prefetch_factor,
        }),
        "collate": loader.collate_fn, "on_worker_start": loader.worker_init_fn,
    }
    if isinstance(loader.dataset, IterableDataset):
        return loader.dataset, Batching(
            batch_size=loader.batch_size, shuffle=False, drop_last=bool(loader.drop_last), **settings)
    batches = loader.batch_sampler
    if batches is None:  # automatic batching is off: each entry of the dataset is a batch
        settings["collate"] = Only(loader.collate_fn)
        singles = Singles(loader.sampler)
        return loader.dataset, Batching(batch_size=None, shuffle=False, batch_sampler=singles, **settings)
    if type(batches) is not BatchSampler:
        return loader.dataset, Batching(batch_size=None, shuffle=False, batch_sampler=batches, **settings)
    settings |= {"batch_size": batches.batch_size, "drop_last": batches.drop_last}
    order = batches.sampler
    shuffled = type(order) is RandomSampler and not order.replacement and order.num_samples == len(loader.dataset)  # type: ignore[arg-type]
    if shuffled or type(order) is SequentialSampler:
        return loader.dataset, Batching(shuffle=shuffled, **settings)
    return loader.dataset, Batching(shuffle=False, sampler=order, **settings)


class Singles:
    """A sampler's indices, each as a batch of its own."""

    def __init__(self, sampler: Iterable[Any]) -> None:
        self.sampler = sampler

    def __iter__(self) -> Iterator[list[Any]]:
        return ([index] for index in self.sampler)

    def __len__(self) -> int:
        return len(self.sampler)  # type: ignore[arg-type]


class Only:
    """Collates the one entry of a batch that the dataset made."""

    def __init__(self, collate: Callable[[Any], Any]) -> None:
        self._collate = collate

    def __call__(self, samples: list[Any]) -> Any:
        return self._collate(samples[0])
