from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from nbtrain.core.errors import ConfigError
from nbtrain.engine.recompute import gradient_checkpointing


class Block(nn.Module):
    def __init__(self, width: int = 8) -> None:
        super().__init__()
        self.linear, self.norm, self.drop = nn.Linear(width, width), nn.BatchNorm1d(width), nn.Dropout(0.4)
        self.passes = 0

    def forward(self, x: Tensor, *, scale: float = 1.0) -> Tensor:
        self.passes += 1
        return x + scale * torch.relu(self.drop(self.norm(self.linear(x))))


class Stack(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(Block() for _ in range(3))
        self.head = nn.Linear(8, 2)

    def forward(self, x: Tensor) -> Any:
        for block in self.blocks:
            x = block(x, scale=0.5)
        return self.head(x)


def chain() -> nn.Module:
    return nn.Sequential(
        nn.Linear(8, 8), nn.ReLU(), nn.BatchNorm1d(8, momentum=None), nn.Dropout(0.3), nn.Linear(8, 8), nn.Linear(8, 2))


def nested() -> nn.Module:
    return nn.Sequential(nn.Linear(8, 8), nn.Sequential(Block(), nn.Sequential(Block(), Block())), nn.Linear(8, 2))


def trained(model: nn.Module) -> nn.Module:
    torch.manual_seed(1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    x = torch.randn(16, 8)
    for _ in range(3):
        optimizer.zero_grad()
        model(x).square().mean().backward()
        optimizer.step()
    return model


@pytest.mark.parametrize("make", [Stack, chain, nested])
def test_weights_and_running_statistics_are_the_same_bits(make: Any):
    torch.manual_seed(0)
    plain = make()
    sparing = copy.deepcopy(plain)
    gradient_checkpointing(sparing)
    copied = copy.deepcopy(sparing)
    expected = trained(plain).state_dict()
    for model in (sparing, copied):
        found = trained(model).state_dict()
        assert found.keys() == expected.keys()
        assert all(torch.equal(found[name], expected[name]) for name in expected)


@pytest.mark.parametrize("make", [Stack, chain, nested])
def test_less_is_kept_for_the_backward_pass(make: Any):
    def kept(model: nn.Module) -> int:
        sizes: list[int] = []

        def pack(x: Tensor) -> Tensor:
            sizes.append(x.numel())
            return x

        with torch.autograd.graph.saved_tensors_hooks(pack, lambda x: x):
            model(torch.randn(64, 8))
        return sum(sizes)

    model = make()
    before = kept(model)
    undo = gradient_checkpointing(model)
    assert kept(model) < 0.5 * before
    undo()
    assert kept(model) == before


def test_blocks_are_computed_twice_in_training_and_once_in_validation():
    model = Stack()
    gradient_checkpointing(model)
    gradient_checkpointing(model)  # a second time changes nothing
    with torch.no_grad():
        model(torch.randn(4, 8))
    assert [block.passes for block in model.blocks] == [1, 1, 1]
    model(torch.randn(4, 8)).sum().backward()
    assert [block.passes for block in model.blocks] == [3, 3, 3]


def test_undo_leaves_nothing_behind():
    for make in (Stack, chain, nested):
        model = make()
        before = [set(vars(module)) for module in model.modules()]
        gradient_checkpointing(model)()
        assert [set(vars(module)) for module in model.modules()] == before


def test_a_model_that_does_it_itself_is_asked_to():
    class Own(nn.Module):
        on: Any = False

        def gradient_checkpointing_enable(self, gradient_checkpointing_kwargs: dict[str, Any]) -> None:
            self.on = gradient_checkpointing_kwargs

        def gradient_checkpointing_disable(self) -> None:
            self.on = False

    model = Own()
    undo = gradient_checkpointing(model)
    assert model.on == {"use_reentrant": False}
    undo()
    assert model.on is False


@pytest.mark.parametrize("model", [nn.Linear(2, 2), nn.Sequential(nn.Linear(2, 2), nn.ReLU()), nn.LSTM(2, 2)])
def test_a_model_without_blocks_is_refused(model: nn.Module):
    with pytest.raises(ConfigError, match=f"but {type(model).__name__} has no blocks to compute again") as caught:
        gradient_checkpointing(model)
    assert caught.value.problems[0].field == "gradient_checkpointing"


def test_a_model_of_transformers_learns_the_same_and_is_left_as_it_was():
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(0)
    model = transformers.GPT2LMHeadModel(transformers.GPT2Config(
        n_embd=8, n_layer=2, n_head=2, vocab_size=20, n_positions=8))
    for parameter in model.transformer.wte.parameters():
        parameter.requires_grad = False  # so that what goes into the blocks has no gradient
    hooks = [len(module._forward_hooks) for module in model.modules()]
    ids = torch.arange(8)[None]

    def gradients() -> list[torch.Tensor]:
        model.zero_grad()
        torch.manual_seed(1)
        model(ids, labels=ids).loss.backward()
        return [parameter.grad.clone() for parameter in model.parameters() if parameter.grad is not None]

    plain = gradients()
    undo = gradient_checkpointing(model)
    assert any(getattr(module, "gradient_checkpointing", False) for module in model.modules())
    assert all(torch.equal(one, other) for one, other in zip(plain, gradients(), strict=True))
    undo()
    assert not any(getattr(module, "gradient_checkpointing", False) for module in model.modules())
    assert [len(module._forward_hooks) for module in model.modules()] == hooks
