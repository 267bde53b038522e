"""Uploads to the local Hub: new repositories, commits, and large files that come before their commit."""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from nbtrain.hub.local.exchange import Answer, Refusal, Request, as_json
from nbtrain.hub.local.repositories import Blob, Kind, Repository, front_matter, is_large

if TYPE_CHECKING:
    from nbtrain.hub.local.server import LocalHub


def create(hub: LocalHub, request: Request) -> Answer:
    """``/api/repos/create``."""
    _must_be_known(request)
    asked = request.json()
    kind: Kind = "dataset" if asked.get("type") == "dataset" else "model"
    name = f"{asked.get('organization') or request.user}/{asked['name']}"
    address = f"{hub.address}/{'' if kind == 'model' else f'{kind}s/'}{name}"
    if hub.has(kind, name):
        return as_json({"error": "You already created this repo", "url": address}, 409)
    private = asked.get("visibility") == "private" or bool(asked.get("private"))
    hub.put(name, Repository(kind=kind, private=private, created=datetime.now(UTC)))
    return as_json({"url": address, "name": name, "id": name})


def validated(request: Request) -> Answer:
    """``/api/validate-yaml``: a card without metadata is told."""
    text = str(request.json().get("content", ""))
    warnings = [] if front_matter(text) else [{"message": "empty or missing yaml metadata in repo card"}]
    return as_json({"errors": [], "warnings": warnings})


def before(hub: LocalHub, request: Request, *, kind: str, name: str, revision: str) -> Answer:
    """``preupload``: how each file is to be sent, and which are here already."""
    _must_be_known(request)
    repository, commit = hub.find(request, kind, name, revision)
    here = repository.commits[commit]
    return as_json({"commitOid": commit, "files": [
        {
            "path": file["path"], "uploadMode": "lfs" if is_large(file["path"], file["size"]) else "regular",
            "shouldIgnore": False, "oid": here[file["path"]].etag if file["path"] in here else None}
        for file in request.json()["files"]]})


def batch(hub: LocalHub, request: Request, *, kind: str, name: str) -> Answer:
    """``/info/lfs/objects/batch``: where large files are to be sent."""
    _must_be_known(request)
    hub.find(request, kind, name, "main")
    objects = []
    for asked in request.json()["objects"]:
        wanted: dict[str, Any] = {"oid": asked["oid"], "size": asked["size"]}
        if hub.blob(asked["oid"]) is None:
            wanted["actions"] = {
                "upload": {"href": f"{hub.storage_address}/upload/{asked['oid']}"},
                "verify": {"href": f"{hub.address}/{name}.git/info/lfs/objects/verify"}}
        objects.append(wanted)
    return as_json({"transfer": "basic", "objects": objects})


def take(hub: LocalHub, request: Request, *, sha256: str) -> Answer:
    """A large file itself, put into the storage."""
    if hashlib.sha256(request.body).hexdigest() != sha256:
        raise Refusal(400, "", "The content does not have the hash it was announced with.")
    hub.store(request.body)
    return Answer()


def verify(hub: LocalHub, request: Request) -> Answer:
    """Whether a large file has arrived whole."""
    asked = request.json()
    blob = hub.blob(asked["oid"])
    if blob is None or len(blob.data) != asked["size"]:
        raise Refusal(422, "", "The file has not arrived.")
    return as_json({})


def commit(hub: LocalHub, request: Request, *, kind: str, name: str, revision: str) -> Answer:
    """``/commit/main``: lines of JSON, each an operation; all or nothing."""
    _must_be_known(request)
    repository, parent = hub.find(request, kind, name, revision)
    if revision not in repository.branches:
        raise Refusal(404, "RevisionNotFound", "Commits go to branches.")
    blobs = dict(repository.commits[parent])
    for line in request.body.splitlines():
        if line.strip():
            _operate(hub, blobs, json.loads(line), parent)
    new = repository.keep(blobs, revision)
    repository.facts.modified = datetime.now(UTC)
    return as_json({"success": True, "commitOid": new, "commitUrl": f"{hub.address}/{name}/commit/{new}"})


def _operate(hub: LocalHub, blobs: dict[str, Blob], line: dict[str, Any], parent: str) -> None:
    """One line of a commit."""
    key, value = line["key"], line["value"]
    if key == "header":
        if value.get("parentCommit") not in {None, parent}:
            raise Refusal(412, "", "A commit has happened since. Please refresh and try again.")
        return
    path = value["path"]
    if key == "file":
        blobs[path] = Blob(base64.b64decode(value["content"]), large=False)
    elif key == "lfsFile":
        stored = hub.blob(value["oid"])
        if stored is None:
            raise Refusal(422, "", f"{path} was not uploaded before its commit.")
        blobs[path] = stored
    elif key in {"deletedFile", "deletedFolder"}:
        gone = [known for known in blobs if known == path or known.startswith(f"{path.rstrip('/')}/")]
        if not gone:
            raise Refusal(404, "EntryNotFound", "A file with this name doesn't exist")
        for known in gone:
            del blobs[known]
    else:
        raise Refusal(400, "", f"No operation {key!r}.")


def _must_be_known(request: Request) -> None:
    if not request.user:
        raise Refusal(401, "", "Invalid username or password.")
