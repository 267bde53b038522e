"""Mixed precision: autocast, and loss scaling where it is needed."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from types import MappingProxyType
from typing import Any

import torch
from torch.amp import GradScaler

from nbtrain.config import PrecisionConfig
from nbtrain.core.errors import ConfigError, Problem

_TYPES = MappingProxyType({"fp16": torch.float16, "bf16": torch.bfloat16})


class Precision:
    """Autocast and loss scaling for one device.

    fp16 has 5 bits of exponent, so small gradients vanish: the loss is scaled (`scaler` is a GradScaler). bf16 has the
    range of float32 and needs none (`scaler` is None).

    Raises:
        ConfigError: this device cannot compute in that precision.
    """

    def __init__(self, config: PrecisionConfig, device: torch.device) -> None:
        self._dtype = _TYPES.get(config.mixed_precision)
        self._device = device
        if self._dtype is not None:
            _check(config.mixed_precision, self._dtype, device)
        self.scaler = GradScaler(device.type) if self._dtype is torch.float16 else None
        self._off = nullcontext()

    def autocast(self) -> AbstractContextManager[Any]:
        """The context for forward pass and loss; costs next to nothing when mixed precision is off."""
        if self._dtype is None:
            return self._off
        return torch.autocast(self._device.type, self._dtype)


def _check(name: str, dtype: torch.dtype, device: torch.device) -> None:
    """Raises ConfigError when the device cannot."""
    if not _able(dtype, device):
        other = "fp16" if dtype is torch.bfloat16 else "bf16"
        raise ConfigError([Problem("mixed_precision", (
            f"mixed_precision is {name!r}, which {_said(device)} cannot compute; use {other!r} or 'off'."))])


def _able(dtype: torch.dtype, device: torch.device) -> bool:
    if device.type == "cpu":
        return True
    if device.type == "cuda":
        return dtype is torch.float16 or torch.cuda.is_bf16_supported(including_emulation=False)
    try:  # the matrix product of a layer is what has to work
        x = torch.ones(2, 2, dtype=dtype, device=device, requires_grad=True)
        (x @ x).sum().backward()
    except (RuntimeError, TypeError):  # torch raises the one or the other, by device and type
        return False
    return True


def _said(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else f"the device {device.type!r}"
