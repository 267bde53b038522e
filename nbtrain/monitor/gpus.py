"""NVIDIA's GPUs as the driver tells of them, through NVML."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import pynvml

from nbtrain.core.ports import GpuSample


@contextlib.contextmanager
def found(nvml: Any = pynvml) -> Iterator[Gpus]:
    """The GPUs, with the driver's library in use for the time of the block. A machine without one is no error.

    Args:
        nvml: the module that speaks to the driver.
    """
    gpus = Gpus(nvml)
    try:
        nvml.nvmlInit()
    except nvml.NVMLError as error:
        gpus.note = "none" if isinstance(error, nvml.NVMLError_LibraryNotFound) else "driver"
        yield gpus
        return
    try:
        gpus.look()
        yield gpus
    finally:
        nvml.nvmlShutdown()


class Gpus:
    """All GPUs of the machine, while they are `found`. `note` is empty, or why there are none: none, driver."""

    def __init__(self, nvml: Any) -> None:
        self._nvml = nvml
        self._handles: list[Any] = []
        self.note = ""

    def samples(self) -> list[GpuSample]:
        """One sample for each GPU."""
        return [self._sample(index, handle) for index, handle in enumerate(self._handles)]

    def look(self) -> None:
        """Find them."""
        try:
            count = self._nvml.nvmlDeviceGetCount()
            self._handles = [self._nvml.nvmlDeviceGetHandleByIndex(index) for index in range(count)]
        except self._nvml.NVMLError:
            self.note = "driver"
        else:
            self.note = "" if self._handles else "none"

    def _sample(self, index: int, handle: Any) -> GpuSample:
        nvml = self._nvml
        memory = self._told(nvml.nvmlDeviceGetMemoryInfo, handle)
        use = self._told(nvml.nvmlDeviceGetUtilizationRates, handle)
        temperature = self._told(nvml.nvmlDeviceGetTemperature, handle, nvml.NVML_TEMPERATURE_GPU)
        power = self._told(nvml.nvmlDeviceGetPowerUsage, handle)
        limit = self._told(nvml.nvmlDeviceGetEnforcedPowerLimit, handle)
        name = self._told(nvml.nvmlDeviceGetName, handle)
        return GpuSample(
            index=index, name=name.decode() if isinstance(name, bytes) else name or "GPU",
            use=None if use is None else use.gpu / 100,
            memory_used=None if memory is None else int(memory.used),
            memory_total=None if memory is None else int(memory.total),
            temperature=None if temperature is None else float(temperature),
            power=None if power is None else power / 1000, power_limit=None if limit is None else limit / 1000)

    def _told(self, ask: Callable[..., Any], *given: Any) -> Any:
        """What the driver answers; None where this GPU does not know (a slice of one, a laptop's)."""
        try:
            return ask(*given)
        except self._nvml.NVMLError:
            return None
