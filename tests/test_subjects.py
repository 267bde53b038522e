from __future__ import annotations

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

from nbtrain.core.errors import ConfigError
from nbtrain.subjects import pick, subjects

X, Y = np.zeros((20, 3)), np.zeros(20)


def found(kind, **namespace):
    return [(subject["name"], subject["text"]) for subject in subjects(namespace) if subject["kind"] == kind]


def test_models_are_module_instances():
    net = torch.nn.Linear(3, 2)
    assert found("model", net=net, Net=torch.nn.Linear, _hidden=net, x=X) == [("net", "Linear, 8 parameters")]


@pytest.mark.parametrize(("value", "text"), [
    ((X, Y), "ndarray 20 × 3 + ndarray 20"),
    ((torch.zeros(20, 3), torch.zeros(20)), "Tensor 20 × 3 + Tensor 20"),
    (TensorDataset(torch.zeros(5, 2)), "TensorDataset 5"),
    (DataLoader(TensorDataset(torch.zeros(5, 2)), batch_size=2), "DataLoader 3"),
    (pd.DataFrame({"a": [1, 2], "label": [0, 1]}), "DataFrame 2 × 2"),
    ({"x": X, "y": Y}, "dict: x, y"),
])
def test_data_is_what_can_be_trained_on(value, text):
    assert found("data", it=value) == [("it", text)]


@pytest.mark.parametrize("value", [
    X, (X, Y[:5]), (X, Y, Y), (1, 2), ("ab", "cd"), pd.DataFrame({"a": [1]}), {"a": 1}, {}, [1, 2], DataLoader, None,
])
def test_what_cannot_be_trained_on_is_not_offered(value):
    assert found("data", it=value) == []


def test_arrays_that_belong_together_are_offered_as_a_pair():
    assert found("data", X=X, y=Y) == [("X, y", "ndarray 20 × 3 + ndarray 20")]
    assert found("data", x_train=X, y_train=Y, x_test=X[:5], y_test=Y) == [
        ("x_train, y_train", "ndarray 20 × 3 + ndarray 20")]
    assert found("data", features=pd.DataFrame(X), labels=pd.Series(Y)) == [
        ("features, labels", "DataFrame 20 × 3 + Series 20")]
    assert found("data", X=X) == []
    assert found("data", X=[[1.0]] * 20, y=Y) == []


def test_picks_by_name():
    held = {"X": X, "y": Y, "both": (X, Y)}
    assert pick(held, "both", "data") is held["both"]
    picked = pick(held, "X, y", "data")
    assert picked[0] is X
    assert picked[1] is Y
    for name in ("X, gone", "", None):
        with pytest.raises(ConfigError) as caught:
            pick(held, name, "data")
        assert caught.value.problems[0].field == "data"


def test_looking_imports_nothing():
    code = (
        "import sys; from nbtrain.subjects import subjects; subjects({'a': 1, 'b': (1, 2), 'X': [1]});"
        "print([name for name in ('torch', 'pandas') if name in sys.modules])")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
