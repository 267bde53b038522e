"""The options as a list of form fields: what panel, magics, completion and the reference page grow out of."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, Literal, TypedDict, get_args

from nbtrain.config.options import TrainConfig


class Field(TypedDict):
    """One option as a form sees it; the browser's twin is in docs/wire.md."""

    name: str
    group: str
    type: Literal["int", "float", "bool", "choice", "text"]
    default: Any
    min: float | None
    max: float | None
    form_min: float | None
    form_max: float | None
    step: float | None
    scale: Literal["linear", "log"]
    choices: list[str] | None
    unit: str | None
    live: bool
    advanced: bool
    needs: dict[str, list[Any]] | None
    recommended: Any
    recipes: list[str] | None
    optional: bool


def has_needs(field: Field, options: Mapping[str, Any]) -> bool:
    """Whether everything that the field needs is chosen."""
    return all(
        options.get(name) in values if values else options.get(name) not in {None, ""}
        for name, values in (field["needs"] or {}).items())


@cache
def fields() -> tuple[Field, ...]:
    """Every option, in the order it is declared."""
    found = []
    for group, info in TrainConfig.model_fields.items():
        model: Any = info.annotation
        for name, declared in model.model_fields.items():
            found.append(_field(group, name, declared))
    return tuple(found)


def field_of(name: str) -> Field | None:
    """One option by its flat name."""
    return next((field for field in fields() if field["name"] == name), None)


def live_options() -> tuple[str, ...]:
    """Names of the options that may be edited while a run is running."""
    return tuple(field["name"] for field in fields() if field["live"])


def _field(group: str, name: str, declared: Any) -> Field:
    annotation = declared.annotation
    optional = type(None) in get_args(annotation)
    if optional:
        annotation = next(a for a in get_args(annotation) if a is not type(None))
    literal = [str(choice) for choice in get_args(annotation)] or None
    low = next((m.ge for m in declared.metadata if hasattr(m, "ge")), None)
    high = next((m.le for m in declared.metadata if hasattr(m, "le")), None)
    face = declared.json_schema_extra["face"]
    form_low, form_high = face["form"] or (low, high)
    known = None if face["known"] is None else list(face["known"])
    return Field(
        name=name, group=group,
        type="choice" if literal else {bool: "bool", int: "int", float: "float", str: "text"}[annotation],  # type: ignore[typeddict-item]
        default=declared.default, min=low, max=high, form_min=form_low, form_max=form_high,
        step=face["step"], scale=face["scale"], choices=literal or known, unit=face["unit"], live=face["live"],
        advanced=face["advanced"], needs=face["needs"], recommended=face["recommended"], optional=optional,
        recipes=None if face["recipes"] is None else list(face["recipes"]),
    )
