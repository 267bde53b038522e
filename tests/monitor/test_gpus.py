"""Most machines that run the tests have no GPU: the driver's library is played here, its errors are the real ones."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pynvml
import pytest

from nbtrain.core.ports import GpuSample
from nbtrain.monitor.gpus import found


class Nvml:
    """Two GPUs: one that tells everything, one that tells little, as a slice of a shared one does."""

    NVMLError = pynvml.NVMLError
    NVMLError_LibraryNotFound = pynvml.NVMLError_LibraryNotFound
    NVML_TEMPERATURE_GPU = pynvml.NVML_TEMPERATURE_GPU

    def __init__(self, count: int = 2) -> None:
        self.count, self.open = count, 0

    def nvmlInit(self) -> None:  # noqa: N802 - NVML's names, here and below
        self.open += 1

    def nvmlShutdown(self) -> None:  # noqa: N802
        self.open -= 1

    def nvmlDeviceGetCount(self) -> int:  # noqa: N802
        return self.count

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:  # noqa: N802
        return index

    def nvmlDeviceGetName(self, handle: int) -> str | bytes:  # noqa: N802
        return b"NVIDIA A" if handle else "NVIDIA B"

    def nvmlDeviceGetMemoryInfo(self, handle: int) -> Any:  # noqa: N802
        return SimpleNamespace(used=3 * 2**30, total=2**34)

    def nvmlDeviceGetUtilizationRates(self, handle: int) -> Any:  # noqa: N802
        if handle:
            raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_SUPPORTED)
        return SimpleNamespace(gpu=73, memory=10)

    def nvmlDeviceGetTemperature(self, handle: int, sensor: int) -> int:  # noqa: N802
        assert sensor == pynvml.NVML_TEMPERATURE_GPU
        return 61

    def nvmlDeviceGetPowerUsage(self, handle: int) -> int:  # noqa: N802
        if handle:
            raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_SUPPORTED)
        return 251_500

    nvmlDeviceGetEnforcedPowerLimit = nvmlDeviceGetPowerUsage  # noqa: N815


def test_what_the_driver_tells_in_our_units_and_none_where_it_does_not() -> None:
    nvml = Nvml()
    with found(nvml) as gpus:
        first, second = gpus.samples()
        assert gpus.note == ""
    assert first == GpuSample(
        index=0, name="NVIDIA B", use=0.73, memory_used=3 * 2**30, memory_total=2**34, temperature=61.0, power=251.5,
        power_limit=251.5)
    assert second == GpuSample(
        index=1, name="NVIDIA A", use=None, memory_used=3 * 2**30, memory_total=2**34, temperature=61.0, power=None,
        power_limit=None)
    assert nvml.open == 0


@pytest.mark.parametrize(("error", "note"), [
    (pynvml.NVML_ERROR_LIBRARY_NOT_FOUND, "none"), (pynvml.NVML_ERROR_DRIVER_NOT_LOADED, "driver"),
    (pynvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH, "driver"),
])
def test_a_machine_without_a_gpu_is_no_error(error: int, note: str, monkeypatch: pytest.MonkeyPatch) -> None:
    nvml = Nvml()

    def fail() -> None:
        raise pynvml.NVMLError(error)

    monkeypatch.setattr(nvml, "nvmlInit", fail)
    with found(nvml) as gpus:
        assert (gpus.samples(), gpus.note) == ([], note)
    assert nvml.open == 0


def test_a_driver_without_a_gpu() -> None:
    with found(Nvml(count=0)) as gpus:
        assert (gpus.samples(), gpus.note) == ([], "none")


def test_a_driver_that_fails_in_mid_look_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    nvml = Nvml()

    def fail(index: int) -> None:
        raise pynvml.NVMLError(pynvml.NVML_ERROR_UNKNOWN)

    monkeypatch.setattr(nvml, "nvmlDeviceGetHandleByIndex", fail)
    with found(nvml) as gpus:
        assert (gpus.samples(), gpus.note) == ([], "driver")
    assert nvml.open == 0


def test_the_real_library_is_asked() -> None:
    with found() as gpus:
        samples = gpus.samples()
        assert (gpus.note in {"none", "driver"}) is (samples == [])
        assert all(sample["memory_total"] for sample in samples)
