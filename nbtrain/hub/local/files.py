"""Files of the local Hub: small ones from the Hub itself, large ones from a storage at another address."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote

from nbtrain.hub.local.exchange import Answer, Refusal, Request
from nbtrain.hub.local.repositories import Blob

if TYPE_CHECKING:
    from nbtrain.hub.local.server import LocalHub


def resolve(hub: LocalHub, request: Request, *, kind: str, name: str, revision: str, path: str) -> Answer:
    """``/owner/name/resolve/main/config.json``: a redirect, to the storage for a large file."""
    repository, commit = hub.find(request, kind, name, revision)
    facts = repository.facts
    if facts.gated and not (request.user and facts.accepted):
        raise Refusal(
            403 if request.user else 401, "GatedRepo", f"Access to {name} is restricted.", X_Repo_Commit=commit)
    blob = repository.commits[commit].get(path)
    if blob is None:
        raise Refusal(404, "EntryNotFound", "Entry not found", X_Repo_Commit=commit)
    headers = {
        "X-Repo-Commit": commit, "X-Linked-Etag": f'"{blob.etag}"', "X-Linked-Size": str(len(blob.data)),
        "ETag": f'"{blob.etag}"', "Accept-Ranges": "bytes"}
    if blob.large:
        location = f"{hub.storage_address}/storage/{blob.sha256}/{quote(path)}"
        return Answer(status=302, headers={**headers, "Location": location})
    location = f"/api/resolve-cache/{kind}s/{name}/{commit}/{quote(path)}"
    return Answer(status=307, headers={**headers, "Location": location})


def cached(hub: LocalHub, request: Request, *, kind: str, name: str, revision: str, path: str) -> Answer:
    """Where `resolve` leads for a small file."""
    repository, commit = hub.find(request, kind, name, revision)
    if path not in repository.commits[commit]:
        raise Refusal(404, "EntryNotFound", X_Repo_Commit=commit)
    return _span(request, repository.commits[commit][path], path, {"X-Repo-Commit": commit})


def stored(hub: LocalHub, request: Request, *, sha256: str, path: str) -> Answer:
    """A large file from the storage, which knows nobody: a token that is sent there is a token lost."""
    if "authorization" in request.headers:
        raise Refusal(400, "", "Only one auth mechanism allowed.")
    blob = hub.blob(sha256)
    if blob is None:
        raise Refusal(404)
    return _span(request, blob, path, {})


def _span(request: Request, blob: Blob, path: str, headers: dict[str, str]) -> Answer:
    """A file or a range of it."""
    headers = {
        **headers, "ETag": f'"{blob.etag}"', "Accept-Ranges": "bytes", "Content-Type": "application/octet-stream"}
    size = len(blob.data)
    asked = re.fullmatch(r"bytes=(\d*)-(\d*)", request.headers.get("range", ""))
    if asked is None or asked[0] == "bytes=-":
        return Answer(blob.data, 200, headers, path)
    start, stop = int(asked[1] or 0), min(int(asked[2] or size - 1), size - 1)
    if not asked[1]:  # the last so many bytes
        start, stop = max(size - int(asked[2]), 0), size - 1
    if start >= size:
        raise Refusal(416, Content_Range=f"bytes */{size}")
    headers["Content-Range"] = f"bytes {start}-{stop}/{size}"
    return Answer(blob.data[start:stop + 1], 206, headers, path)
