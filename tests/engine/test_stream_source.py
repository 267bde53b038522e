from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from nbtrain.config import PipelineConfig
from nbtrain.core.errors import DataError
from nbtrain.engine.batch import BatchSource
from nbtrain.engine.batches import as_source


class Stream(IterableDataset[Any]):
    def __init__(self, n: int = 10) -> None:
        self.n, self.epoch = n, -1

    def __iter__(self) -> Iterator[Any]:
        info = get_worker_info()
        first, step = (0, 1) if info is None else (info.id, info.num_workers)
        return ((torch.rand(2), i) for i in range(first, self.n, step))


class Counted(Stream):
    def __len__(self) -> int:
        return self.n


class Told(Stream):
    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def __iter__(self) -> Iterator[Any]:
        return ((torch.zeros(2), i + 100 * self.epoch) for i in range(self.n))


def source(data: Any, *, workers: int = 0, **options: Any) -> BatchSource:
    given: dict[str, Any] = {"batch_size": 4, "seed": 1, "train": True, "device": torch.device("cpu")}
    return as_source(data, pipeline=PipelineConfig(num_workers=workers), **{**given, **options})


def rows(found: BatchSource, epoch: int = 0, skip: int = 0) -> list[list[int]]:
    return [batch.target.tolist() for batch in found.epoch(epoch, skip)]


def test_a_stream_is_batched_as_it_comes_and_says_that_it_cannot_be_replayed():
    found = source(Stream())
    assert rows(found) == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    assert (found.length, found.samples) == (None, None)
    assert found.inexact is not None
    assert found.inexact.startswith("the data is a stream (Stream)")


def test_a_stream_may_tell_its_length():
    assert (source(Counted()).length, source(Counted()).samples) == (3, 10)
    assert source(Counted(), drop_last=True).length == 2


def test_skipping_reads_on_to_the_place():
    assert rows(source(Stream()), skip=1) == [[4, 5, 6, 7], [8, 9]]


def test_what_a_stream_draws_is_a_function_of_seed_and_epoch():
    found = source(Stream())
    first, again, other = (torch.cat([b.inputs for b in found.epoch(epoch)]) for epoch in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_reading_leaves_the_kernels_generators_alone():
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    rows(source(Stream()))
    assert torch.equal(torch.rand(2), expected)


@pytest.mark.parametrize("workers", [0, 1])
def test_a_stream_is_told_the_epoch(workers: int):
    found = source(Told(2), workers=workers)
    assert rows(found, 0) + rows(found, 3) == [[0, 1], [300, 301]]
    found.close()


def test_workers_share_a_stream():
    found = source(Stream(), workers=2)
    assert sorted(row for batch in rows(found) for row in batch) == list(range(10))
    first, again = (torch.cat([b.inputs for b in found.epoch(1)]) for _ in range(2))
    assert torch.equal(first, again)
    found.close()


def test_a_loader_of_a_stream_keeps_its_settings():
    assert rows(source(DataLoader(Stream(), batch_size=3, drop_last=True))) == [[0, 1, 2], [3, 4, 5], [6, 7, 8]]


def test_a_loader_that_iterates_in_its_own_way_is_iterated_as_it_is():
    class Own(DataLoader[Any]):
        def __iter__(self) -> Any:
            return iter([(torch.zeros(2, 3, dtype=torch.float64), torch.tensor([1, 2]))])

    found = source(Own(Stream()))
    batch = next(found.epoch(0))
    assert (batch.inputs.dtype, batch.target.tolist(), batch.size) == (torch.float32, [1, 2], 2)
    assert found.inexact is not None


def test_any_iterable_of_batches_will_do():
    class Batches:
        def __iter__(self) -> Iterator[Any]:
            return iter([{"x": torch.zeros(3, 2), "label": torch.arange(3)}] * 2)

        def __len__(self) -> int:
            return 2

    found = source(Batches())
    assert found.length == 2
    assert rows(found) == [[0, 1, 2]] * 2


def test_an_iterator_that_can_be_read_only_once_is_refused():
    with pytest.raises(DataError, match=r"The data is an iterator \(generator\), which can be read only once; give"):
        source(x for x in range(3))


def test_what_cannot_be_read_at_all_is_refused():
    with pytest.raises(DataError, match=r"The data is a int; it must be \(inputs, target\) in memory"):
        source(3)


def test_oversampling_a_stream_is_refused():
    with pytest.raises(DataError, match="use_oversampling needs to know every label before the start"):
        source(Stream(), oversample=0.5)


def test_after_close_nothing_is_read():
    found = source(Stream())
    found.close()
    assert rows(found) == []
