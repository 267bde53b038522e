"""Rows that make their own batches: order, lengths, oversampling, and what comes after a skip."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from nbtrain import training
from nbtrain.config import PipelineConfig
from nbtrain.core.errors import DataError
from nbtrain.engine import fingerprint, sampler
from nbtrain.engine.batches import as_source
from nbtrain.engine.rows import Rows, RowSource

CPU = torch.device("cpu")


class Ragged:
    """Rows of whole numbers of many lengths, padded with 0 to the longest of the batch; the target is the length."""

    classes = None
    bucketed = True

    def __init__(self, rows=100, longest=30, labels=None):
        draw = torch.Generator().manual_seed(0)
        self.lengths = torch.randint(1, longest + 1, (rows,), generator=draw)
        self.targets = self.lengths.clone() if labels is None else labels

    def __len__(self):
        return len(self.lengths)

    def take(self, rows, seed):
        lengths = self.lengths[rows]
        x = torch.zeros(len(rows), int(lengths.max()))
        for place, length in enumerate(lengths.tolist()):
            x[place, :length] = 1.0 if seed is None else torch.rand((), generator=torch.Generator().manual_seed(seed))
        return {"x": x, "row": rows.clone()}, self.targets[rows]

    def fingerprint(self):
        return f"ragged:{int(self.lengths.sum())}"


def source(rows=None, **options: Any):
    usual: dict[str, Any] = {"batch_size": 8, "seed": 0, "train": True, "device": CPU}
    given: Any = Ragged() if rows is None else rows
    return RowSource(given, **usual | options)


def numbers(batches):
    return [batch.inputs["row"].tolist() for batch in batches]


def test_every_row_comes_once_an_epoch_in_an_order_of_its_own():
    made = source()
    assert (made.length, made.samples) == (13, 100)
    one, two = numbers(made.epoch(0)), numbers(made.epoch(1))
    assert one != two
    for epoch in (one, two):
        assert sorted(row for batch in epoch for row in batch) == list(range(100))
        assert [len(batch) for batch in epoch] == [8] * 12 + [4]
    assert numbers(source().epoch(0)) == one
    assert numbers(source(seed=1).epoch(0)) != one


def test_rows_of_like_lengths_come_together_and_batches_in_any_order():
    padded = sum(batch.inputs["x"].numel() for batch in source().epoch(0))
    tokens = sum(batch.tokens for batch in source().epoch(0))
    assert tokens == int(Ragged().lengths.sum())
    assert padded < 1.15 * tokens
    longest = [int(batch.target.max()) for batch in source().epoch(0)][:-1]
    assert longest != sorted(longest)
    plain = _without_lengths()
    assert numbers(source(plain).epoch(0)) == [part.tolist() for part in sampler.order(len(plain), 0, 0).split(8)]


def _without_lengths():
    class Plain(Ragged):
        def __init__(self):
            super().__init__()
            self._all = self.lengths
            self.lengths: Any = None

        def __len__(self):
            return len(self._all)

        def take(self, rows, seed):
            return {"x": torch.ones(len(rows), 1), "row": rows.clone()}, self._all[rows]

    return Plain()


@pytest.mark.parametrize("skip", [0, 1, 7, 13])
def test_after_a_skip_the_rest_of_the_epoch_comes_to_the_same_bits(skip):
    whole, rest = list(source().epoch(3)), list(source().epoch(3, skip))
    assert len(rest) == 13 - skip
    for one, other in zip(whole[skip:], rest, strict=True):
        assert torch.equal(one.inputs["x"], other.inputs["x"])
        assert torch.equal(one.target, other.target)


def test_what_is_held_out_comes_as_it_lies_and_unchanged():
    made = list(source(train=False).epoch(0))
    assert [row for batch in numbers(made) for row in batch] == list(range(100))
    assert all(set(batch.inputs["x"].unique().tolist()) <= {0.0, 1.0} for batch in made)


def test_rare_classes_come_more_often():
    labels = torch.tensor([0] * 90 + [1] * 10)
    made = source(Ragged(labels=labels), oversample=0.5)
    assert made.samples == 90 + 45
    counts = torch.cat([batch.target for batch in made.epoch(0)]).bincount().tolist()
    assert counts == [90, 45]


def test_the_engine_takes_them_and_counts_tokens():
    class Sum(nn.Module):
        def __init__(self):
            super().__init__()
            self.w = nn.Parameter(torch.zeros(()))

        def forward(self, x, row):
            return self.w * x.sum(1)

    rows = Ragged(rows=4000)
    assert isinstance(rows, Rows)
    run = training.train(Sum(), rows, loss="mse", epochs=3, show=False, validation=0, metrics=[], learning_rate=0.1)
    run.wait()
    assert run.step == 3 * -(-4000 // 32)
    assert run.evaluate(rows)["loss"] < rows.targets.float().square().mean().item() - 10  # what a weight of 0 gives
    assert fingerprint.fingerprint(rows) == rows.fingerprint()


def test_no_rows_and_nothing_after_closing():
    with pytest.raises(DataError, match="The data is empty: it has 0 rows"):
        source(Ragged(rows=0))
    made = as_source(Ragged(), batch_size=8, seed=0, train=True, pipeline=PipelineConfig(), device=CPU)
    batches = made.epoch(0)
    next(batches)
    made.close()
    assert list(batches) == []
    assert list(made.epoch(0)) == []
