"""Words and the tag of each, learnt by any token classifier of transformers: names, places, parts of speech.

    nbtrain.train("bert-tiny", "sentences.json", recipe="token-classification")

A row has a list of words (``tokens``) and as many tags (``tags``). The first piece of a word stands for it; the other
pieces and the special tokens count for nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from nbtrain.core.errors import DataError
from nbtrain.data.columns import Kind
from nbtrain.data.splits.spec import SplitSpec
from nbtrain.engine.losses import Weighted
from nbtrain.engine.tasks import IGNORED
from nbtrain.recipes import goals, language_models, layers
from nbtrain.recipes.base import Columns, Order, Prepared
from nbtrain.recipes.goals import Goal
from nbtrain.recipes.judging.showing import Cells
from nbtrain.recipes.judging.tags import Tags
from nbtrain.recipes.judging.verdict import Judge
from nbtrain.recipes.readying import ready
from nbtrain.recipes.spans import OUTSIDE, SpanF1
from nbtrain.recipes.telling import listed
from nbtrain.recipes.telling import rows as rows_named
from nbtrain.recipes.texts import Read, read
from nbtrain.recipes.tokens import TokenRows
from nbtrain.recipes.vocabulary import Vocabulary

if TYPE_CHECKING:
    from torch import nn

    from nbtrain.config import TrainConfig
    from nbtrain.data.table import Table

WORDS, TAGS = ("tokens", "words"), ("tags", "ner_tags", "pos_tags", "labels")
_AUTO = "AutoModelForTokenClassification"


class TokenClassification:
    """One tag for each word."""

    name: ClassVar[str] = "token-classification"

    def suits(self, model: str | nn.Module | None, table: Table, columns: Columns) -> bool:
        """Where a model of texts meets lists of words and lists of tags."""
        lists = {column.name for column in table.columns if column.kind is Kind.NESTED}
        words = columns.text in lists if columns.text else any(name in lists for name in WORDS)
        tags = columns.target in lists if columns.target else any(name in lists for name in TAGS)
        return words and tags and language_models.is_one(model) and not language_models.kind_of(model).endswith(
            ("ForCausalLM", "LMHeadModel", "ForSequenceClassification"))

    def split(self, table: Table, columns: Columns, config: TrainConfig) -> SplitSpec:
        """By chance; sentences that are alike come into one part."""
        del table, columns
        held = config["validation"], config["test"]
        return SplitSpec(
            method="random", train=1 - sum(held), validation=held[0], test=held[1], seed=config["seed"])

    def prepare(self, order: Order, fitted: Mapping[str, Any] | None = None) -> Prepared:
        """Raises as `Recipe.prepare`."""
        parts, config = order.parts, order.config
        words = _column(parts.whole, order.columns.text, WORDS, "words", "text")
        tags = _column(parts.whole, order.columns.target, TAGS, "tags", "target")
        order = replace(order, columns=replace(order.columns, target=tags, text=words, features=(words,)))
        classes = _classes(parts.whole, read(parts.whole, [words, tags]), words, tags)
        goals.check_loss(order.loss, Goal(tags, tuple(classes)), one=False)
        found = read(parts.train, [words, tags])
        with language_models.found(order, "bert-tiny") as source:
            vocabulary = language_models.vocabulary_of(
                source, order, fitted, [" ".join(row) for row in found.cells[words]], words=True)
            classes = language_models.known_classes(source, _AUTO, classes) or classes
            built = language_models.build(source, _AUTO, vocabulary, classes, order)
            changed, advice = language_models.suited(source, order, fitted)
            notes = [*built.notes, *advice]
        module, longest = built.module, config["max_length"]
        train, cut, labels = _rows(vocabulary, parts.train, found, order, classes, longest)
        if cut:
            notes.append(
                f"{cut:,} of {len(train):,} texts are longer than max_length={longest} tokens and are cut.")
        known = {"classes": classes, **ready(source, built, vocabulary, order, train.longest, head=True)}
        held = [None if part is None else _rows(
            vocabulary, part, read(part, [words, tags]), order, classes, known["max_length"])[0]
            for part in (parts.validation, parts.test)]
        return Prepared(
            model=module, name=source.name, train=train, validation=held[0], test=held[1], columns=order.columns,
            fitted=known, model_origin=built.origin, loss=_loss(order, labels, classes),
            metrics=[SpanF1(classes), "accuracy"] if order.metrics is None else order.metrics,
            rates=layers.rates(module, config["layer_decay"]),
            frozen=layers.frozen(module, config["frozen_layers"]), config=changed, notes=notes)

    def rows(self, order: Order, fitted: Mapping[str, Any], table: Table, *, labelled: bool) -> TaggedRows:
        """Raises as `Recipe.rows`."""
        vocabulary = language_models.trained_with(order, fitted, words=True)
        names = [order.columns.text, order.columns.target] if labelled else [order.columns.text]
        found = read(table, [name for name in names if name is not None])
        return _rows(vocabulary, table, found, order, fitted["classes"], fitted["max_length"], labelled=labelled)[0]

    def decode(self, order: Order, fitted: Mapping[str, Any], outputs: Any) -> Any:
        """The outputs as they are; which of them are of words, `answers` tells."""
        del order, fitted
        return outputs

    def answers(self, fitted: Mapping[str, Any], rows: TaggedRows, outputs: Any) -> list[list[str | None]]:
        """The tags of each row's words; None for a word that was cut off."""
        classes = fitted["classes"]
        batches = [outputs] if isinstance(outputs, Tensor) else outputs
        # One after the other, as `rows` has them: batches come in the order of the rows, padded on the right.
        chosen = [row.argmax(-1) for batch in batches for row in batch]
        found = []
        for row, places in zip(chosen, rows.places, strict=True):
            numbers = row[torch.from_numpy(places.clip(0))].tolist()
            found.append([classes[number] if place >= 0 else None
                          for number, place in zip(numbers, places, strict=True)])
        return found

    def judge(self, order: Order, fitted: Mapping[str, Any], rows: TaggedRows, table: Table | None) -> Judge:
        """As `Judges.judge`."""
        column = order.columns.text
        if table is None or column is None:
            return Tags(fitted["classes"])
        show = Cells(table, ())

        def words(places: Sequence[int]) -> list[list[str]]:
            numbers = show.numbers(len(rows))[list(places)].tolist()
            found = table.at(numbers, columns=[column])[column].to_pylist()
            return [[word for word, there in zip(_words(cell), rows.places[place], strict=True) if there >= 0]
                    for place, cell in zip(places, found, strict=True)]

        return Tags(fitted["classes"], words, show)


class TaggedRows(TokenRows):
    """Tokens with a tag each. `places`: of every row, the token that stands for each of its words, -1 for none."""

    places: list[npt.NDArray[np.int64]]


def _column(table: Table, named: str | None, usual: Sequence[str], what: str, option: str) -> str:
    """The column of the words, or of the tags. Raises DataError where it is none of lists, or cannot be told."""
    name = named or next((each.name for each in table.columns if each.name in usual), None)
    if name is None:
        raise DataError(
            f"{table.name} has no column called {' or '.join(usual[:2])}; say which holds the lists of {what}: "
            f"{option}=…; there are: {listed([column.name for column in table.columns])}.")
    column = table.column(name)
    if column.kind is not Kind.NESTED or not column.type.endswith("[]") or column.type.endswith("[][]"):
        raise DataError(
            f"Column {name!r} of {table.name} holds {column.type}, not a list of {what} in each row; to learn one "
            "class for a whole text, use recipe='text-classification'.")
    return name


def _classes(table: Table, found: Read, words: str, tags: str) -> list[str]:
    """The tags that there are, `OUTSIDE` first. Raises DataError for what cannot be learnt, rows named."""
    pairs = list(zip(found.rows, found.cells[words], found.cells[tags], strict=True))
    _refuse(table, [row for row, of_words, _ in pairs if not of_words], f"Column {words!r}", "has no words",
            "leave these rows out")
    _refuse(table, [row for row, of_words, _ in pairs if any(not isinstance(word, str) or not word.strip()
                                                             for word in of_words)],
            f"Column {words!r}", "has empty words", "leave these words and their tags out")
    _refuse(table, [row for row, _, of_tags in pairs if of_tags is None or None in of_tags], f"The target {tags!r}",
            "is missing", "fill it in, or leave these rows out")
    _refuse(table, [row for row, of_words, of_tags in pairs if len(of_words) != len(of_tags)], f"The target {tags!r}",
            f"has not as many tags as there are {words}", "give each word its tag")
    known = {tag for _, _, of_tags in pairs for tag in of_tags}
    if len(known) < 2:
        raise DataError(
            f"The target {tags!r} of {table.name} is {next(iter(known))!r:.60} at every word; there is nothing to "
            "learn.")
    outside = [OUTSIDE] if OUTSIDE in known else []
    return [str(tag) for tag in [*outside, *sorted(known - {OUTSIDE})]]


def _refuse(table: Table, at: list[int], what: str, wrong: str, do: str) -> None:
    if at:
        raise DataError(f"{what} of {table.name} {wrong} in {rows_named(len(at), at)}; {do}.")


def _rows(  # noqa: PLR0917 - what rows are made of
    vocabulary: Vocabulary, table: Table, found: Read, order: Order, classes: Sequence[str], max_length: int, *,
    labelled: bool = True,
) -> tuple[TaggedRows, int, npt.NDArray[np.int64]]:
    """Rows of tokens, how many of them were cut, and the tags of their words."""
    words, tags = order.columns.text, order.columns.target
    assert words is not None  # noqa: S101 - `prepare` found it out
    texts = [_words(row) for row in found.cells[words]]
    encoded = vocabulary.encode(texts, max_length=max_length, words=True)
    assert encoded.words is not None  # noqa: S101 - they were given
    first = _firsts(encoded.words, encoded.lengths)
    row = np.repeat(np.arange(len(texts)), encoded.lengths)[first]
    word = np.concatenate([[0], np.cumsum([len(text) for text in texts])])[row] + encoded.words[first]
    each = np.full(len(encoded.ids), IGNORED, np.int64)
    each[first] = _numbered(table, found, tags, texts, classes)[word] if labelled and tags is not None else 0
    made = TaggedRows(
        encoded.ids, encoded.lengths, pad=vocabulary.pad, each=each, classes=classes,
        bucketed=order.config["length_buckets"])
    places = np.full(sum(map(len, texts)), -1, np.int64)
    places[word] = first - np.concatenate([[0], np.cumsum(encoded.lengths)])[row]
    made.places = np.split(places, np.cumsum([len(text) for text in texts])[:-1])
    return made, encoded.cut, each[first]


def _words(cell: Any) -> list[str]:
    return cell.split() if isinstance(cell, str) else cell or []


def _firsts(words: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Places of tokens that are the first pieces of words."""
    new = np.ones(len(words), bool)
    new[1:] = words[1:] != words[:-1]
    new[np.concatenate([[0], np.cumsum(lengths)[:-1]])] = True
    return np.flatnonzero(new & (words >= 0))


def _numbered(
    table: Table, found: Read, tags: str, texts: Sequence[Sequence[str]], classes: Sequence[str],
) -> npt.NDArray[np.int64]:
    """The tags of all words as numbers. Raises DataError for one that is none of the classes."""
    places = {name: number for number, name in enumerate(classes)}
    cells = found.cells[tags]
    _refuse(table, [row for row, text, cell in zip(found.rows, texts, cells, strict=True)
                    if cell is None or len(cell) != len(text)],
            f"The target {tags!r}", "has not as many tags as there are words", "give each word its tag")
    strange = [(row, tag) for row, cell in zip(found.rows, cells, strict=True) for tag in cell
               if str(tag) not in places]
    if strange:
        raise DataError(
            f"The target {tags!r} of {table.name} holds the tag {strange[0][1]!r:.60} in row {strange[0][0]}, which is "
            f"none of those that were learnt ({listed(classes)}).")
    return np.array([places[str(tag)] for cell in cells for tag in cell], np.int64)


def _loss(order: Order, labels: npt.NDArray[np.int64], classes: Sequence[str]) -> Any:
    if order.config["class_weights"] == "off" or order.loss is not None:
        return order.loss
    return Weighted(goals.balanced(labels, len(classes)))
