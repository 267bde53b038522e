"""Data that can be read so many times only: a rehearsal ends with it, and holds up nobody."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.utils.data import DataLoader, IterableDataset

from nbtrain.core.errors import DataError
from nbtrain.core.tasks import Progress
from nbtrain.foreseen import foresee

#: Passes that a training is prepared by.
PREPARING = 2


class Passing(IterableDataset[Any]):
    """It says a length, and has rows for the first passes only."""

    def __init__(self, passes):
        self.left, self.asked = passes, 0

    def __len__(self):
        return 8

    def __iter__(self):
        self.left, self.asked = self.left - 1, self.asked + 1
        if self.asked > 100:
            pytest.fail("It is asked again and again.")
        return iter([(torch.ones(4), 1)] * 8 if self.left >= 0 else [])


def asked(given):
    options = {"device": "cpu", "validation": 0.0, "epochs": 3, "scheduler": "constant"}
    return foresee(torch.nn.Linear(4, 2), DataLoader(given, batch_size=4), {}, options, Progress())


def test_rows_that_come_to_an_end_are_rehearsed_as_far_as_they_go():
    once = Passing(PREPARING + 1)
    told = asked(once)
    assert told["steps"] == 6
    assert once.left < 0, "it was rehearsed to their end"


def test_rows_that_are_gone_before_the_rehearsal_are_told():
    with pytest.raises(DataError, match="none when it was read again; each epoch reads it from its beginning"):
        asked(Passing(PREPARING))
