from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils.data import Subset

from nbtrain.core.errors import DataError
from nbtrain.engine.arrays import Reading
from nbtrain.engine.samples import known_targets, to_batch

CPU = torch.device("cpu")
X, Y = torch.zeros(4, 3, dtype=torch.float64), torch.arange(4, dtype=torch.int32)


def batch(collated: Any, reading: Reading | None = None) -> Any:
    return to_batch(collated, reading or Reading(), CPU)


def test_the_last_of_a_tuple_is_the_target():
    for given in ((X, Y), [X, Y]):
        found = batch(given)
        assert isinstance(found.inputs, Tensor)
        assert (found.inputs.dtype, found.target.dtype, found.size) == (torch.float32, torch.int64, 4)
    several = batch([X, Y, Y])
    assert isinstance(several.inputs, tuple)
    assert [x.dtype for x in several.inputs] == [torch.float32, torch.int32]


def test_one_tensor_is_its_own_target():
    for given in (X, [X], (X,)):
        found = batch(given)
        assert found.target is found.inputs


@pytest.mark.parametrize("name", ["labels", "label", "targets", "target", "y"])
def test_a_named_entry_is_the_target(name: str):
    found = batch({"ids": Y, name: Y})
    assert list(found.inputs) == ["ids"]
    assert found.target.tolist() == [0, 1, 2, 3]
    assert batch({"ids": Y}).target is None


def test_a_batch_type_of_its_own_is_handed_on():
    class Graph:
        moved: Any = None

        def to(self, device: torch.device) -> Graph:
            self.moved = device
            return self

        def __len__(self) -> int:
            return 6

    graph = Graph()
    found = batch(graph)
    assert (found.inputs, found.target, found.size, graph.moved) == (graph, None, 6, CPU)


def test_integers_are_floats_for_a_model_that_multiplies():
    found = batch((Y, Y), Reading(torch.float64, integers=False))
    assert (found.inputs.dtype, found.target.dtype) == (torch.float64, torch.int64)


def test_text_as_target_is_refused():
    with pytest.raises(DataError, match=r"The dataset gives text as target \(the first is 'cat'\); let it give class"):
        batch((X, ["cat", "dog", "cat", "cat"]))


class Has:
    def __init__(self, **given: Any) -> None:
        vars(self).update(given)

    def __len__(self) -> int:
        return 3

    def __getitem__(self, i: int) -> int:
        return i


@pytest.mark.parametrize(("dataset", "found"), [
    (Has(targets=[2, 1, 0]), [2, 1, 0]), (Has(labels=np.array([2, 1, 0])), [2, 1, 0]),
    (Has(y=torch.tensor([2, 1, 0])), [2, 1, 0]), (Has(targets=["a", "b", "c"]), None), (Has(targets=[1, 2]), None),
    (Has(), None), (Has(label=lambda: 3), None), (Has(target=[[1], [2, 3], []], y=[2, 1, 0]), [2, 1, 0]),
    (Subset(Has(targets=[5, 6, 7]), [2, 0]), [7, 5]), (Subset(Has(), [2, 0]), None),  # type: ignore[arg-type]
])
def test_targets_a_dataset_tells(dataset: Any, found: list[int] | None):
    targets = known_targets(dataset)
    assert (targets if targets is None else targets.tolist()) == found
