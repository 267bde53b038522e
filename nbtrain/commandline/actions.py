"""Commands of several words, ``data import …`` or ``models export …``: reading them, help, and completion."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nbtrain.commandline.flags import Flag, normal, read
from nbtrain.commandline.reference import columns
from nbtrain.config.problems import unknown
from nbtrain.core.errors import ConfigError, Problem
from nbtrain.i18n import printed, text


@dataclass(frozen=True, slots=True)
class Action:
    """One thing to do. What it does is ``command.<topic>.help.<name>`` of the catalogue."""

    name: str
    words: tuple[str, ...] = ()
    """What stands behind it without a flag: ``dataset``, ``source``, ``name``, ``path`` …"""
    flags: tuple[Flag, ...] = ()
    least: int = -1
    """So many words at least; by default all."""
    many: bool = False
    """The last word may stand several times; its value is a list."""

    @property
    def needed(self) -> int:
        return len(self.words) if self.least < 0 else self.least

    @property
    def usage(self) -> str:
        """``split DATASET [--method …]`` without the flags."""
        parts = [word.upper() if at < self.needed else f"[{word.upper()}]" for at, word in enumerate(self.words)]
        return " ".join([self.name, *parts]) + (" …" if self.many else "")


@dataclass(frozen=True)
class Topic:
    """What can be asked of one kind of thing.

    Args:
        name: ``data`` or ``models``, as it is typed, and in the keys of its words.
        actions: by their names, in the order help lists them.
        offered: what completes a word: names of this kind that the notebook or the workspace has, or fixed choices.
    """

    name: str
    actions: Mapping[str, Action]
    offered: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)

    def parse(self, words: Sequence[str], command: str) -> tuple[Action, dict[str, Any], dict[str, Any]]:
        """The action, the words behind it by what they are, and the flags.

        Args:
            words: what stands behind `command`.
            command: for messages: ``%nbtrain data`` or ``nbtrain data``.

        Raises:
            ConfigError: there is no such action, a word is missing or too many, or a flag is wrong.
        """
        name = words[0] if words else "help"
        action = self._action("help" if name in {"-h", "--help"} else name)
        plain, values = read(words[1:], action.flags, f"{command} {action.name}")
        if len(plain) < action.needed or (len(plain) > len(action.words) and not action.many):
            raise ConfigError([Problem("command", f"Usage: {command} {action.usage}" + _quotes(plain, action))])
        told: dict[str, Any] = dict(zip(action.words, plain, strict=False))
        if action.many:
            told[action.words[-1]] = plain[len(action.words) - 1:]
        return action, told, values

    def help_text(self, command: str, name: str | None = None) -> str:
        """All actions, a line each; or one with its flags. Raises ConfigError."""
        if name is None:
            rows = {
                f"{command} {action.usage}": text(f"command.{self.name}.help.{action.name}")
                for action in self.actions.values()}
            return "\n".join([printed(text(f"command.{self.name}.help.title")), "", *columns(rows)])
        action = self._action(name)
        lines = [f"{command} {action.usage}: {printed(text(f'command.{self.name}.help.{name}'))}"]
        if action.flags:
            flags = {
                f"{flag.text} {flag.example}".rstrip(): text(f"command.{self.name}.flag.{flag.name}")
                for flag in action.flags}
            lines += ["", *columns(flags)]
        return "\n".join(lines)

    def complete(self, words: Sequence[str], fragment: str, offers: Any) -> tuple[list[str], str]:
        """The completions of `fragment`, which stands behind `words` of the topic, and what they replace."""
        if not words:
            return [name for name in self.actions if name.startswith(fragment)], fragment
        action = self.actions.get(words[0])
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
        if action.many:
            bare = min(bare, len(action.words) - 1)
        found = [] if bare >= len(action.words) else self._offered(action.words[bare], fragment, offers)
        given = {normal(word.partition("=")[0]) for word in words if word.startswith("--")}
        wanted = normal(fragment) if fragment.startswith("--") else fragment
        return [*found, *(flag for flag in flags if flag not in given and flag.startswith(wanted))], fragment

    def _action(self, name: str) -> Action:
        action = self.actions.get(name)
        if action is None:
            raise ConfigError([Problem("command", unknown(f"action of {self.name}", name, list(self.actions)))])
        return action

    def _offered(self, word: str, fragment: str, offers: Any) -> list[str]:
        bare, known = fragment.strip("'\""), self.offered.get(word)
        if word == "action":
            return [name for name in self.actions if name.startswith(bare)]
        if isinstance(known, tuple):
            return [choice for choice in known if choice.startswith(bare)]
        found: list[str] = []
        if known is not None:
            found = [shlex.quote(name) for name in offers(known) if name.casefold().startswith(bare.casefold())]
        return [*found, *paths(fragment)] if word in {"source", "path"} else found


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
