"""What the local Hub keeps: repositories with their commits, and what is known of each."""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Literal

#: What the Hub keeps in its storage of large files, whatever their size.
LARGE = (
    ".safetensors", ".bin", ".pt", ".pth", ".ckpt", ".pkl", ".h5", ".msgpack", ".onnx", ".pt2", ".parquet", ".zip",
    ".npy", ".npz", ".model", ".gguf")
#: And from this size on, in bytes.
LARGE_SIZE = 10 * 2**20

Kind = Literal["model", "dataset"]


@dataclass
class Facts:
    """What the Hub tells of a repository beside its files."""

    downloads: int = 0
    likes: int = 0
    trending: float = 0.0
    created: datetime = datetime(2024, 1, 1, tzinfo=UTC)
    modified: datetime | None = None
    private: bool = False
    gated: Literal["", "auto", "manual"] = ""
    accepted: bool = False
    """Who logs in has accepted the conditions of a gated one."""
    task: str = ""
    library: str = ""
    tags: tuple[str, ...] = ()
    card: Mapping[str, Any] = field(default_factory=dict)
    """In place of what the README says between its ``---``."""
    parameters: int | None = None
    """Said of one that has no files."""


@dataclass(frozen=True)
class Blob:
    """The content of a file, and the names it has: by git, and in the storage of large files."""

    data: bytes
    large: bool

    @cached_property
    def oid(self) -> str:
        """Its name in git: of a large file the pointer's."""
        return git_oid(self.pointer() if self.large else self.data)

    @cached_property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()

    @property
    def etag(self) -> str:
        return self.sha256 if self.large else self.oid

    def pointer(self) -> bytes:
        """What git keeps in place of a large file."""
        return (
            f"version https://git-lfs.github.com/spec/v1\noid sha256:{self.sha256}\nsize {len(self.data)}\n").encode()


class Repository:
    """A model or a dataset: branches, commits, and the facts.

    Args:
        files: of the branch ``main``, by path.
        kind: ``model`` or ``dataset``.
        revisions: files of other branches.
        facts: fields of `Facts`.
    """

    def __init__(
        self, files: Mapping[str, bytes] | None = None, *, kind: Kind = "model",
        revisions: Mapping[str, Mapping[str, bytes]] | None = None, **facts: Any,
    ) -> None:
        self.kind = kind
        self.facts = Facts(**facts)
        self.branches: dict[str, str] = {}
        self.commits: dict[str, dict[str, Blob]] = {}
        for branch, content in {"main": files or {}, **(revisions or {})}.items():
            self.commit(content, branch)

    @property
    def head(self) -> str:
        """The newest commit of ``main``."""
        return self.branches["main"]

    @property
    def files(self) -> dict[str, bytes]:
        """What ``main`` has now."""
        return {path: blob.data for path, blob in self.commits[self.head].items()}

    def at(self, revision: str) -> str | None:
        """The commit of a branch or a commit; None where there is none."""
        return self.branches.get(revision) or (revision if revision in self.commits else None)

    def commit(self, files: Mapping[str, bytes], branch: str = "main") -> str:
        """These files in place of all that the branch had; the new commit."""
        return self.keep({path: Blob(data, is_large(path, len(data))) for path, data in files.items()}, branch)

    def keep(self, blobs: Mapping[str, Blob], branch: str = "main") -> str:
        """As `commit`, of blobs that are known."""
        parent = self.branches.get(branch, "")
        said = json.dumps([parent, sorted((path, blob.oid) for path, blob in blobs.items())])
        commit = hashlib.sha1(said.encode(), usedforsecurity=False).hexdigest()
        self.commits[commit] = dict(blobs)
        self.branches[branch] = commit
        return commit

    def drop(self, branch: str) -> None:
        """Forget a branch and its commit: a revision that is gone."""
        self.commits.pop(self.branches.pop(branch), None)

    def card(self) -> dict[str, Any]:
        """What the README says of itself, unless the facts say it."""
        readme = self.commits[self.head].get("README.md")
        return dict(self.facts.card) or (front_matter(readme.data.decode(errors="replace")) if readme else {})

    def config(self) -> dict[str, Any]:
        """``config.json``, empty where there is none."""
        blob = self.commits[self.head].get("config.json")
        try:
            config = json.loads(blob.data) if blob else {}
        except ValueError:
            return {}
        return config if isinstance(config, dict) else {}

    def parameters(self) -> dict[str, int]:
        """Parameters by precision, from the headers of all safetensors files."""
        if self.facts.parameters is not None:
            return {"F32": self.facts.parameters}
        counts: dict[str, int] = {}
        for path, blob in self.commits[self.head].items():
            if path.endswith(".safetensors"):
                for precision, count in _counted(blob.data):
                    counts[precision] = counts.get(precision, 0) + count
        return counts

    def library(self) -> str:
        """As the card says; else by its files."""
        said = str(self.facts.library or self.card().get("library_name") or "")
        return said or ("transformers" if self.config().get("model_type") else "")

    def task(self) -> str:
        return str(self.facts.task or self.card().get("pipeline_tag") or "")

    def tags(self) -> list[str]:
        """All that a search filters by."""
        card = self.card()
        tags = [*self.facts.tags, *_listed(card.get("tags")), *_listed(card.get("language"))]
        if self.kind == "model":
            tags += [self.library(), self.task(), str(self.config().get("model_type") or "")]
            if self.parameters():
                tags.append("safetensors")
        tags += [f"license:{name}" for name in _listed(card.get("license"))]
        tags += [f"dataset:{name}" for name in _listed(card.get("datasets"))]
        return list(dict.fromkeys(filter(None, tags)))


def git_oid(data: bytes) -> str:
    """The name git gives a file of this content."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def is_large(path: str, size: int) -> bool:
    """Whether the Hub keeps a file in its storage of large files."""
    return size > 0 and (path.endswith(LARGE) or size >= LARGE_SIZE)


def front_matter(text: str) -> dict[str, Any]:
    """The metadata of a card: ``key: value`` and lists, which is all of YAML that cards of ours have."""
    lines = text.splitlines()
    if not lines or lines[0].strip() != "---" or "---" not in lines[1:]:
        return {}
    found: dict[str, Any] = {}
    key = ""
    for line in lines[1:lines.index("---", 1)]:
        if line.lstrip().startswith("- ") and isinstance(found.get(key), list):
            found[key].append(_plain(line.lstrip()[2:]))
        elif ":" in line and not line.startswith((" ", "#")):
            key, _, value = line.partition(":")
            found[key] = _plain(value) if value.strip() else []
    return found


def _plain(value: str) -> str:
    return value.strip().strip("'\"")


def _listed(value: Any) -> Iterable[str]:
    if isinstance(value, list):
        return [str(each) for each in value]
    return [str(value)] if value else []


def _counted(data: bytes) -> Iterable[tuple[str, int]]:
    """Precision and number of parameters of each tensor in a safetensors file; nothing of a damaged one."""
    try:
        (size,) = struct.unpack("<Q", data[:8])
        header = json.loads(data[8:8 + size])
    except (struct.error, ValueError):
        return
    for name, tensor in header.items():
        if name != "__metadata__":
            count = 1
            for length in tensor["shape"]:
                count *= length
            yield tensor["dtype"], count
