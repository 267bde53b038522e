"""pydantic's errors as sentences a user can act on."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from nbtrain.core.errors import ConfigError, Problem


def unknown(kind: str, name: str, known: Sequence[str]) -> str:
    """A sentence about a name that is not there, with the nearest one that is."""
    near = get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(known)}."
    return f"There is no {kind} {name!r}; {hint}"


def explain(error: ValidationError) -> list[Problem]:
    """One `Problem` per option that is wrong."""
    problems: dict[str, Problem] = {}
    for detail in error.errors(include_url=False):
        inner = detail.get("ctx", {}).get("error")
        if isinstance(inner, ConfigError):  # raised by a validator of ours
            problems.update({problem.field: problem for problem in inner.problems})
            continue
        name = str(detail["loc"][1] if len(detail["loc"]) > 1 else (detail["loc"] or ("options",))[0])
        problems.setdefault(name, Problem(name, _sentence(name, detail)))
    return list(problems.values())


def _sentence(name: str, detail: ErrorDetails) -> str:
    value = detail["input"]
    shown = repr(value) if len(repr(value)) <= 60 else repr(value)[:57] + "…"
    kind = detail["type"]
    if kind == "extra_forbidden":
        from nbtrain.config.options import groups  # noqa: PLC0415 - options imports this module

        if name == "preset":
            from nbtrain.config.presets import PRESETS  # noqa: PLC0415 - for the same reason

            return unknown("preset", str(value), list(PRESETS))
        return unknown("option", name, list(groups()))
    if kind == "model_type":
        if name == "options":
            return f"The options must be a mapping of option to value, not {shown}."
        return f"{name} is a group of options, so it takes a mapping of option to value, not {shown}."
    if kind == "json_invalid":
        return f"{detail['msg']}."
    return f"{name} is {shown}; it must be {_allowed(name, detail)}."


def _allowed(name: str, detail: ErrorDetails) -> str:
    """What the option takes, in words: its whole range, not only the bound that was hit."""
    from nbtrain.config.schema import field_of  # noqa: PLC0415 - schema imports options, which imports this module

    field = field_of(name)
    if field is None:
        return detail["msg"][:1].lower() + detail["msg"][1:]
    or_none = ", or None" if field["optional"] else ""
    if field["choices"] and field["type"] == "choice":
        return f"one of {', '.join(field['choices'])}"
    match field["type"]:
        case "bool":
            return "True or False"
        case "int" | "float":
            noun = "a whole number" if field["type"] == "int" else "a number"
            return f"{noun} from {number(field['min'])} to {number(field['max'])}{or_none}"
        case _:
            return {
                "device": "auto, cpu, mps, cuda or cuda:<number>",
                "monitor": "the name of a metric, such as val_loss or val_accuracy",
                "recipe": f"the name of a recipe: {', '.join(field['choices'] or ())}, or one that you registered",
                "teacher": "the name of a registered model, or None",
                "mlflow": "the name of an experiment of MLflow, True for 'nbtrain', or None",
            }.get(name, "a text")


def number(value: Any) -> str:
    """A bound as people write it: 1000, 0.0001, 1e-07."""
    return str(value) if isinstance(value, int) else f"{value:g}"
