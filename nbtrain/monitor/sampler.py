"""Samples of what the machine does, once a second while someone looks."""

from __future__ import annotations

import threading
import time
from collections import deque
from pathlib import Path
from typing import Any

import psutil
import pynvml

from nbtrain.core.ports import HardwareSample
from nbtrain.monitor.gpus import Gpus, found

_SECONDS = 1.0
_KEPT = 300


class HardwareSampler:
    """A `HardwareSource`: its thread lives from the first `start` to the last `stop`.

    Args:
        folder: the disk whose space is told is the one this folder lies on.
        seconds: between two samples.
        nvml: the module that speaks to NVIDIA's driver.
    """

    def __init__(self, folder: Path, seconds: float = _SECONDS, nvml: Any = pynvml) -> None:
        self._folder = folder
        self._seconds = seconds
        self._nvml = nvml
        self._samples: deque[HardwareSample] = deque(maxlen=_KEPT)
        self._process = psutil.Process()
        self._lock = threading.Lock()
        self._onlookers = 0
        self._end = threading.Event()

    def latest(self) -> HardwareSample | None:
        """The newest sample; None before the first."""
        return self._samples[-1] if self._samples else None

    def history(self) -> list[HardwareSample]:
        """The last five minutes of looking, oldest first."""
        return list(self._samples)

    def start(self) -> None:
        """One more onlooker."""
        with self._lock:
            self._onlookers += 1
            if self._onlookers == 1:
                self._end = threading.Event()
                threading.Thread(target=self._work, args=(self._end,), name="nbtrain-hardware", daemon=True).start()

    def stop(self) -> None:
        """One onlooker less; the thread ends with the last."""
        with self._lock:
            if self._onlookers:
                self._onlookers -= 1
            if not self._onlookers:
                self._end.set()

    def _work(self, end: threading.Event) -> None:
        # Shares and rates are told for the time since the call before.
        psutil.cpu_percent(percpu=True)
        read, written, before = *_disk_bytes(), time.monotonic()
        with found(self._nvml) as gpus:
            while not end.wait(self._seconds):
                now = time.monotonic()
                read_now, written_now = _disk_bytes()
                seconds = now - before
                self._samples.append(
                    self._sample(gpus, (read_now - read) / seconds, (written_now - written) / seconds))
                read, written, before = read_now, written_now, now

    def _sample(self, gpus: Gpus, disk_read: float, disk_write: float) -> HardwareSample:
        cores = [share / 100 for share in psutil.cpu_percent(percpu=True)]
        memory, disk = psutil.virtual_memory(), psutil.disk_usage(_existing(self._folder))
        return HardwareSample(
            time=time.time(), cpu=sum(cores) / len(cores), cores=cores,
            memory_used=memory.total - memory.available, memory_total=memory.total,
            process_memory=self._process.memory_info().rss,
            disk_used=disk.used, disk_total=disk.total, disk_read=disk_read, disk_write=disk_write,
            gpus=gpus.samples(), gpu_note=gpus.note)


def _existing(folder: Path) -> str:
    """The folder, or where it was: it may be removed while someone looks."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return str(folder)


def _disk_bytes() -> tuple[int, int]:
    """Bytes read and written since the machine started; zeros where the system does not tell."""
    try:
        counters = psutil.disk_io_counters()
    except (NotImplementedError, OSError):  # a sandbox without /proc/diskstats
        counters = None
    return (0, 0) if counters is None else (counters.read_bytes, counters.write_bytes)
