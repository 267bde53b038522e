"""The local Hub itself: its two addresses, and what leads a request to its answer."""

from __future__ import annotations

import contextlib
import functools
import os
import re
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlsplit

from nbtrain.hub.local import files, reading, uploading
from nbtrain.hub.local.exchange import Answer, Refusal, Request, as_json
from nbtrain.hub.local.repositories import Blob, Repository
from nbtrain.hub.local.troubles import Troubles

#: Pieces in which a file with a pace is sent, each second.
_PIECES = 20


@dataclass(frozen=True)
class Asked:
    """A request that came; `range` as it was sent."""

    method: str
    path: str
    range: str | None


class LocalHub(Troubles):
    """A Hub on this machine, from `start` to `stop` or inside ``with``.

    Args:
        repositories: by name, ``owner/name`` for models and ``datasets/owner/name`` for datasets.
        token: the only one that is accepted; None accepts any. Nobody needs one to read what is public.
        user: whose token it is.
    """

    def __init__(
        self, repositories: Mapping[str, Repository] | None = None, token: str | None = None, user: str = "local",
    ) -> None:
        super().__init__()
        self.repositories: dict[str, Repository] = dict(repositories or {})
        self.token = token
        self.user = user
        self.address = ""
        """Of the Hub: what ``HF_ENDPOINT`` is to be."""
        self.storage_address = ""
        """Of the storage of large files."""
        self.log: list[Asked] = []
        self.tokens: set[str | None] = set()
        """Every Authorization that was sent to either address."""
        self.lock = threading.RLock()
        self.stopping = threading.Event()
        self.connections: set[socket.socket] = set()
        self._used = contextlib.ExitStack()
        self._uploads: dict[str, Blob] = {}
        self._running: list[tuple[ThreadingHTTPServer, threading.Thread]] = []

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> Self:
        """Listen, on ports that are free."""
        if not self._running:
            self.stopping.clear()
            self.address = self._listen(_HUB)
            self.storage_address = self._listen(_STORAGE)
        return self

    def stop(self) -> None:
        """Answer no more; requests under way are cut."""
        self._used.close()
        self.stopping.set()
        for server, thread in self._running:
            server.shutdown()
            server.server_close()
            thread.join()
        for connection in list(self.connections):
            with contextlib.suppress(OSError):  # it has ended by itself
                connection.shutdown(socket.SHUT_RDWR)
        self._running.clear()

    def environment(self) -> dict[str, str]:
        """What a process needs to see to use this Hub. The client's other way of transfer, Xet, is not spoken here."""
        return {"HF_ENDPOINT": self.address, "HF_HUB_DISABLE_XET": "1", "HF_HUB_OFFLINE": "0"}

    @contextlib.contextmanager
    def used(self, cache: str | os.PathLike[str] | None = None) -> Iterator[Self]:
        """Let this process use this Hub inside ``with``, and this folder as the client's cache.

        The client reads most of its settings when it is imported, so those are changed as well.
        """
        kept_in = {} if cache is None else {"HF_HUB_CACHE": os.fspath(cache)}
        environment = {**self.environment(), **kept_in}
        settings: dict[str, Any] = {
            "ENDPOINT": self.address, "HUGGINGFACE_CO_URL_HOME": f"{self.address}/", "HF_HUB_DISABLE_XET": True,
            "HUGGINGFACE_CO_URL_TEMPLATE": self.address + "/{repo_id}/resolve/{revision}/{filename}",
            "HF_HUB_OFFLINE": False, **kept_in}
        before = {name: os.environ.get(name) for name in environment}
        os.environ.update(environment)
        constants: Any = sys.modules.get("huggingface_hub.constants")
        known = {name: getattr(constants, name) for name in settings} if constants else {}
        for name in known:
            setattr(constants, name, settings[name])
        try:
            yield self
        finally:
            for name, value in known.items():
                setattr(constants, name, value)
            for name, text in before.items():
                if text is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = text

    def use(self, cache: str | os.PathLike[str] | None = None) -> None:
        """The same until it stops, for a notebook, whose cells share no ``with``."""
        self._used.close()
        self._used.enter_context(self.used(cache))

    def add(self, name: str, content: Mapping[str, bytes] | None = None, **facts: Any) -> Repository:
        """A repository with these files; `facts` as `Repository` takes them, among them `kind` and `revisions`."""
        repository = Repository(content, **facts)
        self.put(name, repository)
        return repository

    def add_transformers(
        self, name: str, architecture: str = "BertForSequenceClassification", **given: Any,
    ) -> Repository:
        """A tiny model of `transformers`; `given` is for `samples.files` and, beyond that, facts."""
        from nbtrain.hub.local import samples  # noqa: PLC0415 - it needs torch, which the server does not

        return samples.add(self, name, architecture, **given)

    def put(self, name: str, repository: Repository) -> None:
        """A repository that is made already."""
        with self.lock:
            self.repositories[_key(repository.kind, name)] = repository

    def has(self, kind: str, name: str) -> bool:
        return _key(kind, name) in self.repositories

    def of_kind(self, kind: str) -> list[tuple[str, Repository]]:
        """All models or all datasets, by name."""
        return [
            (key.removeprefix("datasets/"), each) for key, each in self.repositories.items() if each.kind == kind]

    def find(self, request: Request, kind: str, name: str, revision: str) -> tuple[Repository, str]:
        """A repository and a commit of it, as this user may see it; else a refusal."""
        repository = self.repositories.get(_key(kind, name))
        if repository is None or (repository.facts.private and not request.user):
            # The Hub does not tell who is not logged in whether a name is private or not there.
            raise Refusal(404 if request.user else 401, "RepoNotFound", "Repository not found")
        commit = repository.at(revision)
        if commit is None:
            raise Refusal(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        return repository, commit

    def blob(self, sha256: str) -> Blob | None:
        """A large file, of a repository or uploaded and not committed yet."""
        if sha256 in self._uploads:
            return self._uploads[sha256]
        return next((
            blob for repository in self.repositories.values() for commit in repository.commits.values()
            for blob in commit.values() if blob.large and blob.sha256 == sha256), None)

    def store(self, data: bytes) -> None:
        """Keep a large file that was uploaded."""
        blob = Blob(data, large=True)
        self._uploads[blob.sha256] = blob

    def downloads(self, file: str) -> list[str | None]:
        """The ranges in which the bytes of a file were asked for."""
        return [
            asked.range for asked in self.log
            if asked.method == "GET" and asked.path.endswith(f"/{file}") and "/resolve/" not in asked.path]

    def answer(self, request: Request, routes: _Routes) -> Answer:
        """What a request gets; a refusal is raised."""
        if (page := self.page(request.path)) is not None:
            return Answer(page, headers={"Content-Type": "text/html"})
        for methods, pattern, answering in routes:
            found = re.fullmatch(pattern, request.raw)
            if found and request.method in methods:
                self.check(request.path, request.headers.get("authorization", "nobody"))
                with self.lock:
                    return answering(self, request, **{
                        name: unquote(value) for name, value in found.groupdict().items() if value is not None})
        raise Refusal(404, "", f"No such address: {request.method} {request.path}")

    def known(self, authorization: str | None) -> str:
        """The user that a token belongs to, empty without one."""
        if authorization is None:
            return ""
        if self.token is not None and authorization != f"Bearer {self.token}":
            raise Refusal(401, "", "Invalid credentials in Authorization header")
        return self.user

    def _listen(self, routes: _Routes) -> str:
        handler = type("Handler", (_Handler,), {"hub": self, "routes": routes})
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        server.daemon_threads = True  # a connection that a client keeps open must not keep the server up
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), name="nbtrain-local-hub", daemon=True)
        thread.start()
        self._running.append((server, thread))
        return f"http://127.0.0.1:{server.server_address[1]}"


_Routes = list[tuple[str, str, Callable[..., Answer]]]
_NAME = r"(?P<name>[^/]+/[^/]+)"
#: A revision, with the one kind that has slashes in it.
_REVISION = r"(?P<revision>refs/[^/]+/[^/]+|[^/]+)"
_KIND = r"(?P<kind>model|dataset)s"

_HUB: _Routes = [
    ("GET", rf"/api/{_KIND}", reading.search),
    ("GET", r"/api/whoami-v2", lambda _, request: reading.whoami(request)),
    ("GET", rf"/api/{_KIND}/{_NAME}", reading.info),
    ("GET", rf"/api/{_KIND}/{_NAME}/revision/(?P<revision>.+)", reading.info),
    ("GET", rf"/api/{_KIND}/{_NAME}/tree/{_REVISION}(?:/(?P<folder>.*))?", reading.tree),
    ("GET", rf"/api/{_KIND}/{_NAME}/refs", reading.refs),
    ("GET HEAD", rf"/api/resolve-cache/{_KIND}/{_NAME}/(?P<revision>[0-9a-f]{{40}})/(?P<path>.+)", files.cached),
    ("POST", r"/api/repos/create", uploading.create),
    ("POST", r"/api/validate-yaml", lambda _, request: uploading.validated(request)),
    ("POST", rf"/api/{_KIND}/{_NAME}/preupload/(?P<revision>.+)", uploading.before),
    ("POST", rf"/api/{_KIND}/{_NAME}/commit/(?P<revision>.+)", uploading.commit),
    ("POST", r"/.+\.git/info/lfs/objects/verify", uploading.verify),
    ("POST", rf"/datasets/{_NAME}\.git/info/lfs/objects/batch",
     functools.partial(uploading.batch, kind="dataset")),
    ("POST", rf"/{_NAME}\.git/info/lfs/objects/batch",
     functools.partial(uploading.batch, kind="model")),
    ("GET HEAD", rf"/datasets/{_NAME}/resolve/{_REVISION}/(?P<path>.+)",
     functools.partial(files.resolve, kind="dataset")),
    ("GET HEAD", rf"/{_NAME}/resolve/{_REVISION}/(?P<path>.+)",
     functools.partial(files.resolve, kind="model")),
]
_STORAGE: _Routes = [
    ("GET HEAD", r"/storage/(?P<sha256>[0-9a-f]{64})/(?P<path>.+)", files.stored),
    ("PUT", r"/upload/(?P<sha256>[0-9a-f]{64})", uploading.take),
]


class _Handler(BaseHTTPRequestHandler):
    hub: LocalHub
    routes: _Routes
    protocol_version = "HTTP/1.1"

    def setup(self) -> None:
        super().setup()
        self.hub.connections.add(self.connection)

    def finish(self) -> None:
        self.hub.connections.discard(self.connection)
        with contextlib.suppress(OSError):  # what was still to be sent when the hub stopped
            super().finish()

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        path = unquote(address.path)
        self.hub.log.append(Asked(self.command, path, self.headers.get("Range")))
        authorization = self.headers.get("Authorization")
        self.hub.tokens.add(authorization)
        body = self._body()
        self._wait(path)
        try:
            user = self.hub.known(authorization)
            headers = {name.lower(): value for name, value in self.headers.items()}
            request = Request(self.command, path, address.path, parse_qs(address.query), headers, body, user)
            answer = self.hub.answer(request, self.routes)
        except Refusal as refusal:
            answer = _refused(refusal)
        self._send(answer)

    do_HEAD = do_POST = do_PUT = do_GET  # noqa: N815 - names of the library

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
        """Nothing is printed."""

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        pieces = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            pieces.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(pieces)

    def _wait(self, path: str) -> None:
        """Until this is to be answered; all may be well before."""
        begun = time.monotonic()
        while (left := begun + self.hub.wait(path) - time.monotonic()) > 0:
            if self.hub.stopping.wait(min(left, 1 / _PIECES)):
                return

    def _send(self, answer: Answer) -> None:
        self.send_response(answer.status)
        for name, value in {**answer.headers, "Content-Length": str(len(answer.body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        data, ends = self.hub.sent(answer.file, answer.body) if answer.file else (answer.body, False)
        try:
            self._write(data, answer.file)
        except OSError:  # who asked has gone
            ends = True
        if ends:
            self.close_connection = True

    def _write(self, data: bytes, file: str | None) -> None:
        start = 0
        while start < len(data):
            if self.hub.stopping.is_set():
                self.close_connection = True
                return
            pace = self.hub.paces.get(file or "")  # all may be well before its end
            size = len(data) if pace is None else max(pace // _PIECES, 1)
            self.wfile.write(data[start:start + size])
            start += size
            if pace is not None:
                self.hub.stopping.wait(1 / _PIECES)


def _refused(refusal: Refusal) -> Answer:
    answer = as_json({"error": refusal.message}, refusal.status, refusal.headers)
    for name, value in (("X-Error-Code", refusal.code), ("X-Error-Message", refusal.message)):
        if value:
            answer.headers[name] = value
    return answer


def _key(kind: str, name: str) -> str:
    return name if kind == "model" else f"{kind}s/{name}"
