"""Batches of map-style datasets: torch's DataLoader, reading in an order that can be replayed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, default_collate

from nbtrain.core.errors import DataError
from nbtrain.engine.arrays import Reading
from nbtrain.engine.batch import Batch
from nbtrain.engine.batching import Batching
from nbtrain.engine.memory_source import class_labels
from nbtrain.engine.plan import Plan
from nbtrain.engine.replay import Replayed, generators_kept
from nbtrain.engine.samples import known_targets, to_batch
from nbtrain.engine.workers import Arrival, Call, context, starting


class LoaderSource:
    """A `BatchSource` over a map-style dataset.

    Args:
        dataset: anything with ``__getitem__`` and ``__len__``.
        batching: how it becomes batches.
        seed: of the run.
        device: where batches are delivered.
        oversample: see `sampler.balanced_order`; None or 0 for none.
        reading: which numbers the model takes.

    Raises:
        DataError: it is empty, or there are no labels to balance by.
    """

    def __init__(
        self, dataset: Any, batching: Batching, *, seed: int, device: torch.device, oversample: float | None,
        reading: Reading,
    ) -> None:
        rows = len(dataset)
        if not rows:
            raise DataError(f"The {type(dataset).__name__} is empty: it has 0 samples; training needs at least 1.")
        labels = _labels(dataset, batching) if oversample else None
        self._plan = Plan(rows, batching, seed, labels, oversample or 0.0)
        self.length, self.samples, self.inexact = self._plan.length, self._plan.samples, self._plan.inexact
        self.classes: list[str] | None = None
        self.targets: Tensor | None = None
        self._device, self._reading, self._workers = device, reading, batching.pipeline.num_workers
        self._loader: DataLoader[Any] | None = DataLoader(
            Replayed(dataset, seed), batch_sampler=self._plan, **worker_options(batching, device))
        self._batches: Iterator[Any] = iter(())

    def epoch(self, epoch: int, skip: int = 0) -> Iterator[Batch]:
        """The batches of this epoch (0-based), without the first `skip`, which are not read at all."""
        if self._loader is None:
            return
        self._plan.set(epoch, skip)
        with starting():
            self._batches = batches = iter(self._loader)
        while self._loader is not None:
            with nullcontext() if self._workers else generators_kept():
                try:
                    collated = next(batches, self)
                except DataError as error:
                    raise _told(error) from error.__cause__
            if collated is self:
                return
            yield to_batch(collated, self._reading, self._device)

    def close(self) -> None:
        """End the workers and let go of the dataset."""
        end_workers(self._batches)
        self._loader, self._batches = None, iter(())


def worker_options(batching: Batching, device: torch.device) -> dict[str, Any]:
    """Keyword arguments of a DataLoader: collate function, and workers that can run what a notebook defines."""
    pipeline = batching.pipeline
    options: dict[str, Any] = {
        "collate_fn": batching.collate if batching.collate is default_collate else Call(batching.collate),
        "pin_memory": pipeline.pin_memory and device.type == "cuda",
        "generator": torch.Generator(),  # else it would draw from the global one
        "num_workers": pipeline.num_workers,
    }
    if pipeline.num_workers:
        options |= {
            "worker_init_fn": Arrival(batching.on_worker_start), "multiprocessing_context": context(),
            "prefetch_factor": pipeline.prefetch_factor, "persistent_workers": pipeline.persistent_workers,
        }
    return options


def end_workers(batches: Iterator[Any]) -> None:
    """End the workers of a loader's iterator now, not when the last reference to it goes."""
    shutdown = getattr(batches, "_shutdown_workers", None)  # torch has no public way
    if shutdown is not None:
        shutdown()


def _told(error: DataError) -> DataError:
    """The sentence of an error alone: from a worker, torch hands it over at the end of a traceback."""
    mark = f"{type(error).__name__}: "
    said = str(error)
    return type(error)(said.rpartition(mark)[2].strip()) if "Original Traceback" in said and mark in said else error


def _labels(dataset: Any, batching: Batching) -> Tensor:
    if batching.sampler is not None or batching.batch_sampler is not None:
        raise DataError(
            "use_oversampling would replace the sampler of your DataLoader; leave one of the two out.")
    targets = known_targets(dataset)
    if targets is None:
        raise DataError(
            f"use_oversampling needs to know every label before the start; give the {type(dataset).__name__} an "
            "attribute `targets` with one class number a sample.")
    return class_labels(targets)
