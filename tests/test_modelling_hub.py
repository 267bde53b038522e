"""Fine-tuning a model of the Hub by its name: on tokens of its own tokenizer, resumed elsewhere, and registered."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

import nbtrain
from nbtrain.core.errors import DataError, HubError, ModelError
from nbtrain.hub.local import LocalHub
from tests.halves import stopped

transformers = pytest.importorskip("transformers")

NAME = "nbtrain/tiny-bert"
OPTIONS: dict[str, Any] = {"epochs": 2, "show": False, "device": "cpu", "batch_size": 8, "learning_rate": 1e-3}
TEXTS = ["a good film", "a bad film", "so so", "really good", "really bad", "it is so so"] * 8
LABELS = ["good", "bad", "middling"] * 16


@pytest.fixture
def hub(tmp_path, monkeypatch):
    monkeypatch.delenv("HF_TOKEN", raising=False)
    with LocalHub() as server, server.used(tmp_path / "cache"):
        server.add_transformers(NAME, words=["good", "bad", "film", "so", "really", "a", "it", "is"])
        yield server


@pytest.fixture
def reviews(hub):
    """A dataset in tokens of the model's own tokenizer."""
    dataset = nbtrain.load_dataset(pd.DataFrame({"text": TEXTS, "label": LABELS}), name="reviews")
    return dataset.process(
        {"step": "tokenize", "algorithm": "pretrained", "tokenizer": NAME, "columns": ["text"], "max_length": 12},
        target="label", name="tokens")


def config_of(run: Any) -> Any:
    return run.model.config


def elsewhere(code, **variables):
    head = "import json, torch, nbtrain\nOPTIONS = " + repr(OPTIONS) + "\n"
    given = "".join(f"{name} = {value!r}\n" for name, value in variables.items())
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", head + given + textwrap.dedent(code)], check=False, capture_output=True,
        text=True, env={**os.environ, "PYTHONPATH": str(Path.cwd())})
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_a_model_of_the_hub_learns_the_classes_of_the_data_and_plain_transformers_loads_it(hub, reviews, tmp_path):
    run = nbtrain.train(f"hub:{NAME}", reviews, **OPTIONS)
    assert run.wait() == "finished"
    assert run.name == NAME
    assert config_of(run).id2label == {0: "bad", 1: "good", 2: "middling"}
    made = run.register("reviews", weights="last", promote=False)
    about = made.version.about
    assert (about.format, about.architecture) == ("transformers", "BertForSequenceClassification")
    assert about.labels == ("bad", "good", "middling")
    assert (about.task, about.inputs["kind"]) == ("text-classification", "text")
    assert (made.version.folder / "recipe.json").exists()
    hub.stop()
    model = transformers.AutoModelForSequenceClassification.from_pretrained(made.version.folder)
    tokenizer = transformers.AutoTokenizer.from_pretrained(made.version.folder)
    with torch.no_grad():
        found = model.eval()(**tokenizer(TEXTS[:3], padding=True, return_tensors="pt")).logits
    assert torch.allclose(found, run.predict(pd.DataFrame({"text": TEXTS[:3]})), atol=1e-5)
    again = nbtrain.train("reviews", reviews, **OPTIONS)  # the registered one, by its name, with the same classes
    again.wait()
    assert config_of(again).id2label == config_of(run).id2label
    second = again.register("reviews", promote=False)
    assert (second.version.folder / "tokenizer.json").exists()


def test_it_is_resumed_in_another_kernel_also_where_the_hub_is_away(hub, reviews):
    done = nbtrain.train(f"hub:{NAME}", reviews, **OPTIONS | {"epochs": 8})
    done.wait()
    half = stopped(nbtrain.train, f"hub:{NAME}", reviews, **OPTIONS | {"epochs": 8})
    hub.stop()
    found = elsewhere("""
        run = nbtrain.resume(run_id, show=False)
        run.wait()
        print(json.dumps([run.state, run.resumed["exact"], run.predict(nbtrain.load_dataset("tokens")).tolist()]))
    """, run_id=half.id)
    assert found[:2] == ["finished", True]
    assert torch.equal(torch.tensor(found[2]), done.predict(reviews))


def test_arrays_of_tokens_do_as_well(hub):
    ids = np.random.default_rng(0).integers(0, 8, (24, 5))
    tokens = {"input_ids": ids, "attention_mask": np.ones_like(ids)}
    run = nbtrain.train(f"hub:{NAME}", (tokens, ids[:, 0] % 2), **OPTIONS)
    assert run.wait() == "finished"
    assert config_of(run).num_labels == 2


def test_a_language_model_gets_a_head_for_the_classes(hub, reviews):
    hub.add_transformers("nbtrain/tiny-masked", "BertForMaskedLM", words=["good", "bad", "film"])
    run = nbtrain.train("hub:nbtrain/tiny-masked", reviews, **OPTIONS)
    assert run.wait() == "finished"
    assert type(run.model).__name__ == "BertForSequenceClassification"


def test_tokens_that_mean_nothing_to_the_model_are_refused(hub):
    ids = np.full((24, 5), 100_000)
    with pytest.raises(DataError, match=r"has the token 100000, but BertForSequenceClassification knows"):
        nbtrain.train(f"hub:{NAME}", ({"input_ids": ids}, np.arange(24) % 2), **OPTIONS)
    dataset = nbtrain.load_dataset(pd.DataFrame({"text": TEXTS, "label": LABELS}), name="reviews")
    own = dataset.process({"step": "tokenize", "algorithm": "bpe", "columns": ["text"], "vocabulary": 100},
                          target="label", name="own")
    with pytest.raises(DataError, match="tokenised with a tokenizer that learned from them"):
        nbtrain.train(f"hub:{NAME}", own, **OPTIONS)
    with pytest.raises(HubError):
        nbtrain.train("hub:nobody/nothing", own, **OPTIONS)
    assert nbtrain.runs() == []
    plain = nbtrain.train(f"hub:{NAME}", dataset, **OPTIONS)  # texts as they are go to the model's own tokenizer
    assert plain.wait() == "finished"
    assert plain.config["recipe"] == "text-classification"
    run = nbtrain.train("text-transformer", own, **OPTIONS)  # which learns with the data's own tokens
    assert run.wait() == "finished"
    assert config_of(run)["vocabulary"] >= 27


def test_a_model_of_the_hub_is_downloaded_registered_and_trained_by_its_name(hub, reviews):
    version = nbtrain.models.download(NAME)
    assert (version.about.source, version.about.source_args["repository"]) == ("hub", NAME)
    assert [record.name for record in nbtrain.models.list()] == ["tiny-bert"]
    assert nbtrain.models.download(NAME) == version
    hub.add_transformers(NAME, words=["other", "words"])
    assert nbtrain.models.download(NAME).number == 2
    nbtrain.models.delete("tiny-bert", 2)
    run = nbtrain.train("tiny-bert", reviews, **OPTIONS)
    assert run.wait() == "finished"
    assert config_of(run).num_labels == 3


def test_code_of_a_repository_does_not_run_in_passing_by_a_training(hub):
    from nbtrain.hub.local import samples  # noqa: PLC0415 - here alone

    hub.add("own-lab/needs-its-code", samples.own_code())
    with pytest.raises(ModelError, match=r"download\('own-lab/needs-its-code', trust_remote_code=True\)"):
        nbtrain.train("hub:own-lab/needs-its-code", (np.zeros((4, 8), np.float32), np.zeros(4)), **OPTIONS)
    assert "NBTRAIN_REMOTE_CODE_RAN" not in os.environ


def head_of(run: Any) -> Any:
    return run.model.classifier.weight


def test_named_classes_keep_their_outputs_and_others_get_a_new_head_which_is_said(hub):
    name = "nbtrain/tiny-named"
    hub.add_transformers(name, words=["good", "bad", "film"], labels=("good", "bad"))
    dataset = nbtrain.load_dataset(pd.DataFrame({"text": TEXTS[:24], "label": ["bad", "good"] * 12}), name="two")
    step = {"step": "tokenize", "algorithm": "pretrained", "tokenizer": name, "columns": ["text"], "max_length": 12}
    tokens = dataset.process(step, target="label", name="two tokens")
    gentle = OPTIONS | {"epochs": 1, "learning_rate": 1e-7, "weight_decay": 0.0}
    run: Any = nbtrain.train(f"hub:{name}", tokens, **gentle)
    run.wait()
    assert config_of(run).id2label == {0: "good", 1: "bad"}
    assert not any("new head" in line for line in run.warnings)
    assert run.register("two", promote=False).version.about.labels == ("good", "bad")
    dataset = nbtrain.load_dataset(pd.DataFrame({"text": TEXTS[:24], "label": ["cold", "warm"] * 12}), name="other")
    tokens = dataset.process(step, target="label", name="other tokens")
    other: Any = nbtrain.train(f"hub:{name}", tokens, seed=7, **gentle)
    other.wait()
    assert config_of(other).id2label == {0: "cold", 1: "warm"}
    assert any("good, bad), so it has a new head for cold, warm" in line for line in other.warnings)
    assert not torch.allclose(head_of(other), head_of(run), atol=1e-3)
    for weight, same in zip(run.model.base_model.parameters(), other.model.base_model.parameters(), strict=True):
        assert torch.allclose(weight, same, atol=1e-4)
