"""Lengths in tokens, of every sort of tokenizer."""

from typing import Any

import pyarrow as pa
import pytest
import transformers
from tokenizers import Tokenizer, models, pre_tokenizers

from nbtrain.core.errors import CancelledError
from nbtrain.core.tasks import Progress
from nbtrain.data.looking import lengths
from nbtrain.data.looking.lengths import counter, token_lengths
from tests.data import tables as some
from tests.data.tables import profile

TEXTS = ["one two", "one", "", "one two three four", None, "سلام دنیا"]


def words():
    tokenizer = Tokenizer(models.WordLevel({"[UNK]": 0, "one": 1, "two": 2}, unk_token="[UNK]"))  # noqa: S106
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return tokenizer


def of_transformers():
    return transformers.PreTrainedTokenizerFast(tokenizer_object=words())


class Encoder:
    """As those of sentencepiece: texts one by one."""

    def encode(self, text):
        return text.split()


@pytest.mark.parametrize("make", [words, of_transformers, Encoder, lambda: str.split])
def test_every_sort_of_tokenizer_counts_alike(tmp_path, make):
    table = some.parquet(tmp_path, pa.table({"t": TEXTS, "n": range(6)}))
    found = profile(table, tokenizer=make()).columns
    tokens = found["t"].tokens
    assert (tokens.minimum, tokens.maximum, tokens.mean, tokens.cells) == (0, 4, 9 / 5, 5)
    assert (tokens.histogram.edges, tokens.histogram.counts) == ((0, 1, 2, 3, 4, 5), (1, 1, 2, 0, 1))
    assert not tokens.sampled
    assert found["n"].tokens is None


def test_of_many_texts_a_sample_is_drawn_and_said_to_be_one(tmp_path, monkeypatch):
    table = some.parquet(tmp_path, pa.table({"t": ["a b"] * 3000 + ["a"] * 1000}))
    column = profile(table).columns["t"]
    monkeypatch.setattr(lengths, "CHARACTERS", 2_000)
    tokens: Any = token_lengths(table, table.column("t"), str.split, column.characters)
    assert tokens.sampled
    assert 500 < tokens.cells < 1000
    assert tokens.mean == pytest.approx(1.75, abs=0.1)
    assert tokens == token_lengths(table, table.column("t"), str.split, column.characters)


def test_counting_can_be_called_off(tmp_path, monkeypatch):
    table = some.parquet(tmp_path, pa.table({"t": ["a b"] * 10_000}))
    characters, progress = profile(table).columns["t"].characters, Progress()

    def count(text):
        progress.cancel()
        return text.split()

    token_lengths(table, table.column("t"), str.split, characters)
    monkeypatch.setattr(lengths, "_BATCH", 4)
    with pytest.raises(CancelledError):
        token_lengths(table, table.column("t"), count, characters, progress)


def test_what_has_batches_is_asked_in_batches():
    assert counter(words())(["one two", "x"]) == [2, 1]
    assert counter(of_transformers())(["one two", "x"]) == [2, 1]
