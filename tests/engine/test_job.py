"""A job is looked at before anything starts, and leaves the model as it came."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from nbtrain.config import TrainConfig
from nbtrain.core.errors import ConfigError, DataError, ModelError
from nbtrain.engine.job import Ingredients, choose_device, copy_of, prepare
from nbtrain.engine.trial import shape_of
from tests.engine import toys


def prepared(model=None, data=None, **options):
    given = Ingredients(toys.net() if model is None else model, toys.data() if data is None else data)
    return prepare(given, TrainConfig(**options))


def test_the_trial_batch_changes_nothing_of_the_model():
    model = toys.net()
    before = copy.deepcopy(model.state_dict())
    job = prepared(model)
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())
    assert model.training
    job.close()


@pytest.mark.parametrize(
    ("output", "target", "task"),
    [
        (3, torch.arange(60) % 3, "classification"),
        (1, torch.arange(60) % 2, "binary"),
        (1, torch.linspace(0, 1, 60), "regression"),
        (4, (torch.rand(60, 4) > 0.3).float(), "multilabel"),
    ],
)
def test_the_task_is_found_from_the_data(output, target, task):
    job = prepared(nn.Linear(8, output), (toys.data(60)[0], target), validation=0.0)
    assert job.task == task
    job.close()


def test_a_model_belongs_to_one_job_until_it_is_closed():
    model = toys.net()
    job = prepared(model)
    with pytest.raises(ModelError, match="is being trained by another run"):
        prepared(model)
    job.close()
    prepared(model).close()


def test_a_job_that_cannot_be_made_leaves_the_model_to_others():
    model = nn.Sequential(*toys.net(), nn.ReLU(), nn.Linear(3, 3))
    with pytest.raises(DataError):
        prepared(model, (toys.data()[0], toys.data()[1] + 7), gradient_checkpointing=True)
    assert not any("forward" in module.__dict__ for module in model.modules())
    prepared(model).close()


def test_a_device_that_is_not_there_is_refused_with_those_that_are():
    with pytest.raises(ConfigError, match=r"device is 'cuda:63', which this machine does not have; there is: cpu"):
        choose_device("cuda:63")
    assert choose_device("cpu").type == "cpu"


def test_the_fingerprint_is_of_training_and_validation_data():
    config = TrainConfig()
    given = Ingredients(toys.net(), toys.data(), validation=toys.data(50, seed=4))
    prints = []
    for one in (
        given,
        Ingredients(toys.net(), toys.data()),
        Ingredients(toys.net(), toys.data(), validation=toys.data(50, seed=5)),
    ):
        job = prepare(one, config)
        prints.append(job.fingerprint)
        job.close()
    assert len(set(prints)) == 3


def test_a_copy_is_independent():
    model = toys.net()
    other = copy_of(model)
    assert toys.same_weights(model, other)
    assert not any(mine is theirs for mine, theirs in zip(model.parameters(), other.parameters(), strict=True))
    model.lock = __import__("threading").Lock()
    with pytest.raises(
        ModelError, match=r"cannot be copied \(TypeError: .*\); hand in a fresh one: run.fork\(model=net\)"
    ):
        copy_of(model)


def test_shapes_read_as_words():
    x = torch.zeros(32, 8)
    assert shape_of(x) == "(32, 8)"
    assert shape_of((x, x)) == "((32, 8), (32, 8))"
    assert shape_of({"ids": x}) == "{ids: (32, 8)}"
    assert shape_of(None) == "NoneType"


def test_data_that_is_not_split_is_said():
    loader = DataLoader(TensorDataset(*toys.data()), batch_size=16)
    job = prepared(data=loader)
    assert job.validation is None
    assert job.notes == ("A DataLoader is not split, so nothing is validated on; hand in data for it: validation=….",)
    job.close()
    for quiet in (prepared(data=loader, validation=0.0), prepared()):
        assert quiet.notes == ()
        quiet.close()
