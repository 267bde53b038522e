"""What a panel and the kernel say to each other; the browser's twin is `frontend/src/shared/wire.ts`.

Explained in docs/wire.md. A contract test compares names and fields of the twins.
"""

# Without the future's annotations: as strings they would hide NotRequired from `__required_keys__`.
from typing import Any, Literal, NotRequired, TypedDict

from nbtrain.config.recipe_faces import RecipeFace
from nbtrain.config.schema import Field
from nbtrain.core.ports import (
    ColumnChoice,
    Foreseen,
    GpuSample,
    HardwareSample,
    Resumption,
    RunRow,
    Subject,
    TeacherChoice,
)
from nbtrain.core.samples import Medium
from nbtrain.core.tasks import TaskPhase

__all__ = [
    "Beat", "Chef", "ColumnChoice", "Delta", "Field", "Foreseen", "GpuSample", "GroupView", "HardwareSample", "Message",
    "PairView", "Preset", "Problem", "RecipeFace", "Reply", "ReplyError", "Request", "ResultsView", "Resumption",
    "RunError", "RunRow", "RunState", "SampleView", "SeriesPart", "SignView", "Snapshot", "Stage", "Subject",
    "TaskPhase", "TaskState", "TeacherChoice", "WorstView",
]

Stage = Literal["preheating", "simmering", "boiling", "finishing", "ready", "burnt", "paused"]

#: A browser's wish as it arrives: ``id`` and ``kind``, and what the kind needs. Nothing in it is trusted.
Request = dict[str, Any]


class RunError(TypedDict):
    """Why a run failed: the exception's class and its sentence."""

    kind: str
    message: str


class Chef(TypedDict):
    """What the chef says: a key of the catalogue and what its braces hold."""

    key: str
    args: dict[str, str | float]


class RunState(TypedDict):
    """All a panel shows of a run but its curves. `heat`, `bubbles` and `progress` are 0–1, times in seconds.

    `own_loop`: the loop is the user's, so there is nothing to save or to resume.
    """

    run: str
    name: str
    state: str
    stage: Stage
    reason: str
    warnings: list[str]
    step: int
    total_steps: int | None
    epoch: int
    epochs: int
    progress: float
    samples_per_second: float | None
    seconds_left: float | None
    seconds: float
    heat: float
    bubbles: float
    chef: Chef
    error: RunError | None
    resumed: Resumption | None
    parent: str | None
    live: dict[str, Any]
    own_loop: bool
    last: dict[str, float | None]
    signs: list["SignView"]
    sampled: list[int]
    colour: int


class SignView(TypedDict):
    """A figure of the run beside what it should be: ``good``, ``off`` its range, or ``bad`` where it is no number."""

    name: str
    value: float | None
    low: float
    high: float
    health: Literal["good", "off", "bad"]


class SampleView(TypedDict):
    """Something the model made; what it is travels as a buffer."""

    title: str
    kind: Medium
    mime: str


class GroupView(TypedDict):
    """Figures of a class, a kind of entity or a point; None where one is no number."""

    name: str
    rows: int
    figures: dict[str, float | None]


class PairView(TypedDict):
    """How many of the `of` rows of a class were taken for another."""

    truth: str
    predicted: str
    count: int
    of: int


class WorstView(TypedDict):
    """One of the rows on which a run errs most; `image` is the index of a buffer."""

    row: int
    truth: str
    predicted: str
    measure: float | None
    chance: float | None
    text: str
    cells: list[list[str]]
    image: int | None
    mime: str


class ResultsView(TypedDict):
    """What a run did on rows held out. `matrix`: rows of each class (down) taken for each (across).

    It is None where there are no classes, or too many for a table; `pairs` only where there are none. `points` is the
    index of a buffer of truth and prediction in turn, Float64. Of `of_groups` groups there are the first, or of many
    those with the lowest figures.
    """

    part: str
    rows: int
    step: int
    metrics: dict[str, float | None]
    classes: list[str]
    matrix: list[list[int]] | None
    pairs: list[PairView] | None
    groups: list[GroupView]
    of_groups: int
    points: int | None
    measure: str
    worst: list[WorstView]
    notes: list[str]


class SeriesPart(TypedDict):
    """`count` new points of one series; `values` and `steps` are indexes of the message's buffers."""

    run: str
    name: str
    count: int
    total: int
    reset: bool
    first: int
    stride: int
    steps: int | None
    values: int


class TaskState(TypedDict):
    """Long work that is not a run, as an import. `done` and `total` are in `unit`, or a share where that is empty."""

    task: str
    kind: str
    title: str
    phase: TaskPhase
    done: float
    total: float | None
    unit: str
    seconds: float
    error: RunError | None


class Snapshot(TypedDict):
    """Everything a panel shows; replaces all that was known."""

    type: Literal["snapshot"]
    seq: int
    states: list[RunState]
    series: list[SeriesPart]
    hardware: NotRequired[list[HardwareSample]]
    tasks: NotRequired[list[TaskState]]


class Delta(TypedDict):
    """What is new since the message before."""

    type: Literal["delta"]
    seq: int
    states: list[RunState]
    series: list[SeriesPart]
    hardware: NotRequired[list[HardwareSample]]
    tasks: NotRequired[list[TaskState]]


class Beat(TypedDict):
    """The kernel lives and has nothing new."""

    type: Literal["beat"]
    seq: int


class Problem(TypedDict):
    """What is wrong with one option."""

    field: str
    message: str


class ReplyError(TypedDict):
    """Why a request was refused. `kind` is the class of the error."""

    kind: str
    message: str
    problems: list[Problem]


class Reply(TypedDict):
    """The answer to request `id`. An empty `id`: something went wrong in the kernel that nobody asked for."""

    type: Literal["reply"]
    id: str
    ok: bool
    result: NotRequired[Any]
    error: NotRequired[ReplyError]


class Preset(TypedDict):
    """Options that go well together; its words are ``preset.<name>`` and ``preset.<name>.help``."""

    name: str
    recommended: bool
    options: dict[str, Any]


Message = Snapshot | Delta | Beat | Reply
