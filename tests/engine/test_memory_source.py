from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from nbtrain.core.errors import DataError
from nbtrain.engine import memory_source
from nbtrain.engine.arrays import Arrays, prepare
from nbtrain.engine.batch import Batch
from nbtrain.engine.memory_source import MemorySource
from nbtrain.engine.sampler import order

CPU = torch.device("cpu")


def source(data: Any, size: int = 8, **options: Any) -> MemorySource:
    return MemorySource(prepare(data), **{"batch_size": size, "seed": 3, "shuffle": True, "device": CPU, **options})


def pairs(n: int) -> tuple[Tensor, Tensor]:
    return torch.arange(2.0 * n).reshape(n, 2), torch.arange(n)


@given(
    n=st.integers(1, 100), size=st.integers(1, 40), epoch=st.integers(0, 5), shuffle=st.booleans(),
    drop_last=st.booleans(), block=st.sampled_from([1, 64, 1 << 20]))
def test_batches_are_the_rows_of_the_order_cut_up(
    *, n: int, size: int, epoch: int, shuffle: bool, drop_last: bool, block: int,
):
    if drop_last and n < size:
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(memory_source, "BLOCK_BYTES", block)
        found = source(pairs(n), size, shuffle=shuffle, drop_last=drop_last)
        batches = list(found.epoch(epoch))
    expected = order(n, 3, epoch) if shuffle else torch.arange(n)
    if drop_last:
        expected = expected[: n - n % size]
    assert torch.equal(torch.cat([batch.target for batch in batches]), expected)
    assert torch.equal(torch.cat([batch.inputs for batch in batches]), pairs(n)[0][expected])
    assert [batch.size for batch in batches] == [len(batch.target) for batch in batches]
    assert all(batch.size == size for batch in batches[:-1])
    assert (found.length, found.samples) == (len(batches), len(expected))


@given(skip=st.integers(0, 13), shuffle=st.booleans(), oversample=st.sampled_from([None, 1.0]))
def test_a_resume_gets_the_rest_of_the_epoch(*, skip: int, shuffle: bool, oversample: float | None):
    inputs = torch.randn(100, 3)
    found = source((inputs, torch.arange(100) % 7 % 3), shuffle=shuffle, oversample=oversample)
    whole, rest = list(found.epoch(4)), list(found.epoch(4, skip=skip))
    assert len(rest) == len(whole) - skip
    for mine, theirs in zip(rest, whole[skip:], strict=True):
        assert torch.equal(mine.inputs, theirs.inputs)
        assert torch.equal(mine.target, theirs.target)


def test_each_epoch_has_an_order_of_its_own_and_another_source_of_the_same_seed_the_same():
    def rows(epoch: int, **options: Any) -> list[int]:
        return torch.cat([batch.target for batch in source(pairs(50), **options).epoch(epoch)]).tolist()

    assert rows(0) != rows(1)
    assert rows(1) == rows(1)
    assert rows(0) != rows(0, seed=4)
    assert rows(0, size=5) == rows(0, size=50), "the order does not depend on the batch size"


@pytest.mark.parametrize("shuffle", [True, False])
def test_tuples_dicts_mirrors_and_missing_targets(shuffle: bool):
    x, y = pairs(20)
    for data, inputs_of, target_of in (
        (((x, y), y), lambda b: b.inputs[0], lambda b: b.target),
        ({"a": x, "b": y, "y": y}, lambda b: b.inputs["a"], lambda b: b.target),
        (x, lambda b: b.inputs, lambda b: b.inputs[:, 0].long() // 2),
        ((x, (y, y)), lambda b: b.inputs, lambda b: b.target[1]),
        ({"a": x, "b": y}, lambda b: b.inputs["a"], lambda b: b.inputs["b"]),
    ):
        for batch in source(data, shuffle=shuffle).epoch(0):
            assert torch.equal(inputs_of(batch), x[target_of(batch)])
    assert {b.target is b.inputs for b in source(x, shuffle=shuffle).epoch(0)} == {True}
    assert {b.target for b in source({"a": x, "b": y}, shuffle=shuffle).epoch(0)} == {None}


def test_writing_into_a_shuffled_batch_leaves_the_data_alone():
    x, y = pairs(20)
    for batch in source((x, y)).epoch(0):
        batch.inputs.zero_()
    assert torch.equal(x, pairs(20)[0])


def test_rare_classes_come_more_often():
    labels = torch.tensor([0] * 60 + [1] * 6)
    found = source((torch.arange(66.0), labels), oversample=0.5)
    seen = torch.cat([batch.target for batch in found.epoch(0)])
    assert seen.bincount().tolist() == [60, 30]
    assert (found.samples, found.length) == (90, 12)
    inputs = torch.cat([batch.inputs for batch in found.epoch(0)])
    assert torch.equal(labels[inputs.long()], seen), "inputs and targets stay together"


@pytest.mark.parametrize(("target", "what"), [
    (torch.randn(20), "holds fractions"), (torch.zeros(20, 3), r"is of shape \(20, 3\)"),
    ((torch.zeros(20),) * 2, "not one tensor"),
])
def test_oversampling_without_classes_is_refused(target: Any, what: str):
    with pytest.raises(DataError, match=f"use_oversampling balances classes.*{what}"):
        source((torch.randn(20, 2), target), oversample=0.5)


def test_drop_last_must_leave_a_batch():
    with pytest.raises(DataError, match="drop_last leaves no batch: there are 5 rows, fewer than batch_size 8"):
        source(pairs(5), drop_last=True)


def test_it_tells_classes_and_targets_and_lets_go_of_the_data():
    found = source((pairs(4)[0], ["a", "b", "a", "b"]))
    assert found.classes == ["a", "b"]
    assert found.inexact is None
    assert found.targets is not None
    assert found.targets.tolist() == [0, 1, 0, 1]
    found.close()
    assert found.targets is None
    assert not [value for value in vars(found).values() if isinstance(value, Tensor | Arrays)]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="No CUDA device here.")
@pytest.mark.parametrize("free", [1 << 40, 0])
def test_on_a_gpu_batches_are_the_same_moved_whole_or_block_by_block(free: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(memory_source, "free_memory", lambda _: free)
    monkeypatch.setattr(memory_source, "BLOCK_BYTES", 256)
    device = torch.device("cuda", 0)
    on_gpu = list(source(pairs(100), device=device).epoch(0))
    for mine, theirs in zip(on_gpu, source(pairs(100)).epoch(0), strict=True):
        assert mine.inputs.device == device
        assert torch.equal(mine.inputs.cpu(), theirs.inputs)
        assert torch.equal(mine.target.cpu(), theirs.target)


def test_a_batch_is_what_the_loop_unpacks():
    batch = next(iter(source(pairs(9)).epoch(0)))
    assert isinstance(batch, Batch)
    inputs, target, size, tokens, beside = batch
    assert (tokens, beside) == (0, None)
    assert (inputs.shape, target.shape, size) == ((8, 2), (8,), 8)


@pytest.mark.parametrize("kind", [torch.int8, torch.int16, torch.int32])
@pytest.mark.parametrize("shuffle", [True, False])
def test_small_integers_stay_small_until_they_are_a_batch(kind: torch.dtype, shuffle: bool):
    ids = torch.arange(20, dtype=kind).reshape(10, 2)
    for same in (ids, ids.numpy()):
        arrays = prepare(({"ids": same}, torch.arange(10)))
        assert arrays.inputs["ids"].dtype is kind
        [batch] = MemorySource(arrays, batch_size=10, seed=0, shuffle=shuffle, device=CPU).epoch(0)
        assert batch.inputs["ids"].dtype is torch.int64
        assert batch.inputs["ids"][batch.target.argsort()].equal(ids.long())
