from __future__ import annotations

import copy
from typing import Any, get_args

import pytest
import torch
from torch import nn

from nbtrain.config import OptimizerConfig
from nbtrain.core.errors import ModelError
from nbtrain.engine import optimizers

NAMES = get_args(OptimizerConfig.model_fields["optimizer"].annotation)


def net() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 16), nn.LayerNorm(16), nn.ReLU(), nn.Linear(16, 3))


def train(model: nn.Module, optimizer: torch.optim.Optimizer, steps: int, first: int = 0) -> list[float]:
    losses = []
    for step in range(first, first + steps):
        torch.manual_seed(step % 4)
        x = torch.randn(32, 6)
        loss = nn.functional.cross_entropy(model(x), x[:, :3].argmax(1))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


@pytest.mark.parametrize("name", NAMES)
def test_every_optimizer_learns(name: Any):
    model = net()
    rate = {"sgd": 0.1, "adafactor": 0.02}.get(name, 0.01)
    optimizer = optimizers.build(OptimizerConfig(optimizer=name, learning_rate=rate), model)
    losses = train(model, optimizer, 80)
    assert sum(losses[-4:]) < 0.6 * sum(losses[:4])


@pytest.mark.parametrize("name", NAMES)
def test_a_state_dict_takes_up_where_it_was_saved_to_the_bit(name: Any):
    config = OptimizerConfig(optimizer=name, learning_rate=0.01)
    model = net()
    optimizer = optimizers.build(config, model)
    train(model, optimizer, 5)
    weights, state = copy.deepcopy(model.state_dict()), copy.deepcopy(optimizer.state_dict())
    train(model, optimizer, 5, first=5)

    again = net()
    again.load_state_dict(weights)
    second = optimizers.build(config, again)
    second.load_state_dict(state)
    train(again, second, 5, first=5)
    for mine, theirs in zip(model.parameters(), again.parameters(), strict=True):
        assert torch.equal(mine, theirs)


def test_an_optimizer_without_its_state_goes_another_way():
    """The positive control of the test above."""
    config = OptimizerConfig(learning_rate=0.01)
    model = net()
    optimizer = optimizers.build(config, model)
    train(model, optimizer, 5)
    weights = copy.deepcopy(model.state_dict())
    train(model, optimizer, 5, first=5)
    again = net()
    again.load_state_dict(weights)
    train(again, optimizers.build(config, again), 5, first=5)
    assert not torch.equal(next(model.parameters()), next(again.parameters()))


@pytest.mark.parametrize("name", NAMES)
def test_weight_decay_leaves_biases_and_norms_alone(name: Any):
    model = net()
    optimizer = optimizers.build(OptimizerConfig(optimizer=name, weight_decay=0.1), model)
    decay = {id(p): group["weight_decay"] for group in optimizer.param_groups for p in group["params"]}
    assert {decay[id(p)] for p in model.parameters() if p.ndim >= 2} == {0.1}
    assert {decay[id(p)] for p in model.parameters() if p.ndim < 2} == {0.0}
    assert len(decay) == 6, "every parameter is in a group"


def test_weight_decay_acts_on_weights_and_only_there():
    model = net()
    before = copy.deepcopy(model.state_dict())
    optimizer = optimizers.build(OptimizerConfig(learning_rate=0.1, weight_decay=0.1), model)
    for p in model.parameters():
        p.grad = torch.zeros_like(p)
    optimizer.step()
    after = model.state_dict()
    assert torch.allclose(after["0.weight"], before["0.weight"] * 0.99)
    assert torch.equal(after["0.bias"], before["0.bias"])
    assert torch.equal(after["1.weight"], before["1.weight"])


@pytest.mark.parametrize("name", NAMES)
def test_live_edits_reach_the_next_update(name: Any):
    model = net()
    optimizer = optimizers.build(OptimizerConfig(optimizer=name, learning_rate=0.01), model)
    optimizers.apply(optimizer, learning_rate=0.5, weight_decay=0.05)
    assert [group["lr"] for group in optimizer.param_groups] == [0.5, 0.5]
    assert [group["weight_decay"] for group in optimizer.param_groups] == [0.05, 0.0]
    optimizers.apply(optimizer, learning_rate=0.0, weight_decay=0.0)
    before = copy.deepcopy(model.state_dict())
    train(model, optimizer, 1)
    for name_, value in model.state_dict().items():
        assert torch.equal(value, before[name_]), "a learning rate of 0 moves nothing"


def test_what_is_not_given_is_not_changed():
    optimizer = optimizers.build(OptimizerConfig(learning_rate=0.01, weight_decay=0.02), net())
    optimizers.apply(optimizer)
    optimizers.apply(optimizer, learning_rate=0.3)
    assert [(g["lr"], g["weight_decay"]) for g in optimizer.param_groups] == [(0.3, 0.02), (0.3, 0.0)]


@pytest.mark.parametrize("name", ["adam", "adamw", "sgd"])
def test_fused_kernels_are_used_and_agree_with_the_plain_ones(name: Any):
    fused, plain = net(), net()
    optimizer = optimizers.build(OptimizerConfig(optimizer=name, learning_rate=0.01), fused)
    assert optimizer.defaults["fused"] is True
    options: dict[str, Any] = {"lr": 0.01, "foreach": False} | ({"momentum": 0.9} if name == "sgd" else {})
    reference = type(optimizer)(
        [{"params": [p for p in plain.parameters() if p.ndim >= 2], "weight_decay": 0.01},
         {"params": [p for p in plain.parameters() if p.ndim < 2], "weight_decay": 0.0}], **options)
    train(fused, optimizer, 10)
    train(plain, reference, 10)
    for mine, theirs in zip(fused.parameters(), plain.parameters(), strict=True):
        assert torch.allclose(mine, theirs, atol=1e-5)


def test_a_model_of_vectors_only_has_one_group_without_decay():
    optimizer = optimizers.build(OptimizerConfig(), nn.LayerNorm(4))
    assert [(g["decays"], g["weight_decay"]) for g in optimizer.param_groups] == [(False, 0.0)]


def test_frozen_parameters_are_left_out():
    model = net()
    model[0].requires_grad_(False)  # type: ignore[index]
    optimizer = optimizers.build(OptimizerConfig(), model)
    assert sum(len(group["params"]) for group in optimizer.param_groups) == 4


@pytest.mark.parametrize(("model", "sentence"), [
    (nn.ReLU(), "ReLU has no parameters to train: it has none at all"),
    (nn.Linear(2, 2).requires_grad_(False), "Linear has no parameters to train: all 2 have requires_grad=False"),
    (nn.LazyLinear(3), "LazyLinear has lazy layers whose shape is not known yet"),
])
def test_a_model_that_cannot_learn_is_refused(model: nn.Module, sentence: str):
    with pytest.raises(ModelError, match=sentence):
        optimizers.build(OptimizerConfig(), model)
