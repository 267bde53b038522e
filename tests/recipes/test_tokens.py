"""Rows of tokens: padded to their longest, labelled by row or by token; tokenizers; spans; layers that learn slower."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch
import transformers

from nbtrain.core.errors import ConfigError, ModelError
from nbtrain.engine.rows import Rows, RowSource
from nbtrain.engine.tasks import IGNORED
from nbtrain.recipes import layers
from nbtrain.recipes.spans import Scheme, SpanF1, spans
from nbtrain.recipes.tokens import TokenRows
from nbtrain.recipes.vocabulary import Vocabulary

TEXTS = ["Anna met Boris in Bonn", "so, so good!", "نمونهٔ فارسی", "очень хорошо"] * 5


def ragged(lengths, **given):
    ids = np.arange(1, sum(lengths) + 1, dtype=np.int32)
    return TokenRows(ids, np.array(lengths, np.int64), pad=0, **given)


def test_a_batch_is_padded_to_its_own_longest():
    rows = ragged([2, 4, 1], labels=np.array([0, 1, 1]))
    assert isinstance(rows, Rows)
    inputs, target = rows.take(torch.tensor([2, 0]), None)
    assert inputs["input_ids"].tolist() == [[7, 0], [1, 2]]
    assert inputs["attention_mask"].tolist() == [[1, 0], [1, 1]]
    assert target is not None
    assert target.tolist() == [1, 0]
    whole, _ = rows.take(torch.arange(3), None)
    assert whole["input_ids"].tolist() == [[1, 2, 0, 0], [3, 4, 5, 6], [7, 0, 0, 0]]


def test_tokens_have_labels_of_their_own_and_padding_counts_for_nothing():
    rows = ragged([2, 3], each=np.array([5, IGNORED, 6, 7, IGNORED]), mask="padded")
    inputs, target = rows.take(torch.tensor([0, 1]), None)
    assert target is not None
    assert target.tolist() == [[5, IGNORED, IGNORED], [6, 7, IGNORED]]
    assert "attention_mask" in inputs
    assert "attention_mask" not in rows.take(torch.tensor([1]), None)[0]
    assert rows.targets is None


def test_rows_of_like_lengths_come_together_and_none_is_lost():
    random.seed(0)
    lengths = [random.randint(1, 60) for _ in range(500)]  # noqa: S311 - no secret
    def padding(bucketed):
        source = RowSource(ragged(lengths, bucketed=bucketed), batch_size=16, seed=0, train=True,
                           device=torch.device("cpu"))
        batches = list(source.epoch(0))
        seen = torch.cat([batch.inputs["input_ids"].flatten() for batch in batches])
        assert sorted(seen[seen > 0].tolist()) == list(range(1, sum(lengths) + 1))
        assert sum(batch.tokens for batch in batches) == sum(lengths)  # by which tokens a second are counted
        return sum(batch.inputs["input_ids"].numel() for batch in batches) / sum(lengths)
    assert padding(bucketed=True) < 1.1
    assert padding(bucketed=False) > 1.5


def test_another_token_or_label_is_another_fingerprint():
    one = ragged([2, 3], labels=np.array([0, 1])).fingerprint()
    assert one == ragged([2, 3], labels=np.array([0, 1])).fingerprint()
    assert len({one, ragged([2, 3], labels=np.array([1, 0])).fingerprint(), ragged([3, 2]).fingerprint()}) == 3


def test_a_tokenizer_learns_the_same_from_the_same_texts_and_comes_back_from_its_content():
    one, other = Vocabulary.learn(TEXTS, 400), Vocabulary.learn(list(TEXTS), 400)
    assert one.content == other.content
    again = Vocabulary.of_json(one.content)
    assert again.encode(TEXTS, max_length=None).ids.tolist() == one.encode(TEXTS, max_length=None).ids.tolist()
    assert [one.decode(one.tokenizer(text)["input_ids"]).strip() for text in TEXTS[:4]] == TEXTS[:4]


def test_texts_are_cut_at_the_end_with_their_special_tokens_kept():
    vocabulary = Vocabulary.learn(TEXTS, 300)
    encoded = vocabulary.encode(["so", "so so so so so so", ""], max_length=5)
    assert (encoded.cut, encoded.lengths.max()) == (1, 5)
    assert encoded.ids[encoded.lengths.cumsum() - 1].tolist() == [vocabulary.end] * 3
    assert vocabulary.encode([""], max_length=5, special=False).ids.tolist() == [vocabulary.end]


@pytest.mark.parametrize("learned", [True, False])
def test_pieces_know_their_words_as_transformers_tells_them(learned, tmp_path):
    if learned:
        vocabulary = Vocabulary.learn(TEXTS, 280)
    else:  # a tokenizer that is written in Python
        words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "anna", "met", "bo", "##ris", "in", "bonn"]
        (tmp_path / "vocab.txt").write_text("\n".join(words), encoding="utf-8")
        vocabulary = Vocabulary(transformers.BertTokenizer(str(tmp_path / "vocab.txt")), learned=False)
    given = [["Anna", "met", "Boris"], ["in", "Bonn"]]
    encoded = vocabulary.encode(given, max_length=64, words=True)
    assert encoded.words is not None
    tokenizer = vocabulary.tokenizer
    expected = tokenizer(given, is_split_into_words=True)
    assert encoded.ids.tolist() == [number for row in expected["input_ids"] for number in row]
    if learned:
        told = [-1 if word is None else word for row in range(2) for word in expected.word_ids(row)]
        assert encoded.words.tolist() == told


@pytest.mark.parametrize(("tags", "found"), [
    ("O B-X I-X O B-X", [("X", 1, 2), ("X", 4, 4)]),
    ("B-X B-X I-Y I-Y B-Y", [("X", 0, 0), ("X", 1, 1), ("Y", 2, 3), ("Y", 4, 4)]),
    ("I-X I-X O I-Y", [("X", 0, 1), ("Y", 3, 3)]),
    ("NOUN NOUN O VERB", [("NOUN", 0, 1), ("VERB", 3, 3)]),
    ("O O", []),
    ("I-X I-X B-X I-X O", [("X", 0, 1), ("X", 2, 3)]),  # IOB1: B- only where one follows another of its kind
    ("B-X I-X E-X S-X O S-Y", [("X", 0, 2), ("X", 3, 3), ("Y", 5, 5)]),  # BIOES
    ("B-X E-X E-X I-X S-X I-X", [("X", 0, 1), ("X", 2, 2), ("X", 3, 3), ("X", 4, 4), ("X", 5, 5)]),
    ("E-X O I-X E-Y B-Y O", [("X", 0, 0), ("X", 2, 2), ("Y", 3, 3), ("Y", 4, 4)]),
    ("B-X I-X L-X U-X", [("X", 0, 2), ("X", 3, 3)]),  # BILOU
    ("B-X M-X E-X S-X", [("X", 0, 2), ("X", 3, 3)]),  # BMES
    ("B I O B", [("_", 0, 1), ("_", 3, 3)]),  # places without kinds
    ("B-per-son I-per-son", [("per-son", 0, 1)]),
])
def test_spans_are_those_of_conlleval(tags, found):
    assert list(spans(tags.split())) == found


def test_the_f1_of_spans_of_one_word_and_more_is_that_of_seqeval():
    """Of its documentation: one of two spans found; and by hand, with BIOES."""
    tags = ["O", "B-MISC", "I-MISC", "B-PER", "I-PER"]
    truth = ["O O O B-MISC I-MISC I-MISC O", "B-PER I-PER O O O O O"]
    guess = ["O O B-MISC I-MISC I-MISC I-MISC O", "B-PER I-PER O O O O O"]
    assert f1_of(tags, truth, guess) == pytest.approx(0.5)
    tags = ["O", "B-X", "I-X", "E-X", "S-X", "S-Y"]
    truth = ["B-X E-X S-X S-Y O", "S-X O B-X I-X E-X"]  # five spans
    guess = ["B-X E-X S-X S-X O", "S-X S-Y B-X E-X E-X"]  # seven, of which three are there
    assert f1_of(tags, truth, guess) == pytest.approx(2 * 3 / (5 + 7))


def f1_of(tags, truth, guess):
    numbers = [torch.tensor([[tags.index(tag) for tag in row.split()] for row in rows]) for rows in (truth, guess)]
    metric = SpanF1(tags)
    metric.update(torch.nn.functional.one_hot(numbers[1], len(tags)).float(), numbers[0])
    return metric.compute()


def test_the_f1_of_spans_is_counted_over_all_batches_and_never_across_texts():
    tags = ["O", "B-X", "I-X", "B-Y", "I-Y"]
    metric, right, there, guessed = SpanF1(tags), 0, 0, 0
    draw = np.random.default_rng(0)
    for _ in range(5):
        truth, guess = draw.integers(0, 5, (4, 9)), draw.integers(0, 5, (4, 9))
        guess = np.where(draw.random((4, 9)) < 0.8, truth, guess)
        counts = draw.random((4, 9)) < 0.8
        metric.update(torch.nn.functional.one_hot(torch.from_numpy(guess), 5).float(),
                      torch.from_numpy(np.where(counts, truth, IGNORED)))
        for row in range(4):
            one = set(spans([tags[number] for number in truth[row][counts[row]]]))
            other = set(spans([tags[number] for number in guess[row][counts[row]]]))
            right, there, guessed = right + len(one & other), there + len(one), guessed + len(other)
    assert 0.2 < metric.compute() < 0.9
    assert metric.compute() == pytest.approx(2 * right / (there + guessed))
    assert not Scheme(["NOUN", "VERB"]).placed
    assert not Scheme(["E", "I", "NOUN", "O", "S"]).placed


def bert(depth=3):
    return transformers.BertForSequenceClassification(transformers.BertConfig(
        hidden_size=8, num_hidden_layers=depth, num_attention_heads=2, intermediate_size=8, vocab_size=20))


def test_the_embeddings_and_the_first_blocks_are_frozen():
    model = bert()
    model.bert.encoder.layer[0].output.dense.bias.requires_grad = False
    frozen = layers.frozen(model, 2) | {"bert.encoder.layer.0.output.dense.bias"}
    assert frozen != layers.frozen(model, 2)  # what its owner froze is not ours
    assert {name for name, _ in model.named_parameters() if name.startswith((
        "bert.embeddings", "bert.encoder.layer.0.", "bert.encoder.layer.1."))} == frozen
    with pytest.raises(ConfigError, match="has 3 layers; use at most 3"):
        layers.frozen(model, 4)
    with pytest.raises(ModelError, match="frozen_layers needs a model made of layers"):
        layers.frozen(torch.nn.Linear(2, 2), 1)


def test_each_block_learns_slower_than_the_one_above():
    rate = layers.rates(bert(), 0.5)
    assert rate is not None
    names = ["classifier.weight", "bert.pooler.dense.weight", "bert.encoder.layer.2.output.dense.weight",
             "bert.encoder.layer.0.output.dense.weight", "bert.embeddings.word_embeddings.weight"]
    assert [rate(name) for name in names] == [1.0, 1.0, 0.5, 0.125, 0.0625]
    gpt = transformers.GPT2LMHeadModel(transformers.GPT2Config(n_embd=8, n_layer=2, n_head=2, vocab_size=20))
    of_gpt = layers.rates(gpt, 0.5)
    assert of_gpt is not None
    assert [of_gpt(f"transformer.{name}.weight") for name in ("wte", "h.0.ln_1", "h.1.ln_1", "ln_f")] == [
        0.125, 0.25, 0.5, 1.0]
    assert layers.rates(gpt, 1.0) is None
