"""What `%nbtrain` can be asked to do: its verbs, and the flags of each."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from typing import Literal

from nbtrain.commandline.flags import PRESET, Flag, option_flags
from nbtrain.core.errors import ConfigError, Problem

RUN = Flag("run", "run", example="ID")
MODEL = Flag("model", "model", example="net")
DATA = Flag("data", "data", example="X,y")
#: A share, as the option of this name, or a variable with data of its own.
VALIDATION = Flag("validation", "data", example="0.15")
#: What `train` takes besides options. Their words are ``flag.<name>``.
TRAINING = (
    MODEL, DATA, PRESET,
    Flag("loss", "text", ("cross_entropy", "bce", "mse", "mae", "huber"), example="cross_entropy"),
    Flag("metrics", "names", ("accuracy", "macro_f1", "perplexity", "r2", "mae"), example="accuracy,macro_f1"),
    Flag("target", "text", example="label"),
    Flag("features", "names", example="age,income"),
    Flag("text", "text", example="review"),
    Flag("time", "text", example="date"),
    Flag("group", "text", example="patient"),
    Flag("name", "text", example="first-try"),
    Flag("queue", "switch", example=""),
)


@dataclass(frozen=True, slots=True)
class Verb:
    """One verb. Its words are ``magic.help.<name>`` of the catalogue. ``data`` and ``models`` have own actions."""

    name: str
    flags: tuple[Flag, ...] = ()
    word: Literal["run", "option"] | None = None
    """What may stand behind the verb without a flag."""


@cache
def verbs() -> dict[str, Verb]:
    """Every verb by its name, in the order help lists them."""
    training = (*TRAINING, VALIDATION, *(flag for flag in option_flags() if flag.name != VALIDATION.name))
    return {verb.name: verb for verb in (
        Verb("train", training),
        Verb("status", (RUN,), "run"),
        Verb("pause", (RUN,), "run"),
        Verb("resume", (RUN, MODEL, DATA, VALIDATION), "run"),
        Verb("stop", (RUN,), "run"),
        Verb("set", (RUN, *option_flags(live=True))),
        Verb("runs"),
        Verb("show", (RUN,), "run"),
        Verb("data"),
        Verb("models"),
        Verb("help", word="option"),
    )}


def verb_of(name: str) -> Verb:
    """The verb of this name. Raises ConfigError, with the nearest one there is."""
    found = verbs().get(name)
    if found is None:
        near = get_close_matches(name, verbs(), n=1, cutoff=0.5)
        hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(verbs())}."
        raise ConfigError([Problem("command", f"%nbtrain has no command {name}; {hint}")])
    return found
