from __future__ import annotations

import os
import random
import signal
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils.data import (
    BatchSampler,
    DataLoader,
    Dataset,
    DistributedSampler,
    RandomSampler,
    Sampler,
    Subset,
    SubsetRandomSampler,
    TensorDataset,
    WeightedRandomSampler,
    get_worker_info,
)

from nbtrain.config import PipelineConfig
from nbtrain.core.errors import DataError
from nbtrain.engine.batch import BatchSource
from nbtrain.engine.batches import as_source
from nbtrain.engine.loader_source import LoaderSource
from nbtrain.engine.memory_source import MemorySource
from nbtrain.engine.replay import seed_all


def draw() -> list[float]:
    return [torch.rand(()).item(), np.random.random_sample(), random.random()]  # noqa: NPY002, S311 - the global ones


class Noisy(Dataset[Any]):
    """Draws from all three global generators for some samples, and tells who read it."""

    def __init__(self, n: int = 50) -> None:
        self.n = n
        self.targets = [i % 5 % 3 for i in range(n)]

    def __len__(self) -> int:
        return self.n

    def __getitem__(self, i: int) -> Any:
        noise = torch.tensor(draw() if i % 3 == 0 else [0.0, 0.0, 0.0])
        info = get_worker_info()
        return {"noise": noise, "row": i, "worker": -1 if info is None else info.id, "label": self.targets[i]}


class Quiet(Noisy):
    def __getitem__(self, i: int) -> Any:
        if i >= self.n:
            raise IndexError(i)
        return torch.full((2,), float(i), dtype=torch.float64), i


def source(data: Any, *, workers: int = 0, persistent: bool = True, **options: Any) -> BatchSource:
    given: dict[str, Any] = {"batch_size": 8, "seed": 1, "train": True, "device": torch.device("cpu")}
    pipeline = PipelineConfig(num_workers=workers, persistent_workers=persistent)
    return as_source(data, pipeline=pipeline, **{**given, **options})


def read(found: BatchSource, name: str, epoch: int = 0, skip: int = 0) -> Tensor:
    return torch.cat([batch.inputs[name] for batch in found.epoch(epoch, skip)])


def rows(found: BatchSource, epoch: int = 0, skip: int = 0) -> list[int]:
    return [int(row) for batch in found.epoch(epoch, skip) for row in batch.target]


@pytest.mark.parametrize("persistent", [True, False])
def test_samples_are_the_same_bits_with_any_number_of_workers(persistent: bool):
    by_workers = {}
    for workers in (0, 1, 2):
        found = source(Noisy(), workers=workers, persistent=persistent)
        try:
            by_workers[workers] = [(read(found, "row", epoch), read(found, "noise", epoch)) for epoch in (0, 1)]
            assert read(found, "worker").unique().tolist() == [[-1], [0], [0, 1]][workers], "the workers did read"
        finally:
            found.close()
    for workers in (1, 2):
        for epoch in (0, 1):
            for mine, theirs in zip(by_workers[workers][epoch], by_workers[0][epoch], strict=True):
                assert torch.equal(mine, theirs)
    (first_rows, first), (second_rows, second) = by_workers[0]
    assert not torch.equal(first_rows, second_rows), "epochs differ in order"
    drawn = {float(x) for x in torch.cat([first, second])[:, 0] if x}
    assert len(drawn) == 2 * 17, "and in what is drawn, for each sample"


@pytest.mark.parametrize("workers", [0, 2])
def test_a_resume_in_the_middle_of_an_epoch_reads_the_rest_and_nothing_else(workers: int):
    found = source(Noisy(), workers=workers)
    try:
        whole, rest = read(found, "noise", 1), read(found, "noise", 1, skip=3)
        assert torch.equal(rest, whole[24:])
        assert not list(found.epoch(1, skip=7))
    finally:
        found.close()


@pytest.mark.parametrize("workers", [0, 2])
def test_an_epoch_that_is_left_in_the_middle_does_not_disturb_the_next(workers: int):
    found, fresh = source(Noisy(), workers=workers), source(Noisy())
    try:
        batches = found.epoch(0)
        next(batches)
        for epoch in (0, 1):
            assert torch.equal(read(found, "noise", epoch), read(fresh, "noise", epoch))
    finally:
        found.close()


def test_reading_in_the_kernels_process_leaves_its_generators_as_they_were():
    seed_all(5)
    expected = draw()
    seed_all(5)
    list(source(Noisy()).epoch(0))
    assert draw() == expected


def test_a_dataset_that_fails_leaves_the_generators_as_they_were_too():
    class Failing(Noisy):
        def __getitem__(self, i: int) -> Any:
            raise OSError("no such picture")

    seed_all(5)
    expected = draw()
    seed_all(5)
    with pytest.raises(OSError, match="no such picture"):
        list(source(Failing()).epoch(0))
    assert draw() == expected


def test_a_dataset_that_draws_nothing_is_read_once_a_sample():
    reads: list[int] = []

    class Counting(Quiet):
        def __getitem__(self, i: int) -> Any:
            reads.append(i)
            return super().__getitem__(i)

    list(source(Counting()).epoch(0))
    assert sorted(reads) == list(range(50))


def test_numbers_come_as_the_model_takes_them():
    batch = next(source(Quiet()).epoch(0))
    assert (batch.inputs.dtype, batch.target.dtype, batch.size) == (torch.float32, torch.int64, 8)
    assert torch.equal(batch.inputs[:, 0].long(), batch.target)


def test_validation_is_read_in_the_datas_order():
    assert rows(source(Quiet(), train=False)) == list(range(50))


def test_lengths():
    found = source(Quiet())
    assert (found.length, found.samples, found.inexact) == (7, 50, None)
    found = source(Quiet(), drop_last=True)
    assert (found.length, found.samples, len(rows(found))) == (6, 48, 48)


def test_oversampling_by_the_datasets_own_targets():
    found = source(Noisy(), oversample=1.0)
    labels = torch.cat([batch.target for batch in found.epoch(0)])
    assert labels.bincount().tolist() == [20, 20, 20]
    assert (found.samples, found.length) == (60, 8)
    noise, row = read(found, "noise"), read(found, "row")
    twice = [noise[row == r, 0].unique().numel() for r in row.unique() if r % 3 == 0 and (row == r).sum() == 2]
    assert twice, "some that draw come twice"
    assert set(twice) == {2}, "and draw something else the second time"


def test_oversampling_a_subset():
    found = source(Subset(Noisy(), range(10)), oversample=1.0)
    assert torch.cat([batch.target for batch in found.epoch(0)]).bincount().tolist() == [4, 4, 4]


def test_oversampling_without_targets_is_refused():
    class Bare(Quiet):
        def __init__(self) -> None:
            self.n = 5

    with pytest.raises(DataError, match=r"give the Bare an attribute `targets`"):
        source(Bare(), oversample=0.5)
    loader = DataLoader(Quiet(), sampler=WeightedRandomSampler([1.0] * 50, 50))
    with pytest.raises(DataError, match="would replace the sampler of your DataLoader"):
        source(loader, oversample=0.5)


def test_an_empty_dataset_is_refused():
    with pytest.raises(DataError, match="The Noisy is empty: it has 0 samples; training needs at least 1"):
        source(Noisy(0))


def test_a_list_of_samples_is_a_dataset():
    assert rows(source([(torch.zeros(2), i) for i in range(9)], train=False)) == list(range(9))


# -- the user's own DataLoader ------------------------------------------------------------------


def shuffled(loader: DataLoader[Any]) -> BatchSource:
    return source(loader, seed=2)


@pytest.mark.parametrize("make", [
    lambda data: DataLoader(data, batch_size=7, shuffle=True),
    lambda data: DataLoader(data, batch_size=7, sampler=SubsetRandomSampler(range(0, 50, 2))),
    lambda data: DataLoader(data, batch_size=7, sampler=WeightedRandomSampler([1.0] * 50, 30)),
    lambda data: DataLoader(data, batch_size=7, sampler=RandomSampler(data, replacement=True, num_samples=20)),
    lambda data: DataLoader(data, batch_size=7, sampler=DistributedSampler(data, 2, 0)),
    lambda data: DataLoader(data, batch_sampler=BatchSampler(RandomSampler(data), 7, drop_last=False)),
    lambda data: DataLoader([(x[None], torch.tensor([y])) for x, y in data], batch_size=None, shuffle=True),  # type: ignore[arg-type]
])
def test_the_order_of_torchs_samplers_can_be_replayed(make: Any):
    first, second = shuffled(make(Quiet())), shuffled(make(Quiet()))
    assert first.inexact is None
    whole = rows(first, 3)
    assert whole == rows(second, 3)
    assert whole != rows(first, 4)
    skipped = sum(batch.size for batch, _ in zip(first.epoch(3), range(2), strict=False))
    assert rows(first, 3, skip=2) == whole[skipped:]
    assert first.length == len(list(first.epoch(3)))


def test_a_loader_keeps_its_batch_size_order_collate_function_and_drop_last():
    def collate(samples: list[Any]) -> Any:
        return torch.stack([x for x, _ in samples]) + 100, torch.tensor([y for _, y in samples])

    found = source(DataLoader(Quiet(), batch_size=9, collate_fn=collate, drop_last=True))
    batches = list(found.epoch(0))
    assert [batch.size for batch in batches] == [9] * 5
    assert rows(found) == list(range(45)), "shuffle=False stays as it is, also for training"
    assert float(batches[0].inputs[0, 0]) == 100.0


class Backwards(Sampler[int]):
    def __init__(self, n: int) -> None:
        self.n, self.told = n, -1

    def set_epoch(self, epoch: int) -> None:
        self.told = epoch

    def __iter__(self) -> Iterator[int]:
        return iter(range(self.n - 1 - self.told, -1, -1))


class Pairs(Sampler[list[int]]):
    def __iter__(self) -> Iterator[list[int]]:
        return iter([[0, 1], [2, 3], [4]])


def test_other_samplers_are_used_as_they_are_and_said_to_be_so():
    own = Backwards(10)
    found = source(DataLoader(Quiet(), batch_size=4, sampler=own))
    assert rows(found, 2) == list(range(7, -1, -1)), "and told the epoch"
    assert found.inexact == "the order comes from a Backwards, which cannot be asked for an earlier epoch's order again"
    assert (found.length, found.samples) == (None, None)
    found = source(DataLoader(Quiet(), batch_sampler=Pairs()))
    assert [batch.size for batch in found.epoch(0)] == [2, 2, 1]
    assert rows(found, skip=1) == [2, 3, 4]
    assert found.inexact is not None


def test_a_dataset_may_make_whole_batches():
    class Batches(Dataset[Any]):
        def __len__(self) -> int:
            return 3

        def __getitem__(self, i: int) -> Any:
            return np.full((4, 2), i, dtype=np.float32), np.full(4, i)

    found = source(DataLoader(Batches(), batch_size=None))
    assert [(tuple(b.inputs.shape), b.size) for b in found.epoch(0)] == [((4, 2), 4)] * 3
    assert rows(found) == [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2]


def test_a_dataset_that_reads_batches_at_once_is_let_do_so():
    class Fast(Quiet):
        def __getitems__(self, indices: list[int]) -> list[Any]:
            return [(torch.rand(2), i) for i in indices]

        def __getitem__(self, i: int) -> Any:
            raise AssertionError

    for data in (Fast(), Subset(Fast(), range(20))):
        first, second = source(data), source(data)
        assert all(torch.equal(a.inputs, b.inputs) for a, b in zip(first.epoch(0), second.epoch(0), strict=True))
        assert len({float(b.inputs[0, 0]) for b in first.epoch(0)}) == first.length


def test_tensors_in_a_plain_loader_are_batched_by_indexing():
    data = TensorDataset(torch.randn(20, 2), torch.arange(20))
    found = source(DataLoader(data, batch_size=6, shuffle=True))
    assert isinstance(found, MemorySource)
    assert sorted(rows(found)) == list(range(20))
    own = DataLoader(data, batch_size=6, collate_fn=lambda samples: (samples[0][0], samples[0][1]))
    assert isinstance(source(own), LoaderSource)


# -- workers ------------------------------------------------------------------------------------


class Pids(Noisy):
    def __getitem__(self, i: int) -> Any:
        return torch.tensor([os.getpid(), os.getppid()]), i


def test_workers_ignore_interrupts_and_are_gone_after_close():
    found = source(Pids(200), workers=2)
    batches = found.epoch(0)
    pids = {int(pid) for _ in range(4) for pid in next(batches).inputs[:, 0]}
    assert len(pids) == 2
    assert os.getpid() not in pids
    for pid in pids:
        os.kill(pid, signal.SIGINT)
    assert sum(batch.size for batch in batches) == 200 - 4 * 8
    found.close()
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    assert not list(found.epoch(0))


@pytest.mark.parametrize("persistent", [True, False])
def test_workers_are_gone_after_close_also_in_the_middle_of_an_epoch(persistent: bool):
    found = source(Pids(200), workers=1, persistent=persistent)
    batches = found.epoch(0)
    pid = int(next(batches).inputs[0, 0])
    found.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert not list(batches)


def test_an_error_in_a_worker_comes_back_with_its_kind():
    class Failing(Noisy):
        def __getitem__(self, i: int) -> Any:
            raise OSError("no such picture")

    found = source(Failing(), workers=1)
    with pytest.raises(OSError, match="no such picture"):
        next(found.epoch(0))
    found.close()


def test_the_users_worker_init_runs_too_also_when_it_is_a_closure():
    said = 42

    def init(worker: int) -> None:
        os.environ["SAID"] = str(said + worker)

    class Telling(Noisy):
        def __getitem__(self, i: int) -> Any:
            return torch.tensor(int(os.environ["SAID"])), i

    found = source(DataLoader(Telling(), batch_size=5, num_workers=1, worker_init_fn=init))
    assert next(found.epoch(0)).inputs.tolist() == [42] * 5
    found.close()
