"""Metrics of two classes and of amounts, against scikit-learn and by hand."""

from __future__ import annotations

import pytest
import torch

from nbtrain.recipes import measures
from nbtrain.recipes.goals import Goal


def test_the_metrics_of_two_classes_are_those_of_scikit_learn():
    from sklearn import metrics  # noqa: PLC0415 - slow to load, and for this test alone

    draw = torch.Generator().manual_seed(0)
    logits = torch.randn(300, 2, generator=draw).round(decimals=1)  # with ties
    truth = (torch.rand(300, generator=draw) < 0.3).long()
    yes = logits.softmax(1)[:, 1]
    said = (yes >= 0.4).long()
    found = {}
    for given in measures.of_two(None, 0.4):
        assert isinstance(given, measures.OfTwo)
        for part in range(0, 300, 70):
            given.update(logits[part:part + 70], truth[part:part + 70])
        found[given.__name__] = given.compute()
    assert found == pytest.approx({
        "accuracy": metrics.accuracy_score(truth, said), "macro_f1": metrics.f1_score(truth, said, average="macro"),
        "precision": metrics.precision_score(truth, said), "recall": metrics.recall_score(truth, said),
        "f1": metrics.f1_score(truth, said), "auroc": metrics.roc_auc_score(truth, yes)})


def test_amounts_far_from_zero_are_measured_as_exactly_as_those_around_it():
    torch.manual_seed(0)
    target = torch.randn(500)
    output = target + 0.1 * torch.randn(500)
    share = ((output - target) ** 2).sum() / ((target - target.mean()) ** 2).sum()
    far = Goal("y", None, 1e7, 2.0)
    for name, wanted in (("r2", 1 - share), ("mae", 2 * (output - target).abs().mean()),
                         ("mse", 4 * (output - target).square().mean())):
        assert measures.InUnits(name, far)(output, target) == pytest.approx(float(wanted), rel=1e-4)
