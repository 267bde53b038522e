"""Texts and the class of each, learnt by any classifier of transformers.

    nbtrain.train("bert-tiny", "reviews.csv", recipe="text-classification", target="label")

The model is one of the Hub or the registry, an object of the user's, or a small one that begins with random weights.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from nbtrain.core.errors import DataError
from nbtrain.data.columns import Kind
from nbtrain.data.examples import TARGETS, TOKENS
from nbtrain.data.splits.spec import SplitSpec
from nbtrain.engine.losses import Weighted
from nbtrain.recipes import goals, language_models, layers
from nbtrain.recipes.base import Columns, Order, Prepared
from nbtrain.recipes.goals import Goal
from nbtrain.recipes.judging.goal import of_goal
from nbtrain.recipes.judging.showing import Cells, Places
from nbtrain.recipes.judging.verdict import Judge
from nbtrain.recipes.readying import ready
from nbtrain.recipes.telling import rows as rows_named
from nbtrain.recipes.texts import is_empty, read, text_column
from nbtrain.recipes.tokens import TokenRows
from nbtrain.recipes.vocabulary import Vocabulary

if TYPE_CHECKING:
    from torch import nn

    from nbtrain.config import TrainConfig
    from nbtrain.data.table import Table

_AUTO = "AutoModelForSequenceClassification"


class TextClassification:
    """One class for each text."""

    name: ClassVar[str] = "text-classification"

    def suits(self, model: str | nn.Module | None, table: Table, columns: Columns) -> bool:
        """Where a model of texts meets texts with one class each."""
        named = {column.name.lower() for column in table.columns}
        learns = columns.target is not None or bool(named & set(TARGETS))
        kind = language_models.kind_of(model)
        other = any(column.kind in {Kind.IMAGE, Kind.AUDIO, Kind.NESTED} for column in table.columns)
        return (
            learns and not other and TOKENS not in named and language_models.is_one(model)
            and not kind.endswith(("ForCausalLM", "LMHeadModel", "ForTokenClassification"))
            and any(column.kind is Kind.TEXT and column.name != columns.target for column in table.columns))

    def split(self, table: Table, columns: Columns, config: TrainConfig) -> SplitSpec:
        """Each part has its share of each class; texts that are alike come into one part."""
        held = config["validation"], config["test"]
        return SplitSpec(
            method="stratified", train=1 - sum(held), validation=held[0], test=held[1], seed=config["seed"],
            target=goals.find(table, columns.target).name)

    def prepare(self, order: Order, fitted: Mapping[str, Any] | None = None) -> Prepared:
        """Raises as `Recipe.prepare`."""
        parts, config = order.parts, order.config
        column = goals.find(parts.whole, order.columns.target)
        goal, notes = goals.learn(parts.whole, parts.train, column, "cross_entropy")
        goals.check_loss(order.loss, goal, one=False)
        text = text_column(parts.whole, order.columns, column.name)
        texts, kept, said = _learnt_from(parts.train, text)
        with language_models.found(order, "bert-tiny") as source:
            vocabulary = language_models.vocabulary_of(source, order, fitted, texts)
            goal = _in_order(goal, language_models.known_classes(source, _AUTO, goal.names or []), column.kind)
            built = language_models.build(source, _AUTO, vocabulary, goal.names, order)
            changed, advice = language_models.suited(source, order, fitted)
            notes += [*said, *built.notes, *advice]
        module, labels = built.module, goal.read(parts.train)[kept]
        train, cut = _rows(vocabulary, texts, labels, goal, order, config["max_length"])
        if cut:
            notes.append(
                f"{cut:,} of {len(texts):,} texts are longer than max_length={config['max_length']} tokens; they are "
                "cut at the end.")
        known = {
            "goal": goal.to_json(), "classes": goal.names,
            **ready(source, built, vocabulary, order, train.longest, head=True)}
        order = replace(order, columns=replace(order.columns, target=column.name, text=text, features=(text,)))
        held = [None if part is None else self._read(order, known, vocabulary, part, labelled=True)
                for part in (parts.validation, parts.test)]
        return Prepared(
            model=module, name=source.name, train=train, validation=held[0], test=held[1], columns=order.columns,
            fitted=known, model_origin=built.origin, loss=_loss(order, labels, goal), metrics=order.metrics,
            rates=layers.rates(module, config["layer_decay"]),
            frozen=layers.frozen(module, config["frozen_layers"]), config=changed, notes=notes)

    def rows(self, order: Order, fitted: Mapping[str, Any], table: Table, *, labelled: bool) -> TokenRows:
        """Raises as `Recipe.rows`."""
        return self._read(order, fitted, language_models.trained_with(order, fitted), table, labelled=labelled)

    def decode(self, order: Order, fitted: Mapping[str, Any], outputs: Any) -> Any:
        """A frame: the class of each text, how likely it is, and how likely each class is."""
        del order
        return Goal.from_json(fitted["goal"]).answers(outputs)

    def judge(self, order: Order, fitted: Mapping[str, Any], rows: Any, table: Table | None) -> Judge:
        """See `Judges.judge`."""
        del rows
        show = Places() if table is None else Cells(table, (), text=order.columns.text)
        return of_goal(Goal.from_json(fitted["goal"]), show)

    def _read(
        self, order: Order, fitted: Mapping[str, Any], vocabulary: Vocabulary, table: Table, *, labelled: bool,
    ) -> TokenRows:
        text = order.columns.text
        assert text is not None  # noqa: S101 - `prepare` found it out
        goal = Goal.from_json(fitted["goal"])
        labels = goal.read(table) if labelled else None
        texts = [cell or "" for cell in read(table, [text]).cells[text]]
        return _rows(vocabulary, texts, labels, goal, order, fitted["max_length"])[0]


def _learnt_from(table: Table, column: str) -> tuple[list[str], list[int], list[str]]:
    """Texts to learn from and their places in the table, without the empty ones, which are named."""
    found = read(table, [column])
    cells = found.cells[column]
    kept = [place for place, cell in enumerate(cells) if not is_empty(cell)]
    empty = [row for row, cell in zip(found.rows, cells, strict=True) if is_empty(cell)]
    if len(kept) < len(empty):
        raise DataError(
            f"Column {column!r} of {table.name} holds no text in {rows_named(len(empty), empty)}, more than half of "
            "them; name the column of the texts: text=….")
    said = f"Column {column!r} is empty in {rows_named(len(empty), empty)}, not learnt from."
    return [cells[place] for place in kept], kept, [said] if empty else []


def _in_order(goal: Goal, known: Sequence[str] | None, kind: Kind) -> Goal:
    """The classes in the order that the model knows them in, which may be more than the data has."""
    if known is None or list(known) == goal.names or goal.classes is None:
        return goal
    cells = {str(value): value for value in goal.classes}
    if kind is not Kind.TEXT and set(known) != set(cells):
        return goal
    return replace(goal, classes=tuple(cells.get(name, name) for name in known))


def _rows(  # noqa: PLR0917 - what rows are made of
    vocabulary: Vocabulary, texts: Sequence[str], labels: Any, goal: Goal, order: Order, max_length: int,
) -> tuple[TokenRows, int]:
    """Texts as rows of tokens, and how many of them were cut."""
    encoded = vocabulary.encode(texts, max_length=max_length)
    return TokenRows(
        encoded.ids, encoded.lengths, pad=vocabulary.pad, labels=labels, classes=goal.names,
        bucketed=order.config["length_buckets"]), encoded.cut


def _loss(order: Order, labels: Any, goal: Goal) -> Any:
    if order.config["class_weights"] == "off" or order.loss is not None:
        return order.loss
    return Weighted(goals.balanced(labels, goal.outputs))
