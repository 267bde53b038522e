"""Why a ``for`` loop over a generator was left: by a ``break``, or by an exception in its body.

A generator hears of both in the same way, as GeneratorExit, and Python hides an exception on its way up from all code
that runs meanwhile. But it is an object, and its traceback holds the frame that it passes through: there it is found.
Until Python 3.11 only the traceback is an object by then.
"""

from __future__ import annotations

import dis
import gc
import sys
from types import FrameType, TracebackType
from typing import NamedTuple


class Passing(NamedTuple):
    """An exception on its way up. `error` is None where Python keeps it to itself (3.11)."""

    error: BaseException | None
    trace: TracebackType

    def is_(self, error: BaseException | None) -> bool:
        """Whether `error`, seen later, came through the same frame."""
        trace = None if error is None else error.__traceback__
        while trace is not None:
            if trace.tb_frame is self.trace.tb_frame:
                return True
            trace = trace.tb_next
        return False

    @property
    def place(self) -> str:
        """Where it was raised."""
        trace = self.trace
        while trace.tb_next is not None:
            trace = trace.tb_next
        return f"{trace.tb_frame.f_code.co_filename}, line {trace.tb_lineno}"


def passing(frame: FrameType | None) -> Passing | None:
    """What unwinds `frame`, which holds the iterator of a generator that is being closed; None for a ``break``.

    A generator around it (tqdm's, say) is closed first; then it is its own consumer's frame that counts.
    """
    while frame is not None:
        found = _unwinding(frame)
        if found is None or not _closes(found, frame):
            return found
        frame = frame.f_back
    return None


def _unwinding(frame: FrameType) -> Passing | None:
    """An exception that was raised, or passed, at the very instruction where the frame stands."""
    for trace in gc.get_referrers(frame):
        if type(trace) is TracebackType and trace.tb_frame is frame and trace.tb_lasti == frame.f_lasti:
            holders = (holder for holder in gc.get_referrers(trace) if issubclass(type(holder), BaseException))
            error = next((holder for holder in holders if holder.__traceback__ is trace), None)
            if error is not None or sys.version_info < (3, 12):
                return Passing(error, trace)
    return None


def _closes(found: Passing, frame: FrameType) -> bool:
    """Whether it is the GeneratorExit that closes a generator at its ``yield``."""
    if found.error is not None:
        return isinstance(found.error, GeneratorExit)
    code = frame.f_code.co_code
    return found.trace.tb_next is None and dis.opname[code[frame.f_lasti]] in {"YIELD_VALUE", "RESUME", "SEND"}
