"""What the model browser is told of models, of the workspace and of the Hub: plain dictionaries, as JSON has them.

The browser's twin is `frontend/src/models/wire.ts`; a contract test compares names and fields. Every text may come
from outside and is shown as text. Sizes are in bytes, times in seconds since 1970.
"""

from __future__ import annotations

from typing import Any, Literal, TypedDict

from nbtrain.core.dataset_views import UploadView

__all__ = ["UploadView"]

#: How far a version has come; words are ``stage.<stage>``.
Stage = Literal["none", "staging", "production", "archived"]
#: What a version's files are; words are ``model_format.<format>``.
Format = Literal["transformers", "architecture", "module", "exported", "torchscript", "onnx"]


class MetricView(TypedDict):
    """One figure of a model."""

    name: str
    value: float


class ModelRow(TypedDict):
    """One model of the workspace, as its newest version is; `stage` is the highest that any version is in.

    `source` is a sentence's key and arguments: ``model_source.<kind>`` says it with `source_args`.
    """

    id: str
    name: str
    architecture: str
    format: Format
    task: str
    category: str
    tags: list[str]
    parameters: int | None
    bytes: int
    created: float
    updated: float
    versions: int
    stage: Stage
    metric: MetricView | None
    source: str
    source_args: dict[str, str]


class ModelPage(TypedDict):
    """A stretch of the list, and what can be filtered by.

    `total` is how many models the query finds in all, `count` how many there are in the workspace.
    """

    rows: list[ModelRow]
    total: int
    count: int
    categories: list[str]
    tags: list[str]


class FileView(TypedDict):
    """A file of a version, or of a repository. `safe` is False for what could run code when it is loaded."""

    path: str
    size: int
    safe: bool


class VersionView(TypedDict):
    """One version of a model. `data` is the fingerprint of what it was trained on, or empty.

    `exports` are the formats it can be exported to; `tryable`: the form of “Try it” knows what to ask.
    """

    number: int
    stage: Stage
    created: float
    bytes: int
    parameters: int | None
    format: Format
    architecture: str
    metrics: list[MetricView]
    labels: list[str]
    data: str
    options: dict[str, Any]
    source: str
    source_args: dict[str, str]
    note: str
    files: list[FileView]
    exports: list[str]
    tryable: bool


class ModelFacts(TypedDict):
    """All the panel shows of one model; versions newest first. `running` names the tasks at work on it, by kind."""

    row: ModelRow
    versions: list[VersionView]
    folder: str
    running: dict[str, str]


class HubRow(TypedDict):
    """One model of the Hub as a search finds it; None where the Hub does not say.

    `gated` is empty, ``auto`` or ``manual``; `cached`: all that is needed to load it is on this machine.
    """

    id: str
    task: str
    library: str
    languages: list[str]
    licence: str
    parameters: int | None
    downloads: int | None
    likes: int | None
    updated: float | None
    gated: str
    cached: bool


class HubPage(TypedDict):
    """A page of what a search found; `next` asks for the one after, None on the last.

    `offline`: only what is cached was searched; `note` says why, in a sentence.
    """

    rows: list[HubRow]
    next: str | None
    offline: bool
    note: str


class CardBlock(TypedDict):
    """A block of a model card: ``heading paragraph list code quote table rule``. Nothing in it is HTML.

    `level` of a heading 1–6, of a list its depth; `ordered` of a list; `language` of code; `text` of code; `spans` of
    headings and paragraphs; `items` are the blocks of each list item, or of a quote; `cells` the rows of a table, the
    first of which is its head.
    """

    type: str
    level: int
    ordered: bool
    language: str
    text: str
    spans: list[CardSpan]
    items: list[list[CardBlock]]
    cells: list[list[list[CardSpan]]]


class CardSpan(TypedDict):
    """Some words of a card. `style` is empty, ``strong``, ``em``, ``code`` or ``strike``; `href` an https address."""

    text: str
    style: str
    href: str


class FitPart(TypedDict):
    """What a part of the memory is for: ``fit.<name>`` says it."""

    name: str
    bytes: int


class FitView(TypedDict):
    """Whether a model fits this machine; all bytes are estimates, None where nothing is known of its size.

    `verdict` is ``fits`` (with a fifth to spare), ``tight``, ``no`` or ``unknown``; `device` what was looked at.
    """

    device: str
    free: int
    inference: int | None
    training: int | None
    inference_verdict: str
    training_verdict: str
    parts: list[FitPart]


class HubFacts(TypedDict):
    """All that is known of a model of the Hub before it is downloaded.

    `download` is how many bytes would be fetched now, `have` how many are here. `remote_code`: it needs code of the
    repository's own to load, which runs only after the user allowed it. `problem`: a sentence when it cannot be loaded
    or downloaded at all, else empty.
    """

    row: HubRow
    revision: str
    commit: str
    card: list[CardBlock]
    files: list[FileView]
    tags: list[str]
    architecture: str
    precision: str
    download: int
    have: int
    remote_code: bool
    fit: FitView
    offline: bool
    note: str
    problem: str


class DownloadView(TypedDict):
    """A download, under way or to be gone on with; ``phase``: ``waiting running stopped done failed``.

    `speed` in bytes a second and `left` in seconds, None while unknown. `task` is the id of the task that works on it,
    empty when none does; `error` a sentence. `model` is the id of the model it became, once done. `question` is what it
    failed for the want of: the user's word, ``convert`` or ``remote_code``; else empty.
    """

    id: str
    repository: str
    revision: str
    have: int
    total: int
    speed: float | None
    left: float | None
    phase: str
    task: str
    error: str
    model: str
    question: str


class ExportView(TypedDict):
    """What an export wrote. `difference` is the largest from PyTorch's own output, None where nothing was compared."""

    path: str
    files: list[FileView]
    bytes: int
    difference: float | None
    note: str


class TryField(TypedDict):
    """One input of “Try it”. `type`: ``text number choice switch file series``; `choices` are for a choice.

    `accept` are the endings of a file; `rows` how many steps of a series one sample has, 0 where that is no matter.
    """

    name: str
    type: str
    choices: list[str]
    example: Any
    accept: str
    rows: int


class TryForm(TypedDict):
    """What to ask for a prediction. `kind`: ``text tabular image sound series``; `note` a sentence or empty."""

    kind: str
    fields: list[TryField]
    note: str


class Guess(TypedDict):
    """One class with its probability, 0–1."""

    label: str
    probability: float


class Mark(TypedDict):
    """A word of a text with what it was said to be; `label` is empty where it is nothing."""

    text: str
    label: str


class Shown(TypedDict):
    """Something to read, to see or to hear. `kind`: ``text marks image audio``.

    `text` of a text; `marks` are the words of a text in their order; `content` of a file of `mime`, in base64.
    """

    kind: str
    title: str
    text: str
    marks: list[Mark]
    mime: str
    content: str


class Prediction(TypedDict):
    """What the model says: classes, the likeliest first; numbers; what is read, seen or heard.

    `seconds` it took, without loading the model.
    """

    guesses: list[Guess]
    values: list[MetricView]
    shown: list[Shown]
    seconds: float
    note: str
