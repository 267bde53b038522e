"""How models are searched, filtered and sorted: what stands in the row of a model for that, and queries as SQL.

A query is a mapping, as the interface sends it: ``search`` (words, each of which must occur in the name, the
architecture, the task or a tag), ``sort`` and ``descending``, ``stage category tag task``; each may be left out.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from nbtrain.config.problems import unknown
from nbtrain.core.errors import ConfigError, Problem
from nbtrain.store.names import is_text

#: What can be sorted by, as SQL, and whether its largest or newest comes first where nothing is said.
SORTS: Mapping[str, tuple[str, bool]] = MappingProxyType({
    "updated": ("updated", True), "created": ("created", True), "name": ("name_key", False),
    "parameters": ("parameters", True), "bytes": ("bytes", True), "metric": ("metric_value", True),
    "stage": ("stage_rank", True),
})
_KEYS = ("search", "sort", "descending", "stage", "category", "tag", "task")
#: Models at most, as SQLite counts.
_MOST = 2**62
#: Stages, lowest first.
RANKS = ("archived", "none", "staging", "production")
#: The figure that a model is known by: the first of these it has; else its first.
_LEADING = ("val_accuracy", "accuracy", "val_macro_f1", "macro_f1", "val_r2", "r2", "val_loss", "loss", "train_loss")
#: Letters that Arabic and Persian keyboards write differently; and what joins letters without being one.
_LETTERS = str.maketrans({"\u064a": "\u06cc", "\u0649": "\u06cc", "\u0643": "\u06a9"})
_UNSEEN = {"Mn", "Cf"}
#: Between tags, and around them.
_APART = "\x1f"


class Listing(NamedTuple):
    """A query in SQL: a condition with its values, and an order."""

    where: str
    values: tuple[Any, ...]
    order: str


def parsed(query: Mapping[str, Any]) -> Listing:
    """A query as SQL over the table of models. Raises ConfigError for what is unknown in it, all in one message."""
    problems = _problems(query)
    if problems:
        raise ConfigError(problems)
    sort, stage = query.get("sort") or "updated", query.get("stage")
    where, values = ["deleted IS NULL"], []
    for word in folded(str(query.get("search") or "")).split():
        where.append("instr(search, ?)")
        values.append(word)
    if stage:
        where.append("stage = ?")
        values.append(stage)
    if category := query.get("category"):
        where.append("category_key = ?")
        values.append(folded(str(category)))
    if tag := query.get("tag"):
        where.append("instr(tag_keys, ?)")
        values.append(f"{_APART}{folded(str(tag))}{_APART}")
    if task := query.get("task"):
        where.append("task = ?")
        values.append(str(task))
    column, down = SORTS[sort]
    if query.get("descending") is not None:
        down = bool(query["descending"])
    # What has no such figure comes last either way; the id makes pages that do not overlap.
    order = f"{column} IS NULL, {column} {'DESC' if down else 'ASC'}, updated DESC, id DESC"
    return Listing(" AND ".join(where), tuple(values), order)


def _problems(query: Mapping[str, Any]) -> list[Problem]:
    problems = [Problem(str(key), unknown("part of a query", str(key), _KEYS)) for key in query if key not in _KEYS]
    given = {key: query[key] for key in _KEYS if key != "descending" and query.get(key) is not None}
    no_texts = {key for key, value in given.items() if not is_text(value)}
    problems += [Problem(key, f"{key} is {given[key]!r:.60}; it must be a text.") for key in sorted(no_texts)]
    for key, what, known in (("sort", "way to sort models", list(SORTS)), ("stage", "stage", list(RANKS))):
        if given.get(key) and key not in no_texts and given[key] not in known:
            problems.append(Problem(key, unknown(what, given[key], known)))
    return problems


def paged(offset: int, limit: int | None) -> tuple[int, int]:
    """What SQL skips and takes. Raises ConfigError for what is no number of models."""
    problems = [
        Problem(name, f"{name} is {given!r:.40}; it must be a whole number, 0 or more.")
        for name, given in (("offset", offset), ("limit", 0 if limit is None else limit))
        if type(given) is not int or given < 0]
    if problems:
        raise ConfigError(problems)
    return min(offset, _MOST), -1 if limit is None else min(limit, _MOST)


def folded(text: str) -> str:
    """What is compared in a search: without case, accents and joiners, one form of each letter and digit."""
    apart = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    kept = (character for character in apart if unicodedata.category(character) not in _UNSEEN)
    plain = "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in kept)
    return " ".join(unicodedata.normalize("NFC", plain).translate(_LETTERS).split())


def shown(
    name: str, category: str, tags: Sequence[str], about: Mapping[str, Any], files: Mapping[str, Mapping[str, Any]],
) -> dict[str, Any]:
    """What the row of a model shows of its newest version, and is searched in."""
    metric = leading(about["metrics"])
    words = (name, about["architecture"], about["task"], *tags)
    return {
        "architecture": about["architecture"], "format": about["format"], "task": about["task"],
        "parameters": about["parameters"], "bytes": sum(file["size"] for file in files.values()),
        "metric_name": metric and metric[0], "metric_value": metric and metric[1],
        "source": about["source"], "source_args": json.dumps(about["source_args"], ensure_ascii=False),
        "search": "\n".join(map(folded, words)), "category_key": folded(category),
        "tag_keys": "".join(f"{_APART}{folded(tag)}" for tag in tags) + _APART * bool(tags),
    }


def staged(stages: Sequence[str]) -> dict[str, Any]:
    """The highest of these stages."""
    rank = max(map(RANKS.index, stages))
    return {"stage": RANKS[rank], "stage_rank": rank}


def leading(metrics: Mapping[str, float]) -> tuple[str, float] | None:
    """The figure that a model is known by; None where it has none."""
    name = next((name for name in _LEADING if name in metrics), next(iter(metrics), None))
    return None if name is None else (name, metrics[name])
