from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pytest
import tokenizers
import transformers
from hypothesis import given
from hypothesis import strategies as st

from nbtrain.core.errors import ConfigError, DataError
from nbtrain.data.processing import Recipe, Step, Tokenize, tokenizer_files

LINES = ["the cat sat on the mat", "the dog sat", "سلام دنیا", "a cat and a dog 😀", "", "mat"] * 20
TEXTS = st.lists(st.text(max_size=30), min_size=1, max_size=8)


def batch(*columns):
    return pa.RecordBatch.from_pydict({f"t{i}": pa.array(each, pa.string()) for i, each in enumerate(columns)})


@pytest.fixture(scope="module", params=["bpe", "wordpiece", "unigram"])
def trained(request):
    return Tokenize(columns="t0", algorithm=request.param, vocabulary=300, max_length=12).fit([batch(LINES)])


def library(step, *, pair=False):
    """What the tokenizers library itself would do, without our code between."""
    [content] = step.files().values()
    found = tokenizers.Tokenizer.from_str(content.decode())
    found.enable_truncation(step.max_length)
    return found


@given(texts=TEXTS)
def test_tokens_are_those_of_the_library(trained, texts):
    found = trained.apply(batch(texts))
    expected = [each.ids for each in library(trained).encode_batch(texts)]
    assert found.column("input_ids").to_pylist() == expected
    assert found.column("length").to_pylist() == [len(each) for each in expected]
    assert found.column("input_ids").type == pa.list_(pa.int32())


@given(texts=TEXTS)
def test_bytes_leave_nothing_unknown(texts):
    step = Tokenize(columns="t0", vocabulary=300, special_tokens=False, max_length=1000).fit([batch(LINES)])
    encoder = library(step)
    normal = encoder.normalizer.normalize_str
    ids = step.apply(batch(texts)).column("input_ids").to_pylist()
    assert [encoder.decode(each) for each in ids] == [normal(text) for text in texts]


def test_a_missing_text_is_an_empty_one_and_an_empty_batch_has_its_columns(trained):
    found = trained.apply(batch([None, ""]))
    assert found.column("input_ids").to_pylist() == [[2, 3], [2, 3]]
    assert trained.apply(batch([])).schema == found.schema


def test_pairs(trained):
    step = Tokenize(columns=["t0", "t1"], tokenizer=library(trained), max_length=9).fit([])
    pairs = [("the cat sat", "mat"), ("", "the dog"), ("a " * 30, "b " * 30)]
    found = step.apply(batch(*map(list, zip(*pairs, strict=True))))
    expected = library(step).encode_batch(pairs)
    assert found.column("input_ids").to_pylist() == [each.ids for each in expected]
    assert found.column("token_type_ids").to_pylist() == [each.type_ids for each in expected]
    assert max(found.column("length").to_pylist()) == 9


def test_padding_to_the_full_length():
    step = Tokenize(columns="t0", vocabulary=300, max_length=6, padding="max_length", prefix="x_", keep=True)
    found = step.fit([batch(LINES)]).apply(batch(["mat", "the cat sat on the mat"]))
    assert found.schema.names == ["t0", "x_input_ids", "x_attention_mask", "x_length"]
    ids, mask = (np.array(found.column(name).to_pylist()) for name in ("x_input_ids", "x_attention_mask"))
    assert ids.shape == mask.shape == (2, 6)
    assert mask.sum(axis=1).tolist() == found.column("x_length").to_pylist() == [3, 6]
    assert (ids[mask == 0] == 0).all()


def test_a_tokenizer_of_transformers_a_folder_and_a_file(trained, tmp_path):
    fast = transformers.PreTrainedTokenizerFast(tokenizer_object=library(trained))
    fast.save_pretrained(tmp_path)
    given = batch(["the cat", "x"])
    expected = trained.apply(given).column("input_ids")
    for source in (fast, str(tmp_path), str(tmp_path / "tokenizer.json"), library(trained)):
        step = Tokenize(columns="t0", tokenizer=source, max_length=12).fit([])
        assert step.apply(given).column("input_ids") == expected
        assert step.algorithm == "pretrained"


class Slow:
    """As a tokenizer of transformers that is written in Python: callable, and kept as a folder."""

    pad_token_id = 0

    def __init__(self, words):
        self.words = words

    def __call__(self, texts, **options):
        ids = [[self.words.setdefault(word, 0) for word in text.split()][: options["max_length"]] for text in texts]
        return {"input_ids": ids}

    def __len__(self):
        return len(self.words)

    def save_pretrained(self, folder):
        with open(f"{folder}/words.json", "w", encoding="utf-8") as file:  # noqa: PTH123 - as they do
            json.dump(self.words, file)

    @classmethod
    def from_pretrained(cls, folder):
        with open(f"{folder}/words.json", encoding="utf-8") as file:  # noqa: PTH123 - as they do
            return cls(json.load(file))


def test_a_tokenizer_written_in_python_is_kept_as_an_archive(monkeypatch, tmp_path):
    monkeypatch.setattr("transformers.AutoTokenizer", Slow)  # of the module as it is now: it puts another in its place
    recipe = Recipe([Tokenize(columns="t0", tokenizer=Slow({"a": 1, "b": 2}), max_length=2)]).fit(batch(["a"]))
    recipe.save(tmp_path)
    assert [path.suffix for path in tmp_path.glob("tokenizer-*")] == [".zip"]
    found = Recipe.load(tmp_path).apply(batch(["a b a", "c", ""]))
    assert found["input_ids"].to_pylist() == [[1, 2], [0], []]


def test_the_tokenizer_is_kept_with_the_recipe(trained, tmp_path):
    recipe = Recipe([trained.unfitted()]).fit(batch(LINES))
    recipe.save(tmp_path)
    again = Recipe.load(tmp_path)
    assert again == recipe
    assert again.apply(batch(LINES)) == recipe.apply(batch(LINES))
    [file] = tmp_path.glob("tokenizer-*")
    assert file.read_bytes() not in json.dumps(recipe.to_json()).encode()
    file.write_bytes(file.read_bytes().replace(b"[PAD]", b"[Pad]"))
    with pytest.raises(ConfigError, match="was altered; fit the recipe anew"):
        Recipe.load(tmp_path)
    file.unlink()
    with pytest.raises(DataError, match="is not at hand; load the recipe from its folder"):
        Recipe.load(tmp_path).apply(batch(LINES))


def test_each_step_cuts_at_its_own_length(trained):
    """Two steps on one tokenizer must not change it for each other."""
    short, long = (
        Step.from_json({**trained.to_json(), "max_length": length}, trained.files()) for length in (3, 9))
    given = batch(["the cat sat on the mat"])
    lengths = [step.apply(given).column("length").to_pylist()[0] for step in (short, long, short)]
    assert lengths == [3, lengths[1], 3]
    assert lengths[1] > 3


def test_bpe_learns_the_same_again():
    step = Tokenize(columns="t0", vocabulary=300)
    assert step.fit([batch(LINES)]).files() == step.fit([batch(LINES)]).files()


@pytest.mark.parametrize(("options", "message"), [
    ({"algorithm": "pretrained"}, "tokenizer is empty"),
    ({"columns": ["a", "b", "c"]}, "takes one text, or a pair"),
    ({"max_length": 0}, "max_length is 0; it must be at least 1"),
])
def test_wrong_options(options, message):
    with pytest.raises(ConfigError, match=message):
        Tokenize(**options)


def test_the_column_must_be_clear():
    schema = batch(["a"], ["b"]).schema
    with pytest.raises(DataError, match="finds the columns of text 't0', 't1'; name the one"):
        Tokenize().settled(schema)
    assert Tokenize().settled(schema, target=["t1"]).columns == ("t0",)


def test_what_is_no_tokenizer_is_refused(tmp_path, monkeypatch):
    with pytest.raises(DataError, match="The tokenizer is int; give a name"):
        Tokenize(columns="t0", tokenizer=5)
    (tmp_path / "tokenizer.json").write_text("{}", encoding="utf-8")
    with pytest.raises(DataError, match="The tokenizer cannot be read"):
        Tokenize(columns="t0", tokenizer=str(tmp_path)).fit([])
    with pytest.raises(DataError, match="no such folder, and no such repository"):
        Tokenize(columns="t0", tokenizer="../../x y").fit([])


def test_without_the_hub_the_cache_is_asked(monkeypatch):
    from huggingface_hub import constants  # noqa: PLC0415 - read when it is called

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(DataError, match="'some/tokenizer' is not in the cache of the Hugging Face Hub"):
        tokenizer_files.of_name("some/tokenizer")
