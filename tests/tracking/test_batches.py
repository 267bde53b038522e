from __future__ import annotations

import numpy as np
import pytest
import torch

from nbtrain.tracking.batches import size_of

X, Y = torch.zeros(8, 3), torch.zeros(8)


@pytest.mark.parametrize(("batch", "size"), [
    (X, 8), ((X, Y), 8), ([X, Y], 8), ({"x": X, "y": Y}, 8), (({"x": X}, Y), 8), ([[X, X], Y], 8),
    (np.zeros((5, 2)), 5),
    (["a", "b", "c"], 3), ([1, 2, 3, 4], 4), ([{"x": 1}, {"x": 2}], 2), ([("a", 1), ("b", 2), ("c", 3)], 3),
    ((["a", "b"], torch.zeros(2)), 2), (torch.tensor(1.0), 1), (3, 1), ("text", 1), ([], 0), ({}, 0), (None, 1),
    (range(6), 6),
])
def test_samples_are_counted(batch, size):
    assert size_of(batch) == size
