from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.data import DataLoader, Dataset, IterableDataset

from nbtrain.core.errors import DataError
from nbtrain.engine.arrays import Reading
from nbtrain.engine.split import split


class Numbers(Dataset[int]):
    def __init__(self, n: int, targets: Any = None) -> None:
        self.n = n
        if targets is not None:
            self.targets = targets

    def __len__(self) -> int:
        return self.n

    def __getitem__(self, i: int) -> int:
        return i


class Stream(IterableDataset[int]):
    def __iter__(self) -> Any:
        return iter(range(5))


def rows(part: Any) -> list[int]:
    if part is None:
        return []
    return part.inputs[:, 0].long().tolist() if hasattr(part, "inputs") else [part[i] for i in range(len(part))]


@given(
    n=st.integers(5, 300), validation=st.floats(0.0, 0.4), test=st.floats(0.0, 0.4), seed=st.integers(0, 2**32 - 1),
    kind=st.sampled_from(["arrays", "dataset"]))
def test_every_row_is_in_one_part_and_the_shares_are_right(
    *, n: int, validation: float, test: float, seed: int, kind: str,
):
    data: Any = torch.arange(float(n)).reshape(n, 1) if kind == "arrays" else Numbers(n)
    parts = split(data, validation, test, seed)
    found = [rows(part) for part in parts]
    assert sorted(row for part in found for row in part) == list(range(n))
    assert found == [rows(part) for part in split(data, validation, test, seed)], "the same each time"
    for part, share in zip(found[1:], (validation, test), strict=True):
        assert len(part) == (max(1, round(n * share)) if share else 0)


def test_without_shares_the_data_is_whole():
    train, validation, test = split(Numbers(3), 0.0, 0.0, 0)
    assert (len(train), validation, test) == (3, None, None)


def test_another_seed_is_another_split():
    data = torch.arange(100.0).reshape(100, 1)
    assert rows(split(data, 0.2, 0.0, 0)[1]) != rows(split(data, 0.2, 0.0, 1)[1])


@given(
    counts=st.lists(st.integers(2, 60), min_size=2, max_size=6), validation=st.sampled_from([0.1, 0.15, 0.5]),
    test=st.sampled_from([0.0, 0.2]), seed=st.integers(0, 99), kind=st.sampled_from(["arrays", "dataset"]))
def test_classes_keep_their_shares(*, counts: list[int], validation: float, test: float, seed: int, kind: str):
    labels = np.concatenate([np.full(count, label) for label, count in enumerate(counts)])
    n = len(labels)
    data: Any = (np.arange(float(n)).reshape(n, 1), labels) if kind == "arrays" else Numbers(n, labels)
    parts = split(data, validation, test, seed)
    for part, share in zip(parts[1:], (validation, test), strict=True):
        taken = np.bincount(labels[rows(part)], minlength=len(counts)) if part is not None else np.zeros(len(counts))
        total = len(rows(part))
        for label, count in enumerate(counts):
            assert abs(taken[label] - total * count / n) <= 2, (share, taken, counts)


def test_half_of_a_class_of_two_goes_to_each_side():
    data = (np.arange(8.0).reshape(8, 1), np.array([0, 0, 1, 1, 2, 2, 3, 3]))
    for seed in range(10):
        train, validation, _ = split(data, 0.5, 0.0, seed)
        assert validation is not None
        assert validation.target.tolist() == train.target.tolist() == [0, 1, 2, 3]


def test_text_is_numbered_before_the_split_so_that_all_parts_agree():
    train, validation, _ = split((np.zeros((9, 1)), list("cabcabcab")), 0.3, 0.0, 0)
    assert validation is not None
    assert train.classes == validation.classes == ["a", "b", "c"]


def test_the_reading_reaches_the_data():
    reading = Reading(torch.float64, integers=False)
    train, _, _ = split((np.arange(8).reshape(8, 1), np.arange(8.0)), 0.5, 0.0, 0, reading)
    assert train.inputs.dtype is train.target.dtype is torch.float64


@pytest.mark.skipif(not torch.cuda.is_available(), reason="No CUDA device here.")
def test_data_that_lies_on_a_gpu_is_split_there():
    train, validation, _ = split((torch.randn(20, 2, device="cuda"), torch.arange(20, device="cuda") % 2), 0.2, 0.0, 0)
    assert validation is not None
    assert train.inputs.device == validation.target.device == torch.device("cuda", 0)


@pytest.mark.parametrize("data", [DataLoader(Numbers(9)), Stream()])
def test_loaders_and_streams_are_left_whole(data: Any):
    assert split(data, 0.2, 0.2, 0) == (data, None, None)


@pytest.mark.parametrize(("n", "validation", "test", "sentence"), [
    (1, 0.2, 0.0, "1 row cannot be split into training, validation with at least one row each"),
    (2, 0.2, 0.2, "2 rows cannot be split into training, validation, test with"),
    (1, 0.0, 0.2, "1 row cannot be split into training, test with"),
])
def test_too_few_rows_are_refused(n: int, validation: float, test: float, sentence: str):
    with pytest.raises(DataError, match=sentence):
        split(torch.zeros(n, 1), validation, test, 0)
