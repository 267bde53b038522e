"""What goes in and out of the local Hub: a request, an answer, and a refusal."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Request:
    """A request, read whole."""

    method: str
    path: str
    """Without escapes."""
    raw: str
    """With them: a slash in the name of a branch is escaped."""
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    """Names in small letters."""
    body: bytes
    user: str = ""
    """Who is logged in, empty for nobody."""

    def first(self, name: str) -> str:
        """A parameter of the query; empty where there is none."""
        return self.query.get(name, [""])[0]

    def truth(self, name: str) -> bool:
        return self.first(name).lower() in {"1", "true"}

    def json(self) -> Any:
        """The body; what is no JSON is refused."""
        try:
            return json.loads(self.body)
        except ValueError:
            raise Refusal(400, "", "The body is not JSON.") from None


@dataclass
class Answer:
    """An answer. `file` is the path of the file whose bytes it holds: troubles are told by it."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    file: str = ""


class Refusal(Exception):  # noqa: N818 - an answer like others, only shorter to give
    """An answer that is no success, with the Hub's own code for it."""

    def __init__(self, status: int, code: str = "", message: str = "", **headers: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


def as_json(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """An answer in JSON."""
    return Answer(
        json.dumps(value).encode(), status, {"Content-Type": "application/json; charset=utf-8", **(headers or {})})
