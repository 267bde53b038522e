"""The ``nbtrain`` command: what makes sense without a notebook. Training itself belongs to one."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from nbtrain import __version__
from nbtrain.commandline.reference import columns, option_text, options_text, value_text
from nbtrain.commandline.summary import summary
from nbtrain.config import fields
from nbtrain.config.problems import unknown
from nbtrain.core.errors import ConfigError, NbtrainError, Problem
from nbtrain.i18n import printed, text


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; `arguments` default to the process's own.

    Returns the exit status: 0, 2 for an error, 130 after Ctrl-C.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        print(_answer(words), flush=True)
    except BrokenPipeError:  # `nbtrain options | head`: nobody reads on, and Python would complain at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except NbtrainError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130  # as shells have it
    return 0


def _answer(words: Sequence[str]) -> str:
    name, *rest = words or ["--help"]
    if name in {"-h", "--help"}:
        return _usage()
    if name == "--version":
        name = "version"
    if name not in _COMMANDS:
        raise ConfigError([Problem("command", unknown("command", name, list(_COMMANDS)))])
    command = _COMMANDS[name]
    if not command.least <= len(rest) <= command.most:
        raise ConfigError([Problem("command", f"Usage: {command.usage}")])
    return command.answer(*rest)


def _runs() -> str:
    from nbtrain import training  # noqa: PLC0415 - only this command needs the workspace

    return repr(training.runs())


def _show(run_id: str) -> str:
    from nbtrain import training  # noqa: PLC0415 - as above

    run = training.find(run_id)
    defaults = {field["name"]: field["default"] for field in fields()}
    changed = {
        name: value_text(value) for name, value in run.options().items() if name in defaults and value != defaults[name]
    }
    lines = [summary(run)]
    if changed:
        lines += ["", printed(text("cli.changed")), *columns(changed)]
    return "\n".join(lines)


def _options(name: str | None = None) -> str:
    return options_text() if name is None else option_text(name)


def _data(*words: str) -> str:
    from nbtrain.data_verbs import answer  # noqa: PLC0415 - as above

    return str(answer(words, "nbtrain data"))


def _models(*words: str) -> str:
    from nbtrain.model_verbs import answer  # noqa: PLC0415 - as above

    return answer(words, "nbtrain models")


def _version() -> str:
    return __version__


def _usage() -> str:
    return "\n".join([
        printed(text("magic.help.title")), "",
        *columns({command.usage: text(f"cli.help.{name}") for name, command in _COMMANDS.items()}),
    ])


@dataclass(frozen=True, slots=True)
class _Command:
    """What answers a command, and how many words it takes behind its name."""

    answer: Callable[..., str]
    usage: str
    least: int = 0
    most: int = 0


_COMMANDS = {
    "runs": _Command(_runs, "nbtrain runs"),
    "show": _Command(_show, "nbtrain show RUN", 1, 1),
    "data": _Command(_data, "nbtrain data ACTION", 0, 1000),
    "models": _Command(_models, "nbtrain models ACTION", 0, 1000),
    "options": _Command(_options, "nbtrain options [NAME]", 0, 1),
    "version": _Command(_version, "nbtrain version"),
}


if __name__ == "__main__":
    sys.exit(main())
