"""What the datasets panel is told of datasets: plain dictionaries, as JSON has them.

The browser's twin is `frontend/src/datasets/wire.ts`; a contract test compares names and fields. Every text may
come from outside and is shown as text.
"""

from __future__ import annotations

from typing import Any, Literal, TypedDict

#: A value of a column: dates and what JSON has no type for are written as text.
Scalar = str | float | bool | None


class DatasetRow(TypedDict):
    """One line of the list. `bytes` on the disk; `created` in seconds since 1970; `rejected` rows were left out."""

    id: str
    name: str
    rows: int
    columns: int
    bytes: int
    kind: Literal["table", "text", "image", "audio"]
    created: float
    source: str
    rejected: int


class UploadView(TypedDict):
    """A file on its way from the browser, or left half-way: `have` of `size` bytes have arrived."""

    upload: str
    name: str
    size: int
    have: int


class ColumnView(TypedDict):
    """A column: its kind (core to all panels) and its type in the database's words."""

    name: str
    kind: str
    type: str


class ValueCount(TypedDict):
    """How often a value occurs."""

    value: Scalar
    count: int


class ColumnFacts(TypedDict):
    """What a profile knows of a column; None where a figure makes no sense. Lengths are means."""

    name: str
    kind: str
    type: str
    missing: int
    distinct: int | None
    min: Scalar
    max: Scalar
    mean: float | None
    deviation: float | None
    quantiles: list[Scalar]
    top: list[ValueCount]
    histogram: list[int]
    characters: float | None
    tokens: float | None


class ProfileView(TypedDict):
    """Facts of a dataset, exact. `classes` are those of the column `target`, most frequent first."""

    rows: int
    bytes: int
    target: str | None
    columns: list[ColumnFacts]
    classes: list[ValueCount]


class PartCounts(TypedDict):
    """Rows of each part, in the order of training, validation, test and what was left out."""

    value: Scalar
    parts: list[int]


class SplitView(TypedDict):
    """A split that was made: how, the rows of each part, and the classes of the target in each part."""

    spec: dict[str, Any]
    counts: list[int]
    classes: list[PartCounts]


class RemedyView(TypedDict):
    """What one click would do about a finding: the key ``remedy.<kind>`` says it."""

    kind: str
    args: dict[str, Scalar]


class FindingView(TypedDict):
    """One thing the quality check found: ``finding.<kind>`` says it with `args`; `rows` are examples' numbers."""

    index: int
    kind: str
    severity: Literal["high", "medium", "low"]
    count: int
    share: float
    columns: list[str]
    rows: list[int]
    args: dict[str, Scalar]
    remedy: RemedyView | None


class QualityView(TypedDict):
    """A quality report, the worst first. `stale`: the split or the target changed since."""

    findings: list[FindingView]
    stale: bool


class DatasetFacts(TypedDict):
    """All the panel shows of one dataset. `running` names the tasks that work on it, by their kind."""

    row: DatasetRow
    fingerprint: str
    rejected_file: str
    columns: list[ColumnView]
    target: str | None
    steps: list[dict[str, Any]]
    profile: ProfileView | None
    split: SplitView | None
    quality: QualityView | None
    running: dict[str, str]


class StepOption(TypedDict):
    """An option of a processing step: the words are ``step.<step>.<name>``."""

    name: str
    type: Literal["bool", "int", "float", "choice", "text", "column", "columns"]
    default: Any
    choices: list[str]
    min: float | None
    max: float | None


class StepSchema(TypedDict):
    """A step that can be added: its words are ``step.<name>`` and ``step.<name>.help``; `kinds` of columns it fits."""

    name: str
    group: str
    kinds: list[str]
    options: list[StepOption]


class Cells(TypedDict):
    """A few rows as text; None where a value is missing."""

    columns: list[str]
    rows: list[list[str | None]]


class BeforeAfter(TypedDict):
    """The user's own rows, before and after a step. `dropped`: how many of those shown the step leaves out."""

    before: Cells
    after: Cells
    dropped: int
