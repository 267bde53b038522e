"""Searching the Hub for models, page by page; without the Hub, what of it is on this machine."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any
from urllib.parse import parse_qs, urlsplit

from huggingface_hub import get_session, hf_raise_for_status
from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]  # documented as exported

from nbtrain.core.errors import ConfigError, HubError, Problem
from nbtrain.core.model_views import HubPage, HubRow
from nbtrain.hub import here, rows
from nbtrain.hub import settings as hub_settings
from nbtrain.hub.client import is_repository
from nbtrain.hub.settings import HubSettings
from nbtrain.hub.telling import again, check_online, told
from nbtrain.store.names import is_text

#: Our names of orders → the Hub's.
SORTS = {"downloads": "downloads", "likes": "likes", "trending": "trendingScore", "newest": "createdAt"}
#: Numbers of parameters: at least, below.
SIZES = {
    "tiny": (0, 30 * 10**6), "small": (30 * 10**6, 300 * 10**6), "medium": (300 * 10**6, 3 * 10**9),
    "large": (3 * 10**9, None)}
#: The same as the Hub filters by it. To it both ends belong, so what is below is looked at here again.
_SPANS = {"tiny": "max:30M", "small": "min:30M,max:300M", "medium": "min:300M,max:3B", "large": "min:3B"}
#: What is asked for of each model: no more than is shown.
_WANTED = ("pipeline_tag", "library_name", "tags", "safetensors", "downloads", "likes", "lastModified", "gated")
_WORD = re.compile(r"[\w.+-]{1,80}")
_OFFLINE = "here:"
_ONLINE = "hub:"


@dataclass(frozen=True)
class _Query:
    """What is looked for; empty is anything."""

    search: str = ""
    task: str = ""
    library: str = ""
    language: str = ""
    licence: str = ""
    size: str = ""
    sort: str = ""


def search(query: Mapping[str, Any], cursor: str | None = None, limit: int = 30) -> HubPage:
    """A page of the models that a query finds, and the cursor of the page after it.

    Args:
        query: ``search task library language licence size sort``, each optional. `sort` is ``downloads likes trending
            newest``; `size` is ``tiny small medium large``.
        cursor: `next` of the page before, None for the first page.
        limit: most rows of a page, 1–100.

    Raises:
        ConfigError: the query holds what is not allowed, or the cursor or limit is none; a problem for each field.
        HubError: the Hub refuses; or it cannot be asked, and what is asked for is a page after one that came from it.
    """
    asked = _checked(query)
    _check_page(cursor, limit)
    limit = max(1, min(limit, 100))
    if cursor is not None and cursor.startswith(_OFFLINE):
        return _offline(asked, cursor, limit, "What is on this machine was searched.")
    hub = hub_settings.current()
    try:
        with told("This search", hub.endpoint):
            check_online()
            return again(lambda: _online(asked, cursor, limit, hub), hub.retries)
    except HubError as error:
        if not error.offline or cursor is not None:
            raise
        return _offline(asked, None, limit, f"{error} Only what is on this machine was searched.")


def _check_page(cursor: Any, limit: Any) -> None:
    problems = []
    if cursor is not None and not is_text(cursor):
        problems.append(Problem("cursor", f"cursor is {cursor!r:.60}; give `next` of the page before, or None."))
    if type(limit) is not int:
        problems.append(Problem("limit", f"limit is {limit!r:.60}; give a whole number, 1-100."))
    if problems:
        raise ConfigError(problems)


def _checked(query: Mapping[str, Any]) -> _Query:
    """The query, as far as each field is allowed. Raises ConfigError with a problem for each that is not."""
    known = {field.name for field in fields(_Query)}
    problems = [
        Problem(name, f"{name} is nothing a search asks for; it asks for {', '.join(sorted(known))}.")
        for name in query if name not in known]
    given = {name: value for name, value in query.items() if name in known and value is not None}
    problems += [
        Problem(name, f"{name} is {value!r:.60}; it must be a text.") for name, value in given.items()
        if not is_text(value)]
    found = {name: value.strip() for name, value in given.items() if is_text(value)}
    for name, choices in (("sort", SORTS), ("size", SIZES)):
        if found.get(name) and found[name] not in choices:
            problems.append(Problem(name, f"{name} is {found[name]!r:.60}; choose one of {', '.join(choices)}."))
    problems += [
        Problem(name, f"{name} is {found[name]!r:.60}; give one word as the Hub writes it, such as {example}.")
        for name, example in (
            ("task", "text-classification"), ("library", "transformers"), ("language", "fa"), ("licence", "mit"))
        if found.get(name) and not _WORD.fullmatch(found[name])]
    if problems:
        raise ConfigError(problems)
    return _Query(**{name: value[:200] for name, value in found.items()})


def _online(asked: _Query, cursor: str | None, limit: int, hub: HubSettings) -> HubPage:
    answer = get_session().get(
        f"{hub.endpoint}/api/models", params=_parameters(asked, cursor, limit), headers=build_hf_headers(),
        timeout=hub.timeout)
    hf_raise_for_status(answer)
    found = _models(answer)
    if found is None:
        raise HubError(f"{hub.endpoint} answered a search with no list of models; is this the address of a Hub?")
    # Of the address of the next page only the cursor is kept: the token is for our endpoint alone.
    following = parse_qs(urlsplit(answer.links.get("next", {}).get("url", "")).query).get("cursor")
    page = [rows.of_hub(each, cached=_is_here(each["id"])) for each in found[:limit]]
    page = [row for row in page if _is_of_size(row, asked.size)]
    return HubPage(rows=page, next=f"{_ONLINE}{following[0]}" if following else None, offline=False, note="")


def _models(answer: Any) -> list[dict[str, Any]] | None:
    """What the Hub says of each model; None where the answer is no list of models."""
    try:
        said = answer.json()
        return [each for each in said if is_repository(each["id"])] if isinstance(said, list) else None
    except (ValueError, TypeError, KeyError):
        return None


def _parameters(asked: _Query, cursor: str | None, limit: int) -> dict[str, Any]:
    """The query in the Hub's words."""
    tags = [asked.library, asked.language, f"license:{asked.licence}" if asked.licence else ""]
    given: dict[str, Any] = {
        "search": asked.search, "pipeline_tag": asked.task, "filter": [tag for tag in tags if tag],
        "num_parameters": _SPANS.get(asked.size), "sort": SORTS[asked.sort or "trending"],
        "cursor": (cursor or "").removeprefix(_ONLINE)}
    return {**{name: value for name, value in given.items() if value}, "limit": limit, "expand": list(_WANTED)}


def _is_here(repository: str) -> bool:
    known = here.model(repository)
    return known is not None and known.whole


def _offline(asked: _Query, cursor: str | None, limit: int, note: str) -> HubPage:
    """What is in the cache, by name: how often it was downloaded or liked only the Hub knows."""
    place = (cursor or _OFFLINE).removeprefix(_OFFLINE) or "0"
    start = int(place) if re.fullmatch(r"\d{1,9}", place) else 0
    found = [row for model in here.models() if _matches(row := rows.of_cache(model), asked)]
    after = start + limit
    return HubPage(
        rows=found[start:after], next=f"{_OFFLINE}{after}" if after < len(found) else None, offline=True, note=note)


def _matches(row: HubRow, asked: _Query) -> bool:
    """Whether a model that is here is looked for, as far as is known of it; what is not known may be so."""
    if not all(word in row["id"].lower() for word in asked.search.lower().split()):
        return False
    said = (
        (asked.task, [row["task"]]), (asked.library, [row["library"]]), (asked.language, row["languages"]),
        (asked.licence, [row["licence"]]))
    if any(wanted and any(known) and wanted not in known for wanted, known in said):
        return False
    return _is_of_size(row, asked.size)


def _is_of_size(row: HubRow, size: str) -> bool:
    if not size or row["parameters"] is None:
        return True
    at_least, below = SIZES[size]
    return at_least <= row["parameters"] and (below is None or row["parameters"] < below)
