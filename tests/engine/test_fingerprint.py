from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

from nbtrain.engine import fingerprint as module
from nbtrain.engine.fingerprint import fingerprint
from nbtrain.engine.split import split

X, Y = np.random.default_rng(0).normal(size=(200, 5)), np.arange(200) % 3


def test_the_same_data_in_another_form_has_the_same_fingerprint():
    first = fingerprint((X, Y))
    assert first.startswith("blake2b:")
    assert fingerprint((X.copy(), Y.tolist())) == first
    assert fingerprint((pd.DataFrame(X), pd.Series(Y))) == first
    assert fingerprint(TensorDataset(torch.tensor(X), torch.tensor(Y))) == first


@pytest.mark.parametrize("sampled", [False, True])
def test_any_change_is_seen(sampled: bool, monkeypatch: pytest.MonkeyPatch):
    if sampled:  # pieces as small as the data make a sample of everything
        monkeypatch.setattr(module, "WHOLE_BYTES", 5000)
        monkeypatch.setattr(module, "_PIECE", 4)
    changed = X.copy()
    changed[0, 0] += 1e-3
    others: list[Any] = [
        (changed, Y), (X, (Y + 1) % 3), (X[:-1], Y[:-1]), (X.reshape(200, 5, 1), Y), (X, Y.astype(float)), X,
        (X, [f"class {y}" for y in Y]),
    ]
    prints = [fingerprint((X, Y)), *map(fingerprint, others)]
    assert len(set(prints)) == len(prints)
    assert all(found.startswith("blake2b-sampled:") == sampled for found in prints[:3])


def test_large_data_is_sampled_and_says_so(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "WHOLE_BYTES", 1 << 20)
    monkeypatch.setattr(module, "_PIECE", 1 << 16)
    data = torch.zeros(1 << 20)
    first = fingerprint(data)
    assert first.startswith("blake2b-sampled:")
    for place in (0, -1):  # both ends are always looked at
        data[place] = 1.0
        assert fingerprint(data) != first
        data[place] = 0.0
    assert fingerprint(data) == first


class Pictures:
    def __len__(self) -> int:
        return 7

    def __getitem__(self, index: int) -> Any:
        raise AssertionError("a dataset is not read for its fingerprint")


def test_datasets_give_class_and_length():
    assert fingerprint(Pictures()) == "Pictures:7"
    assert fingerprint(DataLoader(Pictures())) == "Pictures:7"  # type: ignore[arg-type]
    assert fingerprint(iter([])) == "list_iterator:stream"


def test_parts_of_data_have_fingerprints_of_their_own():
    train, validation, _ = split((X, Y), 0.5, 0.0, 0)
    assert fingerprint(train) != fingerprint(validation) != fingerprint((X, Y))
