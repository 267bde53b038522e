"""Processes that read a dataset: how they start, and how what a notebook defines gets there."""

from __future__ import annotations

import io
import multiprocessing
import pickle
import signal
import sys
import threading
from collections import ChainMap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.context import BaseContext
from multiprocessing.reduction import ForkingPickler
from typing import Any, ClassVar

import cloudpickle
import torch.multiprocessing  # noqa: F401 - registers how tensors travel

_one_at_a_time = threading.Lock()


class Envelope:
    """An object that crosses to another process by value, also when a notebook defines its class.

    Plain pickle names a class by its module; the ``__main__`` of a worker does not have the notebook's. Tensors
    inside still travel as shared memory, as they do with torch's own pickler.
    """

    def __init__(self, content: Any) -> None:
        self.content = content

    def __reduce__(self) -> tuple[Callable[[bytes], Envelope], tuple[bytes]]:
        packed = io.BytesIO()
        _Pickler(packed).dump(self.content)
        return _open, (packed.getvalue(),)


class _Pickler(cloudpickle.Pickler):  # type: ignore[misc]  # cloudpickle has no types
    # Where torch registers how its tensors travel.
    dispatch_table: ClassVar = ChainMap(
        cloudpickle.Pickler.dispatch_table, ForkingPickler._extra_reducers)  # type: ignore[attr-defined]  # noqa: SLF001


def _open(packed: bytes) -> Envelope:
    return Envelope(pickle.loads(packed))  # noqa: S301 - from our own process, a moment ago


class Call:
    """A function in an envelope, to be called on the other side."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._envelope = Envelope(function)

    def __call__(self, *given: Any) -> Any:
        return self._envelope.content(*given)


class Arrival:
    """What a worker does first: ignore interrupts, which reach a kernel's whole process group; then the user's own."""

    def __init__(self, then: Callable[[int], None] | None) -> None:
        self._then = None if then is None else Call(then)

    def __call__(self, worker: int) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        if self._then is not None:
            self._then(worker)


def context() -> BaseContext:
    """How workers start: never by fork, which copies a process whose other threads hold locks.

    A fork server imports torch once for all workers; where there is none (Windows), they are spawned.
    """
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    server = multiprocessing.get_context("forkserver")
    server.set_forkserver_preload([__name__, "nbtrain.engine.replay"])
    return server


@contextmanager
def starting() -> Iterator[None]:
    """Start processes within: what would harm them is out of the way.

    An interrupt does not reach them before they can ignore it. And they do not import the program that was
    started: what it defines comes in envelopes, and a script that trains at its top level would train once more.
    """
    main: dict[str, Any] = vars(sys.modules["__main__"])
    with _one_at_a_time, _interrupts_held():
        hidden: dict[str, Any] = {name: main[name] for name in ("__file__", "__spec__") if name in main}
        main.pop("__file__", None)
        main["__spec__"] = None
        try:
            yield
        finally:
            main.update(hidden)


@contextmanager
def _interrupts_held() -> Iterator[None]:
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
