"""Search, facts and trees: the answers of the local Hub in JSON."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from nbtrain.hub.local.exchange import Answer, Refusal, Request, as_json
from nbtrain.hub.local.repositories import Blob, Repository, git_oid

if TYPE_CHECKING:
    from nbtrain.hub.local.server import LocalHub

#: Most entries of a page, of a search and of a tree.
PAGE = 1000
#: What comes with every model of a search.
_SHORT = ("private", "downloads", "likes", "tags", "pipeline_tag", "library_name", "createdAt")
#: What of ``config.json`` is told with the facts.
_OF_CONFIG = ("architectures", "model_type", "auto_map")
_UNITS = {"K": 10**3, "M": 10**6, "B": 10**9, "T": 10**12}


def search(hub: LocalHub, request: Request, *, kind: str) -> Answer:
    """``/api/models``: filtered, sorted, and cut into pages that a Link leads on from."""
    found = [
        (name, repository) for name, repository in hub.of_kind(kind)
        if (request.user or not repository.facts.private) and _matches(name, repository, request)]
    order = _ORDERS.get(request.first("sort") or "trendingScore")
    if order is None:
        raise Refusal(400, "", f"Cannot sort by {request.first('sort')!r}.")
    found.sort(key=lambda each: (order(each[1]), each[0]), reverse=request.first("direction") != "1")
    limit = min(int(request.first("limit") or PAGE), PAGE)
    start = _start(request.first("cursor"))
    page = [_listed(name, repository, request) for name, repository in found[start:start + limit]]
    return as_json(page, headers=_link(hub, request, start + limit, len(found)))


def info(hub: LocalHub, request: Request, *, kind: str, name: str, revision: str = "main") -> Answer:
    """``/api/models/owner/name``: all that is known of one."""
    repository, commit = hub.find(request, kind, name, revision)
    facts = {**_facts(name, repository), "sha": commit}
    facts["siblings"] = [
        _sibling(path, blob, sized=request.truth("blobs")) for path, blob in repository.commits[commit].items()]
    if request.truth("securityStatus"):
        facts["securityRepoStatus"] = {"scansDone": True, "filesWithIssues": []}
    wanted = request.query.get("expand")
    return as_json({"id": name, **{key: facts.get(key) for key in wanted}} if wanted else _said(facts))


def tree(hub: LocalHub, request: Request, *, kind: str, name: str, revision: str, folder: str = "") -> Answer:
    """``/api/models/owner/name/tree/main``: files and folders, of one folder or of all."""
    repository, commit = hub.find(request, kind, name, revision)
    folder = folder.strip("/")
    prefix = f"{folder}/" if folder else ""
    blobs = {path: blob for path, blob in repository.commits[commit].items() if path.startswith(prefix)}
    if folder and not blobs:
        raise Refusal(404, "EntryNotFound", X_Repo_Commit=commit)
    entries: dict[str, dict[str, Any]] = {}
    for path, blob in sorted(blobs.items()):
        names = path.removeprefix(prefix).split("/")
        shown = len(names) if request.truth("recursive") else 1
        for depth in range(1, min(shown, len(names) - 1) + 1):
            above = prefix + "/".join(names[:depth])
            entries.setdefault(above, {
                "type": "directory", "oid": git_oid(above.encode()), "size": 0, "path": above})
        if shown == len(names):
            entries[path] = _entry(path, blob)
    start = _start(request.first("cursor"))
    limit = min(int(request.first("limit") or PAGE), PAGE)
    page = list(entries.values())[start:start + limit]
    return as_json(page, headers=_link(hub, request, start + limit, len(entries)))


def refs(hub: LocalHub, request: Request, *, kind: str, name: str) -> Answer:
    """Branches and what they point to."""
    repository, _ = hub.find(request, kind, name, "main")
    return as_json({
        "branches": [
            {"name": branch, "ref": f"refs/heads/{branch}", "targetCommit": commit}
            for branch, commit in repository.branches.items() if not branch.startswith("refs/")],
        "tags": [],
        "converts": [
            {"name": branch, "ref": branch, "targetCommit": commit}
            for branch, commit in repository.branches.items() if branch.startswith("refs/convert/")]})


def whoami(request: Request) -> Answer:
    """Who the token belongs to."""
    if not request.user:
        raise Refusal(401, "", "Invalid credentials in Authorization header")
    return as_json({
        "type": "user", "id": "0", "name": request.user, "fullname": request.user, "orgs": [],
        "auth": {"type": "access_token", "accessToken": {"displayName": "local", "role": "write"}}})


def _facts(name: str, repository: Repository) -> dict[str, Any]:
    facts = repository.facts
    parameters = repository.parameters()
    config = repository.config()
    return {
        "_id": git_oid(name.encode())[:24], "id": name, "author": _owner(name), "private": facts.private,
        "gated": facts.gated or False, "disabled": False, "downloads": facts.downloads, "likes": facts.likes,
        "trendingScore": facts.trending, "createdAt": _time(facts.created),
        "lastModified": _time(facts.modified or facts.created), "tags": repository.tags(),
        "cardData": repository.card() or None, "usedStorage": sum(map(len, repository.files.values())),
        **({} if repository.kind == "dataset" else {
            "modelId": name, "pipeline_tag": repository.task() or None,
            "library_name": repository.library() or None, "spaces": [],
            "config": {key: config[key] for key in _OF_CONFIG if key in config} or None,
            "safetensors": {"parameters": parameters, "total": sum(parameters.values())} if parameters else None})}


def _said(facts: Mapping[str, Any]) -> dict[str, Any]:
    """The Hub leaves out what it does not know."""
    return {key: value for key, value in facts.items() if value is not None and key != "trendingScore"}


def _listed(name: str, repository: Repository, request: Request) -> dict[str, Any]:
    facts = _facts(name, repository)
    if wanted := request.query.get("expand"):
        return {"_id": facts["_id"], "id": name, **{
            key: facts[key] for key in wanted if facts.get(key) is not None}}
    keys = [*_SHORT, *(["author", "sha", "gated", "lastModified"] if request.truth("full") else [])]
    keys += [key for key in ("cardData", "config") if request.truth(key)]
    facts["sha"] = repository.head
    return {"_id": facts["_id"], "id": name, "modelId": name, **{
        key: facts[key] for key in keys if facts.get(key) is not None}}


def _sibling(path: str, blob: Blob, *, sized: bool) -> dict[str, Any]:
    if not sized:
        return {"rfilename": path}
    return {"rfilename": path, "size": len(blob.data), "blobId": blob.oid, **(
        {"lfs": {"size": len(blob.data), "sha256": blob.sha256, "pointerSize": len(blob.pointer())}}
        if blob.large else {})}


def _entry(path: str, blob: Blob) -> dict[str, Any]:
    return {"type": "file", "oid": blob.oid, "size": len(blob.data), "path": path, **(
        {"lfs": {"oid": blob.sha256, "size": len(blob.data), "pointerSize": len(blob.pointer())}}
        if blob.large else {})}


def _matches(name: str, repository: Repository, request: Request) -> bool:
    """Whether a search finds it; all that is asked for must be so."""
    tags = set(repository.tags())
    wanted = {tag for given in request.query.get("filter", []) for tag in given.split(",")}
    gated = request.first("gated").lower()
    return (
        request.first("search").lower() in name.lower()
        and request.first("author") in {"", _owner(name)}
        and request.first("pipeline_tag") in {"", repository.task()}
        and wanted <= tags
        and (not gated or bool(repository.facts.gated) == (gated == "true"))
        and _sized(sum(repository.parameters().values()), request.first("num_parameters")))


def _sized(parameters: int, span: str) -> bool:
    """Whether a number of parameters lies in ``min:30M,max:3B``."""
    if not span:
        return True
    ends = dict(each.split(":", 1) for each in span.split(","))
    at_least, at_most = (_count(ends[end]) if end in ends else None for end in ("min", "max"))
    return bool(parameters) and (at_least is None or parameters >= at_least) and (
        at_most is None or parameters <= at_most)


def _count(text: str) -> float:
    try:
        return float(text[:-1]) * _UNITS[text[-1]] if text[-1:] in _UNITS else float(text)
    except ValueError:
        raise Refusal(400, "", f"{text!r} is no number of parameters.") from None


_ORDERS = {
    "trendingScore": lambda repository: repository.facts.trending,
    "downloads": lambda repository: repository.facts.downloads,
    "likes": lambda repository: repository.facts.likes,
    "createdAt": lambda repository: repository.facts.created.timestamp(),
    "lastModified": lambda repository: (repository.facts.modified or repository.facts.created).timestamp(),
}


def _start(cursor: str) -> int:
    """Where a page begins. Cursors are the Hub's own affair; these are no number one could guess the meaning of."""
    if not cursor:
        return 0
    try:
        return int(json.loads(base64.urlsafe_b64decode(cursor))["start"])
    except (ValueError, KeyError, TypeError):
        raise Refusal(400, "", "This is no cursor of ours.") from None


def _link(hub: LocalHub, request: Request, start: int, total: int) -> dict[str, str]:
    """The header that leads to the next page, where there is one."""
    if start >= total:
        return {}
    cursor = base64.urlsafe_b64encode(json.dumps({"start": start}).encode()).decode()
    query: Iterable[tuple[str, str]] = [
        (name, value) for name, values in request.query.items() if name != "cursor" for value in values]
    return {"Link": f'<{hub.address}{request.raw}?{urlencode([*query, ("cursor", cursor)])}>; rel="next"'}


def _owner(name: str) -> str:
    return name.split("/", 1)[0]


def _time(when: datetime) -> str:
    return when.strftime("%Y-%m-%dT%H:%M:%S.000Z")
