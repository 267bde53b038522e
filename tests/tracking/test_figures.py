from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch

import nbtrain
from nbtrain.core.history import History
from nbtrain.tracking.figures import Figures


@pytest.fixture
def figures():
    return Figures(History(), lambda message: None)


@pytest.mark.parametrize("value", [
    0.5, torch.tensor(0.5), torch.tensor(0.5, dtype=torch.float16), torch.tensor(0.5, requires_grad=True),
    np.float32(0.5), np.array(0.5), Fraction(1, 2),
])
def test_numbers_of_any_kind_are_taken(figures, value):
    figures.log(7, {"loss": value})
    assert figures._history["loss"].steps.tolist() == [7]
    assert figures._history["loss"].values.tolist() == [0.5]


@pytest.mark.parametrize("value", [3, torch.tensor(3), np.int64(3)])
def test_whole_numbers_are_numbers(figures, value):
    figures.log(1, {"correct": value})
    assert figures.latest == {"correct": 3.0}


@pytest.mark.parametrize(("value", "said"), [
    (True, "True (bool)"), (None, "None (NoneType)"), ("0.5", "'0.5' (str)"), (1 + 2j, "(1+2j) (complex)"),
    (torch.zeros(32), "a Tensor of shape (32,)"), (torch.zeros(1), "a Tensor of shape (1,)"),
    (torch.tensor(data=True), "tensor(True) (Tensor)"), (torch.tensor(1j), "(Tensor)"),
    (np.zeros((2, 2)), "a ndarray of shape (2, 2)"), (10 ** 400, "(int)"), ([0.5], "[0.5] (list)"),
    (Decimal("0.5"), "(Decimal)"),
])
def test_what_is_no_number_is_one_sentence_and_nothing_is_written(figures, value, said):
    with pytest.raises(nbtrain.ConfigError) as caught:
        figures.log(1, {"fine": 1.0, "loss": value})
    assert str(caught.value).startswith("loss is ")
    assert said in str(caught.value)
    assert "log one number" in str(caught.value)
    assert figures._history.names == []


@pytest.mark.parametrize("name", ["", "1st", "a" * 65, "new\nline", "<b>"])
def test_a_name_is_a_name(figures, name):
    with pytest.raises(nbtrain.ConfigError, match="cannot be a figure's name"):
        figures.log(1, {name: 1.0})


@pytest.mark.parametrize("name", ["train/loss", "val_loss/dataloader_idx_0", "f1@0.5", "потери", "BLEU-4"])
def test_names_of_other_libraries_are_names(figures, name):
    figures.log(1, {name: 1.0})
    assert figures._history.names == [name]


@pytest.mark.parametrize("name", ["step", "epoch"])
def test_what_is_counted_is_not_logged(figures, name):
    with pytest.raises(nbtrain.ConfigError, match=f"{name} is counted by nbtrain itself"):
        figures.log(1, {name: 1})


def test_each_figure_that_is_not_finite_is_told_once():
    told: list[str] = []
    figures = Figures(History(), told.append)
    for step, value in enumerate([math.inf, 1.0, math.nan], 1):
        figures.log(step, {"loss": value, "f1": math.nan})
    assert [sentence.split(" at ")[0] for sentence in told] == ["loss was inf", "f1 was nan"]
    assert figures.latest == {"loss": 1.0}
    assert figures.take_mean() == 1.0
    assert figures.take_mean() is None


class Slow:
    """An event of a GPU, which comes when it is told to."""

    def __init__(self) -> None:
        self.there = False

    def query(self) -> bool:
        return self.there

    def synchronize(self) -> None:
        self.there = True


def test_figures_that_are_on_their_way_from_a_device_keep_their_order(figures, monkeypatch):
    """A stand-in for the copy that a GPU makes by the way; the rest is real."""
    events: list[Slow] = []

    def sent_home(tensor: Any) -> tuple[Any, Any]:
        events.append(Slow())
        return tensor, events[-1]

    monkeypatch.setattr("nbtrain.tracking.figures._sent_home", sent_home)
    monkeypatch.setattr("nbtrain.tracking.figures._number", lambda value: value)
    for step in (1, 2):
        figures.log(step, {"loss": torch.tensor(float(step))})
    figures.log(3, {"loss": 3.0})
    figures.settle()
    assert "loss" not in figures._history
    events[0].there = True
    figures.settle()
    assert figures._history["loss"].steps.tolist() == [1]
    figures.settle(wait=True)
    assert figures._history["loss"].values.tolist() == [1, 2, 3]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_figure_on_a_gpu_is_not_waited_for_and_is_right():
    tracked = nbtrain.track(range(50))
    for number in tracked:
        nbtrain.log(loss=torch.tensor(float(number), device="cuda"))
    assert tracked.history["loss"].values.tolist() == list(range(50))
