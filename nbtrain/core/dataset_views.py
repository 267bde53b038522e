"""What the datasets panel is told of datasets: plain dictionaries, as JSON has them.

The browser's twin is `frontend/src/datasets/wire.ts`; a contract test compares names and fields. Every text may
come from outside and is shown as text.
"""

from __future__ import annotations

from typing import Any, Literal, TypedDict

#: A value of a column: dates and what JSON has no type for are written as text.
Scalar = str | float | bool | None


class SourceView(TypedDict):
    """Where data comes from, where that is no path or name: ``datasets.source.<kind>`` says it with `args`."""

    kind: str
    args: dict[str, Scalar]


class DatasetRow(TypedDict):
    """One line of the list. `bytes` on the disk; `created` in seconds since 1970; `rejected` rows were left out.

    `source` is what was written down: a path, a name, or words in English, which `origin` says in every language.
    """

    id: str
    name: str
    rows: int
    columns: int
    bytes: int
    kind: Literal["table", "text", "image", "audio"]
    created: float
    source: str
    origin: SourceView | None
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


class NoteView(TypedDict):
    """Something about a split that its owner should know: ``split.note.<kind>`` says it with `args`."""

    kind: str
    args: dict[str, Scalar]


class SplitView(TypedDict):
    """A split that was made: how, the rows of each part, and the classes of the target in each part."""

    spec: dict[str, Any]
    counts: list[int]
    classes: list[PartCounts]
    notes: list[NoteView]


class FindingView(TypedDict):
    """One thing the quality check found; `rows` are examples' numbers.

    ``finding.<kind>`` says it with `args`, ``finding.<kind>.help`` why it matters, and ``remedy.<remedy>`` what one
    click would do about it; None where only the owner of the data can decide.
    """

    index: int
    kind: str
    severity: Literal["high", "medium", "low"]
    count: int
    share: float
    columns: list[str]
    rows: list[int]
    args: dict[str, Scalar]
    remedy: str | None


class Cure(TypedDict):
    """What became of a remedy: the task that carries it out.

    For an option of training there is none: `taken` says whether a form took it, `code` the line that does the same.
    """

    task: str | None
    taken: bool
    code: str


class QualityView(TypedDict):
    """A quality report, the worst first. `stale`: the split or the target changed since."""

    findings: list[FindingView]
    stale: bool


class DatasetFacts(TypedDict):
    """All the panel shows of one dataset.

    `notes` are sentences on what was decided when it was read; `running` names the tasks that work on it, by their
    kind.
    """

    row: DatasetRow
    fingerprint: str
    rejected_file: str
    notes: list[str]
    columns: list[ColumnView]
    target: str | None
    steps: list[dict[str, Any]]
    profile: ProfileView | None
    split: SplitView | None
    quality: QualityView | None
    running: dict[str, str]


class StepField(TypedDict):
    """One option of a step: its words are ``step.<step>.<name>``, and ``step.<step>.<name>.<choice>``.

    `kinds` are those a column may be of; one that is `optional` may be left empty (None); `needs` are the values that
    other options must have for it to be shown.
    """

    name: str
    type: Literal["int", "float", "bool", "choice", "text", "column", "columns"]
    default: Any
    min: float | None
    max: float | None
    choices: list[str] | None
    kinds: list[str] | None
    optional: bool
    advanced: bool
    needs: dict[str, list[Any]] | None


class StepSchema(TypedDict):
    """A step that can be added: its words are ``step.<name>``, ``step.<name>.help`` and ``step_group.<group>``."""

    name: str
    group: str
    learns: bool
    augments: bool
    fields: list[StepField]


class Cells(TypedDict):
    """A few rows as text; None where a value is missing."""

    columns: list[str]
    rows: list[list[str | None]]


class BeforeAfter(TypedDict):
    """The user's own rows, before and after a step. `dropped`: how many of those shown the step leaves out."""

    before: Cells
    after: Cells
    dropped: int
