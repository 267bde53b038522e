"""Data that has rows for the first times it is read only: an iterator that was kept, a queue that ran dry."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import nn
from torch.utils.data import IterableDataset

import nbtrain
from nbtrain.core.errors import DataError, TrainingError
from nbtrain.core.events import EpochEnd, Warned
from tests.engine import toys

#: Iterators that are made before a run begins: to see whether each is a new one, and for the batch that is tried.
TRIED = 2
#: Steps of an epoch.
STEPS = 2


class Passing(IterableDataset[Any]):
    """It says a length, and has rows in some of its passes only."""

    def __init__(self, *passes: bool) -> None:
        self.passes = iter([True] * TRIED + list(passes))

    def __len__(self) -> int:
        return 8

    def __iter__(self) -> Iterator[Any]:
        return iter([(torch.ones(4), row % 2) for row in range(8)] if next(self.passes, False) else [])


def run_of(given: Any, **options: Any) -> Any:
    run = toys.train(nn.Linear(4, 2), given, batch_size=4, **{"epochs": 4, "scheduler": "constant", **options})
    with contextlib.suppress(TrainingError):  # it is looked at where it should fail
        run.wait(60)
    assert run.state.ended, f"it is {run.state}"
    return run


def ends(run: Any) -> list[EpochEnd]:
    return [event for event in run._trainer.events if isinstance(event, EpochEnd)]


def test_an_epoch_without_a_batch_is_told_once_and_counts_for_nothing():
    run = run_of(Passing(True, False, False, True), early_stopping=True, patience=1)
    assert run.state == "finished", run.error
    (told,) = [event for event in run._trainer.events if isinstance(event, Warned) and "batch" in event.message]
    assert told.step == STEPS
    assert told.message == (
        "Epoch 2 had nothing to learn from and was passed over, as will be each that the data gives no batch for; "
        "each epoch reads it from its beginning: hand in a list or a dataset, or let __iter__ make a new iterator "
        "each time.")
    assert run.step == 2 * STEPS, "the last epoch is trained on again"
    assert run.history["train_loss"].steps.tolist() == [STEPS, 2 * STEPS]
    assert run.history["train_loss"].values.min() > 0
    assert [bool(end.metrics) for end in ends(run)] == [True, False, False, True]


def test_the_figures_of_a_run_stay_those_of_its_last_epoch_with_rows():
    run = run_of(Passing(True, False), epochs=2)
    (row,) = nbtrain.runs()
    assert row["metrics"] == ends(run)[0].metrics
    assert row["metrics"]["train_loss"] > 0


def test_an_epoch_without_a_batch_is_not_validated_after():
    run = run_of(Passing(True, False, True), validation=Passing(True, True), epochs=3)
    assert run.state == "finished", run.error
    assert run.history["val_loss"].steps.tolist() == [STEPS, 2 * STEPS]


def test_a_first_epoch_without_a_batch_ends_the_run():
    run = run_of(Passing())
    assert run.state == "failed"
    assert isinstance(run.error.__cause__, DataError)
    assert str(run.error) == (
        "The run failed at step 0: The data gave a batch, and none when it was read again; each epoch reads it from "
        "its beginning: hand in a list or a dataset, or let __iter__ make a new iterator each time.")
    assert run.step == 0
    assert "train_loss" not in run.history


def test_validation_data_without_a_batch_is_told_and_measured_as_nothing():
    run = run_of(rows(), validation=Passing(True), monitor="train_loss")
    assert run.state == "finished", run.error
    (told,) = [line for line in run.warnings if "validation data" in line]
    assert told.startswith("The validation data gave no batch after epoch 2, so nothing was measured on it; each epoch")
    assert run.history["val_loss"].steps.tolist() == [STEPS]
    assert len(run.history["train_loss"].steps) == 4


def test_the_best_epoch_is_none_that_was_not_validated():
    run = run_of(rows(), validation=Passing(True), early_stopping=True, patience=2)
    assert run._trainer.options["monitor"] == "val_loss"
    assert [line for line in run.warnings if line.startswith("val_loss, which the run goes by, was not measured")]
    assert len(ends(run)) == 4, "what was not measured is not waited for"


def test_a_forked_run_whose_data_is_gone_is_told_as_well():
    run = run_of(Passing(True, *[True] * TRIED), epochs=1)
    further = run.fork(epochs=2)
    further.wait(60)
    assert further.state == "finished", further.error
    assert further.step == STEPS
    assert any(line.startswith("Epoch 2 had nothing to learn from") for line in further.warnings)


def test_nothing_is_evaluated_on_nothing():
    run = run_of(Passing(True), epochs=1)
    gone = Passing()
    assert [len(list(gone)) for _ in range(TRIED + 1)] == [8, 8, 0]
    with pytest.raises(DataError, match="The data gave no batch, so there is nothing to measure on"):
        run.evaluate(gone)


def test_data_that_is_gone_before_the_run_says_what_it_promised():
    gone = Passing()
    list(gone)
    list(gone)
    with pytest.raises(DataError, match="gives no batch, though it says that there are 2; each epoch reads it from"):
        run_of(gone)


def rows() -> tuple[torch.Tensor, torch.Tensor]:
    return torch.ones(8, 4), torch.arange(8) % 2
