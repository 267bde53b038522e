"""What `%nbtrain data` and `nbtrain data` can be asked: the actions, their words and flags, help, and completion."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from nbtrain.commandline.flags import Flag, normal, read
from nbtrain.commandline.reference import columns
from nbtrain.config.problems import unknown
from nbtrain.core.errors import ConfigError, Problem
from nbtrain.i18n import printed, text

_METHODS = ("random", "stratified", "group", "time", "column", "kfold")
_NAME = Flag("name", "text", example="reviews")
_TARGET = Flag("target", "text", example="label")
_GROUP = Flag("group", "text", example="patient")
_TIME = Flag("time", "text", example="date")
#: How files are read, as `ReadOptions` has it, and what the Hub and folders of media take.
_READING = (
    Flag("format", "choice", ("csv", "tsv", "json", "jsonl", "text", "parquet", "arrow"), example="csv"),
    Flag("delimiter", "text", example="';'"), Flag("header", "bool"), Flag("quote", "text", example="'\"'"),
    Flag("encoding", "text", ("utf-8", "cp1256", "cp1251", "utf-16"), example="cp1256"),
    Flag("date_order", "choice", ("dmy", "mdy", "ymd"), example="dmy"),
    Flag("lines", "choice", ("lines", "paragraphs"), example="paragraphs"),
    Flag("on_error", "choice", ("raise", "skip"), example="skip"),
    Flag("config", "text", example="en"), Flag("split", "text", example="train"),
    Flag("revision", "text", example="main"), Flag("labels", "text", example="labels.csv"),
)
_SPLITTING = (
    Flag("method", "choice", _METHODS, example="stratified"),
    Flag("train", "float", example="0.8"), Flag("validation", "float", example="0.1"),
    Flag("test", "float", example="0.1"), Flag("seed", "int", example="0"), _TARGET, _GROUP, _TIME,
    Flag("key", "names", example="id"), Flag("gap", "text", example="7d"), Flag("column", "text", example="part"),
    Flag("folds", "int", example="5"), Flag("fold", "int", example="0"),
    Flag("duplicates", "choice", ("together", "apart"), example="apart"),
)


@dataclass(frozen=True, slots=True)
class Action:
    """One thing to do with datasets. What it does is ``data.help.<name>`` of the catalogue."""

    name: str
    words: tuple[str, ...] = ()
    """What stands behind it without a flag: ``dataset``, ``deleted``, ``source``, ``name``, ``path``."""
    flags: tuple[Flag, ...] = ()
    least: int = -1
    """So many words at least; by default all."""

    @property
    def usage(self) -> str:
        """``split DATASET [--method …]`` without the flags."""
        least = len(self.words) if self.least < 0 else self.least
        parts = (word.upper() if at < least else f"[{word.upper()}]" for at, word in enumerate(self.words))
        return " ".join([self.name, *parts])


@cache
def actions() -> dict[str, Action]:
    """Every action by its name, in the order help lists them."""
    return {action.name: action for action in (
        Action("list", flags=(Flag("deleted", "switch", example=""),)),
        Action("import", ("source",), (_NAME, *_READING)),
        Action("preview", ("dataset",), (Flag("rows", "int", example="10"),)),
        Action("profile", ("dataset",), (_TARGET,)),
        Action("split", ("dataset",), _SPLITTING),
        Action("quality", ("dataset",), (_TARGET, _GROUP, _TIME)),
        Action("process", ("dataset",), (
            Flag("steps", "text", example="'whitespace, scale(method=robust)'"),
            Flag("recipe", "file", example="recipe.json"), _TARGET, _NAME)),
        Action("rename", ("dataset", "name")),
        Action("delete", ("dataset",)),
        Action("undo", ("deleted",), least=0),
        Action("export", ("dataset", "path"), (
            Flag("overwrite", "switch", example=""),
            Flag("formulas", "choice", ("keep", "escape"), example="escape"))),
        Action("help", ("action",), least=0),
    )}


def parse(words: Sequence[str], command: str) -> tuple[Action, dict[str, str], dict[str, Any]]:
    """The action, the words behind it by what they are, and the flags.

    Args:
        words: what stands behind `command`.
        command: for messages: ``%nbtrain data`` or ``nbtrain data``.

    Raises:
        ConfigError: there is no such action, a word is missing or too many, or a flag is wrong.
    """
    name = words[0] if words else "help"
    if name in {"-h", "--help"}:
        name = "help"
    action = actions().get(name)
    if action is None:
        raise ConfigError([Problem("command", unknown("action of data", name, list(actions())))])
    plain, values = read(words[1:], action.flags, f"{command} {name}")
    least = len(action.words) if action.least < 0 else action.least
    if not least <= len(plain) <= len(action.words):
        raise ConfigError([Problem("command", f"Usage: {command} {action.usage}" + _quotes(plain, action))])
    return action, dict(zip(action.words, plain, strict=False)), values


def help_text(command: str, name: str | None = None) -> str:
    """All actions, a line each; or one with its flags. Raises ConfigError."""
    if name is None:
        rows = {f"{command} {action.usage}": text(f"data.help.{action.name}") for action in actions().values()}
        return "\n".join([printed(text("data.help.title")), "", *columns(rows)])
    action = actions().get(name)
    if action is None:
        raise ConfigError([Problem("command", unknown("action of data", name, list(actions())))])
    lines = [f"{command} {action.usage}: {printed(text(f'data.help.{name}'))}"]
    if action.flags:
        rows = {f"{flag.text} {flag.example}".rstrip(): text(f"data.flag.{flag.name}") for flag in action.flags}
        lines += ["", *columns(rows)]
    return "\n".join(lines)


def complete(words: Sequence[str], fragment: str, offers: Any) -> tuple[list[str], str]:
    """The completions of `fragment`, which stands behind `words` (those behind ``data``), and what they replace."""
    if not words:
        return [name for name in actions() if name.startswith(fragment)], fragment
    action = actions().get(words[0])
    if action is None:
        return [], fragment
    flags = {flag.text: flag for flag in action.flags}
    name, equals, value = fragment.partition("=")
    if equals and normal(name) in flags:
        return _values(flags[normal(name)], value), value
    before = flags.get(normal(words[-1])) if words[-1].startswith("--") else None
    if before is not None and before.kind not in {"switch", "bool"} and not fragment.startswith("--"):
        return _values(before, fragment), fragment
    bare = _bare_count(words[1:], flags)
    found = [] if bare >= len(action.words) else _offered(action.words[bare], fragment, offers)
    given = {normal(word.partition("=")[0]) for word in words if word.startswith("--")}
    wanted = normal(fragment) if fragment.startswith("--") else fragment
    return [*found, *(flag for flag in flags if flag not in given and flag.startswith(wanted))], fragment


def paths(fragment: str) -> list[str]:
    """Files and folders whose path begins so, as one types them; folders end in a slash."""
    bare = fragment.strip("'\"")
    folder, _, start = bare.rpartition("/")
    try:
        root = Path(f"{folder}/" if folder or bare.startswith("/") else ".").expanduser()
        inside = sorted(root.iterdir(), key=lambda path: path.name)
    except (OSError, RuntimeError, ValueError):  # it is not there, or may not be read, or is no path
        return []
    before = f"{folder}/" if "/" in bare else ""
    names = [
        path.name + ("/" if path.is_dir() else "") for path in inside
        if path.name.startswith(start) and (start or not path.name.startswith("."))]
    if before.startswith("~"):  # means nothing within quotation marks
        return [before + shlex.quote(name) for name in names]
    return [shlex.quote(before + name) for name in names]


def _offered(kind: str, fragment: str, offers: Any) -> list[str]:
    bare = fragment.strip("'\"")
    match kind:
        case "dataset" | "deleted":
            return [shlex.quote(name) for name in offers(kind) if name.casefold().startswith(bare.casefold())]
        case "source":
            return [*(name for name in offers("data") if name.startswith(bare)), *paths(fragment)]
        case "path":
            return paths(fragment)
        case "action":
            return [name for name in actions() if name.startswith(bare)]
        case _:
            return []


def _values(flag: Flag, fragment: str) -> list[str]:
    if flag.kind == "file":
        return paths(fragment)
    known: Iterable[str] = flag.choices or ((flag.example,) if flag.kind in {"int", "float"} else ())
    return [value for value in known if value.startswith(fragment)]


def _bare_count(words: Sequence[str], flags: dict[str, Flag]) -> int:
    """How many of the words are neither flags nor their values."""
    count, skip = 0, False
    for word in words:
        if skip:
            skip = False
        elif word.startswith("--"):
            flag = flags.get(normal(word.partition("=")[0]))
            skip = "=" not in word and flag is not None and flag.kind not in {"switch", "bool"}
        else:
            count += 1
    return count


def _quotes(plain: Sequence[str], action: Action) -> str:
    return "; put quotation marks around a name with spaces." if len(plain) > len(action.words) else ""
