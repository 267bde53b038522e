"""A short text that changes when the data does: a resume compares it with the checkpoint's."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader

from nbtrain.engine import nest
from nbtrain.engine.arrays import Arrays, prepare
from nbtrain.engine.rows import Rows

#: Data up to this size is hashed whole; of more, evenly spread pieces that make up as much.
WHOLE_BYTES = 256 << 20
_PIECE = 1 << 20


def fingerprint(data: Any) -> str:
    """``"blake2b:…"`` of every byte of data in memory, ``"blake2b-sampled:…"`` of pieces when it is large.

    A dataset or loader is not read for this: it gives its class and length, such as ``"ImageFolder:60000"``.
    """
    if isinstance(data, Rows):
        return data.fingerprint()
    if isinstance(data, DataLoader):
        data = data.dataset
    data = prepare(data)
    if not isinstance(data, Arrays):
        try:
            return f"{type(data).__qualname__}:{len(data)}"
        except TypeError:
            return f"{type(data).__qualname__}:stream"
    parts = nest.tensors((data.inputs, None if data.target is data.inputs else data.target))
    return of_tensors(parts, repr(data.classes))


def of_tensors(tensors: Iterable[Tensor], beside: str = "") -> str:
    """The same of tensors, and of a text beside them."""
    parts = list(tensors)
    share = min(1.0, WHOLE_BYTES / max(1, sum(t.nbytes for t in parts)))
    digest = hashlib.blake2b(beside.encode(), digest_size=16)
    for tensor in parts:
        digest.update(f"{tensor.dtype}{tuple(tensor.shape)}".encode())
        _feed(digest, tensor, share)
    return f"blake2b{'-sampled' * (share < 1)}:{digest.hexdigest()}"


def _feed(digest: Any, tensor: Tensor, share: float) -> None:
    flat = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8)
    if share == 1.0:
        digest.update(flat.numpy().data)
        return
    pieces = max(2, int(len(flat) * share / _PIECE))
    for start in torch.linspace(0, max(0, len(flat) - _PIECE), pieces).long().tolist():
        digest.update(flat[start : start + _PIECE].numpy().data)
