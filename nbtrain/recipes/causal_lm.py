"""Texts, learnt by a language model that goes on with them.

    nbtrain.train("gpt2-tiny", "stories.txt", recipe="causal-lm")

The loss is that of transformers: −log p of each next token, the mean over the tokens of a batch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from inspect import signature
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from nbtrain.core.errors import DataError
from nbtrain.data.columns import Kind
from nbtrain.data.splits.spec import SplitSpec
from nbtrain.engine.tasks import IGNORED
from nbtrain.recipes import language_models, layers
from nbtrain.recipes.base import Columns, Order, Prepared
from nbtrain.recipes.going_on import GIVEN, PROMPTS, Accuracy, Perplexity, Samples, check_causal
from nbtrain.recipes.judging.showing import Cells, Places
from nbtrain.recipes.judging.texts import Foreseen
from nbtrain.recipes.judging.verdict import Judge
from nbtrain.recipes.readying import ready
from nbtrain.recipes.telling import rows as rows_named
from nbtrain.recipes.texts import is_empty, read, text_column
from nbtrain.recipes.tokens import TokenRows
from nbtrain.recipes.vocabulary import Encoded, Vocabulary

if TYPE_CHECKING:
    from torch import nn

    from nbtrain.config import TrainConfig
    from nbtrain.data.table import Table

_AUTO = "AutoModelForCausalLM"


class CausalLM:
    """The next token, again and again."""

    name: ClassVar[str] = "causal-lm"

    def suits(self, model: str | nn.Module | None, table: Table, columns: Columns) -> bool:
        """Where a model that goes on with texts meets texts, and no target is named."""
        kind = language_models.kind_of(model)
        return (
            columns.target is None and (kind == "gpt2" or kind.endswith(("ForCausalLM", "LMHeadModel")))
            and language_models.is_one(model) and any(column.kind is Kind.TEXT for column in table.columns))

    def split(self, table: Table, columns: Columns, config: TrainConfig) -> SplitSpec:
        """By chance; texts that are alike come into one part."""
        del table, columns
        held = config["validation"], config["test"]
        return SplitSpec(
            method="random", train=1 - sum(held), validation=held[0], test=held[1], seed=config["seed"])

    def prepare(self, order: Order, fitted: Mapping[str, Any] | None = None) -> Prepared:
        """Raises as `Recipe.prepare`."""
        parts, config = order.parts, order.config
        text = text_column(parts.whole, order.columns)
        texts, notes = _learnt_from(parts.train, text)
        order = replace(order, columns=replace(order.columns, target=None, text=text, features=(text,)))
        with language_models.found(order, "gpt2-tiny") as source:
            vocabulary = language_models.vocabulary_of(source, order, fitted, texts, for_generating=True)
            built = language_models.build(source, _AUTO, vocabulary, None, order)
            changed, advice = language_models.suited(source, order, fitted)
            notes += [*built.notes, *advice]
        module = built.module
        check_causal(module, source.name, vocabulary.largest)
        quiet = {"use_cache": False} if "use_cache" in signature(module.forward).parameters else {}
        train, cut = _rows(vocabulary, texts, order, config["max_length"], quiet)
        if cut:
            notes.append(
                f"{cut:,} of {len(texts):,} texts are longer than max_length={config['max_length']} tokens and are "
                "cut; with packing=True nothing is.")
        known = {
            "generates": True, "extra": quiet, **ready(source, built, vocabulary, order, train.longest, head=False)}
        held = [None if part is None else _rows(
            vocabulary, _texts(part, text), order, known["max_length"], quiet)[0]
            for part in (parts.validation, parts.test)]
        shown = _texts(parts.validation, text) if parts.validation is not None else texts
        return Prepared(
            model=module, name=source.name, train=train, validation=held[0], test=held[1], columns=order.columns,
            fitted=known, model_origin=built.origin, loss=order.loss,
            metrics=[Perplexity(), Accuracy()] if order.metrics is None else order.metrics,
            rates=layers.rates(module, config["layer_decay"]),
            frozen=layers.frozen(module, config["frozen_layers"]),
            samples=_samples(module, vocabulary, shown, known["max_length"], config["seed"]), config=changed,
            notes=notes)

    def rows(self, order: Order, fitted: Mapping[str, Any], table: Table, *, labelled: bool) -> TokenRows:
        """Rows to evaluate are packed as those of the run were; to predict, each is a text by itself.

        Raises as `Recipe.rows`.
        """
        text = order.columns.text
        assert text is not None  # noqa: S101 - `prepare` found it out
        vocabulary = language_models.trained_with(order, fitted)
        texts = [cell or "" for cell in read(table, [text]).cells[text]]
        if labelled:
            texts = [each for each in texts if not is_empty(each)]
            return _rows(vocabulary, texts, order, fitted["max_length"], fitted["extra"])[0]
        encoded = vocabulary.encode(texts, max_length=fitted["max_length"] - 1, special=False)
        return TokenRows(encoded.ids, encoded.lengths, pad=vocabulary.pad, mask="padded", extra=fitted["extra"])

    def decode(self, order: Order, fitted: Mapping[str, Any], outputs: Any) -> Any:
        """The logits of the next token at each place, as the model gives them; `run.model.generate` goes on."""
        del order, fitted
        return outputs

    def judge(self, order: Order, fitted: Mapping[str, Any], rows: TokenRows, table: Table | None) -> Judge:
        """As `Judges.judge`: of texts, however many of them are in a row."""
        text = order.columns.text
        if table is None or text is None:
            return Foreseen(rows.sizes, rows.sizes, Places())
        cells = read(table, [text]).cells[text]
        kept = [place for place, cell in enumerate(cells) if not is_empty(cell)]
        encoded = _encoded(
            language_models.trained_with(order, fitted), [cells[place] for place in kept], order, fitted["max_length"])
        return Foreseen(encoded.lengths + 1, rows.sizes, Cells(table, (), text=text, kept=kept))


def _texts(table: Table, column: str) -> list[str]:
    return [cell for cell in read(table, [column]).cells[column] if not is_empty(cell)]


def _learnt_from(table: Table, column: str) -> tuple[list[str], list[str]]:
    """The texts that are not empty, and what is to be said of the others. Raises DataError where all are empty."""
    found = read(table, [column])
    cells = found.cells[column]
    empty = [row for row, cell in zip(found.rows, cells, strict=True) if is_empty(cell)]
    if len(empty) == len(cells):
        raise DataError(f"Column {column!r} of {table.name} holds no text in any row; name another: text=….")
    said = f"Column {column!r} is empty in {rows_named(len(empty), empty)}, not learnt from."
    return [cell for cell in cells if not is_empty(cell)], [said] if empty else []


def _rows(
    vocabulary: Vocabulary, texts: Sequence[str], order: Order, max_length: int, extra: Mapping[str, Any],
) -> tuple[TokenRows, int]:
    """Blocks of one length from texts that follow one another, or a row for each text; and how many were cut."""
    packed = order.config["packing"]
    encoded = _encoded(vocabulary, texts, order, max_length)
    ids, lengths = _ended(encoded, vocabulary.end)
    if packed:
        lengths = _blocks(len(ids), max_length)
    each = np.full(len(ids), IGNORED, np.int64)
    each[:-1] = ids[1:]
    each[np.cumsum(lengths) - 1] = IGNORED  # the last of a row is to foresee what is not there
    return TokenRows(
        ids, lengths, pad=vocabulary.pad, each=each, mask="padded", extra=extra), 0 if packed else encoded.cut


def _encoded(vocabulary: Vocabulary, texts: Sequence[str], order: Order, max_length: int) -> Encoded:
    """Texts whole where they are packed, else with room left for the token that ends one."""
    return vocabulary.encode(texts, max_length=None if order.config["packing"] else max_length - 1, special=False)


def _ended(encoded: Encoded, end: int) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
    """Each text with one token more that ends it."""
    ids = np.insert(encoded.ids, np.cumsum(encoded.lengths), end)
    return ids, encoded.lengths + 1


def _blocks(tokens: int, length: int) -> npt.NDArray[np.int64]:
    """Lengths of blocks, all full but the last; none has a single token, of which nothing could be learnt."""
    full, left = divmod(tokens, length)
    lengths = [length] * full + ([left] if left else [])
    if left == 1 and full:
        lengths[-2:] = [length - 1, 2]
    return np.array(lengths, np.int64)


def _samples(module: Any, vocabulary: Vocabulary, texts: Sequence[str], room: int, seed: int) -> Samples | None:
    """None for a model that cannot generate."""
    if not texts or not hasattr(module, "generate"):
        return None
    begun = vocabulary.encode(list(texts[:PROMPTS]), max_length=min(GIVEN, max(1, room // 2)), special=False)
    starts = np.cumsum(begun.lengths) - begun.lengths
    prompts = [begun.ids[start:start + length].tolist() for start, length in zip(starts, begun.lengths, strict=True)]
    return Samples(vocabulary, prompts, room, seed)
