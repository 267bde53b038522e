"""What every step of processing is: its options, what it learned from the training rows, and how it is written down.

A step is a frozen model. `Step.fit` gives a copy that has learned; `Step.apply` changes a batch of rows. Each class
names itself, and is found by that name in JSON: ``{"step": "scale", "columns": ["age"], "method": "robust"}``.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from hashlib import sha256
from typing import Any, ClassVar, Literal, Self

import numpy as np
import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from nbtrain.config.problems import unknown
from nbtrain.core.errors import ConfigError, DataError, Problem
from nbtrain.data.columns import Kind
from nbtrain.data.processing.arrow import kind_of_arrow
from nbtrain.data.processing.problems import explain

Group = Literal["cleaning", "rows", "numbers", "encoding", "tokens", "series", "images", "augmentation"]

#: Columns that travel with the rows of a dataset while they are processed, and are no data of the user's.
ROW, PART = "__row__", "__part__"
HIDDEN = (ROW, PART)

_steps: dict[str, type[Step]] = {}


def option(
    default: Any, *, ge: float | None = None, le: float | None = None, columns: Collection[Kind] | None = None,
    needs: dict[str, list[Any]] | None = None, advanced: bool = False, longest: int | None = None,
) -> Any:
    """An option of a step: default and range, and what a form must know beside.

    Args:
        default: its value when none is given.
        ge: the least number.
        le: the greatest number.
        columns: the option is the name of a column of one of these kinds, or several names.
        needs: it counts only while these options have one of these values.
        advanced: a form shows it after the others.
        longest: most characters of a text.
    """
    face: dict[str, Any] = {"columns": None if columns is None else sorted(columns), "needs": needs,
                            "advanced": advanced}
    return Field(default, ge=ge, le=le, max_length=longest, json_schema_extra={"face": face})


class Step(BaseModel):
    """One step of processing. Options are given by keyword.

    Raises:
        ConfigError: options that are unknown or wrong; all problems in one message.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, validate_default=True)

    name: ClassVar[str]
    """How it is called in JSON and in the catalogue: ``step.<name>``."""
    group: ClassVar[Group]
    kinds: ClassVar[frozenset[Kind]] = frozenset(Kind)
    """Kinds of columns it works on."""
    learns: ClassVar[bool] = False
    """Whether it must be fitted on the training rows."""
    all_columns: ClassVar[bool] = False
    """Whether no column given means all there are whatever their kind, the target's too."""
    named: ClassVar[bool] = False
    """Whether its columns must be given: it would spoil others of their kind."""
    augments: ClassVar[bool] = False
    """Whether it changes samples of the training part while training, and nothing before."""
    together: ClassVar[bool] = False
    """Whether it must see all new rows at once at prediction time, not batch by batch."""

    columns: tuple[str, ...] = option((), columns=frozenset(Kind))
    """The columns it works on; none for all that fit, but the target."""
    state: dict[str, Any] | None = Field(None, repr=False)
    """What was learned from the training rows, as JSON; None before."""

    def __init__(self, **options: Any) -> None:
        try:
            super().__init__(**options)
        except ValidationError as error:
            raise ConfigError(explain(type(self).name, list(type(self).model_fields), error)) from None

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        if "name" in cls.__dict__:
            _steps[cls.name] = cls

    @field_validator("columns", "groups", mode="before", check_fields=False)
    @classmethod
    def _one_is_several(cls, given: Any) -> Any:
        return (given,) if isinstance(given, str) else given

    @property
    def leaves_out(self) -> bool:
        """Whether rows of the dataset may go: new rows at prediction time never do."""
        return False

    def fit(self, batches: Iterable[pa.RecordBatch]) -> Self:  # noqa: ARG002 - most steps learn nothing
        """The step with what it learned from `batches`: rows of the training part, and no others."""
        return self

    def apply(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The batch, changed. Raises DataError when the step is not fitted, or a column does not fit."""
        raise NotImplementedError

    def stream(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Every batch of a dataset, in its order, changed. A step that looks across batches does it here."""
        for batch in batches:
            yield self.apply(batch)

    def apply_new(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """New rows at prediction time, changed as the dataset's were. No row is left out."""
        return batch if self.leaves_out else self.apply(batch)

    def augment(self, sample: dict[str, Any], rng: np.random.Generator) -> dict[str, Any]:  # noqa: ARG002 - most do not
        """One sample of the training part, changed by chance; the sample given stays as it is."""
        return sample

    def outputs(self, schema: pa.Schema) -> pa.Schema:
        """The columns that rows of `schema` have after this step."""
        return self.apply(pa.RecordBatch.from_pylist([], schema=schema)).schema

    def settled(self, schema: pa.Schema, *, target: Collection[str] = ()) -> Self:
        """The step with its columns by name, where it was to take all that fit.

        Raises:
            DataError: none fits, or as `chosen`.
        """
        if self.columns or self.all_columns or self.named:
            self.chosen(schema)
            return self
        found = tuple(
            field.name for field in schema
            if field.name not in {*HIDDEN, *target} and self.fits(field))
        if not found:
            raise DataError(
                f"Step {self.name} finds no column to work on; it takes: {', '.join(sorted(self.takes()))}. Leave the "
                "step out.")
        return self.model_copy(update={"columns": found})

    def takes(self) -> frozenset[Kind]:
        """Kinds of columns it works on with these options."""
        return self.kinds

    def fits(self, field: pa.Field) -> bool:
        """Whether a column is one of those that are meant when none is named."""
        return kind_of_arrow(field.type) in self.takes()

    def chosen(self, schema: pa.Schema) -> list[str]:
        """Names of the columns to work on.

        Raises:
            DataError: a column is not there, is of a kind that the step cannot work on, or must be given.
        """
        if self.named and not self.columns:
            raise DataError(
                f"Step {self.name} has no columns; name those to change, for it makes missing what it does not "
                'understand: columns=["…"].')
        wanted = self.columns or tuple(
            field.name for field in schema
            if field.name not in HIDDEN and (self.all_columns or self.fits(field)))
        there = set(schema.names)
        for name in wanted:
            if name not in there:
                names = ", ".join(repr(each) for each in schema.names if each not in HIDDEN)
                raise DataError(f"Step {self.name} works on column {name!r}, which is not there; there are: {names}.")
            kind = kind_of_arrow(schema.field(name).type)
            if kind is not None and kind not in self.takes():
                takes = ", ".join(sorted(self.takes()))
                raise DataError(
                    f"Step {self.name} cannot work on column {name!r}, which holds {kind}; it takes: {takes}.")
        return list(wanted)

    def without(self, lacking: Collection[str]) -> Step | None:
        """The step for rows that lack these columns; None when there is nothing left to do."""
        left = tuple(name for name in self.columns if name not in lacking)
        return None if self.columns and not left else self.model_copy(update={"columns": left})

    def reads(self) -> set[str]:
        """Names of the columns that its options name."""
        return set(self.columns)

    def learned(self) -> dict[str, Any]:
        """The state. Raises DataError when the step is not fitted."""
        if self.state is None:
            raise DataError(f"Step {self.name} has not learned from training rows yet; fit the recipe first.")
        return self.state

    def with_state(self, state: dict[str, Any]) -> Self:
        return self.model_copy(update={"state": state})

    def unfitted(self) -> Self:
        """The step as it was before it learned."""
        return self.model_copy(update={"state": None})

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Step) and self.to_json() == other.to_json()

    def __hash__(self) -> int:
        return hash(self.fingerprint())

    def to_json(self) -> dict[str, Any]:
        """Name, options and state, flat."""
        given = self.model_dump(mode="json", exclude={"state"})
        return {"step": self.name, **given, **({} if self.state is None else {"state": self.state})}

    @staticmethod
    def from_json(given: Mapping[str, Any], files: Mapping[str, bytes] | None = None) -> Step:
        """A step from `to_json`'s value, or from what a form gives; `files` are those of `Step.files`, by name.

        Raises:
            ConfigError: an unknown step, or options that are unknown or wrong; all problems in one message.
        """
        if not isinstance(given, Mapping):
            raise ConfigError([Problem(
                "step", f"{given!r:.80} is no step; give one of nbtrain.data.processing, or its JSON: "
                        '{"step": "scale", "columns": ["age"]}.')])
        rest = dict(given)
        name = rest.pop("step", None)
        if not isinstance(name, str) or name not in _steps:
            raise ConfigError([Problem("step", unknown("step", str(name), list(_steps)))])
        return _steps[name](**rest).with_files(files or {})

    def files(self) -> dict[str, bytes]:
        """What is kept in files beside the JSON, by name; the state refers to them."""
        return {}

    def with_files(self, files: Mapping[str, bytes]) -> Self:  # noqa: ARG002 - most steps have none
        """The step with its files at hand. Raises ConfigError when one is missing."""
        return self

    def fingerprint(self) -> str:
        """64 hexadecimal digits of everything that decides what the step does."""
        return sha256(json.dumps(self.to_json(), sort_keys=True, ensure_ascii=True).encode()).hexdigest()


def step_classes() -> dict[str, type[Step]]:
    """Every step there is, by name, in the order of their use."""
    return dict(_steps)
