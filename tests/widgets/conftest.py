"""Runs without a trainer, a comm that keeps what is sent, and a clock that is moved by hand."""

from __future__ import annotations

import inspect
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import comm
import pytest
from comm.base_comm import BaseComm

from nbtrain.config import TrainConfig
from nbtrain.core.control import Command, Control, Edit, Pause, Resume, State, Stop, Ticket
from nbtrain.core.errors import RunNotFoundError
from nbtrain.core.history import History
from nbtrain.core.outcomes import Outcome
from nbtrain.core.ports import ColumnChoice, Foreseen, HardwareSample, Resumption, RunRow, Subject, TeacherChoice
from nbtrain.core.samples import Sampleless
from nbtrain.core.tasks import Progress, Task, Tasks
from nbtrain.i18n import catalogue
from nbtrain.widgets import base
from nbtrain.widgets.base import Panel
from nbtrain.widgets.commands import Worker
from nbtrain.widgets.pump import Pump

#: Bound of what another thread brings about. Not about speed: the machine may be busy with other tests.
SECONDS = 60.0


def until(condition: Callable[[], Any], each: Callable[[], Any] = lambda: None) -> None:
    """Wait for what another thread brings about; `each` is called before every look."""
    end = time.monotonic() + SECONDS
    while True:
        each()
        if condition():
            return
        if time.monotonic() > end:
            pytest.fail(f"It did not come true within {SECONDS:g} seconds: {inspect.getsource(condition).strip()}")
        threading.Event().wait(0.005)


class FakeRun(Sampleless):
    """A run whose figures a test sets, with real history and real control; commands are answered by `obey`."""

    def __init__(self, run_id: str = "r1", name: str = "digits", total_steps: int | None = 1000) -> None:
        self.id, self.name, self.total_steps = run_id, name, total_steps
        self.reason = ""
        self.warnings: list[str] = []
        self.step, self.epoch, self.epochs = 0, 0, 10
        self.samples_per_second: float | None = None
        self.seconds_left: float | None = None
        self.seconds = 0.0
        self.history = History()
        self.error: Exception | None = None
        self.resumed: Resumption | None = None
        self.parent: str | None = None
        self.config = TrainConfig()
        self.control = Control()

    @property
    def state(self) -> State:
        return self.control.state

    @property
    def progress(self) -> float:
        return self.step / self.total_steps if self.total_steps else 0.0

    def options(self) -> Mapping[str, Any]:
        return self.config.flat()

    def request(self, command: Command) -> Ticket:
        return self.control.request(command)

    def measure(self, **figures: float) -> None:
        """One more step, with these figures."""
        self.step += 1
        for name, value in figures.items():
            self.history.append(name, self.step, value)

    def obey(self) -> None:
        """Carry out what was asked, as the trainer does between two steps."""
        for ticket in self.control.take():
            match ticket.command:
                case Pause():
                    self.control.move_to(State.PAUSED)
                case Resume():
                    self.control.move_to(State.RUNNING)
                case Stop():
                    self.control.move_to(State.STOPPED)
                case Edit(changes=changes):
                    self.config = self.config.replace(**changes)
            ticket.resolve()


@dataclass
class FakeLauncher:
    """Starts `FakeRun`s."""

    known: dict[str, FakeRun] = field(default_factory=dict)
    started: list[tuple[Any, ...]] = field(default_factory=list)
    tasks: Tasks = field(default_factory=Tasks)
    failure: Exception | None = None
    hold: threading.Event | None = None
    found: dict[str, Outcome] = field(default_factory=dict)

    def subjects(self) -> list[Subject]:
        return [Subject(name="net", kind="model", text="Linear, 130 parameters", recipes=None)]

    def recipes(self) -> list[str]:
        return ["custom", "timeseries", "mine"]

    def columns(self, data: str | None) -> list[ColumnChoice]:
        return [ColumnChoice(name=f"of {data}", kind="text")]

    def teachers(
        self, options: Mapping[str, Any], model: str | None = None, data: str | None = None,
        columns: Mapping[str, Any] | None = None,
    ) -> list[TeacherChoice]:
        return [TeacherChoice(name="large", text=f"{options} {model} {data} {columns}", why="")]

    def foresee(
        self, options: Mapping[str, Any], model: str | None = None, data: str | None = None,
        columns: Mapping[str, Any] | None = None,
    ) -> Task[Foreseen]:
        def work(_: object) -> Foreseen:
            if self.hold is not None:
                self.hold.wait(60)
            if self.failure is not None:
                raise self.failure
            return Foreseen(
                model=f"{model} {data} {columns}", recipe=options["recipe"], parameters=130, rows={"train": 100},
                steps=10, seconds=1.5, memory=1000, device="RAM", free=2000, notes=[])

        return self.tasks.start("foresee", "x", work)

    def results(self, run_id: str) -> Outcome | None:
        self.view(run_id)
        return self.found.get(run_id)

    def can_look(self, run_id: str) -> bool:
        return self.view(run_id).state.ended

    def look(self, run_id: str) -> Task[Outcome]:
        def work(progress: Progress) -> Outcome:
            progress.report(5, 10, "rows")
            if self.hold is not None:
                self.hold.wait(60)
            progress.report(10, 10, "rows")
            if self.failure is not None:
                raise self.failure
            self.found[run_id] = Outcome(part="test", rows=10, step=3, metrics={"accuracy": 0.5})
            return self.found[run_id]

        return self.tasks.start("results", run_id, work)

    def bound(self) -> bool:
        return False

    def check(self, options: Mapping[str, Any]) -> None:
        TrainConfig(**options)

    def defaults(self) -> Mapping[str, Any]:
        return {"epochs": 7}

    def start(
        self, options: Mapping[str, Any], model: str | None = None, data: str | None = None,
        columns: Mapping[str, Any] | None = None,
    ) -> FakeRun:
        if self.hold is not None:
            self.hold.wait(60)
        if self.failure is not None:
            raise self.failure
        self.check(options)
        self.started.append((options, model, data) if columns is None else (options, model, data, columns))
        run = FakeRun(f"r{len(self.known) + 1}")
        self.known[run.id] = run
        return run

    def resume(self, run_id: str) -> FakeRun:
        return self.view(run_id)

    def runs(self) -> list[RunRow]:
        return [
            RunRow(id=run.id, name=run.name, state=str(run.state), created=0.0, step=run.step, parent=None, live=True,
                   total_steps=run.total_steps, metrics={"loss": float("nan"), "accuracy": 0.5})
            for run in self.known.values()]

    def view(self, run_id: str) -> FakeRun:
        if run_id not in self.known:
            raise RunNotFoundError(f"There is no run {run_id!r}.")
        return self.known[run_id]

    def active(self) -> list[FakeRun]:
        return [run for run in self.known.values() if not run.state.ended]


class Source:
    """A machine whose samples a test sets."""

    def __init__(self) -> None:
        self.samples: list[HardwareSample] = []
        self.onlookers = 0

    def latest(self) -> HardwareSample | None:
        return self.samples[-1] if self.samples else None

    def history(self) -> list[HardwareSample]:
        return self.samples

    def start(self) -> None:
        self.onlookers += 1

    def stop(self) -> None:
        self.onlookers -= 1

    def sample(self, time: float) -> None:
        self.samples.append(HardwareSample(
            time=time, cpu=0.123456, cores=[0.11111], memory_used=1, memory_total=2, process_memory=1, disk_used=1,
            disk_total=2, disk_read=0.0, disk_write=0.0, gpus=[], gpu_note="none"))


@dataclass
class Sent:
    """One message to the browser, with the simulated time it left at."""

    time: float
    widget: str
    content: dict[str, Any]
    buffers: list[bytes]
    bytes: int


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Browser:
    """The other end of all comms."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.messages: list[Sent] = []
        self.traits: list[dict[str, Any]] = []
        self.threads: set[str] = set()
        self.broken: Exception | None = None
        self.delay = 0.0
        self._ids = 0

    def receive(self, widget: str, data: dict[str, Any], buffers: list[bytes] | None) -> None:
        self.clock.now += self.delay
        self.threads.add(threading.current_thread().name)
        if data.get("method") == "update":
            self.traits.append(data["state"])
        elif data.get("method") == "custom":
            if self.broken is not None:
                raise self.broken
            size = len(json.dumps(data, allow_nan=False).encode()) + sum(len(buffer) for buffer in buffers or ())
            self.messages.append(Sent(self.clock.now, widget, data["content"], list(buffers or ()), size))

    def ask(self, widget: Panel, kind: str, /, *, id_: str | None = None, **fields: Any) -> str:
        """Send a request on the comm."""
        self._ids += 1
        id_ = id_ or f"id-{self._ids}"
        content = {"id": id_, "kind": kind, **fields}
        widget.comm.handle_msg({"content": {"data": {"method": "custom", "content": content}}, "buffers": []})
        return id_

    def of(self, panel: Panel, *types: str) -> list[Sent]:
        return [sent for sent in self.messages if sent.widget == panel.model_id and sent.content["type"] in types]

    def replies(self, id_: str) -> list[dict[str, Any]]:
        return [sent.content for sent in self.messages if sent.content["type"] == "reply" and sent.content["id"] == id_]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def browser(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Browser:
    end = Browser(clock)

    class Comm(BaseComm):
        def publish_msg(self, msg_type: str, data: Any = None, *_: Any, buffers: Any = None, **__: Any) -> None:
            if msg_type == "comm_msg":
                end.receive(self.comm_id, data, buffers)

    monkeypatch.setattr(comm, "create_comm", Comm)
    monkeypatch.setattr(base, "bundle", lambda name, kind: f"/* {name}.{kind} */")
    return end


@pytest.fixture
def pump(clock: Clock) -> Pump:
    """A pump whose clock and ticks are the test's."""
    return Pump(clock, threaded=False)


@pytest.fixture
def worker() -> Worker:
    return Worker("test-requests")


@pytest.fixture
def launcher() -> FakeLauncher:
    return FakeLauncher()


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    catalogue.set_current("en")
    yield
    catalogue.set_current("en")


@pytest.fixture
def settle(pump: Pump) -> Callable[[Callable[[], Any]], None]:
    """Tick until something came true that another thread brings about."""

    return lambda condition: until(condition, pump.tick)
