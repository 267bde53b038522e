"""A model's call made quicker changes neither what is learnt nor the weights' names, and is taken back in the end."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from nbtrain import training
from nbtrain.engine import quicker
from tests.halves import stopped
from tests.waiting import reached

IMAGES = torch.randn(40, 3, 8, 8, generator=torch.Generator().manual_seed(0))
LABELS = torch.arange(40) % 3


def net():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU(), nn.Dropout(0.1), nn.Conv2d(8, 4, 3),
        nn.Flatten(), nn.Linear(144, 3))


def train(model, **options):
    known = {"epochs": 2, "batch_size": 16, "learning_rate": 1e-2, "show": False}
    run = training.train(model, (IMAGES, LABELS), **(known | options))
    run.wait()
    return run


def differing(one, other):
    """Names of the weights that differ."""
    return [name for name in one if not torch.equal(one[name], other[name])]


class Looks(nn.Module):
    """Writes down how its inputs lie in memory."""

    def __init__(self):
        super().__init__()
        self.net = net()
        self.seen: list[bool] = []

    def forward(self, x):
        self.seen.append(x.is_contiguous(memory_format=torch.channels_last))
        return self.net(x)


def test_images_and_weights_lie_with_channels_innermost_while_it_trains_and_as_before_afterwards():
    model, plain = Looks(), train(net(), dropout=0.0)  # which places drop out depends on how they lie
    run = train(model, channels_last=True, dropout=0.0)
    assert model.seen
    assert all(model.seen)
    assert next(model.net.parameters()).is_contiguous()
    assert not model._forward_pre_hooks
    for name, value in plain.model.state_dict().items():
        torch.testing.assert_close(model.net.state_dict()[name], value, rtol=1e-3, atol=1e-4)
    model.seen.clear()
    run.predict(IMAGES)
    assert not all(model.seen)


def test_tensors_of_five_dimensions_stay_as_they_are():
    five, four = nn.Conv3d(1, 2, 3), nn.Conv2d(1, 2, 3)
    undo = quicker.channels_last(nn.Sequential(five, four))
    assert five.weight.is_contiguous()
    assert four.weight.is_contiguous(memory_format=torch.channels_last)
    undo()
    assert four.weight.is_contiguous()


def test_a_run_with_channels_last_is_resumed_to_the_same_bits():
    whole = train(net(), channels_last=True, epochs=4)
    run = stopped(training.train, net(), (IMAGES, LABELS), after=3, epochs=4, batch_size=16, learning_rate=1e-2,
                  channels_last=True, show=False)
    again = training.resume(run.id, model=net(), data=(IMAGES, LABELS), show=False)
    again.wait()
    assert differing(again.model.state_dict(), whole.model.state_dict()) == []


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # torch's own, of what it uses itself
def test_a_compiled_model_learns_the_same_under_the_same_names():
    graphs = torch._dynamo.utils.counters["stats"]["unique_graphs"]
    plain, run = train(net(), dropout=0.0), train(net(), use_compile=True, dropout=0.0)
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] > graphs
    assert run.warnings == []
    assert list(run.model.state_dict()) == list(plain.model.state_dict())
    assert run.model._compiled_call_impl is None
    for name, value in plain.model.state_dict().items():
        torch.testing.assert_close(run.model.state_dict()[name], value, rtol=1e-3, atol=1e-3)


def test_what_cannot_be_compiled_trains_as_it_is_and_says_why(monkeypatch):
    def refuse(graph, inputs):
        raise RuntimeError("no compiler is here")

    compile_ = torch.compile
    monkeypatch.setattr(torch, "compile", lambda function: compile_(function, backend=refuse))
    run = train(net(), use_compile=True)
    assert run.state == "finished"
    (said,) = run.warnings
    assert said == (
        "use_compile is on, but Sequential cannot be compiled here (RuntimeError: no compiler is here); it trains as "
        "it is.")
    assert differing(run.model.state_dict(), train(net()).model.state_dict()) == []


def test_a_copy_of_a_model_in_a_run_can_be_trained():
    model = net()
    undo = quicker.channels_last(model)
    other = copy.deepcopy(model)
    undo()
    assert train(other).state == "finished"


@pytest.mark.parametrize("also", [True, False])
def test_a_fork_has_its_own_order_and_no_hook_of_the_run_it_comes_from(also):
    run = training.train(net(), (IMAGES, LABELS), epochs=900, batch_size=16, channels_last=True, show=False)
    reached(run, 3)
    branch = run.fork(epochs=run._trainer.at.epoch + 2, channels_last=also)
    run.stop()
    assert branch.wait() == "finished"
    assert not branch.model._forward_pre_hooks
    assert all(p.is_contiguous() for p in branch.model.parameters())
    assert branch.predict(IMAGES).shape == (40, 3)
