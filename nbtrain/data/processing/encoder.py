"""A tokenizer at work: lists of texts become flat arrays of token numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import tokenizers

from nbtrain.data.processing import tokenizer_files

Ids = np.ndarray[Any, np.dtype[np.int32]]


@dataclass(frozen=True, slots=True)
class Encoded:
    """Tokens of all texts, one after the other."""

    ids: Ids
    lengths: Ids
    segments: Ids | None
    """0 for the first text of a pair and 1 for the second; None where there are no pairs."""


class Encoder:
    """A tokenizer with its options, used from any thread.

    Args:
        content: the tokenizer as bytes.
        max_length: tokens, with the special ones.
        special_tokens: whether to put those around the text.
        pair: whether there are two texts each.

    Raises:
        DataError: the tokenizer cannot be read.
    """

    def __init__(self, content: bytes, *, max_length: int, special_tokens: bool, pair: bool) -> None:
        self._special, self._max_length, self._pair = special_tokens, max_length, pair
        self._tokenizer = tokenizer_files.load(content)
        if isinstance(self._tokenizer, tokenizers.Tokenizer):
            around = self._tokenizer.num_special_tokens_to_add(pair) if special_tokens else 0
            self._tokenizer.enable_truncation(max(max_length, around))

    @property
    def size(self) -> int:
        """Entries of the vocabulary, added ones counted."""
        if isinstance(self._tokenizer, tokenizers.Tokenizer):
            return self._tokenizer.get_vocab_size()
        return len(self._tokenizer)

    @property
    def pad(self) -> int:
        """The number of the token that fills up."""
        if not isinstance(self._tokenizer, tokenizers.Tokenizer):
            return self._tokenizer.pad_token_id or 0
        names = ("[PAD]", "<pad>", "<|pad|>", "<|endoftext|>", "</s>")
        found = (self._tokenizer.token_to_id(name) for name in names)
        return next((number for number in found if number is not None), 0)

    def encode(self, *columns: Sequence[str]) -> Encoded:
        """One column of texts, or two whose texts are pairs."""
        if not isinstance(self._tokenizer, tokenizers.Tokenizer):
            return self._slow(*columns)
        texts: Any = list(zip(*columns, strict=True)) if self._pair else columns[0]
        # The fast one leaves out where in the text each token is, which nobody asks for here.
        found = self._tokenizer.encode_batch_fast(texts, add_special_tokens=self._special)
        lengths = np.fromiter(map(len, found), np.int32, len(found))
        total = int(lengths.sum())
        ids = np.fromiter(chain.from_iterable(each.ids for each in found), np.int32, total)
        segments = None
        if self._pair:
            segments = np.fromiter(chain.from_iterable(each.type_ids for each in found), np.int32, total)
        return Encoded(ids, lengths, segments)

    def _slow(self, *columns: Sequence[str]) -> Encoded:
        """With a tokenizer of transformers that is written in Python."""
        found = self._tokenizer(
            *map(list, columns), add_special_tokens=self._special, truncation=True, max_length=self._max_length,
            return_token_type_ids=self._pair, return_attention_mask=False) if len(columns[0]) else {"input_ids": []}
        lengths = np.fromiter(map(len, found["input_ids"]), np.int32, len(found["input_ids"]))
        total = int(lengths.sum())
        ids = np.fromiter(chain.from_iterable(found["input_ids"]), np.int32, total)
        segments = None
        if self._pair:
            segments = np.fromiter(chain.from_iterable(found.get("token_type_ids", ())), np.int32)
        return Encoded(ids, lengths, segments)
