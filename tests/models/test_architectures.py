"""The architectures that come with nbtrain: built from plain JSON, fitted to data, and learning."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
import torch
from torch.nn import functional

from nbtrain.core.errors import ModelError
from nbtrain.models import architectures
from nbtrain.models.architectures.mlp import Standardise

DATA = {
    "tabular": torch.randn(16, 6),
    "image": torch.randn(16, 1, 20, 28),
    "landmarks": torch.randn(16, 1, 20, 28),
    "series": torch.randn(16, 12, 5),
    "speech": {"text": torch.cat([torch.randint(2, 30, (16, 8)), torch.ones(16, 1, dtype=torch.long)], 1),
               "mel": torch.randn(16, 20, 3)},
    "text": {"input_ids": torch.randint(30, (16, 9)), "attention_mask": torch.ones(16, 9, dtype=torch.long)},
}


def batch(name):
    return DATA[architectures.kind_of(name)]


def output(model, inputs):
    found = model(**inputs) if isinstance(inputs, dict) else model(inputs)
    return found.mel.transpose(1, 2) if hasattr(found, "mel") else found


@pytest.mark.parametrize("name", architectures.names())
def test_each_is_fitted_to_data_and_built_again_from_its_config(name):
    config = architectures.fit_to(name, batch(name), 3)
    model = architectures.build(name, **json.loads(json.dumps(config))).eval()
    assert output(model, batch(name)).shape[:2] == (16, 3)
    again = architectures.build(name, **model.config).eval()
    assert model.config == config
    again.load_state_dict(model.state_dict())
    assert torch.equal(output(again, batch(name)), output(model, batch(name)))


@pytest.mark.parametrize("name", architectures.names())
def test_its_own_example_is_what_it_takes(name):
    config = architectures.fit_to(name, batch(name), 2)
    model = architectures.build(name, **config).eval()
    assert output(model, architectures.example(name, config, rows=3)).shape[:2] == (3, 2)


@pytest.mark.parametrize(
    "name", [n for n in architectures.names() if architectures.kind_of(n) not in {"landmarks", "speech"}])
def test_each_learns_a_batch_by_heart(name):
    torch.manual_seed(0)
    inputs, target = batch(name), torch.arange(16) % 2
    model = architectures.build(name, **architectures.fit_to(name, inputs, 2, dropout=0.0))
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    for _ in range(80):
        optimizer.zero_grad()
        loss = functional.cross_entropy(output(model, inputs), target)
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.1


def test_inputs_are_brought_to_the_mean_and_deviation_of_all_rows_seen():
    net = Standardise(2)
    rows = torch.randn(90, 2, dtype=torch.float64) * torch.tensor([5.0, 0.1]) + torch.tensor([1000.0, -3.0])
    rows = rows.float()
    assert torch.allclose(net.eval()(rows), rows, rtol=1e-4)  # nothing is known yet
    for batch in rows.split([40, 1, 49]):
        net.train()(batch)
    wanted = (rows - rows.double().mean(0)) / rows.double().std(0, correction=0)
    assert torch.allclose(net.eval()(rows).double(), wanted, atol=2e-3)


def test_a_column_far_from_zero_does_not_make_a_short_run_useless():
    torch.manual_seed(0)
    x = torch.randn(400, 2)
    inputs, target = torch.cat([x, torch.full((400, 1), 2026.0)], 1), (x[:, 0] > 0).long()
    model = architectures.build("mlp", inputs=3, outputs=2)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    for batch in range(12):
        rows = torch.arange(32) + 32 * batch
        optimizer.zero_grad()
        functional.cross_entropy(model(inputs[rows]), target[rows]).backward()
        optimizer.step()
    assert (model.eval()(inputs).argmax(1) == target).float().mean() > 0.9


@pytest.mark.parametrize("name", ["lstm", "hybrid-cnn-lstm", "tcn"])
def test_a_series_of_one_feature_needs_no_dimension_for_it(name):
    x = torch.randn(4, 12)
    model = architectures.build(name, **architectures.fit_to(name, x, 2)).eval()
    assert torch.equal(model(x), model(x.unsqueeze(-1)))


@pytest.mark.parametrize("name", architectures.names())
def test_data_of_another_kind_is_refused_with_what_it_takes(name):
    with pytest.raises(ModelError, match=rf"{name} takes .* the data is of shape \(3,\)"):
        architectures.fit_to(name, torch.randn(3), 2)


@pytest.mark.parametrize(("name", "config", "said"), [
    ("mlp", {"inputs": 4}, "The config of mlp lacks 'outputs'"),
    ("mlp", {"inputs": 0, "outputs": 2}, "inputs of mlp is 0; it must be greater than or equal to 1"),
    ("mlp", {"inputs": 4, "outputs": 2, "hiden": [3]}, "mlp has no 'hiden' in its config; there are: outputs, inputs"),
    ("text-transformer", {"vocabulary": 9, "outputs": 2, "width": 10, "heads": 3}, "heads is 3; it must divide width"),
    ("hybrid-cnn-lstm", {"features": 2, "outputs": 2, "kernel": 4}, "kernel is 4; it must be odd"),
    ("resnt", {}, "There is no architecture 'resnt'; did you mean 'resnet'?"),
])
def test_a_wrong_config_is_told_in_a_sentence(name, config, said):
    with pytest.raises(ModelError) as caught:
        architectures.build(name, **config)
    assert said in str(caught.value)


def test_padding_of_a_text_changes_nothing():
    model = architectures.build("text-transformer", vocabulary=30, outputs=2, length=20).eval()
    ids = torch.randint(1, 30, (2, 7))
    short = model(ids, torch.ones(2, 7, dtype=torch.long))
    padded = torch.cat([ids, torch.zeros(2, 5, dtype=torch.long)], 1)
    mask = torch.cat([torch.ones(2, 7), torch.zeros(2, 5)], 1).long()
    torch.testing.assert_close(model(padded, mask), short, rtol=1e-5, atol=1e-6)
    assert model(padded, torch.zeros_like(padded)).isfinite().all()  # a text of padding alone


@pytest.mark.parametrize("name", ["tabular-mlp", "tabular-resnet"])
def test_a_category_that_was_never_seen_changes_nothing_of_the_numbers(name):
    inputs = {"numbers": torch.randn(8, 2), "categories": torch.randint(1, 5, (8, 3))}
    config = architectures.fit_to(name, inputs, 2, categories=[5, 5, 5])
    model = architectures.build(name, **config).eval()
    assert model(**inputs).shape == (8, 2)
    assert not torch.equal(model(**inputs), model(inputs["numbers"], inputs["categories"].flip(0)))
    cells: Any = model.cells
    unseen = cells(inputs["numbers"], torch.zeros(8, 3, dtype=torch.long))
    assert torch.equal(unseen[:, :2], inputs["numbers"])
    assert not unseen[:, 2:].any()


def test_a_tcn_sees_nothing_later_than_a_step():
    model = architectures.build("tcn", features=2, outputs=3, channels=[8, 8]).eval()
    x = torch.randn(1, 20, 2)
    changed = x.clone()
    changed[:, 11:] += 1
    blocks: Any = model.blocks
    before, after = (blocks(each.transpose(1, 2)) for each in (x, changed))
    assert torch.equal(before[:, :, :11], after[:, :, :11])
    assert not torch.equal(before[:, :, 11:], after[:, :, 11:])


def test_names_are_known_without_torch():
    code = "import sys; from nbtrain.models import architectures as a; a.names(); sys.exit('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=False)
    assert done.returncode == 0
