"""How an option is declared: a pydantic field that also knows how it looks in a form."""

from __future__ import annotations

from typing import Any, Literal, TypedDict

from pydantic import BaseModel, ConfigDict, Field


class Group(BaseModel):
    """A frozen handful of options that belong together."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, validate_default=True)


class Face(TypedDict):
    """What a form, a tooltip or a completion needs beyond the field's type and range."""

    form: tuple[float, float] | None
    """Range of the slider where it is narrower than what may be typed."""
    scale: Literal["linear", "log"]
    step: float | None
    unit: str | None
    live: bool
    """May be edited while the run is running."""
    advanced: bool
    needs: dict[str, list[Any]] | None
    """Shown only while these options have one of these values; where none are named, any but none."""
    recommended: Any
    recipes: tuple[str, ...] | None
    """Those that look at it; None: all."""
    known: tuple[str, ...] | None
    """Of a text: the values that come with nbtrain; users may have more."""


def option(
    default: Any,
    *,
    ge: float | None = None,
    le: float | None = None,
    pattern: str | None = None,
    form: tuple[float, float] | None = None,
    scale: Literal["linear", "log"] = "linear",
    step: float | None = None,
    unit: str | None = None,
    live: bool = False,
    advanced: bool = False,
    needs: dict[str, list[Any]] | None = None,
    recommended: Any = None,
    recipes: tuple[str, ...] | None = None,
    known: tuple[str, ...] | None = None,
) -> Any:
    """A pydantic field of this default and range, with its `Face` beside it.

    Words (label, help, advice) are not here: they are in the catalogues under ``option.<name>.…``.
    """
    face = Face(
        form=form, scale=scale, step=step, unit=unit, live=live, advanced=advanced, needs=needs,
        recommended=default if recommended is None else recommended, recipes=recipes, known=known,
    )
    extra: dict[str, Any] = {"face": face}
    return Field(default, ge=ge, le=le, pattern=pattern, json_schema_extra=extra)
