"""What there is to know about an option, as text; and the list of all of them."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby
from textwrap import wrap
from typing import Any

from nbtrain.config import Field, fields
from nbtrain.config.problems import number, unknown
from nbtrain.config.schema import field_of
from nbtrain.core.errors import ConfigError, Problem
from nbtrain.i18n import printed, text

_WIDTH = 100


def option_text(name: str) -> str:
    """One option in the current language: what it does, its range and default, and advice.

    `name` may be written as a flag, ``--learning-rate``.

    Raises:
        ConfigError: there is no such option.
    """
    name = name.removeprefix("--").removeprefix("no-").replace("-", "_")
    field = field_of(name)
    if field is None:
        raise ConfigError([Problem(name, unknown("option", name, [known["name"] for known in fields()]))])
    lines = [*wrap(text(f"option.{name}.help"), _WIDTH), "", *_facts(field)]
    lines += [part for size in ("small", "medium", "large") for part in _advice(field, size)]
    return "\n".join([f"{flag_of(field)}: {printed(_label(name))}", *map(printed, lines)])


def options_text() -> str:
    """Every option by its group, a line each, in the current language."""
    labels = {flag_of(field): f"{_label(field['name'])} ({value_text(field['default'])})" for field in fields()}
    lines = dict(zip(labels, columns(labels), strict=True))
    blocks = (
        "\n".join([printed(text(f"group.{group}")), *(lines[flag_of(field)] for field in members)])
        for group, members in groupby(fields(), key=lambda field: field["group"])
    )
    return "\n\n".join(blocks)


def columns(rows: Mapping[str, str]) -> list[str]:
    """Two columns, indented."""
    width = max(map(len, rows))
    return [f"  {left:{width}}  {printed(right)}" for left, right in rows.items()]


def flag_of(field: Field) -> str:
    """``--learning-rate``, ``--use-ema`` …"""
    return "--" + field["name"].replace("_", "-")


def value_text(value: Any) -> str:
    """A value as it is typed: ``0.001``, ``cosine``, ``True``."""
    if value is None:
        return text("reference.unset")
    return number(value) if isinstance(value, float) else str(value)


def _label(name: str) -> str:
    return text(f"option.{name}.label")


def _facts(field: Field) -> list[str]:
    facts = []
    if field["choices"]:
        facts.append(text("reference.choices", choices=", ".join(field["choices"])))
    elif field["min"] is not None and field["max"] is not None:
        facts.append(text("advice.range", min=value_text(field["min"]), max=value_text(field["max"])))
    facts.append(text("reference.default", value=value_text(field["default"])))
    if field["recommended"] != field["default"]:
        facts.append(text("advice.recommended", value=value_text(field["recommended"])))
    if field["live"]:
        facts.append(text("reference.live"))
    needs = {**(field["needs"] or {}), **({"recipe": field["recipes"]} if field["recipes"] else {})}
    for option, values in needs.items():
        condition = f"{option} = {' | '.join(str(value) for value in values)}" if values else option
        facts.append(text("reference.needs", condition=condition))
    return facts


def _advice(field: Field, size: str) -> list[str]:
    """Small, medium and large are words for numbers; of other options the advice stands alone."""
    advice = text(f"option.{field['name']}.{size}")
    if field["type"] in {"int", "float"}:
        advice = f"{text(f'advice.{size}')}: {advice}"
    return wrap(advice, _WIDTH, initial_indent="• ", subsequent_indent="  ")
