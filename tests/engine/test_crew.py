"""Several processes that share every batch: the same run as one, steered and resumed as one; and what goes wrong."""

from __future__ import annotations

import builtins
import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch
from torch import nn

from nbtrain import training
from nbtrain.core.errors import ConfigError, TrainingError
from nbtrain.core.tasks import Progress
from nbtrain.engine import crew, follower
from nbtrain.engine.batch import Batch
from nbtrain.foreseen import foresee
from tests.waiting import reached

ROWS = 203


def data():
    draw = torch.Generator().manual_seed(0)
    x = torch.randn(ROWS, 6, generator=draw)
    return x, x[:, :3].argmax(1)


class Net(nn.Module):
    """With a buffer, an unused weight, and a frozen one."""

    def __init__(self, seed=0):
        super().__init__()
        torch.manual_seed(seed)
        self.layers = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 3))
        self.unused, self.frozen = nn.Linear(2, 2), nn.Linear(3, 3)
        self.frozen.requires_grad_(requires_grad=False)
        self.register_buffer("scale", torch.tensor(2.0))

    def forward(self, x):
        return self.frozen(self.layers(x) * self.scale)


def begin(model=None, given=None, **options: Any):
    usual: dict[str, Any] = {
        "epochs": 3, "batch_size": 16, "multi_gpu": 2, "learning_rate": 0.01, "optimizer": "sgd", "show": False}
    return training.train(model or Net(), given or data(), **usual | options)


def train(model=None, given=None, **options: Any):
    run = begin(model, given, **options)
    run.wait()
    return run


def weights(run):
    return torch.cat([p.detach().flatten() for p in run.model.parameters()])


@pytest.mark.parametrize("options", [
    {}, {"gradient_accumulation_steps": 3}, {"batch_size": 7}, {"max_grad_norm": 0.1, "use_ema": True},
    {"label_smoothing": 0.1, "use_oversampling": True},
])
def test_two_processes_are_one_to_within_rounding(options):
    one, two = train(multi_gpu=0, **options), train(**options)
    assert one.step == two.step
    assert torch.allclose(weights(one), weights(two), atol=1e-5)
    for name in ("loss", "grad_norm", "val_loss", "val_accuracy"):
        assert two.history[name].values == pytest.approx(one.history[name].values, abs=1e-4)


def test_what_a_notebook_defines_goes_along_and_parts_of_a_loss_come_back():
    scale = 0.5

    class Own(nn.Module):
        def __init__(self):
            super().__init__()
            torch.manual_seed(0)
            self.layer = nn.Linear(6, 3)

        def forward(self, x):
            return {"kind": self.layer(x) * scale, "size": self.layer(x)[:, 0]}

    x, y = data()
    given = (x, {"kind": y, "size": x.sum(1)})

    def own_loss(output, target):
        return (output - target).abs().mean() * scale

    runs = [train(Own(), given, loss={"kind": "cross_entropy", "size": own_loss}, multi_gpu=n) for n in (0, 2)]
    for name in ("kind_loss", "size_loss", "loss"):
        assert runs[1].history[name].values == pytest.approx(runs[0].history[name].values, abs=1e-4)


def test_a_teacher_goes_along():
    runs = [train(teacher=Net(seed=1), multi_gpu=n) for n in (0, 2)]
    assert runs[1].history["soft_loss"].values == pytest.approx(runs[0].history["soft_loss"].values, abs=1e-4)


def test_it_is_steered_and_resumed_like_any_run():
    whole = train(epochs=60)
    run = begin(epochs=60)  # some hundred steps are left when it is paused
    reached(run, 8)
    run.pause()
    step = run.step
    time.sleep(0.2)
    assert run.step == step
    run.resume()
    run.stop()
    again = training.resume(run.id, show=False)
    again.wait()
    assert again.resumed == {"exact": True, "reasons": []}
    assert torch.equal(weights(again), weights(whole))


@pytest.fixture
def hired(monkeypatch):
    """The processes that runs start."""
    found: list[Any] = []
    begun = crew.Crew._begin

    def begin_and_note(self):
        begun(self)
        found.extend(self._processes)

    monkeypatch.setattr(crew.Crew, "_begin", begin_and_note)
    return found


def test_nobody_is_left_when_the_run_has_ended(hired):
    run = begin(epochs=1000)
    reached(run, 2)
    (process,) = hired
    assert psutil.pid_exists(process.pid)
    run.stop()
    assert not psutil.pid_exists(process.pid)


def test_one_that_is_killed_ends_the_run_with_a_sentence_and_the_run_goes_on_afterwards(hired):
    run = begin(epochs=1000)
    reached(run, 5)
    os.kill(hired[0].pid, signal.SIGKILL)
    with pytest.raises(TrainingError, match=r"Process 2 of 2 has ended \(exit code -?\d+\).*The run was saved"):
        run.wait()
    assert run.step >= 5
    again = training.resume(run.id, show=False)
    reached(again, run.step + 3)
    again.stop()


@pytest.mark.parametrize("kind", ["ZeroDivisionError", "ConnectionError", "EOFError"])
def test_what_fails_in_one_of_them_is_told(monkeypatch, kind):
    class Fails(Net):
        def forward(self, x):
            if os.environ.get("NBTRAIN_LEADER") != str(os.getpid()):
                raise getattr(builtins, kind)("not here")
            return super().forward(x)

    monkeypatch.setenv("NBTRAIN_LEADER", str(os.getpid()))
    run = begin(Fails())
    with pytest.raises(TrainingError, match=f"Process 2 of 2 failed: {kind}: not here"):
        run.wait()


def test_a_forecast_speaks_of_no_run_that_was_saved(monkeypatch):
    class Dies(Net):
        def forward(self, x):
            if os.environ.get("NBTRAIN_LEADER") != str(os.getpid()):
                os._exit(3)
            return super().forward(x)

    monkeypatch.setenv("NBTRAIN_LEADER", str(os.getpid()))
    with pytest.raises(TrainingError, match=r"^Process 2 of 2 has ended \(exit code 3\)\. Was there enough memory\?$"):
        foresee(Dies(), data(), {}, {"multi_gpu": 2, "batch_size": 16}, Progress())


def test_they_end_when_the_kernel_is_killed(tmp_path):
    code = """
        import json, time, nbtrain
        from tests.engine.test_crew import begin
        from nbtrain.engine import crew
        begun = crew.Crew._begin
        def begin_and_tell(self):
            begun(self)
            print(json.dumps([process.pid for process in self._processes]), flush=True)
        crew.Crew._begin = begin_and_tell
        begin(epochs=1000).wait()
    """
    kernel = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", textwrap.dedent(code)], stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(Path.cwd())})
    assert kernel.stdout is not None
    pids = json.loads(kernel.stdout.readline())
    assert len(pids) == 1
    time.sleep(1.0)
    kernel.kill()
    kernel.wait()
    kernel.stdout.close()
    until = time.monotonic() + 60
    while any(psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE for pid in pids):
        assert time.monotonic() < until, "A follower outlived its kernel."
        time.sleep(0.1)


def test_what_cannot_be_shared_is_told_before_the_start():
    with pytest.raises(ConfigError, match="multi_gpu is 8 and batch_size 4"):
        begin(multi_gpu=8, batch_size=4)
    run = begin(Locked())
    with pytest.raises(TrainingError, match="The model or the loss cannot be copied to another process"):
        run.wait()


class Locked(Net):
    """Holds what no process can hand over."""

    def __init__(self):
        super().__init__()
        self.lock = threading.Lock()


def test_nothing_goes_through_memory_that_processes_share(monkeypatch):
    """Docker gives 64 MB of it."""
    def full(*_, **__):
        raise RuntimeError("unable to write to file </torch_1_2>: No space left on device (28)")

    for kind in ("_share_fd_cpu_", "_share_filename_cpu_"):
        monkeypatch.setattr(torch.UntypedStorage, kind, full)
    assert train(teacher=Net(seed=1), epochs=1).state == "finished"


def test_no_room_for_the_weights_is_told(monkeypatch, tmp_path):
    (tmp_path / "work").symlink_to("/dev/full")
    monkeypatch.setattr("tempfile.mkdtemp", lambda prefix: str(tmp_path))
    run = begin()
    with pytest.raises(TrainingError, match=r"could not be written to .*No space left.*make room there"):
        run.wait()


def test_every_process_has_a_device_of_its_own_wherever_the_first_is():
    gpus = [torch.device("cuda", number) for number in range(4)]
    assert follower.devices(gpus[0], 3) == [gpus[0], gpus[1], gpus[2]]
    assert follower.devices(gpus[1], 2) == [gpus[1], gpus[0]]
    assert follower.devices(gpus[3], 3) == [gpus[3], gpus[0], gpus[1]]
    assert follower.devices(torch.device("cuda"), 2) == [gpus[0], gpus[1]]
    assert follower.devices(torch.device("cpu"), 2) == [torch.device("cpu")] * 2


def test_what_was_on_a_gpu_of_the_leader_is_on_the_followers_device(tmp_path, monkeypatch):
    """No GPU here: the file says so of its tensors, and the follower's device is one that holds nothing."""
    seen: list[Any] = []

    class Storage:
        def to(self, *, device):
            return device.type

    def load(file, place, **_):
        storage = Storage()
        seen.extend(place(storage, name) for name in ("cuda:0", "cuda:1", "cpu"))
        seen[2] = "cpu" if seen[2] is storage else "moved"
        given: Any = None  # neither loss nor precision is looked at
        return follower.Work(Net(), given, given, 0)

    monkeypatch.setattr(torch, "load", load)
    work = follower.handed(tmp_path, torch.device("meta"))
    assert seen == ["meta", "meta", "cpu"]
    assert next(work.model.parameters()).device.type == "meta"


def test_a_batch_is_cut_evenly_and_what_is_no_row_goes_to_each():
    x, mask = torch.arange(10.0).reshape(5, 2), torch.eye(3)
    shares = follower.cut(Batch({"x": x, "mask": mask}, torch.arange(5), 5), 3)
    assert [share.size for share in shares] == [2, 2, 1]
    assert torch.equal(torch.cat([share.inputs["x"] for share in shares]), x)
    assert all(torch.equal(share.inputs["mask"], mask) for share in shares)
    assert [share.target.tolist() for share in shares] == [[0, 1], [2, 3], [4]]


def test_running_means_are_those_of_the_first_share_alone(hired):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.Linear(8, 3))
    run = begin(net, epochs=2)
    run.wait()
    assert len(hired) == 1
    assert net[1].num_batches_tracked.item() == run.step  # type: ignore[operator]
