"""What a recipe is: it turns a model, the parts of a dataset and options into what the engine trains.

    class Recipe:
        def prepare(self, order: Order, fitted: Mapping | None) -> Prepared     to train, or to go on
        def rows(self, order: Order, fitted: Mapping, table: Table, labelled: bool) -> Any    to predict, to evaluate

A recipe holds no state. What it learnt from the training part (vocabularies, means, names of classes) is `fitted`:
plain JSON that is kept with the run, and from which it makes the same of other rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self, runtime_checkable

from nbtrain.config import TrainConfig
from nbtrain.core.samples import Sign

if TYPE_CHECKING:
    from torch import nn

    from nbtrain.data.processing import Recipe as Processing
    from nbtrain.data.splits.spec import SplitSpec
    from nbtrain.data.table import Table
    from nbtrain.engine.job import Loss, Metrics
    from nbtrain.engine.objective import Step
    from nbtrain.engine.optimizers import Rates
    from nbtrain.engine.sampling import Sampling
    from nbtrain.recipes.judging.verdict import Judge


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Which columns of the data are what; None where the recipe is to find out."""

    target: str | None = None
    """What is to be learnt."""
    features: tuple[str, ...] | None = None
    """What is learnt from."""
    text: str | None = None
    """The texts, where there is more than one column of text."""
    time: str | None = None
    """When a row was: in its order a series is read."""
    group: str | None = None
    """What a series belongs to: each value is a series of its own."""

    def to_json(self) -> dict[str, Any]:
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> Self:
        known = {each.name for each in fields(cls)}
        told: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in given.items() if name in known}
        return cls(**told)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The rows of a dataset by what they are for. A part that nobody asked for is None."""

    name: str
    """Of the dataset."""
    train: Table
    validation: Table | None
    test: Table | None
    whole: Table
    """All rows, so that each part numbers classes alike; nothing else is learnt from it."""
    processing: Processing | None = None
    """What the rows went through before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What the user asked for."""

    model: str | nn.Module | None
    """A name (see `nbtrain.modelling`), a module, or None for what the recipe recommends."""
    parts: Parts
    columns: Columns
    config: TrainConfig
    loss: Loss | None = None
    metrics: Metrics | None = None
    model_origin: Mapping[str, Any] | None = None
    """Of a run that goes on: what its model was made from (`Prepared.model_origin`), which goes before `model`."""
    given: frozenset[str] = frozenset()
    """Options that were asked for; the others stand where the recipe starts from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What the engine trains. `train`, `validation` and `test` are what `engine.batches.as_source` takes."""

    model: nn.Module
    name: str
    """How the model is called in lists."""
    train: Any
    validation: Any
    test: Any
    columns: Columns
    """Those that were found out filled in."""
    config: TrainConfig | None = None
    """The options, where some that only stand there because the recipe starts from them do not go with this data."""
    fitted: Mapping[str, Any] = field(default_factory=dict)
    """What was learnt from the training part, as plain JSON."""
    model_origin: Mapping[str, Any] | None = None
    """What the model was made from, as plain JSON, such as ``{"from": "architecture", "name": …, "config": …}``; None
    for a module of the user's."""
    loss: Loss | None = None
    metrics: Metrics | None = None
    step: Step | None = None
    loss_weights: Mapping[str, float] | None = None
    rates: Rates | None = None
    frozen: frozenset[str] | None = None
    """Names of parameters that do not learn in this run. `prepare` leaves the module as it is; the engine holds them,
    and lets them go when the run ends."""
    samples: Sampling | None = None
    signs: Sequence[Sign] = ()
    notes: Sequence[str] = ()
    """What the user should know before it begins, a sentence each."""


class Recipe(Protocol):
    """One kind of training."""

    name: ClassVar[str]
    """As it is asked for: ``recipe="tabular"``."""

    def suits(self, model: str | nn.Module | None, table: Table, columns: Columns) -> bool:
        """Whether it is meant where no recipe was named. Cheap: looks at names and types of columns, not at rows.

        True only where this model with this data could be nothing else.
        """

    def split(self, table: Table, columns: Columns, config: TrainConfig) -> SplitSpec:
        """How rows are put apart for a dataset that was not split: by the shares of `config`."""

    def prepare(self, order: Order, fitted: Mapping[str, Any] | None = None) -> Prepared:
        """Everything that a training needs, checked.

        Args:
            order: what was asked for.
            fitted: of the run that goes on; None learns it from the training part.

        Raises:
            DataError: a column is missing, constant, of the wrong kind; rows that cannot be used, named.
            ModelError: the model does not fit the data.
            ConfigError: options that do not fit the recipe or its data.
        """

    def rows(self, order: Order, fitted: Mapping[str, Any], table: Table, *, labelled: bool) -> Any:
        """Other rows, made into what the model takes as those of the run were; what `as_source` takes.

        Args:
            order: of the run; its parts are not looked at, and its model is the trained module.
            fitted: of the run.
            table: the rows, as processed as those of the run were.
            labelled: False for rows to predict, whose target may be missing.

        Raises:
            DataError: a column is missing, or its cells do not fit.
        """

    def decode(self, order: Order, fitted: Mapping[str, Any], outputs: Any) -> Any:
        """What `run.predict` gives for the model's outputs (a tensor, or a list with one entry a batch)."""


@runtime_checkable
class AnswersRows(Protocol):
    """A recipe that must look at the rows to tell what the model's outputs mean, such as which tokens are of a word."""

    def answers(self, fitted: Mapping[str, Any], rows: Any, outputs: Any) -> Any:
        """In the place of `Recipe.decode`: `rows` are what `Recipe.rows` made, `outputs` the model's for them."""


@runtime_checkable
class Judges(Protocol):
    """A recipe that lays what its runs give beside the truth, row by row; of others it is told by the shapes."""

    def judge(self, order: Order, fitted: Mapping[str, Any], rows: Any, table: Table | None) -> Judge:
        """Who looks at `rows`, made by `Recipe.rows` or `Recipe.prepare` of `table`; None: it is not here any more."""


@runtime_checkable
class TakesObjects(Protocol):
    """A recipe whose runs predict more than tables and rows by name, such as images as they are."""

    def named(self, fitted: Mapping[str, Any], given: Any) -> Any:
        """`given` as rows by name, where it is such objects; else as it is. Raises DataError."""
