"""Text as numbers of tokens."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, ClassVar, Literal, Self

import numpy as np
import pyarrow as pa
from pydantic import PrivateAttr, model_validator

from nbtrain.core.errors import ConfigError, DataError, Problem
from nbtrain.data.columns import Kind
from nbtrain.data.processing import tokenizer_files
from nbtrain.data.processing.arrow import TEXTS, dropped, extended, texts
from nbtrain.data.processing.encoder import Encoder
from nbtrain.data.processing.step import Group, Step, option

IDS, LENGTH, MASK, SEGMENTS = "input_ids", "length", "attention_mask", "token_type_ids"


class Tokenize(Step):
    """One text, or a pair of texts, as the column ``input_ids``: a list of int32, with its ``length`` beside.

    The tokenizer is a name on the Hugging Face Hub or in its cache, a folder, a tokenizer of transformers, a
    `tokenizers.Tokenizer`, or one that learns from the training rows. It is kept with the recipe, whole. A missing text
    is encoded as an empty one.

    With `padding` to `max_length` the lists are all of that length, and ``attention_mask`` is 1 where a token is. A
    pair has ``token_type_ids`` too: 0 for the first text, 1 for the second.
    """

    name: ClassVar[str] = "tokenize"
    group: ClassVar[Group] = "tokens"
    kinds: ClassVar[frozenset[Kind]] = TEXTS
    learns: ClassVar[bool] = True
    algorithm: Literal["pretrained", "bpe", "wordpiece", "unigram"] = option("bpe")
    tokenizer: str = option("", longest=1000, needs={"algorithm": ["pretrained"]})
    """Name or folder."""
    vocabulary: int = option(8000, ge=100, le=1_000_000, needs={"algorithm": ["bpe", "wordpiece", "unigram"]})
    """The most entries a tokenizer may learn."""
    max_length: int = option(256, ge=1, le=1_000_000)
    """Tokens, the special ones counted; longer texts are cut at the end, pairs at the longer text."""
    special_tokens: bool = option(True)
    """Put those around the text that the tokenizer has for it, such as [CLS] and [SEP]."""
    padding: Literal["none", "max_length"] = option("none", advanced=True)
    prefix: str = option("", longest=100, advanced=True)
    """Put before the names of the new columns."""
    keep: bool = option(False, advanced=True)
    """Keep the text too."""

    _content: bytes | None = PrivateAttr(None)
    _encoder: Encoder | None = PrivateAttr(None)

    def __init__(self, **options: Any) -> None:
        given = options.get("tokenizer", "")
        content = None if isinstance(given, str) else tokenizer_files.of_object(given)
        if content is not None:
            options["tokenizer"] = tokenizer_files.name_of(content)
        if given != "":
            options.setdefault("algorithm", "pretrained")
        super().__init__(**options)
        self._content = content

    @model_validator(mode="after")
    def _has_a_tokenizer(self) -> Self:
        if self.algorithm == "pretrained" and not self.tokenizer:
            raise ConfigError([Problem(
                "tokenizer", "Step tokenize: tokenizer is empty; give a name on the Hugging Face Hub, or a folder.")])
        if len(self.columns) > 2:
            raise ConfigError([Problem(
                "columns", f"Step tokenize: columns are {', '.join(self.columns)}; it takes one text, or a pair.")])
        return self

    def settled(self, schema: pa.Schema, *, target: Collection[str] = ()) -> Self:
        found = super().settled(schema, target=target)
        if not 1 <= len(found.columns) <= 2 or (not self.columns and len(found.columns) == 2):
            raise DataError(
                f"Step tokenize finds the columns of text {', '.join(map(repr, found.columns))}; name the one to be "
                "encoded, or two that are a pair.")
        return found

    def fit(self, batches: Iterable[pa.RecordBatch]) -> Self:
        content = self._content
        if self.algorithm == "pretrained":
            content = content or tokenizer_files.of_name(self.tokenizer)
        else:
            content = tokenizer_files.train(self._texts(batches), self.algorithm, self.vocabulary)
        return self._holding(content, {"file": tokenizer_files.name_of(content)})

    def apply(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        names = self.chosen(batch.schema)
        found = self.encoder.encode(*(_cells(batch.column(name)) for name in names))
        values = {IDS: found.ids} | ({} if found.segments is None else {SEGMENTS: found.segments})
        if self.padding == "none":
            offsets = pa.array(np.concatenate([[0], np.cumsum(found.lengths)]), pa.int32())
            made = {name: pa.ListArray.from_arrays(offsets, pa.array(each)) for name, each in values.items()}
        else:
            filled = np.arange(self.max_length) < found.lengths[:, None]
            values[MASK] = np.ones(len(found.ids), np.int32)
            made = {}
            for name, each in values.items():
                grid = np.full(filled.shape, self.encoder.pad if name == IDS else 0, np.int32)
                grid[filled] = each
                made[name] = pa.FixedSizeListArray.from_arrays(pa.array(grid.reshape(-1)), self.max_length)
        made[LENGTH] = pa.array(found.lengths)
        kept = batch if self.keep else dropped(batch, set(names))
        return extended(kept, {self.prefix + name: column for name, column in made.items()})

    @property
    def encoder(self) -> Encoder:
        """The tokenizer at work. Raises DataError when the step is not fitted, or its file is not at hand."""
        self.learned()
        if self._encoder is None:
            if self._content is None:
                raise DataError(f"The file {self.learned()['file']} of step tokenize is not at hand; load the recipe "
                                "from its folder.")
            self._encoder = Encoder(
                self._content, max_length=self.max_length, special_tokens=self.special_tokens,
                pair=len(self.columns) == 2)
        return self._encoder

    def unfitted(self) -> Self:
        return self._holding(self._content if self.algorithm == "pretrained" else None, None)

    def files(self) -> dict[str, bytes]:
        return {} if self._content is None or self.state is None else {self.state["file"]: self._content}

    def with_files(self, files: Mapping[str, bytes]) -> Self:
        if self.state is None:
            return self
        name = self.state.get("file")
        content = files.get(str(name))
        if content is None:
            return self
        if tokenizer_files.name_of(content) != name:
            raise ConfigError([
                Problem("tokenizer", f"The file {name} of step tokenize was altered; fit the recipe anew.")])
        return self._holding(content, self.state)

    def _holding(self, content: bytes | None, state: dict[str, Any] | None) -> Self:
        found = self.model_copy(update={"state": state})
        found._content, found._encoder = content, None  # noqa: SLF001 - a copy of its own
        return found

    def _texts(self, batches: Iterable[pa.RecordBatch]) -> Iterator[str]:
        for batch in batches:
            for name in self.columns:
                yield from _cells(batch.column(name))


def _cells(column: pa.Array) -> list[str]:
    found: list[str] = texts(column).fill_null("").to_pylist()
    return found
