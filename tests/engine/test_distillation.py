"""Distillation: the formula, the teacher's outputs kept, what does not fit, and resuming."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from torch import nn

from nbtrain import training
from nbtrain.config import RegularisationConfig
from nbtrain.core.errors import ConfigError, ModelError, ModelNotFoundError
from nbtrain.engine.batch import Batch
from nbtrain.engine.distillation import Distillation, at_hand
from nbtrain.engine.losses import build
from nbtrain.engine.objective import Objective
from tests.halves import stopped
from tests.waiting import reached

ROWS = 96


def data():
    draw = torch.Generator().manual_seed(0)
    x = torch.randn(ROWS, 4, generator=draw)
    return x, x[:, :3].argmax(1)


def net(hidden=8, outputs=3, seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(4, hidden), nn.ReLU(), nn.Linear(hidden, outputs))


def train(model=None, given=None, **options: Any):
    usual: dict[str, Any] = {"epochs": 2, "batch_size": 16, "show": False, "scheduler": "constant"}
    run = training.train(model or net(), given or data(), **usual | options)
    run.wait()
    return run


def test_the_loss_is_that_of_hinton():
    """(1 − α) cross-entropy + α T² Σ q (log q − log p), written out."""
    student, teacher, (x, y) = net(), net(seed=1), data()
    loss = build(None, "classification", RegularisationConfig())
    made = Distillation(Objective(loss), teacher, alpha=0.3, temperature=4.0)
    found, parts, output = made(student, Batch(x, y, len(x)))
    p, q = (student(x) / 4).softmax(1), (teacher(x) / 4).softmax(1)
    soft = 16 * (q * (q.log() - p.log())).sum(1).mean()
    hard = nn.functional.cross_entropy(student(x), y)
    assert found.item() == pytest.approx((0.7 * hard + 0.3 * soft).item(), rel=1e-5)
    assert parts["soft_loss"].item() == pytest.approx(soft.item(), rel=1e-5)
    assert parts["hard_loss"].item() == pytest.approx(hard.item(), rel=1e-5)
    assert torch.equal(output, student(x))


@pytest.mark.parametrize("teacher", [3, net, torch.zeros(2)])
def test_a_teacher_that_is_none_is_said_to_be_none(teacher):
    with pytest.raises(ModelError, match=rf"teacher is a {type(teacher).__name__}; it must be a torch.nn.Module"):
        train(teacher=teacher)


def test_two_classes_by_one_output_are_two_classes():
    x = torch.randn(8, 1)
    made = Distillation(Objective(lambda output, target: output.mean()), lambda_of(2 * x), 1.0, 1.0)
    found, _, _ = made(lambda_of(x), Batch(x, None, 8))
    p, q = x.sigmoid(), (2 * x).sigmoid()
    wanted = (q * (q / p).log() + (1 - q) * ((1 - q) / (1 - p)).log()).mean()
    assert found.item() == pytest.approx(wanted.item(), rel=1e-4)


class lambda_of(nn.Module):  # noqa: N801 - stands for an output
    def __init__(self, output):
        super().__init__()
        self.output = output

    def forward(self, x):
        return self.output


def test_tokens_that_do_not_count_are_not_learnt_from_the_teacher_either():
    output, taught = torch.randn(2, 5, 7), torch.randn(2, 5, 7)
    target = torch.randint(0, 7, (2, 5))
    target[:, 3:] = -100
    loss = build(None, "classification", RegularisationConfig())
    made = Distillation(Objective(loss), lambda_of(taught), 1.0, 1.0)
    whole, _, _ = made(lambda_of(output), Batch(torch.ones(2, 5), target, 2))
    made = Distillation(Objective(loss), lambda_of(taught[:, :3]), 1.0, 1.0)
    part, _, _ = made(lambda_of(output[:, :3]), Batch(torch.ones(2, 3), target[:, :3], 2))
    assert whole.item() == pytest.approx(part.item(), rel=1e-5)


def test_the_teacher_is_asked_once_for_each_row_and_stays_as_it_is():
    teacher, asked = net(hidden=32, seed=1), list[int]()
    teacher.register_forward_hook(lambda module, given, output: asked.append(len(output)))
    teacher.train()
    before = copy.deepcopy(teacher.state_dict())
    run = train(teacher=teacher, epochs=4, validation=0)
    assert sum(asked) == ROWS
    assert all(torch.equal(before[name], value) for name, value in teacher.state_dict().items())
    assert teacher.training
    assert run.history["loss"].values == pytest.approx(
        0.5 * run.history["hard_loss"].values + 0.5 * run.history["soft_loss"].values, rel=1e-5)


def test_kept_outputs_are_those_the_teacher_gives_each_time():
    """With noise on the inputs nothing is kept; of next to no noise the run is the same to within rounding."""
    teacher = net(hidden=32, seed=1)
    kept, asked = train(teacher=teacher), train(teacher=teacher, gaussian_noise_std=1e-9)
    assert torch.allclose(kept.model[0].weight, asked.model[0].weight, atol=1e-6)


def test_a_run_goes_on_with_its_teacher_and_says_when_it_is_another():
    run = train(teacher=net(seed=1), epochs=150)
    whole = [value.clone() for value in run.model.parameters()]
    model = net()
    run = stopped(
        training.train, model, data(), teacher=net(seed=1), epochs=150, batch_size=16, show=False,
        scheduler="constant")
    again = training.resume(run.id, show=False)
    again.wait()
    assert again.resumed == {"exact": True, "reasons": []}
    assert all(torch.equal(one, other) for one, other in zip(again.model.parameters(), whole, strict=True))
    run = training.train(net(), data(), teacher=net(seed=1), epochs=1000, batch_size=16, show=False)
    reached(run, 6)
    run.stop()
    other = training.resume(run.id, teacher=net(seed=2), show=False)
    other.stop()
    assert other.resumed is not None
    assert not other.resumed["exact"]
    assert other.resumed["reasons"][0].startswith("the teacher was blake2b:")


def test_a_registered_model_teaches_by_its_name():
    x, y = data()
    teacher = training.train("mlp", (x, y), epochs=5, batch_size=16, show=False)
    teacher.wait()
    teacher.register("wise")
    run = train(teacher="wise")
    assert run.config["teacher"] == "wise"
    assert "soft_loss" in run.history
    with pytest.raises(ModelNotFoundError, match="no model 'wize'; did you mean 'wise'"):
        train(teacher="wize")


def test_what_does_not_fit_is_told_before_the_start():
    model = net()
    with pytest.raises(ModelError, match=r"teacher gives outputs of shape \(16, 5\) .* and the student .*\(16, 3\)"):
        train(teacher=net(outputs=5))
    with pytest.raises(ModelError, match="The teacher is the model itself"):
        train(model, teacher=model)
    with pytest.raises(ModelError, match="The teacher Sequential cannot take the data"):
        train(teacher=nn.Sequential(nn.Linear(9, 3)))
    x, _ = data()
    with pytest.raises(ConfigError, match="the target of this training is an amount"):
        train(nn.Linear(4, 1), (x, x.sum(1, keepdim=True)), teacher=nn.Linear(4, 1))
    with pytest.raises(ConfigError, match="distill_alpha is 0"):
        train(teacher=net(seed=1), distill_alpha=0)
    assert training.runs() == []


def test_classes_may_lie_second_and_labels_may_stand_each_for_itself():
    draw = torch.Generator().manual_seed(0)
    output, taught = (torch.randn(2, 4, 5, generator=draw) for _ in range(2))  # (rows, classes, places)
    target = torch.randint(0, 4, (2, 5), generator=draw)
    target[0, 0] = -100
    loss = build(None, "classification", RegularisationConfig())
    made = Distillation(Objective(loss), lambda_of(taught), 1.0, 1.0)
    found, _, _ = made(lambda_of(output), Batch(torch.ones(2, 4, 5), target, 2))
    p, q = (each.softmax(1).movedim(1, -1)[target != -100] for each in (output, taught))
    assert found.item() == pytest.approx((q * (q / p).log()).sum(1).mean().item(), rel=1e-4)
    labels = Distillation(Objective(lambda output, target: output.mean()), lambda_of(taught), 1.0, 1.0, "multilabel")
    shifted, _, _ = labels(lambda_of(taught + 10), Batch(torch.ones(2), torch.ones(2, 4, 5), 2))
    assert shifted.item() > 0.5  # no softmax over labels, which would not see the shift


def test_a_part_of_the_loss_can_be_gone_by():
    run = train(teacher=net(seed=1), monitor="val_soft_loss", early_stopping=True, patience=1)
    assert "val_soft_loss" in run.history


def test_a_fork_may_have_a_teacher():
    x, y = data()
    wise = training.train("mlp", (x, y), epochs=2, batch_size=16, show=False)
    wise.wait()
    wise.register("wise")
    run = train()
    branch = run.fork(epochs=4, teacher="wise")
    branch.wait()
    assert "soft_loss" in branch.history
    with pytest.raises(ModelNotFoundError, match="no model 'wize'"):
        run.fork(epochs=4, teacher="wize")


class Sent(nn.Sequential):
    """Notes where it is sent, and whether anybody asked it: a machine without a GPU has no second device."""

    def __init__(self):
        super().__init__(net(seed=1))
        self.noted: list[Any] = []

    def to(self, *given, **named):
        self.noted.append(str(given[0]))
        return self if str(given[0]) == "meta" else super().to(*given, **named)

    def forward(self, x):
        self.noted.append("asked")
        return super().forward(x)


def test_a_teacher_goes_home_when_the_last_who_needs_it_is_done():
    teacher = Sent()
    with at_hand(teacher, torch.device("meta")), at_hand(teacher, torch.device("meta")):
        assert teacher.noted == ["meta", "meta"]
    assert teacher.noted == ["meta", "meta", "cpu"]


class Large(Sent):
    """There is no room for it at first."""

    room = False

    def to(self, *given, **named):
        moved = super().to(*given, **named)
        if str(given[0]) == "meta" and not self.room:
            raise torch.OutOfMemoryError("no room")
        return moved


def test_a_teacher_that_found_no_room_is_at_home_and_goes_home_the_next_time():
    teacher = Large()
    with pytest.raises(torch.OutOfMemoryError), at_hand(teacher, torch.device("meta")):
        pass
    assert teacher.noted == ["meta", "cpu"]
    teacher.room = True
    with at_hand(teacher, torch.device("meta")):
        pass
    assert teacher.noted == ["meta", "cpu", "meta", "cpu"]


def test_a_run_that_has_ended_keeps_no_teacher_on_its_device_and_fetches_it_to_evaluate():
    teacher = Sent()
    run = train(teacher=teacher, epochs=1)
    assert teacher.noted[0] == teacher.noted[-1] == "cpu"
    assert teacher.noted.count("cpu") == 2
    teacher.noted.clear()
    run.evaluate(data())
    assert teacher.noted == ["cpu", *["asked"] * (ROWS // 16), "cpu"]


def test_what_is_kept_of_the_teacher_goes_with_its_row_also_in_a_fork(monkeypatch):
    """Other parts, other batches, rows that come again: whatever is kept for a row is what the teacher says of it."""
    teacher, seen = net(hidden=32, seed=1), list[float]()
    called = Distillation.__call__

    def looked_at(self, model, batch):
        if batch.beside is not None:
            seen.append((batch.beside - teacher(batch.inputs)).abs().max().item())
        return called(self, model, batch)

    monkeypatch.setattr(Distillation, "__call__", looked_at)
    run = train(teacher=teacher)
    before = len(seen)
    branch = run.fork(epochs=4, batch_size=7, seed=5, use_oversampling=True, oversample_ratio=1.0)
    branch.wait()
    assert 0 < before < len(seen)
    assert max(seen) < 1e-5
