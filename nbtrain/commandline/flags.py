"""Flags (``--learning-rate 3e-4``), and reading them. Those of the options come from the schema."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Literal

from nbtrain.config import PRESETS, fields
from nbtrain.core.errors import ConfigError, Problem

Kind = Literal["int", "float", "bool", "choice", "text", "names", "switch", "model", "data", "run", "file"]
"""What the value is: as in the schema, or ``names`` (``a,b``), ``switch`` (no value), variables, a run's id, a file."""


@dataclass(frozen=True, slots=True)
class Flag:
    """One flag. `name` is the Python name it fills, e.g. ``learning_rate``."""

    name: str
    kind: Kind
    choices: tuple[str, ...] = ()
    optional: bool = False
    """May be given as ``none``."""
    example: str = "NAME"
    """A value for messages: the recommended one, where it is an option."""

    @property
    def text(self) -> str:
        return "--" + self.name.replace("_", "-")


def option_flags(*, live: bool = False) -> list[Flag]:
    """A flag per option (`live`: only those that may be edited while a run trains), as declared."""
    return [
        Flag(
            field["name"], field["type"], tuple(field["choices"] or ()),
            optional=field["optional"], example=_shown(field["recommended"]),
        )
        for field in fields() if field["live"] or not live
    ]


PRESET = Flag("preset", "choice", tuple(PRESETS), example=next(iter(PRESETS)))


def split(text: str) -> list[str]:
    """Words of a command as a shell sees them; lines that begin with ``#`` are comments.

    Raises:
        ConfigError: a quotation mark is not closed.
    """
    try:
        return shlex.split("\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#")))
    except ValueError:
        raise ConfigError([Problem("command", f"A quotation mark is not closed in: {text.strip()}")]) from None


def read(words: Sequence[str], flags: Iterable[Flag], command: str) -> tuple[list[str], dict[str, Any]]:
    """The words that are no flags, and the value of each flag that was given.

    ``--name value``, ``--name=value``, ``--use-ema``, ``--use-ema False`` and ``--no-use-ema`` are understood,
    with ``_`` for ``-`` too. Ranges are for `TrainConfig` to judge: a number that is none stays a text.

    Raises:
        ConfigError: flags that are unknown, given twice, or lack their value; all of them, a line each.
    """
    known = {flag.text: flag for flag in flags}
    plain: list[str] = []
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if not word.startswith("--"):
            plain.append(word)
            continue
        flag, given, off = _find(word, known)
        if flag is None:
            name = word.partition("=")[0]
            problems.append(Problem(name.lstrip("-"), _unknown(name, known, command)))
            if rest and not rest[0].startswith("--"):
                rest.pop(0)  # its value, most likely
            continue
        if given is None and not off and _takes_value(flag, rest):
            given = rest.pop(0)
        if flag.name in values:
            problems.append(Problem(flag.name, f"{flag.text} is given twice; give it once."))
        elif given is None and flag.kind not in {"bool", "switch"}:
            problems.append(Problem(flag.name, f"{flag.text} needs a value, for example {flag.text} {flag.example}."))
        else:
            values[flag.name] = not off if given is None else _value(flag, given)
    if problems:
        raise ConfigError(problems)
    return plain, values


def normal(word: str) -> str:
    """``--learning_rate`` as the flag's own text, ``--learning-rate``."""
    return "--" + word[2:].replace("_", "-")


def _find(word: str, known: Mapping[str, Flag]) -> tuple[Flag | None, str | None, bool]:
    """The flag, the value after ``=``, and whether it is the ``--no-`` form."""
    name, equals, value = word.partition("=")
    name = normal(name)
    if name in known:
        return known[name], value if equals else None, False
    positive = known.get("--" + name.removeprefix("--no-"))
    if name.startswith("--no-") and positive is not None and positive.kind == "bool" and not equals:
        return positive, None, True
    return None, None, False


def _takes_value(flag: Flag, rest: Sequence[str]) -> bool:
    if not rest or rest[0].startswith("--") or flag.kind == "switch":
        return False
    return flag.kind != "bool" or rest[0].lower() in _TRUTH


_TRUTH = {"true": True, "false": False}


def _value(flag: Flag, given: str) -> Any:
    if flag.optional and given.lower() == "none":
        return None
    match flag.kind:
        case "bool" | "switch":
            return _TRUTH.get(given.lower(), given)
        case "int" | "float":
            return _number(given)
        case "names":
            return [name.strip() for name in given.split(",") if name.strip()]
        case _:
            return given


def _number(given: str) -> int | float | str:
    for kind in (int, float):
        try:
            return kind(given)
        except ValueError:
            continue
    return given


def _shown(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _unknown(name: str, known: Mapping[str, Flag], command: str) -> str:
    offered = [*known, *("--no-" + text[2:] for text, flag in known.items() if flag.kind == "bool")]
    near = get_close_matches(normal(name), offered, n=1, cutoff=0.6)
    if near:
        return f"{command} has no option {name}; did you mean {near[0]}?"
    if not known:
        return f"{command} takes no options, and {name} was given."
    if len(offered) <= 12:
        return f"{command} has no option {name}; it takes {', '.join(offered)}."
    return f"{command} has no option {name}; the options are listed by the command help."
