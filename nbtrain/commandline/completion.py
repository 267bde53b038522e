"""What could come next in a `%nbtrain` line. Pure: what the notebook holds is asked through `Offers`."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from nbtrain.commandline import data, models
from nbtrain.commandline.flags import Flag, normal
from nbtrain.commandline.verbs import Verb, verbs
from nbtrain.config import fields

Offers = Callable[[str], Iterable[str]]
"""The names there are now of a kind: ``model`` and ``data`` of the notebook, ``run``, ``dataset``, ``registered`` …"""

#: Verbs with actions of their own.
TOPICS = {topic.name: topic for topic in (data.TOPIC, models.TOPIC)}

_DEVICES = ("auto", "cpu", "cuda", "mps")


def complete(text: str, offers: Offers) -> tuple[list[str], str]:
    """The completions of the last word of `text`, and the part of it that they replace.

    `text` is what stands between ``%nbtrain`` and the cursor, of all lines of a cell magic.
    """
    words = text.split()
    fragment = words.pop() if words and not text[-1:].isspace() else ""
    if not words:
        return _starting(fragment, verbs()), fragment
    topic = TOPICS.get(words[0])
    if topic is not None:
        return topic.complete(words[1:], fragment, offers)
    verb = verbs().get(words[0])
    if verb is None:
        return [], fragment
    flags = {flag.text: flag for flag in verb.flags}
    name, equals, value = fragment.partition("=")
    if equals and normal(name) in flags:
        return _values(flags[normal(name)], value, offers)
    before = flags.get(normal(words[-1])) if words[-1].startswith("--") else None
    if before is not None and not fragment.startswith("--"):
        found, part = _values(before, fragment, offers)
        more = _flags(flags.values(), words, fragment) if before.kind in {"bool", "switch"} else []
        return [*found, *more], part
    return [*_bare(verb, words, fragment, offers), *_flags(flags.values(), words, fragment)], fragment


def _values(flag: Flag, fragment: str, offers: Offers) -> tuple[list[str], str]:
    """Values of a flag; of a list (``X,y``) only the last item is completed."""
    part = fragment.rpartition(",")[2] if flag.kind in {"data", "names"} else fragment
    match flag.kind:
        case "bool":
            known: Iterable[str] = ("True", "False")
        case "model" | "data" | "run":
            known = offers(flag.kind)
        case "int" | "float":
            known = (flag.example,)
        case _:
            known = _DEVICES if flag.name == "device" else flag.choices
    return _starting(part, known), part


def _bare(verb: Verb, words: list[str], fragment: str, offers: Offers) -> list[str]:
    """What may stand behind the verb without a flag."""
    if len(words) > 1 or verb.word is None:
        return []
    return _starting(fragment, offers("run") if verb.word == "run" else (field["name"] for field in fields()))


def _flags(flags: Iterable[Flag], words: list[str], fragment: str) -> list[str]:
    """Flags that were not given yet; the ``--no-`` form when it is being typed."""
    given = {normal(word.partition("=")[0]) for word in words if word.startswith("--")}
    open_flags = [flag for flag in flags if not {flag.text, _negative(flag)} & given]
    texts = [flag.text for flag in open_flags]
    if fragment.startswith("--no"):
        texts += [_negative(flag) for flag in open_flags if flag.kind == "bool"]
    wanted = normal(fragment) if fragment.startswith("--") else fragment
    return [text for text in texts if text.startswith(wanted)]


def _negative(flag: Flag) -> str:
    return "--no-" + flag.text[2:]


def _starting(fragment: str, known: Iterable[str]) -> list[str]:
    return [name for name in known if name.startswith(fragment)]
