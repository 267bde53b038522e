"""What the interface needs from the rest, as Protocols: it is handed the real ones, or fakes in tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Protocol, TypedDict

from nbtrain.core.control import Command, State, Ticket
from nbtrain.core.dataset_views import BeforeAfter, Cure, DatasetFacts, DatasetRow, StepSchema, UploadView
from nbtrain.core.history import History
from nbtrain.core.model_views import (
    DownloadView,
    ExportView,
    HubFacts,
    HubPage,
    ModelFacts,
    ModelPage,
    Prediction,
    TryForm,
)
from nbtrain.core.outcomes import Outcome
from nbtrain.core.samples import Sample, Sign
from nbtrain.core.tasks import Task, Tasks

#: The option that marks a run whose loop is the user's own; it lists what may be edited while that runs. Such a run has
#: no checkpoints, so nothing can be saved or resumed.
OWN_LOOP = "own_loop"


class Resumption(TypedDict):
    """How a run was taken up again; `reasons` says why it is not exact."""

    exact: bool
    reasons: list[str]


class RunView(Protocol):
    """A run as the interface sees it. Everything is cheap to read from any thread, at any time."""

    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def state(self) -> State: ...
    @property
    def reason(self) -> str:
        """Why the run is in this state, a sentence or empty (early stopping, waiting for another run, disk full)."""
    @property
    def warnings(self) -> Sequence[str]:
        """What the user should know that does not end the run, a sentence each, the newest last."""
    @property
    def step(self) -> int: ...
    @property
    def total_steps(self) -> int | None:
        """None while not known (preparing, or data without a length)."""
    @property
    def epoch(self) -> int:
        """1-based; 0 before the first."""
    @property
    def epochs(self) -> int: ...
    @property
    def progress(self) -> float:
        """0.0 to 1.0."""
    @property
    def samples_per_second(self) -> float | None: ...
    @property
    def seconds_left(self) -> float | None: ...
    @property
    def seconds(self) -> float:
        """Seconds spent training, pauses left out."""
    @property
    def history(self) -> History: ...
    @property
    def signs(self) -> Sequence[Sign]:
        """Figures of the history that say whether the run is well."""
    @property
    def sampled(self) -> Sequence[int]:
        """Epochs of which samples are kept, oldest first."""
    def samples(self, epoch: int | None = None) -> Sequence[Sample]:
        """What the model made after this epoch (1-based; None: the newest), read from the disk."""
    @property
    def error(self) -> Exception | None: ...
    @property
    def resumed(self) -> Resumption | None: ...
    @property
    def parent(self) -> str | None:
        """The run this one was forked from."""
    def options(self) -> Mapping[str, Any]:
        """Every option by its flat name, live edits included."""
    def request(self, command: Command) -> Ticket: ...


class RunRow(TypedDict):
    """One line of the list of runs."""

    id: str
    name: str
    state: str
    created: float
    step: int
    total_steps: int | None
    metrics: dict[str, float]
    parent: str | None
    live: bool


class Subject(TypedDict):
    """Something that can be trained, or trained on: a variable of the notebook, a model, a dataset; and what it is.

    `recipes`: those that a model is made for; None: any.
    """

    name: str
    kind: Literal["model", "data"]
    text: str
    recipes: list[str] | None


class ColumnChoice(TypedDict):
    """A column of the data that was chosen; `kind` as datasets name it, empty where nobody looked."""

    name: str
    kind: str


class TeacherChoice(TypedDict):
    """A registered model that could teach: its name, what it is, and why it cannot; empty where it can."""

    name: str
    text: str
    why: str


class Foreseen(TypedDict):
    """What a training would be. None where nobody can tell; times in seconds, memory in bytes."""

    model: str
    recipe: str
    parameters: int
    rows: dict[str, int]
    """By part: ``train validation test``."""
    steps: int | None
    seconds: float | None
    memory: int | None
    device: str
    free: int | None
    notes: list[str]


class Launcher(Protocol):
    """Starts and finds runs for the interface. Calls may take seconds: never from a comm handler."""

    def subjects(self) -> Sequence[Subject]:
        """What the notebook holds to choose from; empty when model and data were handed in already."""
    def bound(self) -> bool:
        """True when model and data were handed in, so the form need not ask."""
    def check(self, options: Mapping[str, Any]) -> None:
        """Raises ConfigError with every problem of these flat options."""
    def defaults(self) -> Mapping[str, Any]:
        """What the form starts from."""
    def recipes(self) -> Sequence[str]:
        """Names of the recipes there are, the user's own at the end."""
    def columns(self, data: str | None) -> Sequence[ColumnChoice]:
        """The columns of the data of this name (None: of what was handed in); none where it has no names for them."""
    def teachers(
        self, options: Mapping[str, Any], model: str | None = None, data: str | None = None,
        columns: Mapping[str, Any] | None = None,
    ) -> Sequence[TeacherChoice]:
        """The registered models, for a training that `start` would be given so: those that fit it best first."""
    def start(
        self, options: Mapping[str, Any], model: str | None = None, data: str | None = None,
        columns: Mapping[str, Any] | None = None,
    ) -> RunView:
        """A new run; `columns` says which are what: ``target text time group``, a list of ``features``.

        Raises ConfigError, DataError or ModelError before anything starts.
        """
    def foresee(
        self, options: Mapping[str, Any], model: str | None = None, data: str | None = None,
        columns: Mapping[str, Any] | None = None,
    ) -> Task[Foreseen]:
        """Begin to find out what `start` would do; nothing of it is kept."""
    def results(self, run_id: str) -> Outcome | None:
        """What was found of a run on rows held out, where that is kept with it. Raises RunNotFoundError."""
    def can_look(self, run_id: str) -> bool:
        """Whether `look` could find that out now: the run is in this kernel, and rows were held out."""
    def look(self, run_id: str) -> Task[Outcome]:
        """Begin to lay what a run gives for rows held out beside the truth. Raises RunNotFoundError or CommandError."""
    def resume(self, run_id: str) -> RunView:
        """Goes on from the last checkpoint of a run that ended."""
    def runs(self) -> Sequence[RunRow]:
        """Every run of the workspace, newest first."""
    def view(self, run_id: str) -> RunView:
        """A run by id, live or from the store. Raises RunNotFoundError."""
    def active(self) -> Sequence[RunView]:
        """Runs of this kernel that have not ended, oldest first."""


class GpuSample(TypedDict):
    """One GPU now. None where the driver does not tell."""

    index: int
    name: str
    use: float | None
    memory_used: int | None
    memory_total: int | None
    temperature: float | None
    power: float | None
    power_limit: float | None


class HardwareSample(TypedDict):
    """The machine now: shares 0–1, sizes in bytes, rates in bytes a second, temperature in °C, power in W."""

    time: float
    cpu: float
    cores: list[float]
    memory_used: int
    memory_total: int
    process_memory: int
    disk_used: int
    disk_total: int
    disk_read: float
    disk_write: float
    gpus: list[GpuSample]
    gpu_note: str
    """Empty, or why there are no GPUs to show: ``"none"``, ``"driver"``."""


class HardwareSource(Protocol):
    """Where hardware samples come from; sampling runs in a thread of its own while someone looks."""

    def latest(self) -> HardwareSample | None: ...
    def history(self) -> Sequence[HardwareSample]:
        """The last few minutes, oldest first."""
    def start(self) -> None:
        """One more onlooker."""
    def stop(self) -> None:
        """One onlooker less; sampling ends with the last."""


class ArrivalDesk(Protocol):
    """What is imported and uploaded, for the interface."""

    @property
    def tasks(self) -> Tasks:
        """All long work of this kernel on things of the kind."""
    def import_source(self, source: str, name: str | None, options: Mapping[str, Any]) -> str:
        """Import a path, a variable of the notebook, or what else a desk understands; the task's id.

        `options` are those of `nbtrain.data.reading.read_options`, or of a model ``convert trust_remote_code``.
        """
    def import_again(self, task: str, options: Mapping[str, Any]) -> str:
        """Do an import that failed once more, with these options changed."""
    def result(self, task: str) -> str | None:
        """The id of what a task made, once it is done."""

    def uploads(self) -> Sequence[UploadView]:
        """Files that have not arrived whole yet."""
    def upload(self, name: str, size: int, stamp: str) -> UploadView:
        """Begin an upload, or go on with one of this name, size and stamp."""
    def check_upload(self, upload: str, size: int, piece: int, digest: str) -> None:
        """Make sure that the first `size` bytes are this file's: `digest` is that of the digests of their pieces."""
    def chunk(self, upload: str, offset: int, data: memoryview, digest: str) -> int:
        """Take in bytes that belong at `offset`, of this SHA-256 or CRC-32; returns how many there are now."""
    def uploaded(self, upload: str, name: str | None, options: Mapping[str, Any]) -> tuple[str, str]:
        """Import an upload that is whole: the task's id, and the SHA-256 of the file."""
    def drop_upload(self, upload: str) -> None:
        """Throw away what has arrived."""


class DatasetDesk(ArrivalDesk, Protocol):
    """Datasets for the interface. Long work is begun and its task's id returned; the rest may take a second.

    A dataset is named by its id. Every method raises DatasetNotFoundError for one there is not, and ConfigError
    with a problem for each field that is wrong (``source``, ``name``, ``train``, ``columns`` …).
    """

    def rows(self) -> Sequence[DatasetRow]:
        """Every dataset of the workspace, newest first."""
    def facts(self, dataset: str) -> DatasetFacts: ...
    def steps(self) -> Sequence[StepSchema]:
        """The processing steps there are."""

    def sample(self) -> str:
        """Import a small real dataset to try things on."""
    def profile(self, dataset: str, target: str | None) -> str: ...
    def split(self, dataset: str, spec: Mapping[str, Any]) -> str: ...
    def quality(self, dataset: str, target: str | None) -> str: ...
    def before_after(self, dataset: str, steps: Sequence[Mapping[str, Any]], index: int) -> BeforeAfter:
        """What step `index` does to a few of the user's rows."""
    def process(self, dataset: str, steps: Sequence[Mapping[str, Any]], name: str) -> str:
        """Apply steps; the result is a new dataset."""
    def remedy(self, dataset: str, finding: int, kind: str, count: int) -> Cure:
        """Carry out the remedy of a finding, told by its index, kind and count.

        That is a new dataset, a new split, or an option that the training form shall take.
        """

    def rename(self, dataset: str, name: str) -> None: ...
    def delete(self, dataset: str) -> None: ...
    def undelete(self, dataset: str) -> None: ...
    def export(self, dataset: str, path: str) -> str:
        """Write it to a file of the user's, in the format of the file's ending."""
    def use(self, dataset: str) -> bool:
        """Let the training form take this dataset; False where there is no form to take it."""


class ModelDesk(ArrivalDesk, Protocol):
    """Models for the interface. Long work is begun and its task's id returned; the rest may take a second.

    A model is named by its id, one of the Hub by ``owner/name``. Methods raise ModelNotFoundError for one there is not,
    ConfigError with a problem for each field that is wrong (``name``, ``tags``, ``path`` …), HubError, ModelError and
    CommandError.
    """

    def models(self, query: Mapping[str, Any], offset: int, limit: int) -> ModelPage:
        """Models of the workspace. `query`: ``search sort descending stage category tag task``, each optional.

        `sort` is ``updated created name parameters bytes metric stage``.
        """
    def facts(self, model: str) -> ModelFacts: ...
    def rename(self, model: str, name: str) -> None: ...
    def tag(self, model: str, tags: Sequence[str]) -> None:
        """These tags in place of those it had."""
    def categorise(self, model: str, category: str) -> None:
        """Put it into a category; empty takes it out."""
    def note(self, model: str, version: int, note: str) -> None: ...
    def move(self, model: str, version: int, stage: str) -> None:
        """Move a version to a stage."""
    def delete(self, model: str, version: int | None) -> None:
        """The whole model, or one version of it."""
    def undelete(self, model: str, version: int | None) -> None: ...
    def verify(self, model: str, version: int) -> str:
        """Compare every file of a version with its hash."""
    def export(self, model: str, version: int, format: str, path: str, options: Mapping[str, Any]) -> str:  # noqa: A002 - the wire's word
        """Write a version to a file or folder of the user's: ``safetensors onnx exported transformers``."""
    def exported(self, task: str) -> ExportView | None:
        """What an export wrote, once it is done."""
    def push(self, model: str, version: int, repository: str, *, private: bool) -> str:
        """Upload a version to the Hub."""
    def use(self, model: str) -> bool:
        """Let the training form take this model; False where there is no form to take it."""

    def question(self, task: str) -> str:
        """What a failed import or download would need the user's word for: ``convert``, ``remote_code`` or empty."""
    def search(self, query: Mapping[str, Any], cursor: str | None) -> HubPage:
        """Search the Hub. `query`: ``search task library language licence size sort``, each optional.

        `sort` is ``downloads likes trending newest``; `size` is ``tiny small medium large`` (below 30 M, 300 M,
        3 B parameters, and above).
        """
    def hub_facts(self, repository: str, revision: str | None, training: Mapping[str, Any]) -> HubFacts:
        """Details of a model of the Hub; `training` has ``optimizer mixed_precision batch_size`` for its memory."""
    def download(
        self, repository: str, revision: str | None, *, trust_remote_code: bool = False, convert: bool = False,
    ) -> str:
        """Download a model and register it; the id of the download."""
    def downloads(self) -> Sequence[DownloadView]:
        """Those of this kernel, and those that an earlier one did not end."""
    def stop_download(self, download: str) -> None:
        """Stop; what has arrived stays, to go on from."""
    def resume_download(self, download: str, options: Mapping[str, Any] | None = None) -> str:
        """Go on with one, with more allowed: ``convert``, ``trust_remote_code``."""
    def drop_download(self, download: str) -> None:
        """Forget it, with what has arrived."""

    def try_form(self, model: str, version: int) -> TryForm: ...
    def predict(self, model: str, version: int, values: Mapping[str, Any]) -> Prediction:
        """A prediction for what was typed; a file's value is the id of an upload that is whole."""
