from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from nbtrain.core.errors import ModelError
from nbtrain.engine.ema import Ema


def net() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))


def move(model: nn.Module, step: int) -> None:
    with torch.no_grad():
        torch.manual_seed(step)
        for p in model.parameters():
            p.add_(torch.randn_like(p))


def test_the_average_is_the_recurrence_by_hand():
    model = net()
    ema = Ema(model, 0.9)
    expected = [p.detach().clone() for p in model.parameters()]
    for n in range(1, 200):
        move(model, n)
        ema.update(model)
        decay = min(0.9, (1 + n) / (10 + n))
        expected = [decay * e + (1 - decay) * p.detach() for e, p in zip(expected, model.parameters(), strict=True)]
    for mine, wanted in zip(ema.model.parameters(), expected, strict=True):
        assert torch.allclose(mine, wanted, atol=1e-5)


def test_a_high_decay_still_forgets_the_random_start_of_a_short_run():
    model = net()
    ema = Ema(model, 0.9999)
    with torch.no_grad():
        for p in model.parameters():
            p.fill_(1.0)
    for _ in range(100):
        ema.update(model)
    assert all(torch.allclose(p, torch.ones_like(p), atol=1e-3) for p in ema.model.parameters())


def test_decay_can_be_edited_and_zero_follows_at_once():
    model = net()
    ema = Ema(model, 0.99)
    ema.decay = 0.0
    move(model, 1)
    ema.update(model)
    for mine, theirs in zip(ema.model.parameters(), model.parameters(), strict=True):
        assert torch.equal(mine, theirs)


def test_buffers_are_the_models_own():
    model = net()
    ema = Ema(model, 0.99)
    model(torch.randn(8, 3) + 5)
    ema.update(model)
    assert torch.equal(ema.model[1].running_mean, model[1].running_mean)  # type: ignore[index]
    assert int(ema.model[1].num_batches_tracked) == 1  # type: ignore[index]


def test_swapped_in_the_model_computes_with_the_average_and_gets_its_own_weights_back():
    model = net().eval()
    ema = Ema(model, 0.5)
    move(model, 1)
    ema.update(model)
    x = torch.randn(5, 3)
    own, averaged = model(x), copy.deepcopy(ema.model).eval()(x)
    assert not torch.equal(own, averaged)
    pointers = [p.data_ptr() for p in model.parameters()]
    with ema.swapped_in(model):
        assert torch.equal(model(x), averaged)
    assert torch.equal(model(x), own)
    assert [p.data_ptr() for p in model.parameters()] == pointers


def test_a_validation_that_fails_leaves_the_model_its_own_weights():
    model = net()
    ema = Ema(model, 0.5)
    move(model, 1)
    own = [p.detach().clone() for p in model.parameters()]
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"), ema.swapped_in(model):
        model(torch.randn(5, 9))
    assert all(torch.equal(p, o) for p, o in zip(model.parameters(), own, strict=True))


def test_an_optimizer_goes_on_with_the_models_weights_after_a_swap():
    model = net()
    ema = Ema(model, 0.5)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.1, fused=True)
    with ema.swapped_in(model):
        pass
    averaged = [p.detach().clone() for p in ema.model.parameters()]
    before = [p.detach().clone() for p in model.parameters()]
    model(torch.randn(8, 3)).sum().backward()
    optimizer.step()
    assert not any(torch.equal(p, b) for p, b in zip(model.parameters(), before, strict=True))
    assert all(torch.equal(p, a) for p, a in zip(ema.model.parameters(), averaged, strict=True))


def test_copied_for_good():
    model = net()
    ema = Ema(model, 0.5)
    move(model, 1)
    ema.update(model)
    ema.copy_to(model)
    assert all(torch.equal(p, e) for p, e in zip(model.parameters(), ema.model.parameters(), strict=True))


def test_its_state_is_tensors_and_takes_up_where_it_was():
    model = net()
    ema = Ema(model, 0.99)
    for step in range(3):
        move(model, step)
        ema.update(model)
    state = {name: tensor.clone() for name, tensor in ema.state_dict().items()}
    assert all(isinstance(tensor, torch.Tensor) for tensor in state.values())
    again = Ema(net(), 0.99)
    again.load_state_dict(state)
    move(model, 9)
    ema.update(model)
    again.update(model)
    for mine, theirs in zip(ema.model.parameters(), again.model.parameters(), strict=True):
        assert torch.equal(mine, theirs)
    again.load_state_dict({**state, "updates": torch.tensor(0)})
    again.update(model)
    assert not torch.equal(next(ema.model.parameters()), next(again.model.parameters())), "the count matters"


def test_a_model_that_cannot_be_copied_is_refused():
    model = net()
    model.lock = (x for x in range(3))  # type: ignore[assignment]  # generators cannot be copied
    with pytest.raises(ModelError, match=r"use_ema keeps a second copy .* leave use_ema off"):
        Ema(model, 0.9)
