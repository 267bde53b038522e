"""Outputs, loss and metrics of a run's model, also while it trains."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
import torch
from torch import nn

from nbtrain.core.errors import DataError
from nbtrain.engine.split import split
from tests.engine import toys


def test_predictions_are_the_models_outputs_in_order():
    run = toys.trained(epochs=1)
    inputs = toys.data()[0]
    run.model.eval()
    expected = run.model(inputs).detach()
    run.model.train()
    assert torch.allclose(run.predict(inputs), expected, atol=1e-6)
    assert run.predict(inputs.numpy()[:5]).shape == (5, 3)
    assert run.predict(pd.DataFrame(inputs.numpy())).shape == (240, 3)
    assert not run.predict(inputs).requires_grad


def test_every_module_keeps_its_own_mode():
    run = toys.trained(epochs=1)
    run.model.train()
    run.model[1].eval()  # frozen running means
    before = run.model[1].running_mean.clone()
    run.evaluate()
    assert [module.training for module in run.model] == [True, False, True, True, True]
    assert torch.equal(run.model[1].running_mean, before)


def test_what_was_held_out_is_evaluated_on_by_default():
    run = toys.trained(epochs=2, test=0.2)
    parts: Any = split(toys.data(), 0.15, 0.2, 0)
    arrays, validation, test = parts
    run.model.eval()
    assert run.evaluate()["loss"] == pytest.approx(
        nn.functional.cross_entropy(run.model(test.inputs), test.target).item(), rel=1e-5
    )
    assert run.evaluate((validation.inputs, validation.target))["loss"] == pytest.approx(
        run.history["val_loss"].values[-1], rel=1e-5
    )
    right = (run.model(arrays.inputs).argmax(1) == arrays.target).float().mean().item()
    assert run.evaluate((arrays.inputs, arrays.target))["accuracy"] == pytest.approx(right, abs=1e-6)


def test_validation_data_of_its_own_is_what_is_evaluated_on():
    own = toys.data(60, seed=9)
    run = toys.trained(validation=own, epochs=1)
    assert run.evaluate() == run.evaluate(own)


def test_without_anything_held_out_it_says_what_to_do():
    run = toys.trained(validation=0.0, epochs=1)
    with pytest.raises(
        DataError,
        match=r"Nothing was held out \(validation and test are 0\), so hand in data: run.evaluate\(\(X, y\)\)",
    ):
        run.evaluate()


def test_words_as_labels_are_numbered_as_in_training():
    inputs, labels = toys.data()
    words = [["cat", "dog", "eel"][label] for label in labels]
    run = toys.trained(given=(inputs, words), epochs=1)
    some = [index for index, word in enumerate(words) if word != "cat"][:20]  # no cat among them
    run.model.eval()
    logits = run.model(inputs[some])
    assert run.evaluate((inputs[some], [words[index] for index in some]))["loss"] == pytest.approx(
        nn.functional.cross_entropy(logits, labels[some]).item(), rel=1e-5
    )


def test_evaluating_a_run_that_trains_does_not_disturb_its_metrics():
    alone, beside = toys.trained(epochs=20), toys.train(epochs=20)
    while not beside.state.ended:
        assert set(beside.evaluate()) == {"loss", "accuracy", "macro_f1"}
    assert toys.measured(alone.history) == toys.measured(beside.history)
