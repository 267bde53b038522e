"""A run's copy in MLflow: options, figures in batches, tags, how it ended, and its best model.

The workspace is the truth. A thread of its own reads the history every few seconds from where it stopped and sends what
is new; what cannot be sent is told once, tried again, and never holds the run up. Where MLflow is, and as whom it is
asked, its own settings say (``MLFLOW_TRACKING_URI`` and others); nothing of them is kept or told.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import re
import shutil
import socket
import tempfile
import threading
import time
import weakref
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import numpy as np

from nbtrain.config import TrainConfig
from nbtrain.config.recipe_options import CUSTOM
from nbtrain.core.control import State, Stop
from nbtrain.core.errors import ConfigError, NbtrainError, Problem
from nbtrain.core.events import Warned
from nbtrain.models.package import MANIFEST
from nbtrain.store import atomic

if TYPE_CHECKING:
    from nbtrain.run import Run

_T = TypeVar("_T")
#: Of a run's folder: which run of MLflow it is there.
FILE = "mlflow.json"
#: Seconds from one sending to the next; between two tries, at most; of tries after the end; and that the end of the
#: interpreter waits.
SECONDS, LONGEST, LAST, AT_EXIT = 5.0, 300.0, 60.0, 20.0
#: Seconds without an answer, after which it is told.
_SLOW = 30.0
#: What is told, each once.
_LATER = "; the run goes on without it, and what is missing is sent when it can be, at the latest when the run ends."
CANNOT, SLOW = "MLflow cannot be written to ({})" + _LATER, "MLflow does not answer for {} seconds" + _LATER
GIVEN_UP = "Not all of the run is in MLflow ({}), and no more is sent; the workspace has it whole."
#: What one request takes, as MLflow has it.
_FIGURES, _PARAMETERS, _TAGS = 1000, 100, 100
#: Points of a series in one sending; a run of a thousand steps a second would keep both sides busy.
_POINTS = 500
#: Characters of an option and of a tag.
_LONGEST_PARAMETER, _LONGEST_TAG = 6000, 5000
_STATUS = {State.FINISHED: "FINISHED", State.STOPPED: "KILLED", State.FAILED: "FAILED"}
_NO_NAME = re.compile(r"[^\w\-. :/]")
#: Who asks, and a query, of an address; a password may hold any sign.
_SECRET = re.compile(r"(?<=://)\S*@|\?[^\s?]*=\S*")
_EDITED = "nbtrain.edited."
#: MLflow prints an address when a run ends, into whatever cell runs then.
_QUIET = "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT"


def check(config: TrainConfig) -> None:
    """Raises ConfigError where a run is to be mirrored and MLflow is not installed."""
    if config["mlflow"] is not None and find_spec("mlflow") is None:
        raise ConfigError([Problem("mlflow", (
            f"mlflow is {config['mlflow']!r}, and MLflow is not installed; install it with: pip install "
            "'nbtrain[mlflow]', or leave mlflow out."))])


def begin(run: Run) -> Mirror | None:
    """Mirror a run from now until it has ended; None where nobody asked for it."""
    experiment = run.config["mlflow"]
    return None if experiment is None else Mirror(run, str(experiment))


class Mirror:
    """The thread, and what it has sent.

    Args:
        run: that has just been started.
        experiment: of MLflow, by its name; made where there is none.
    """

    def __init__(self, run: Run, experiment: str) -> None:
        self.id = run.id
        self._run, self._experiment = run, experiment
        self._trainer = run._trainer  # noqa: SLF001 - a Run is the trainer's face
        self._client: Any = None
        self._mlflow_run: str | None = None
        self._parameters: dict[str, str] = {}
        self._sent: dict[str, int] = {}
        """Of each series, the last step that is there, as far as it is known."""
        self._unsure = False
        """Whether more may be there than is known, so that MLflow is asked."""
        self._places: dict[str, tuple[int, int]] = {}
        """Of each series, how many of its points were looked at, and the version of the column."""
        self._unsent: dict[str, str] = {}
        self._edited: dict[str, str] = {}
        self._ended = self._model_sent = False
        self._since = self._began = time.time()
        self._told: set[str] = set()
        self._pause = SECONDS
        resumed = run.resumed
        self._begins_at = run.step if resumed is not None and not resumed["exact"] else None
        """After which step what is there from before is of another course."""
        self._thread = threading.Thread(target=self._main, name=f"nbtrain-mlflow-{run.id}", daemon=True)
        self._before = [mirror for mirror in _alive if mirror.id == run.id]
        """Those of the same run, which was resumed before all of it was sent."""
        _alive.add(self)
        self._thread.start()

    def join(self, timeout: float | None = None) -> bool:
        """Wait until all was sent, or given up. Whether that was so in time."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    # -- the thread ---------------------------------------------------------------------------------

    def _main(self) -> None:
        for other in self._before:
            other.join()
        self._before = []
        self._since = self._began = time.time()
        until: float | None = None
        while until is None or time.monotonic() < until:
            if self._trainer.control.wait_until_ended(self._pause):
                self._trainer.join()
                if until is None:
                    until, self._pause = time.monotonic() + LAST, SECONDS
            try:
                self._send(ended=until is not None)
            except Exception as error:  # noqa: BLE001 - whatever it is, it is no matter of the run, and it is told
                self._warn(CANNOT, f"{type(error).__name__}: {error}")
                self._unsure, self._sent, self._places = True, {}, {}
                self._pause = min(2 * self._pause, LONGEST)
                if until is not None:
                    time.sleep(max(0.0, min(self._pause, until - time.monotonic())))
                    if time.monotonic() >= until:
                        self._warn(GIVEN_UP, f"{type(error).__name__}: {error}")
            else:
                self._pause = SECONDS
                if until is not None:
                    break
        _alive.discard(self)

    def _warn(self, message: str, said: str) -> None:
        """Each message once, whatever happens again."""
        if message not in self._told:
            self._told.add(message)
            self._trainer.publish(Warned(step=self._run.step, message=message.format(_plain(said))))

    @contextlib.contextmanager
    def _slowness(self) -> Iterator[None]:
        """What takes so long meanwhile is told."""
        slow = threading.Timer(_SLOW, self._warn, [SLOW, f"{_SLOW:.0f}"])
        slow.daemon = True
        slow.start()
        try:
            yield
        finally:
            slow.cancel()

    def _send(self, *, ended: bool) -> None:
        """Everything that is new. Raises whatever MLflow does."""
        with self._slowness():
            client = self._reached()
            if self._mlflow_run is None:
                self._begin(client)
            run = self._mlflow_run
            assert run is not None  # noqa: S101 - it was begun
            self._send_edits(client, run)
            self._send_figures(client, run)
            if ended and not self._ended:
                self._send_end(client, run)
        if ended and not self._model_sent:
            self._send_model(client, run)  # which may take its time

    def _reached(self) -> Any:
        """The client; at once an error where nothing listens, which MLflow would find out after minutes."""
        import mlflow  # noqa: PLC0415 - an extra, and slow to load

        address = urlsplit(mlflow.get_tracking_uri())
        host = address.hostname
        if address.scheme in {"http", "https"} and host and (
                address.scheme not in getproxies() or proxy_bypass(host)):
            port = address.port or (443 if address.scheme == "https" else 80)
            socket.create_connection((host, port), timeout=5.0).close()
        if self._client is None:
            self._client = mlflow.MlflowClient()
        return self._client

    def _begin(self, client: Any) -> None:
        """The run of MLflow: that of before, where this one was resumed, else a new one."""
        kept = _kept(self._run.folder)
        if kept is not None and (found := _found(client, kept["run"])) is not None:
            client.update_run(kept["run"], status="RUNNING")
            there, asked = dict(found.data.params), _texts(self._run.options())
            self._unsent = {name: value for name, value in asked.items() if name not in there}  # killed before it sent
            self._parameters, self._unsure = {**self._unsent, **there}, True
            self._edited = {name.removeprefix(_EDITED): value for name, value in found.data.tags.items()
                            if name.startswith(_EDITED)}
            self._mlflow_run = kept["run"]
            return
        known = client.get_experiment_by_name(self._experiment)
        experiment = client.create_experiment(self._experiment) if known is None else known.experiment_id
        made = client.create_run(
            experiment, start_time=int(self._since * 1000), tags=self._tags(), run_name=self._run.name)
        self._mlflow_run = made.info.run_id
        self._parameters = self._unsent = _texts(self._run.options())
        atomic.write_json(self._run.folder / FILE, {"run": self._mlflow_run})

    def _tags(self) -> dict[str, str]:
        from nbtrain import __version__  # noqa: PLC0415 - which imports this room

        run, given = self._run, self._trainer.given
        tags = {
            "mlflow.source.name": "nbtrain", "nbtrain.run": run.id, "nbtrain.version": __version__,
            "nbtrain.recipe": str((given.origin or {}).get("recipe", CUSTOM)),
            "nbtrain.data": self._trainer.fingerprint}
        if run.parent is not None:
            tags["nbtrain.parent"] = run.parent
            if (parent := _kept(run.folder.parent / run.parent)) is not None:
                tags["mlflow.parentRunId"] = parent["run"]
        return {name: value[:_LONGEST_TAG] for name, value in tags.items()}

    def _send_edits(self, client: Any, run: str) -> None:
        """The options, once; those that were edited live, as tags: a parameter of MLflow stays what it was."""
        from mlflow.entities import Param, RunTag  # noqa: PLC0415 - as above

        for some in _batches(list(self._unsent.items()), _PARAMETERS):
            client.log_batch(run, params=[Param(name, value) for name, value in some])
        self._unsent = {}
        edited = {name: value for name, value in _texts(self._run.options()).items()
                  if self._edited.get(name, self._parameters.get(name, value)) != value}
        for some in _batches(edited.items(), _TAGS):
            tags = [RunTag(f"{_EDITED}{name}", value[:_LONGEST_TAG]) for name, value in some]
            client.log_batch(run, tags=tags)
        self._edited |= edited

    def _send_figures(self, client: Any, run: str) -> None:
        """The points since the last time, with times between then and now."""
        from mlflow.entities import Metric  # noqa: PLC0415 - as above

        now = time.time()
        series: list[tuple[str, Sequence[Any]]] = []
        for name in self._run.history.names:
            key = _NO_NAME.sub("_", name)
            if self._unsure and name not in self._sent:
                self._sent[name] = self._last(client, run, key)
            steps, values, place = self._new(name)
            moments = np.linspace(self._since, now, len(steps) + 1)[1:]
            series.append((name, [
                Metric(key, float(value), int(moment * 1000), int(step))
                for step, value, moment in zip(steps, values, moments, strict=True)]))
            self._places[name] = place
        for some in _batches((metric for _, metrics in series for metric in metrics), _FIGURES):
            client.log_batch(run, metrics=some)
        for name, metrics in series:
            if metrics:
                self._sent[name] = metrics[-1].step
        self._since, self._unsure = now, False

    def _last(self, client: Any, run: str, key: str) -> int:
        """The last step of a series that is there; -1 where none is."""
        start = self._begins_at
        return max((each.step for each in client.get_metric_history(run, key)
                    if start is None or each.step <= start or each.timestamp >= int(self._began * 1000)), default=-1)

    def _new(self, name: str) -> tuple[Any, Any, tuple[int, int]]:
        """Points of a series after the last step that is there, thinned where they are many."""
        column = self._run.history.column(name)
        count, version = self._places.get(name, (0, column.version))
        steps, values = column.since(count if version == column.version else 0)
        place = (count if version == column.version else 0) + len(steps), column.version
        first = int(np.searchsorted(steps, self._sent.get(name, -1), side="right"))
        steps, values = steps[first:], values[first:]
        if len(steps) > _POINTS:
            chosen = np.unique(np.linspace(0, len(steps) - 1, _POINTS).round().astype(int))  # the last one always
            steps, values = steps[chosen], values[chosen]
        return steps, values, place

    def _send_end(self, client: Any, run: str) -> None:
        """Why the run ended, and that it has."""
        if self._run.reason:
            client.set_tag(run, "nbtrain.reason", _plain(self._run.reason)[:_LONGEST_TAG])
        with _no_address():
            client.set_terminated(run, status=_STATUS[self._run.state])
        self._ended = True

    def _send_model(self, client: Any, run: str) -> None:
        """The best one, of a run that did not fail."""
        if self._run.state is not State.FAILED:
            with _model(self._run) as folder:
                if folder is not None:
                    client.log_artifacts(run, str(folder), "model")
        self._model_sent = True


# -- parts --------------------------------------------------------------------------------------------


def _kept(folder: Path) -> Mapping[str, Any] | None:
    """What was written down in the folder of a run; None where nothing that can be understood was."""
    try:
        told = json.loads((folder / FILE).read_text("utf-8"))
        return told if isinstance(told["run"], str) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _found(client: Any, run: str) -> Any:
    """A run of MLflow; None where it is not there any more, or this is another MLflow."""
    from mlflow.exceptions import MlflowException  # noqa: PLC0415 - as above

    try:
        found = client.get_run(run)
    except MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            return None
        raise
    return found if found.info.lifecycle_stage == "active" else None


def _batches(given: Iterable[_T], most: int) -> Iterator[list[_T]]:
    """As many at once as a request takes."""
    rest = iter(given)
    while some := list(islice(rest, most)):
        yield some


def _texts(options: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(value)[:_LONGEST_PARAMETER] for name, value in options.items()}


def _plain(said: str) -> str:
    """The first line of a message, without what an address may say of who asks."""
    line = (said.strip().splitlines() or [""])[0]
    for name in ("MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN", "MLFLOW_TRACKING_USERNAME"):
        if secret := os.environ.get(name):
            line = line.replace(secret, "…")
    return _SECRET.sub("", line)[:400].rstrip(".")


@contextlib.contextmanager
def _model(run: Run) -> Iterator[Path | None]:
    """A folder with the files of the best model, as an export has them; None where none can be kept."""
    from nbtrain.registering import package_of  # noqa: PLC0415 - composed beside, and loads torch

    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="nbtrain-mlflow-")))
        try:
            package = stack.enter_context(package_of(run, "best"))
            for name, path in package.files.items():
                target = folder / name
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, target)
        except NbtrainError:
            yield None  # a run that was stopped before it began, say
            return
        about = {name: value for name, value in asdict(package.about).items() if name != "source_args"}
        (folder / MANIFEST).write_text(json.dumps(about, indent=2, ensure_ascii=False, default=str), "utf-8")
        yield folder


@contextlib.contextmanager
def _no_address() -> Iterator[None]:
    """MLflow prints no address meanwhile."""
    with _printing:
        before = os.environ.get(_QUIET)
        os.environ[_QUIET] = "true"
        try:
            yield
        finally:
            if before is None:
                os.environ.pop(_QUIET, None)
            else:
                os.environ[_QUIET] = before


_printing = threading.Lock()
_alive: weakref.WeakSet[Mirror] = weakref.WeakSet()


@atexit.register
def _send_all() -> None:
    """The interpreter ends: what trains is stopped, and what is left is sent, within a limit."""
    mirrors = list(_alive)
    for mirror in mirrors:
        mirror._trainer.control.request(Stop())  # noqa: SLF001 - its own
    until = time.monotonic() + AT_EXIT
    for mirror in mirrors:
        mirror.join(max(0.0, until - time.monotonic()))
