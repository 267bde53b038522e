from __future__ import annotations

import math
from typing import Any

import pytest
import torch
import torchmetrics
from sklearn import metrics as reference
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from nbtrain.core.errors import ConfigError, TrainingError
from nbtrain.engine import metrics
from nbtrain.engine.metric_names import KNOWN


def logits(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def measured(names: Any, task: Any, output: Tensor, target: Tensor) -> dict[str, float]:
    """In three batches that are not of one size."""
    found = metrics.build(names, task)
    for part in (slice(0, 20), slice(20, 47), slice(47, 60)):
        found.update(output[part], target[part])
    return found.compute()


OUTPUT, LABELS = logits(60, 4), torch.randint(0, 4, (60,), generator=torch.Generator().manual_seed(1))
PREDICTED = OUTPUT.argmax(1)
YES, NUMBERS = LABELS > 1, logits(60, seed=3)


@pytest.mark.parametrize(("name", "expected"), [
    ("accuracy", reference.accuracy_score(LABELS, PREDICTED)),
    ("balanced_accuracy", reference.balanced_accuracy_score(LABELS, PREDICTED)),
    ("macro_f1", reference.f1_score(LABELS, PREDICTED, average="macro")),
    ("weighted_f1", reference.f1_score(LABELS, PREDICTED, average="weighted")),
    ("precision", reference.precision_score(LABELS, PREDICTED, average="macro")),
    ("recall", reference.recall_score(LABELS, PREDICTED, average="macro")),
    ("auroc", reference.roc_auc_score(LABELS, OUTPUT.softmax(1), multi_class="ovr")),
    ("matthews", reference.matthews_corrcoef(LABELS, PREDICTED)),
    ("perplexity", math.exp(F.cross_entropy(OUTPUT, LABELS).item())),
])
def test_classification_metrics_agree_with_scikit_learn(name: str, expected: float):
    assert measured([name], "classification", OUTPUT, LABELS)[name] == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(("name", "expected"), [
    ("accuracy", reference.accuracy_score(YES, OUTPUT[:, 0] > 0)),
    ("f1", reference.f1_score(YES, OUTPUT[:, 0] > 0)),
    ("macro_f1", reference.f1_score(YES, OUTPUT[:, 0] > 0, average="macro")),
    ("precision", reference.precision_score(YES, OUTPUT[:, 0] > 0)),
    ("auroc", reference.roc_auc_score(YES, OUTPUT[:, 0])),
    ("average_precision", reference.average_precision_score(YES, OUTPUT[:, 0])),
])
@pytest.mark.parametrize("column", [False, True])
def test_binary_metrics_agree_with_scikit_learn(name: str, expected: float, column: bool):
    output = OUTPUT[:, :1] if column else OUTPUT[:, 0]
    assert measured([name], "binary", output, YES.float())[name] == pytest.approx(expected, abs=1e-5)


def test_logits_between_zero_and_one_are_not_taken_for_probabilities():
    output = torch.full((60,), 0.3)  # a logit of 0.3 says yes
    assert measured(["accuracy"], "binary", output, torch.ones(60))["accuracy"] == 1.0


@pytest.mark.parametrize(("name", "expected"), [
    ("r2", reference.r2_score(NUMBERS, OUTPUT[:, 0])),
    ("mae", reference.mean_absolute_error(NUMBERS, OUTPUT[:, 0])),
    ("mse", reference.mean_squared_error(NUMBERS, OUTPUT[:, 0])),
    ("rmse", reference.root_mean_squared_error(NUMBERS, OUTPUT[:, 0])),
])
def test_regression_metrics_agree_with_scikit_learn(name: str, expected: float):
    assert measured([name], "regression", OUTPUT[:, :1], NUMBERS)[name] == pytest.approx(expected, abs=1e-5)


def test_several_numbers_a_row():
    target = logits(60, 4, seed=5)
    assert measured(["r2"], "regression", OUTPUT, target)["r2"] == pytest.approx(
        reference.r2_score(target, OUTPUT), abs=1e-5)


def test_multilabel_metrics():
    target = logits(60, 4, seed=5) > 0
    assert measured(["macro_f1"], "multilabel", OUTPUT, target.float())["macro_f1"] == pytest.approx(
        reference.f1_score(target, OUTPUT > 0, average="macro"), abs=1e-5)


def test_a_language_model_is_measured_without_its_padding():
    output, target = logits(60, 5, 7), torch.arange(300).reshape(60, 5) % 7
    target[:, 3:] = -100
    figures = measured(None, "classification", output, target)
    kept = target != -100
    assert list(figures) == ["perplexity", "accuracy"]
    expected = math.exp(F.cross_entropy(output[kept], target[kept]).item())
    assert figures["perplexity"] == pytest.approx(expected, rel=1e-4)
    assert figures["accuracy"] == pytest.approx((output.argmax(2) == target)[kept].float().mean().item())


@pytest.mark.parametrize(("task", "names"), [
    ("classification", ["accuracy", "macro_f1"]), ("custom", []),
])
def test_defaults(task: Any, names: list[str]):
    assert list(measured(None, task, OUTPUT, LABELS)) == names
    assert list(measured(None, "regression", OUTPUT[:, 0], NUMBERS)) == ["r2", "mae"]
    assert list(measured(None, "binary", OUTPUT[:, 0], YES)) == ["accuracy", "macro_f1"]
    assert measured([], "classification", OUTPUT, LABELS) == {}


@pytest.mark.parametrize("name", KNOWN)
def test_every_name_works_for_every_task_it_is_for(name: str):
    batches: dict[str, tuple[Tensor, Tensor]] = {
        "classification": (OUTPUT, LABELS), "binary": (OUTPUT[:, 0], YES.float()),
        "multilabel": (OUTPUT, (OUTPUT > 0.5).float()), "regression": (NUMBERS, NUMBERS + 1),
    }
    for task in KNOWN[name]:
        assert math.isfinite(measured([name], task, *batches[task])[name])


def test_functions_of_the_user_are_averaged_over_samples_not_batches():
    def mean_target(_: Tensor, target: Tensor) -> Tensor:
        return target.mean()

    figures = measured([mean_target, lambda o, t: 1.0, lambda o, t: 2.0], "regression", OUTPUT[:, 0], NUMBERS)
    assert figures["mean_target"] == pytest.approx(NUMBERS.mean().item(), abs=1e-6)
    assert (figures["metric"], figures["metric_2"]) == (1.0, 2.0)


def test_metrics_of_torchmetrics_are_taken_as_they_are():
    own = torchmetrics.CosineSimilarity()
    target = logits(60, 4, seed=2)
    figures = measured([own], "regression", OUTPUT, target)
    assert figures == {"CosineSimilarity": pytest.approx(F.cosine_similarity(OUTPUT, target).sum().item(), rel=1e-4)}


def test_names_find_their_task_by_the_shapes_when_the_loss_is_the_users():
    assert measured(["accuracy"], "custom", OUTPUT, LABELS) == measured(["accuracy"], "classification", OUTPUT, LABELS)
    with pytest.raises(ConfigError, match="The metric 'r2' is not for classification"):
        measured(["r2"], "custom", OUTPUT, LABELS)


def test_half_precision_outputs_are_measured_in_full():
    figures = measured(["perplexity"], "classification", OUTPUT.bfloat16(), LABELS)
    assert figures == measured(["perplexity"], "classification", OUTPUT.bfloat16().float(), LABELS)


def test_reset_starts_anew():
    found = metrics.build(["accuracy", lambda o, t: float(len(t))], "classification")
    found.update(OUTPUT, (PREDICTED + 1) % 4)
    found.reset()
    found.update(OUTPUT[:10], PREDICTED[:10])
    assert found.compute() == {"accuracy": 1.0, "metric": 10.0}


def test_gradients_are_not_kept_alive():
    kept: list[Tensor] = []

    def keep(output: Tensor, _: Tensor) -> float:
        kept.append(output)
        return 0.0

    found = metrics.build([keep], "regression")
    found.update(OUTPUT[:, 0].clone().requires_grad_(True) * 2, NUMBERS)
    assert not kept[0].requires_grad


def test_a_metric_that_fails_is_named():
    def harmonic(_: Tensor, __: Tensor) -> float:
        raise ZeroDivisionError("nothing to divide by")

    found = metrics.build([harmonic], "regression")
    with pytest.raises(TrainingError, match="The metric 'harmonic' failed: ZeroDivisionError: nothing to divide by"):
        found.update(NUMBERS, NUMBERS)


def test_a_metric_that_is_not_a_number_is_named():
    with pytest.raises(TrainingError, match="The metric 'metric' failed: TypeError"):
        metrics.build([lambda o, t: None], "regression").update(NUMBERS, NUMBERS)


def test_wrong_names_are_reported_together():
    with pytest.raises(ConfigError) as caught:
        metrics.build(["acuracy", "r2", 3], "classification")  # type: ignore[list-item]
    first, second, third = (problem.message for problem in caught.value.problems)
    assert first == "There is no metric 'acuracy'; did you mean 'accuracy'?"
    assert second.startswith("The metric 'r2' is not for classification; for this task there are: accuracy, ")
    assert third.startswith("metrics holds a int;")


@pytest.mark.parametrize(("name", "higher"), [
    ("val_loss", False), ("train_loss", False), ("loss", False), ("val_accuracy", True), ("val_macro_f1", True),
    ("val_perplexity", False), ("val_rmse", False), ("val_r2", True), ("val_word_error_rate", False),
    ("my_score", True),
    ("val_MeanSquaredError", False), ("CosineSimilarity", True),
])
def test_which_way_is_better(name: str, higher: bool):
    found = metrics.build([torchmetrics.MeanSquaredError(), torchmetrics.CosineSimilarity()], "regression")
    assert found.higher_is_better(name) is higher
