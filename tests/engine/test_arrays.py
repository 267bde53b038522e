from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn
from torch.utils.data import Subset, TensorDataset

from nbtrain.core.errors import DataError
from nbtrain.engine.arrays import Reading, prepare

X = np.arange(12.0).reshape(4, 3)
Y = np.array([0, 1, 2, 1])


@pytest.mark.parametrize("data", [
    (X, Y),
    (torch.tensor(X), torch.tensor(Y)),
    (X.tolist(), Y.tolist()),
    (pd.DataFrame(X), pd.Series(Y, index=[9, 8, 7, 6])),
    (pd.DataFrame(X, columns=["a", "b", "c"]), pd.DataFrame({"y": Y})),
    (X, Y.astype(np.uint8)),
    (X.astype(np.float16), Y.astype(np.int16)),
    (X.astype(np.longdouble), Y),
    (X.astype(">f8"), Y.astype(">i4")),
    (X[::-1][::-1], Y),
    ([torch.tensor(row) for row in X], Y),
    (pd.DataFrame(X).astype("Float64"), pd.Series(Y).astype("Int64")),
    TensorDataset(torch.tensor(X), torch.tensor(Y)),
    Subset(TensorDataset(torch.tensor(X).flip(0), torch.tensor(Y).flip(0)), [3, 2, 1, 0]),
    pd.DataFrame(X).assign(target=Y),
])
def test_everything_in_memory_becomes_the_same_tensors(data: Any):
    arrays = prepare(data)
    assert arrays.inputs.dtype is torch.float32
    assert torch.equal(arrays.inputs, torch.tensor(X, dtype=torch.float32))
    assert torch.equal(arrays.target.long(), torch.tensor(Y))
    assert (arrays.length, arrays.classes) == (4, None)


@pytest.mark.parametrize(("target", "classes", "indices"), [
    (["dog", "cat", "dog", "ant"], ["ant", "cat", "dog"], [2, 1, 2, 0]),
    (np.array(["b", "a", "b", "b"]), ["a", "b"], [1, 0, 1, 1]),
    (pd.Series(["گربه", "سگ", "گربه", "سگ"]), ["سگ", "گربه"], [1, 0, 1, 0]),
    (pd.Series(pd.Categorical(["lo", "hi", "lo", "mid"], ["lo", "mid", "hi"])), ["lo", "mid", "hi"], [0, 2, 0, 1]),
    (pd.Series(pd.Categorical([30, 10, 10, 30])), ["10", "30"], [1, 0, 0, 1]),
])
def test_text_is_numbered_and_its_names_are_kept(target: Any, classes: list[str], indices: list[int]):
    arrays = prepare((X, target))
    assert arrays.classes == classes
    assert arrays.target.tolist() == indices
    assert arrays.target.dtype is torch.int64


@pytest.mark.parametrize("target", [["b", "c"], pd.Series(pd.Categorical(["b", "c"]))])
def test_text_can_be_numbered_by_the_training_classes(target: Any):
    arrays = prepare((X[:2], target), classes=["a", "b", "c"])
    assert (arrays.target.tolist(), arrays.classes) == ([1, 2], ["a", "b", "c"])
    with pytest.raises(DataError, match=r"The target has the class 'c', which is not among .* \(a, b\)"):
        prepare((X[:2], target), classes=["a", "b"])


def test_booleans_are_classes():
    assert prepare((X, Y > 0)).target.tolist() == [0, 1, 1, 1]
    assert prepare((X, torch.tensor(Y > 0))).target.dtype is torch.int64


def test_one_array_alone_is_its_own_target():
    arrays = prepare(X)
    assert arrays.target is arrays.inputs
    part = arrays.take(torch.tensor([2, 0]))
    assert part.target is part.inputs
    assert part.inputs[:, 0].tolist() == [6.0, 0.0]


def test_several_inputs_and_named_inputs():
    both = prepare(((X, X[:, 0]), Y))
    assert [tuple(x.shape) for x in both.inputs] == [(4, 3), (4,)]
    named = prepare({"ids": Y, "label": Y, "mask": Y > 0})
    assert list(named.inputs) == ["ids", "mask"]
    assert torch.equal(named.target, torch.tensor(Y))
    assert prepare({"ids": Y, "mask": Y}).target is None
    part = named.take(torch.tensor([3]))
    assert (part.inputs["ids"].tolist(), part.target.tolist(), part.length) == ([1], [1], 1)


def test_several_targets():
    assert [t.dtype for t in prepare((X, (Y, X[:, 0]))).target] == [torch.int64, torch.float32]
    assert list(prepare((X, {"a": Y, "b": Y})).target) == ["a", "b"]


@pytest.mark.parametrize(("model", "reading"), [
    (nn.Sequential(nn.Flatten(), nn.Linear(3, 1)), Reading(torch.float32, integers=False)),
    (nn.Sequential(nn.Conv2d(1, 1, 1), nn.Linear(3, 1)).double(), Reading(torch.float64, integers=False)),
    (nn.Sequential(nn.Linear(3, 1)).bfloat16(), Reading(torch.float32, integers=False)),
    (nn.Sequential(nn.Embedding(5, 3), nn.Linear(3, 1)), Reading(torch.float32, integers=True)),
    (nn.ModuleDict({"dense": nn.Linear(1, 1), "ids": nn.EmbeddingBag(5, 3)}), Reading(torch.float32, integers=True)),
])
def test_a_model_tells_which_numbers_it_takes(model: nn.Module, reading: Reading):
    assert Reading.of(model) == reading


def test_a_model_of_its_own_kind_gets_integers_as_they_are():
    class Own(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.table = nn.Parameter(torch.zeros(5, 3))

    assert Reading.of(Own()).integers


def test_integers_are_floats_for_a_model_that_multiplies():
    pixels = np.arange(8, dtype=np.uint8).reshape(4, 2)
    assert prepare((pixels, Y)).inputs.dtype is torch.uint8
    assert prepare((pixels, Y), Reading(torch.float64, integers=False)).inputs.dtype is torch.float64
    assert prepare((Y, Y), Reading(integers=True)).inputs.dtype is torch.int64


def test_float_targets_have_the_models_type():
    assert prepare((X, X[:, 0])).target.dtype is torch.float32
    assert prepare((X, X[:, 0]), Reading(torch.float64)).target.dtype is torch.float64


def test_arrays_that_may_not_be_written_are_copied():
    frozen = X.astype(np.float32)
    frozen.flags.writeable = False
    arrays = prepare((frozen, Y))
    arrays.inputs[0, 0] = 99
    assert frozen[0, 0] == 0


def test_what_is_prepared_and_what_is_a_dataset_comes_back_as_it_is():
    arrays = prepare((X, Y))
    assert prepare(arrays) is arrays
    samples = [(X[0], 1), (X[1], 0)]
    assert prepare(samples) is samples


def holed(rows: list[int], value: float = np.nan) -> Any:
    table = X.copy()
    table[rows, 1] = value
    return table


@pytest.mark.parametrize(("data", "sentence"), [
    ((np.empty((0, 3)), []), "The data is empty: it has 0 rows; training needs at least 1"),
    ([], "The data is empty"),
    ((X, Y[:3]), "Inputs and target have different lengths: 4 rows of inputs, 3 of target; each row needs its target"),
    (((X, X[:2]), Y), r"The inputs have different lengths \(4, 2\)"),
    (({"a": X, "b": X[:1]}, Y), r"The inputs have different lengths \(a: 4, b: 1\)"),
    ((holed([2]), Y), r"The input holds NaN or infinite values in 1 of 4 rows, the first in row 2; drop"),
    ((holed([1, 2, 3, 0], np.inf), Y), r"in 4 of 4 rows, the first in rows 0, 1, 2; drop"),
    ((pd.DataFrame(holed([3]), columns=["a", "b", "c"]), Y), r"in row 3 \(column 'b'\); drop"),
    (((X, holed([1])), Y), r"The input\[1\] holds NaN"),
    (({"a": holed([1])}, Y), r"The input\['a'\] holds NaN"),
    ((X, [0.0, np.nan, 1.0, 1.0]), "The target holds NaN or infinite values in 1 of 4 rows, the first in row 1"),
    ((pd.DataFrame(X).astype("Float64").mask(pd.DataFrame(X) == 4), Y), r"NaN .* in row 1 \(column '1'\)"),
    ((X, pd.Series([1, None, 0, 0], dtype="Int64")), "The target holds NaN or infinite values in 1 of 4 rows"),
    ((X, ["a", None, "b", None]), "The target is missing in 2 of 4 rows, the first in rows 1, 3; drop"),
    ((X, pd.Series(pd.Categorical(["a", None, "b", "a"]))), "The target is missing in 1 of 4 rows, the first in row 1"),
    ((pd.DataFrame({"a": [1, 2], "city": ["Rasht", "Tabriz"]}), [0, 1]),
     r"Column 'city' of the input holds text, not numbers \(row 0: 'Rasht'\); drop it, or .*get_dummies"),
    ((pd.DataFrame({"when": pd.to_datetime(["2020-01-01", "2020-01-02"])}), [0, 1]), "Column 'when' .* holds dates"),
    ((np.array([["a"], ["b"]]), [0, 1]), r"The input holds text, not numbers \(row 0: 'a'\)"),
    ((np.array([{}, {}]), [0, 1]), "The input holds objects, not numbers"),
    ((np.array([1j, 2]), [0, 1]), "The input holds complex numbers"),
    ((torch.tensor([1j, 2]), [0, 1]), "The data holds complex numbers"),
    ((X[:2], np.array([object(), object()])), "The target holds objects"),
    ((X[:2], ["a", 1.5, {}]), "The target holds text .*; it must hold numbers, or one text a row"),
    ((X[:2], np.array([["a"], ["b"]])),
     r"The target holds text \(row 0: 'a'\); it must hold numbers, or one text a row"),
    ((X[:2], np.array(["2020", "2021"], dtype="datetime64")), "The target holds dates"),
    (([[1, 2], [3]], [0, 1]), "The input cannot be made into one array .* all rows must have the same shape"),
    ((X, 5), "The target is a single number; it must hold one entry a row"),
    ((X, Y, X), r"The data is a tuple of 3; it must be \(inputs, target\), with several inputs as \(\(X1, X2\), y\)"),
    ({"label": Y}, "The data holds nothing but its target 'label'"),
    (pd.DataFrame({"y": Y}), "The data holds nothing but its target 'y'"),
    ((pd.DataFrame(index=[0, 1]), [0, 1]), "The input has no columns"),
])
def test_what_cannot_be_trained_on_is_said_in_one_sentence(data: Any, sentence: str):
    with pytest.raises(DataError, match=sentence) as caught:
        prepare(data)
    assert "\n" not in str(caught.value)
