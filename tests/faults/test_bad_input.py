"""What cannot be trained is said in one clear sentence, before the start where it can be known."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import Dataset, IterableDataset

import nbtrain
from nbtrain.core.errors import (
    ConfigError,
    DataError,
    ModelError,
    ModelNotFoundError,
    NbtrainError,
    NonFiniteLossError,
    TrainingError,
)
from nbtrain.core.events import StateChanged
from nbtrain.engine.checkpoint import CheckpointFolder
from tests.engine import toys


def refused(kind, said, model=None, given=None, **options):
    """The training is refused with these words, in one line, and nothing of it is left."""
    with pytest.raises(kind, match=said) as caught:
        toys.train(model, given, **options)
    message = str(caught.value)
    assert "\n" not in message
    assert message.rstrip().endswith((".", "?"))
    assert list(nbtrain.runs()) == []
    assert toys.threads() == set()
    return message


# -- before the start --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"learning_rate": 5}, r"^learning_rate is 5; it must be a number from 1e-07 to 1\.$"),
        ({"epochs": 0}, r"^epochs is 0; it must be a whole number from 1 to 1000\.$"),
        ({"epochs": 2.5}, r"^epochs is 2.5; it must be a whole number from 1 to 1000\.$"),
        ({"batch_size": -3}, "^batch_size is -3; it must be a whole number from 1 to 65536"),
        ({"optimizer": "adamm"}, "^optimizer is 'adamm'; it must be one of adam, adamw, sgd, rmsprop, lamb, adafactor"),
        ({"mixed_precision": "fp8"}, "^mixed_precision is 'fp8'; it must be one of off, fp16, bf16"),
        ({"learning_rate": math.nan}, "^learning_rate is nan; it must be a number from"),
        ({"leraning_rate": 0.1}, r"^There is no option 'leraning_rate'; did you mean 'learning_rate'\?$"),
        ({"preset": "fastt"}, "^There is no preset 'fastt'; did you mean 'fast'"),
        ({"monitor": "val_acuracy"}, "^There is no metric 'val_acuracy'; did you mean 'val_accuracy'"),
        ({"loss": "cross_entropie"}, "^There is no loss 'cross_entropie'; did you mean 'cross_entropy'"),
        ({"metrics": ["acuracy"]}, "^There is no metric 'acuracy'; did you mean 'accuracy'"),
        ({"device": "cuda:7"}, "^device is 'cuda:7', which this machine does not have; there is: cpu"),
        ({"warmup_steps": 3, "warmup_epochs": 1}, "give one of the two"),
        (
            {"gradient_checkpointing": True, "model": nn.Linear(8, 3)},
            "gradient_checkpointing is True, but Linear has no blocks",
        ),
        ({"dropout": 0.5, "model": nn.Linear(8, 3)}, "dropout is 0.5, but Linear has no dropout layer to give it to"),
    ],
)
def test_options_that_are_wrong(options, said):
    refused(ConfigError, said, **options)


def test_all_wrong_options_are_told_at_once():
    with pytest.raises(ConfigError) as caught:
        toys.train(learning_rate=5, epochs=0, momentun=0.9)
    assert [problem.field for problem in caught.value.problems] == ["epochs", "learning_rate", "momentun"] or (
        {problem.field for problem in caught.value.problems} == {"epochs", "learning_rate", "momentun"}
    )
    assert len(str(caught.value).splitlines()) == 3


@pytest.mark.parametrize(
    ("model", "given", "kind", "said"),
    [
        (
            nn.Linear(9, 3),
            None,
            ModelError,
            (
                r"^The model cannot take the data: RuntimeError: mat1 and .* cannot be multiplied .* "
                r"\(a batch has the shape \(32, 8\)\)"
            ),
        ),
        (
            nn.Linear(8, 2),
            None,
            DataError,
            "^Labels outside the classes: 2, in .* rows; the model has 2 outputs, so labels must be 0 to 1",
        ),
        (
            nn.ReLU(),
            None,
            ModelError,
            "^The model ReLU has no parameters that require a gradient, so there is nothing to train",
        ),
        ("net", None, ModelNotFoundError, "^There is no model 'net'"),
        (5, None, ModelError, "^The model is a int; it must be a torch.nn.Module instance"),
        (
            None,
            (torch.zeros(0, 8), torch.zeros(0)),
            DataError,
            "^The data is empty: it has 0 rows; training needs at least 1",
        ),
        (
            None,
            (torch.zeros(5, 8), torch.zeros(4)),
            DataError,
            "^Inputs and target have different lengths: 5 rows of inputs, 4 of target",
        ),
        (None, (torch.zeros(1, 8), torch.zeros(1)), DataError, "^1 row cannot be split into training"),
        (None, 42, DataError, "^The data is a int; it must be"),
        (None, iter([1, 2]), DataError, "iterator .* can be read only once"),
    ],
)
def test_models_and_data_that_cannot_be_trained(model, given, kind, said):
    refused(kind, said, model, given)


def test_frozen_models_are_refused():
    model = toys.net().requires_grad_(False)
    refused(ModelError, "unfreeze some with requires_grad_", model)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_values_that_are_not_finite_are_named_by_row(value):
    inputs, labels = toys.data()
    inputs = inputs.clone()
    inputs[17, 3] = inputs[40, 1] = value
    refused(
        DataError,
        r"^The inputs? holds NaN or infinite values in 2 of 240 rows, the first in rows 17, 40; drop these",
        None,
        (inputs.numpy(), labels.numpy()),
    )


def test_labels_outside_the_classes_are_found_wherever_they_are():
    inputs, labels = toys.data()
    bad = labels.clone()
    bad[200] = 9
    refused(DataError, "^Labels outside the classes: 9, in 1 of", None, (inputs, bad))
    refused(DataError, "^Labels outside the classes: 9, in 1 of", None, (inputs, labels), validation=(inputs, bad))
    bad[200] = -1
    refused(DataError, "^Labels outside the classes: -1, in 1 of", None, (inputs, labels), validation=(inputs, bad))


def test_losses_that_are_none():
    refused(
        ModelError,
        r"^The loss is a tensor of shape \(32, 3\); it must be one number \(shape \(\)\): end the loss function with",
        loss=lambda output, target: output,
    )
    refused(ModelError, "^The loss is a float; it must be a tensor of one number", loss=lambda output, target: 1.0)
    refused(
        ModelError, "^The loss cannot be computed: ZeroDivisionError: ", loss=lambda output, target: output / (1 // 0)
    )


def test_a_loss_without_a_gradient_is_found_before_the_start():
    refused(
        ModelError,
        "^The loss does not depend on the parameters of Sequential, so there is nothing to learn",
        loss=lambda output, target: output.detach().mean(),
    )


def test_a_metric_that_raises_is_named():
    def my_metric(output, target):
        raise KeyError("no such thing")

    with pytest.raises(NbtrainError, match=r"^The metric 'my_metric' failed: KeyError: 'no such thing'"):
        toys.train(metrics=[my_metric])
    assert list(nbtrain.runs()) == []


def test_a_stream_needs_a_scheduler_that_does_not_ask_for_the_end():
    class Stream(IterableDataset[Any]):
        def __iter__(self):
            return iter(zip(*toys.data(), strict=True))

    refused(
        ConfigError,
        "^scheduler is 'cosine', but the data has no length, so the end of the run is not known; use scheduler",
        None,
        Stream(),
    )


def test_the_model_is_as_it_was_after_a_refusal():
    model = toys.net()
    model.eval()
    refused(DataError, "Labels outside", model, (toys.data()[0], toys.data()[1] + 5))
    assert not model.training
    model.train()
    assert toys.trained(model, epochs=1).state == "finished"


# -- while it trains ---------------------------------------------------------------------------


class Rows(Dataset[Any]):
    def __init__(self, value):
        self.inputs, self.targets = toys.data()
        self.inputs = self.inputs.clone()
        self.inputs[100] = value

    def __len__(self):
        return len(self.inputs)

    def __getitem__(self, index):
        return self.inputs[index], self.targets[index]


def test_a_dataset_that_gives_nan_stops_the_run_and_keeps_what_was_good():
    run = toys.train(given=Rows(math.nan), epochs=2, batch_size=16)
    with pytest.raises(NonFiniteLossError, match=r"The loss of step \d+ is nan; the weights were not touched"):
        run.wait()
    assert run.state == "failed"
    newest = CheckpointFolder(run.folder / "checkpoints").generations()[-1]
    assert (newest.reason, newest.step, newest.finite) == ("error", run.step, True)
    assert str(run.error) in (run.folder / "journal.jsonl").read_text()


def test_a_metric_that_raises_in_the_run_fails_it_with_its_name_and_step():
    calls = []

    def fragile(output, target):
        calls.append(1)
        if len(calls) > 1:
            raise KeyError("gone")
        return 1.0

    run = toys.train(metrics=[fragile], epochs=2)
    with pytest.raises(TrainingError, match=r"^The metric 'fragile' failed: KeyError: 'gone'") as caught:
        run.wait()
    assert caught.value.step == run.step == 7


def test_numbers_of_other_kinds_are_read_as_they_are_meant():
    inputs, labels = toys.data()
    run = toys.trained(given=(inputs.numpy().astype(np.float64), labels.numpy().astype(np.int32)), epochs=1)
    assert [event.state for event in run.events if isinstance(event, StateChanged)][-1] == "finished"
