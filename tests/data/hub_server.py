"""A small Hub on this machine: enough of its answers for its own client, and the troubles a network has."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class Repository:
    """A dataset: its files by revision, and its card."""

    files: Mapping[str, bytes]
    card: Mapping[str, Any] = field(default_factory=dict)
    revisions: Mapping[str, Mapping[str, bytes]] = field(default_factory=dict)
    """Other branches than ``main``."""

    def at(self, revision: str) -> Mapping[str, bytes] | None:
        """The files of a branch or commit."""
        if revision in {"main", commit_of(self.files)}:
            return self.files
        return next(
            (files for name, files in self.revisions.items() if revision in {name, commit_of(files)}), None)


def commit_of(files: Mapping[str, bytes]) -> str:
    """A commit is a function of its files."""
    return hashlib.sha1(repr(sorted(files.items())).encode()).hexdigest()  # noqa: S324 - as git does


@dataclass
class Hub:
    """What the server has, does wrong, and was asked."""

    repositories: dict[str, Repository] = field(default_factory=dict)
    cuts: dict[str, list[int]] = field(default_factory=dict)
    """File → after how many bytes each of the next answers breaks off."""
    refusals: dict[str, tuple[int, str]] = field(default_factory=dict)
    """Part of a path → status and the Hub's own code for it."""
    asked: list[tuple[str, str, str | None]] = field(default_factory=list)
    """Method, path and range of every request."""
    tokens: set[str | None] = field(default_factory=set)
    address: str = ""

    def downloads(self, file: str) -> list[str | None]:
        """The ranges in which a file was asked for."""
        return [span for method, path, span in self.asked if method == "GET" and path.endswith(f"/{file}")]


@contextmanager
def serving(hub: Hub) -> Iterator[Hub]:
    """The server, at ``hub.address``, as long as the block runs."""
    handler = type("Handler", (_Handler,), {"hub": hub})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        hub.address = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield hub
        finally:
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path)
        self.hub.asked.append((self.command, path, self.headers.get("Range")))
        self.hub.tokens.add(self.headers.get("Authorization"))
        for part, (status, code) in self.hub.refusals.items():
            if part in path:
                self._refuse(status, code)
                return
        if found := re.fullmatch(r"/api/datasets/([^/]+/[^/]+)(?:/revision/(.+))?", path):
            self._facts(found[1], found[2] or "main")
        elif found := re.fullmatch(r"/api/datasets/([^/]+/[^/]+)/tree/([^/]+|refs/convert/parquet)/?", path):
            self._tree(found[1], found[2])
        elif found := re.fullmatch(r"/datasets/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
            self._file(found[1], found[2], found[3])
        else:
            self._refuse(404, "")

    def do_HEAD(self) -> None:
        self.do_GET()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
        """Nothing is printed."""

    def _files(self, name: str, revision: str) -> Mapping[str, bytes] | None:
        repository = self.hub.repositories.get(name)
        if repository is None:
            self._refuse(401, "RepoNotFound")  # as the Hub answers whoever is not logged in
            return None
        files = repository.at(revision)
        if files is None:
            self._refuse(404, "RevisionNotFound")
        return files

    def _facts(self, name: str, revision: str) -> None:
        files = self._files(name, revision)
        if files is not None:
            self._json({
                "id": name, "sha": commit_of(files), "private": False, "gated": False, "downloads": 0, "likes": 0,
                "tags": [], "siblings": [{"rfilename": file} for file in files],
                "cardData": dict(self.hub.repositories[name].card)})

    def _tree(self, name: str, revision: str) -> None:
        files = self._files(name, revision)
        if files is not None:
            self._json([
                {"type": "file", "oid": _etag(data), "size": len(data), "path": file} for file, data in files.items()])

    def _file(self, name: str, revision: str, file: str) -> None:
        files = self._files(name, revision)
        if files is None:
            return
        if file not in files:
            self._refuse(404, "EntryNotFound")
            return
        whole = files[file]
        span = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range") or "")
        start = int(span[1]) if span else 0
        data = whole[start:]
        self.send_response(206 if span else 200)
        self.send_header("ETag", f'"{_etag(whole)}"')
        self.send_header("X-Repo-Commit", commit_of(files))
        self.send_header("Accept-Ranges", "bytes")
        if span:
            self.send_header("Content-Range", f"bytes {start}-{len(whole) - 1}/{len(whole)}")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command == "HEAD":
            return
        cuts = self.hub.cuts.get(file)
        if cuts:
            self.wfile.write(data[:cuts.pop(0)])
            self.wfile.flush()
            self.close_connection = True
            return
        self.wfile.write(data)

    def _json(self, value: Any) -> None:
        data = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def _refuse(self, status: int, code: str) -> None:
        self.send_response(status)
        if code:
            self.send_header("X-Error-Code", code)
        self.send_header("X-Error-Message", f"the server says no to {self.headers.get('Authorization')}")
        self.send_header("Content-Length", "0")
        self.end_headers()


def _etag(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()  # noqa: S324 - as git does
