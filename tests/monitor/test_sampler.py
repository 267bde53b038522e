from __future__ import annotations

import threading
from pathlib import Path

import pytest

from nbtrain.core.ports import HardwareSample, HardwareSource
from nbtrain.monitor import sampler
from nbtrain.monitor.sampler import HardwareSampler
from tests.waiting import until


def wait_for(source: HardwareSampler, count: int) -> None:
    until(lambda: len(source.history()) >= count, f"there are {count} samples")


def threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "nbtrain-hardware"]


def end(source: HardwareSampler) -> None:
    source.stop()
    for thread in threads():
        thread.join(60)
    assert threads() == []


def test_a_sample_tells_of_this_machine(tmp_path: Path) -> None:
    source: HardwareSource = HardwareSampler(tmp_path, seconds=0.02)
    assert isinstance(source, HardwareSampler)
    assert source.latest() is None
    source.start()
    wait_for(source, 3)
    sample = source.latest()
    end(source)
    assert sample is not None
    assert sample.keys() == HardwareSample.__annotations__.keys()
    assert 0 <= sample["cpu"] <= 1
    assert all(0 <= core <= 1 for core in sample["cores"])
    assert 0 < sample["process_memory"] < sample["memory_total"]
    assert 0 < sample["memory_used"] < sample["memory_total"]
    assert 0 < sample["disk_used"] < sample["disk_total"]
    assert sample["disk_read"] >= 0
    times = [one["time"] for one in source.history()]
    assert times == sorted(times)


def test_a_busy_core_is_seen(tmp_path: Path) -> None:
    source = HardwareSampler(tmp_path, seconds=0.2)
    source.start()
    seen = False
    for _ in range(40):
        for _ in range(3_000_000):
            pass
        # One is busy of however many there are; it may be another one each time.
        if seen := any(sample["cpu"] * len(sample["cores"]) > 0.4 for sample in source.history()):
            break
    end(source)
    assert seen


def test_it_samples_while_someone_looks_and_not_after(tmp_path: Path) -> None:
    source = HardwareSampler(tmp_path, seconds=0.01)
    source.stop()  # nobody looked
    source.start()
    source.start()
    assert len(threads()) == 1
    source.stop()
    assert len(threads()) == 1
    before = len(source.history())
    wait_for(source, before + 2)
    end(source)
    source.start()
    wait_for(source, len(source.history()) + 2)
    end(source)


def test_five_minutes_are_kept(tmp_path: Path) -> None:
    assert sampler._SECONDS * sampler._KEPT == 300
    source = HardwareSampler(tmp_path, seconds=0.0)
    source.start()
    wait_for(source, 300)
    first = source.history()[0]
    until(lambda: source.history()[0] != first, "the oldest sample is gone")
    assert len(source.history()) == 300
    end(source)


def test_a_folder_that_is_removed_meanwhile_does_not_end_it(tmp_path: Path) -> None:
    folder = tmp_path / "workspace" / "runs"
    folder.mkdir(parents=True)
    source = HardwareSampler(folder, seconds=0.01)
    source.start()
    wait_for(source, 1)
    folder.rmdir()
    folder.parent.rmdir()
    wait_for(source, len(source.history()) + 3)
    end(source)


@pytest.mark.parametrize("missing", [NotImplementedError("no disks"), PermissionError("/proc/diskstats"), None])
def test_a_system_that_tells_nothing_of_its_disks_is_sampled_all_the_same(
    missing: Exception | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    def counters() -> None:
        if missing is not None:
            raise missing

    monkeypatch.setattr("psutil.disk_io_counters", counters)
    source = HardwareSampler(tmp_path, seconds=0.02)
    source.start()
    wait_for(source, 2)
    end(source)
    assert [(sample["disk_read"], sample["disk_write"]) for sample in source.history()[:2]] == [(0.0, 0.0)] * 2
