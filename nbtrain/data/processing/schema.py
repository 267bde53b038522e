"""The steps as lists of form fields: what the panel that builds a recipe grows out of."""

from __future__ import annotations

from functools import cache
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

from nbtrain.core.dataset_views import StepField, StepSchema
from nbtrain.data.processing.step import Step, step_classes


@cache
def steps_schema() -> tuple[StepSchema, ...]:
    """Every step with its options, in the order of their use."""
    return tuple(
        StepSchema(
            name=name, group=step.group, learns=step.learns, augments=step.augments,
            fields=[_field(step, option) for option in step.model_fields if option != "state"])
        for name, step in step_classes().items())


def _field(step: type[Step], name: str) -> StepField:
    declared: Any = step.model_fields[name]
    annotation, face = declared.annotation, declared.json_schema_extra["face"]
    optional = type(None) in get_args(annotation)
    if get_origin(annotation) in {Union, UnionType}:
        annotation = next(each for each in get_args(annotation) if each is not type(None))
    choices = [str(choice) for choice in get_args(annotation)] if get_origin(annotation) is Literal else None
    several = get_origin(annotation) is tuple
    kinds = face["columns"]
    if name == "columns":
        kinds = sorted(step.kinds)
    kind: Any = "choice" if choices else "columns" if several else "column" if kinds else (
        {bool: "bool", int: "int", float: "float", str: "text"}[annotation])
    return StepField(
        name=name, type=kind, default=list(declared.default) if several else declared.default,
        min=next((m.ge for m in declared.metadata if hasattr(m, "ge")), None),
        max=next((m.le for m in declared.metadata if hasattr(m, "le")), None),
        choices=choices, kinds=kinds, optional=optional, advanced=face["advanced"], needs=face["needs"])
