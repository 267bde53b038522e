"""The recipe `causal-lm`: a language model that goes on with texts."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
import pytest
import torch
import transformers

import nbtrain
from nbtrain import ordering
from nbtrain.core.errors import DataError, ModelError
from nbtrain.engine.tasks import IGNORED
from nbtrain.recipes.base import Columns
from nbtrain.recipes.causal_lm import _blocks
from nbtrain.recipes.going_on import Accuracy, Perplexity
from tests.halves import stopped
from tests.test_resuming import in_another_kernel

OPTIONS: dict[str, Any] = {
    "recipe": "causal-lm", "epochs": 3, "batch_size": 4, "learning_rate": 3e-3, "max_length": 32,
    "vocabulary_size": 300, "device": "cpu", "show": False}


@pytest.fixture
def frame() -> pd.DataFrame:
    return pd.DataFrame({"text": [
        f"{who} goes to the {where} and buys {what}, number {number}."
        for who in ("Anna", "Boris", "Clara") for where in ("market", "harbour") for number, what in enumerate(
            ("bread", "fish", "salt", "a rope", "tea"))]})


def prepared(frame: Any, model: Any = "gpt2-tiny", **given: Any) -> Any:
    made = ordering.ordered(model, frame, Columns(), {
        key: value for key, value in OPTIONS.items() if key != "show"} | given)
    assert made is not None
    return made.prepared()


def test_a_model_learns_to_go_on_with_texts(frame):
    run = nbtrain.train("gpt2-tiny", frame, validation=0.2, **OPTIONS)
    assert run.wait() == "finished"
    perplexities = run.history["val_perplexity"].values
    assert perplexities[-1] < perplexities[0] / 2
    assert math.exp(run.history.last("val_loss") or 0) == pytest.approx(perplexities[-1], rel=0.05)
    assert run.history.last("tokens_per_second")
    samples = run.samples()
    assert len(samples) in {2, 4, 6}  # two of each text of the validation part, of at most three
    assert samples[0].title.endswith("(greedy)")
    assert samples[1].title.endswith("(sampled)")
    assert samples[0].content.decode().startswith(samples[0].title.split(" … ")[0])
    made = run.register("stories", weights="last", promote=False)
    model = transformers.AutoModelForCausalLM.from_pretrained(made.version.folder).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(made.version.folder)
    asked = tokenizer("Anna goes", return_tensors="pt")
    assert tokenizer.decode(asked["input_ids"][0]) == "Anna goes"
    with torch.no_grad():
        assert torch.allclose(model(**asked).logits[0], run.predict("Anna goes")[0], atol=1e-4)


def test_samples_change_nothing_and_another_kernel_goes_on_to_the_same_bits(frame):
    whole, plain = (nbtrain.train("gpt2-tiny", frame, sample_every=every, **OPTIONS | {"epochs": 2})
                    for every in (1, 0))
    half = stopped(nbtrain.train, "gpt2-tiny", frame, after=1, sample_every=1, **OPTIONS | {"epochs": 2})
    whole.wait()
    plain.wait()
    found = in_another_kernel("""
        run = nbtrain.resume(run_id, show=False)
        run.wait()
        print(json.dumps({"resumed": run.resumed, "loss": run.history["loss"].values.tolist(),
                          "samples": [sample.content.decode() for sample in run.samples()]}))
    """, run_id=half.id)
    assert found["resumed"] == {"exact": True, "reasons": []}
    assert found["loss"] == whole.history["loss"].values.tolist() == plain.history["loss"].values.tolist()
    assert found["samples"] == [sample.content.decode() for sample in whole.samples()]


@pytest.mark.parametrize("packing", [True, False])
def test_every_next_token_is_learnt_once_with_the_loss_of_transformers(frame, packing):
    made = prepared(frame, packing=packing, max_length=64, validation=0, test=0)
    rows = made.train
    inputs, target = rows.take(torch.arange(len(rows)), None)
    ids, counts = inputs["input_ids"], target != IGNORED
    assert torch.equal(target[:, :-1][counts[:, :-1]], ids[:, 1:][counts[:, :-1]])
    assert not counts[:, -1].any()
    assert int(counts.sum()) == rows.tokens - len(rows)  # all but the first of each row
    if packing:
        assert rows.lengths[:-1].unique().tolist() == [64]
    else:
        assert len(rows) == len(frame)
    labels = torch.full_like(ids, IGNORED)
    labels[:, 1:] = target[:, :-1]
    model = made.model.eval()
    with torch.no_grad():
        output = model(**inputs, labels=labels)
    ours = torch.nn.functional.cross_entropy(output.logits.flatten(0, 1), target.flatten(), ignore_index=IGNORED)
    assert torch.allclose(output.loss, ours)


def test_figures_are_of_all_tokens_that_count():
    output, target = torch.randn(2, 5, 7), torch.randint(7, (2, 5))
    target[1, 3:] = IGNORED
    perplexity, accuracy = Perplexity(), Accuracy()
    for row in range(2):  # rows of different lengths, in batches of their own
        perplexity.update(output[row:row + 1], target[row:row + 1])
        accuracy.update(output[row:row + 1], target[row:row + 1])
    counts = target != IGNORED
    likely = output.log_softmax(-1).gather(-1, target.clamp(min=0)[..., None])[..., 0][counts]
    assert perplexity.compute() == pytest.approx(math.exp(-likely.mean()))
    assert accuracy.compute() == pytest.approx(float((output.argmax(-1) == target)[counts].float().mean()))
    perplexity.reset()
    accuracy.reset()
    assert (perplexity.compute(), accuracy.compute()) == (1.0, 0.0)


def test_adapters_alone_learn():
    pytest.importorskip("peft")
    config = transformers.LlamaConfig(
        hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2, num_key_value_heads=2,
        vocab_size=300, max_position_embeddings=32)
    model = transformers.LlamaForCausalLM(config)
    frame = pd.DataFrame({"text": [f"number {number} goes on and on" for number in range(40)]})
    made = prepared(frame, model, lora_rank=2, validation=0, test=0)
    learning = [name for name, parameter in made.model.named_parameters() if parameter.requires_grad]
    assert learning
    assert all("lora_" in name for name in learning)


def test_blocks_are_full_and_none_is_of_a_single_token():
    assert _blocks(10, 4).tolist() == [4, 4, 2]
    assert _blocks(9, 4).tolist() == [4, 3, 2]
    assert _blocks(8, 4).tolist() == [4, 4]
    assert _blocks(3, 4).tolist() == [3]


def test_a_model_that_reads_in_both_directions_is_refused(frame):
    with pytest.raises(ModelError, match="bert-tiny reads a text in both directions"):
        prepared(frame, "bert-tiny")
    config = transformers.BertConfig(
        hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16, vocab_size=300)
    with pytest.raises(ModelError, match="BertForMaskedLM reads a text in both directions"):
        prepared(frame, transformers.BertForMaskedLM(config))


def test_what_cannot_be_learnt_or_is_cut_is_said(frame):
    with pytest.raises(DataError, match="holds no text in any row"):
        prepared(frame.assign(text=" "), validation=0, test=0)
    frame.loc[[2], "text"] = ""
    notes = prepared(frame, packing=False, max_length=8, validation=0, test=0).notes
    assert notes[0] == "Column 'text' is empty in row 2, not learnt from."
    assert "longer than max_length=8 tokens and are cut; with packing=True nothing is" in notes[-1]


def test_it_is_chosen_for_models_that_go_on_with_texts(frame):
    run = nbtrain.train("gpt2-tiny", frame, **{key: value for key, value in OPTIONS.items() if key != "recipe"} | {
        "epochs": 1})
    run.wait()
    assert run.config["recipe"] == "causal-lm"
