"""Wrong options of a step as sentences a user can act on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from nbtrain.config.problems import number, unknown
from nbtrain.core.errors import ConfigError, Problem


def explain(step: str, options: Sequence[str], error: ValidationError) -> list[Problem]:
    """One `Problem` per option of `step` that is wrong."""
    problems: dict[str, Problem] = {}
    for detail in error.errors(include_url=False):
        inner = detail.get("ctx", {}).get("error")
        if isinstance(inner, ConfigError):  # raised by a validator of a step
            problems.update({problem.field: problem for problem in inner.problems})
            continue
        name = str((detail["loc"] or ("options",))[0])
        problems.setdefault(name, Problem(name, _sentence(step, name, options, detail)))
    return list(problems.values())


def _sentence(step: str, name: str, options: Sequence[str], detail: ErrorDetails) -> str:
    if detail["type"] == "extra_forbidden":
        return f"Step {step}: {unknown('option', name, [each for each in options if each != 'state'])}"
    value: Any = detail["input"]
    shown = repr(value) if len(repr(value)) <= 60 else repr(value)[:57] + "…"
    return f"Step {step}: {name} is {shown}; it must be {_allowed(detail)}."


_TYPES = {
    "bool": "True or False", "int": "a whole number", "float": "a number", "finite": "a number", "string": "a text",
    "tuple": "the name of a column, or a list of names",
}


def _allowed(detail: ErrorDetails) -> str:
    limits, kind = detail.get("ctx", {}), detail["type"]
    match kind:
        case "literal_error":
            return f"one of {limits['expected'].replace(chr(39), '')}"
        case "greater_than_equal":
            return f"at least {number(limits['ge'])}"
        case "less_than_equal":
            return f"at most {number(limits['le'])}"
        case "string_too_long":
            return f"a text of at most {limits['max_length']} characters"
    return _TYPES.get(kind.partition("_")[0]) or detail["msg"][:1].lower() + detail["msg"][1:]
