"""Runs mirrored in MLflow: a real server and a real client, in an environment of their own."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import socket
import subprocess
import textwrap
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

import nbtrain
from nbtrain.core.errors import ConfigError
from nbtrain.integrations import mlflow_mirror

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
SECONDS = 120.0
#: More than any cell takes; less than it takes until a test is said to hang, which ends its whole process.
LONGEST = 330.0
WORKER = """
import json, os, signal, subprocess, sys, time, traceback
from contextlib import redirect_stdout
from pathlib import Path
import numpy as np, torch, nbtrain
from nbtrain.integrations import mlflow_mirror
from nbtrain.models import architectures
from nbtrain.store import workspace

def data(rows=256):
    x = np.random.default_rng(0).normal(size=(rows, 4)).astype("float32")
    return x, (x.sum(1) > 0).astype("int64")

def net():
    torch.manual_seed(0)
    return architectures.build("mlp", inputs=4, outputs=2, hidden=[8])

def train(**options):
    known = {"epochs": 2, "batch_size": 32, "mlflow": "trials", "show": False, "device": "cpu"}
    return nbtrain.train(net(), data(), **known | options)

def slow(output, target):
    time.sleep(0.01)
    return torch.nn.functional.cross_entropy(output, target)

def sent(run):
    for mirror in list(mlflow_mirror._alive):
        assert mirror.join(300)
    return json.loads((run.folder / "mlflow.json").read_text())["run"]

def answer(what):
    Path(os.environ["ANSWER"]).write_text(json.dumps(what))

for line in sys.stdin:
    told = json.loads(line)
    os.environ.update(told["environment"])
    workspace.close_all()
    mlflow_mirror.SECONDS, mlflow_mirror.LONGEST, mlflow_mirror.LAST, mlflow_mirror.AT_EXIT = 0.2, 2.0, 60.0, 1.0
    said = Path(os.environ["ANSWER"] + ".said").open("w")
    failed = ""
    with said, redirect_stdout(said):
        try:
            exec(told["code"], {**globals(), **told["given"]})
        except BaseException:
            failed = traceback.format_exc()
    print(json.dumps(failed), flush=True)
"""


def free_port() -> int:
    """Not one of those that the system gives to any connection: a server that is started anew wants it again."""
    for port in random.sample(range(20_000, 30_000), 100):
        with socket.socket() as tried, suppress(OSError):
            tried.bind(("127.0.0.1", port))
            return port
    raise AssertionError("A hundred ports are taken.")


class Server:
    """MLflow's own server, on SQLite in a folder."""

    def __init__(self, python: str, folder: Path) -> None:
        self.port = free_port()
        self.uri = f"http://127.0.0.1:{self.port}"
        folder.mkdir(exist_ok=True)
        self.command = [
            python, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(self.port), "--workers", "1",
            "--backend-store-uri", f"sqlite:///{folder / 'runs.db'}", "--artifacts-destination", str(folder / "files")]
        self._folder = folder
        self._process: subprocess.Popen[bytes]
        self.start()

    def start(self) -> None:
        """Return when it answers."""
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                self.command, stdout=log, stderr=log, cwd=self._folder, start_new_session=True,
                env=environment(self._folder))
        until = time.monotonic() + SECONDS
        while time.monotonic() < until and self._process.poll() is None:
            try:
                urllib.request.urlopen(f"{self.uri}/health", timeout=2).close()  # noqa: S310 - our own
            except OSError:
                time.sleep(0.2)
            else:
                return
        raise AssertionError((self._folder / "log").read_text()[-3000:])

    @property
    def pid(self) -> int:
        """Of its group of processes."""
        return self._process.pid

    def stop(self) -> None:
        """It may have died before."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()

    def ask(self, what: str, **query: Any) -> Any:
        """What its REST interface says: to a GET, or with a body to a POST."""
        body = query.pop("body", None)
        parts = "&".join(f"{name}={value}" for name, value in query.items())
        request = urllib.request.Request(  # noqa: S310 - as above
            f"{self.uri}/api/2.0/mlflow/{what}?{parts}", data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - as above
            return json.loads(answer.read())

    def run(self, id_: str) -> Any:
        return self.ask("runs/get", run_id=id_)["run"]

    def runs(self, experiment: str = "trials") -> list[Any]:
        found = self.ask("experiments/get-by-name", experiment_name=experiment)["experiment"]["experiment_id"]
        return list(self.ask("runs/search", body={"experiment_ids": [found]}).get("runs", []))

    def points(self, id_: str, name: str) -> list[tuple[int, float]]:
        found = self.ask("metrics/get-history", run_id=id_, metric_key=name, max_results=10_000)
        return sorted((int(each.get("step", 0)), float(each["value"])) for each in found["metrics"])


def environment(home: Path) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW")}
    return {**clean, "MLFLOW_DISABLE_TELEMETRY": "true", "HOME": str(home), "PYTHONPATH": str(ROOT)}


@pytest.fixture(scope="module")
def server(mlflow_python: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    found = Server(mlflow_python, tmp_path_factory.mktemp("mlflow"))
    yield found
    found.stop()


class Worker:
    """A process where MLflow is, to which code is given as cells are to a kernel."""

    def __init__(self, python: str, home: Path) -> None:
        self._python, self._home = python, home
        self._process: Any = None

    def __call__(self, code: str, uri: str, *, killed: bool = False, **given: Any) -> Any:
        """What the code calls `answer` with."""
        if self._process is None:
            self._process = subprocess.Popen(
                [self._python, "-W", "ignore", "-c", WORKER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                cwd=self._home, env=environment(self._home))
        answer = Path(os.environ["NBTRAIN_HOME"]).parent / "answer"
        answer.unlink(missing_ok=True)
        told = {"code": textwrap.dedent(code), "given": given, "environment": {
            "NBTRAIN_HOME": os.environ["NBTRAIN_HOME"], "MLFLOW_TRACKING_URI": uri, "ANSWER": str(answer)}}
        self._process.stdin.write(json.dumps(told) + "\n")
        self._process.stdin.flush()
        late = threading.Timer(LONGEST, self._process.kill)
        late.start()
        said = self._process.stdout.readline()
        late.cancel()
        assert killed or said, f"It took longer than {LONGEST:.0f} seconds, or ended its process:\n{code}"
        if killed:
            assert self._process.wait() == -signal.SIGKILL
            self.close()
        else:
            assert json.loads(said) == "", json.loads(said)
        assert "View run" not in answer.with_suffix(".said").read_text()
        return json.loads(answer.read_text())

    def close(self) -> None:
        if self._process is not None:
            self._process.kill()
            with self._process:  # closes its pipes, and waits
                self._process = None


@pytest.fixture(scope="module")
def python(mlflow_python: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    found = Worker(mlflow_python, tmp_path_factory.mktemp("home"))
    yield found
    found.close()


def told(run: Any, what: str) -> dict[str, str]:
    return {each["key"]: each["value"] for each in run["data"].get(what, [])}


def test_options_figures_tags_the_end_and_the_best_model_are_there(server, python, tmp_path):
    found = python("""
        run = train(epochs=3, learning_rate=0.01, name="first")
        run.wait()
        there = sent(run)
        fork = run.fork(epochs=4)
        fork.wait()
        child = sent(fork)
        answer({
            "run": run.id, "there": there, "child": child, "options": {k: str(v) for k, v in run.options().items()},
            "history": run.history.to_json(), "data": run._trainer.fingerprint, "warnings": list(run.warnings),
            "predicted": run.predict(data()[0][:5]).tolist()})
    """, server.uri)
    assert found["warnings"] == []
    run = server.run(found["there"])
    assert (run["info"]["run_name"], run["info"]["status"]) == ("first", "FINISHED")
    assert int(run["info"]["end_time"]) >= int(run["info"]["start_time"])
    assert told(run, "params") == found["options"]
    tags = told(run, "tags")
    assert [tags[f"nbtrain.{name}"] for name in ("run", "data", "recipe")] == [found["run"], found["data"], "custom"]
    assert sorted(told(run, "metrics")) == sorted(found["history"])
    for name in ("loss", "val_loss", "learning_rate"):
        series = found["history"][name]
        assert [step for step, _ in server.points(found["there"], name)] == series["steps"]
        assert [value for _, value in server.points(found["there"], name)] == pytest.approx(series["values"])
    child = told(server.run(found["child"]), "tags")
    assert (child["mlflow.parentRunId"], child["nbtrain.parent"]) == (found["there"], found["run"])
    files = server.ask("artifacts/list", run_id=found["there"], path="model")["files"]
    assert sorted(each["path"] for each in files) == ["model/model.safetensors", "model/nbtrain.json"]
    for each in files:
        place = f"mlflow-artifacts/artifacts/{run['info']['experiment_id']}/{found['there']}/artifacts/{each['path']}"
        with urllib.request.urlopen(f"{server.uri}/api/2.0/{place}", timeout=30) as answer:  # noqa: S310
            (tmp_path / Path(each["path"]).name).write_bytes(answer.read())
    (tmp_path / "got").mkdir()
    for name in ("model.safetensors", "nbtrain.json"):
        shutil.move(tmp_path / name, tmp_path / "got" / name)
    nbtrain.models.import_(tmp_path / "got", name="again")  # the best of three epochs, as an export has it
    assert nbtrain.models.get("again").about.architecture == "mlp"
    assert nbtrain.models.get("again").about.metrics


def test_a_run_that_was_killed_goes_on_in_the_same_run_without_a_point_twice(server, python):
    found = python("""
        run = train(epochs=1000, checkpoint_every=50, loss=slow)
        while not (run.folder / "mlflow.json").is_file() or run.step < 100:
            time.sleep(0.05)
        run.checkpoint()
        time.sleep(1)
        kept = json.loads((run.folder / "mlflow.json").read_text())
        answer({"id": run.id, "there": kept["run"], "at": run.step})
        os.kill(os.getpid(), signal.SIGKILL)
    """, server.uri, killed=True)
    assert server.run(found["there"])["info"]["status"] == "RUNNING"
    after = python("""
        run = nbtrain.resume(id, model=net(), data=data(), loss=slow, show=False)
        run.set(learning_rate=0.0005)
        while run.step < at + 60:  # past what was sent before
            time.sleep(0.05)
        run.stop()
        answer({"there": sent(run), "exact": run.resumed["exact"], "step": run.step,
                "steps": run.history["loss"].steps.tolist()})
    """, server.uri, id=found["id"], at=found["at"])
    assert after["exact"]
    assert after["there"] == found["there"]
    run = server.run(found["there"])
    assert run["info"]["status"] == "KILLED"  # stopped, as MLflow calls it
    assert told(run, "tags")["nbtrain.edited.learning_rate"] == "0.0005"
    assert told(run, "params")["learning_rate"] == "0.001"
    steps = [step for step, _ in server.points(found["there"], "loss")]
    assert len(steps) == len(set(steps))
    assert steps[-1] == after["steps"][-1]
    assert set(steps) <= set(after["steps"])


def test_a_run_that_fails_is_failed_there_and_leaves_no_model(server, python):
    found = python("""
        run = None
        def broken(output, target):
            if run is not None and run.step >= 10:
                raise ValueError("no more")
            return torch.nn.functional.cross_entropy(output, target)
        broken.__globals__["run"] = run = train(loss=broken)
        try:
            run.wait()
        except nbtrain.NbtrainError:
            pass
        answer(sent(run))
    """, server.uri)
    run = server.run(found)
    assert run["info"]["status"] == "FAILED"
    assert "no more" in told(run, "tags")["nbtrain.reason"]
    assert server.ask("artifacts/list", run_id=found).get("files", []) == []


def test_a_server_that_dies_is_told_once_and_what_is_missing_is_sent_when_it_is_back(mlflow_python, python, tmp_path):
    server, again = Server(mlflow_python, tmp_path / "server"), tmp_path / "again"
    try:
        found = python("""
            run = train(epochs=1000, loss=slow)
            while not (run.folder / "mlflow.json").is_file():
                time.sleep(0.05)
            os.killpg(pid, signal.SIGKILL)
            while not run.warnings:
                time.sleep(0.05)
            at = run.step
            run.set(epochs=min(1000, run.epoch + 3))
            mlflow_mirror.LAST = 600.0
            run.wait()
            log = open(folder + "/log", "a")
            back = subprocess.Popen(command, cwd=folder, start_new_session=True, stdout=log, stderr=log)
            Path(again).write_text(str(back.pid))
            answer({
                "there": sent(run), "state": run.state, "went_on": run.step > at, "warnings": list(run.warnings),
                "id": run.id, "last": run.step})
        """, server.uri.replace("://", "://me:canaryCanary@"), pid=server.pid, command=server.command,
            folder=str(tmp_path / "server"), again=str(again))
        assert (found["state"], found["went_on"]) == ("finished", True)
        assert server.run(found["there"])["info"]["status"] == "FINISHED"
        steps = [step for step, _ in server.points(found["there"], "loss")]
        assert len(steps) == len(set(steps))
        assert steps[-1] == found["last"]
    finally:
        server.stop()
        if again.is_file():
            os.killpg(int(again.read_text()), signal.SIGKILL)
    kinds = [said.partition(" (" if " (" in said else ";")[0] for said in found["warnings"]]
    assert len(set(kinds)) == len(kinds)  # each is told once
    assert set(kinds) <= {"MLflow cannot be written to", "MLflow does not answer for 30 seconds"}
    assert all("the run goes on without it" in said for said in found["warnings"])
    for kept in (Path(os.environ["NBTRAIN_HOME"]) / "runs" / found["id"]).rglob("*"):
        assert not kept.is_file() or b"canaryCanary" not in kept.read_bytes()
    assert "canaryCanary" not in json.dumps(found)


@pytest.mark.parametrize("uri", ["nowhere://x", "http://127.0.0.1:1", "http://[broken"])
def test_a_wrong_address_is_a_warning_and_the_run_finishes(uri, python):
    found = python("""
        mlflow_mirror.LAST = 1.0
        run = train()
        state = run.wait()
        for mirror in list(mlflow_mirror._alive):
            mirror.join(60)
        answer({"state": state, "warnings": list(run.warnings)})
    """, uri)
    assert found["state"] == "finished"
    assert [said[:26] for said in found["warnings"]] == ["MLflow cannot be written t", "Not all of the run is in M"]


def test_without_mlflow_it_is_said_before_anything_starts():
    import torch  # noqa: PLC0415 - the others need none here

    with pytest.raises(ConfigError, match=r"mlflow is 'trials', and MLflow is not installed; install it with: pip"):
        nbtrain.train(torch.nn.Linear(2, 1), (torch.ones(8, 2), torch.ones(8, 1)), mlflow="trials", show=False)
    assert nbtrain.runs() == []
    assert nbtrain.TrainConfig(mlflow=True)["mlflow"] == "nbtrain"
    assert nbtrain.TrainConfig(mlflow=False)["mlflow"] is None
    with pytest.raises(ConfigError, match="mlflow is 7; it must be the name of an experiment of MLflow"):
        nbtrain.TrainConfig(mlflow=7)


def test_as_whom_mlflow_is_asked_stands_in_no_message(monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "canaryToken")
    said = mlflow_mirror._plain("API request to https://me:canary@host:5000/api failed (canaryToken).\nmore")
    assert said == "API request to https://host:5000/api failed (…)"
