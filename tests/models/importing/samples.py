"""Files of models to import: sound ones, and what is wrong with others."""

from __future__ import annotations

import json
import os
import pickle
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np


def safetensors(
    path: Path, tensors: dict[str, Any] | None = None, metadata: dict[str, str] | None = None,
) -> Path:
    """A safetensors file of arrays, written by hand, so that it can be written wrong too."""
    if tensors is None:
        tensors = {"fc.weight": np.ones((3, 4), np.float32), "fc.bias": np.zeros(3, np.float32)}
    told: dict[str, Any] = {"__metadata__": metadata} if metadata else {}
    data = b""
    for name, array in tensors.items():
        kind = {"f4": "F32", "f8": "F64", "f2": "F16", "i8": "I64", "u2": "BF16", "u1": "F8_E5M2"}[array.dtype.str[1:]]
        told[name] = {"dtype": kind, "shape": list(array.shape), "data_offsets": [len(data), len(data) + array.nbytes]}
        data += array.tobytes()
    return raw(path, json.dumps(told).encode(), data)


def raw(path: Path, text: bytes, data: bytes, length: int | None = None) -> Path:
    path.write_bytes(struct.pack("<Q", len(text) if length is None else length) + text + data)
    return path


class Touch:
    """Unpickling it by Python's own means makes a file."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> Any:
        return os.system, (f"touch {self.canary}",)


def malicious(path: Path, canary: Path, protocol: int = 2) -> Path:
    path.write_bytes(pickle.dumps(Touch(canary), protocol=protocol))
    return path


def torch_archive(path: Path, pickled: bytes, **others: bytes) -> Path:
    """What torch.save writes, with a pickle of one's own."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("model/data.pkl", pickled)
        archive.writestr("model/byteorder", b"little")
        for name, data in others.items():
            archive.writestr(f"model/{name.replace('__', '/').replace('_dot_', '.')}", data)
        archive.writestr("model/version", b"3\n")
    return path


def zipped(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path
