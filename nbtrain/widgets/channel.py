"""Requests on the kernel's control channel, which is heard while a cell runs.

A comm message may wait until the running cell ends. So the browser sends each request twice; this is the
end of the second way. Works with ipykernel 6.31 and later; elsewhere (Colab, VS Code, no kernel) the comm
is all there is.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

REQUEST, REPLY = "nbtrain_request", "nbtrain_reply"

Deliver = Callable[[str, dict[str, Any]], None]


def install(deliver: Deliver) -> bool:
    """Have requests on the control channel of this process's kernel handed to `deliver`, with the widget's id.

    `deliver` is called in the control thread and must not raise. Returns False where there is no kernel with
    such a channel. Doing it again exchanges `deliver`.
    """
    running = kernel()
    handlers = getattr(running, "control_handlers", None)
    if running is None or handlers is None:
        return False

    async def on_request(stream: Any, ident: Any, parent: dict[str, Any]) -> None:
        content = parent.get("content")
        if isinstance(content, dict) and isinstance(content.get("widget"), str):
            deliver(content["widget"], content)
        running.session.send(stream, REPLY, {"status": "ok"}, parent=parent, ident=ident)

    handlers[REQUEST] = on_request
    return True


def kernel() -> Any:
    """The kernel that runs this process, or None. IPython is not loaded to find that there is none."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return getattr(shell, "kernel", None)
