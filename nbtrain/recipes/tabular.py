"""`tabular`: classes or amounts from columns of numbers, dates, switches and texts, with gaps."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from nbtrain.config.recipe_options import TABULAR, TaskConfig
from nbtrain.core.errors import ConfigError, Problem
from nbtrain.data.derived import quick_key
from nbtrain.data.splits.spec import SplitSpec
from nbtrain.engine.arrays import Arrays, Reading
from nbtrain.engine.losses import Weighted
from nbtrain.recipes import encoding, goals, measures
from nbtrain.recipes.base import Columns, Order, Prepared
from nbtrain.recipes.building import built
from nbtrain.recipes.encoding import MISSING, Encoding
from nbtrain.recipes.goals import Goal
from nbtrain.recipes.judging.goal import of_goal
from nbtrain.recipes.judging.showing import Cells, Places
from nbtrain.recipes.judging.verdict import Judge

if TYPE_CHECKING:
    from nbtrain.data.table import Table
    from nbtrain.engine.job import Loss

#: Those that take numbers and categories apart, and that which takes one matrix.
_OWN = ("tabular-mlp", "tabular-resnet")
_PLAIN = "mlp"
#: From so many rows to learn from on, the larger model is recommended: of fewer it learns too much by heart.
MANY = 5000
#: And of fewer it is smaller, for the same reason; chosen on tables that no benchmark judges by (docs/log.md).
_SMALLER = {"tabular-resnet": {"width": 64, "blocks": 2, "inner": 128, "dropout": 0.4}}
#: Where fewer of the rows differ, of a few categories say, equal ones cannot all go into one part.
ALIKE = 0.5


class Tabular:
    """Rows of a table, each on its own."""

    name: ClassVar[str] = TABULAR

    def suits(self, model: str | nn.Module | None, table: Table, columns: Columns) -> bool:  # noqa: ARG002 - a recipe's
        """Whether the model is one that nothing else takes."""
        named = isinstance(model, str) and model.removeprefix("architecture:") in _OWN
        return named and columns.time is None and columns.text is None

    def split(self, table: Table, columns: Columns, config: Any) -> SplitSpec:
        """Every class, or tenth of an amount, with its share in each part."""
        column = goals.find(table, columns.target)
        goals.check(table, column)
        goals.check_filled(table, column)
        shares = {"train": 1 - config["validation"] - config["test"], "validation": config["validation"],
                  "test": config["test"], "seed": config["seed"]}
        if columns.group is not None:
            return SplitSpec(method="group", group=columns.group, target=column.name, **shares)
        alike = _share_of_different(table, column.name) < ALIKE
        return SplitSpec(
            method="stratified", target=column.name, duplicates="apart" if alike else "together", **shares)

    def prepare(self, order: Order, fitted: Mapping[str, Any] | None = None) -> Prepared:
        """See `Recipe.prepare`."""
        parts, columns = order.parts, order.columns
        notes: list[str] = []
        if fitted is None:
            column = goals.find(parts.whole, columns.target)
            goals.check_filled(parts.whole, column)
            goal, said = goals.learn(parts.whole, parts.train, column, order.loss, parts.processing)
            _check(order, goal)
            besides = {columns.time: "the time", columns.group: goals.GROUP, column.name: "the target"}
            chosen, left = encoding.choose(parts.train, columns.features, besides, texts=True)
            known, learnt = encoding.learn(parts.train, chosen, asked=columns.features is not None)
            notes += [*said, *left, *learnt]
        else:
            goal, known = Goal.from_json(fitted["goal"]), Encoding.from_json(fitted["encoding"])
        few = parts.train.rows() < MANY
        own = _OWN if few else _OWN[::-1]
        model = built(
            order, (*own, _PLAIN), _sizes(known, goal.outputs_for(order.loss)), _SMALLER if few else None)
        form = _form(model.module)
        dtype = Reading.of(model.module).floats
        made = {name: None if table is None else _arrays(table, known, goal, form, dtype, labelled=True)
                for name, table in (("train", parts.train), ("validation", parts.validation), ("test", parts.test))}
        train = made["train"]
        assert train is not None  # noqa: S101 - there always is one
        return Prepared(
            model=model.module, name=model.name, model_origin=model.origin, train=train,
            validation=made["validation"], test=made["test"],
            columns=replace(columns, target=goal.column, features=known.features),
            fitted={"goal": goal.to_json(), "encoding": known.to_json(), "form": form, "classes": goal.names},
            loss=loss_of(order, goal, train.target), metrics=_metrics(order, goal), notes=[*model.notes, *notes])

    def rows(self, order: Order, fitted: Mapping[str, Any], table: Table, *, labelled: bool) -> Arrays:
        """See `Recipe.rows`."""
        assert isinstance(order.model, nn.Module)  # noqa: S101 - the one that was trained
        return _arrays(
            table, Encoding.from_json(fitted["encoding"]), Goal.from_json(fitted["goal"]), fitted["form"],
            Reading.of(order.model).floats, labelled=labelled)

    def decode(self, order: Order, fitted: Mapping[str, Any], outputs: Any) -> Any:
        """A data frame; see `Goal.answers`."""
        return Goal.from_json(fitted["goal"]).answers(outputs, order.config["decision_threshold"])

    def judge(self, order: Order, fitted: Mapping[str, Any], rows: Any, table: Table | None) -> Judge:  # noqa: ARG002 - a recipe's
        """See `Judges.judge`."""
        goal = Goal.from_json(fitted["goal"])
        show = Places() if table is None else Cells(table, order.columns.features)
        return of_goal(goal, show, threshold=order.config["decision_threshold"])


def _share_of_different(table: Table, target: str) -> float:
    """How many rows are the only ones of their kind, about, as a share of all."""
    columns = [column for column in table.columns if column.name != target]
    if not columns:
        return 1.0
    [told] = table.sql(
        f"SELECT approx_count_distinct({quick_key(columns)}) AS different, count(*) AS n "  # noqa: S608 - names are quoted
        f"FROM {table.source}").to_pylist()
    share: float = told["different"] / max(told["n"], 1)
    return share


def loss_of(order: Order, goal: Goal, targets: Tensor) -> Loss | None:
    """The loss of a run, with the weights of its classes where they are asked for.

    Raises:
        ConfigError: weights were asked for of what has no classes, or of a loss of the user's own.
    """
    if order.config["class_weights"] == "off":
        return order.loss if order.loss is not None or goal.classes is not None else "mse"
    if goal.classes is None or (order.loss is not None and order.loss not in {"cross_entropy", "bce"}):
        what = f"the target {goal.column!r} is an amount" if goal.classes is None else "the loss is one of your own"
        raise ConfigError([Problem("class_weights", (
            f"class_weights is {order.config['class_weights']!r}, but {what}; set it to 'off'."))])
    return Weighted(goals.balanced(targets.numpy(), len(goal.classes)))


def _check(order: Order, goal: Goal) -> None:
    """Raises ConfigError for a loss or a threshold that does not go with the target."""
    goals.check_loss(order.loss, goal, one=True)
    threshold, usual = order.config["decision_threshold"], TaskConfig().decision_threshold
    if goal.outputs != 2 and threshold != usual:
        what = "is an amount" if goal.names is None else f"has {len(goal.names)} classes"
        raise ConfigError([Problem("decision_threshold", (
            f"decision_threshold is {threshold:g}, which is of two classes, and the target {goal.column!r} {what}; "
            "leave it out."))])


def _metrics(order: Order, goal: Goal) -> Sequence[Any] | None:
    if goal.classes is None:
        return measures.of_amounts(order.metrics, goal)
    if len(goal.classes) == 2:
        return measures.of_two(order.metrics, order.config["decision_threshold"])
    return order.metrics


def _sizes(known: Encoding, outputs: int) -> dict[str, dict[str, Any]]:
    """Of each architecture, as far as the data decides them."""
    own = {"numbers": known.width, "categories": [each.size for each in known.categories], "outputs": outputs}
    flat = known.width + sum(each.size - MISSING for each in known.categories)
    return {**dict.fromkeys(_OWN, own), _PLAIN: {"inputs": flat, "outputs": outputs, "normalise": False}}


def _form(module: nn.Module) -> str:
    """``apart`` for a model that takes numbers and categories by these names; else ``flat``, one matrix."""
    names = inspect.signature(module.forward).parameters
    return "apart" if "numbers" in names and "categories" in names else "flat"


def _arrays(
    table: Table, known: Encoding, goal: Goal, form: str, dtype: torch.dtype, *, labelled: bool,
) -> Arrays:
    """Rows as a model takes them."""
    cells, categories = known.read(table)
    numbers = known.filled(cells)
    inputs: Any = torch.from_numpy(numbers).to(dtype)
    if form == "apart":
        inputs = {"numbers": inputs, "categories": torch.from_numpy(categories)}
        if not known.categories:
            inputs.pop("categories")
    elif known.categories:
        marks = [np.eye(each.size, dtype=np.float32)[:, MISSING:][categories[:, place]]
                 for place, each in enumerate(known.categories)]  # of a gap, and of each value; unknown ones have none
        inputs = torch.from_numpy(np.concatenate([numbers, *marks], 1)).to(dtype)
    target = torch.from_numpy(goal.read(table)) if labelled else None
    if target is not None and goal.classes is None:
        target = target.to(dtype)
    return Arrays(inputs, target, len(cells), goal.names)
