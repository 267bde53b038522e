"""Random numbers that are a function of (seed, step), and a turn for each run to draw them.

Dropout and noise draw from torch's global generators, which every thread of the kernel shares. So each
step seeds them from (seed, step) and keeps its turn until it is done: a run gives the same bits whether it
runs alone, beside another, or after a resume, and no generator state has to be saved.
"""

from __future__ import annotations

import hashlib
import threading
import time
from types import TracebackType

import torch

#: Reentrant: a metric of the user's may evaluate something on the way.
_turn = threading.RLock()
_counting = threading.Lock()
_waiting = 0


def stream_seed(seed: int, *place: int | str) -> int:
    """A 64-bit seed for one place of a run, e.g. ``stream_seed(seed, "validate", epoch, batch)``."""
    digest = hashlib.blake2b(repr((seed, *place)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little")


class Turn:
    """Context of one step: nobody else's step draws meanwhile. Reused, so that entering costs little."""

    def __init__(self, seed: int, device: torch.device) -> None:
        self._seed = seed
        self._generators = [torch.default_generator]
        if device.type == "cuda":
            torch.cuda.init()
            index: int | None = device.index  # None for a plain "cuda", whatever its type says
            self._generators.append(
                torch.cuda.default_generators[torch.cuda.current_device() if index is None else index])
        elif device.type == "mps":
            self._generators.append(torch.mps._get_default_mps_generator())  # noqa: SLF001 - torch has no public way
        self._place: tuple[int | str, ...] = ()

    def at(self, *place: int | str) -> Turn:
        self._place = place
        return self

    def __enter__(self) -> None:
        global _waiting  # noqa: PLW0603 - one count for all runs of the process
        place = self._place
        if not _turn.acquire(blocking=False):
            with _counting:
                _waiting += 1
            try:
                _turn.acquire()
            finally:
                with _counting:
                    _waiting -= 1
        try:
            seed = stream_seed(self._seed, *place)
            for generator in self._generators:
                generator.manual_seed(seed)
        except BaseException:  # a keyboard interrupt, when it is the user who evaluates
            _turn.release()
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None,
    ) -> None:
        _turn.release()
        if _waiting:
            time.sleep(5e-5)  # a lock that is taken again at once starves the others
