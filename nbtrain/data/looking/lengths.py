"""How long texts are in tokens: of all texts where that takes seconds, else of a sample, which says so."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nbtrain.core.errors import ConfigError, Problem
from nbtrain.core.tasks import Progress
from nbtrain.data.columns import Column, quoted
from nbtrain.data.conditions import as_text
from nbtrain.data.looking.facts import Lengths
from nbtrain.data.looking.probes import lengths_of
from nbtrain.data.table import ROW, Table

#: So many characters are tokenized whole; tokenizers take one to five million of them a second.
CHARACTERS = 10_000_000
#: Texts at a time.
_BATCH = 2_048

Counter = Callable[[Sequence[str]], list[int]]


def counter(tokenizer: Any) -> Counter:
    """What counts the tokens of each of several texts.

    Args:
        tokenizer: a `tokenizers.Tokenizer`, a tokenizer of transformers, anything with ``encode_batch`` or ``encode``,
            or a function of a text that gives its tokens.

    Raises:
        ConfigError: it is none of these.
    """
    if hasattr(tokenizer, "encode_batch"):
        return lambda texts: [len(encoding) for encoding in tokenizer.encode_batch(list(texts))]
    if hasattr(tokenizer, "batch_decode") and callable(tokenizer):
        return lambda texts: [len(ids) for ids in tokenizer(list(texts), verbose=False)["input_ids"]]
    encode = getattr(tokenizer, "encode", tokenizer)
    if not callable(encode):
        raise ConfigError([Problem(
            "tokenizer", f"tokenizer is {tokenizer!r:.80}; give a tokenizer with encode, or a function of a text.")])
    return lambda texts: [len(encode(text)) for text in texts]


def token_lengths(
    table: Table, column: Column, tokenizer: Any, characters: Lengths, progress: Progress | None = None,
) -> Lengths | None:
    """How many tokens the texts of a column have.

    Args:
        table: where they are.
        column: a column of texts.
        tokenizer: as `counter` takes it.
        characters: how long the texts are; beyond `CHARACTERS` in all, a share of the rows is drawn by their numbers,
            always the same ones.
        progress: is looked at for being called off.

    Raises:
        ConfigError: `tokenizer` is none.
        DataError: the table cannot be read.
        CancelledError: it was called off.
    """
    count = counter(tokenizer)
    every = math.ceil(characters.mean * characters.cells / CHARACTERS) or 1
    sampled = f" AND hash({ROW}) % {every} = 0" if every > 1 else ""
    cell = as_text(column)
    found: list[int] = []
    for batch in table.stream(
        f"SELECT {cell} AS text FROM ({table.numbered}) WHERE {quoted(column.name)} IS NOT NULL{sampled}",
        size=_BATCH, progress=progress,
    ):
        if progress is not None:
            progress.check()
        found += count(batch.column(0).to_pylist())
    return lengths_of(np.array(found, np.int64), Path(tempfile.gettempdir()), sampled=every > 1)
