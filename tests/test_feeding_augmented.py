"""Trainings on texts and series that chance changes anew in each epoch."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

import nbtrain
from nbtrain import feeding, training
from nbtrain.core.control import Stop
from nbtrain.core.errors import DataError


class Watched(nn.Module):
    """Learns from the means of what it is given, and remembers all of it."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.embed = nn.Embedding(300, 4)
        self.head = nn.Linear(4, 2)
        self.trained: list[torch.Tensor] = []
        self.validated: list[torch.Tensor] = []
        self.at, self.then = -1, lambda: None

    def forward(self, series=None, input_ids=None, attention_mask=None):
        given = series if input_ids is None else input_ids
        (self.trained if self.training else self.validated).append(given.clone())
        if self.training and len(self.trained) == self.at:
            self.then()
        if input_ids is None:
            return self.head(series[:, :4])
        mask = attention_mask.unsqueeze(-1).float()
        return self.head((self.embed(input_ids) * mask).sum(1) / mask.sum(1).clamp(min=1))

    def epochs(self, size):
        """What was trained on in each epoch, rows in a fixed order."""
        parts = [torch.cat(self.trained[i:i + size]) for i in range(0, len(self.trained), size)]
        return [sorted(part.tolist()) for part in parts]


def weights(model):
    return torch.cat([parameter.detach().flatten() for parameter in model.parameters()])


OPTIONS: dict[str, Any] = {"epochs": 3, "batch_size": 8, "learning_rate": 0.01}


def trained(data, **options):
    run = nbtrain.train(Watched(), data, show=False, **{**OPTIONS, **options})
    assert run.wait() == "finished"
    return run


def texts(*steps, padding="none"):
    """48 texts of which half are good, split and in tokens."""
    draw = np.random.default_rng(0)
    words = np.array(["film", "plot", "actor", "scene", "music", "light", "end", "story"])
    rows = pd.DataFrame([
        {"text": " ".join([*draw.choice(words, 6), word, *draw.choice(words, draw.integers(0, 4))]), "label": word}
        for word in ("good", "bad") * 24])
    dataset = nbtrain.load_dataset(rows, name=f"texts {len(nbtrain.datasets())}")
    dataset.split(method="stratified", target="label", train=0.5, validation=0.25, test=0.25)
    tokens = {"step": "tokenize", "columns": ["text"], "vocabulary": 200, "max_length": 16, "padding": padding}
    return dataset.process(*steps, tokens)


def series(*steps):
    """Windows of a walk, scaled, and whether the next value is higher."""
    draw = np.random.default_rng(0)
    rows = pd.DataFrame({
        "window": [list(cells) for cells in draw.normal(size=(48, 6)).cumsum(1)], "label": ["up", "down"] * 24})
    dataset = nbtrain.load_dataset(rows, name=f"series {len(nbtrain.datasets())}")
    dataset.split(method="stratified", target="label", train=0.5, validation=0.25, test=0.25)
    return dataset.process(*steps)


MASK, NOISE = {"step": "augment_text", "mask": 0.3, "swap": 0.2, "delete": 0.1}, {"step": "augment_series"}


@pytest.fixture(params=["text", "padded text", "series"])
def data(request):
    if request.param == "series":
        return series(NOISE)
    return texts(MASK, padding="max_length" if request.param == "padded text" else "none")


def test_each_epoch_sees_other_samples_and_what_is_held_out_stays_as_it_is(data):
    run = trained(data)
    first, second, third = run.model.epochs(3)  # 24 rows are trained on
    assert len(first) == 24
    assert first != second != third != first
    fed = feeding.feed(data)
    plain = sorted(np.asarray(_array(fed.data.plain())).tolist())
    assert sum(row not in plain for row in first) > 12
    given = fed.validation[0]
    held_out = sorted((given["input_ids"] if isinstance(given, dict) else given).tolist())
    seen = run.model.validated[-2:]  # 12 rows in batches of 8, in their order, each epoch
    assert sorted(torch.cat(seen).tolist()) == held_out
    assert run.evaluate() == run.evaluate()


def _array(rows):
    samples = [rows[i][0] for i in range(len(rows))]
    return [sample["input_ids"] if isinstance(sample, dict) else sample for sample in samples]


def test_the_same_seed_gives_the_same(data):
    first, again, other = (trained(data, seed=seed) for seed in (5, 5, 6))
    assert torch.equal(weights(first.model), weights(again.model))
    assert first.model.epochs(3)[0] != other.model.epochs(3)[0]


def test_workers_read_the_same():
    for data in (texts(MASK), series(NOISE)):
        alone, helped = trained(data, epochs=1), trained(data, epochs=1, num_workers=1)
        assert torch.equal(weights(alone.model), weights(helped.model))


@pytest.mark.parametrize("at", [5, 6])
def test_a_resumed_run_is_the_uninterrupted_one(data, at):
    whole = trained(data)
    model, held = Watched(), threading.Event()
    here: list[nbtrain.Run] = []

    def stop():
        held.wait(60)
        here[0].request(Stop())

    model.at, model.then = at, stop
    here.append(nbtrain.train(model, data, show=False, **OPTIONS))
    held.set()
    assert here[0].wait() == "stopped"
    run_id, before = here.pop().id, model.trained
    del model, stop
    training._known.clear()  # as in another kernel
    fresh = Watched()
    again = nbtrain.resume(run_id, model=fresh, show=False)
    assert again.wait() == "finished"
    assert again.resumed == {"exact": True, "reasons": []}
    assert torch.equal(weights(fresh), weights(whole.model))
    seen = [*before, *fresh.trained]
    assert all(one.equal(other) for one, other in zip(seen, whole.model.trained, strict=True))


def test_without_a_split_what_the_run_holds_out_is_not_changed():
    data = series({**NOISE, "noise": 0.5})
    run = nbtrain.train(Watched(), data, validation=0.25, show=False, **OPTIONS)
    assert run.wait() == "finished"
    fed = feeding.feed(data).data
    held = fed.plain()
    np.testing.assert_array_equal(held[3][0], held[3][0])
    with pytest.raises(AssertionError):
        np.testing.assert_array_equal(fed[3][0], fed[3][0])


def test_new_texts_are_predicted_as_they_come():
    data = texts(MASK)
    run = trained(data)
    rows = [{"text": "good film good plot"}, {"text": "bad film"}]
    assert torch.equal(run.predict(rows), run.predict(rows))


def test_a_text_that_grows_is_cut_as_the_tokenizer_cuts():
    data = texts({**MASK, "mask": 1.0, "mask_token": "a long word that is no token", "swap": 0.0, "delete": 0.0})
    rows = feeding.feed(data).data
    plain = rows.plain()
    longest = len(plain[0][0]["input_ids"])
    encoder = next(step for step in data.recipe.steps if step.name == "tokenize").encoder
    end = int(encoder.encode(["x"]).ids[-1])
    for row in range(len(rows)):
        sample = rows[row][0]
        assert sample["input_ids"].shape == (longest,)
        assert sample["input_ids"][-1] == end  # [SEP] is there still
        assert sample["attention_mask"].all()


def test_texts_of_a_dataset_that_was_processed_twice():
    rows = {"text": [f"GOOD film {i}" for i in range(40)], "label": [0, 1] * 20}
    steps = {"step": "lowercase"}, {"step": "augment_text", "mask": 0.5}
    cleaned = nbtrain.load_dataset(rows, name="twice").process(*steps)
    ready = cleaned.process({"step": "tokenize", "columns": ["text"], "vocabulary": 200})
    assert ready.frame()["text"][0] == "good film 0"
    run = trained(ready)
    assert len({str(epoch) for epoch in run.model.epochs(-(-ready.split().counts[0] // 8))}) == 3


def test_what_changes_nothing_that_is_learnt_is_refused():
    rows = pd.DataFrame({"text": [f"film {i}" for i in range(40)], "n": range(40), "label": [0, 1] * 20})
    ready = nbtrain.load_dataset(rows, name="rows").process({"step": "augment_text"}, target="label")
    with pytest.raises(DataError, match=r"changes 'text' while training \(augment_text\), of which .* from 'n'"):
        feeding.feed(ready, features=["n"])


def test_missing_values_in_windows_are_told_before_the_start():
    close = [*np.arange(9.0), np.nan, *np.arange(30.0)]
    rows = pd.DataFrame({"day": pd.date_range("2020-01-01", periods=40), "close": close, "up": [0.0, 1.0] * 20})
    dataset = nbtrain.load_dataset(rows, name="prices")
    dataset.split(method="time", time="day")
    windows = {"step": "windows", "columns": ["close"], "time": "day", "window": 4}
    ready = dataset.process(windows, {"step": "augment_series"}, target="up")
    with pytest.raises(DataError, match="NaN or infinite values"):
        nbtrain.train(Watched(), ready, show=False)
