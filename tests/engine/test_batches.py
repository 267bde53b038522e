from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from nbtrain.config import PipelineConfig
from nbtrain.engine.arrays import Reading, prepare
from nbtrain.engine.batches import BatchSource, as_source
from nbtrain.engine.split import split

X, Y = np.arange(40.0).reshape(20, 2), np.arange(20) % 4
TENSORS = TensorDataset(torch.tensor(X), torch.tensor(Y))


def source(data: Any, **options: Any) -> BatchSource:
    given: dict[str, Any] = {"batch_size": 8, "seed": 1, "train": True, "device": torch.device("cpu")}
    return as_source(data, pipeline=PipelineConfig(), **{**given, **options})


@pytest.mark.parametrize("data", [
    (X, Y), prepare((X, Y)), TENSORS, DataLoader(TENSORS, batch_size=8, shuffle=True),
    [(torch.tensor(x), int(y)) for x, y in zip(X, Y, strict=True)], pd.DataFrame(X, columns=["a", "b"]).assign(y=Y),
    DataLoader(TENSORS, batch_size=8, shuffle=True, collate_fn=lambda s: [torch.stack(part) for part in zip(*s)]),  # noqa: B905
], ids=["arrays", "prepared", "tensors", "loader", "samples", "table", "collated"])
def test_every_kind_of_data_gives_the_same_batches(data: Any):
    found, expected = source(data), source((X, Y))
    assert (found.length, found.samples, found.inexact) == (3, 20, None)
    for epoch in (0, 1):
        for mine, theirs in zip(found.epoch(epoch), expected.epoch(epoch), strict=True):
            assert torch.equal(mine.inputs, theirs.inputs)
            assert torch.equal(mine.target, theirs.target)
            assert mine.size == theirs.size
    found.close()


def test_validation_text_is_numbered_by_the_training_classes():
    train = source((X[:3], ["a", "b", "c"]))
    found = source((X[:2], ["c", "b"]), train=False, classes=train.classes)
    assert [batch.target.tolist() for batch in found.epoch(0)] == [[2, 1]]


@pytest.mark.parametrize("model", [nn.Linear(2, 4), nn.Linear(2, 4).double()])
def test_what_a_model_reads_it_can_compute_with(model: nn.Module):
    reading = Reading.of(model)
    for data in ((X.astype(int), Y), [(torch.tensor(x).int(), int(y)) for x, y in zip(X, Y, strict=True)]):
        train, validation, _ = split(data, 0.2, 0.0, 0, reading)
        for part in (train, validation):
            for batch in source(part, reading=reading).epoch(0):
                assert model(batch.inputs).shape == (batch.size, 4)
