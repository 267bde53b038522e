from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from nbtrain.engine.sampler import balanced_order, mix, order


@given(n=st.integers(1, 300), seed=st.integers(0, 2**32 - 1), epoch=st.integers(0, 1000))
def test_an_order_holds_every_row_once_and_is_the_same_each_time(n: int, seed: int, epoch: int):
    first = order(n, seed, epoch)
    assert torch.equal(first.sort().values, torch.arange(n))
    assert torch.equal(first, order(n, seed, epoch))


def test_every_epoch_and_every_seed_has_an_order_of_its_own():
    orders = {tuple(order(50, seed, epoch).tolist()) for seed in range(10) for epoch in range(10)}
    assert len(orders) == 100


def test_the_global_generator_is_not_drawn_from():
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    order(100, 0, 0)
    balanced_order(torch.tensor([0, 0, 1]), 1.0, 0, 0)
    assert torch.equal(torch.rand(3), expected)


def test_seeds_of_neighbours_have_nothing_in_common():
    seeds = [mix(seed, epoch) for seed in range(20) for epoch in range(20)]
    assert len(set(seeds)) == 400
    assert all(0 <= seed < 2**63 for seed in seeds)
    changed = [(mix(7, i) ^ mix(7, i + 1)).bit_count() for i in range(200)]
    assert 27 < sum(changed) / len(changed) < 36  # of 63 bits, half


def test_the_order_of_numbers_matters():
    assert mix(1, 2) != mix(2, 1)


@given(
    counts=st.lists(st.integers(1, 40), min_size=1, max_size=5), ratio=st.floats(0.0, 1.0),
    epoch=st.integers(0, 50))
def test_rare_classes_are_brought_up_to_their_share(counts: list[int], ratio: float, epoch: int):
    labels = torch.cat([torch.full((count,), label * 3 - 4) for label, count in enumerate(counts)])
    rows = balanced_order(labels, ratio, 5, epoch)
    times = torch.bincount(rows, minlength=len(labels))
    assert int(times.min()) >= 1, "every row comes at least once"
    for label, count in enumerate(counts):
        own = times[labels == label * 3 - 4]
        wanted = ratio * max(counts)
        assert int(own.sum()) == max(count, -int(-wanted // 1))
        assert int(own.max() - own.min()) <= 1, "repeated evenly"


def test_ratio_one_makes_classes_equal_and_ratio_zero_changes_nothing():
    labels = torch.tensor([0] * 90 + [1] * 9 + [2])
    full = balanced_order(labels, 1.0, 0, 0)
    assert labels[full].bincount().tolist() == [90, 90, 90]
    assert balanced_order(labels, 0.0, 0, 0).sort().values.tolist() == list(range(100))


def test_what_is_repeated_changes_from_epoch_to_epoch_but_not_how_much():
    labels = torch.tensor([0] * 30 + [1] * 20)
    first, second = (balanced_order(labels, 1.0, 0, epoch) for epoch in (0, 1))
    assert len(first) == len(second) == 60
    assert first.bincount().tolist() != second.bincount().tolist()
    assert torch.equal(first, balanced_order(labels, 1.0, 0, 0))
