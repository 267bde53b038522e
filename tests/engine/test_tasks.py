from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from nbtrain.core.errors import DataError, ModelError
from nbtrain.engine.tasks import Task, check_labels, check_shapes, infer_task


@pytest.mark.parametrize(("output", "target", "task"), [
    ((8, 5), torch.arange(8) % 5, "classification"),
    ((8, 5), (torch.arange(8) % 5).float(), "classification"),
    ((8, 2), torch.arange(8) % 2, "classification"),
    ((2, 6, 9), torch.arange(12).reshape(2, 6) % 9, "classification"),
    ((2, 3, 4, 4), torch.arange(32).reshape(2, 4, 4) % 3, "classification"),
    ((8, 3), nn.functional.one_hot(torch.arange(8) % 3), "classification"),
    ((8, 1), torch.arange(8) % 2, "binary"),
    ((8,), torch.arange(8) % 2, "binary"),
    ((8, 1), (torch.arange(8) % 2).float().reshape(8, 1), "binary"),
    ((8, 1), torch.arange(8) % 2 == 0, "binary"),
    ((4, 3), torch.tensor([[1.0, 0, 1], [0, 0, 0], [1, 1, 1], [0, 1, 0]]), "multilabel"),
    ((2, 1, 4, 4), (torch.arange(32) % 2).reshape(2, 1, 4, 4), "multilabel"),
    ((8, 1), torch.linspace(0, 1, 8), "regression"),
    ((8,), torch.arange(8), "regression"),
    ((8, 3), torch.randn(8, 3), "regression"),
])
def test_the_task_is_told_by_shapes_and_values(output: tuple[int, ...], target: Tensor, task: Task):
    assert infer_task(target, torch.randn(*output)) == task


@pytest.mark.parametrize(("output", "target"), [
    (torch.randn(8, 2), None), ((torch.randn(8, 2), torch.randn(8)), torch.zeros(8)), (torch.randn(8), {"a": 1}),
])
def test_without_two_tensors_the_task_is_the_users(output: Any, target: Any):
    assert infer_task(target, output) == "custom"


def test_labels_outside_the_classes_are_named():
    targets = torch.tensor([0, 9, 10, 10, -1, 3])
    with pytest.raises(DataError, match=r"Labels outside the classes: -1, 10, in 3 of 6 rows; .* 10 outputs, so labels "
                                        r"must be 0 to 9\. Number the classes from 0"):
        check_labels(targets, torch.randn(2, 10))


def test_many_labels_outside_are_cut_short():
    with pytest.raises(DataError, match=r"classes: 2, 3, 4, 5, 6, …, in 98 of 100 rows"):
        check_labels(torch.arange(100), torch.randn(4, 2))


@pytest.mark.parametrize(("targets", "output"), [
    (torch.tensor([0, 1, -100]), torch.randn(3, 2)),
    (torch.tensor([[0], [1]]), torch.randn(2, 2)),
    (torch.randint(0, 7, (20, 5)), torch.randn(2, 5, 7)),
    (torch.randint(0, 7, (20, 5, 5)), torch.randn(2, 7, 5, 5)),
    (torch.randn(5), torch.randn(5)),
    (None, torch.randn(2, 2)),
])
def test_labels_within_the_classes_pass(targets: Any, output: Tensor):
    check_labels(targets, output)


@pytest.mark.parametrize("targets", [torch.full((20, 5), 7), torch.full((20, 1), 7)])
def test_labels_of_sequences_and_columns_are_looked_at_too(targets: Tensor):
    with pytest.raises(DataError, match=r"classes: 7, in 20 of 20 rows"):
        check_labels(targets, torch.randn(2, 5, 7) if targets.shape[1] == 5 else torch.randn(2, 7))


@pytest.mark.parametrize(("output", "target", "task", "error", "sentence"), [
    ([1, 2], torch.zeros(2), "regression", ModelError, "The model returns a list, not a tensor"),
    (torch.zeros(2, 2), "cat", "classification", DataError,
     "The target is a str; the classification loss needs a tensor"),
    (torch.zeros(3, 2), torch.zeros(4), "regression", ModelError,
     r"one row of output for each .* \(3, 2\), target \(4,\)"),
    (torch.zeros(()), torch.zeros(4), "regression", ModelError, r"one row of output for each row of target"),
    (torch.zeros(4, 2), torch.zeros(4, 3), "classification", ModelError, "do not fit for classification: output"),
    (torch.zeros(4), torch.zeros(4).long(), "multilabel", None, ""),
    (torch.zeros(4, 3), torch.zeros(4), "regression", ModelError, r"do not fit for regression: .* must be the same"),
    (torch.zeros(4), torch.tensor([0.0, 1, 2, 0]), "binary", DataError,
     "values from 0 to 2; for binary .* between 0 and 1"),
    (torch.zeros(4), torch.arange(4), "classification", ModelError, "one number a class for each label"),
])
def test_shapes_that_do_not_fit_are_said_in_one_sentence(
    output: Any, target: Any, task: Task, error: type[Exception] | None, sentence: str,
):
    if error is None:
        check_shapes(output, target, task)
        return
    with pytest.raises(error, match=sentence):
        check_shapes(output, target, task)
