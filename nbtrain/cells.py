"""Hearing that the cell which runs now has ended, and how."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import Any


def at_end_of_cell(then: Callable[[BaseException | None], None]) -> bool:
    """Call `then` once, with the error that ended the cell, or None. False where no cell runs in this thread."""
    shell = _shell()
    if shell is None or threading.current_thread() is not threading.main_thread():
        return False

    def ended(result: Any) -> None:
        shell.events.unregister("post_run_cell", ended)
        then(result.error_in_exec or result.error_before_exec)

    shell.events.register("post_run_cell", ended)
    return True


def in_ipython() -> bool:
    """Whether cells run in this process at all."""
    return _shell() is not None


def _shell() -> Any:
    """IPython is not loaded to find that there is none."""
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython is not None else None
