"""Tensors to and from a safetensors file, hashed while they are written and verified before they are used.

The writer is our own, not safetensors': it goes through the one module that writes files, needs no copy
of the tensors, and lets the trainer's thread run while it hashes and writes. The reader is safetensors',
on the very bytes that were verified.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
import safetensors
import safetensors.torch
import torch

from nbtrain.core.errors import CheckpointError
from nbtrain.store import atomic

#: The format's own names.
_NAMES: Mapping[torch.dtype, str] = MappingProxyType({
    torch.float64: "F64", torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16",
    torch.float8_e4m3fn: "F8_E4M3", torch.float8_e5m2: "F8_E5M2",
    torch.int64: "I64", torch.int32: "I32", torch.int16: "I16", torch.int8: "I8", torch.uint8: "U8",
    torch.bool: "BOOL",
})


def check(component: str, name: str, tensor: torch.Tensor) -> None:
    """Raises CheckpointError for a tensor that is sparse, quantised, or of a type that safetensors has no name for."""
    if tensor.layout is not torch.strided or tensor.dtype not in _NAMES:
        raise CheckpointError(
            f"{name} of the {component} cannot be saved: it is a {tensor.layout} tensor of {tensor.dtype}; "
            "make it a dense tensor of a common type.")


def identity(tensor: torch.Tensor) -> tuple[object, ...]:
    """What two names for one tensor (tied weights) have in common, and different tensors have not."""
    return tensor.data_ptr(), tensor.shape, tensor.stride(), tensor.dtype, tensor.device


def as_bytes(tensor: torch.Tensor) -> npt.NDArray[np.uint8]:
    """The memory of a contiguous CPU tensor of any type, not copied."""
    view: npt.NDArray[np.uint8] = tensor.detach().reshape(-1).view(torch.uint8).numpy()
    return view


def write(path: Path, tensors: Mapping[str, torch.Tensor]) -> tuple[int, str]:
    """Write a new file inside an `atomic.new_folder`; gives its size in bytes and its SHA-256.

    Raises:
        CheckpointError: as `check`.
        WorkspaceError: the file cannot be written.
    """
    return atomic.write_new(path, _chunks(path.stem, tensors))


def read(path: Path, size: int, digest: str) -> dict[str, torch.Tensor]:
    """The tensors of a file that must have this size and SHA-256, in CPU memory.

    Raises:
        CheckpointError: the file is missing, cut short or altered.
        WorkspaceError: the file cannot be read.
    """
    data = verified(path, size, digest)
    try:
        return safetensors.torch.load(data)
    except safetensors.SafetensorError as error:
        raise CheckpointError(f"{path.name} is not a safetensors file: {error}.") from error


def verified(path: Path, size: int, digest: str) -> bytes:
    """The bytes of a file that must have this size and SHA-256. Raises as `read`."""
    data = atomic.read_bytes(path)
    if len(data) != size:
        raise CheckpointError(f"{path.name} has {len(data)} bytes instead of {size}.")
    if sha256(data).hexdigest() != digest:
        raise CheckpointError(f"{path.name} was altered: its SHA-256 is not the one it was written with.")
    return data


def _chunks(component: str, tensors: Mapping[str, torch.Tensor]) -> Iterator[memoryview | bytes]:
    """The file in pieces: length of the header, header, and the tensors, widest type first so that all are aligned."""
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    start = 0
    for name, tensor in tensors.items():
        check(component, name, tensor)
    ordered = sorted(tensors.items(), key=lambda item: (-item[1].element_size(), item[0]))
    for name, tensor in ordered:
        end = start + tensor.numel() * tensor.element_size()
        header[name] = {"dtype": _NAMES[tensor.dtype], "shape": list(tensor.shape), "data_offsets": [start, end]}
        start = end
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    yield struct.pack("<Q", len(text)) + text
    for _, tensor in ordered:
        yield as_bytes(tensor.cpu().contiguous()).data
