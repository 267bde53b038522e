from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from nbtrain.config import RegularisationConfig
from nbtrain.core.errors import ConfigError, DataError, ModelError
from nbtrain.engine import losses
from nbtrain.engine.tasks import IGNORED

PLAIN = RegularisationConfig()


def logits(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def focal(gamma: float, smoothing: float = 0.0) -> RegularisationConfig:
    return RegularisationConfig(use_focal_loss=True, focal_gamma=gamma, label_smoothing=smoothing)


@pytest.mark.parametrize(("task", "target", "expected"), [
    ("classification", torch.arange(8) % 3, F.cross_entropy(logits(8, 3), torch.arange(8) % 3)),
    ("classification", (torch.arange(8) % 3).float(), F.cross_entropy(logits(8, 3), torch.arange(8) % 3)),
    ("classification", (torch.arange(8) % 3).reshape(8, 1), F.cross_entropy(logits(8, 3), torch.arange(8) % 3)),
    ("classification", F.one_hot(torch.arange(8) % 3), F.cross_entropy(logits(8, 3), torch.arange(8) % 3)),
    ("multilabel", (logits(8, 3, seed=1) > 0).long(),
     F.binary_cross_entropy_with_logits(logits(8, 3), (logits(8, 3, seed=1) > 0).float())),
    ("regression", logits(8, 3, seed=1), F.mse_loss(logits(8, 3), logits(8, 3, seed=1))),
])
def test_without_a_name_the_loss_is_the_one_of_the_task(task: losses.Task, target: Tensor, expected: Tensor):
    assert torch.allclose(losses.build(None, task, PLAIN)(logits(8, 3), target), expected)


@pytest.mark.parametrize(("name", "function"), [
    ("mse", F.mse_loss), ("mae", F.l1_loss), ("huber", F.huber_loss),
])
def test_losses_by_name(name: str, function: Callable[..., Tensor]):
    target = 3 * logits(8, seed=1)
    assert torch.equal(losses.build(name, "regression", PLAIN)(logits(8), target), function(logits(8), target))


def test_a_column_against_a_row_is_not_broadcast():
    output, target = logits(8, 1), logits(8, seed=1)
    assert torch.allclose(
        losses.build("mse", "regression", PLAIN)(output, target), (output.flatten() - target).square().mean())
    yes = (target > 0).long()
    assert torch.allclose(
        losses.build("bce", "binary", PLAIN)(output, yes),
        F.binary_cross_entropy_with_logits(output.flatten(), yes.float()))


def test_sequences_and_images_count_every_entry_but_the_ignored():
    output, target = logits(2, 5, 7), torch.arange(10).reshape(2, 5) % 7
    target[0, 3:] = -100
    counts = target != -100
    for config in (PLAIN, focal(0.0)):
        loss = losses.build(None, "classification", config)(output, target)
        assert torch.allclose(loss, F.cross_entropy(output[counts], target[counts]))
    image, mask = logits(2, 3, 4, 4), torch.arange(32).reshape(2, 4, 4) % 3
    assert torch.allclose(losses.build(None, "classification", PLAIN)(image, mask), F.cross_entropy(image, mask))


def test_where_both_readings_fit_sequences_have_their_classes_last_and_images_second():
    loss = losses.build(None, "classification", PLAIN)
    output, target = logits(2, 5, 5), torch.arange(10).reshape(2, 5) % 5
    assert torch.allclose(loss(output, target), F.cross_entropy(output.flatten(0, 1), target.flatten()))
    image, mask = logits(2, 3, 3, 3), torch.arange(18).reshape(2, 3, 3) % 3
    assert torch.allclose(loss(image, mask), F.cross_entropy(image, mask))


@given(smoothing=st.floats(0.01, 0.5), classes=st.integers(2, 6))
def test_label_smoothing_is_cross_entropy_with_the_smoothed_target(smoothing: float, classes: int):
    output, target = logits(12, classes), torch.arange(12) % classes
    q = F.one_hot(target, classes) * (1 - smoothing) + smoothing / classes
    loss = losses.build(None, "classification", RegularisationConfig(label_smoothing=smoothing))(output, target)
    assert torch.allclose(loss, -(q * output.log_softmax(1)).sum(1).mean(), atol=1e-6)


def test_binary_label_smoothing_is_that_of_two_classes():
    output, target = logits(12), torch.arange(12) % 2
    config = RegularisationConfig(label_smoothing=0.2)
    two = torch.stack([torch.zeros(12), output], 1)
    assert torch.allclose(
        losses.build(None, "binary", config)(output, target), F.cross_entropy(two, target, label_smoothing=0.2))


@given(gamma=st.floats(0.0, 8.0), smoothing=st.sampled_from([0.0, 0.1, 0.4]))
def test_focal_loss_is_its_closed_form(gamma: float, smoothing: float):
    output, target = logits(10, 4), torch.arange(10) % 4
    p = output.double().softmax(1)
    q = F.one_hot(target, 4) * (1 - smoothing) + smoothing / 4
    expected = (q * (1 - p) ** gamma * -p.log()).sum(1).mean()
    loss = losses.build(None, "classification", focal(gamma, smoothing))(output, target)
    assert loss.item() == pytest.approx(expected.item(), rel=1e-4)


def test_focal_loss_of_one_sample_by_hand():
    output = torch.tensor([[math.log(0.9), math.log(0.1)]])
    loss = losses.build(None, "classification", focal(2.0))(output, torch.tensor([0]))
    assert loss.item() == pytest.approx(-(0.1**2) * math.log(0.9), rel=1e-5)


@given(gamma=st.floats(0.0, 8.0), smoothing=st.sampled_from([0.0, 0.1]))
def test_binary_focal_loss_is_that_of_two_classes(gamma: float, smoothing: float):
    output, target = logits(10), torch.arange(10) % 2
    two = torch.stack([torch.zeros(10), output], 1)
    config = focal(gamma, smoothing)
    assert losses.build(None, "binary", config)(output, target).item() == pytest.approx(
        losses.build(None, "classification", config)(two, target).item(), rel=1e-4)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
@pytest.mark.parametrize("size", [1.0, 100.0])
def test_gradients_of_focal_loss_are_finite_also_when_the_model_is_certain(gamma: float, size: float):
    for task, output, target in (
        ("classification", size * logits(20, 3), torch.arange(20) % 3),
        ("binary", size * logits(20), torch.arange(20) % 2),
    ):
        output.requires_grad_(True)
        losses.build(None, task, focal(gamma))(output, target).backward()  # type: ignore[arg-type]
        assert output.grad is not None
        assert bool(torch.isfinite(output.grad).all())


def test_focal_gradient_is_right_by_finite_differences():
    output = logits(4, 3).double().requires_grad_(True)
    loss = losses.build(None, "classification", focal(1.5, 0.1))
    assert torch.autograd.gradcheck(lambda x: loss(x, torch.tensor([0, 1, 2, 0])), output)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("task", ["classification", "binary", "regression"])
def test_half_precision_outputs_give_a_loss_in_full_precision(dtype: torch.dtype, task: Any):
    output = (logits(8, 3) if task == "classification" else logits(8)).to(dtype)
    target = torch.arange(8) % (3 if task == "classification" else 2)
    loss = losses.build(None, task, PLAIN)(output, target)
    assert loss.dtype is torch.float32
    assert torch.equal(loss, losses.build(None, task, PLAIN)(output.float(), target))


def test_smoothing_and_focal_loss_are_refused_together_where_they_mean_nothing():
    config = RegularisationConfig(label_smoothing=0.1, use_focal_loss=True)
    for loss, task, what in (
        (F.cross_entropy, "custom", "your own loss function"), (None, "regression", "the mse loss"),
        ("huber", "regression", "the huber loss"),
    ):
        with pytest.raises(ConfigError) as caught:
            losses.build(loss, task, config)  # type: ignore[arg-type]
        assert [problem.field for problem in caught.value.problems] == ["label_smoothing", "use_focal_loss"]
        assert all(what in problem.message for problem in caught.value.problems)


def test_an_unknown_loss_names_the_nearest():
    with pytest.raises(ConfigError, match=r"There is no loss 'cross_entropi'; did you mean 'cross_entropy'\?"):
        losses.build("cross_entropi", "classification", PLAIN)


def test_without_a_target_a_loss_must_be_given():
    with pytest.raises(ConfigError, match=r"no target .* give one"):
        losses.build(None, "custom", PLAIN)


def test_the_users_own_loss_is_used_as_it_is():
    own = nn.CrossEntropyLoss()
    assert losses.build(own, "classification", PLAIN) is own


@pytest.mark.parametrize(("loss", "output", "task"), [
    ("cross_entropy", logits(4, 3), "classification"),
    ("bce", logits(4, 1), "binary"), ("bce", logits(4, 3), "multilabel"),
    ("mae", logits(4, 3), "regression"), (nn.CrossEntropyLoss(), logits(4, 3), "classification"),
    (nn.BCEWithLogitsLoss(), logits(4), "binary"), (nn.SmoothL1Loss(), logits(4), "regression"),
    (lambda output, _: output.mean(), logits(4), "custom"), (nn.CTCLoss(), logits(4), "custom"),
])
def test_a_given_loss_tells_the_task(loss: Any, output: Tensor, task: losses.Task):
    assert losses.task_of(loss, output) == task


@pytest.mark.parametrize(("loss", "sentence"), [
    (nn.CrossEntropyLoss(reduction="none"),
     r"The loss is a tensor of shape \(8,\); it must be one number .* \.mean\(\)"),
    (lambda o, _: o.sum().item(), "The loss is a float; it must be a tensor"),
    (lambda o, _: o.sum().reshape(1), r"shape \(1,\)"),
    (lambda o, t: o.nonsense(t), r"The loss cannot be computed: AttributeError: .*output \(8, 3\), target \(8,\)"),
])
def test_a_loss_that_is_not_one_number_is_refused(loss: Any, sentence: str):
    with pytest.raises(ModelError, match=sentence):
        losses.check(loss, logits(8, 3), torch.arange(8) % 3, "custom")


def test_a_first_batch_is_checked_before_the_loss_sees_it():
    loss = losses.build(None, "classification", PLAIN)
    assert losses.check(loss, logits(8, 3), torch.arange(8) % 3, "classification").ndim == 0
    with pytest.raises(DataError, match="Labels outside the classes: 3, 4"):
        losses.check(loss, logits(8, 3), torch.arange(8) % 5, "classification")
    with pytest.raises(ModelError, match="one number a class"):
        losses.check(loss, logits(8), torch.arange(8) % 5, "classification")


@pytest.mark.parametrize("config", [PLAIN, focal(2.0), focal(2.5, smoothing=0.1)])
def test_a_weighted_loss_is_the_mean_of_each_rows_own_times_the_weight_of_its_class(config: RegularisationConfig):
    output, target, weights = logits(7, 3), torch.tensor([0, 1, 2, 0, 0, 1, 0]), (0.5, 2.0, 3.0)
    plain = losses.build(None, "classification", config)
    each = torch.stack([plain(output[[row]], target[[row]]) for row in range(7)])
    given = losses.build(losses.Weighted(weights), losses.task_of(losses.Weighted(weights), output), config)
    assert torch.allclose(given(output, target), (each * torch.tensor(weights)[target]).mean())


@pytest.mark.parametrize("config", [PLAIN, focal(2.0), focal(2.5, smoothing=0.1)])
def test_of_one_output_a_weighted_loss_is_the_same_as_of_two(config: RegularisationConfig):
    output, target, weighted = logits(8, 1), torch.arange(8) % 2, losses.Weighted((0.5, 3.0))
    two = torch.cat([torch.zeros(8, 1), output], 1)
    assert losses.task_of(weighted, output) == "binary"
    assert torch.allclose(
        losses.build(weighted, "binary", config)(output, target),
        losses.build(weighted, "classification", config)(two, target))


def test_what_is_ignored_has_no_weight_either():
    output, target = logits(4, 3), torch.tensor([0, 1, IGNORED, 2])
    there = target != IGNORED
    weighted = losses.Weighted((0.5, 2.0, 3.0))
    assert torch.allclose(weighted(output, target), weighted(output[there], target[there]))
