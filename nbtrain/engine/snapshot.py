"""The state of a training at one step, copied out of the trainer's way."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from nbtrain.core.errors import CheckpointError
from nbtrain.engine import tensorfile

#: Bytes that a thread copies at a time, and how many such shares there must be for threads to pay.
_SHARE = 16 * 2**20
_MANY = 4
_THREADS = 4

Memory = npt.NDArray[np.uint8]

#: Component (``model``, ``optimizer``, ``ema``, …) → name → tensor.
Components = dict[str, dict[str, Tensor]]


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """Everything needed to go on after `step`: tensors by component, and `state`, which goes into JSON."""

    step: int
    components: Mapping[str, Mapping[str, Tensor]]
    state: Mapping[str, Any] = field(default_factory=dict)


def flatten(tree: Any) -> tuple[dict[str, Tensor], Any]:
    """Any nesting of dicts, lists and tuples, such as an optimizer's ``state_dict()``, as tensors by name, and JSON.

    In the JSON a tensor is ``{"$tensor": name}``, a tuple ``{"$tuple": [...]}``, and a dict whose keys are not
    all texts ``{"$items": [[key, value], …]}``. Nothing is copied.

    Raises:
        CheckpointError: something is neither of these nor a tensor, number, text or None.
    """
    tensors: dict[str, Tensor] = {}
    return tensors, _flat(tree, "", tensors)


def unflatten(tensors: Mapping[str, Tensor], tree: Any) -> Any:
    """The inverse of `flatten`. Raises CheckpointError for a tensor that is not there."""
    match tree:
        case {"$tensor": str(name)}:
            if name not in tensors:
                raise CheckpointError(f"The checkpoint has no tensor {name!r}, but its state refers to it.")
            return tensors[name]
        case {"$tuple": list(values)}:
            return tuple(unflatten(tensors, value) for value in values)
        case {"$items": list(items)}:
            return {key: unflatten(tensors, value) for key, value in items}
        case dict():
            return {key: unflatten(tensors, value) for key, value in tree.items()}
        case list():
            return [unflatten(tensors, value) for value in tree]
        case _:
            return tree


def _flat(value: Any, path: str, tensors: dict[str, Tensor]) -> Any:
    if isinstance(value, Tensor):
        name = path or "tensor"
        while name in tensors:  # {"a.b": …, "a": {"b": …}}
            name += "_"
        tensors[name] = value
        return {"$tensor": name}
    if value is None or type(value) in {bool, int, float, str}:
        return value
    inner = f"{path}." if path else ""
    if isinstance(value, Mapping):
        if all(type(key) is str and not key.startswith("$") for key in value):
            return {key: _flat(item, inner + key, tensors) for key, item in value.items()}
        if all(type(key) in {str, int, float, bool} for key in value):
            return {"$items": [[key, _flat(item, f"{inner}{key}", tensors)] for key, item in value.items()]}
    if type(value) in {list, tuple}:
        items = [_flat(item, f"{inner}{index}", tensors) for index, item in enumerate(value)]
        return items if type(value) is list else {"$tuple": items}
    raise CheckpointError(
        f"{path or 'The state'} is a {type(value).__name__}, which a checkpoint cannot hold: "
        "it may hold tensors, numbers, text, None, and dicts, lists and tuples of these.")


class SnapshotBuffer:
    """Memory that copies are taken into, used again and again, because touching fresh memory takes thrice as long.

    There are two slots, so that a copy can be taken while the one before is written; the second is only
    made when it is needed. Copies from CUDA go to pinned memory.
    """

    def __init__(self) -> None:
        self._slots = (_Slot(), _Slot())
        self._free = threading.Condition()
        self._copying = threading.Lock()

    def prepare(self, components: Mapping[str, Mapping[str, Tensor]]) -> None:
        """Make the room that `take` will need for such tensors, so that the first `take` is as quick as the others.

        Never waits: where a copy is being taken, or both slots are held, there is nothing left to prepare. The thread
        that releases the slots is the one that calls this.
        """
        if not self._copying.acquire(blocking=False):
            return
        try:
            free = next((slot for slot in self._slots if not slot.held), None)
            if free is not None:
                free.prepare(components)
        finally:
            self._copying.release()

    def take(self, components: Mapping[str, Mapping[str, Tensor]]) -> Components:
        """Copies of all tensors, valid until the next `take`, or while they are held.

        Names that share a tensor (tied weights) share its copy. Waits only while both slots are held.

        Raises:
            CheckpointError: a tensor is of a kind that cannot be saved.
        """
        with self._copying:
            return self._next().copy(components)

    def hold(self, components: Mapping[str, Mapping[str, Tensor]]) -> None:
        """Keep these copies, given by `take`, until `release`."""
        self._mark(components, held=True)

    def release(self, components: Mapping[str, Mapping[str, Tensor]]) -> None:
        """These copies may be overwritten."""
        self._mark(components, held=False)

    def _next(self) -> _Slot:
        with self._free:
            self._free.wait_for(lambda: not all(slot.held for slot in self._slots))
            return next(slot for slot in self._slots if not slot.held)

    def _mark(self, components: Mapping[str, Mapping[str, Tensor]], *, held: bool) -> None:
        with self._free:
            for slot in self._slots:
                if slot.components is components:
                    slot.held = held
            self._free.notify_all()


class _Slot:
    def __init__(self) -> None:
        self.held = False
        self.components: Components = {}

    def prepare(self, components: Mapping[str, Mapping[str, Tensor]]) -> None:
        self.components = {
            component: {name: _room(None, tensor, set()).zero_() for name, tensor in tensors.items()}
            for component, tensors in components.items()}

    def copy(self, components: Mapping[str, Mapping[str, Tensor]]) -> Components:
        before, self.components = self.components, {}
        copies: dict[tuple[object, ...], Tensor] = {}
        plain: list[tuple[Memory, Memory]] = []
        devices: set[torch.device] = set()
        used: set[int] = set()  # what was tied may have been untied since
        for component, tensors in components.items():
            old = before.get(component, {})
            taken = self.components[component] = {}
            for name, tensor in tensors.items():
                tensorfile.check(component, name, tensor)
                same = tensorfile.identity(tensor)
                copy = copies.get(same) if tensor.numel() else None
                if copy is None:
                    copy = copies[same] = _room(old.get(name), tensor, used)
                    used.add(id(copy))
                    if tensor.is_cpu and tensor.is_contiguous():
                        plain.append((tensorfile.as_bytes(copy), tensorfile.as_bytes(tensor)))
                    else:
                        copy.copy_(tensor.detach(), non_blocking=tensor.is_cuda)
                    if tensor.is_cuda:
                        devices.add(tensor.device)
                taken[name] = copy
        _copy_memory(plain)
        for device in devices:
            torch.cuda.current_stream(device).synchronize()
        return self.components


def _copy_memory(pairs: list[tuple[Memory, Memory]]) -> None:
    """Copy into the first of each pair the second: by memcpy, in a few threads where there is much.

    torch's own copy fills the caches for nothing, and where other work has the cores its threads wait for
    one another.
    """
    shares = list(_shares(pairs))
    if len(shares) < _MANY:
        for share in shares:
            _copy_share(share)
        return
    with ThreadPoolExecutor(min(_THREADS, os.cpu_count() or 1), "nbtrain-snapshot") as threads:
        for _ in threads.map(_copy_share, shares):
            pass


def _copy_share(share: list[tuple[Memory, Memory]]) -> None:
    for target, source in share:
        np.copyto(target, source)


def _shares(pairs: list[tuple[Memory, Memory]]) -> Iterator[list[tuple[Memory, Memory]]]:
    """The same memory in lots of about `_SHARE` bytes: large pieces cut, small ones together."""
    share: list[tuple[Memory, Memory]] = []
    size = 0
    for target, source in pairs:
        for start in range(0, target.nbytes, _SHARE):
            share.append((target[start:start + _SHARE], source[start:start + _SHARE]))
            size += share[-1][0].nbytes
            if size >= _SHARE:
                yield share
                share, size = [], 0
    yield share


def _room(old: Tensor | None, tensor: Tensor, used: set[int]) -> Tensor:
    """Memory for a copy: the one used before where it fits."""
    if old is not None and id(old) not in used and old.shape == tensor.shape and old.dtype == tensor.dtype:
        return old
    return torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=tensor.is_cuda)
